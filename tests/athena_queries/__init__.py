"""Queries for Athena, in the manner of those that AWS publishes for Security Lake, and their right answers.

`TABLE` stands for database and table. Each query is a name, its SQL, and what counts the right answer from the raw
records; a fourth member names the only engine that has its functions.
"""

from athena_queries import cloudtrail, eks_audit, route53, security_hub, vpc_flow, waf

DUCKDB = "duckdb"

# By table; the records that the answers are counted from are those of the function that fills it.
QUERIES = {
    **{table: ("cloudtrail", found) for table, found in cloudtrail.QUERIES.items()},
    **{table: ("vpc-flow", found) for table, found in vpc_flow.QUERIES.items()},
    **{table: ("route53", found) for table, found in route53.QUERIES.items()},
    **{table: ("security-hub", found) for table, found in security_hub.QUERIES.items()},
    **{table: ("eks-audit", found) for table, found in eks_audit.QUERIES.items()},
    **{table: ("waf", found) for table, found in waf.QUERIES.items()},
}
