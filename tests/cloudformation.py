"""template.yaml, read and evaluated as CloudFormation does it: short forms, SAM's transform, intrinsic functions."""

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
REGION, ACCOUNT, STACK = "us-east-1", "123456789012", "lake"
RAW = "raw-logs"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:raw-log-objects"


@dataclass(frozen=True)
class Source:
    """A source as the template writes it: what its names begin with, its function's folder, its tables."""

    name: str
    folder: str
    tables: tuple[str, ...]
    # A key as AWS, or the stream of the template, writes it.
    key: str


SOURCES = [
    Source(
        "CloudTrail",
        "cloudtrail",
        ("CLOUD_TRAIL_MGMT", "S3_DATA", "LAMBDA_EXECUTION"),
        "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/14/a log+1.json.gz",
    ),
    Source(
        "VpcFlow",
        "vpc-flow",
        ("VPC_FLOW",),
        "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/x.log.gz",
    ),
    Source(
        "Route53",
        "route53",
        ("ROUTE53",),
        "AWSLogs/123456789012/vpcdnsquerylogs/vpc-0abc/2026/03/14/vpc-0abc_vpcdnsquerylogs_123456789012_x.log.gz",
    ),
    Source("SecurityHub", "security-hub", ("SH_FINDINGS",), "security-hub/2026/03/14/09/findings-1.gz"),
    Source("EksAudit", "eks-audit", ("EKS_AUDIT",), "eks-audit/2026/03/14/09/audit-1"),
    Source(
        "Waf",
        "waf",
        ("WAF",),
        "AWSLogs/123456789012/WAFLogs/us-east-1/shop/2026/03/14/09/05/x.log.gz",
    ),
]
BY_NAME = {source.name: source for source in SOURCES}

# The shapes of a deployment in which the conditions of the template differ. Each is held to the rules and created.
ALL_ON = {f"Enable{source.name}": "true" for source in SOURCES}
VARIANTS = {
    "eventbridge": ALL_ON,
    "queue": {**ALL_ON, "NotificationMode": "Queue"},
    "queue-with-topic": {**ALL_ON, "NotificationMode": "Queue", "RawBucketTopicArn": TOPIC_ARN},
    "own-keys": {
        **ALL_ON,
        "RawBucketKmsKeyArns": f"{KEY_ARN},{KEY_ARN}-2",
        "LakeKmsKeyArn": KEY_ARN,
        "LakeBucketSuffix": "example",
    },
    "own-buckets": {
        **ALL_ON,
        **{f"{source.name}BucketName": f"{RAW}-{source.folder}" for source in SOURCES},
        "CloudTrailTables": "CLOUD_TRAIL_MGMT@1.0,CLOUD_TRAIL_MGMT@2.0",
        "VpcFlowTables": "VPC_FLOW@1.0,VPC_FLOW@2.0",
    },
    "other-account": {
        **ALL_ON,
        "NotificationMode": "Queue",
        "RawBucketAccountId": "210987654321",
        "AlarmTopicArn": TOPIC_ARN,
    },
    "collected-by-others": {**ALL_ON, "CollectSecurityHub": "false", "CollectEksAudit": "false"},
    "defaults": {},
    "nothing": {"EnableCloudTrail": "false"},
    "without-cloudtrail": {"EnableCloudTrail": "false", "EnableVpcFlow": "true", "EnableEksAudit": "true"},
}

FUNCTION, MAPPING = "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"
QUEUE, BUCKET, ALARM = "AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::CloudWatch::Alarm"
RULE, STREAM, LEDGER = "AWS::Events::Rule", "AWS::KinesisFirehose::DeliveryStream", "AWS::DynamoDB::Table"
DASHBOARD = "AWS::CloudWatch::Dashboard"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, read as their long forms."""


def _short_form(loader: Loader, name: str, node: yaml.Node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if name == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", _short_form)


def load() -> dict:
    return yaml.load(TEMPLATE.read_text(), Loader)


def expand(raw: dict) -> dict:
    """SAM's transform, as CloudFormation runs it."""
    template = copy.deepcopy(raw)
    for function in of_type(template, "AWS::Serverless::Function").values():
        # CloudFormation sees the template after `sam deploy` has uploaded the folder.
        function["Properties"]["CodeUri"] = "s3://code/function.zip"
    expanded = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION)).translate(template, {})
    for parameter in expanded["Parameters"].values():
        if "Default" in parameter:
            parameter["Default"] = str(parameter["Default"])  # as CloudFormation passes them, numbers too
    return expanded


def of_type(template: dict, kind: str) -> dict:
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


@dataclass
class Plan:
    """What an expanded template amounts to for given parameters: CloudFormation's intrinsic functions, as far as used.

    `physical` has what resources turned into ("LakeBucket", "LakeBucket.Arn"); others stand for themselves.
    """

    template: dict
    parameters: dict
    physical: dict = field(default_factory=dict)
    region: str = REGION

    NO_VALUE = object()

    def ref(self, name: str):
        pseudo = {
            "AWS::Region": self.region,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::StackName": STACK,
            "AWS::NoValue": self.NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.template["Parameters"]:
            parameter = self.template["Parameters"][name]
            given = str(self.parameters[name] if name in self.parameters else parameter["Default"])
            return given.split(",") if parameter["Type"] == "CommaDelimitedList" else given
        assert name.split(".")[0] in self.template["Resources"], f"{name} is no parameter and no resource"
        return self.physical.get(name, name)

    def condition(self, name: str) -> bool:
        return self.value(self.template["Conditions"][name])

    def value(self, node):
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not self.NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref":
                return self.ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if name.startswith("Fn::"):
                return getattr(self, "fn_" + name[4:].lower())(argument)
        values = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not self.NO_VALUE}

    def fn_getatt(self, argument):
        return self.ref(".".join(argument))

    def fn_sub(self, argument):
        text, variables = argument if isinstance(argument, list) else (argument, {})
        variables = {name: self.value(value) for name, value in variables.items()}

        def replaced(hit: re.Match) -> str:
            name = hit[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"  # what is written with `!` is meant for whoever reads the result
            return str(variables[name] if name in variables else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)

    def fn_if(self, argument):
        return self.value(argument[1 if self.condition(argument[0]) else 2])

    def fn_equals(self, argument):
        left, right = self.value(argument)
        return left == right

    def fn_not(self, argument):
        return not self.value(argument)[0]

    def fn_and(self, argument):
        return all(self.value(argument))

    def fn_or(self, argument):
        return any(self.value(argument))

    def fn_contains(self, argument):
        values, value = self.value(argument)
        return value in values

    def fn_join(self, argument):
        return argument[0].join(self.value(argument[1]))

    def fn_split(self, argument):
        return self.value(argument[1]).split(argument[0])

    def fn_select(self, argument):
        index, values = argument
        return self.value(values)[int(index)]

    def fn_findinmap(self, argument):
        name, top, second = self.value(argument)
        return self.template["Mappings"][name][top][second]

    def properties(self, name: str) -> dict:
        return self.value(self.template["Resources"][name]["Properties"])

    def exists(self, name: str) -> bool:
        """Whether a resource, or an output, is really created."""
        one = self.template["Resources"].get(name) or self.template["Outputs"][name]
        return "Condition" not in one or self.condition(one["Condition"])

    def resources(self, kind: str) -> dict[str, dict]:
        """The properties of the resources of a type that are really created."""
        return {name: self.properties(name) for name in of_type(self.template, kind) if self.exists(name)}

    def enabled(self) -> list[Source]:
        return [source for source in SOURCES if self.condition(source.name)]

    def bucket(self, source: Source) -> str:
        """The raw bucket of a source."""
        return self.ref(f"{source.name}BucketName") or self.ref("RawBucketName")


def evaluate(expanded: dict, variant: str, **parameters) -> Plan:
    return Plan(expanded, {"RawBucketName": RAW, **VARIANTS[variant], **parameters})
