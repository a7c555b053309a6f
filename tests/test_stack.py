"""The stack of template.yaml, created in moto; and what its outputs tell an operator to run, run by the AWS CLI."""

import copy
import io
import json
import re
import shlex
import subprocess
import urllib.parse
import urllib.request
import zipfile
from collections import Counter
from dataclasses import dataclass

import aws_local
import pytest
from aws_local import BIN
from cloudformation import (
    ACCOUNT,
    ALARM,
    BY_NAME,
    DASHBOARD,
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
    evaluate,
    expand,
    load,
)

# moto's CloudFormation has none of these, and of a bucket it has only the name and the encryption. What it leaves out
# is evaluated here and given to moto by the API calls that CloudFormation would make: so AWS's own models of those
# calls check the names and types of the properties.
IAM_ROLE = "AWS::IAM::Role"
NOT_IN_MOTO = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", ALARM, DASHBOARD, STREAM, "AWS::Logs::LogStream"}


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    with aws_local.moto(tmp_path_factory.mktemp("moto") / "moto.log") as client:
        yield client


@pytest.fixture
def aws(moto):
    """Makes clients of an empty moto that has the raw bucket, the topic and the uploaded function."""
    post(f"{moto.endpoint}/moto-api/reset")
    # A function that is invoked answers at once; otherwise moto would start it in Docker.
    post(f"{moto.endpoint}/moto-api/config", {"lambda": {"use_docker": False}})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bootstrap", "")
    for bucket in (RAW, "code", *(f"{RAW}-{source.folder}" for source in SOURCES)):
        moto("s3").create_bucket(Bucket=bucket)
    moto("s3").put_object(Bucket="code", Key="function.zip", Body=archive.getvalue())
    moto("sns").create_topic(Name=TOPIC_ARN.split(":")[-1])
    return moto


def post(url: str, body: dict | None = None):
    request = urllib.request.Request(url, json.dumps(body or {}).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


@pytest.fixture(scope="module")
def expanded() -> dict:
    return expand(load())


@dataclass
class Stack:
    """A stack in moto, its outputs, and its template evaluated with what its resources turned into."""

    outputs: dict
    plan: Plan


def deploy(aws, expanded: dict, variant: str) -> Stack:
    template, plan = copy.deepcopy(expanded), evaluate(expanded, variant)
    # With a mapping moto would hand every message to a function of its own, and no test would see it. The rules hold
    # what the mapping says, and test_the_mapping_is_one_that_lambda_takes creates it by itself. What moto does not
    # have is taken out, so that nothing refers to it; and it would make rules whose condition does not hold.
    out = {name for name, one in template["Resources"].items() if one["Type"] in NOT_IN_MOTO | {MAPPING}}
    out |= {name for name in template["Resources"] if not plan.exists(name)}
    # The roles that send to a stream name it.
    out |= {f"{source}SenderRole" for source in ("SecurityHub", "EksAudit")} | {"SecurityHubFindingsRule"}
    template["Resources"] = {name: one for name, one in template["Resources"].items() if name not in out}
    outputs = template["Outputs"].items()
    template["Outputs"] = {name: one for name, one in outputs if not refers(one, out)}
    given = {"RawBucketName": RAW, **VARIANTS[variant]}
    aws("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    plan.physical = physical(aws, plan, outputs)
    complete(aws, plan)
    return Stack(outputs, plan)


def refers(output: dict, names: set[str]) -> bool:
    """Whether an output has something of these resources."""
    return bool(names & set(re.findall(r"\w+", json.dumps(output["Value"]))))


def physical(aws, plan: Plan, outputs: dict) -> dict:
    """What the resources turned into, by the names that the template refers to them by."""
    found = {
        "LakeBucket": outputs["LakeBucketName"],
        "LakeBucket.Arn": f"arn:aws:s3:::{outputs['LakeBucketName']}",
    }
    rules = aws("events").list_rules()["Rules"]
    for source in plan.enabled():
        found |= {
            f"{source.name}Function": outputs[f"{source.name}FunctionName"],
            f"{source.name}LogGroup": outputs[f"{source.name}LogGroupName"],
            f"{source.name}Role.Arn": outputs[f"{source.name}RoleArn"],
        }
        for queue in (f"{source.name}Queue", f"{source.name}DeadLetterQueue"):
            arn = outputs[f"{queue}Arn"]
            found |= {queue: outputs[f"{queue}Url"], f"{queue}.Arn": arn, f"{queue}.QueueName": arn.split(":")[-1]}
        for rule in rules:
            if f"{source.name}ObjectCreatedRule" in rule["Name"]:
                found[f"{source.name}ObjectCreatedRule.Arn"] = rule["Arn"]
        if plan.condition(f"{source.name}ByEventBridge"):
            assert f"{source.name}ObjectCreatedRule.Arn" in found, rules
        if f"{source.name}Delivery" in plan.resources(STREAM):
            name = f"{STACK}-{source.name}Delivery"
            found[f"{source.name}Delivery"] = name
            found[f"{source.name}Delivery.Arn"] = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}"
            found[f"{source.name}DeliveryLogGroup"] = f"/aws/kinesisfirehose/{STACK}-{source.folder}"
            found[f"{source.name}DeliveryRole.Arn"] = outputs[f"{source.name}DeliveryRoleArn"]
            found[f"{source.name}DeliveryLogStream"] = "S3Delivery"
    return found


def complete(aws, plan: Plan):
    """Makes what moto's CloudFormation leaves out."""
    s3, bucket = aws("s3"), plan.properties("LakeBucket")
    lake = {"Bucket": bucket["BucketName"]}
    s3.put_bucket_versioning(**lake, VersioningConfiguration=bucket["VersioningConfiguration"])
    s3.put_public_access_block(**lake, PublicAccessBlockConfiguration=bucket["PublicAccessBlockConfiguration"])
    s3.put_bucket_ownership_controls(**lake, OwnershipControls=bucket["OwnershipControls"])
    rules = bucket["LifecycleConfiguration"]["Rules"]
    for rule in rules:
        # The one place where CloudFormation's names are not the API's.
        expiration = {"ExpiredObjectDeleteMarker": rule.pop("ExpiredObjectDeleteMarker")}
        rule |= {"ID": rule.pop("Id"), "Filter": {}, "Expiration": expiration}
    s3.put_bucket_lifecycle_configuration(**lake, LifecycleConfiguration={"Rules": rules})
    for policy in plan.resources("AWS::S3::BucketPolicy").values():
        s3.put_bucket_policy(Bucket=policy["Bucket"], Policy=json.dumps(policy["PolicyDocument"]))
    for policy in plan.resources("AWS::SQS::QueuePolicy").values():
        for url in policy["Queues"]:
            document = json.dumps(policy["PolicyDocument"])
            aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    for name, alarm in plan.resources(ALARM).items():
        numbers = {key: int(alarm[key]) for key in ("Threshold", "EvaluationPeriods")}
        aws("cloudwatch").put_metric_alarm(AlarmName=name, **{**alarm, **numbers})
    for dashboard in plan.resources(DASHBOARD).values():
        aws("cloudwatch").put_dashboard(**dashboard)
    for stream in plan.resources("AWS::Logs::LogStream").values():
        aws("logs").create_log_stream(logGroupName=stream["LogGroupName"], logStreamName=stream["LogStreamName"])
    for name, stream in plan.resources(STREAM).items():
        aws("firehose").create_delivery_stream(DeliveryStreamName=plan.physical[name], **stream)
    for name in ("SecurityHubSenderRole", "EksAuditSenderRole"):
        if plan.exists(name):
            role = plan.properties(name)
            trust = json.dumps(role["AssumeRolePolicyDocument"])
            made = aws("iam").create_role(RoleName=f"{STACK}-{name}", AssumeRolePolicyDocument=trust)
            plan.physical[f"{name}.Arn"] = made["Role"]["Arn"]
    if plan.exists("SecurityHubFindingsRule"):
        rule = plan.properties("SecurityHubFindingsRule")
        pattern = json.dumps(rule["EventPattern"])
        aws("events").put_rule(Name="findings", State=rule["State"], EventPattern=pattern)
        answer = aws("events").put_targets(Rule="findings", Targets=rule["Targets"])
        assert answer["FailedEntryCount"] == 0


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


def run_command(aws, command: str) -> None:
    """Runs what an output tells an operator to run."""
    words = shlex.split(command)
    assert words[0] == "aws"
    # The endpoint by option, as for SQS this command line does not look at the environment. No proxy answers, so no
    # command can reach AWS by mistake.
    done = subprocess.run(
        [BIN / "aws", "--endpoint-url", aws.endpoint, *words[1:]],
        env=aws_local.environment(HTTPS_PROXY="http://127.0.0.1:9", AWS_PAGER=""),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


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
