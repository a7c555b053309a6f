"""Rows against what they were made of and against OCSF: samples, odd records made from them, logs of real accounts.

Each raw record is paired with its row, and each leaf of it is looked for there. What reads the raw files, walks them
and checks the rows is written here and in the modules beside it; it shares nothing with the lake.
"""

import copy
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import lake_cli
import ocsf_check
import odd_records
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lake_cli import PARTITION_KEYS, SAMPLES, TABLES, Number, Pairs
from raw_leaves import MAPPED, leaf_findings, leaves

EXPECTED = json.loads((SAMPLES / "EXPECTED.json").read_text())

# Columns that are the lake's and not OCSF's.
BESIDE_OCSF = ("asl_version",)


@dataclass
class Pair:
    """A raw record, the file that it stands in, and its row."""

    record: Pairs
    path: Path
    table: str
    partition: tuple
    row: dict
    findings: list


@pytest.fixture(scope="session")
def samples(sample_lake):
    """The lake of the samples and their log files."""
    return sample_lake, lake_cli.log_files(SAMPLES / "AWSLogs")


@pytest.fixture(scope="session")
def corpus(corpus_lake, shared_dir):
    """The lake of logs of real accounts and those files."""
    return corpus_lake, [
        path for path in lake_cli.log_files(shared_dir / "corpus" / "dev") if "/cloudtrail_" in path.as_posix()
    ]


@pytest.fixture(scope="session")
def odd(lake_binary, tmp_path_factory):
    """A lake of records that nobody documents, and their log files."""
    folder = tmp_path_factory.mktemp("odd")
    odd_records.write(folder / "raw")
    lake = lake_cli.Lake(folder / "lake")
    result = lake.ingest(folder / "raw")
    assert result.code == 1, result.err  # some are quarantined
    return lake, lake_cli.log_files(folder / "raw")


@pytest.fixture(scope="session", params=["samples", "odd", "corpus"])
def case(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def paired(case):
    """Every landed record with its row; and the records that are in no table."""
    lake, files = case
    rows = defaultdict(list)
    for path in lake.files():
        table, partition = lake_cli.partition_of(path)
        for row in lake_cli.read(path).to_pylist(maps_as_pydicts="strict"):
            rows[row["metadata"]["uid"]].append((table, partition, row))
    pairs, alone = [], []
    for path in files:
        for record in lake_cli.records(path):
            candidates = rows[record.get("eventID")]
            # Some records share an id: the row of one is that which has least wrong with it, if it is of its time.
            of_its_time = [
                index for index, candidate in enumerate(candidates) if candidate[2]["time"] == time_of(record)
            ]
            found = [(len(leaf_findings(record, candidates[index][2])), index) for index in of_its_time]
            if not found:
                alone.append(record)
                continue
            table, partition, row = candidates.pop(min(found)[1])
            pairs.append(Pair(record, path, table, partition, row, leaf_findings(record, row)))
    assert not any(rows.values()), "rows that no record accounts for"
    return pairs, alone


def time_of(record):
    value = record.get("eventTime")
    return lake_cli.millis(value) if isinstance(value, str) else None


# Records are counted.


def test_records_add_up(case, paired):
    lake, files = case
    records, (pairs, alone) = lake.summary["records"], paired
    total = sum(sum(records[fate].values()) for fate in ("rows", "skipped", "quarantined"))
    assert records["read"] == total
    assert records["read"] == sum(len(lake_cli.records(path)) for path in files)
    assert records["rows"] == {f"{table}@2.0": lake.count(table) for table in TABLES}
    assert sum(records["rows"].values()) == len(pairs)
    assert sum(records["skipped"].values()) + sum(records["quarantined"].values()) == len(alone)
    assert lake.summary["objects"]["ingested"] == len(files)
    assert lake.summary["objects"]["failed"] == []


def test_samples_are_what_they_are_said_to_be(samples):
    lake, files = samples
    summary = lake.summary
    assert summary["records"]["read"] == EXPECTED["records"]
    assert summary["records"]["rows"] == {f"{table}@2.0": rows for table, rows in EXPECTED["tables"].items()}
    assert summary["records"]["skipped"] == EXPECTED["skipped"]
    assert summary["records"]["quarantined"] == {}
    assert summary["objects"]["ingested"] == EXPECTED["objects"]["logs"]
    assert summary["objects"]["skipped"] == {
        "digest": EXPECTED["objects"]["digest"],
        "insight_file": EXPECTED["objects"]["insight"],
    }
    by_key = {file["key"]: file["records"] for file in EXPECTED["files"]}
    assert {path.relative_to(SAMPLES).as_posix(): len(lake_cli.records(path)) for path in files} == by_key
    partitions = Counter()
    for path in lake.files():
        partitions[lake_cli.partition_of(path)] += pq.read_metadata(path).num_rows
    named = {
        (entry["table"], tuple(entry[key] for key in PARTITION_KEYS)): entry["rows"]
        for entry in EXPECTED["partitions"]
    }
    assert partitions == named


def test_classes_of_the_samples(samples):
    for table, classes in EXPECTED["classes"].items():
        rows = samples[0].rows(table)
        # Of a class that AWS leaves open, any will do.
        is_open = {name.removeprefix("open: ") for name in classes if name.startswith("open: ")}
        held = Counter(row["class_name"] for row in rows if row["api"]["operation"] not in is_open)
        assert held == {name: count for name, count in classes.items() if not name.startswith("open: ")}, table


def fate(record):
    """The table that a record belongs to; or None, and why it belongs to none."""
    category, kind, flag = (record.get(name, "") for name in ("eventCategory", "eventType", "managementEvent"))
    of_source = {"s3.amazonaws.com": "S3_DATA", "lambda.amazonaws.com": "LAMBDA_EXECUTION"}
    source = record.get("eventSource")
    table = of_source.get(source) if isinstance(source, str) else None
    if category == "":
        # Before event version 1.07 there were no categories.
        categories = {"AwsCloudTrailInsight": "Insight", "AwsVpceEvent": "NetworkActivity"}
        category = categories.get(kind, "Management") if isinstance(kind, str) else "Management"
        resources = record.get("resources")
        types = (
            [entry.get("type") for entry in resources if isinstance(entry, Pairs)]
            if isinstance(resources, list)
            else []
        )
        is_data = record.get("eventName") in ("Invoke", "InvokeExecution") or "AWS::S3::Object" in types
        if category == "Management" and (str(flag).lower() == "false" or (flag == "" and is_data and table)):
            category = "Data"
    match category:
        case "Management":
            return "CLOUD_TRAIL_MGMT", None
        case "Data":
            return table, None if table else "other_data_event"
        case "Insight":
            return None, "insight"
        case "NetworkActivity":
            return None, "network_activity"
    return None, "other_event_category"


def test_each_record_is_where_it_belongs(case, paired):
    pairs, alone = paired
    for pair in pairs:
        assert fate(pair.record) == (pair.table, None), pair.record
    quarantined = [lake_cli.DECODER.decode(entry["raw"]) for entry in case[0].quarantined()]
    skipped = Counter()
    for record in alone:
        table, reason = fate(record)
        if table is None:
            skipped[reason] += 1
        else:
            # It belongs to a table and is in none: then it is kept elsewhere, whole.
            assert record in quarantined, record
            quarantined.remove(record)
    assert not quarantined
    assert skipped == case[0].summary["records"]["skipped"]


# Each row is OCSF.


def event_of(row):
    return lake_cli.bare({name: value for name, value in row.items() if name not in BESIDE_OCSF})


def test_rows_are_ocsf(case):
    findings = Counter(finding for row in case[0].rows() for finding in ocsf_check.check(event_of(row)))
    assert not findings, findings.most_common(20)


def drop(*path):
    def mutate(event):
        for name in path[:-1]:
            event = event[name]
        del event[path[-1]]

    return mutate


def put(value, *path):
    def mutate(event):
        for name in path[:-1]:
            event = event[name]
        event[path[-1]] = value

    return mutate


@pytest.mark.parametrize(
    "class_name, mutate, kind",
    [
        ("API Activity", drop("api", "request", "uid"), "required api.request.uid"),
        ("API Activity", drop("src_endpoint"), "required src_endpoint"),
        ("API Activity", drop("cloud"), "required cloud"),
        ("API Activity", drop("severity_id"), "required severity_id"),
        ("Account Change", drop("user"), "required user"),
        ("API Activity", put("Info", "severity"), "caption severity"),
        ("API Activity", put("Fine", "status"), "caption status"),
        ("API Activity", put("Delete", "activity_name"), "caption activity_name"),
        ("API Activity", drop("status_id"), "caption status"),
        ("API Activity", put(7, "status_id"), "enum status_id"),
        ("API Activity", put(77, "activity_id"), "enum activity_id"),
        ("API Activity", put(600399, "type_uid"), "value type_uid"),
        ("API Activity", put("API Activity: Eat", "type_name"), "value type_name"),
        ("API Activity", put("Api Activity", "class_name"), "value class_name"),
        ("API Activity", put(3, "category_uid"), "value category_uid"),
        ("API Activity", put("x", "eventName"), "unknown eventName"),
        ("API Activity", put("x", "actor", "user", "username"), "unknown actor.user.username"),
        ("API Activity", put(["cloud"], "metadata", "profiles"), "profile time_dt"),
        ("API Activity", put(["cloud", "datetime", "host"], "metadata", "profiles"), "profile metadata.profiles"),
        ("API Activity", put("1.2.0", "metadata", "version"), "value metadata.version"),
        ("API Activity", put({"domain": "ec2.amazonaws.com"}, "src_endpoint"), "constraint src_endpoint."),
        ("API Activity", put({"type": "Root"}, "actor", "user"), "constraint actor.user."),
        ("Authentication", drop("service"), "constraint event"),
        ("API Activity", put("192.0.2.300", "src_endpoint", "ip"), "type src_endpoint.ip"),
        ("API Activity", put("soon", "time"), "type time"),
        ("API Activity", put("true", "actor", "session"), "type actor.session"),
        ("API Activity", put("somebody", "actor", "user", "name"), "observable actor.user.name"),
    ],
)
def test_the_check_of_ocsf_has_teeth(samples, class_name, mutate, kind):
    events = map(event_of, samples[0].rows("CLOUD_TRAIL_MGMT"))
    event = next(
        event
        for event in events
        if event["class_name"] == class_name
        and event["activity_name"] != "Delete"
        and ("name" in event["actor"]["user"] and "ip" in event["src_endpoint"])
        and "dst_endpoint" not in event
    )
    assert ocsf_check.check(event) == []
    changed = copy.deepcopy(event)
    mutate(changed)
    findings = ocsf_check.check(changed)
    assert any(finding.startswith(f"{kind}: ") for finding in findings), findings


@pytest.fixture(scope="session")
def validate(shared_dir):
    """The reference validator of OCSF on Parquet files, at its strictest."""
    tool = shared_dir / "ocsf" / "validate_ocsf.py"

    def run(folder, *options):
        command = [
            sys.executable,
            tool,
            "--schema",
            tool.parent / "schema-1.1.0.json",
            "--ignore-columns",
            ",".join(BESIDE_OCSF),
        ]
        done = subprocess.run(
            [*command, *options, "--json", "-", "--quiet", folder], capture_output=True, text=True, timeout=300
        )
        assert done.stdout.startswith("{"), done.stderr
        return json.loads(done.stdout)

    return run


def test_rows_pass_the_reference_validator(case, validate, tmp_path):
    lake = case[0]
    # A column is unknown to it where none of a file's rows is of a class that has it. So: every file without that
    # finding, and all rows in one file with it.
    each = validate(lake.folder / "aws", "--as-off", "parquet_column_unknown")
    pq.write_table(pa.concat_tables(lake_cli.read(path) for path in lake.files()), tmp_path / "all.parquet")
    together = validate(tmp_path)
    for report in (each, together):
        assert report["events"] == sum(lake.count(table) for table in TABLES)
        assert (report["errors_by_kind"], report["warnings_by_kind"]) == ({}, {})
        assert report["ok"]


def test_the_reference_validator_looks_at_the_rows(samples, validate, tmp_path):
    table = lake_cli.read(samples[0].files("CLOUD_TRAIL_MGMT")[0])
    column = table.schema.get_field_index("activity_id")
    wrong = table.set_column(column, table.schema.field(column), pa.array([77] * table.num_rows, pa.int32()))
    pq.write_table(wrong, tmp_path / "wrong.parquet")
    report = validate(tmp_path, "--as-off", "parquet_column_unknown")
    assert report["errors_by_kind"].get("attribute_enum_value_unknown") == table.num_rows, report["errors_by_kind"]


# Each leaf of a record is in its row.


def test_every_leaf_of_a_record_is_in_its_row(paired):
    pairs, _ = paired
    findings = [(pair.path.name, pair.record.get("eventID"), finding) for pair in pairs for finding in pair.findings]
    assert not findings, f"{len(findings)} findings, first {findings[:10]}"
    assert all(pair.row["time_dt"].timestamp() * 1000 == pair.row["time"] for pair in pairs)


def test_every_mapped_path_occurs(samples):
    """A mapping that no record uses would be held to nothing."""
    records = [record for path in samples[1] for record in lake_cli.records(path)]
    seen = {path for record in records for path, _ in leaves(record)}
    assert {mapped.path for mapped in MAPPED} - seen == set()


@pytest.mark.parametrize(
    "mutate, finding",
    [
        (put("x", "cloud", "region"), "awsRegion"),
        (put(None, "api", "request", "uid"), "requestID"),
        (put(0, "time"), "eventTime"),
        (lambda row: row["unmapped"].pop("recipientAccountId"), "unmapped['recipientAccountId']"),
        (lambda row: row["unmapped"].update(recipientAccountId="1"), "unmapped['recipientAccountId']"),
        (lambda row: row["unmapped"].update(invented="1"), "unmapped['invented']"),
        (lambda row: row["unmapped"].update(eventName="A"), "unmapped['eventName']"),
        (put('{"a":1}', "api", "request", "data"), "requestParameters"),
        (put(None, "api", "request", "data"), "requestParameters"),
    ],
)
def test_the_search_for_leaves_has_teeth(samples, mutate, finding):
    lake, files = samples
    record = next(
        record for record in lake_cli.records(files[0]) if record.get("requestParameters") and record.get("requestID")
    )
    row = next(row for row in lake.rows() if row["metadata"]["uid"] == record.get("eventID"))
    assert leaf_findings(record, row) == []
    changed = copy.deepcopy(row)
    mutate(changed)
    found = leaf_findings(record, changed)
    assert any(entry.startswith(finding) for entry in found), found


def test_leaves_of_a_value():
    value = lake_cli.DECODER.decode(
        '{"a":{"b":[1,[true,"x"],{"c":1e400}]},"n":null,"e":{},"l":[],"t":"","a":"again"}'
    )
    assert list(leaves(value)) == [
        ("a.b[]", "1"),
        ("a.b[][]", "true"),
        ("a.b[][]", "x"),
        ("a.b[].c", "1e400"),
        ("t", ""),
        ("a", "again"),
    ]
    assert isinstance(value.get("a").get("b")[0], Number)


# Tables; that they are Security Lake's is in `test_tables.py`.


def test_files_have_the_columns_of_the_catalogue(case):
    lake = case[0]
    for table in TABLES:
        entry = lake.catalog(table)
        assert [column["name"] for column in entry["partition_keys"]] == list(PARTITION_KEYS)
        columns = [(column["name"], column["type"]) for column in entry["columns"]]
        for path in lake.files(table):
            assert [(field.name, lake_cli.hive_type(field.type)) for field in pq.read_schema(path)] == columns, path
        folders = {f"{path.parent.relative_to(lake.folder).as_posix()}/" for path in lake.files(table)}
        assert set(entry["partitions"]) == folders
        assert len(entry["partitions"]) == len(folders)


def test_versions_and_constants(case):
    for row in case[0].rows():
        assert (row["metadata"]["version"], row["asl_version"]) == ("1.1.0", "2.0")
        assert row["metadata"]["profiles"] == ["cloud", "datetime"]
        assert row["metadata"]["product"]["name"] == "CloudTrail"
        assert row["cloud"]["provider"] == row["metadata"]["product"]["vendor_name"] == "AWS"


def test_a_row_stands_in_the_partition_of_its_record(paired):
    def said(value, name):
        """The text of a member, if it is a scalar and not empty."""
        found = value.get(name) if isinstance(value, Pairs) else None
        return dict(leaves(found)).get("") if not isinstance(found, (Pairs, list)) else None

    for pair in paired[0]:
        record, (region, account, day) = pair.record, pair.partition
        of_file = re.match(r"(\d+)_CloudTrail_([^_]+)_", pair.path.name)
        key_account, key_region = of_file.groups() if of_file else (None, None)
        caller_account = said(record.get("userIdentity"), "accountId")
        assert region == (said(record, "awsRegion") or key_region), record.get("eventID")
        assert account == (said(record, "recipientAccountId") or key_account or caller_account), record.get("eventID")
        assert day == record.get("eventTime")[:10].replace("-", ""), record.get("eventID")
        assert pair.row["cloud"]["region"] == region


def test_escapes_in_json_change_nothing(lake_binary, tmp_path):
    """`\\u0049AM` is `IAM`, in a value as in a name."""
    records = [
        lake_cli.record(0),
        lake_cli.record(1, eventSource="iam.amazonaws.com", eventName="CreateUser", awsRegion="eu-west-3"),
    ]
    records.append(
        lake_cli.record(
            2,
            userIdentity={"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
            sourceIPAddress="ec2.amazonaws.com",
        )
    )
    text = json.dumps({"Records": records})
    escape = lambda match: '"' + "".join(f"\\u{ord(character):04x}" for character in match[1]) + '"'  # noqa: E731
    escaped_values = re.sub(r'(?<=: )"([^"]*)"', escape, text)
    escaped_names = re.sub(r'"([^"]*)"(?=: )(?!: \[)', escape, text)
    found = []
    for name, form in (("plain", text), ("values", escaped_values), ("names", escaped_names)):
        assert json.loads(form) == json.loads(text)
        lake_cli.put(tmp_path / name, lake_cli.log_key("x"), form.encode())
        lake = lake_cli.Lake(tmp_path / f"lake-{name}")
        lake.ingest(tmp_path / name)
        rows = {
            row["metadata"]["uid"]: (lake_cli.partition_of(path), row)
            for path in lake.files()
            for row in lake_cli.read(path).to_pylist(maps_as_pydicts="strict")
        }
        found.append((name, rows))
    (_, plain), *others = found
    assert len(plain) == len(records)
    for name, rows in others:
        assert rows == plain, f"escaped {name}"
