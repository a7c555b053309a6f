"""The everyday traffic between which the story of `story.py` happens: reads, deployments, services at work, and
the data events of S3 and Lambda."""

from shapes import BOTO, GLOBAL, SDK, Caller, Dice, resource, role_arn, spoken, unique_id

PARTNER = "123456789012"

# What people and tools read all day: service, call, requestParameters ({account} and {region} are filled in).
READS = [
    ("ec2", "DescribeInstances", {"maxResults": 100, "instancesSet": {}, "filterSet": {"items": [{"name": "tag:Team", "valueSet": {"items": [{"value": "web"}]}}]}}),
    ("ec2", "DescribeSecurityGroups", {"securityGroupSet": {}, "securityGroupIdSet": {}, "filterSet": {}}),
    ("ec2", "DescribeVpcs", {"vpcSet": {}, "filterSet": {}}),
    ("ec2", "DescribeSubnets", {"subnetSet": {}, "filterSet": {"items": [{"name": "vpc-id", "valueSet": {"items": [{"value": "vpc-0example0000000001"}]}}]}}),
    ("ec2", "DescribeVolumes", {"volumeSet": {}, "filterSet": {}}),
    ("ec2", "DescribeRegions", {"regionSet": {}}),
    ("rds", "DescribeDBInstances", {"maxRecords": 100}),
    ("iam", "ListUsers", None),
    ("iam", "GetUser", {"userName": "alex"}),
    ("iam", "ListRoles", {"maxItems": 1000}),
    ("iam", "GetRole", {"roleName": "app-server"}),
    ("iam", "ListAttachedRolePolicies", {"roleName": "deploy"}),
    ("iam", "GetAccountSummary", None),
    ("iam", "GenerateCredentialReport", None),
    ("s3", "ListBuckets", {"Host": "s3.{region}.amazonaws.com"}),
    ("s3", "GetBucketPolicy", {"bucketName": "example-app-data-{account}", "Host": "example-app-data-{account}.s3.{region}.amazonaws.com", "policy": ""}),
    ("s3", "GetBucketEncryption", {"bucketName": "example-reports-{account}", "Host": "example-reports-{account}.s3.{region}.amazonaws.com", "encryption": ""}),
    ("cloudtrail", "DescribeTrails", {"trailNameList": [], "includeShadowTrails": False}),
    ("cloudtrail", "GetTrailStatus", {"name": "arn:aws:cloudtrail:us-east-1:{account}:trail/samples-trail"}),
    ("cloudtrail", "LookupEvents", {"maxResults": 50, "lookupAttributes": [{"attributeKey": "EventName", "attributeValue": "ConsoleLogin"}]}),
    ("logs", "DescribeLogGroups", {"limit": 50}),
    ("lambda", "ListFunctions20150331", None),
    ("lambda", "GetFunction20150331v2", {"functionName": "report"}),
    ("kms", "DescribeKey", {"keyId": "alias/app"}),
    ("sts", "GetCallerIdentity", None),
    ("ssm", "DescribeInstanceInformation", {"filters": [{"key": "PingStatus", "values": ["Online"]}]}),
    ("ssm", "GetParameter", {"name": "/app/feature-flags", "withDecryption": True}),
    ("secretsmanager", "DescribeSecret", {"secretId": "app/database"}),
    ("elasticloadbalancing", "DescribeLoadBalancers", {"pageSize": 20}),
    ("cloudformation", "DescribeStacks", {"stackName": "app"}),
    ("cloudformation", "ListStacks", None),
    ("monitoring", "DescribeAlarms", {"maxRecords": 100}),
    ("health", "DescribeEventAggregates", {"aggregateField": "eventTypeCategory", "filter": {"eventStatusCodes": ["open", "upcoming"], "startTimes": [{"from": "Mar 7, 2026, 9:00:00 AM"}]}}),
    ("sqs", "GetQueueAttributes", {"queueUrl": "https://sqs.{region}.amazonaws.com/{account}/jobs", "attributeNames": ["All"]}),
    ("dynamodb", "DescribeTable", {"tableName": "orders"}),
    ("config", "DescribeConfigurationRecorders", None),
    ("access-analyzer", "ListFindings", {"analyzerArn": "arn:aws:access-analyzer:{region}:{account}:analyzer/account"}),
]  # fmt: skip

API_VERSIONS = {"logs": "20140328", "kms": ..., "elasticloadbalancing": "2015-12-01", "dynamodb": "2012-08-10"}


def fill(value, **names):
    """`value` with {account} and {region} replaced in every text."""
    if isinstance(value, str):
        return value.replace("{account}", names["account"]).replace("{region}", names["region"])
    if isinstance(value, dict):
        return {key: fill(inner, **names) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, **names) for inner in value]
    return value


def instance(log, number):
    """ARN of one of the account's instances."""
    return f"arn:aws:ec2:{log.region}:{log.account}:instance/i-0{Dice('instance', log.account, number).hex(16)}"


def app_server(log, number=1):
    """The application's role on an instance, behind a VPC endpoint."""
    arn = instance(log, number)
    return log.role(
        "app-server", arn.rpartition("/")[2], f"192.0.2.{10 + number}", SDK, issued_to=arn,
        endpoint="vpce-0" + Dice("vpce", log.account, log.region).hex(16),
    )  # fmt: skip


def report_function(log):
    """The role of the function `report`."""
    arn = f"arn:aws:lambda:{log.region}:{log.account}:function:report"
    return log.role("report-function", "report", "192.0.2.70", BOTO, path="/service-role/", issued_to=arn)


def deploy(log, run="gh-run-4711"):
    """The deployment role, federated from a GitHub workflow."""
    provider = f"arn:aws:iam::{log.account}:oidc-provider/token.actions.githubusercontent.com"
    return log.role("deploy", run, "203.0.113.20", SDK, web=provider)


def reads(log, callers, count):
    """`count` reading calls by the given callers in turn."""
    possible = [read for read in READS if log.region == "us-east-1" or read[0] not in GLOBAL]
    for number in range(count):
        service, name, request = log.dice.pick(possible)
        more = {"apiVersion": API_VERSIONS[service]} if service in API_VERSIONS else {}
        if service == "s3":
            more["additionalEventData"] = s3_details(log, read_out=log.dice.number(200, 900))
            more["requestID"] = log.dice.letters(16, "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        if service == "sts":
            more["additionalEventData"] = {"RequestDetails": {"awsServingRegion": log.region, "endpointType": "regional"}}
        request = fill(request, account=log.account, region=log.region)
        log.add(log.sometime(), service, name, callers[number % len(callers)], request, None, True, **more)


def writes(log):
    """A deployment: a stack, a function, instances and what surrounds them."""
    who, moment, account, region = deploy(log), log.sometime, log.account, log.region
    stack = f"arn:aws:cloudformation:{region}:{account}:stack/app/{log.dice.uuid()}"
    log.add(moment(), "cloudformation", "CreateChangeSet", who,
        {"stackName": "app", "changeSetName": "release-42", "capabilities": ["CAPABILITY_NAMED_IAM"], "parameters": [{"parameterKey": "Size", "parameterValue": "small"}]},
        {"id": stack.replace(":stack/", ":changeSet/"), "stackId": stack})  # fmt: skip
    log.add(moment(), "cloudformation", "ExecuteChangeSet", who, {"stackName": stack, "changeSetName": "release-42"})
    for_stack = log.role("deploy", "gh-run-4711", "", via="cloudformation.amazonaws.com")
    function = f"arn:aws:lambda:{region}:{account}:function:report"
    log.add(moment(), "lambda", "UpdateFunctionCode20150331v2", for_stack,
        {"functionName": "report", "s3Bucket": f"example-artifacts-{account}", "s3Key": "report/42.zip", "publish": False, "dryRun": False},
        {"functionName": "report", "functionArn": function, "runtime": "provided.al2023", "codeSize": 4194304, "timeout": 60, "memorySize": 512, "lastModified": "2026-03-14T09:02:11.000+0000", "version": "$LATEST", "environment": {}, "architectures": ["arm64"], "packageType": "Zip", "state": "Active"})  # fmt: skip
    log.add(moment(), "ecr", "PutImage", who,
        {"registryId": account, "repositoryName": "app", "imageTag": "42", "imageManifest": '{\n   "schemaVersion": 2,\n   "mediaType": "application/vnd.oci.image.manifest.v1+json"\n}'},
        {"image": {"registryId": account, "repositoryName": "app", "imageId": {"imageDigest": "sha256:" + log.dice.hex(64), "imageTag": "42"}}},
        resources=[resource("AWS::ECR::Repository", f"arn:aws:ecr:{region}:{account}:repository/app", account)])  # fmt: skip
    new = instance(log, log.dice.number(10, 99)).rpartition("/")[2]
    scaling = log.role("AWSServiceRoleForAutoScaling", "AutoScaling", "", path="/aws-service-role/autoscaling.amazonaws.com/", via="autoscaling.amazonaws.com")  # fmt: skip
    log.add(moment(), "ec2", "RunInstances", scaling,
        {"instancesSet": {"items": [{"imageId": "ami-0" + log.dice.hex(16), "minCount": 1, "maxCount": 1}]}, "instanceType": "t4g.small", "monitoring": {"enabled": False}, "disableApiTermination": False, "clientToken": log.dice.uuid(), "launchTemplate": {"launchTemplateId": "lt-0" + log.dice.hex(16), "version": "7"}},
        {"requestId": log.dice.uuid(), "reservationId": "r-0" + log.dice.hex(16), "ownerId": account, "groupSet": {}, "instancesSet": {"items": [{"instanceId": new, "imageId": "ami-0example", "instanceState": {"code": 0, "name": "pending"}, "amiLaunchIndex": 0, "placement": {"availabilityZone": region + "a", "tenancy": "default"}, "privateIpAddress": "192.0.2.41", "sourceDestCheck": True, "cpuOptions": {"coreCount": 2, "threadsPerCore": 1}}]}, "requesterId": "940372691376EXAMPLE"})  # fmt: skip
    log.add(moment(), "ec2", "CreateTags", who,
        {"resourcesSet": {"items": [{"resourceId": new}]}, "tagSet": {"items": [{"key": "Besitzer", "value": "Grüße aus dem Keller – naïve café"}, {"key": "名前", "value": "アプリ・サーバー 🚀"}, {"key": "path", "value": 'C:\\app\\"current"\tv42'}]}},
        {"requestId": log.dice.uuid(), "_return": True})  # fmt: skip
    log.add(moment(), "ec2", "TerminateInstances", scaling, {"instancesSet": {"items": [{"instanceId": new}]}},
        {"requestId": log.dice.uuid(), "instancesSet": {"items": [{"instanceId": new, "currentState": {"code": 32, "name": "shutting-down"}, "previousState": {"code": 16, "name": "running"}}]}})  # fmt: skip
    log.add(moment(), "ec2", "AuthorizeSecurityGroupIngress", who,
        {"groupId": "sg-0" + log.dice.hex(16), "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "groups": {}, "ipRanges": {"items": [{"cidrIp": "198.51.100.0/24"}]}, "ipv6Ranges": {"items": [{"cidrIpv6": "2001:db8::/32"}]}, "prefixListIds": {}}]}},
        {"requestId": log.dice.uuid(), "_return": True})  # fmt: skip
    log.add(moment(), "logs", "CreateLogStream", report_function(log),
        {"logGroupName": "/aws/lambda/report", "logStreamName": f"{log.delivered:%Y/%m/%d}/[$LATEST]{log.dice.hex(32)}"}, apiVersion="20140328")  # fmt: skip
    log.add(moment(), "ssm", "PutParameter", who, {"name": "/app/feature-flags", "type": "SecureString", "value": "***", "overwrite": True}, {"version": log.dice.number(2, 90), "tier": "Standard"})  # fmt: skip
    log.add(moment(), "events", "PutRule", who, {"name": "nightly-report", "scheduleExpression": "cron(0 3 * * ? *)", "state": "ENABLED"}, {"ruleArn": f"arn:aws:events:{region}:{account}:rule/nightly-report"})  # fmt: skip
    log.add(moment(), "ec2", "DescribeInstances", who, {"instancesSet": {"items": [{"instanceId": "i-0ffffffffffffffff"}]}, "filterSet": {}}, None, True,
        errorCode="Client.InvalidInstanceID.NotFound", errorMessage="The instance ID 'i-0ffffffffffffffff' does not exist")  # fmt: skip


def services(log, count):
    """`count` calls that AWS services make: KMS for their customers, roles that they take on, trail delivery."""
    account, region = log.account, log.region
    key = f"arn:aws:kms:{region}:{account}:key/{Dice('key', account, region).uuid()}"
    key_resource = [resource("AWS::KMS::Key", key, account)]
    for number in range(count):
        moment, turn = log.sometime(), number % 6
        if turn == 0:
            trail_object = f"arn:aws:s3:::example-trail-logs-444455556666/AWSLogs/{account}/CloudTrail/{region}/{log.delivered:%Y/%m/%d}/{log.dice.hex(8)}.json.gz"
            log.add(moment, "kms", "GenerateDataKey", log.service("cloudtrail.amazonaws.com"),
                {"encryptionContext": {"aws:cloudtrail:arn": f"arn:aws:cloudtrail:us-east-1:{account}:trail/samples-trail", "aws:s3:arn": trail_object}, "keyId": key, "keySpec": "AES_256"},
                None, True, resources=key_resource, sharedEventID=log.dice.uuid())  # fmt: skip
        elif turn == 1:
            who = app_server(log)
            who = Caller({**who.identity, "invokedBy": "secretsmanager.amazonaws.com"}, "secretsmanager.amazonaws.com", "secretsmanager.amazonaws.com", tls=False)
            secret = f"arn:aws:secretsmanager:{region}:{account}:secret:app/database-EXAMPL"
            log.add(moment, "kms", "Decrypt", who,
                {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {"SecretARN": secret, "SecretVersionId": log.dice.uuid()}},
                None, True, resources=key_resource, additionalEventData={"keyMaterialId": log.dice.hex(64)})  # fmt: skip
        elif turn == 2:
            log.add(moment, "kms", "Decrypt", log.service("lambda.amazonaws.com"),
                {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {"aws:lambda:FunctionArn": f"arn:aws:lambda:{region}:{account}:function:report"}},
                None, True, resources=key_resource, sharedEventID=log.dice.uuid())  # fmt: skip
        elif turn == 3:
            assume_by_service(log, moment, "lambda.amazonaws.com", "report-function", "report", path="/service-role/")
        elif turn == 4:
            log.add(moment, "s3", "GetBucketAcl", log.service("cloudtrail.amazonaws.com"),
                {"bucketName": f"example-app-data-{account}", "Host": f"example-app-data-{account}.s3.{region}.amazonaws.com", "acl": ""},
                None, True, additionalEventData=s3_details(log, read_out=568), sharedEventID=log.dice.uuid(),
                requestID=log.dice.letters(16), resources=[resource("AWS::S3::Bucket", f"arn:aws:s3:::example-app-data-{account}", account)])  # fmt: skip
        else:
            assume_by_service(log, moment, "ec2.amazonaws.com", "app-server", instance(log, number).rpartition("/")[2])


def assume_by_service(log, moment, host, role, session, path="/"):
    """A service takes on a role for what it runs."""
    arn = role_arn(log.account, role, path)
    log.add(moment, "sts", "AssumeRole", log.service(host), {"roleArn": arn, "roleSessionName": session},
        {"credentials": log.credentials(moment, log.account, role, session, hours=6)}, True,
        resources=[resource("AWS::IAM::Role", arn, log.account)], sharedEventID=log.dice.uuid())  # fmt: skip


def s3_details(log, read_in=0, read_out=0):
    """additionalEventData of S3. Sizes come as whole numbers and as fractions, as in real files."""
    if log.dice.number(0, 3) == 0:
        read_in, read_out = float(read_in), float(read_out)
    return {
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": read_in,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": log.dice.letters(52, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") + "EXAMPLEEXAMPLEEXAMPLE==",
        "bytesTransferredOut": read_out,
    }


OBJECT_KEYS = [
    "orders/2026/03/14/part-0001.parquet", "orders/2026/03/14/part-0002.parquet", "invoices/0042.pdf",
    "uploads/Résumé – final (2).docx", "uploads/写真/花火 🎆.jpg", "exports/a+b c%20d.csv", 'notes/"quoted"\\back.txt',
]  # fmt: skip


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
    s3_event(log, moment, "GetObject", who, f"example-reports-{log.account}", "shared/2026-03.csv", sharedEventID=Dice("shared", "partner", log.account).uuid())


def invocations(log, count):
    """`count` data events of Lambda: by schedules, by the application, by people."""
    function = f"arn:aws:lambda:{log.region}:{log.account}:function:"
    for number in range(count):
        name = ("report", "thumbnail", "report-générateur")[number % 3]
        request = {"functionName": function + name, "invocationType": ("Event", "RequestResponse")[number % 2], "sourceArn": f"arn:aws:events:{log.region}:{log.account}:rule/nightly-report"}
        who, more = log.service("events.amazonaws.com"), {"sharedEventID": log.dice.uuid()}
        if number % 3 == 1:
            del request["sourceArn"]
            request["qualifier"] = "$LATEST"
            who, more = app_server(log), {}
        if number % 7 == 5:
            more["errorCode"] = "TooManyRequestsException"
            more["errorMessage"] = "Rate Exceeded."
        log.add(log.sometime(), "lambda", "Invoke", who, request, None,
            additionalEventData={"functionVersion": function + name + ":$LATEST"},
            resources=[resource("AWS::Lambda::Function", function + name, log.account)],
            managementEvent=False, eventCategory="Data", **more)  # fmt: skip


def other_data(log, moment, service, name, who, request, read, kind, arn, **more):
    """A data event of a service that is no source of the lake."""
    log.add(moment, service, name, who, request, None, read, resources=[resource(kind, arn, log.account)], managementEvent=False, eventCategory="Data", **more)


def network_activity(log, moment, service, name, **more):
    """A call that passed a VPC endpoint, as the endpoint's owner is told of it."""
    who = app_server(log)
    who = Caller(who.identity, who.ip, who.agent, tls=False, endpoint=who.endpoint)
    gone = dict.fromkeys(("userAgent", "requestParameters", "responseElements", "readOnly", "managementEvent"), ...)
    log.add(moment, service, name, who, eventType="AwsVpceEvent", eventCategory="NetworkActivity", sharedEventID=log.dice.uuid(), **{**gone, **more})


def insight(log, moment, state, service="iam", name="ListUsers"):
    """CloudTrail's notice of an unusual rate of calls."""
    caller = log.role("data-export", "job-17", "203.0.113.77")
    gone = "userIdentity sourceIPAddress userAgent requestParameters responseElements requestID readOnly managementEvent eventSource eventName tlsDetails".split()
    statistics = {"baseline": {"average": 0.0020833333}, "insight": {"average": 1.2}, "insightDuration": 9, "baselineDuration": 10080}
    attributions = [{"attribute": "userIdentityArn", "insight": [{"value": caller.arn, "average": 1.2}], "baseline": [{"value": "arn:aws:iam::" + log.account + ":user/alex", "average": 0.0020833333}]}]
    return log.add(moment, service, name, caller, **dict.fromkeys(gone, ...), eventVersion="1.08", eventType="AwsCloudTrailInsight", eventCategory="Insight",
        sharedEventID=Dice("shared", "insight", log.account).uuid(),
        insightDetails={"state": state, "eventSource": f"{service}.amazonaws.com", "eventName": name, "insightType": "ApiCallRateInsight", "insightContext": {"statistics": statistics, "attributions": attributions}})  # fmt: skip


def created(moment, account, kind, name, path="/"):
    """What IAM answers about a new user or role."""
    prefix = {"user": "AIDA", "role": "AROA"}[kind]
    return {
        "path": path,
        f"{kind}Name": name,
        f"{kind}Id": unique_id(prefix, account, name),
        "arn": f"arn:aws:iam::{account}:{kind}{path}{name}",
        "createDate": spoken(moment),
    }
