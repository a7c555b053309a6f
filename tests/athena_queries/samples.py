"""CloudTrail 2.0, asked of the repository's samples; what is right stands in `samples/EXPECTED.json` or is counted."""

import json

from athena_queries.counting import by, columns, number, said, value
from lake_cli import SAMPLES

QUESTIONS = json.loads((SAMPLES / "EXPECTED.json").read_text())["questions"]
REFUSALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation")
IN_MARCH = "time_dt BETWEEN TIMESTAMP '2026-03-14 00:00:00' AND TIMESTAMP '2026-03-16 00:00:00'"


def expected(question, *members):
    """What `EXPECTED.json` says."""
    return lambda _: [columns(entry[member] for member in members) | {"events": entry["count"]} for entry in question]


def day(record):
    return said(record, "eventTime")[:10].replace("-", "")


def resources(record):
    return said(record, "resources") or []


def arn(resource):
    return said(resource, "ARN") or said(resource, "ARNPrefix")


def is_read(record):
    return said(record, "eventName").startswith(("Get", "List", "Head"))


def bytes_out(records):
    gets = [entry for entry in records if said(entry, "eventName") == "GetObject" and not said(entry, "errorCode")]
    return [{"events": sum(float(said(entry, "additionalEventData.bytesTransferredOut") or 0) for entry in gets)}]


def last_event(records):
    return [{"c0": said(max(records, key=value("eventTime")), "eventID"), "events": len(records)}]


ALL = ("all of a time", f"SELECT count(*) AS events FROM TABLE WHERE {IN_MARCH}", number())

QUERIES = {
    "CLOUD_TRAIL_MGMT": [
        ALL,
        (
            "unauthorised attempts",
            f"""SELECT actor.user.uid AS c0, count(*) AS events FROM TABLE
                WHERE {IN_MARCH} AND api.response.error IN {REFUSALS}
                GROUP BY actor.user.uid ORDER BY count(*) DESC LIMIT 25""",
            by("userIdentity.arn", where=lambda record: said(record, "errorCode") in REFUSALS),
        ),
        (
            "events by region, account and day",
            """SELECT region AS c0, accountid AS c1, eventday AS c2, count(*) AS events FROM TABLE
               GROUP BY region, accountid, eventday""",
            by("awsRegion", "recipientAccountId", day),
        ),
        (
            "one partition",
            """SELECT count(*) AS events FROM TABLE
               WHERE region = 'us-east-1' AND accountid = '111122223333' AND eventday = '20260315'""",
            number(
                lambda record: (
                    said(record, "awsRegion") == "us-east-1"
                    and said(record, "recipientAccountId") == "111122223333"
                    and day(record) == "20260315"
                )
            ),
        ),
        (
            "activity of root",
            f"""SELECT api.operation AS c0, count(*) AS events FROM TABLE
                WHERE {IN_MARCH} AND actor.user.type = 'Root' GROUP BY api.operation ORDER BY events DESC""",
            expected(QUESTIONS["root_use"], "event_name"),
        ),
        (
            "failed sign-ins",
            """SELECT actor.user.name AS c0, src_endpoint.ip AS c1, count(*) AS events FROM TABLE
               WHERE class_name = 'Authentication' AND api.operation = 'ConsoleLogin' AND status = 'Failure'
               GROUP BY actor.user.name, src_endpoint.ip""",
            expected(QUESTIONS["failed_sign_ins"], "user_name", "source_ip"),
        ),
        (
            "roles assumed",
            """SELECT COALESCE(actor.user.uid, actor.invoked_by, actor.user.uid_alt) AS c0, "user".uid AS c1,
               count(*) AS events FROM TABLE
               WHERE api.operation LIKE 'AssumeRole%' AND api.response.error IS NULL GROUP BY 1, 2""",
            expected(QUESTIONS["assumed_roles"], "caller", "role_arn"),
        ),
        (
            "sign-ins without a second factor",
            """SELECT count(*) AS events FROM TABLE
               WHERE api.operation = 'ConsoleLogin' AND status = 'Success' AND is_mfa = false""",
            number(
                lambda record: (
                    said(record, "responseElements.ConsoleLogin") == "Success"
                    and said(record, "additionalEventData.MFAUsed") == "No"
                )
            ),
        ),
        (
            "what an address did, by its observables",
            """SELECT count(DISTINCT metadata.uid) AS events FROM TABLE CROSS JOIN UNNEST(observables) AS t(seen)
               WHERE seen.value = '203.0.113.77' AND seen.type = 'IP Address'""",
            number(lambda record: said(record, "sourceIPAddress") == "203.0.113.77"),
        ),
        (
            "a member of the request",
            """SELECT json_extract_scalar(api.request.data, '$.userName') AS c0, count(*) AS events FROM TABLE
               WHERE api.service.name = 'iam.amazonaws.com'
               AND json_extract_scalar(api.request.data, '$.userName') IS NOT NULL GROUP BY 1""",
            by(
                "requestParameters.userName",
                where=lambda record: (
                    said(record, "eventSource") == "iam.amazonaws.com" and said(record, "requestParameters.userName")
                ),
            ),
        ),
        (
            "what is not mapped",
            """SELECT unmapped['recipientAccountId'] AS c0, count(*) AS events FROM TABLE
               WHERE unmapped['readOnly'] = 'false' GROUP BY 1""",
            by("recipientAccountId", where=lambda record: said(record, "readOnly") is False),
        ),
        (
            "the hours of a day",
            """SELECT date_format(date_trunc('hour', time_dt), '%Y-%m-%d %H') AS c0, count(*) AS events
               FROM TABLE GROUP BY 1 ORDER BY 1""",
            by(lambda record: said(record, "eventTime")[:13].replace("T", " ")),
        ),
        (
            "time in milliseconds",
            """SELECT count(*) AS events FROM TABLE
               WHERE from_unixtime(CAST(time / 1000 AS bigint)) >= TIMESTAMP '2026-03-15 00:00:00'""",
            number(lambda record: day(record) >= "20260315"),
        ),
    ],
    "S3_DATA": [
        ALL,
        (
            "objects deleted",
            f"""SELECT count(*) AS events FROM TABLE
                WHERE {IN_MARCH} AND api.operation IN ('DeleteObject', 'DeleteObjects')""",
            number(lambda record: said(record, "eventName") in ("DeleteObject", "DeleteObjects")),
        ),
        (
            "operations by caller",
            """SELECT actor.user.uid AS c0, api.operation AS c1, count(*) AS events FROM TABLE
               GROUP BY actor.user.uid, api.operation""",
            by("userIdentity.arn", "eventName"),
        ),
        (
            "refused",
            f"""SELECT actor.user.uid AS c0, count(*) AS events FROM TABLE
                WHERE api.response.error IN {REFUSALS} GROUP BY 1""",
            expected(QUESTIONS["denied_callers"]["S3_DATA"], "caller_arn"),
        ),
        (
            "by bucket",
            """SELECT resource.uid AS c0, count(*) AS events FROM TABLE CROSS JOIN UNNEST(resources) AS t(resource)
               WHERE resource.type = 'AWS::S3::Bucket' GROUP BY resource.uid""",
            by(
                "ARN",
                of=lambda record: [entry for entry in resources(record) if said(entry, "type") == "AWS::S3::Bucket"],
            ),
        ),
        (
            "bytes out",
            """SELECT sum(CAST(unmapped['additionalEventData.bytesTransferredOut'] AS double)) AS events FROM TABLE
               WHERE api.operation = 'GetObject' AND status = 'Success'""",
            bytes_out,
        ),
        (
            "the bucket of a request",
            """SELECT json_extract_scalar(api.request.data, '$.bucketName') AS c0, count(*) AS events FROM TABLE
               WHERE activity_name = 'Read' AND accountid = '111122223333' GROUP BY 1""",
            by(
                "requestParameters.bucketName",
                where=lambda record: said(record, "recipientAccountId") == "111122223333" and is_read(record),
            ),
        ),
    ],
    "LAMBDA_EXECUTION": [
        ALL,
        (
            "by function",
            """SELECT resource.uid AS c0, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(resources) AS t(resource) GROUP BY resource.uid""",
            by(arn, of=resources),
        ),
        (
            "by caller",
            "SELECT COALESCE(actor.user.uid, actor.invoked_by) AS c0, count(*) AS events FROM TABLE GROUP BY 1",
            by(lambda record: said(record, "userIdentity.arn") or said(record, "userIdentity.invokedBy")),
        ),
        (
            "by region and day",
            """SELECT region AS c0, eventday AS c1, count(*) AS events FROM TABLE
               WHERE eventday >= '20260314' GROUP BY region, eventday""",
            by("awsRegion", day),
        ),
        (
            "a service as the source",
            """SELECT src_endpoint.domain AS c0, count(*) AS events FROM TABLE
               WHERE src_endpoint.ip IS NULL GROUP BY 1""",
            by("sourceIPAddress", where=lambda record: said(record, "sourceIPAddress").endswith(".amazonaws.com")),
        ),
        (
            "successes and failures",
            """SELECT status AS c0, count(*) AS events FROM TABLE
               WHERE class_uid = 6003 AND category_name = 'Application Activity' GROUP BY status""",
            by(lambda record: "Failure" if said(record, "errorCode") else "Success"),
        ),
        (
            "the last event",
            """SELECT max_by(metadata.uid, time) AS c0, count(*) AS events FROM TABLE
               WHERE lower(metadata.product.name) = 'cloudtrail'""",
            last_event,
        ),
    ],
}
