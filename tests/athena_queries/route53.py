"""Route 53 resolver query logs."""

import datetime

from athena_queries.counting import by, distinct, number, said
from athena_queries.times import LAST_WEEK, MARCH, day, in_last_week, in_march

RCODES = {"NOERROR": "NoError", "NXDOMAIN": "NXDomain", "SERVFAIL": "ServError"}
RCODE_IDS = {"NOERROR": 0, "NXDOMAIN": 3, "SERVFAIL": 2}


def moment(record):
    return datetime.datetime.fromisoformat(record["query_timestamp"])


def is_a(record):
    return record["query_type"] == "A"


def queries(version):
    account = {"1.0": "cloud.account_uid", "2.0": "cloud.account.uid"}[version]
    found = [
        (
            "all of a day",
            f"SELECT count(*) AS events FROM TABLE WHERE {MARCH[version]}",
            number(lambda record: in_march(moment(record))),
        ),
        (
            "domains of the last week",
            f"""SELECT query.hostname AS c0, query.type AS c1, count(*) AS events FROM TABLE
                WHERE {LAST_WEEK[version]} GROUP BY query.hostname, query.type ORDER BY events DESC LIMIT 25""",
            by("query_name", "query_type", where=lambda record: in_last_week(moment(record))),
        ),
        (
            "one partition",
            """SELECT region AS c0, accountid AS c1, eventday AS c2, count(*) AS events FROM TABLE
               WHERE region = 'eu-west-1' AND eventday >= '20260314' AND eventday <= '20260315'
               GROUP BY region, accountid, eventday""",
            by(
                "region",
                "account_id",
                lambda record: day(moment(record)),
                where=lambda record: (
                    record["region"] == "eu-west-1" and day(moment(record)) in ("20260314", "20260315")
                ),
            ),
        ),
        (
            "queries without an answer",
            f"""SELECT query.hostname AS c0, {account} AS c1, count(*) AS events FROM TABLE
                WHERE cardinality(answers) = 0 AND rcode = 'NoError' GROUP BY 1, 2""",
            by(
                "query_name",
                "account_id",
                where=lambda record: record["rcode"] == "NOERROR" and not record["answers"],
            ),
        ),
        (
            "domains that do not exist",
            "SELECT src_endpoint.ip AS c0, count(*) AS events FROM TABLE WHERE rcode = 'NXDomain' GROUP BY 1",
            by("srcaddr", where=lambda record: record["rcode"] == "NXDOMAIN"),
        ),
        (
            "codes of answers",
            "SELECT rcode AS c0, rcode_id AS c1, count(*) AS events FROM TABLE GROUP BY rcode, rcode_id",
            by(lambda record: RCODES[record["rcode"]], lambda record: RCODE_IDS[record["rcode"]]),
        ),
        (
            "what a name resolves to",
            """SELECT answer.rdata AS c0, answer.type AS c1, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(answers) AS st(answer)
               WHERE query.hostname = 'www.example.com.' GROUP BY answer.rdata, answer.type""",
            by(
                "Rdata",
                "Type",
                where=lambda record: record["query_name"] == "www.example.com.",
                of=lambda record: record["answers"],
            ),
        ),
        (
            "who asked for what resolves to an address",
            """SELECT src_endpoint.instance_uid AS c0, count(*) AS events FROM TABLE
               WHERE contains(transform(answers, answer -> answer.rdata), '2001:db8::1') GROUP BY 1""",
            by(
                "srcids.instance",
                where=lambda record: "2001:db8::1" in [answer["Rdata"] for answer in record["answers"]],
            ),
        ),
        (
            "instances that asked for a domain",
            """SELECT query.hostname AS c0,
               cardinality(array_distinct(filter(array_agg(src_endpoint.instance_uid), uid -> uid IS NOT NULL))) AS events
               FROM TABLE GROUP BY query.hostname""",
            distinct("srcids.instance", "query_name", where=lambda record: said(record, "srcids.instance")),
        ),
        (
            "top domains of address queries",
            """SELECT element_at(split(query.hostname, '.'), 2) AS c0, count(*) AS events FROM TABLE
               WHERE query.type = 'A' GROUP BY 1 ORDER BY events DESC""",
            by(lambda record: record["query_name"].split(".")[1], where=is_a),
        ),
        (
            "through an inbound endpoint",
            """SELECT dst_endpoint.instance_uid AS c0, connection_info.protocol_name AS c1, count(*) AS events
               FROM TABLE WHERE dst_endpoint.instance_uid LIKE 'rslvr-in-%' GROUP BY 1, 2""",
            by("srcids.resolver_endpoint", "transport", where=lambda record: said(record, "srcids.resolver_endpoint")),
        ),
        (
            "blocked by the DNS firewall",
            """SELECT query.hostname AS c0, src_endpoint.vpc_uid AS c1, count(*) AS events FROM TABLE
               WHERE disposition = 'Blocked' GROUP BY query.hostname, src_endpoint.vpc_uid""",
            by("query_name", "vpc_id", where=lambda record: record.get("firewall_rule_action") == "BLOCK"),
        ),
        (
            "domain lists of the DNS firewall",
            """SELECT unmapped['firewall_domain_list_id'] AS c0, count(*) AS events FROM TABLE
               WHERE unmapped['firewall_domain_list_id'] IS NOT NULL GROUP BY 1""",
            by("firewall_domain_list_id", where=lambda record: "firewall_domain_list_id" in record),
        ),
        (
            "the hours of queries",
            """SELECT date_format(from_unixtime(time / 1000), '%Y-%m-%d %H') AS c0, count(*) AS events
               FROM TABLE WHERE eventday < '20260401' GROUP BY 1 ORDER BY 1""",
            by(
                lambda record: moment(record).strftime("%Y-%m-%d %H"),
                where=lambda record: day(moment(record)) < "20260401",
            ),
        ),
    ]
    if version == "2.0":
        found += [
            (
                "rule groups of the DNS firewall",
                """SELECT firewall_rule.uid AS c0, action AS c1, count(*) AS events FROM TABLE
                   WHERE action = 'Denied' GROUP BY 1, 2""",
                by(
                    "firewall_rule_group_id",
                    lambda record: "Denied",
                    where=lambda record: record.get("firewall_rule_action") == "BLOCK",
                ),
            ),
            (
                "domains seen, by their observables",
                """SELECT count(*) AS events FROM TABLE CROSS JOIN UNNEST(observables) AS t(seen)
                   WHERE seen.type = 'Hostname' AND seen.value = 'bad.example.net.' AND seen.name = 'query.hostname'""",
                number(lambda record: record["query_name"] == "bad.example.net."),
            ),
        ]
    return found


QUERIES = {f"ROUTE53@{version}": queries(version) for version in ("1.0", "2.0")}
