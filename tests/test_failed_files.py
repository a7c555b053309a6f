"""Which files `lake` takes for failed, for waiting and for known, by the real command: each file is in the lake once, as a
log of one source, and none is forgotten."""

import gzip
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import lake_cli
import pyarrow.parquet as pq
import pytest

TIME = "2026-03-14T09:05:00Z"
ROUTE53 = {"query_timestamp": TIME, "query_name": "example.com.", "account_id": "1" * 12, "region": "us-east-1"}


def audit(number):
    return json.dumps(
        {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "auditID": f"a{number}",
            "stage": "ResponseComplete",
            "verb": "get",
            "stageTimestamp": TIME,
            "requestReceivedTimestamp": TIME,
        }
    )


class Lake:
    def __init__(self, binary, folder):
        self.binary, self.folder, self.raw = str(binary), folder / "lake", folder / "raw"
        self.raw.mkdir()

    def run(self, verb, *arguments):
        command = ["timeout", "60", self.binary, verb, *map(str, arguments), "--lake", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def json(self, verb, *arguments):
        return json.loads(self.run(verb, *arguments, "--json").stdout)

    def rows(self):
        """Rows by table."""
        found = Counter()
        for path in self.folder.glob("aws/**/*.parquet"):
            found[path.relative_to(self.folder).parts[1]] += pq.ParquetFile(path).metadata.num_rows
        return found

    def lists(self):
        """Paths by the list of failed files that they are on."""
        lists = (self.folder / "state" / "failed").glob("*.jsonl")
        return {
            path.stem: [json.loads(line)["path"] for line in path.read_text().splitlines()] for path in lists
        }


@pytest.fixture
def lake(lake_binary, tmp_path):
    return Lake(lake_binary, tmp_path)


def test_what_lands_as_another_source_has_failed_no_more(lake):
    path = lake.raw / "export"
    torn = gzip.compress((json.dumps(ROUTE53) + "\n").encode() * 400, 0)[:20_000]
    path.write_bytes(torn)
    assert lake.run("ingest", path).returncode == 1
    assert lake.lists() == {"route53": [str(path)]}
    failed = (lake.folder / "state" / "failed" / "route53.jsonl").read_bytes()
    path.write_text(audit(1) + "\n" + audit(2))
    assert lake.run("ingest", path).returncode == 0
    assert lake.lists() == {}
    assert lake.rows() == {"EKS_AUDIT": 2}

    # As an earlier `lake` left it: the file is known, and does not come in as the other source too.
    (lake.folder / "state" / "failed" / "route53.jsonl").write_bytes(failed)
    (told,) = lake.json("redrive")["sources"]
    assert told["reasons"] == {"known": 1}
    assert lake.run("redrive", "--go").returncode == 0
    assert lake.lists() == {"route53": [str(path)]}
    assert lake.json("redrive", "--go", "--reason", "known")["sources"][0]["moved"] == 1
    assert lake.lists() == {}
    assert lake.rows() == {"EKS_AUDIT": 2} and lake.json("status")["quarantined_records"] == 0


def test_what_was_said_of_a_file_holds_for_later_runs(lake):
    path = lake.raw / "export"
    flow = {"srcaddr": "192.0.2.1", "dstaddr": "192.0.2.2", "start": 1_773_482_400, "end": 1_773_482_460}
    path.write_text(json.dumps(ROUTE53 | flow))
    assert lake.json("ingest", path, "--source", "vpc-flow")["objects"]["ingested"] == 1
    for _ in range(2):
        assert lake.json("ingest", lake.raw)["objects"]["skipped"] == {"already_ingested": 1}
    assert lake.rows() == {"VPC_FLOW": 1}
    # Another content is what it looks like, and stays that too.
    path.write_text(json.dumps(ROUTE53))
    assert lake.json("ingest", path)["records"]["rows"] == {"ROUTE53@2.0": 1}
    assert lake.json("ingest", path)["objects"]["skipped"] == {"already_ingested": 1}


def test_what_was_said_of_a_file_holds_while_it_waits(lake):
    path = lake.raw / "export"
    flow = {"srcaddr": "192.0.2.1", "dstaddr": "192.0.2.2", "start": 1_773_482_400, "end": 1_773_482_460}
    path.write_text(json.dumps(ROUTE53 | flow))
    (lake.folder / "aws").mkdir(parents=True)
    (lake.folder / "aws" / "VPC_FLOW").touch()
    assert lake.run("ingest", path, "--source", "vpc-flow").returncode == 1
    (lake.folder / "aws" / "VPC_FLOW").unlink()
    assert lake.run("ingest", path).returncode == 0
    assert lake.rows() == {"VPC_FLOW": 1}


def test_files_of_a_group_that_cannot_be_written_wait(lake):
    paths = [lake_cli.put(lake.raw, lake_cli.log_key(str(n)), lake_cli.log(lake_cli.record(n))) for n in range(3)]
    (lake.folder / "aws").mkdir(parents=True)
    blocked = lake.folder / "aws" / "CLOUD_TRAIL_MGMT"  # a file where a folder has to be, so that nothing can be written
    blocked.touch()
    for _ in range(3):
        failed = lake.json("ingest", lake.raw)["objects"]["failed"]
        assert Counter(one["object"] for one in failed) == Counter(map(str, paths))
        assert all("make the lake writable and run this again" in one["reason"] for one in failed)
    status = lake.json("status")
    assert (status["healthy"], status["waiting_files"], status["failed_files"]) == (False, 3, 0)
    assert "3 raw files wait" in status["problems"][0] and "`lake ingest`" in status["problems"][0]
    assert lake.run("status").returncode == 1
    assert "3  wait for an ingest that was not finished" in lake.run("redrive").stdout
    (told,) = lake.json("redrive")["sources"]
    assert (told["waiting"], told["reasons"]) == (3, {})

    # One that is on a list too is counted once.
    entry = {"path": str(paths[0]), "sha256": None, "reason": "cannot be read"}
    (lake.folder / "state" / "failed" / "cloudtrail.jsonl").write_text(json.dumps(entry) + "\n")
    assert [lake.json("status")[name] for name in ("waiting_files", "failed_files")] == [3, 0]
    blocked.unlink()
    assert lake.run("ingest", lake.raw).returncode == 0
    status = lake.json("status")
    assert (status["healthy"], status["waiting_files"], status["failed_files"]) == (True, 0, 0)
    assert lake.rows() == {"CLOUD_TRAIL_MGMT": 3} and lake.json("redrive")["sources"] == []


def test_a_pipe_in_place_of_a_failed_file_is_not_waited_for(lake):
    path = lake_cli.put(lake.raw, lake_cli.log_key("a"), b'{"Records":[')
    assert lake.run("ingest", lake.raw).returncode == 1
    path.unlink()
    os.mkfifo(path)
    for options in [[], ["--go"], ["--go", "--reason", "no_such_object"]]:
        (told,) = lake.json("redrive", "--entries", *options)["sources"]
        assert told["reasons"] == {"no_such_object": 1}
        assert told["entries"][0]["detail"].startswith("it is not a regular file; when it failed: ")
    assert lake.lists() == {"cloudtrail": [str(path)]}


def test_a_pipe_in_place_of_a_file_that_waits_is_not_waited_for(lake):
    paths = [lake_cli.put(lake.raw, lake_cli.log_key(str(n)), lake_cli.log(lake_cli.record(n))) for n in range(2)]
    (lake.folder / "aws").mkdir(parents=True)
    blocked = lake.folder / "aws" / "CLOUD_TRAIL_MGMT"
    blocked.touch()
    assert lake.run("ingest", lake.raw).returncode == 1
    whole = paths[0].read_bytes()
    paths[0].unlink()
    os.mkfifo(paths[0])
    blocked.unlink()
    failed = {one["object"]: one["reason"] for one in lake.json("ingest", lake.raw)["objects"]["failed"]}
    assert "not a regular file" in failed[str(paths[0])]
    paths[0].unlink()
    paths[0].write_bytes(whole)
    assert lake.run("ingest", lake.raw).returncode == 0
    assert lake.rows() == {"CLOUD_TRAIL_MGMT": 2}


def test_that_what_was_seen_cannot_be_noted_is_told(lake):
    lake_cli.put(lake.raw, lake_cli.log_key("1"), lake_cli.log(lake_cli.record(1)))
    assert lake.run("ingest", lake.raw).stderr == ""
    (seen,) = (lake.folder / "state" / "seen").iterdir()
    seen.write_text("{damaged")
    lake_cli.put(lake.raw, lake_cli.log_key("2"), lake_cli.log(lake_cli.record(2)))
    done = lake.run("ingest", lake.raw)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: what was last seen of cloudtrail is not up to date: ")
    assert str(seen) in done.stderr and lake.rows() == {"CLOUD_TRAIL_MGMT": 2}


def test_a_damaged_file_of_the_catalogue_is_named(lake):
    lake_cli.put(lake.raw, lake_cli.log_key("1"), lake_cli.log(lake_cli.record(1)))
    assert lake.run("ingest", lake.raw).returncode == 0
    (entry,) = lake.folder.glob("catalog/*/*.json")
    entry.write_text("{damaged")
    for options in [[], ["--go"], ["--go", "--catalog-region", "us-east-1"]]:
        done = lake.run("repair", *options)
        assert done.returncode == 1 and str(entry) in done.stderr
    # What is told to do.
    assert f"lake repair --lake {lake.folder} --go" in lake.run("repair").stderr
    entry.unlink()
    lake.run("repair", "--go")
    assert lake.json("status")["seen"][0]["rows"] == 1


def folder_in_place(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("what", "damage", "doctor", "status"),
    [
        ("catalog", shutil.rmtree, ("partitions", "problem"), "1 tables are in the lake and not in its catalogue"),
        ("aws/**/*.parquet", Path.unlink, ("partitions", "not_checked"), None),
        ("aws/**/*.parquet", folder_in_place, ("parquet", "problem"), None),
        ("state/lock", folder_in_place, ("lock", "problem"), None),
        ("state/seen/*.json", lambda path: path.write_text("{"), ("seen", "problem"), None),
        ("state/ingested/*.jsonl", lambda path: path.write_text("\0"), ("record", "problem"), "restore it from a copy"),
    ],
)
def test_what_is_amiss_is_told(lake, what, damage, doctor, status):
    lake_cli.put(lake.raw, lake_cli.log_key("1"), lake_cli.log(lake_cli.record(1)))
    assert lake.run("ingest", lake.raw).returncode == 0
    assert lake.run("doctor", "--strict").returncode == 0 and lake.run("status").returncode == 0
    (path,) = lake.folder.glob(what)
    damage(path)
    done = lake.run("doctor", "--json", "--strict")
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert doctor in {(check["check"], check["state"]) for check in checks} and done.returncode == 1
    if status:
        done = lake.run("status")
        assert done.returncode == 1 and status in done.stdout


def test_what_was_seen_and_is_gone_has_no_rows(lake):
    lake_cli.put(lake.raw, lake_cli.log_key("1"), lake_cli.log(lake_cli.record(1)))
    assert lake.run("ingest", lake.raw).returncode == 0
    (path,) = lake.folder.glob("aws/**/*.parquet")
    path.unlink()
    (seen,) = lake.json("status")["seen"]
    assert (seen["table"], seen["rows"]) == ("CLOUD_TRAIL_MGMT@2.0", 0)
