"""Every source in every version: its records are accounted for, its rows are OCSF and hold all that the records said.

The records are some of our own writing and real ones beside the repository. CloudTrail has more of this in
`test_conformance.py`.
"""

import datetime
import json
import subprocess
import sys
from collections import Counter
from itertools import islice

import changed_records
import lake_cli
import ocsf_check
import pytest
import raw_files
import raw_records
from lake_cli import ALL_TABLES, Number, Pairs

FUNCTIONS = tuple(ALL_TABLES)

# What a reference log may be passed over for.
SKIPPED = {
    "cloudtrail": {"insight", "other_data_event"},
    "vpc-flow": {"transit_gateway"},
}

# What the reference validator warns of, with the reason why it stays. Errors there are none.
WARNINGS = {
    "cloudtrail": {"attribute_enum_sibling_suspicious_other": "an activity of no other kind may well be named Other"},
    "route53": {"attribute_value_regex_not_matched": "a name in DNS ends in a dot, which the pattern does not know"},
    "vpc-flow": {"attribute_enum_sibling_orphan": "AWS's table has protocol_ver and no protocol_ver_id"},
    "waf": {
        "attribute_deprecated": "AWS's table has http_status, which OCSF 1.1.0 has deprecated",
        "observable_type_mismatch": "a Host header may hold an address, and its observable is one then",
    },
}

# Columns that are decimals at AWS, where OCSF has floats.
DECIMALS = "parquet_column_type:(base_score|coordinates)$"

# Of so many records of different shapes each leaf is changed.
SHAPES = 24


def versions(function):
    """Source versions of a function's tables, each with the tables."""
    found = {}
    for table in ALL_TABLES[function]:
        found.setdefault(table.partition("@")[2], []).append(table)
    return found


def ingested(folder, function, *paths):
    lake = lake_cli.Lake(folder / "lake")
    result = lake.ingest(*paths, "--source", function, tables=ALL_TABLES[function])
    assert lake.summary and lake.summary["objects"]["failed"] == [], (result.err, lake.summary)
    return lake


@pytest.fixture(scope="session", params=FUNCTIONS)
def function(request):
    return request.param


@pytest.fixture(scope="session")
def own(function, lake_binary, tmp_path_factory):
    """The lake of the records of our own writing, and those."""
    folder = tmp_path_factory.mktemp(function)
    data = raw_records.log(function, raw_records.records(function))
    path = lake_cli.put(folder / "raw", raw_records.key(function), data)
    lake = ingested(folder, function, folder / "raw")
    return lake, raw_files.records(function, path)


@pytest.fixture(scope="session")
def real(function, shared_dir, lake_binary, tmp_path_factory):
    """The lake of the reference logs, and their records."""
    files = raw_files.files(shared_dir, function)
    lake = ingested(tmp_path_factory.mktemp(function), function, *files)
    if function == "cloudtrail":
        files = [path for path in files if lake_cli.is_log(path)]
    return lake, [record for path in files for record in raw_files.records(function, path)]


@pytest.fixture(scope="session", params=["own", "real"])
def case(request, function):
    """Both, for each function: it is asked for so that no lake outlives its function."""
    return request.getfixturevalue(request.param)


def test_each_record_is_accounted_for(case, function):
    lake, records = case
    counts = lake.summary["records"]
    others = sum(counts["skipped"].values()) + sum(counts["quarantined"].values())
    assert counts["read"] == len(records)
    assert set(counts["skipped"]) <= SKIPPED.get(function, set()), counts
    assert len(lake.quarantined()) == sum(counts["quarantined"].values())
    for version, tables in versions(function).items():
        assert len(lake.rows(*tables)) == counts["read"] - others, version


def test_our_own_records_all_land(own):
    lake, records = own
    assert lake.summary["records"]["quarantined"] == {} and lake.summary["records"]["skipped"] == {}
    assert lake.summary["records"]["read"] == raw_records.RECORDS == len(records)


# Each row is OCSF.


def ocsf_findings(lake, function):
    found = Counter()
    for version, tables in versions(function).items():
        for row in lake.rows(*tables):
            row.pop("asl_version", None)
            found.update(ocsf_check.check(lake_cli.bare(row), ocsf_check.VERSIONS[version]))
    return found.most_common(20)


def test_rows_are_ocsf(case, function):
    assert ocsf_findings(case[0], function) == []


def test_rows_pass_the_reference_validator(case, function, shared_dir):
    tool = shared_dir / "ocsf" / "validate_ocsf.py"
    for version, tables in versions(function).items():
        schema = tool.parent / f"schema-{ocsf_check.VERSIONS[version]}.json"
        folders = [case[0].folder / "aws" / table.replace("@", "/") for table in tables]
        folders = [folder for folder in folders if folder.is_dir()]
        command = [sys.executable, tool, "--schema", schema, "--ignore-columns", "asl_version"]
        command += ["--as-off", "parquet_column_unknown", "--as-off", DECIMALS, "--json", "-", "--quiet", *folders]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.stdout.startswith("{"), done.stderr
        report = json.loads(done.stdout)
        assert report["errors_by_kind"] == {}, version
        assert set(report["warnings_by_kind"]) <= WARNINGS.get(function, {}).keys(), (version, report["warnings_by_kind"])
        assert report["events"] == len(case[0].rows(*tables)) > 0


def test_versions(case, function):
    for version, tables in versions(function).items():
        for row in case[0].rows(*tables):
            assert row["metadata"]["version"] == ocsf_check.VERSIONS[version]
            assert row.get("asl_version") == ("2.0" if version == "2.0" else None)
            assert row["type_uid"] == row["class_uid"] * 100 + row["activity_id"]


# Whatever a value is changed to, it is in the row.


def made_from(function, records):
    """Changed records of the first records of each shape, and the tokens in them."""
    tokens, shapes = changed_records.Tokens(), {}
    change = changed_records.changed_flow if function == "vpc-flow" else changed_records.changed
    for record in records:
        if "tgw-id" in record:
            continue  # a transit gateway's log; its fields would make one of the others
        by = tuple(record) if function == "vpc-flow" else changed_records.shape(record)
        shapes.setdefault(by, record)
    return [pair for record in islice(shapes.values(), SHAPES) for pair in change(record, tokens)]


def test_a_changed_value_is_in_the_row(case, function, tmp_path):
    made = made_from(function, case[1])
    lake_cli.put(tmp_path, raw_records.key(function), raw_files.log(function, [record for _, record in made]))
    lake = ingested(tmp_path, function, next(tmp_path.iterdir()))
    counts = lake.summary["records"]
    assert counts["read"] == len(made)
    kept = "\n".join(entry.get("raw", "") for entry in lake.quarantined())
    skipped = sum(counts["skipped"].values())
    assert ocsf_findings(lake, function) == []
    for version, tables in versions(function).items():
        said = "\n".join(map(changed_records.haystack, lake.rows(*tables)))
        lost = [token for token, _ in made if token not in said and token not in kept]
        by_token = dict(made)
        assert len(lost) <= skipped, f"{version}: {[where(by_token[token], token) for token in lost]}"
        # Most of the changes harm no record; a flow whose log has no time of its own is not one of these.
        assert len(lake.rows(*tables)) > len(made) * 0.7


def where(record, token):
    """Path of a token in a record."""
    if isinstance(record, dict):
        return next(f"{name}={value}" for name, value in record.items() if value == token)
    for path in changed_records.leaf_paths(record):
        if changed_records.at_path(record, path) == token:
            names, value = [], record
            for at in path:
                names.append(value[at][0] if isinstance(value, Pairs) else "[]")
                value = value[at][1] if isinstance(value, Pairs) else value[at]
            return f"{'.'.join(names)}={token}"
    return token


# Values that OCSF has words of its own for, with a word that then stands in the row.
WORDS = {
    "vpc-flow": {
        "ACCEPT": "Allowed",
        "REJECT": "Blocked",
        "ingress": "Inbound",
        "egress": "Outbound",
        "8": "Internet Gateway",
    },
    "route53": {
        "NOERROR": "NoError",
        "NXDOMAIN": "NXDomain",
        "SERVFAIL": "ServError",
        "ALLOW": "Allowed",
        "BLOCK": "Blocked",
        "ALERT": "No Action",
    },
    "security-hub": {"YES": "true", "NO": "false"},
    "waf": {"ALLOW": "Allowed", "BLOCK": "Blocked"},
}

# Where a row has the id of its record, so that the two can be put side by side.
IDS = {
    "route53": None,
    "vpc-flow": None,
    "security-hub": ("Id", ("finding.uid", "finding_info.uid")),
    "eks-audit": ("auditID", ("api.request.uid",)),
    "waf": ("httpRequest.requestId", ("http_request.uid",)),
}


def said_by(value, path=""):
    """Leaves of a record: their paths and their texts."""
    if isinstance(value, dict):
        yield from ((name, text) for name, text in value.items() if text != "-")
    elif isinstance(value, Pairs):
        for name, member in value:
            yield from said_by(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for element in value:
            yield from said_by(element, f"{path}[]")
    elif isinstance(value, bool):
        yield path, str(value).lower()
    elif value is not None:
        yield path, str(value)


def is_said(text, row, words):
    """True if a row says this text, as it is or in the form of its column."""
    whole, values = row
    forms = {text, words.get(text, text), text.capitalize()}
    moment = lake_cli.millis(text)
    if moment is not None:
        forms.add(str(moment))
    try:
        forms |= {repr(float(text)), str(int(float(text) * 1000)), text.lstrip("0") or "0"}
    except (ValueError, OverflowError):
        pass
    # A short text stands in any; a longer one may be a part of its column's value, as of JSON.
    return bool(forms & values) or (len(text) > 3 and (text in whole or json.dumps(text)[1:-1] in whole))


def spoken(row):
    """All that a row says as one text, and its values one by one."""
    values = set()

    def walk(value):
        if isinstance(value, dict):
            for member in value.values():
                walk(member)
        elif isinstance(value, list):
            for element in value:
                walk(element)
        elif isinstance(value, datetime.datetime):
            values.add(str(int(value.timestamp() * 1000)))
        elif isinstance(value, bool):
            values.add(str(value).lower())
        elif isinstance(value, str):
            values.add(value)
            values.update(value.split(","))
            if value[:1] in ("{", "["):
                values.update(text for _, text in said_by(lake_cli.DECODER.decode(value)))
        elif value is not None:
            values.add(str(value))
            values.add(repr(float(value)))

    walk(row)
    return changed_records.haystack(row), values


def test_every_leaf_of_a_record_is_in_its_row(case, function):
    if function == "cloudtrail":
        pytest.skip("test_conformance.py looks at each leaf's own column")
    lake, records = case
    kept = [entry.get("raw", "") for entry in lake.quarantined()]
    skipped = sum(lake.summary["records"]["skipped"].values())
    for version, tables in versions(function).items():
        rows = lake.rows(*tables)
        said = [spoken(row) for row in rows]
        found, alone = [], 0
        for record in records:
            candidates = range(len(rows))
            if IDS[function]:
                path, columns = IDS[function]
                column = columns[0] if version == "1.0" else columns[-1]
                candidates = [index for index in candidates if at(rows[index], column) == of(record, path)]
            missing = [
                [f"{name}={text!r}" for name, text in said_by(record) if not is_said(text, said[index], WORDS.get(function, {}))]
                for index in candidates
            ]
            if not missing or min(map(len, missing)) > len(list(said_by(record))) // 2:
                alone += 1
            elif min(map(len, missing)):
                found.append(min(missing, key=len))
        assert not found, f"{version}: {len(found)} rows lack something: {found[:5]}"
        assert alone <= len(kept) + skipped


def at(row, path):
    for name in path.split("."):
        row = row and row[name]
    return row


def of(record, path):
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Pairs) else None
    return str(record) if isinstance(record, Number) else record


def test_the_search_for_leaves_has_teeth():
    row = {"a": {"b": 5, "c": ["x,y"]}, "time": 1773482400000, "data": '{"k": [12]}', "unmapped": {"p": "q"}}
    said = spoken(row)
    for text in ("5", "x", "y", "x,y", "q", "2026-03-14T10:00:00Z", "1773482400", "12"):
        assert is_said(text, said, {}), text
    for text in ("6", "z", "p.q", "2026-03-14T10:00:01Z", "1773482401", "13"):
        assert not is_said(text, said, {}), text
    assert is_said("ACCEPT", spoken({"action": "Allowed"}), WORDS["vpc-flow"])
