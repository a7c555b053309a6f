"""CloudTrail, source version 1.0. The queries of 2.0 are asked of the samples: `samples.py`."""

import datetime

from athena_queries.counting import by, distinct, number, said
from athena_queries.times import LAST_WEEK_1, MARCH_1, day, in_last_week, in_march


def moment(record):
    return datetime.datetime.fromisoformat(record["eventTime"])


def source(name):
    return lambda record: record["eventCategory"] == "Data" and record["eventSource"] == f"{name}.amazonaws.com"


def is_management(record):
    return record["eventCategory"] == "Management"


def queries(is_mine):
    """Queries that all three tables answer."""
    return [
        (
            "all of a day",
            f"SELECT count(*) AS events FROM TABLE WHERE {MARCH_1}",
            number(lambda record: is_mine(record) and in_march(moment(record))),
        ),
        (
            "operations of the last week",
            f"""SELECT api.service.name AS c0, api.operation AS c1, count(*) AS events FROM TABLE
                WHERE {LAST_WEEK_1} GROUP BY api.service.name, api.operation ORDER BY events DESC LIMIT 25""",
            by("eventSource", "eventName", where=lambda record: is_mine(record) and in_last_week(moment(record))),
        ),
        (
            "events by region, account and day",
            """SELECT region AS c0, accountid AS c1, eventday AS c2, count(*) AS events FROM TABLE
               WHERE eventday >= '20260301' GROUP BY region, accountid, eventday""",
            by("awsRegion", "recipientAccountId", lambda record: day(moment(record)), where=is_mine),
        ),
        (
            "unauthorised attempts",
            """SELECT actor.user.uuid AS c0, src_endpoint.ip AS c1, count(*) AS events FROM TABLE
               WHERE api.response.error IN ('Client.UnauthorizedOperation', 'AccessDenied', 'UnauthorizedOperation')
               GROUP BY actor.user.uuid, src_endpoint.ip""",
            by(
                "userIdentity.arn",
                "sourceIPAddress",
                where=lambda record: is_mine(record) and record.get("errorCode") == "AccessDenied",
            ),
        ),
        (
            "each event once, by its caller's account",
            """SELECT actor.user.account_uid AS c0, count(DISTINCT metadata.uid) AS events FROM TABLE
               GROUP BY actor.user.account_uid""",
            distinct("eventID", "userIdentity.accountId", where=is_mine),
        ),
        (
            "the hours of events",
            """SELECT date_format(from_unixtime(time / 1000), '%Y-%m-%d %H') AS c0, count(*) AS events FROM TABLE
               WHERE cloud.provider = 'AWS' GROUP BY 1 ORDER BY 1""",
            by(lambda record: moment(record).strftime("%Y-%m-%d %H"), where=is_mine),
        ),
    ]


def resources_of(kind, is_mine):
    return (
        "by resource",
        f"""SELECT resource.uid AS c0, count(*) AS events FROM TABLE CROSS JOIN UNNEST(resources) AS t(resource)
            WHERE resource.type = '{kind}' GROUP BY resource.uid""",
        by(
            "ARN",
            where=is_mine,
            of=lambda record: [entry for entry in record.get("resources", ()) if said(entry, "type") == kind],
        ),
    )


QUERIES = {
    "CLOUD_TRAIL_MGMT@1.0": [
        *queries(is_management),
        resources_of("AWS::S3::Bucket", is_management),
        (
            "failed sign-ins",
            """SELECT class_name AS c0, src_endpoint.ip AS c1, count(*) AS events FROM TABLE
               WHERE api.operation = 'ConsoleLogin' AND status = 'Failure' AND class_uid = 3002
               GROUP BY class_name, src_endpoint.ip""",
            by(
                lambda record: "Authentication",
                "sourceIPAddress",
                where=lambda record: said(record, "responseElements.ConsoleLogin") == "Failure",
            ),
        ),
        (
            "sign-ins without a second factor",
            "SELECT count(*) AS events FROM TABLE WHERE api.operation = 'ConsoleLogin' AND mfa = false",
            number(lambda record: said(record, "additionalEventData.MFAUsed") == "No" and is_management(record)),
        ),
        (
            "new users",
            """SELECT "user".name AS c0, count(*) AS events FROM TABLE
               WHERE api.operation = 'CreateUser' AND class_name = 'Account Change' GROUP BY 1""",
            by(
                "requestParameters.userName",
                where=lambda record: is_management(record) and record["eventName"] == "CreateUser",
            ),
        ),
    ],
    "S3_DATA@1.0": [
        *queries(source("s3")),
        resources_of("AWS::S3::Bucket", source("s3")),
        (
            "objects deleted",
            """SELECT unmapped['requestParameters.bucketName'] AS c0, count(*) AS events FROM TABLE
               WHERE api.operation IN ('DeleteObject', 'DeleteObjects') GROUP BY 1""",
            by(
                "requestParameters.bucketName",
                where=lambda record: source("s3")(record) and record["eventName"] == "DeleteObject",
            ),
        ),
    ],
    "LAMBDA_EXECUTION@1.0": [
        *queries(source("lambda")),
        resources_of("AWS::Lambda::Function", source("lambda")),
    ],
}
