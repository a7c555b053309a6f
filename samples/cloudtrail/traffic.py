"""The everyday management traffic between which the story happens: reads, deployments, services at work."""

from datetime import timedelta

from cloudtrail.shapes import BOTO, GLOBAL, SDK, Caller, Dice, resource, role_arn

# What people and tools read all day: service, call, requestParameters ({account} and {region} are filled in).
READS = [
    (
        "ec2",
        "DescribeInstances",
        {"maxResults": 100, "instancesSet": {}, "filterSet": {"items": [{"name": "tag:Team", "valueSet": {"items": [{"value": "web"}]}}]}},
    ),
    ("ec2", "DescribeSecurityGroups", {"securityGroupSet": {}, "securityGroupIdSet": {}, "filterSet": {}}),
    ("ec2", "DescribeVpcs", {"vpcSet": {}, "filterSet": {}}),
    (
        "ec2",
        "DescribeSubnets",
        {"subnetSet": {}, "filterSet": {"items": [{"name": "vpc-id", "valueSet": {"items": [{"value": "vpc-0example0000000001"}]}}]}},
    ),
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
    (
        "s3",
        "GetBucketPolicy",
        {"bucketName": "example-app-data-{account}", "Host": "example-app-data-{account}.s3.{region}.amazonaws.com", "policy": ""},
    ),
    (
        "s3",
        "GetBucketEncryption",
        {"bucketName": "example-reports-{account}", "Host": "example-reports-{account}.s3.{region}.amazonaws.com", "encryption": ""},
    ),
    ("cloudtrail", "DescribeTrails", {"trailNameList": [], "includeShadowTrails": False}),
    ("cloudtrail", "GetTrailStatus", {"name": "arn:aws:cloudtrail:us-east-1:{account}:trail/samples-trail"}),
    (
        "cloudtrail",
        "LookupEvents",
        {"maxResults": 50, "lookupAttributes": [{"attributeKey": "EventName", "attributeValue": "ConsoleLogin"}]},
    ),
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
    (
        "health",
        "DescribeEventAggregates",
        {
            "aggregateField": "eventTypeCategory",
            "filter": {"eventStatusCodes": ["open", "upcoming"], "startTimes": [{"from": "Mar 7, 2026, 9:00:00 AM"}]},
        },
    ),
    ("sqs", "GetQueueAttributes", {"queueUrl": "https://sqs.{region}.amazonaws.com/{account}/jobs", "attributeNames": ["All"]}),
    ("dynamodb", "DescribeTable", {"tableName": "orders"}),
    ("config", "DescribeConfigurationRecorders", None),
    ("access-analyzer", "ListFindings", {"analyzerArn": "arn:aws:access-analyzer:{region}:{account}:analyzer/account"}),
]

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
    return f"arn:aws:ec2:{log.region}:{log.account}:instance/i-0{Dice('instance', log.account, log.region, number).hex(16)}"


def app_server(log, number=1):
    """The application's role on an instance, behind a VPC endpoint."""
    arn = instance(log, number)
    return log.role(
        "app-server",
        arn.rpartition("/")[2],
        f"192.0.2.{10 + number}",
        SDK,
        issued_to=arn,
        endpoint="vpce-0" + Dice("vpce", log.account, log.region).hex(16),
    )


def report_function(log):
    """The role of the function `report`."""
    arn = f"arn:aws:lambda:{log.region}:{log.account}:function:report"
    return log.role("report-function", "report", "192.0.2.70", BOTO, path="/service-role/", issued_to=arn)


def deploy(log, run):
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


def writes(log, run):
    """A deployment: a stack, a function, instances and what surrounds them."""
    who, moment, account, region = deploy(log, run), log.sometime, log.account, log.region
    stack = f"arn:aws:cloudformation:{region}:{account}:stack/app/{log.dice.uuid()}"
    log.add(
        moment(),
        "cloudformation",
        "CreateChangeSet",
        who,
        {
            "stackName": "app",
            "changeSetName": "release-42",
            "capabilities": ["CAPABILITY_NAMED_IAM"],
            "parameters": [{"parameterKey": "Size", "parameterValue": "small"}],
        },
        {"id": stack.replace(":stack/", ":changeSet/"), "stackId": stack},
    )
    log.add(moment(), "cloudformation", "ExecuteChangeSet", who, {"stackName": stack, "changeSetName": "release-42"})
    for_stack = log.role("deploy", run, "", via="cloudformation.amazonaws.com")
    function = f"arn:aws:lambda:{region}:{account}:function:report"
    log.add(
        moment(),
        "lambda",
        "UpdateFunctionCode20150331v2",
        for_stack,
        {"functionName": "report", "s3Bucket": f"example-artifacts-{account}", "s3Key": "report/42.zip", "publish": False, "dryRun": False},
        {
            "functionName": "report",
            "functionArn": function,
            "runtime": "provided.al2023",
            "codeSize": 4194304,
            "timeout": 60,
            "memorySize": 512,
            "lastModified": "2026-03-14T09:02:11.000+0000",
            "version": "$LATEST",
            "environment": {},
            "architectures": ["arm64"],
            "packageType": "Zip",
            "state": "Active",
        },
    )
    log.add(
        moment(),
        "ecr",
        "PutImage",
        who,
        {
            "registryId": account,
            "repositoryName": "app",
            "imageTag": "42",
            "imageManifest": '{\n   "schemaVersion": 2,\n   "mediaType": "application/vnd.oci.image.manifest.v1+json"\n}',
        },
        {
            "image": {
                "registryId": account,
                "repositoryName": "app",
                "imageId": {"imageDigest": "sha256:" + log.dice.hex(64), "imageTag": "42"},
            }
        },
        resources=[resource("AWS::ECR::Repository", f"arn:aws:ecr:{region}:{account}:repository/app", account)],
    )
    new = instance(log, log.dice.number(10, 99)).rpartition("/")[2]
    scaling = log.role(
        "AWSServiceRoleForAutoScaling",
        "AutoScaling",
        "",
        path="/aws-service-role/autoscaling.amazonaws.com/",
        via="autoscaling.amazonaws.com",
    )
    log.add(
        moment(),
        "ec2",
        "RunInstances",
        scaling,
        {
            "instancesSet": {"items": [{"imageId": "ami-0" + log.dice.hex(16), "minCount": 1, "maxCount": 1}]},
            "instanceType": "t4g.small",
            "monitoring": {"enabled": False},
            "disableApiTermination": False,
            "clientToken": log.dice.uuid(),
            "launchTemplate": {"launchTemplateId": "lt-0" + log.dice.hex(16), "version": "7"},
        },
        {
            "requestId": log.dice.uuid(),
            "reservationId": "r-0" + log.dice.hex(16),
            "ownerId": account,
            "groupSet": {},
            "instancesSet": {
                "items": [
                    {
                        "instanceId": new,
                        "imageId": "ami-0example",
                        "instanceState": {"code": 0, "name": "pending"},
                        "amiLaunchIndex": 0,
                        "placement": {"availabilityZone": region + "a", "tenancy": "default"},
                        "privateIpAddress": "192.0.2.41",
                        "sourceDestCheck": True,
                        "cpuOptions": {"coreCount": 2, "threadsPerCore": 1},
                    }
                ]
            },
        },
    )
    log.add(
        moment(),
        "ec2",
        "CreateTags",
        who,
        {
            "resourcesSet": {"items": [{"resourceId": new}]},
            "tagSet": {
                "items": [
                    {"key": "Besitzer", "value": "Grüße aus dem Keller – naïve café"},
                    {"key": "名前", "value": "アプリ・サーバー 🚀"},
                    {"key": "path", "value": 'C:\\app\\"current"\tv42'},
                ]
            },
        },
        {"requestId": log.dice.uuid(), "_return": True},
    )
    log.add(
        moment(),
        "ec2",
        "TerminateInstances",
        scaling,
        {"instancesSet": {"items": [{"instanceId": new}]}},
        {
            "requestId": log.dice.uuid(),
            "instancesSet": {
                "items": [
                    {
                        "instanceId": new,
                        "currentState": {"code": 32, "name": "shutting-down"},
                        "previousState": {"code": 16, "name": "running"},
                    }
                ]
            },
        },
    )
    log.add(
        moment(),
        "ec2",
        "AuthorizeSecurityGroupIngress",
        who,
        {
            "groupId": "sg-0" + log.dice.hex(16),
            "ipPermissions": {
                "items": [
                    {
                        "ipProtocol": "tcp",
                        "fromPort": 443,
                        "toPort": 443,
                        "groups": {},
                        "ipRanges": {"items": [{"cidrIp": "198.51.100.0/24"}]},
                        "ipv6Ranges": {"items": [{"cidrIpv6": "2001:db8::/32"}]},
                        "prefixListIds": {},
                    }
                ]
            },
        },
        {"requestId": log.dice.uuid(), "_return": True},
    )
    log.add(
        moment(),
        "logs",
        "CreateLogStream",
        report_function(log),
        {"logGroupName": "/aws/lambda/report", "logStreamName": f"{log.delivered:%Y/%m/%d}/[$LATEST]{log.dice.hex(32)}"},
        apiVersion="20140328",
    )
    log.add(
        moment(),
        "ssm",
        "PutParameter",
        who,
        {"name": "/app/feature-flags", "type": "SecureString", "value": "***", "overwrite": True},
        {"version": log.dice.number(2, 90), "tier": "Standard"},
    )
    log.add(
        moment(),
        "events",
        "PutRule",
        who,
        {"name": "nightly-report", "scheduleExpression": "cron(0 3 * * ? *)", "state": "ENABLED"},
        {"ruleArn": f"arn:aws:events:{region}:{account}:rule/nightly-report"},
    )
    log.add(
        moment(),
        "ec2",
        "DescribeInstances",
        who,
        {"instancesSet": {"items": [{"instanceId": "i-0ffffffffffffffff"}]}, "filterSet": {}},
        None,
        True,
        errorCode="Client.InvalidInstanceID.NotFound",
        errorMessage="The instance ID 'i-0ffffffffffffffff' does not exist",
    )


def services(log, count):
    """`count` calls that AWS services make: KMS for their customers, roles that they take on, trail delivery."""
    account, region = log.account, log.region
    key = f"arn:aws:kms:{region}:{account}:key/{Dice('key', account, region).uuid()}"
    key_resource = [resource("AWS::KMS::Key", key, account)]
    for number in range(count):
        moment, turn = log.sometime(), number % 6
        if turn == 0:
            trail_bucket = "arn:aws:s3:::example-trail-logs-444455556666"
            trail_object = f"{trail_bucket}/AWSLogs/{account}/CloudTrail/{region}/{log.delivered:%Y/%m/%d}/{log.dice.hex(8)}.json.gz"
            log.add(
                moment,
                "kms",
                "GenerateDataKey",
                log.service("cloudtrail.amazonaws.com"),
                {
                    "encryptionContext": {
                        "aws:cloudtrail:arn": f"arn:aws:cloudtrail:us-east-1:{account}:trail/samples-trail",
                        "aws:s3:arn": trail_object,
                    },
                    "keyId": key,
                    "keySpec": "AES_256",
                },
                None,
                True,
                resources=key_resource,
                sharedEventID=log.dice.uuid(),
            )
        elif turn == 1:
            who = app_server(log)
            who = Caller(
                {**who.identity, "invokedBy": "secretsmanager.amazonaws.com"},
                "secretsmanager.amazonaws.com",
                "secretsmanager.amazonaws.com",
                tls=False,
            )
            secret = f"arn:aws:secretsmanager:{region}:{account}:secret:app/database-EXAMPL"
            log.add(
                moment,
                "kms",
                "Decrypt",
                who,
                {
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                    "encryptionContext": {"SecretARN": secret, "SecretVersionId": log.dice.uuid()},
                },
                None,
                True,
                resources=key_resource,
                additionalEventData={"keyMaterialId": log.dice.hex(64)},
            )
        elif turn == 2:
            log.add(
                moment,
                "kms",
                "Decrypt",
                log.service("lambda.amazonaws.com"),
                {
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                    "encryptionContext": {"aws:lambda:FunctionArn": f"arn:aws:lambda:{region}:{account}:function:report"},
                },
                None,
                True,
                resources=key_resource,
                sharedEventID=log.dice.uuid(),
            )
        elif turn == 3:
            assume_by_service(log, moment, "lambda.amazonaws.com", "report-function", "report", path="/service-role/")
        elif turn == 4:
            log.add(
                moment,
                "s3",
                "GetBucketAcl",
                log.service("cloudtrail.amazonaws.com"),
                {"bucketName": f"example-app-data-{account}", "Host": f"example-app-data-{account}.s3.{region}.amazonaws.com", "acl": ""},
                None,
                True,
                additionalEventData=s3_details(log, read_out=568),
                sharedEventID=log.dice.uuid(),
                requestID=log.dice.letters(16),
                resources=[resource("AWS::S3::Bucket", f"arn:aws:s3:::example-app-data-{account}", account)],
            )
        else:
            assume_by_service(log, moment, "ec2.amazonaws.com", "app-server", instance(log, number).rpartition("/")[2])


def assume_by_service(log, moment, host, role, session, path="/"):
    """A service takes on a role for what it runs."""
    arn = role_arn(log.account, role, path)
    log.add(
        moment,
        "sts",
        "AssumeRole",
        log.service(host),
        {"roleArn": arn, "roleSessionName": session},
        {"credentials": log.credentials(moment, log.account, role, session, hours=6)},
        True,
        resources=[resource("AWS::IAM::Role", arn, log.account)],
        sharedEventID=log.dice.uuid(),
    )


def service_events(log, moment):
    """No API call stands behind these: a key's rotation, a spot instance lost, a backup done."""
    key = Dice("key", log.account, log.region).uuid()
    log.add(
        moment,
        "kms",
        "RotateKey",
        Caller({"accountId": log.account, "invokedBy": "AWS Internal"}, "AWS Internal", "AWS Internal", tls=False),
        requestID=...,
        eventType="AwsServiceEvent",
        serviceEventDetails={"keyId": key, "rotationType": "AUTOMATIC"},
        resources=[resource("AWS::KMS::Key", f"arn:aws:kms:{log.region}:{log.account}:key/{key}", log.account)],
    )
    lost = instance(log, 2).rpartition("/")[2]
    identity = {"accountId": log.account, "invokedBy": "autoscaling.amazonaws.com"}
    log.add(
        moment + timedelta(seconds=31),
        "ec2",
        "BidEvictedEvent",
        Caller(identity, "ec2.amazonaws.com", "ec2.amazonaws.com", tls=False),
        requestID=...,
        eventType="AwsServiceEvent",
        serviceEventDetails={"instanceIdSet": [lost]},
    )
    identity = {"accountId": log.account, "invokedBy": "backup.amazonaws.com"}
    log.add(
        moment + timedelta(seconds=52),
        "backup",
        "BackupJobCompleted",
        Caller(identity, "", "backup.amazonaws.com", tls=False),
        requestID=...,
        eventType="AwsServiceEvent",
        serviceEventDetails={
            "backupJobId": log.dice.uuid(),
            "state": "COMPLETED",
            "backupSizeInBytes": 9_007_199_254_740_993,
            "percentDone": 100.0,
            "statusMessage": "",
        },
    )


def old_style(log, moment):
    """A record of version 1.05: neither eventCategory nor managementEvent nor tlsDetails existed."""
    gone = dict.fromkeys(("eventCategory", "managementEvent", "tlsDetails"), ...)
    log.add(
        moment,
        "monitoring",
        "PutMetricAlarm",
        log.user("ci-legacy", "198.51.100.60", "aws-cli/1.14.70 Python/2.7.5", key="AKIAIOSFODNN7EXAMPLE"),
        {
            "alarmName": "errors",
            "threshold": 1.0,
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "dimensions": [],
            "statistic": "Sum",
            "period": 300,
        },
        **gone,
        eventVersion="1.05",
    )


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
