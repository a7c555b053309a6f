"""A deployment for the operator's commands: the stack of template.yaml in moto, and the real `lake` with its AWS clients."""

import copy
import io
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import aws_local
from aws_local import ROOT
from cloudformation import ALARM, DASHBOARD, MAPPING, RAW, STACK, STREAM, evaluate, expand, load, of_type

# moto's CloudFormation has none of these; no command of the operator needs them.
NOT_IN_MOTO = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", ALARM, DASHBOARD, STREAM, "AWS::Logs::LogStream"}
RUN_SECONDS = 120


class Deployed:
    """The stack, its outputs, and what runs against it."""

    def __init__(self, client, folder: Path, parameters: dict, lake: Path):
        self.client, self.folder, self.lake = client, folder, lake
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("bootstrap", "")
        client("s3").create_bucket(Bucket="code")
        client("s3").put_object(Bucket="code", Key="function.zip", Body=archive.getvalue())
        client("s3").create_bucket(Bucket=RAW)
        template = copy.deepcopy(expand(load()))
        plan = evaluate(template, "defaults", **parameters)
        out = {name for name, one in template["Resources"].items() if one["Type"] in NOT_IN_MOTO}
        out |= {name for name in template["Resources"] if not plan.exists(name)}
        out |= {f"{source}SenderRole" for source in ("SecurityHub", "EksAudit")} | {"SecurityHubFindingsRule"}
        for mapping in of_type(template, MAPPING).values():
            # Otherwise moto would hand every message to a function of its own. It does not read texts as what they say.
            numbers = {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 60, "ScalingConfig": {"MaximumConcurrency": 10}}
            mapping["Properties"] |= {"Enabled": False} | numbers
        template["Resources"] = {name: one for name, one in template["Resources"].items() if name not in out}
        refers = lambda output: out & set(re.findall(r"\w+", json.dumps(output["Value"])))  # noqa: E731
        template["Outputs"] = {name: one for name, one in template["Outputs"].items() if not refers(one)}
        client("cloudformation").create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in ({"RawBucketName": RAW} | parameters).items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        resources = client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        self.resources = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}

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
