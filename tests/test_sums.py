"""Sums survive: a load of each source and form, and what the lake has of it, record by record and byte by byte.

The load is made by the generator beside the repository, which counts what it writes; its own check reads it back.
"""

import datetime
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

import lake_cli
import pytest

FILES, RECORDS, DAYS = 4, 700, 2


@dataclass(frozen=True)
class Load:
    """What is made, the function whose logs it is, and where a row has the id that the manifest sums."""

    name: str
    function: str
    options: tuple = ()
    id: tuple = ()  # paths in 1.0 and in 2.0


FORMATS = ("v2", "v3", "v4", "v5", "v7", "v8", "v9", "v10", "custom", "mix")
FINDING = ("finding.uid", "finding_info.uid")
LOADS = [
    Load("cloudtrail", "cloudtrail", ("--dup-rate", "0.02"), ("metadata.uid",) * 2),
    Load("cloudtrail_s3_data", "cloudtrail", (), ("metadata.uid",) * 2),
    Load("cloudtrail_lambda_data", "cloudtrail", (), ("metadata.uid",) * 2),
    *(Load("vpcflow", "vpc-flow", ("--vpc-format", name)) for name in FORMATS),
    Load("route53", "route53"),
    *(Load("eks_audit", "eks-audit", ("--eks-form", form), ("", "api.request.uid")) for form in ("cwl", "cwl-concat")),
    Load("eks_audit", "eks-audit", ("--eks-form", "jsonl"), ("", "api.request.uid")),
    *(
        Load("securityhub", "security-hub", ("--asff-form", form), FINDING)
        for form in ("eventbridge", "getfindings", "jsonl")
    ),
    Load("waf", "waf", (), ("", "http_request.uid")),
]


@pytest.fixture(scope="module", params=LOADS, ids=lambda load: "-".join([load.name, *load.options]))
def loaded(request, shared_dir, lake_binary, tmp_path_factory):
    """A load, its manifest, and the lake that it is in."""
    load, folder = request.param, tmp_path_factory.mktemp("load")
    tools, raw = shared_dir / "corpus", folder / "raw"
    size = ("--files", str(FILES), "--records-per-file", str(RECORDS), "--days", str(DAYS))
    make = [sys.executable, tools / "gen_load.py", "--source", load.name, *size, *load.options, "--out", raw]
    subprocess.run(make, check=True, capture_output=True, timeout=300)
    subprocess.run([sys.executable, tools / "verify_load.py", raw], check=True, capture_output=True, timeout=300)
    manifest = json.loads((raw / "manifest.json").read_text())
    for beside in ("manifest.json", "notifications.jsonl"):
        (raw / beside).unlink()
    lake = lake_cli.Lake(folder / "lake")
    result = lake.ingest(raw, "--source", load.function, tables=lake_cli.ALL_TABLES[load.function])
    assert result.code == 0, (result.err, lake.summary)
    return load, manifest, lake


def versions(load):
    """Version and tables, for each source version."""
    tables = lake_cli.ALL_TABLES[load.function]
    for version in sorted({table.partition("@")[2] for table in tables}):
        yield version, [table for table in tables if table.endswith(f"@{version}")]


def at(row, path):
    for name in path.split("."):
        row = row[name]
    return row


def test_records(loaded):
    load, manifest, lake = loaded
    records = lake.summary["records"]
    assert lake.summary["objects"]["ingested"] == FILES
    assert records["read"] == manifest["totals"]["records"]
    assert records["quarantined"] == {} and records["skipped"] == {}
    for _, tables in versions(load):
        assert len(lake.rows(*tables)) == records["read"]


def test_ids(loaded):
    load, manifest, lake = loaded
    if not load.id:
        pytest.skip("its records have no ids")
    for version, tables in versions(load):
        path = load.id[version == "2.0"]
        found = [at(row, path).rpartition("/")[2] for row in lake.rows(*tables)]
        distinct = set(found)
        assert len(distinct) == manifest["totals"]["distinct_ids"]
        assert len(found) - len(distinct) == manifest["totals"].get("duplicates", 0)
        total = sum(int(uid.replace("-", "")[:16], 16) for uid in distinct)
        assert total % (1 << 64) == manifest["totals"]["id_sum"]


def test_days_accounts_and_regions(loaded):
    load, manifest, lake = loaded
    by_place = load.name in ("vpcflow", "route53", "securityhub")
    for _, tables in versions(load):
        days, accounts, regions = Counter(), Counter(), Counter()
        for path in lake.files(*tables):
            _, (region, account, day) = lake_cli.partition_of(path)
            rows = lake_cli.read(path).to_pylist()
            of_rows = Counter(
                datetime.datetime.fromtimestamp(row["time"] / 1000, datetime.UTC).strftime("%Y%m%d") for row in rows
            )
            assert of_rows == {day: len(rows)}
            days[f"{day[:4]}-{day[4:6]}-{day[6:]}"] += len(rows)
            accounts[account] += len(rows)
            regions[region] += len(rows)
        # The generator counts a CloudTrail record that is delivered twice once.
        if not manifest["totals"].get("duplicates"):
            assert days == manifest["by_day"]
        if by_place:
            assert (accounts, regions) == (manifest["by_account"], manifest["by_region"])


def test_bytes_and_packets(loaded):
    load, manifest, lake = loaded
    if load.name != "vpcflow":
        pytest.skip("only flows have bytes")
    totals = manifest["totals"]
    for version, tables in versions(load):
        rows = lake.rows(*tables)
        for name in ("bytes", "packets"):
            assert sum((row["traffic"] or {}).get(name) or 0 for row in rows) == totals[f"sum_{name}"]
        of_status = Counter(row["status_code"] for row in rows)
        expected = {"OK": totals["ok_records"], "NODATA": totals["nodata"], "SKIPDATA": totals["skipdata"]}
        assert of_status == Counter({name: count for name, count in expected.items() if count})
        activities = Counter(row["activity_name"] for row in rows if row["status_code"] == "OK")
        assert activities == {"Traffic": totals["accept"], "Refuse": totals["reject"]}
        if version == "2.0":
            actions = Counter(row["action"] for row in rows if row["status_code"] == "OK")
            assert actions == {"Allowed": totals["accept"], "Denied": totals["reject"]}


def test_queries_and_answers(loaded):
    load, manifest, lake = loaded
    if load.name != "route53":
        pytest.skip("only queries have answers")
    for _, tables in versions(load):
        rows = lake.rows(*tables)
        assert Counter(row["query"]["type"] for row in rows) == manifest["by_name"]
        assert sum(len(row["answers"]) for row in rows) == manifest["totals"]["answers"]
        assert sum(1 for row in rows if row["rcode_id"] == 3) == manifest["by_rcode"]["NXDOMAIN"]


def test_names(loaded):
    load, manifest, lake = loaded
    paths = {"cloudtrail": "api.operation", "eks-audit": "api.operation"}
    if load.function not in paths:
        pytest.skip("its names have no column of their own")
    for _, tables in versions(load):
        names = Counter(at(row, paths[load.function]) for row in lake.rows(*tables))
        assert names == manifest["by_name"]
