"""Raw records that AWS published with their rows: ours are the same, field for field, but for what
`golden_differences` lists.

The pairs are reference data beside the repository. `pytest tests/test_golden.py -k VPC_FLOW` holds one source.
"""

import csv
import datetime
import fnmatch
import importlib
import io
import json
import re
import struct
from collections import Counter, defaultdict

import lake_cli
import pytest
from golden_differences import ABSENT, ANY, Difference
from lake_cli import ROOT

GOLDEN = ROOT.parent / "shared" / "contract" / "golden"
PAIRS = sorted(
    (pair["source"], pair["source_version"], pair["folder"].rpartition("/")[2])
    for pair in (json.loads((GOLDEN / "index.json").read_text()) if (GOLDEN / "index.json").is_file() else ())
)
SOURCES = ("CLOUD_TRAIL", "VPC_FLOW", "ROUTE53", "SH_FINDINGS", "EKS_AUDIT", "WAF")
FUNCTIONS = dict(zip(SOURCES, ("cloudtrail", "vpc-flow", "route53", "security-hub", "eks-audit", "waf"), strict=True))

pytestmark = pytest.mark.usefixtures("shared_dir")


def differences(source):
    return importlib.import_module(f"golden_differences.{source.lower()}").DIFFERENCES


# From a pair to a raw object and AWS's rows.


def as_log(source, text):
    """A raw object in the form in which AWS delivers the source's logs."""
    if source == "VPC_FLOW":
        found = json.loads(text) if text.lstrip()[0] in "[{" else list(csv.DictReader(io.StringIO(text)))
        header = " ".join(name.replace("_", "-") for name in found[0])
        return "\n".join([header, *(" ".join(map(str, record.values())) for record in found), ""])
    found = json.loads(text)
    if source == "CLOUD_TRAIL":
        found = found if "Records" in found else {"Records": [found]}
    elif source == "SH_FINDINGS":
        return json.dumps(found)
    else:
        found = found if isinstance(found, list) else [found]
        return "".join(json.dumps(record) + "\n" for record in found)
    return json.dumps(found)


@pytest.fixture(scope="module")
def ingested(lake_binary, tmp_path_factory):
    """AWS's rows and ours of a pair, flat."""
    found = {}

    def rows(source, version, name):
        if (source, version, name) not in found:
            pair = GOLDEN / version / source / name
            expected = json.loads((pair / "expected.ocsf.json").read_text())
            folder = tmp_path_factory.mktemp(name)
            raw = lake_cli.put(folder, "raw.log", as_log(source, next(pair.glob("raw.*")).read_text()).encode())
            lake, function = lake_cli.Lake(folder / "lake"), FUNCTIONS[source]
            tables = [table for table in lake_cli.ALL_TABLES[function] if table.endswith(f"@{version}")]
            result = lake.ingest(raw, "--source", function, tables=tables)
            assert result.code == 0, (result.err, lake.summary, lake.quarantined())
            aws = expected if isinstance(expected, list) else [expected]
            found[source, version, name] = [*map(flat, aws)], [*map(flat, lake.rows())]
        return found[source, version, name]

    return rows


# Two rows side by side.


def instant(value):
    """A time however it is written; without a zone it is UTC."""
    moment = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def meant(value):
    """A value without what its notation adds: JSON in a text, digits that a 32-bit float does not have."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            return value
    if isinstance(value, float) or type(value).__name__ == "Decimal":
        return struct.unpack("f", struct.pack("f", value))[0]
    return value


def flat(event):
    """Leaves of an event by their paths. Null is absent, observables are a bag, times are instants."""
    found = {}

    def walk(value, path):
        if path == "observables":
            seen = defaultdict(Counter)
            for entry in value:
                rest = {name: inside for name, inside in entry.items() if name not in ("name", "type")}
                # Equal ids have equal captions, but for the one of a source's own.
                caption = entry.get("type") if entry.get("type_id") == 99 else ""
                seen[entry.get("name")][f"{caption}{rest.pop('type_id', None)} {rest.pop('value', None)}"] += 1
                assert not rest, rest
            for name, values in seen.items():
                found[f"observables[{name}]"] = said(values)
        elif path == "unmapped":
            found.update({f"unmapped[{key}]": meant(text) for key, text in value.items()})
        elif isinstance(value, dict):
            for member, inside in value.items():
                walk(inside, f"{path}.{member}" if path else member)
        elif isinstance(value, list) and value:
            for number, element in enumerate(value):
                walk(element, f"{path}[{number}]")
        elif path.endswith("_dt") and value is not None:
            found[path] = instant(value)
        elif value is not None:
            found[path] = meant(value)

    walk(lake_cli.bare(event), "")
    return found


def said(values):
    found = sorted(values.elements())
    return found[0] if len(found) == 1 else found


def unlike(aws, ours):
    """Where two flat events differ: paths without the numbers of a list's elements, with what each says."""
    return [
        (re.sub(r"\[\d+\]", "[]", path), aws.get(path, ABSENT), ours.get(path, ABSENT))
        for path in sorted(aws.keys() | ours.keys())
        if aws.get(path, ABSENT) != ours.get(path, ABSENT)
    ]


def is_listed(listed, case, path, aws, ours):
    # One path stands for itself: brackets mean nothing to it.
    return (
        path == listed.path
        and listed.aws in (ANY, aws)
        and listed.ours in (ANY, ours)
        and fnmatch.fnmatchcase(case, listed.case)
    )


def compared(aws, ours):
    """Differences of all rows of a pair."""
    assert len(aws) == len(ours), f"AWS has {len(aws)} rows, we have {len(ours)}"
    return [difference for row in zip(aws, ours, strict=True) for difference in unlike(*row)]


@pytest.mark.parametrize("source, version, name", PAIRS)
def test_pair(ingested, source, version, name):
    case = f"{version}/{name}"
    left = [
        f"{path}: AWS {aws!r}, ours {ours!r}"
        for path, aws, ours in compared(*ingested(source, version, name))
        if not any(is_listed(listed, case, path, aws, ours) for listed in differences(source))
    ]
    assert not left, "\n" + "\n".join(left)


@pytest.mark.parametrize("source", SOURCES)
def test_each_listed_difference_is_met(ingested, source):
    found = [
        (f"{version}/{name}", *difference)
        for of, version, name in PAIRS
        if of == source
        for difference in compared(*ingested(of, version, name))
    ]
    for listed in differences(source):
        assert listed.reason, listed
        assert any(is_listed(listed, *difference) for difference in found), f"not met: {listed}"


def test_all_pairs_are_held():
    assert {source for source, _, _ in PAIRS} == set(SOURCES)
    assert len(PAIRS) >= 32


def test_an_unlisted_difference_is_noticed(ingested):
    (aws,), (ours,) = ingested("CLOUD_TRAIL", "2.0", "documented-generic_api_activity")
    noon = datetime.datetime(2026, 3, 14, 12, tzinfo=datetime.UTC)
    assert not unlike(ours, ours)
    for path, value in (
        ("status", "Failure"),
        ("unmapped[recipientAccountId]", "2"),
        ("actor.user.name", None),
        ("time_dt", noon),
        ("resources[2].uid", "x"),
        ("observables[src_endpoint.ip]", ["2 192.0.2.1", "2 192.0.2.1"]),
        ("invented", 1),
    ):
        changed = {**ours, path: value}
        assert [found[0] for found in unlike(ours, changed)] == [re.sub(r"\[\d\]", "[]", path)]
    assert aws.keys() & ours.keys() > {"status", "time_dt", "observables[src_endpoint.ip]"}


def test_a_difference_is_listed_by_case_path_and_values():
    listed = Difference("2.0/*", "resources[].uid", "because", aws=ABSENT)
    assert is_listed(listed, "2.0/a", "resources[].uid", ABSENT, "x")
    assert not is_listed(listed, "1.0/a", "resources[].uid", ABSENT, "x")
    assert not is_listed(listed, "2.0/a", "resources[].type", ABSENT, "x")
    assert not is_listed(listed, "2.0/a", "resources[].uid", "y", "x")


def test_flat():
    noon = "2026-03-14T12:00:00"
    event = {
        "time_dt": f"{noon}-04:00",
        "a": {"b": None, "data": '{"x": 1,  "y": [2]}'},
        "list": [{"c": 1}, {"c": None}, {"c": 3}],
        "empty": [],
        "score": 7.1,
        "unmapped": {"k.l": "v"},
        "observables": [{"name": "n", "type": "T", "type_id": 2, "value": "v"}] * 2,
    }
    assert flat(event) == {
        "time_dt": datetime.datetime.fromisoformat(f"{noon}-04:00"),
        "a.data": '{"x": 1, "y": [2]}',
        "list[0].c": 1,
        "list[2].c": 3,
        "empty": [],
        "score": struct.unpack("f", struct.pack("f", 7.1))[0],
        "unmapped[k.l]": "v",
        "observables[n]": ["2 v", "2 v"],
    }
