#!/usr/bin/env python3
"""What `make bench` does: measures `lake ingest`, and DuckDB on the same files, each on one core.

    bench.py [--files N] [--records N] [--runs N]

The load is made by generate_load.py and kept, as is the release build, in cargo's target folder. MB are 10^6 bytes of
raw JSON, after decompression. A single figure of a single machine says little; the ratio says more. Processor time is
the sounder measure where other programs run too; what it leaves out is waiting for the disk.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# The same files into one nested Parquet file with the leaves that most queries ask for. It is spared what `lake` does
# besides: `unmapped`, observables, classes by event, three tables, partitions, sorting, catalogue, hashes of inputs.
DUCKDB = """
SET threads = 1;
SET preserve_insertion_order = false;
COPY (
  SELECT
    {{'version': '1.1.0', 'uid': r.eventID, 'event_code': r.eventType,
      'product': {{'name': 'CloudTrail', 'vendor_name': 'AWS', 'version': r.eventVersion}}}} AS metadata,
    epoch_ms(r.eventTime) AS time,
    r.eventTime AS time_dt,
    {{'region': r.awsRegion, 'provider': 'AWS'}} AS cloud,
    {{'operation': r.eventName, 'service': {{'name': r.eventSource}}, 'version': r.apiVersion,
      'request': {{'uid': r.requestID, 'data': r.requestParameters}},
      'response': {{'error': r.errorCode, 'message': r.errorMessage, 'data': r.responseElements}}}} AS api,
    {{'user': {{'type': r.userIdentity.type, 'name': r.userIdentity.userName, 'uid': r.userIdentity.arn,
                'uid_alt': r.userIdentity.principalId, 'account': {{'uid': r.userIdentity.accountId}},
                'credential_uid': r.userIdentity.accessKeyId}},
      'session': {{'issuer': r.userIdentity.sessionContext.sessionIssuer.arn,
                   'is_mfa': r.userIdentity.sessionContext.attributes.mfaAuthenticated}},
      'invoked_by': r.userIdentity.invokedBy}} AS actor,
    {{'user_agent': r.userAgent}} AS http_request,
    {{'uid': r.vpcEndpointId, 'ip': r.sourceIPAddress}} AS src_endpoint,
    [{{'uid': x.ARN, 'owner': {{'account': {{'uid': x.accountId}}}}, 'type': x.type}} FOR x IN r.resources] AS resources,
    CASE WHEN r.errorCode IS NULL THEN 'Success' ELSE 'Failure' END AS status,
    r.recipientAccountId AS accountid
  FROM (
    SELECT {record} AS r
    FROM read_json('{files}', maximum_object_size = 1073741824, columns = {{{column}: 'STRUCT(
      eventVersion VARCHAR, eventTime TIMESTAMP, eventSource VARCHAR, eventName VARCHAR, awsRegion VARCHAR,
      sourceIPAddress VARCHAR, userAgent VARCHAR, errorCode VARCHAR, errorMessage VARCHAR, requestParameters JSON,
      responseElements JSON, requestID VARCHAR, eventID VARCHAR, eventType VARCHAR, apiVersion VARCHAR,
      recipientAccountId VARCHAR, vpcEndpointId VARCHAR,
      resources STRUCT(ARN VARCHAR, accountId VARCHAR, type VARCHAR)[],
      userIdentity STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR,
        userName VARCHAR, invokedBy VARCHAR, sessionContext STRUCT(sessionIssuer STRUCT(arn VARCHAR),
          attributes STRUCT(mfaAuthenticated VARCHAR)))){list}'}})
  )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--records", type=int, default=40_000, help="records in a file (default: 40000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of `lake`; DuckDB has one (default: 5)")
    args = parser.parse_args()

    print("== building the command lake, release", flush=True)
    subprocess.run(["cargo", "build", "--release", "-p", "lake"], cwd=ROOT, check=True)
    target = target_folder()
    lake = target / "release/lake"

    print("== load", flush=True)
    folder = target / f"bench/load-{args.files}x{args.records}"
    # In a process of its own: the peak memory of a child is at least what its parent once had.
    command = [sys.executable, ROOT / "scripts/generate_load.py", folder, "--files", str(args.files)]
    made = subprocess.run([*command, "--records", str(args.records)], check=True, stdout=subprocess.PIPE)
    load = json.loads(made.stdout)
    print(
        f"{load['files']} files with {args.records} records each: {mb(load['bytes'])} MB of JSON,"
        f" {mb(load['stored_bytes'])} MB as .json.gz"
    )
    print(f"machine: {machine()}")

    print("\n== lake ingest", flush=True)
    runs = []
    for number in range(args.runs):
        with scratch(target) as out:
            command = [lake, "ingest", folder / "AWSLogs", "--lake", f"{out}/lake", "--json"]
            run = measure(command)
            summary = json.loads(run["out"])
            check(summary["records"]["read"], load["records"], "records that lake read")
            check(summary["bytes"]["decoded"], load["bytes"], "bytes that lake decoded")
            run["out_bytes"] = summary["bytes"]["out"]
        runs.append(run)
        print(f"run {number + 1}: {told(run, load)}", flush=True)

    print("\n== DuckDB on the same files", flush=True)
    duck = duckdb(target, load, f"{quoted(folder)}/AWSLogs/**/*.json.gz", record="unnest(Records)", column="Records", list="[]")
    print("\n== DuckDB on the same records as JSON lines, which suit it better and which CloudTrail does not write", flush=True)
    as_lines(folder)
    lines = duckdb(target, load, f"{quoted(folder)}/lines/*.json.gz", record="line", column="line", list="")

    lake_run = sorted(runs, key=lambda run: run["cpu"])[len(runs) // 2]
    lake_run["peak"] = max(run["peak"] for run in runs)
    print()
    for name, run in (("lake, median", lake_run), ("DuckDB", duck), ("DuckDB, JSON lines", lines)):
        by_cpu, by_clock = rate(run["cpu"], load), rate(run["wall"], load)
        print(
            f"{name}: {by_cpu:.0f} MB/s and {load['records'] / run['cpu']:,.0f} records/s of processor time,"
            f" {by_clock:.0f} MB/s by the clock, peak memory {mb(run['peak'])} MB"
        )
    ratios = [run["cpu"] / lake_run["cpu"] for run in (duck, lines)]
    print(f"lake / DuckDB: {ratios[0]:.1f}, lake / DuckDB on JSON lines: {ratios[1]:.1f}, of processor time")
    if lake_run["wall"] > 1.15 * lake_run["cpu"]:
        print("the clock ran on while others had the core or the disk; on an idle machine both figures agree")


def duckdb(target, load, files, **form):
    """One run of DuckDB, told and checked."""
    with scratch(target) as out:
        sql = DUCKDB.format(files=files, out=f"{quoted(out)}/out.parquet", **form)
        run = measure([sys.executable, "-c", "import duckdb, sys; duckdb.execute(sys.argv[1])", sql])
        run["out_bytes"] = Path(out, "out.parquet").stat().st_size
        count = f"SELECT count(*) FROM read_parquet('{quoted(out)}/out.parquet')"
        program = "import duckdb, sys; print(duckdb.execute(sys.argv[1]).fetchone()[0])"
        counted = subprocess.run([sys.executable, "-c", program, count], check=True, stdout=subprocess.PIPE)
        check(int(counted.stdout), load["records"], "rows that DuckDB wrote")
    print(f"run 1: {told(run, load)}", flush=True)
    return run


def as_lines(folder):
    """The load once more, a record a line: {"line": record}, so that the same query reads it."""
    if (folder / "lines").is_dir():
        return
    program = """if True:
        import gzip, json, pathlib, sys
        folder = pathlib.Path(sys.argv[1])
        part = folder / "lines.part"
        part.mkdir(exist_ok=True)
        for path in sorted((folder / "AWSLogs").rglob("*.json.gz")):
            records = json.loads(gzip.decompress(path.read_bytes()))["Records"]
            lines = (json.dumps({"line": record}, separators=(",", ":"), ensure_ascii=False) + "\\n" for record in records)
            (part / path.name).write_bytes(gzip.compress("".join(lines).encode(), compresslevel=6, mtime=0))
        part.rename(folder / "lines")
    """
    subprocess.run([sys.executable, "-c", program, folder], check=True)


def measure(command):
    """Runs a command on one core; answers its output, wall and processor time in seconds and peak memory in bytes."""
    if shutil.which("taskset"):
        command = ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0))), *command]
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{command} ended with {process.returncode}")
        output.seek(0)
        # Linux counts in KiB, macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "out": output.read(),
            "wall": wall,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss * unit,
        }


def rate(seconds, load):
    return load["bytes"] / seconds / 1e6


def told(run, load):
    return (
        f"{run['cpu']:.2f} s of processor, {run['wall']:.2f} s by the clock: {rate(run['cpu'], load):.0f} MB/s,"
        f" peak memory {mb(run['peak'])} MB, {mb(run['out_bytes'])} MB of Parquet"
    )


def mb(count):
    return f"{count / 1e6:.1f}" if count < 10e6 else f"{count / 1e6:.0f}"


def check(found, expected, what):
    if found != expected:
        sys.exit(f"{what}: expected {expected}, found {found}")


def quoted(path):
    return str(path).replace("'", "''")


def scratch(target):
    """A folder for output on the disk of the build, removed afterwards."""
    return tempfile.TemporaryDirectory(dir=target / "bench")


def target_folder():
    """Where cargo builds, whatever moves it."""
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    metadata = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return Path(json.loads(metadata.stdout)["target_directory"])


def machine():
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    rustc = subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, text=True).stdout.split()[1]
    duckdb = subprocess.run(
        [sys.executable, "-c", "import duckdb; print(duckdb.__version__)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    pinned = "pinned to one core" if shutil.which("taskset") else "not pinned: there is no taskset"
    load = f"load average {os.getloadavg()[0]:.1f}"
    return f"{cpu} ({os.cpu_count()} cores), {platform.system()} {platform.machine()}, {pinned}, {load}, rustc {rustc}, DuckDB {duckdb}"


if __name__ == "__main__":
    main()
