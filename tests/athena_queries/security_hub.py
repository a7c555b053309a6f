"""Security Hub findings."""

import datetime

from athena_queries.counting import by, number, said
from athena_queries.times import LAST_WEEK, MARCH, day, in_last_week, in_march

SEVERITIES = {"INFORMATIONAL": 1, "LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}


def moment(record):
    """A finding is of the time of its last change."""
    return datetime.datetime.fromisoformat(record["UpdatedAt"])


def severity(record):
    return record["Severity"]["Label"].capitalize()


def severity_id(record):
    return SEVERITIES[record["Severity"]["Label"]]


def resources(record):
    return record["Resources"]


def packages(record):
    return [package for found in record.get("Vulnerabilities", ()) for package in found["VulnerablePackages"]]


COMMON = [
    (
        "all by severity",
        "SELECT severity AS c0, severity_id AS c1, count(*) AS events FROM TABLE GROUP BY severity, severity_id",
        by(severity, severity_id),
    ),
    (
        "one partition",
        """SELECT region AS c0, accountid AS c1, eventday AS c2, count(*) AS events FROM TABLE
           WHERE accountid = '444455556666' AND eventday >= '20260301' AND eventday <= '20260331'
           GROUP BY region, accountid, eventday""",
        by(
            "Region",
            "AwsAccountId",
            lambda record: day(moment(record)),
            where=lambda record: record["AwsAccountId"] == "444455556666" and day(moment(record)) < "20260401"
            and day(moment(record)) >= "20260301",
        ),
    ),
    (
        "failed controls",
        """SELECT compliance.status AS c0, count(*) AS events FROM TABLE
           WHERE compliance.status IS NOT NULL GROUP BY compliance.status""",
        by("Compliance.Status", where=lambda record: "Compliance" in record),
    ),
    (
        "what is not mapped",
        """SELECT unmapped['RecordState'] AS c0, count(*) AS events FROM TABLE
           WHERE unmapped['RecordState'] IS NOT NULL GROUP BY 1""",
        by("RecordState"),
    ),
]


RESOURCES = [
    (
        "findings on instances",
        """SELECT entry.uid AS c0, count(*) AS events FROM TABLE
           CROSS JOIN UNNEST(resources) AS st(entry) WHERE entry.type = 'AwsEc2Instance'
           GROUP BY entry.uid ORDER BY events DESC""",
        by("Id", of=lambda record: [entry for entry in resources(record) if entry["Type"] == "AwsEc2Instance"]),
    ),
    (
        "labels of resources",
        """SELECT count(*) AS events FROM TABLE CROSS JOIN UNNEST(resources) AS st(entry)
           WHERE contains(entry.labels, 'team=blue')""",
        number(),
    ),
]


def queries_1():
    return [
        *COMMON,
        *RESOURCES,
        (
            "all of a day",
            f"SELECT count(*) AS events FROM TABLE WHERE {MARCH['1.0']}",
            number(lambda record: in_march(moment(record))),
        ),
        (
            "severe findings of the last week",
            f"""SELECT finding.title AS c0, severity AS c1, count(*) AS events FROM TABLE
                WHERE {LAST_WEEK["1.0"]} AND severity_id >= 3 GROUP BY finding.title, severity LIMIT 25""",
            by("Title", severity, where=lambda r: severity_id(r) >= 3 and in_last_week(moment(r))),
        ),
        (
            "findings that came twice",
            "SELECT finding.uid AS c0, count(*) AS events FROM TABLE GROUP BY finding.uid HAVING count(*) > 1",
            lambda records: [row for row in by("Id")(records) if row["events"] > 1],
        ),
        (
            "products",
            """SELECT metadata.product.name AS c0, metadata.product.feature.name AS c1, count(*) AS events FROM TABLE
               GROUP BY metadata.product.name, metadata.product.feature.name""",
            by(lambda record: "Security Hub", "ProductName"),
        ),
        (
            "vulnerable packages",
            """SELECT package.name AS c0, vulnerability.cve.uid AS c1, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(vulnerabilities) AS t(vulnerability)
               CROSS JOIN UNNEST(vulnerability.packages) AS u(package) GROUP BY 1, 2""",
            by(
                lambda found: found["VulnerablePackages"][0]["Name"],
                "Id",
                of=lambda record: record.get("Vulnerabilities", ()),
            ),
        ),
        (
            "states",
            "SELECT state AS c0, count(*) AS events FROM TABLE WHERE state_id IN (1, 2, 3, 4) GROUP BY state",
            by(
                lambda record: {
                    "NEW": "New",
                    "NOTIFIED": "In Progress",
                    "RESOLVED": "Resolved",
                    "SUPPRESSED": "Suppressed",
                }[record["Workflow"]["Status"]]
            ),
        ),
        (
            "when they were seen first",
            """SELECT date_format(from_unixtime(finding.first_seen_time / 1000), '%Y-%m-%d') AS c0,
               count(*) AS events FROM TABLE GROUP BY 1""",
            by(lambda record: record["FirstObservedAt"][:10]),
        ),
    ]


def queries_2():
    return [
        *COMMON,
        (
            "all of a day",
            f"SELECT count(*) AS events FROM TABLE WHERE {MARCH['2.0']}",
            number(lambda record: in_march(moment(record))),
        ),
        (
            "new findings of the last week from a severity on",
            f"""SELECT finding_info.title AS c0, severity_id AS c1, count(*) AS events FROM TABLE
                WHERE {LAST_WEEK["2.0"]} AND severity_id >= 3 AND status = 'New'
                GROUP BY finding_info.title, severity_id LIMIT 25""",
            by(
                "Title",
                severity_id,
                where=lambda record: (
                    severity_id(record) >= 3
                    and in_last_week(moment(record))
                    and record["Workflow"]["Status"] == "NEW"
                ),
            ),
        ),
        (
            "each finding once",
            f"""SELECT finding_info.uid AS c0, ARBITRARY(region) AS c1, ARBITRARY(accountid) AS c2, count(*) AS events
                FROM TABLE WHERE {LAST_WEEK["2.0"]} GROUP BY finding_info.uid""",
            by("Id", "Region", "AwsAccountId", where=lambda record: in_last_week(moment(record))),
        ),
        (
            "all that are not informational",
            """SELECT class_name AS c0, count(*) AS events FROM TABLE
               WHERE severity != 'Informational' AND class_uid IN (2002, 2003, 2004) GROUP BY class_name""",
            by(class_name, where=lambda record: severity_id(record) > 1),
        ),
        (
            "products",
            """SELECT metadata.product.name AS c0, metadata.product.vendor_name AS c1, count(*) AS events FROM TABLE
               GROUP BY metadata.product.name, metadata.product.vendor_name""",
            by("ProductName", "CompanyName"),
        ),
        (
            "scores from 1 on",
            """SELECT vulnerability.cve.uid AS c0, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(vulnerabilities) AS t(vulnerability)
               CROSS JOIN UNNEST(vulnerability.cve.cvss) AS u(score)
               WHERE score.base_score > 1.0 AND vulnerabilities IS NOT NULL GROUP BY vulnerability.cve.uid""",
            by("Id", of=lambda record: record.get("Vulnerabilities", ())),
        ),
        (
            "vulnerable packages",
            """SELECT package.name AS c0, package.version AS c1, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(vulnerabilities) AS t(vulnerability)
               CROSS JOIN UNNEST(vulnerability.affected_packages) AS u(package) GROUP BY 1, 2""",
            by("Name", "Version", of=packages),
        ),
        (
            "findings that changed",
            """SELECT activity_name AS c0, count(*) AS events FROM TABLE
               WHERE finding_info.modified_time_dt > finding_info.created_time_dt GROUP BY activity_name""",
            by(lambda record: "Update", where=lambda record: record["UpdatedAt"] > record["CreatedAt"]),
        ),
        (
            "types of resources",
            """SELECT resource.type AS c0, resource.uid AS c1, count(*) AS events FROM TABLE
               WHERE resource.type IS NOT NULL GROUP BY resource.type, resource.uid ORDER BY count(*) DESC""",
            by(
                lambda record: record["Resources"][0]["Type"],
                lambda record: record["Resources"][0]["Id"],
                where=lambda record: class_name(record) != "Detection Finding",
            ),
        ),
        (
            "resources of detections",
            """SELECT entry.type AS c0, entry.uid AS c1, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(resources) AS t(entry) GROUP BY entry.type, entry.uid""",
            by("Type", "Id", where=lambda record: class_name(record) == "Detection Finding", of=resources),
        ),
        (
            "detections and what to read of them",
            """SELECT finding_info.src_url AS c0, count(*) AS events FROM TABLE
               WHERE class_uid = 2004 AND finding_info.src_url IS NOT NULL GROUP BY 1""",
            by("SourceUrl", where=lambda record: record["ProductName"] == "GuardDuty"),
        ),
        (
            "controls and their remedy",
            """SELECT remediation.desc AS c0, count(*) AS events FROM TABLE
               WHERE class_name = 'Compliance Finding' AND compliance.status = 'FAILED' GROUP BY 1""",
            by(
                "Remediation.Recommendation.Text",
                where=lambda record: said(record, "Compliance.Status") == "FAILED",
            ),
        ),
    ]


def class_name(record):
    if record["ProductName"] == "Security Hub":
        return "Compliance Finding"
    return "Vulnerability Finding" if "Vulnerabilities" in record else "Detection Finding"


QUERIES = {"SH_FINDINGS@1.0": queries_1(), "SH_FINDINGS@2.0": queries_2()}
