"""Each record once: `lake ingest` that is killed, that is run twice at once, or that finds no room on the disk.

It is killed at random moments, and (where there is strace) at each call that changes a file, in order. Runs that follow
may have other options. What is in the lake then is counted with Arrow, in registered partitions only. More of it:
`make soak`.
"""

import gzip
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import lake_cli
import pyarrow.parquet as pq
import pytest

# Rounds of random kills, and the first round's seed. A round that failed is run again by its number.
ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
FIRST = int(os.environ.get("KILL_SEED", "1"))

# Calls by which a process changes files, and how many of their moments are tried.
CALLS = "write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,ftruncate"
MOMENTS = 24 if ROUNDS <= 20 else 10_000

ACCOUNTS = [f"11112222{number:04}" for number in range(8)]
OPTIONS = ([], ["--codec", "gzip"], ["--buffer-bytes", str(1 << 20)], ["--codec", "gzip", "--max-record-bytes", "70000"])


def write_logs(raw, choose, files):
    """Log files with a few records each, some of which belong in quarantine. Answers the records' ids."""
    ids = Counter()
    for file in range(files):
        records = []
        for _ in range(choose.randrange(1, 6)):
            number = len(ids)
            members = {"recipientAccountId": choose.choice(ACCOUNTS)}
            if choose.random() < 0.1:
                members["eventTime"] = None
            record = lake_cli.record(number, **members)
            records.append(record)
            ids[record["eventID"]] = 1
        lake_cli.put(raw, lake_cli.log_key(f"{file:03}"), lake_cli.log(*records))
    return ids


def in_the_lake(lake):
    """Ids of the records that a reader finds, and of those in quarantine, each as often as it is there."""
    found = Counter()
    for table in (lake / "catalog").rglob("*.json"):
        for partition in json.loads(table.read_bytes())["partitions"]:
            for path in (lake / partition).glob("[!.]*.parquet"):
                rows = pq.ParquetFile(path).read(["metadata.uid"])["metadata"].to_pylist()
                found.update(row["uid"] for row in rows)
    for path in (lake / "quarantine").rglob("[!.]*.jsonl.gz"):
        lines = gzip.decompress(path.read_bytes()).splitlines()
        found.update(json.loads(json.loads(line)["raw"])["eventID"] for line in lines)
    return found


def command(binary, raw, lake, *options):
    return [str(binary), "ingest", str(raw), "--lake", str(lake), "--json", *options]


def quiet(arguments, **options):
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def finish(binary, raw, lake, *options):
    """Runs to the end. Quarantined records make the exit code 1; nothing else may."""
    done = subprocess.run(command(binary, raw, lake, *options), capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["objects"]["failed"] == []
    assert list((lake / "state" / "pending").iterdir()) == []


@pytest.fixture(scope="module")
def seconds(lake_binary, tmp_path_factory):
    """How long an ingest takes here that nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_logs(folder / "raw", random.Random(0), 60)
    started = time.monotonic()
    finish(lake_binary, folder / "raw", folder / "lake")
    return time.monotonic() - started


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_killed_at_random(lake_binary, tmp_path, seconds, seed):
    choose = random.Random(seed)
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    ids = write_logs(raw, choose, 60)
    for _ in range(choose.randrange(1, 5)):
        process = quiet(command(lake_binary, raw, lake, *choose.choice(OPTIONS)))
        time.sleep(choose.random() * seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finish(lake_binary, raw, lake, *choose.choice(OPTIONS))
    assert in_the_lake(lake) == ids


def strace(arguments, log, moment=None):
    """Runs to a moment (the name of a call, and which one of them) and is killed there. True if it has come to its end
    before."""
    inject = ["-e", "inject={}:signal=SIGKILL:when={}".format(*moment)] if moment else []
    process = quiet(["strace", "-f", "-o", str(log), "-e", f"trace={CALLS}", *inject, *arguments])
    return process.wait() not in (-signal.SIGKILL, 128 + signal.SIGKILL)


def test_killed_at_each_call_that_changes_a_file(lake_binary, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not on PATH: only random moments were tried")
    raw = tmp_path / "raw"
    ids = write_logs(raw, random.Random(7), 6)
    if not strace(command(lake_binary, raw, tmp_path / "whole"), tmp_path / "log"):
        pytest.skip("strace may not trace here: only random moments were tried")
    calls = Counter(re.findall(r"^\d+ +(\w+)\(", (tmp_path / "log").read_text(), re.MULTILINE))
    moments = [(call, number) for call, count in sorted(calls.items()) for number in range(1, count + 1)]
    assert len(moments) > 40 and {"write", "fsync", "rename", "mkdir"} <= calls.keys()
    if len(moments) > MOMENTS:
        moments = sorted(random.Random(FIRST).sample(moments, MOMENTS))
    killed = 0
    for index, moment in enumerate(moments):
        lake = tmp_path / f"lake-{index}"
        killed += not strace(command(lake_binary, raw, lake), tmp_path / "log", moment)
        finish(lake_binary, raw, lake, *OPTIONS[index % len(OPTIONS)])
        assert in_the_lake(lake) == ids, f"killed at {moment}"
        shutil.rmtree(lake)
    assert killed > len(moments) * 0.8


def test_two_at_once(lake_binary, tmp_path):
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    ids = write_logs(raw, random.Random(1), 40)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command(lake_binary, raw, lake), **pipes) for _ in range(2)]
    for process in both:
        out, err = process.communicate()
        # Either it was refused and says so, or it has done its work, before or after the other.
        assert out or "another ingest is running" in err, err
    finish(lake_binary, raw, lake)
    assert in_the_lake(lake) == ids


def limited(arguments, file_bytes):
    """Runs with a bound on the size of any file, at which a write ends half-way, as on a full disk."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    return subprocess.run(
        arguments, preexec_fn=limit, restore_signals=False, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("file_bytes", [0, 1, 500, 2_000, 5_000, 10_000, 20_000, 40_000])
def test_no_room(lake_binary, tmp_path, file_bytes):
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    ids = write_logs(raw, random.Random(2), 12)
    done = limited(command(lake_binary, raw, lake), file_bytes)
    assert done.returncode == 1, done
    if file_bytes <= 2_000:
        assert "File too large" in done.stdout + done.stderr
    leftovers = [path for path in lake.rglob("*.part")]
    assert leftovers == [], "room is given back"
    finish(lake_binary, raw, lake)
    assert in_the_lake(lake) == ids


def test_no_room_for_the_last_line(lake_binary, tmp_path):
    """The rows are in the lake; what was ingested cannot be written down to its end."""
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    ids = write_logs(raw, random.Random(3), 10)
    finish(lake_binary, raw, lake)
    recorded = lake / "state" / "ingested" / "cloudtrail.jsonl"
    # As if very many files had been ingested before, so that this is the largest file.
    line = {"path": "/elsewhere/" + "x" * 200, "sha256": "00" * 32, "bytes": 1, "tables": ["CLOUD_TRAIL_MGMT@2.0"]}
    with recorded.open("a") as file:
        file.write((json.dumps(line) + "\n") * 3_000)
    more = lake_cli.record(10_000)
    lake_cli.put(raw, lake_cli.log_key("more"), lake_cli.log(more))
    done = limited(command(lake_binary, raw, lake), recorded.stat().st_size + 50)
    assert done.returncode == 1
    assert "cannot record what was ingested in" in done.stderr
    assert not recorded.read_text().endswith("\n")
    finish(lake_binary, raw, lake)
    assert in_the_lake(lake) == ids + Counter([more["eventID"]])
    assert Path(recorded).read_text().endswith("\n")


def damage(recorded, how):
    lines = recorded.read_bytes().splitlines(keepends=True)
    whole = b"".join(lines)
    recorded.write_bytes(
        {
            "its last line is cut off and no group is open": whole[:-40],
            "zeros": b"\0" * len(whole),
            "a line in the middle": b"".join([lines[0], lines[1].replace(b'"path"', b'"pa\0h"'), *lines[2:]]),
            "half a line in the middle": b"".join([lines[0], lines[1][:30] + b"\n", *lines[2:]]),
            "no text": b"".join([lines[0], b"\xff" + lines[1][1:], *lines[2:]]),
        }[how]
    )


@pytest.mark.parametrize(
    "how",
    [
        "its last line is cut off and no group is open",
        "zeros",
        "a line in the middle",
        "half a line in the middle",
        "no text",
    ],
)
def test_a_record_that_was_damaged_is_refused(lake_binary, tmp_path, how):
    """Else the files of those lines would come in a second time, without a word."""
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    ids = write_logs(raw, random.Random(4), 3)
    finish(lake_binary, raw, lake)
    recorded = lake / "state" / "ingested" / "cloudtrail.jsonl"
    before = recorded.read_bytes()
    damage(recorded, how)
    damaged = recorded.read_bytes()
    more = lake_cli.record(10_000)
    lake_cli.put(raw, lake_cli.log_key("more"), lake_cli.log(more))
    done = subprocess.run(command(lake_binary, raw, lake), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"cannot read {recorded}: line " in done.stderr and "restore it from a copy" in done.stderr
    doctor = subprocess.run([lake_binary, "doctor", "--lake", lake], capture_output=True, text=True, check=False)
    assert doctor.returncode == 1 and f"cannot read {recorded}: line " in doctor.stdout
    assert in_the_lake(lake) == ids and recorded.read_bytes() == damaged
    # What is told to do.
    recorded.write_bytes(before)
    finish(lake_binary, raw, lake)
    assert in_the_lake(lake) == ids + Counter([more["eventID"]])
