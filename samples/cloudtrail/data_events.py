"""Data events of S3 and Lambda, and the records that no table of the lake takes."""

from datetime import timedelta

from cloudtrail.shapes import BOTO, INTRUDER, PARTNER, Caller, Dice, resource, unique_id
from cloudtrail.traffic import app_server, report_function, s3_details

OBJECT_KEYS = [
    "orders/2026/03/14/part-0001.parquet",
    "orders/2026/03/14/part-0002.parquet",
    "invoices/0042.pdf",
    "uploads/Résumé – final (2).docx",
    "uploads/写真/花火 🎆.jpg",
    "exports/a+b c%20d.csv",
    'notes/"quoted"\\back.txt',
]


def s3_event(log, moment, name, who, bucket, key, **more):
    """A data event of an S3 object."""
    bucket_arn, read = f"arn:aws:s3:::{bucket}", name in ("GetObject", "HeadObject", "ListObjects")
    host = f"{bucket}.s3.{log.region}.amazonaws.com"
    request = {"bucketName": bucket, "Host": host, "key": key}
    size, response, details = log.dice.number(128, 9_000_000), None, None
    if name == "ListObjects":
        request = {"list-type": "2", "bucketName": bucket, "Host": host, "prefix": key, "max-keys": "1000"}
        details = s3_details(log, read_out=size % 9000)
        touched = [{"type": "AWS::S3::Object", "ARNPrefix": f"{bucket_arn}/{key}"}]
    else:
        details = s3_details(log, size if name == "PutObject" else 0, size if name == "GetObject" else 0)
        touched = [resource("AWS::S3::Object", f"{bucket_arn}/{key}")]
    if name == "PutObject" and "errorCode" not in more:
        details = {"SignatureVersion": details["SignatureVersion"], "SSEApplied": "SSE_S3", **details}
        response = {"x-amz-server-side-encryption": "AES256", "x-amz-version-id": log.dice.letters(32)}
    members = {
        "additionalEventData": details,
        "requestID": log.dice.letters(16, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
        "resources": [*touched, resource("AWS::S3::Bucket", bucket_arn, log.account)],
        "managementEvent": False,
        "eventCategory": "Data",
        "host": host,
    }
    return log.add(moment, "s3", name, who, request, response, read, **{**members, **more})


def objects(log, count):
    """`count` everyday data events of S3."""
    data, reports = f"example-app-data-{log.account}", f"example-reports-{log.account}"
    for number in range(count):
        who = (app_server(log, 1 + number % 3), report_function(log))[number % 4 == 3]
        name = ("GetObject", "PutObject", "GetObject", "PutObject", "HeadObject", "ListObjects", "GetObject", "DeleteObject")[number % 8]
        key = "orders/2026/" if name == "ListObjects" else log.dice.pick(OBJECT_KEYS)
        more = {}
        if number % 12 == 6:
            more = {"errorCode": "NoSuchKey", "errorMessage": "The specified key does not exist."}
        s3_event(log, log.sometime(), name, who, reports if number % 5 == 4 else data, key, **more)


def partner_read(log, moment):
    """Another account reads a shared object: its caller is known by id only."""
    identity = {"type": "AWSAccount", "principalId": unique_id("AROA", PARTNER, "partner-sync") + ":nightly", "accountId": PARTNER}
    who = Caller(identity, "203.0.113.140", BOTO)
    s3_event(
        log,
        moment,
        "GetObject",
        who,
        f"example-reports-{log.account}",
        "shared/2026-03.csv",
        sharedEventID=Dice("shared", "partner", log.account).uuid(),
    )


def invocations(log, count):
    """`count` data events of Lambda: by schedules, by the application, by people."""
    function = f"arn:aws:lambda:{log.region}:{log.account}:function:"
    for number in range(count):
        name = ("report", "thumbnail", "report-générateur")[number % 3]
        request = {
            "functionName": function + name,
            "invocationType": ("Event", "RequestResponse")[number % 2],
            "sourceArn": f"arn:aws:events:{log.region}:{log.account}:rule/nightly-report",
        }
        who, more = log.service("events.amazonaws.com"), {"sharedEventID": log.dice.uuid()}
        if number % 3 == 1:
            del request["sourceArn"]
            request["qualifier"] = "$LATEST"
            who, more = app_server(log), {}
        if number % 7 == 5:
            more["errorCode"] = "TooManyRequestsException"
            more["errorMessage"] = "Rate Exceeded."
        log.add(
            log.sometime(),
            "lambda",
            "Invoke",
            who,
            request,
            None,
            additionalEventData={"functionVersion": function + name + ":$LATEST"},
            resources=[resource("AWS::Lambda::Function", function + name, log.account)],
            managementEvent=False,
            eventCategory="Data",
            **more,
        )


def other_data(log, moment, service, name, who, request, read, kind, arn, **more):
    """A data event of a service that is no source of the lake."""
    log.add(
        moment,
        service,
        name,
        who,
        request,
        None,
        read,
        resources=[resource(kind, arn, log.account)],
        managementEvent=False,
        eventCategory="Data",
        **more,
    )


def network_activity(log, moment, service, name, **more):
    """A call that passed a VPC endpoint, as the endpoint's owner is told of it."""
    who = app_server(log)
    who = Caller(who.identity, who.ip, who.agent, tls=False, endpoint=who.endpoint)
    gone = dict.fromkeys(("userAgent", "requestParameters", "responseElements", "readOnly", "managementEvent"), ...)
    log.add(
        moment,
        service,
        name,
        who,
        eventType="AwsVpceEvent",
        eventCategory="NetworkActivity",
        sharedEventID=log.dice.uuid(),
        **{**gone, **more},
    )


def insight(log, moment, state, service="iam", name="ListUsers"):
    """CloudTrail's notice of an unusual rate of calls."""
    caller = log.role("data-export", "job-17", INTRUDER)
    gone = (
        "userIdentity sourceIPAddress userAgent requestParameters responseElements requestID readOnly managementEvent "
        "eventSource eventName tlsDetails"
    ).split()
    statistics = {"baseline": {"average": 0.0020833333}, "insight": {"average": 1.2}, "insightDuration": 9, "baselineDuration": 10080}
    attributions = [
        {
            "attribute": "userIdentityArn",
            "insight": [{"value": caller.arn, "average": 1.2}],
            "baseline": [{"value": "arn:aws:iam::" + log.account + ":user/alex", "average": 0.0020833333}],
        }
    ]
    return log.add(
        moment,
        service,
        name,
        caller,
        **dict.fromkeys(gone, ...),
        eventVersion="1.08",
        eventType="AwsCloudTrailInsight",
        eventCategory="Insight",
        sharedEventID=Dice("shared", "insight", log.account).uuid(),
        insightDetails={
            "state": state,
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "insightType": "ApiCallRateInsight",
            "insightContext": {"statistics": statistics, "attributions": attributions},
        },
    )


def other_sources(log):
    """Records that no table of the lake takes."""
    who, table = app_server(log), f"arn:aws:dynamodb:{log.region}:{log.account}:table/orders"
    other_data(
        log,
        log.sometime(),
        "dynamodb",
        "PutItem",
        who,
        {"tableName": "orders", "key": {"id": "42"}, "items": ["id", "total"]},
        False,
        "AWS::DynamoDB::Table",
        table,
        apiVersion="2012-08-10",
    )
    other_data(
        log,
        log.sometime(),
        "dynamodb",
        "GetItem",
        who,
        {"tableName": "orders", "key": {"id": "43"}, "consistentRead": False},
        True,
        "AWS::DynamoDB::Table",
        table,
        apiVersion="2012-08-10",
    )
    # A refusal that counts nowhere: its record is no source.
    other_data(
        log,
        log.sometime(),
        "dynamodb",
        "Scan",
        who,
        {"tableName": "orders"},
        True,
        "AWS::DynamoDB::Table",
        table,
        apiVersion="2012-08-10",
        errorCode="AccessDeniedException",
        errorMessage=f"User: {who.arn} is not authorized to perform: dynamodb:Scan on resource: {table}",
    )
    topic = f"arn:aws:sns:{log.region}:{log.account}:alerts"
    other_data(
        log,
        log.sometime(),
        "sns",
        "Publish",
        who,
        {"topicArn": topic, "message": "HIDDEN_DUE_TO_SECURITY_REASONS"},
        False,
        "AWS::SNS::Topic",
        topic,
    )
    # The event source of the first two is one that data events may have, too: only the category tells.
    network_activity(log, log.sometime(), "s3", "ListBuckets")
    network_activity(log, log.sometime(), "lambda", "Invoke")
    network_activity(
        log,
        log.sometime(),
        "kms",
        "Decrypt",
        errorCode="VpceAccessDenied",
        errorMessage="The request was denied due to a VPC endpoint policy",
    )


def copied_out(log, first, count):
    """Objects leave through the role `data-export`; the last ones are deleted."""
    who = log.role("data-export", "job-17", INTRUDER, BOTO)
    for number in range(count):
        name = "DeleteObject" if number >= count - 4 else "GetObject"
        moment = log.at(first) + timedelta(seconds=number * 17)
        s3_event(log, moment, name, who, f"example-reports-{log.account}", f"customers/2026/export-{number:03}.csv")


def anonymous(log, count):
    """Nobody's requests to a bucket that is not public: a caller without an ARN."""
    who = Caller({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}, "198.51.100.200", "[curl/8.12.1]")
    for _ in range(count):
        s3_event(
            log,
            log.sometime(),
            "GetObject",
            who,
            f"example-app-data-{log.account}",
            ".env",
            errorCode="AccessDenied",
            errorMessage="Access Denied",
        )
