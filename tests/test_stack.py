"""The stack of template.yaml, created in moto; and what its outputs tell an operator to run, run by the AWS CLI."""

import json
import urllib.parse
from collections import Counter

import aws_local
import deployed
import pytest
from cloudformation import (
    ACCOUNT,
    ALARM,
    BY_NAME,
    MAPPING,
    RAW,
    REGION,
    RULE,
    SOURCES,
    STACK,
    STREAM,
    TOPIC_ARN,
    VARIANTS,
    Plan,
    Source,
)
from deployed import NOT_IN_MOTO, Stack, run_command

IAM_ROLE = "AWS::IAM::Role"


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    with aws_local.moto(tmp_path_factory.mktemp("moto") / "moto.log") as client:
        yield client


@pytest.fixture
def aws(moto):
    """Makes clients of an empty moto that has the raw bucket, the topic and the uploaded function."""
    deployed.prepare(moto)
    return moto


@pytest.fixture(scope="module")
def expanded() -> dict:
    return deployed.template()


def deploy(aws, expanded: dict, variant: str) -> Stack:
    """A stack, whole but for the mappings, which test_the_mapping_is_one_that_lambda_takes makes by itself."""
    stack = deployed.deploy(aws, expanded, variant)
    deployed.complete(aws, stack)
    return stack


def senders(plan: Plan, source: Source) -> dict:
    """Who may send to a source's queue, and under which conditions."""
    if plan.ref("NotificationMode") != "Queue":
        return {
            "events.amazonaws.com": {"ArnEquals": {"aws:SourceArn": plan.ref(f"{source.name}ObjectCreatedRule.Arn")}}
        }
    bucket = {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{plan.bucket(source)}"},
        "StringEquals": {"aws:SourceAccount": plan.ref("RawBucketAccountId") or ACCOUNT},
    }
    topic = {"ArnEquals": {"aws:SourceArn": TOPIC_ARN}}
    return {"s3.amazonaws.com": bucket} | ({"sns.amazonaws.com": topic} if plan.ref("RawBucketTopicArn") else {})


@pytest.fixture(params=VARIANTS)
def variant(request) -> str:
    return request.param


def test_every_resource_is_created(aws, expanded, variant):
    plan = deploy(aws, expanded, variant).plan
    created = aws("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    wanted = Counter(one["Type"] for name, one in expanded["Resources"].items() if plan.exists(name))
    # Those of the streams are made by `complete`, which fails where one cannot be made.
    by_hand = {"SecurityHubFindingsRule": RULE, "SecurityHubSenderRole": IAM_ROLE, "EksAuditSenderRole": IAM_ROLE}
    wanted -= Counter(kind for name, kind in by_hand.items() if plan.exists(name))
    found = Counter(one["ResourceType"] for one in created)
    assert found == Counter({kind: n for kind, n in wanted.items() if kind not in NOT_IN_MOTO | {MAPPING}})


def test_a_source_that_is_off_leaves_nothing(aws, expanded):
    stack = deploy(aws, expanded, "without-cloudtrail")
    folders = {"vpc-flow", "eks-audit"}
    urls = aws("sqs").list_queues()["QueueUrls"]
    assert {url.split("/")[-1] for url in urls if f"{STACK}-" in url} >= {f"{STACK}-{folder}" for folder in folders}
    assert len(urls) == 2 * len(folders)
    assert len(aws("lambda").list_functions()["Functions"]) == len(folders)
    assert {name for name in stack.outputs if name.startswith(("CloudTrail", "Waf", "Route53", "Security"))} == set()


def test_the_lake_is_private_encrypted_and_kept(aws, expanded, variant):
    stack, s3 = deploy(aws, expanded, variant), aws("s3")
    lake = stack.outputs["LakeBucketName"]
    assert lake == f"aws-security-data-lake-{REGION}-{'example' if variant == 'own-keys' else ACCOUNT}"
    assert stack.outputs["DatabaseName"] == "amazon_security_lake_glue_db_us_east_1"
    assert s3.get_bucket_versioning(Bucket=lake)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=lake)["PublicAccessBlockConfiguration"].values())
    encryption = s3.get_bucket_encryption(Bucket=lake)["ServerSideEncryptionConfiguration"]["Rules"][0]
    algorithm = "aws:kms" if variant == "own-keys" else "AES256"
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == algorithm
    ownership = s3.get_bucket_ownership_controls(Bucket=lake)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=lake)["Rules"][0]
    assert lifecycle["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 2
    assert lifecycle["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    document = json.loads(s3.get_bucket_policy(Bucket=lake)["Policy"])
    assert document["Statement"][0]["Resource"] == [f"arn:aws:s3:::{lake}", f"arn:aws:s3:::{lake}/*"]


def test_the_queues_are_joined(aws, expanded, variant):
    stack = deploy(aws, expanded, variant)

    def attributes(queue: str) -> dict:
        return aws("sqs").get_queue_attributes(QueueUrl=stack.outputs[queue], AttributeNames=["All"])["Attributes"]

    for source in stack.plan.enabled():
        queue, dead = attributes(f"{source.name}QueueUrl"), attributes(f"{source.name}DeadLetterQueueUrl")
        assert int(queue["VisibilityTimeout"]) == 6 * 300 + 300
        assert json.loads(queue["RedrivePolicy"]) == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 5}
        assert (queue["SqsManagedSseEnabled"], dead["SqsManagedSseEnabled"]) == ("true", "true")
        assert (queue["MessageRetentionPeriod"], dead["MessageRetentionPeriod"]) == ("604800", "1209600")
        # The name that the dead-letter queue knows its source by is the name that the source has.
        allowed = stack.plan.properties(f"{source.name}DeadLetterQueue")["RedriveAllowPolicy"]
        assert allowed["sourceQueueArns"] == [queue["QueueArn"]]
        statements = json.loads(queue["Policy"])["Statement"]
        found = {one["Principal"]["Service"]: one["Condition"] for one in statements if one["Effect"] == "Allow"}
        assert found == senders(stack.plan, source)


def test_the_functions_are_watched(aws, expanded, variant):
    stack = deploy(aws, expanded, variant)
    outputs, given = stack.outputs, VARIANTS[variant]
    alarms = {one["AlarmName"]: one for one in aws("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert alarms.keys() == stack.plan.resources(ALARM).keys()
    groups = aws("logs").describe_log_groups()["logGroups"]
    kept = {group["logGroupName"]: int(group["retentionInDays"]) for group in groups}
    streams = {name for name in kept if name.startswith("/aws/kinesisfirehose/")}
    assert len(streams) == len(stack.plan.resources(STREAM))
    assert set(kept) - streams == {outputs[f"{source.name}LogGroupName"] for source in stack.plan.enabled()}
    assert all(days == 30 for days in kept.values())
    for source in stack.plan.enabled():
        name = source.name
        function = aws("lambda").get_function(FunctionName=outputs[f"{name}FunctionName"])["Configuration"]
        assert (function["Runtime"], function["Timeout"], function["MemorySize"]) == ("provided.al2023", 300, 1024)
        assert function["Role"] == outputs[f"{name}RoleArn"]
        variables = function["Environment"]["Variables"]
        assert variables["LAKE_BUCKET"] == outputs["LakeBucketName"]
        assert variables["RAW_BUCKETS"] == (f"{RAW}-{source.folder}" if variant == "own-buckets" else RAW)
        assert variables["SOURCES"] == given.get(f"{name}Tables", ",".join(f"{table}@2.0" for table in source.tables))
        table = aws("dynamodb").describe_table(TableName=variables["LEDGER_TABLE"])["Table"]
        assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
        assert variables.get("KMS_KEY_ID") == given.get("LakeKmsKeyArn")
        depth = alarms[f"{name}DeadLetterAlarm"]
        dead = outputs[f"{name}DeadLetterQueueArn"].split(":")[-1]
        assert (depth["Dimensions"][0]["Value"], depth["Threshold"]) == (dead, 0)
        assert depth["AlarmActions"] == ([given["AlarmTopicArn"]] if "AlarmTopicArn" in given else [])


def test_the_dashboard_names_what_the_stack_made(aws, expanded, variant):
    stack = deploy(aws, expanded, variant)
    made = aws("cloudwatch").get_dashboard(DashboardName=f"{STACK}-{REGION}")
    text = json.dumps(json.loads(made["DashboardBody"]))
    for source in SOURCES:
        for output in ("FunctionName", "QueueArn", "DeadLetterQueueArn"):
            name = stack.outputs.get(f"{source.name}{output}", "").split(":")[-1]
            assert (f'"{name}"' in text) is (source in stack.plan.enabled()), output
    assert "${" not in text.replace("${PROP('Dim.Reason')}", "")


def receive(aws, url: str) -> list[str]:
    """The messages of a queue. A wait bounded to seconds; an empty queue is asked once more."""
    bodies = []
    for _ in range(2):
        answer = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        bodies += [message["Body"] for message in answer.get("Messages", [])]
    return bodies


def announced(bodies: list[str]) -> list[str]:
    """The keys that messages announce."""
    keys = []
    for body in map(json.loads, bodies):
        if "detail" in body:
            assert body["detail-type"] == "Object Created"
            keys.append(body["detail"]["object"]["key"])
        else:
            keys += [urllib.parse.unquote_plus(one["s3"]["object"]["key"]) for one in body.get("Records", [])]
    return keys


@pytest.mark.parametrize("variant", ["eventbridge", "own-buckets"])
def test_a_rule_announces_the_objects_of_its_source(aws, expanded, variant):
    """Every source's object is put; each queue has its own."""
    stack = deploy(aws, expanded, variant)
    for source in SOURCES:
        run_command(aws, stack.outputs[f"{source.name}NotificationCommand"])
    for source in SOURCES:
        bucket = stack.plan.bucket(source)
        aws("s3").put_object(Bucket=bucket, Key="elsewhere/x.json.gz", Body=b"x")
        aws("s3").put_object(Bucket=bucket, Key=source.key, Body=b"x")
        aws("s3").put_object(Bucket=bucket, Key=f"firehose-failed/{source.folder}/x", Body=b"x")
    digest = BY_NAME["CloudTrail"].key.replace("/CloudTrail/", "/CloudTrail-Digest/")
    aws("s3").put_object(Bucket=stack.plan.bucket(BY_NAME["CloudTrail"]), Key=digest, Body=b"x")
    for source in SOURCES:
        assert announced(receive(aws, stack.outputs[f"{source.name}QueueUrl"])) == [source.key]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
def test_a_bucket_announces_to_the_queue(aws, expanded, source):
    stack = deploy(aws, expanded, "queue")
    run_command(aws, stack.outputs[f"{source.name}NotificationCommand"])
    receive(aws, stack.outputs[f"{source.name}QueueUrl"])  # S3's test message
    aws("s3").put_object(Bucket=RAW, Key="elsewhere/x.json.gz", Body=b"x")
    aws("s3").put_object(Bucket=RAW, Key=source.key, Body=b"x")
    assert announced(receive(aws, stack.outputs[f"{source.name}QueueUrl"])) == [source.key]


def test_one_topic_announces_to_several_queues(aws, expanded):
    stack = deploy(aws, expanded, "queue-with-topic")
    # The bucket announces to its topic; the commands only join the queues to that.
    prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/"}]}}
    topic = {"TopicArn": TOPIC_ARN, "Events": ["s3:ObjectCreated:*"], "Filter": prefix}
    aws("s3").put_bucket_notification_configuration(
        Bucket=RAW, NotificationConfiguration={"TopicConfigurations": [topic]}
    )
    joined = [BY_NAME[name] for name in ("CloudTrail", "VpcFlow")]
    for source in joined:
        run_command(aws, stack.outputs[f"{source.name}NotificationCommand"])
    keys = [source.key for source in joined]
    for key in ("elsewhere/x.json.gz", *keys):
        aws("s3").put_object(Bucket=RAW, Key=key, Body=b"x")
    for source in joined:
        assert sorted(announced(receive(aws, stack.outputs[f"{source.name}QueueUrl"]))) == sorted(keys)


def test_the_replay_command_announces_a_key(aws, expanded):
    stack = deploy(aws, expanded, "own-buckets")
    for source in SOURCES:
        run_command(aws, stack.outputs[f"{source.name}ReplayCommand"].replace("KEY", source.key))
        bodies = [json.loads(body) for body in receive(aws, stack.outputs[f"{source.name}QueueUrl"])]
        assert bodies == [{"s3Bucket": stack.plan.bucket(source), "s3ObjectKey": [source.key]}]


def test_the_streams_write_what_the_rules_announce(aws, expanded):
    stack = deploy(aws, expanded, "eventbridge")
    for name, compression in (("SecurityHub", "GZIP"), ("EksAudit", "UNCOMPRESSED")):
        described = aws("firehose").describe_delivery_stream(DeliveryStreamName=f"{STACK}-{name}Delivery")
        (target,) = described["DeliveryStreamDescription"]["Destinations"]
        target = target["ExtendedS3DestinationDescription"]
        assert (target["BucketARN"], target["CompressionFormat"]) == (f"arn:aws:s3:::{RAW}", compression)
        assert BY_NAME[name].key.startswith(target["Prefix"])
        assert target["RoleARN"] == stack.outputs[f"{name}DeliveryRoleArn"]
    (target,) = aws("events").list_targets_by_rule(Rule="findings")["Targets"]
    assert target["Arn"] == stack.plan.ref("SecurityHubDelivery.Arn")
    assert target["RoleArn"] == stack.plan.ref("SecurityHubSenderRole.Arn")


def test_the_subscription_command_joins_a_cluster(aws, expanded):
    stack = deploy(aws, expanded, "eventbridge")
    aws("logs").create_log_group(logGroupName="/aws/eks/shop/cluster")
    command = stack.plan.value(expanded["Outputs"]["EksAuditSubscriptionCommand"]["Value"])
    run_command(aws, command.replace("CLUSTER", "shop"))
    (made,) = aws("logs").describe_subscription_filters(logGroupName="/aws/eks/shop/cluster")["subscriptionFilters"]
    assert made["destinationArn"] == stack.plan.ref("EksAuditDelivery.Arn")
    assert made["roleArn"] == stack.plan.ref("EksAuditSenderRole.Arn")
    assert made["filterPattern"] == '{$.apiVersion = "audit.k8s.io/v1"}'


def test_the_mapping_is_one_that_lambda_takes(aws, expanded):
    stack = deploy(aws, expanded, "queue")
    for source in SOURCES:
        mapping = stack.plan.properties(f"{source.name}EventSourceMapping")
        mapping |= {key: int(mapping[key]) for key in ("BatchSize", "MaximumBatchingWindowInSeconds")}
        mapping["ScalingConfig"] = {key: int(value) for key, value in mapping["ScalingConfig"].items()}
        mapping["Enabled"] = mapping["Enabled"] == "true"
        made = aws("lambda").create_event_source_mapping(**mapping)
        assert made["EventSourceArn"] == stack.outputs[f"{source.name}QueueArn"]
        assert (made["BatchSize"], made["MaximumBatchingWindowInSeconds"]) == (100, 60)
        assert made["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert made["ScalingConfig"] == {"MaximumConcurrency": 10}

        stack.plan.physical[f"{source.name}EventSourceMapping"] = made["UUID"]
        output = stack.plan.template["Outputs"][f"{source.name}PauseCommand"]
        run_command(aws, stack.plan.value(output["Value"]))
        assert aws("lambda").get_event_source_mapping(UUID=made["UUID"])["State"] == "Disabled"


def test_the_lake_stays_when_the_stack_goes(aws, expanded):
    stack = deploy(aws, expanded, "eventbridge")
    # An empty bucket: one with objects would stay because it cannot be deleted.
    aws("cloudformation").delete_stack(StackName=STACK)
    assert stack.outputs["LakeBucketName"] in [bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]]
    assert aws("sqs").list_queues().get("QueueUrls", []) == []
