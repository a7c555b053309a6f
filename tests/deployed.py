"""The stack of template.yaml in moto, and the real `lake` with its AWS clients on it."""

import contextlib
import copy
import functools
import io
import json
import os
import re
import shlex
import subprocess
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import aws_local
from aws_local import BIN, ROOT
from cloudformation import (
    ACCOUNT,
    ALARM,
    DASHBOARD,
    FUNCTION,
    LEDGER,
    MAPPING,
    RAW,
    REGION,
    SOURCES,
    STACK,
    STREAM,
    TOPIC_ARN,
    VARIANTS,
    Plan,
    evaluate,
    expand,
    load,
    of_type,
)

RUN_SECONDS = 120
# Starts a moto that answers as AWS documents it.
MENDED_MOTO = Path(__file__).with_name("mended_moto.py")

# moto's CloudFormation has none of these, and of a bucket it has only the name and the encryption. What it leaves out
# is evaluated here and given to moto by the API calls that CloudFormation would make: so AWS's own models of those
# calls check the names and types of the properties.
NOT_IN_MOTO = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", ALARM, DASHBOARD, STREAM, "AWS::Logs::LogStream"}

# Properties that are numbers, by type of resource.
NUMBERS = {
    FUNCTION: ("MemorySize", "Timeout"),
    MAPPING: ("BatchSize", "MaximumBatchingWindowInSeconds"),
    "AWS::Logs::LogGroup": ("RetentionInDays",),
}


@functools.cache
def template() -> dict:
    """template.yaml as CloudFormation sees it. Nobody changes it."""
    return expand(load())


def prepare(moto):
    """Empties moto and gives it what a stack finds: the raw buckets, the topic and the uploaded function."""
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


def hold_to_policies(moto, strictly: bool):
    """Whether moto refuses what the caller's policies do not allow."""
    post(f"{moto.endpoint}/moto-api/reset-auth", 0 if strictly else 10**9)


def post(url: str, body=None):
    data, headers = json.dumps({} if body is None else body).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


@dataclass
class Stack:
    """A stack in moto: its outputs, its template evaluated with what its resources turned into, and their physical ids."""

    outputs: dict
    plan: Plan
    resources: dict


def deploy(aws, expanded: dict, variant: str, with_mappings: bool = False, **parameters) -> Stack:
    """Creates a stack. With a mapping moto hands every message to a function of its own, and no test sees it, so it is
    made only where it is asked for, and disabled."""
    given = {"RawBucketName": RAW, **VARIANTS[variant], **parameters}
    template, plan = copy.deepcopy(expanded), evaluate(expanded, variant, **parameters)
    # What moto does not have is taken out, so that nothing refers to it; and it would make rules whose condition does
    # not hold.
    kinds = NOT_IN_MOTO if with_mappings else NOT_IN_MOTO | {MAPPING}
    out = {name for name, one in template["Resources"].items() if one["Type"] in kinds}
    out |= {name for name in template["Resources"] if not plan.exists(name)}
    # The roles that send to a stream name it.
    out |= {f"{source}SenderRole" for source in ("SecurityHub", "EksAudit")} | {"SecurityHubFindingsRule"}
    template["Resources"] = {name: one for name, one in template["Resources"].items() if name not in out}
    outputs = template["Outputs"].items()
    template["Outputs"] = {name: one for name, one in outputs if not refers(one, out)}
    # Parameters are texts, which CloudFormation reads as the property's type; moto does not.
    for kind, names in NUMBERS.items():
        for name, one in of_type(template, kind).items():
            one["Properties"] |= {number: int(plan.properties(name)[number]) for number in names}
    for name, one in of_type(template, MAPPING).items():
        most = int(plan.properties(name)["ScalingConfig"]["MaximumConcurrency"])
        one["Properties"] |= {"Enabled": False, "ScalingConfig": {"MaximumConcurrency": most}}
    aws("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    made = aws("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    made = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in made}
    plan.physical = physical(aws, plan, outputs)
    return Stack(outputs, plan, made)


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


def complete(aws, stack: Stack):
    """Makes what moto's CloudFormation leaves out."""
    plan = stack.plan
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
    for name, ledger in plan.resources(LEDGER).items():
        expiry = ledger["TimeToLiveSpecification"]
        aws("dynamodb").update_time_to_live(TableName=stack.resources[name], TimeToLiveSpecification=expiry)
    for name in ("SecurityHubSenderRole", "EksAuditSenderRole"):
        if plan.exists(name):
            role = plan.properties(name)
            trust = json.dumps(role["AssumeRolePolicyDocument"])
            role = aws("iam").create_role(RoleName=f"{STACK}-{name}", AssumeRolePolicyDocument=trust)
            plan.physical[f"{name}.Arn"] = role["Role"]["Arn"]
    if plan.exists("SecurityHubFindingsRule"):
        rule = plan.properties("SecurityHubFindingsRule")
        pattern = json.dumps(rule["EventPattern"])
        aws("events").put_rule(Name="findings", State=rule["State"], EventPattern=pattern)
        answer = aws("events").put_targets(Rule="findings", Targets=rule["Targets"])
        assert answer["FailedEntryCount"] == 0


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


class Deployed:
    """A stack with its mappings, its outputs, and what runs against it."""

    def __init__(self, client, folder: Path, parameters: dict, lake: Path):
        self.client, self.folder, self.lake = client, folder, lake
        prepare(client)
        self.stack = deploy(client, template(), "defaults", with_mappings=True, **parameters)
        self.outputs, self.resources = self.stack.outputs, self.stack.resources

    def command(self, *arguments):
        return [self.lake, *arguments, "--stack", STACK]

    def environment(self, **variables):
        return aws_local.environment(AWS_ENDPOINT_URL=self.client.endpoint, **variables)

    def run(self, *arguments, **variables):
        """Runs `lake … --stack`."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )

    def json(self, *arguments, code=0):
        """What a command prints with --json."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout)

    def variables(self, source):
        """The environment of a source's function, as the stack sets it."""
        function = self.client("lambda").get_function_configuration(FunctionName=self.outputs[f"{source}FunctionName"])
        return function["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": self.client.endpoint}


class Operator(Deployed):
    """A stack that is whole, in a mended moto, and what `lake doctor` and its kind say of it."""

    def __init__(self, client, folder, parameters, lake):
        super().__init__(client, folder, parameters, lake)
        self.mapping, self.ledger = (self.resources[f"CloudTrail{one}"] for one in ("EventSourceMapping", "Ledger"))
        self.bucket = self.outputs["LakeBucketName"]
        self.credentials = {}
        complete(client, self.stack)
        self.client("lambda").update_event_source_mapping(
            UUID=self.mapping, FunctionResponseTypes=["ReportBatchItemFailures"], Enabled=True
        )

    @contextlib.contextmanager
    def as_somebody(self, *actions):
        """Works with the credentials of a role that may do these and nothing else; moto holds it to that."""
        iam, name = self.client("iam"), "Somebody"
        everything = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        policy = lambda one: json.dumps({"Version": "2012-10-17", "Statement": one})  # noqa: E731
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=policy(everything))
        assumed = self.client("sts").assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="test")["Credentials"]
        self.credentials = {
            "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
            "AWS_SESSION_TOKEN": assumed["SessionToken"],
        }
        hold_to_policies(self.client, True)
        try:
            yield
        finally:
            hold_to_policies(self.client, False)
            self.credentials = {}
            iam.delete_role_policy(RoleName=name, PolicyName="may")
            iam.delete_role(RoleName=name)

    def environment(self, **variables):
        return super().environment(**self.credentials, **variables)

    def command(self, *arguments):
        return [*super().command(*arguments), "--region", REGION]

    def lines(self, *arguments):
        done = self.run(*arguments, "--json")
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def checks(self, state):
        """Checks that ended so, by what they are of and what was checked; the exit code agrees with them."""
        code, checks = self.lines("doctor")
        assert {check["state"] for check in checks} <= {"ok", "problem", "not_checked"}
        assert code == (1 if any(check["state"] == "problem" for check in checks) else 0)
        # Whatever is not as it should be, or cannot be told, says what to do.
        assert all(bool(check.get("do")) is (check["state"] != "ok") for check in checks), checks
        return {(one["of"], one["check"]): one for one in checks if one["state"] == state}

    def problems(self):
        return self.checks("problem")


@functools.cache
def lake_with_clients() -> Path:
    """`lake` with the feature `aws`: that of the variable LAKE_WITH_CLIENTS, or built."""
    if os.environ.get("LAKE_WITH_CLIENTS"):
        return Path(os.environ["LAKE_WITH_CLIENTS"])
    return built("lake", "--features", "aws")


def built(package, *options) -> Path:
    """The binary of a package, built from what is in the repository. It is copied away by whoever needs two builds."""
    command = ["cargo", "build", "-p", package, *options, "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=aws_local.BUILD_SECONDS, check=True)
    messages = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    found = [one["executable"] for one in messages if one.get("executable") and one["target"]["name"] == package]
    return Path(found[-1])
