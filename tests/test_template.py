"""template.yaml holds the rules that keep a lake safe, fits the code, and satisfies the linters.

The rules (template_rules.py) look at the template after SAM's own transform, and are themselves tested by templates
that break them.
"""

import copy
import itertools
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
from template_mutations import MUTATIONS
from template_rules import RULES


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


# Variables of one function only.
OWN_VARIABLES = {"DROP_REPEATED_EVENTS": "CloudTrailFunction"}
# Variables that a parameter of the same default sets.
BOUNDS = {
    "MAX_OBJECT_BYTES",
    "MAX_RECORD_BYTES",
    "MAX_DEPTH",
    "MAX_FIELDS",
    "DROP_REPEATED_EVENTS",
    "BUFFER_BYTES",
    "FETCH_CONCURRENCY",
    "MAX_GROUP_BYTES",
    "STOP_BEFORE_SECONDS",
}


def test_functions_are_given_the_variables_that_the_code_reads(expanded):
    documented = documented_variables()
    plan = evaluate(expanded, "own-keys")
    for name, function in plan.resources(FUNCTION).items():
        variables = function["Environment"]["Variables"]
        foreign = {variable for variable, owner in OWN_VARIABLES.items() if owner != name}
        assert set(variables) == {one for one in documented if not one.startswith("AWS_")} - foreign, name
        # A deployment that sets nothing behaves as the program that is given nothing.
        for variable in (BOUNDS | {"CODEC", "LOG_LEVEL"}) - foreign:
            assert variables[variable] == documented[variable].strip("`").split(" ")[0].strip("`"), variable


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
    variables = resources[f"{source.name}Function"]["Environment"]["Variables"]
    variables = {name: value for name, value in variables.items() if name not in OWN_VARIABLES}
    resources[f"{source.name}Function"]["Environment"] = {"Variables": variables}
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


def test_half_of_the_time_is_for_work(expanded):
    """The stack refuses a StopBeforeSeconds that the function would not keep to, and no other."""
    allowed = {name: expanded["Parameters"][name]["AllowedValues"] for name in ("Timeout", "StopBeforeSeconds")}
    assert {1, 20, 300} <= set(allowed["StopBeforeSeconds"])
    for timeout, stop in itertools.product(*allowed.values()):
        plan = evaluate(expanded, "defaults", Timeout=timeout, StopBeforeSeconds=stop)
        rules = [rule for rule in expanded["Rules"].values() if plan.value(rule["RuleCondition"])]
        holds = all(plan.value(one["Assert"]) for rule in rules for one in rule["Assertions"])
        assert holds == (stop <= timeout / 2), (timeout, stop)


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
