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
    FUNCTION,
    KEY_ARN,
    RAW,
    REGION,
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
    listed,
    mappings_settle_message_by_message,
    only_tls_is_spoken,
    outputs_name_what_an_operator_needs,
    parameters_are_explained_and_bounded,
    queues_have_a_dead_letter_queue,
    queues_outlast_their_functions,
    roles_have_least_privilege,
    senders_are_bound,
    stores_are_encrypted,
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


ROLE = "CloudTrailRole"

# What is broken, how, the rule that must notice, and what it must name.
MUTATIONS = [
    ("the runtime has a typing error", lambda t: t["Globals"]["Function"].update(Runtime="provided.al2032"),
     functions_follow_the_parameters, "CloudTrailFunction"),
    ("the architecture is fixed", lambda t: t["Globals"]["Function"].update(Architectures=["arm64"]),
     functions_follow_the_parameters, "Architecture"),
    ("concurrency is reserved", lambda t: properties(t, "CloudTrailFunction").update(ReservedConcurrentExecutions=5),
     functions_follow_the_parameters, "reserves"),
    ("nothing feeds the function", lambda t: t["Resources"].pop("CloudTrailEventSourceMapping") and t["Outputs"].pop("CloudTrailPauseCommand"),
     functions_are_fed_by_a_queue, "CloudTrailFunction"),
    ("partial failures are not reported", lambda t: properties(t, "CloudTrailEventSourceMapping").pop("FunctionResponseTypes"),
     mappings_settle_message_by_message, "partial failures"),
    ("concurrency has no bound", lambda t: properties(t, "CloudTrailEventSourceMapping").pop("ScalingConfig"),
     mappings_settle_message_by_message, "no bound"),
    ("the batch size is fixed", lambda t: properties(t, "CloudTrailEventSourceMapping").update(BatchSize=10),
     mappings_settle_message_by_message, "BatchSize"),
    ("visibility is too short for one timeout", lambda t: t["Mappings"]["VisibilityByTimeout"]["600"].update(Seconds=3600),
     queues_outlast_their_functions, "timeout of 600 s"),
    ("visibility is the default", lambda t: properties(t, "CloudTrailQueue").pop("VisibilityTimeout"),
     queues_outlast_their_functions, "30 s"),
    ("there is no dead-letter queue", lambda t: properties(t, "CloudTrailQueue").pop("RedrivePolicy"),
     queues_have_a_dead_letter_queue, "no dead-letter queue"),
    ("a message is given up too soon", lambda t: properties(t, "CloudTrailQueue")["RedrivePolicy"].update(maxReceiveCount=3),
     queues_have_a_dead_letter_queue, "fewer than 5"),
    ("what failed is kept for 4 days", lambda t: properties(t, "CloudTrailDeadLetterQueue").pop("MessageRetentionPeriod"),
     queues_have_a_dead_letter_queue, "345600"),
    ("any queue may use the dead-letter queue", lambda t: properties(t, "CloudTrailDeadLetterQueue").pop("RedriveAllowPolicy"),
     queues_have_a_dead_letter_queue, "used by others"),
    ("a queue is not encrypted", lambda t: properties(t, "CloudTrailQueue").pop("SqsManagedSseEnabled"),
     stores_are_encrypted, "CloudTrailQueue"),
    ("the lake is not encrypted", lambda t: properties(t, "LakeBucket").pop("BucketEncryption"),
     stores_are_encrypted, "LakeBucket"),
    ("the lake has another name", lambda t: properties(t, "LakeBucket").update(BucketName="my-lake"),
     buckets_are_private_and_kept, "named"),
    ("the lake is not versioned", lambda t: properties(t, "LakeBucket").pop("VersioningConfiguration"),
     buckets_are_private_and_kept, "versioned"),
    ("the lake may become public", lambda t: properties(t, "LakeBucket")["PublicAccessBlockConfiguration"].update(BlockPublicPolicy=False),
     buckets_are_private_and_kept, "public"),
    ("the lake takes foreign objects", lambda t: properties(t, "LakeBucket").pop("OwnershipControls"),
     buckets_are_private_and_kept, "others own"),
    ("broken uploads stay", lambda t: properties(t, "LakeBucket")["LifecycleConfiguration"]["Rules"][0].pop("AbortIncompleteMultipartUpload"),
     buckets_are_private_and_kept, "uploads"),
    ("the lake goes with the stack", lambda t: t["Resources"]["LakeBucket"].pop("DeletionPolicy"),
     buckets_are_private_and_kept, "goes with"),
    ("the lake speaks plain http", lambda t: t["Resources"].pop("LakeBucketPolicy"),
     only_tls_is_spoken, "LakeBucket"),
    ("the lake's objects speak plain http", lambda t: statements(t, "LakeBucketPolicy")[0]["Resource"].pop(),
     only_tls_is_spoken, "LakeBucket"),
    ("the queue speaks plain http", lambda t: statements(t, "CloudTrailQueuePolicy").pop(0),
     only_tls_is_spoken, "CloudTrailQueue"),
    ("anything may send", lambda t: statements(t, "CloudTrailQueuePolicy")[1]["Fn::If"][1].pop("Condition"),
     senders_are_bound, "any source"),
    ("the role may read all", lambda t: statements(t, ROLE)[0].update(Resource="*"),
     roles_have_least_privilege, "*"),
    ("the role may read the whole bucket", lambda t: statements(t, ROLE)[0].update(Resource="arn:aws:s3:::raw/*"),
     roles_have_least_privilege, "raw/*"),
    ("the role may do all to the lake", lambda t: statements(t, ROLE, 1)[0].update(Action="s3:*"),
     roles_have_least_privilege, "s3:*"),
    ("the role has a managed policy", lambda t: properties(t, ROLE).update(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]),
     roles_have_least_privilege, "does not show"),
    ("the function has SAM's role", lambda t: properties(t, "CloudTrailFunction").pop("Role"),
     roles_have_least_privilege, "CloudTrailFunctionRole has policies"),
    ("two functions share a role", lambda t: t["Resources"].update(Other=t["Resources"]["CloudTrailFunction"]),
     roles_have_least_privilege, "role of its own"),
    ("the log is Lambda's own", lambda t: properties(t, "CloudTrailFunction").pop("LoggingConfig"),
     functions_log_where_logs_end, "no log group"),
    ("the log is kept for ever", lambda t: properties(t, "CloudTrailLogGroup").pop("RetentionInDays"),
     functions_log_where_logs_end, "for ever"),
    ("dead letters are not watched", lambda t: t["Resources"].pop("CloudTrailDeadLetterAlarm"),
     alarms_say_what_to_do, "dead-letter queue"),
    ("some dead letters are tolerated", lambda t: properties(t, "CloudTrailDeadLetterAlarm").update(Threshold=10),
     alarms_say_what_to_do, "dead-letter queue"),
    ("age is not watched", lambda t: t["Resources"].pop("CloudTrailMessageAgeAlarm"),
     alarms_say_what_to_do, "late"),
    ("an alarm has no remedy", lambda t: properties(t, "CloudTrailErrorsAlarm").update(AlarmDescription="errors"),
     alarms_say_what_to_do, "CloudTrailErrorsAlarm"),
    ("a parameter takes anything", lambda t: t["Parameters"]["RawBucketName"].pop("AllowedPattern"),
     parameters_are_explained_and_bounded, "RawBucketName"),
    ("an output is missing", lambda t: t["Outputs"].pop("CloudTrailDeadLetterQueueUrl"),
     outputs_name_what_an_operator_needs, "CloudTrailDeadLetterQueueUrl"),
]  # fmt: skip


@pytest.mark.parametrize("mutate, rule, names", [case[1:] for case in MUTATIONS], ids=[case[0] for case in MUTATIONS])
def test_a_broken_template_is_noticed(raw, mutate, rule, names):
    broken = copy.deepcopy(raw)
    mutate(broken)
    complaints = list(rule(evaluate(expand(broken), "eventbridge")))
    assert any(names in complaint for complaint in complaints), complaints


def test_every_rule_has_been_seen_to_complain():
    assert {rule for _, _, rule, _ in MUTATIONS} == set(RULES)


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
        for variable in ("CODEC", "MAX_OBJECT_BYTES", "MAX_RECORD_BYTES", "BUFFER_BYTES", "FETCH_CONCURRENCY", "LOG_LEVEL"):
            assert variables[variable] == documented[variable].strip("`").split(" ")[0], variable


def role_statements(plan: Plan, role: str) -> list[dict]:
    return [one for policy in plan.properties(role)["Policies"] for one in policy["PolicyDocument"]["Statement"]]


# What the calls of the store need. The calls of a multipart upload are permitted as the put that they make up.
S3_ACTIONS = {
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
}


def test_the_role_is_granted_exactly_what_the_code_calls(expanded):
    def calls(module: str) -> set[str]:
        files = [*ROOT.glob(f"shared/src/{module}.rs"), *ROOT.glob(f"shared/src/{module}/**/*.rs")]
        code = "".join(file.read_text() for file in files if "tests" not in file.relative_to(ROOT).with_suffix("").parts)
        return set(re.findall(r"\bclient\s*\.\s*([a-z0-9_]+)\(\)", code)) - {"clone"}

    glue = {"glue:" + call.title().replace("_", "") for call in calls("catalog/glue")}
    s3 = set().union(*(S3_ACTIONS[call] for call in calls("store/s3")))
    # Lambda's poller and its log need these of the function's role.
    lambdas = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "logs:CreateLogStream", "logs:PutLogEvents"}
    keys = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert len(glue) >= 4 and len(s3) >= 4
    for variant, expected in {"eventbridge": glue | s3 | lambdas, "own-keys": glue | s3 | lambdas | keys}.items():
        granted = role_statements(evaluate(expanded, variant), "CloudTrailRole")
        assert {action for one in granted for action in listed(one["Action"])} == expected


def test_the_role_reaches_its_own_things_only(expanded):
    physical = {"LakeBucket.Arn": "arn:aws:s3:::aws-security-data-lake-us-east-1-x"}
    plan = evaluate(expanded, "own-keys", RawBucketLogPrefix="trail/AWSLogs/")
    plan.physical = physical
    granted = role_statements(plan, "CloudTrailRole")
    lake, glue = physical["LakeBucket.Arn"], f"arn:aws:glue:{REGION}:{ACCOUNT}"
    database = "amazon_security_lake_glue_db_us_east_1"
    tables = f"{glue}:table/{database}/amazon_security_lake_table_us_east_1"

    def allowed(action: str, resource: str) -> bool:
        return any(
            action in listed(one["Action"]) and any(fnmatch.fnmatchcase(resource, pattern) for pattern in listed(one["Resource"]))
            for one in granted
        )

    for action, resource, expected in [
        ("s3:GetObject", f"arn:aws:s3:::{RAW}/trail/AWSLogs/1/CloudTrail/x.json.gz", True),
        ("s3:GetObject", f"arn:aws:s3:::{RAW}/payroll.csv", False),
        ("s3:GetObject", f"arn:aws:s3:::{RAW}-backup/trail/AWSLogs/x", False),
        ("s3:GetObject", f"{lake}/aws/CLOUD_TRAIL_MGMT/2.0/x", False),
        ("s3:PutObject", f"{lake}/aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/x.zstd.parquet", True),
        ("s3:PutObject", f"{lake}/aws/S3_DATA/2.0/x", True),
        ("s3:PutObject", f"{lake}/aws/LAMBDA_EXECUTION/2.0/x", True),
        ("s3:PutObject", f"{lake}/quarantine/cloudtrail/x.jsonl.gz", True),
        ("s3:PutObject", f"{lake}/quarantine/vpc-flow/x.jsonl.gz", False),
        ("s3:PutObject", f"{lake}/aws/VPC_FLOW/2.0/x", False),
        ("s3:PutObject", f"arn:aws:s3:::{RAW}/trail/AWSLogs/x", False),
        ("glue:CreateTable", f"{glue}:catalog", True),
        ("glue:CreateDatabase", f"{glue}:database/{database}", True),
        ("glue:CreateDatabase", f"{glue}:database/other", False),
        ("glue:BatchCreatePartition", f"{tables}_cloud_trail_mgmt_2_0", True),
        ("glue:BatchCreatePartition", f"{tables}_s3_data_2_0", True),
        ("glue:BatchCreatePartition", f"{tables}_lambda_execution_2_0", True),
        ("glue:BatchCreatePartition", f"{tables}_vpc_flow_2_0", False),
        ("sqs:ReceiveMessage", "CloudTrailQueue.Arn", True),
        ("sqs:ReceiveMessage", "CloudTrailDeadLetterQueue.Arn", False),
        ("sqs:SendMessage", "CloudTrailQueue.Arn", False),
        ("logs:PutLogEvents", "CloudTrailLogGroup.Arn", True),
    ]:
        assert allowed(action, resource) is expected, f"{action} on {resource}"
    for one in granted:
        if any(action.startswith("kms:") for action in listed(one["Action"])):
            assert one["Condition"] == {"StringLike": {"kms:ViaService": f"s3.{REGION}.amazonaws.com*"}}
        if "s3:GetObject" in listed(one["Action"]):
            assert one["Condition"] == {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}


def test_the_role_covers_the_sources_that_can_be_enabled(raw):
    writes = json.dumps(statements(raw, "CloudTrailRole", 1))
    tables = json.dumps(statements(raw, "CloudTrailRole", 2))
    for source in raw["Parameters"]["SourcesEnabled"]["Default"].split(","):
        name = source.split("@")[0]
        assert f"/aws/{name}/*" in writes and f"_{name.lower()}_*" in tables, source


# ---- Parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameter, accepted, refused",
    [
        ("RawBucketName", ["raw-logs", "aws-cloudtrail-logs.example"], ["", "Raw", "aws-security-data-lake-us-east-1-x"]),
        ("RawBucketLogPrefix", ["AWSLogs/", "trail/o-1/AWSLogs/"], ["", "/", "AWSLogs", "*/", "AWSLogs/*", "${x}/"]),
        ("RawBucketAccountId", ["", ACCOUNT], ["1234", "arn:aws:iam::123456789012:root"]),
        ("RawBucketKmsKeyArn", ["", KEY_ARN, KEY_ARN.replace("aws:", "aws-us-gov:")], ["*", "alias/raw", KEY_ARN[:-37] + "/*"]),
        ("LakeKmsKeyArn", ["", KEY_ARN], ["*", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/lake"]),
        ("RawBucketTopicArn", ["", TOPIC_ARN], ["*", TOPIC_ARN + ".fifo", TOPIC_ARN + "*"]),
        ("AlarmTopicArn", ["", TOPIC_ARN], ["*", "someone@example.com"]),
        ("LakeBucketSuffix", ["", "x", "team-a", "a" * 24], ["-x", "x-", "X", "a.b"]),
        ("SourcesEnabled", ["S3_DATA@2.0", "S3_DATA@2.0,CLOUD_TRAIL_MGMT@2.0"], ["", "S3_DATA", "VPC_FLOW@2.0", "S3_DATA@2.0,"]),
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
