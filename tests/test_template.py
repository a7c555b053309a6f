"""template.yaml holds the rules that keep a lake safe, fits the code, and satisfies the linters.

The rules (template_rules.py) look at the template after SAM's own transform, and are themselves tested by templates
that break them.
"""

import copy
import fnmatch
import json
import re
import subprocess
import time
import tomllib
from pathlib import Path

import aws_local
import pytest
from aws_local import BIN, ROOT
from cloudformation import (
    ACCOUNT,
    BY_NAME,
    FUNCTION,
    KEY_ARN,
    RAW,
    REGION,
    SOURCES,
    TEMPLATE,
    TOPIC_ARN,
    VARIANTS,
    Plan,
    evaluate,
    expand,
    load,
    of_type,
)
from template_rules import (
    RULES,
    alarms_say_what_to_do,
    buckets_are_private_and_kept,
    functions_are_fed_by_a_queue,
    functions_follow_the_parameters,
    functions_log_where_logs_end,
    ledgers_forget_after_a_while,
    listed,
    mappings_settle_message_by_message,
    only_tls_is_spoken,
    outputs_name_what_an_operator_needs,
    parameters_are_explained_and_bounded,
    queues_have_a_dead_letter_queue,
    queues_outlast_their_functions,
    roles_have_least_privilege,
    rules_announce_the_logs,
    senders_are_bound,
    sources_have_a_switch,
    stores_are_encrypted,
    streams_write_where_functions_read,
)


@pytest.fixture(scope="module")
def raw() -> dict:
    return load()


@pytest.fixture
def expanded(raw) -> dict:
    return expand(raw)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_template_holds_the_rule(expanded, rule, variant):
    assert list(rule(evaluate(expanded, variant))) == []


# ---- Templates that break a rule -------------------------------------------------------------------------------------


def properties(template: dict, name: str) -> dict:
    return template["Resources"][name]["Properties"]


def statements(template: dict, name: str, policy: int = 0) -> list:
    """The statements of a policy resource, or of one policy of a role."""
    of = properties(template, name)
    document = of["Policies"][policy]["PolicyDocument"] if "Policies" in of else of["PolicyDocument"]
    return document["Statement"]


def remove(resource: str):
    def mutate(template: dict):
        del template["Resources"][resource]
        outputs = template["Outputs"].items()
        template["Outputs"] = {name: one for name, one in outputs if resource not in json.dumps(one)}

    return mutate


def drop(resource: str, name: str):
    return lambda template: properties(template, resource).pop(name)


def change(resource: str, **values):
    return lambda template: properties(template, resource).update(values)


def change_all(**values):
    return lambda template: template["Globals"]["Function"].update(values)


def destination(template: dict, source: str) -> dict:
    return properties(template, f"{source}Delivery")["ExtendedS3DestinationConfiguration"]


def change_role(policy: int, **values):
    return lambda template: statements(template, "CloudTrailRole", policy)[0].update(values)


ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

# For each rule: what is broken, how, and what the rule must say.
MUTATIONS = {
    sources_have_a_switch: [
        (
            "an alarm stays without its source",
            lambda template: template["Resources"]["WafErrorsAlarm"].pop("Condition"),
            "WafErrorsAlarm stays when Waf is switched off",
        ),
        (
            "an output stays without its source",
            lambda template: template["Outputs"]["Route53RoleArn"].pop("Condition"),
            "Route53RoleArn stays",
        ),
        (
            "a source hangs on another's switch",
            lambda template: template["Resources"]["VpcFlowQueue"].update(Condition="Route53"),
            "VpcFlowQueue goes when Route53 is switched off",
        ),
    ],
    rules_announce_the_logs: [
        (
            "a rule takes every object",
            lambda template: properties(template, "VpcFlowObjectCreatedRule")["EventPattern"]["detail"].pop("object"),
            "VpcFlowObjectCreatedRule announces others",
        ),
        (
            "a rule sends to another's queue",
            lambda template: properties(template, "WafObjectCreatedRule")["Targets"][0].update(
                Arn={"Fn::GetAtt": ["VpcFlowQueue", "Arn"]}
            ),
            "does not send to the queue of Waf",
        ),
        (
            "a rule loses what it cannot deliver",
            lambda template: properties(template, "WafObjectCreatedRule")["Targets"][0].pop("DeadLetterConfig"),
            "does not send to the queue of Waf",
        ),
    ],
    streams_write_where_functions_read: [
        (
            "a stream writes elsewhere",
            lambda template: destination(template, "SecurityHub").update(Prefix="findings/"),
            "where the function of SecurityHub does not read",
        ),
        (
            "what failed lies among the logs",
            lambda template: destination(template, "EksAudit").update(ErrorOutputPrefix="eks-audit/failed/"),
            "among the logs",
        ),
        (
            "a stream fails in silence",
            lambda template: destination(template, "EksAudit").pop("CloudWatchLoggingOptions"),
            "does not say why",
        ),
    ],
    ledgers_forget_after_a_while: [
        (
            "a ledger grows for ever",
            drop("Route53Ledger", "TimeToLiveSpecification"),
            "Route53Ledger never forgets",
        ),
        (
            "a function has another's ledger",
            lambda template: properties(template, "WafFunction")["Environment"]["Variables"].update(
                LEDGER_TABLE={"Ref": "VpcFlowLedger"}
            ),
            "WafFunction has no ledger of its own",
        ),
    ],
    functions_follow_the_parameters: [
        (
            "a function reads another's bucket",
            lambda template: properties(template, "WafFunction")["Environment"]["Variables"].update(RAW_BUCKETS="x"),
            "WafFunction reads another bucket",
        ),
        (
            "a function has its tables fixed",
            lambda template: properties(template, "Route53Function")["Environment"]["Variables"].update(
                SOURCES="ROUTE53@1.0"
            ),
            "ignores Route53Tables",
        ),
        ("the runtime has a typing error", change_all(Runtime="provided.al2032"), "provided.al2023"),
        ("the architecture is fixed", change_all(Architectures=["arm64"]), "Architecture"),
        ("concurrency is reserved", change("CloudTrailFunction", ReservedConcurrentExecutions=5), "reserves"),
    ],
    functions_are_fed_by_a_queue: [
        ("nothing feeds the function", remove("CloudTrailEventSourceMapping"), "0 event source mappings"),
    ],
    mappings_settle_message_by_message: [
        (
            "partial failures are not reported",
            drop("CloudTrailEventSourceMapping", "FunctionResponseTypes"),
            "partial failures",
        ),
        ("concurrency has no bound", drop("CloudTrailEventSourceMapping", "ScalingConfig"), "no bound"),
        ("the batch size is fixed", change("CloudTrailEventSourceMapping", BatchSize=10), "BatchSize"),
    ],
    queues_outlast_their_functions: [
        (
            "visibility is too short for one timeout",
            lambda template: template["Mappings"]["VisibilityByTimeout"]["600"].update(Seconds=3600),
            "timeout of 600 s",
        ),
        ("visibility is the default", drop("CloudTrailQueue", "VisibilityTimeout"), "30 s"),
    ],
    queues_have_a_dead_letter_queue: [
        ("there is no dead-letter queue", drop("CloudTrailQueue", "RedrivePolicy"), "no dead-letter queue"),
        (
            "messages are given up too soon",
            lambda template: properties(template, "CloudTrailQueue")["RedrivePolicy"].update(maxReceiveCount=3),
            "fewer than 5",
        ),
        ("what failed is kept for 4 days", drop("CloudTrailDeadLetterQueue", "MessageRetentionPeriod"), "345600"),
        ("any queue may use it", drop("CloudTrailDeadLetterQueue", "RedriveAllowPolicy"), "used by others"),
    ],
    stores_are_encrypted: [
        ("a queue is not encrypted", drop("CloudTrailQueue", "SqsManagedSseEnabled"), "CloudTrailQueue"),
        (
            "a stream is not encrypted",
            drop("EksAuditDelivery", "DeliveryStreamEncryptionConfigurationInput"),
            "EksAuditDelivery",
        ),
        ("the lake is not encrypted", drop("LakeBucket", "BucketEncryption"), "LakeBucket"),
    ],
    buckets_are_private_and_kept: [
        ("the lake has another name", change("LakeBucket", BucketName="my-lake"), "named"),
        ("the lake is not versioned", drop("LakeBucket", "VersioningConfiguration"), "versioned"),
        (
            "the lake may become public",
            change("LakeBucket", PublicAccessBlockConfiguration={"BlockPublicAcls": True}),
            "public",
        ),
        ("the lake takes foreign objects", drop("LakeBucket", "OwnershipControls"), "others own"),
        ("broken uploads stay", drop("LakeBucket", "LifecycleConfiguration"), "uploads"),
        ("the lake goes", lambda template: template["Resources"]["LakeBucket"].pop("DeletionPolicy"), "goes with"),
    ],
    only_tls_is_spoken: [
        ("the lake speaks plain http", remove("LakeBucketPolicy"), "LakeBucket"),
        (
            "the lake's objects do",
            lambda template: statements(template, "LakeBucketPolicy")[0]["Resource"].pop(),
            "LakeBucket",
        ),
        ("the queue does", lambda template: statements(template, "CloudTrailQueuePolicy").pop(0), "CloudTrailQueue"),
    ],
    senders_are_bound: [
        (
            "any rule may send",
            lambda template: statements(template, "CloudTrailQueuePolicy")[1]["Fn::If"][1].pop("Condition"),
            "any source",
        ),
    ],
    roles_have_least_privilege: [
        ("the role may read all", change_role(0, Resource="*"), "something on *"),
        ("the role may read logs of any account", change_role(0, Resource=f"arn:aws:s3:::{RAW}/AWSLogs/*/x/*"), "/x/*"),
        (
            "anybody may have the stream write",
            lambda template: properties(template, "EksAuditDeliveryRole")["AssumeRolePolicyDocument"]["Statement"][
                0
            ].pop("Condition"),
            "EksAuditDeliveryRole may be used for any account",
        ),
        ("the role may do all to the lake", change_role(1, Action="s3:*"), "s3:*"),
        ("the role may not do something", change_role(2, NotAction="glue:DeleteTable"), "everything but"),
        ("a policy is not shown", change("CloudTrailRole", ManagedPolicyArns=[ADMINISTRATOR]), "does not show"),
        ("the role is SAM's", drop("CloudTrailFunction", "Role"), "CloudTrailFunctionRole has policies"),
        (
            "two functions share a role",
            lambda template: template["Resources"].update(Other=template["Resources"]["CloudTrailFunction"]),
            "role of its own",
        ),
    ],
    functions_log_where_logs_end: [
        ("the log is Lambda's own", drop("CloudTrailFunction", "LoggingConfig"), "no log group"),
        ("the log is kept for ever", drop("CloudTrailLogGroup", "RetentionInDays"), "for ever"),
        ("a stream's log is kept for ever", drop("EksAuditDeliveryLogGroup", "RetentionInDays"), "for ever"),
    ],
    alarms_say_what_to_do: [
        ("dead letters are not watched", remove("CloudTrailDeadLetterAlarm"), "dead-letter queue"),
        ("some dead letters are tolerated", change("CloudTrailDeadLetterAlarm", Threshold=10), "dead-letter queue"),
        ("age is not watched", remove("CloudTrailMessageAgeAlarm"), "late"),
        ("a stream is not watched", remove("SecurityHubDeliveryAlarm"), "SecurityHubDelivery cannot write"),
        ("silence is not seen", change("CloudTrailSilenceAlarm", TreatMissingData="missing"), "silent"),
        ("an alarm has no remedy", change("CloudTrailErrorsAlarm", AlarmDescription="errors"), "CloudTrailErrorsAlarm"),
    ],
    parameters_are_explained_and_bounded: [
        (
            "a parameter takes anything",
            lambda template: template["Parameters"]["RawBucketName"].pop("AllowedPattern"),
            "RawBucketName",
        ),
    ],
    outputs_name_what_an_operator_needs: [
        (
            "an output is missing",
            lambda template: template["Outputs"].pop("CloudTrailDeadLetterQueueUrl"),
            "CloudTrailDeadLetterQueueUrl",
        ),
    ],
}


@pytest.mark.parametrize(
    "rule, mutate, says",
    [pytest.param(rule, *case[1:], id=case[0]) for rule, cases in MUTATIONS.items() for case in cases],
)
def test_a_broken_template_is_noticed(raw, rule, mutate, says):
    broken = copy.deepcopy(raw)
    mutate(broken)
    complaints = list(rule(evaluate(expand(broken), "eventbridge")))
    assert any(says in complaint for complaint in complaints), complaints


def test_every_rule_has_been_seen_to_complain():
    assert set(MUTATIONS) == set(RULES)


# ---- The template and the code ---------------------------------------------------------------------------------------


def uncommented(text: str) -> list[str]:
    """Resources whose comment does not say what they are for, what their failure means and what to do about it."""
    section = text.split("\nResources:\n")[1].split("\nOutputs:\n")[0]
    missing, comment = [], []
    for line in section.splitlines():
        if line.startswith("  #"):
            comment.append(line.lstrip(" #"))
            continue
        if name := re.fullmatch(r"  (\w+):", line):
            said = [line.split(":")[0] for line in comment if re.match(r"(Purpose|Failure impact|Remedy): \S", line)]
            if said != ["Purpose", "Failure impact", "Remedy"]:
                missing.append(name[1])
        comment = []
    return missing


def test_every_resource_says_purpose_failure_impact_and_remedy(raw):
    text = TEMPLATE.read_text()
    assert uncommented(text) == []
    for word in ("Purpose", "Failure impact", "Remedy"):
        # Without the word everywhere, every resource is found: none escapes the check.
        assert uncommented(re.sub(rf"(?m)^  # {word}:", "  # Note:", text)) == list(raw["Resources"])


def test_functions_and_binaries_are_the_same_set(raw):
    binaries = []
    for manifest in sorted(ROOT.glob("functions/*/Cargo.toml")):
        crate = tomllib.loads(manifest.read_text())
        binaries += [binary["name"] for binary in crate.get("bin", [{"name": crate["package"]["name"]}])]
    deployed = [one["Properties"]["CodeUri"] for one in of_type(raw, "AWS::Serverless::Function").values()]
    assert sorted(deployed) == sorted(f"target/lambda/{binary}/" for binary in binaries)


def documented_variables() -> dict[str, str]:
    """The environment variables that the configuration reads, and their defaults, from the table in its module."""
    rows = re.findall(r"^//! \| (`[A-Z].*?) \| (.*?) \|", (ROOT / "shared/src/config.rs").read_text(), re.MULTILINE)
    assert len(rows) > 5, "the table of variables in config.rs is not where it was"
    return {name: default for names, default in rows for name in re.findall(r"`(\w+)`", names)}


def test_functions_are_given_the_variables_that_the_code_reads(expanded):
    documented = documented_variables()
    plan = evaluate(expanded, "own-keys")
    for name, function in plan.resources(FUNCTION).items():
        variables = function["Environment"]["Variables"]
        assert set(variables) == {name for name in documented if not name.startswith("AWS_")}, name
        # A deployment that sets nothing behaves as the program that is given nothing.
        bounds = {"MAX_OBJECT_BYTES", "MAX_RECORD_BYTES", "BUFFER_BYTES", "FETCH_CONCURRENCY"}
        for variable in bounds | {"CODEC", "LOG_LEVEL"}:
            assert variables[variable] == documented[variable].strip("`").split(" ")[0], variable


def role_statements(plan: Plan, role: str) -> list[dict]:
    return [one for policy in plan.properties(role)["Policies"] for one in policy["PolicyDocument"]["Statement"]]


# What the calls of the store need. The calls of a multipart upload are permitted as the put that they make up.
S3_ACTIONS = {
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "head_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "delete_object": {"s3:DeleteObject"},
}


# What a call of the ledger needs. A transaction is permitted as what it does.
DYNAMODB_ACTIONS = {
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
    "update_item": {"dynamodb:UpdateItem"},
}


def calls(module: str) -> set[str]:
    """The calls of an AWS client that a module of shared/ makes."""
    files = [*ROOT.glob(f"shared/src/{module}.rs"), *ROOT.glob(f"shared/src/{module}/**/*.rs")]
    code = "".join(file.read_text() for file in files if not {"tests", "tests.rs"} & set(file.parts))
    return set(re.findall(r"\bclient\s*\.\s*([a-z0-9_]+)\(\)", code)) - {"clone"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
def test_the_role_is_granted_exactly_what_the_code_calls(expanded, source):
    glue = {"glue:" + call.title().replace("_", "") for call in calls("catalog/glue")}
    s3 = set().union(*(S3_ACTIONS[call] for call in calls("store/s3")))
    ledger = set().union(*(DYNAMODB_ACTIONS[call] for call in calls("ledger/dynamodb")))
    # Lambda's poller and its log need these of the function's role.
    lambdas = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    lambdas |= {"logs:CreateLogStream", "logs:PutLogEvents"}
    keys = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert len(glue) >= 4 and len(s3) >= 4 and len(ledger) >= 4
    needed = glue | s3 | ledger | lambdas
    for variant, expected in {"eventbridge": needed, "own-keys": needed | keys}.items():
        granted = role_statements(evaluate(expanded, variant), f"{source.name}Role")
        assert {action for one in granted for action in listed(one["Action"])} == expected


LAKE = {"LakeBucket.Arn": "arn:aws:s3:::aws-security-data-lake-us-east-1-x"}


def allows(granted: list[dict], action: str, resource: str) -> bool:
    """Whether statements allow an action. IAM's stars stand for slashes too, as these do."""
    return any(
        action in listed(one["Action"]) and fnmatch.fnmatchcase(resource, pattern)
        for one in granted
        for pattern in listed(one["Resource"])
    )


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
@pytest.mark.parametrize("variant", ["own-keys", "own-buckets"])
def test_the_role_reaches_its_own_things_only(expanded, source, variant):
    plan = evaluate(expanded, variant)
    plan.physical = LAKE
    granted = role_statements(plan, f"{source.name}Role")
    lake, glue = LAKE["LakeBucket.Arn"], f"arn:aws:glue:{REGION}:{ACCOUNT}"
    database = "amazon_security_lake_glue_db_us_east_1"
    expectations = [
        ("s3:GetObject", f"arn:aws:s3:::{plan.bucket(source)}/payroll.csv", False),
        ("s3:GetObject", f"arn:aws:s3:::{plan.bucket(source)}-backup/{source.key}", False),
        ("s3:PutObject", f"arn:aws:s3:::{plan.bucket(source)}/{source.key}", False),
        ("s3:DeleteObject", f"arn:aws:s3:::{plan.bucket(source)}/{source.key}", False),
        ("glue:CreateTable", f"{glue}:catalog", True),
        ("glue:CreateDatabase", f"{glue}:database/{database}", True),
        ("glue:CreateDatabase", f"{glue}:database/other", False),
    ]
    for other in SOURCES:
        own = other is source
        expectations += [
            ("s3:GetObject", f"arn:aws:s3:::{plan.bucket(other)}/{other.key}", own),
            ("s3:PutObject", f"{lake}/quarantine/{other.folder}/x.jsonl.gz", own),
            ("s3:DeleteObject", f"{lake}/quarantine/{other.folder}/x.jsonl.gz", own),
            ("sqs:ReceiveMessage", f"{other.name}Queue.Arn", own),
            ("sqs:ReceiveMessage", f"{other.name}DeadLetterQueue.Arn", False),
            ("sqs:SendMessage", f"{other.name}Queue.Arn", False),
            ("logs:PutLogEvents", f"{other.name}LogGroup.Arn", own),
            ("dynamodb:UpdateItem", f"{other.name}Ledger.Arn", own),
        ]
        for table in other.tables:
            for version in ("1.0", "2.0"):
                name = f"amazon_security_lake_table_us_east_1_{table.lower()}_{version.replace('.', '_')}"
                expectations += [
                    ("s3:PutObject", f"{lake}/aws/{table}/{version}/region=us-east-1/x.zstd.parquet", own),
                    ("s3:DeleteObject", f"{lake}/aws/{table}/{version}/region=us-east-1/x.zstd.parquet", own),
                    ("s3:GetObject", f"{lake}/aws/{table}/{version}/region=us-east-1/x.zstd.parquet", False),
                    ("glue:BatchCreatePartition", f"{glue}:table/{database}/{name}", own),
                ]
    for action, resource, expected in expectations:
        assert allows(granted, action, resource) is expected, f"{action} on {resource}"
    for one in granted:
        if any(action.startswith("kms:") for action in listed(one["Action"])):
            assert one["Condition"] == {"StringLike": {"kms:ViaService": f"s3.{REGION}.amazonaws.com*"}}
            assert listed(one["Resource"]) in ([KEY_ARN], [KEY_ARN, f"{KEY_ARN}-2"])
        if "s3:GetObject" in listed(one["Action"]):
            assert one["Condition"] == {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}


@pytest.mark.parametrize("name", ["SecurityHub", "EksAudit"])
def test_a_stream_reaches_its_own_things_only(expanded, name):
    source, plan = BY_NAME[name], evaluate(expanded, "own-keys")
    plan.physical = LAKE
    granted = role_statements(plan, f"{name}DeliveryRole")
    assert allows(granted, "s3:PutObject", f"arn:aws:s3:::{RAW}/{source.key}")
    assert allows(granted, "s3:PutObject", f"arn:aws:s3:::{RAW}/firehose-failed/{source.folder}/x")
    for other in SOURCES:
        if other is not source:
            assert not allows(granted, "s3:PutObject", f"arn:aws:s3:::{RAW}/{other.key}")
            assert not allows(granted, "s3:GetObject", f"arn:aws:s3:::{RAW}/{other.key}")
    assert not allows(granted, "s3:PutObject", f"{LAKE['LakeBucket.Arn']}/aws/x")
    sender = role_statements(plan, f"{name}SenderRole")
    assert [(set(one["Action"]), one["Resource"]) for one in sender] == [
        ({"firehose:PutRecord", "firehose:PutRecordBatch"}, f"{name}Delivery.Arn")
    ]


def tables_in_code(source) -> set[str]:
    """The tables that a function can fill, as SOURCE@version."""
    code = (ROOT / "functions" / source.folder / "src/lib.rs").read_text()
    names = re.findall(r"\b([A-Z0-9_]+)_([12])_0\b", code)
    assert names, f"the tables of {source.folder} are not where they were"
    return {f"{name}@{version}.0" for name, version in names}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
def test_the_tables_that_can_be_chosen_are_those_of_the_code(raw, source):
    known = tables_in_code(source)
    assert {name.split("@")[0] for name in known} == set(source.tables)
    parameter = raw["Parameters"].get(f"{source.name}Tables")
    if parameter is None:
        assert known == {f"{source.tables[0]}@2.0"}
        return
    default = set(parameter["Default"].split(","))
    assert default == {f"{table}@2.0" for table in source.tables}
    if values := parameter.get("AllowedValues"):
        assert {name for value in values for name in value.split(",")} == known
    else:
        assert {name for name in known if re.search(parameter["AllowedPattern"], name)} == known


# ---- The blocks of the sources ---------------------------------------------------------------------------------------


def block(template: dict, source) -> dict:
    """A source's resources with the names of the source replaced, and what is said of it to people left out."""
    resources = {
        name: {key: value for key, value in resource["Properties"].items() if not key.endswith("Description")}
        | {"Condition": resource["Condition"]}
        for name, resource in template["Resources"].items()
        if name.startswith(source.name) and "Delivery" not in name and "Sender" not in name and "Findings" not in name
    }
    text = json.dumps(resources, sort_keys=True)
    for table in source.tables:
        text = text.replace(f"/aws/{table}/", "/aws/TABLE/").replace(f"_{table.lower()}_*", "_table_*")
    if f"{source.name}Tables" not in template["Parameters"]:
        text = text.replace(f'"{source.tables[0]}@2.0"', json.dumps({"Ref": f"{source.name}Tables"}))
    for places in ("/{}/", "-{}"):
        text = text.replace(places.format(source.folder), places.format("source"))
    return without_repetition(json.loads(text.replace(source.name, "Source")))


def without_repetition(node):
    """Lists with each element once: three tables look like one."""
    if isinstance(node, dict):
        return {key: without_repetition(value) for key, value in node.items()}
    if isinstance(node, list):
        once = {json.dumps(value, sort_keys=True): without_repetition(value) for value in node}
        return list(once.values())
    return node


@pytest.mark.parametrize("source", SOURCES[1:], ids=lambda source: source.folder)
def test_the_blocks_of_all_sources_are_alike(raw, source):
    first, other = block(raw, SOURCES[0]), block(raw, source)
    assert other.keys() == first.keys()
    for name, resource in first.items():
        assert other[name] == resource, name
    outputs = {name.removeprefix(source.name) for name in raw["Outputs"] if name.startswith(source.name)}
    assert outputs >= {name.removeprefix("CloudTrail") for name in raw["Outputs"] if name.startswith("CloudTrail")}


def test_every_resource_belongs_to_the_lake_or_to_one_source(raw):
    for name in raw["Resources"]:
        owners = [source for source in SOURCES if name.startswith(source.name)]
        assert len(owners) == (0 if name.startswith("Lake") else 1), name


def test_cloudformation_takes_its_size(raw, expanded):
    # SAM uploads what it makes of this file; its transform makes the file longer.
    assert TEMPLATE.stat().st_size < 1_000_000 and len(json.dumps(expanded)) < 1_000_000
    assert len(expanded["Resources"]) <= 500
    assert len(expanded["Parameters"]) <= 200 and len(expanded["Outputs"]) <= 200
    for output in raw["Outputs"].values():
        assert len(output["Description"]) <= 1024


# ---- Parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameter, accepted, refused",
    [
        ("RawBucketName", ["raw-logs", "aws-logs.example"], ["", "Raw", "aws-security-data-lake-us-east-1-x"]),
        ("WafBucketName", ["", "aws-waf-logs-x"], ["Raw", "aws-security-data-lake-us-east-1-x"]),
        (
            "CloudTrailKeys",
            ["AWSLogs/*/CloudTrail/*", "trail/AWSLogs/o-1/*/CloudTrail/*", "AWSLogs/123456789012/CloudTrail/*"],
            ["", "*", "/*", "*/CloudTrail/*", "AWSLogs/", "AWSLogs/**/CloudTrail/*", "${x}/*", "AWSLogs/?/*"],
        ),
        ("VpcFlowKeys", ["AWSLogs/*vpcflowlogs/*", "flow-logs/*"], ["flow-logs/", "*", "AWSLogs**"]),
        ("SecurityHubKeys", ["security-hub/*", "a/b=c/*"], ["security-hub/", "a/*/b/*", "*", "!{x}/*"]),
        ("RawBucketAccountId", ["", ACCOUNT], ["1234", "arn:aws:iam::123456789012:root"]),
        ("RawBucketKmsKeyArns", ["", KEY_ARN, KEY_ARN.replace("aws:", "aws-cn:")], ["*", "alias/raw", KEY_ARN + "*"]),
        ("LakeKmsKeyArn", ["", KEY_ARN], ["*", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/lake"]),
        ("RawBucketTopicArn", ["", TOPIC_ARN], ["*", TOPIC_ARN + ".fifo", TOPIC_ARN + "*"]),
        ("AlarmTopicArn", ["", TOPIC_ARN], ["*", "someone@example.com"]),
        ("LakeBucketSuffix", ["", "x", "team-a", "a" * 24], ["-x", "x-", "X", "a.b"]),
        (
            "CloudTrailTables",
            ["S3_DATA@2.0", "S3_DATA@1.0,CLOUD_TRAIL_MGMT@2.0"],
            ["", "S3_DATA", "VPC_FLOW@2.0", "S3_DATA@3.0", "S3_DATA@1.0, S3_DATA@2.0"],
        ),
    ],
)
def test_patterns_accept_what_works_and_refuse_what_does_not(raw, parameter, accepted, refused):
    pattern = raw["Parameters"][parameter]["AllowedPattern"]
    assert [value for value in accepted if not re.search(pattern, value)] == []
    assert [value for value in refused if re.search(pattern, value)] == []


def test_the_longest_lake_bucket_name_fits(raw, expanded):
    suffix = "a" * raw["Parameters"]["LakeBucketSuffix"]["MaxLength"]
    plan = evaluate(expanded, "eventbridge", LakeBucketSuffix=suffix)
    plan.region = "us-isof-south-1"
    assert len(plan.properties("LakeBucket")["BucketName"]) == 63


@pytest.mark.parametrize("size, window, accepted", [(100, 0, False), (10, 0, True), (1, 0, True), (100, 1, True)])
def test_a_large_batch_needs_a_window(expanded, size, window, accepted):
    plan = evaluate(expanded, "eventbridge", BatchSize=size, BatchWindow=window)
    rule = expanded["Rules"]["BatchWindowForLargeBatches"]
    holds = not plan.value(rule["RuleCondition"]) or all(plan.value(one["Assert"]) for one in rule["Assertions"])
    assert holds is accepted


# ---- The linters, as a user runs them --------------------------------------------------------------------------------


def run_tool(*command: str | Path, **variables: str) -> subprocess.CompletedProcess:
    environment = aws_local.environment(**variables)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_cfn_lint_has_nothing_to_say():
    result = run_tool(BIN / "cfn-lint", "template.yaml")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_sam_finds_the_template_valid(tmp_path):
    # SAM's own state in a folder of the test: no telemetry, and no look for a newer version.
    state = {"telemetryEnabled": False, "lastVersionCheck": time.time()}
    (tmp_path / "metadata.json").write_text(json.dumps(state))
    result = run_tool(
        BIN / "sam", "validate", "--lint", "-t", "template.yaml", "--region", REGION,
        SAM_CLI_TELEMETRY="0", __SAM_CLI_APP_DIR=str(tmp_path),
    )  # fmt: skip
    output = result.stdout + result.stderr
    assert result.returncode == 0 and "is a valid SAM Template" in output, output
    assert not re.search(r"\b[EWI]\d{4}\b", output), output


def test_samconfig_names_options_that_sam_has():
    from samcli.commands.deploy.command import cli as deploy
    from samcli.commands.validate.validate import cli as validate

    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for name, command in {"deploy": deploy, "validate": validate}.items():
        assert set(config["default"][name]["parameters"]) <= {option.name for option in command.params}
    assert config["default"]["deploy"]["parameters"]["template_file"] == TEMPLATE.name
