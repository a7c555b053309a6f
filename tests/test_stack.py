"""The stack of template.yaml, created in moto; and what its outputs tell an operator to run, run by the AWS CLI."""

import copy
import io
import json
import shlex
import subprocess
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass

import aws_local
import pytest
from aws_local import BIN
from cloudformation import (
    ACCOUNT,
    ALARM,
    MAPPING,
    RAW,
    REGION,
    STACK,
    TOPIC_ARN,
    VARIANTS,
    Plan,
    evaluate,
    expand,
    load,
)

LOG_KEY = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/14/a log+1.json.gz"

# moto's CloudFormation has none of these, and of a bucket it has only the name and the encryption. What it leaves out
# is evaluated here and given to moto by the API calls that CloudFormation would make: so AWS's own models of those
# calls check the names and types of the properties.
NOT_IN_MOTO = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", ALARM}


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
    for bucket in (RAW, "code"):
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
    template = copy.deepcopy(expanded)
    # With a mapping moto would hand every message to a function of its own, and no test would see it. The rules hold
    # what the mapping says, and test_the_mapping_is_one_that_lambda_takes creates it by itself.
    template["Resources"] = {k: v for k, v in template["Resources"].items() if v["Type"] != MAPPING}
    template["Outputs"] = {k: v for k, v in template["Outputs"].items() if "EventSourceMapping" not in json.dumps(v)}
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
    plan = evaluate(expanded, variant)
    plan.physical = physical(aws, outputs)
    complete(aws, plan)
    return Stack(outputs, plan)


def physical(aws, outputs: dict) -> dict:
    """What the resources turned into, by the names that the template refers to them by."""
    found = {
        "LakeBucket": outputs["LakeBucketName"],
        "LakeBucket.Arn": f"arn:aws:s3:::{outputs['LakeBucketName']}",
        "CloudTrailFunction": outputs["CloudTrailFunctionName"],
        "CloudTrailLogGroup": outputs["CloudTrailLogGroupName"],
        "CloudTrailRole.Arn": outputs["CloudTrailRoleArn"],
    }
    for queue in ("CloudTrailQueue", "CloudTrailDeadLetterQueue"):
        arn = outputs[f"{queue}Arn"]
        found |= {queue: outputs[f"{queue}Url"], f"{queue}.Arn": arn, f"{queue}.QueueName": arn.split(":")[-1]}
    for rule in aws("events").list_rules()["Rules"]:
        found["CloudTrailObjectCreatedRule.Arn"] = rule["Arn"]
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


def senders(variant: str, rules: list[dict]) -> dict:
    """Who may send to the queue, and under which conditions."""
    if VARIANTS[variant].get("NotificationMode") != "Queue":
        return {"events.amazonaws.com": {"ArnEquals": {"aws:SourceArn": rules[0]["Arn"]}}}
    account = VARIANTS[variant].get("RawBucketAccountId", ACCOUNT)
    bucket = {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{RAW}"},
        "StringEquals": {"aws:SourceAccount": account},
    }
    topic = {"ArnEquals": {"aws:SourceArn": TOPIC_ARN}}
    joined = {"sns.amazonaws.com": topic} if variant == "queue-with-topic" else {}
    return {"s3.amazonaws.com": bucket, **joined}


@pytest.fixture(params=VARIANTS)
def variant(request) -> str:
    return request.param


def test_every_resource_is_created(aws, expanded, variant):
    deploy(aws, expanded, variant)
    created = aws("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    kinds = {one["Type"] for one in expanded["Resources"].values()}
    if VARIANTS[variant].get("NotificationMode") == "Queue":
        kinds -= {"AWS::Events::Rule"}
    # moto lists what it skips without a type. Nothing is skipped but what is completed.
    assert {one["ResourceType"] for one in created} - {""} == kinds - NOT_IN_MOTO - {MAPPING}


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

    queue, dead = attributes("CloudTrailQueueUrl"), attributes("CloudTrailDeadLetterQueueUrl")
    assert int(queue["VisibilityTimeout"]) == 6 * 300 + 300
    assert json.loads(queue["RedrivePolicy"]) == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 5}
    assert (queue["SqsManagedSseEnabled"], dead["SqsManagedSseEnabled"]) == ("true", "true")
    assert (queue["MessageRetentionPeriod"], dead["MessageRetentionPeriod"]) == ("604800", "1209600")
    # The name that the dead-letter queue knows its source by is the name that the source has.
    allowed = stack.plan.properties("CloudTrailDeadLetterQueue")["RedriveAllowPolicy"]
    assert allowed["sourceQueueArns"] == [queue["QueueArn"]]
    statements = json.loads(queue["Policy"])["Statement"]
    found = {one["Principal"]["Service"]: one["Condition"] for one in statements if one["Effect"] == "Allow"}
    assert found == senders(variant, aws("events").list_rules()["Rules"])


def test_the_function_is_watched(aws, expanded, variant):
    stack = deploy(aws, expanded, variant)
    outputs, given = stack.outputs, VARIANTS[variant]
    function = aws("lambda").get_function(FunctionName=outputs["CloudTrailFunctionName"])["Configuration"]
    assert (function["Runtime"], function["Timeout"], function["MemorySize"]) == ("provided.al2023", 300, 1024)
    assert function["Role"] == outputs["CloudTrailRoleArn"]
    variables = function["Environment"]["Variables"]
    assert (variables["LAKE_BUCKET"], variables["RAW_BUCKETS"]) == (outputs["LakeBucketName"], RAW)
    assert variables.get("KMS_KEY_ID") == given.get("LakeKmsKeyArn")
    groups = aws("logs").describe_log_groups()["logGroups"]
    kept = {group["logGroupName"]: int(group["retentionInDays"]) for group in groups}
    assert kept == {outputs["CloudTrailLogGroupName"]: 30}
    alarms = {one["AlarmName"]: one for one in aws("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert alarms.keys() == stack.plan.resources(ALARM).keys()
    depth = alarms["CloudTrailDeadLetterAlarm"]
    dead = outputs["CloudTrailDeadLetterQueueArn"].split(":")[-1]
    assert (depth["Dimensions"][0]["Value"], depth["Threshold"]) == (dead, 0)
    assert depth["AlarmActions"] == ([given["AlarmTopicArn"]] if "AlarmTopicArn" in given else [])


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


@pytest.mark.parametrize("variant", ["eventbridge", "queue", "queue-with-topic"], indirect=True)
def test_an_object_is_announced_after_the_notification_command(aws, expanded, variant):
    stack = deploy(aws, expanded, variant)
    if variant == "queue-with-topic":
        # The bucket announces to its topic; the command only joins the queue to that.
        prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/"}]}}
        topic = {"TopicArn": TOPIC_ARN, "Events": ["s3:ObjectCreated:*"], "Filter": prefix}
        aws("s3").put_bucket_notification_configuration(
            Bucket=RAW, NotificationConfiguration={"TopicConfigurations": [topic]}
        )
    run_command(aws, stack.outputs["NotificationCommand"])
    receive(aws, stack.outputs["CloudTrailQueueUrl"])  # S3's test message
    aws("s3").put_object(Bucket=RAW, Key="elsewhere/x.json.gz", Body=b"x")
    aws("s3").put_object(Bucket=RAW, Key=LOG_KEY, Body=b"x")
    bodies = [json.loads(body) for body in receive(aws, stack.outputs["CloudTrailQueueUrl"])]
    if variant == "eventbridge":
        found = [(body["detail-type"], body["detail"]["object"]["key"]) for body in bodies]
        assert found == [("Object Created", LOG_KEY)]
    else:
        keys = [urllib.parse.unquote_plus(one["s3"]["object"]["key"]) for body in bodies for one in body["Records"]]
        assert keys == [LOG_KEY]


def test_the_replay_command_announces_a_key(aws, expanded):
    stack = deploy(aws, expanded, "eventbridge")
    run_command(aws, stack.outputs["CloudTrailReplayCommand"].replace("KEY", LOG_KEY))
    bodies = [json.loads(body) for body in receive(aws, stack.outputs["CloudTrailQueueUrl"])]
    assert bodies == [{"s3Bucket": RAW, "s3ObjectKey": [LOG_KEY]}]


def test_the_mapping_is_one_that_lambda_takes(aws, expanded):
    stack = deploy(aws, expanded, "queue")
    mapping = stack.plan.properties("CloudTrailEventSourceMapping")
    mapping |= {key: int(mapping[key]) for key in ("BatchSize", "MaximumBatchingWindowInSeconds")}
    mapping["ScalingConfig"] = {key: int(value) for key, value in mapping["ScalingConfig"].items()}
    mapping["Enabled"] = mapping["Enabled"] == "true"
    made = aws("lambda").create_event_source_mapping(**mapping)
    assert made["EventSourceArn"] == stack.outputs["CloudTrailQueueArn"]
    assert (made["BatchSize"], made["MaximumBatchingWindowInSeconds"]) == (100, 60)
    assert made["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert made["ScalingConfig"] == {"MaximumConcurrency": 10}

    stack.plan.physical["CloudTrailEventSourceMapping"] = made["UUID"]
    run_command(aws, stack.plan.value(stack.plan.template["Outputs"]["CloudTrailPauseCommand"]["Value"]))
    assert aws("lambda").get_event_source_mapping(UUID=made["UUID"])["State"] == "Disabled"


def test_the_lake_stays_when_the_stack_goes(aws, expanded):
    stack = deploy(aws, expanded, "eventbridge")
    # An empty bucket: one with objects would stay because it cannot be deleted.
    aws("cloudformation").delete_stack(StackName=STACK)
    assert stack.outputs["LakeBucketName"] in [bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]]
    assert aws("sqs").list_queues().get("QueueUrls", []) == []
