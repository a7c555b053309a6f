#!/usr/bin/env python3
"""What `make bench` does: measures `lake ingest` on raw files of every source, and DuckDB on the same files, each on one
core.

    bench.py [FUNCTION...] [--files N] [--records N] [--runs N]

The load is made by generate_load.py and kept, as is the release build, in cargo's target folder. MB are 10^6 bytes of
raw text, after decompression. A single figure of a single machine says little; the ratio says more. Processor time is
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

from bench_queries import QUERIES, SETTINGS

ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="the sources to measure (default: all)")
    parser.add_argument("--files", type=int, default=3)
    parser.add_argument("--records", type=int, help="records in a file (default: as many as make it about 100 MB)")
    parser.add_argument("--runs", type=int, default=5, help="runs of `lake`; DuckDB has one (default: 5)")
    args = parser.parse_args()
    if unknown := sorted(set(args.functions) - set(QUERIES)):
        parser.error(f"there is no function {', '.join(unknown)}; there are: {', '.join(QUERIES)}")

    print("== building the command lake, release", flush=True)
    subprocess.run(["cargo", "build", "--release", "-p", "lake"], cwd=ROOT, check=True)
    target = target_folder()
    print(f"machine: {machine()}")
    rows = []
    for function in args.functions or QUERIES:
        rows += source(function, target, args)
    print("\n== all, by processor time\n")
    print("| source | program | records/s | MB/s of raw text | peak memory, MB | lake / it |")
    print("|---|---|---:|---:|---:|---:|")
    print("\n".join(rows))


def source(function, target, args):
    """Measures one source; answers the rows of the table."""
    folder = target / f"bench/{function}-{args.files}x{args.records or 'default'}"
    # In a process of its own: the peak memory of a child is at least what its parent once had.
    command = [sys.executable, ROOT / "scripts/generate_load.py", folder, "--function", function, "--files", str(args.files)]
    command += ["--records", str(args.records)] if args.records else []
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    load = json.loads(made.stdout)
    print(
        f"\n== {function}: {load['files']} files with {load['records'] // load['files']} records each,"
        f" {mb(load['bytes'])} MB of text, {mb(load['stored_bytes'])} MB in gzip",
        flush=True,
    )
    runs = []
    for number in range(args.runs):
        with scratch(target) as out:
            # Beside the logs lie load.json and, for CloudTrail, the same records as lines.
            logs = [path for path in (folder / "AWSLogs", folder / "security-hub", folder / "eks-audit") if path.is_dir()]
            command = [target / "release/lake", "ingest", *logs, "--lake", f"{out}/lake", "--json"]
            run = measure(command)
            summary = json.loads(run["out"])
            check(summary["records"]["read"], load["records"], "records that lake read")
            check(summary["bytes"]["decoded"], load["bytes"], "bytes that lake decoded")
            run["out_bytes"] = summary["bytes"]["out"]
        runs.append(run)
        print(f"lake, run {number + 1}: {told(run, load)}", flush=True)
    lake = sorted(runs, key=lambda run: run["cpu"])[len(runs) // 2]
    lake["peak"] = max(run["peak"] for run in runs)
    found = [("lake, median", lake)]
    for name, query, form in QUERIES[function]:
        files = f"{quoted(folder)}/{'lines/*.gz' if 'lines' in name else '*/**/*.gz'}"
        if "lines" in name:
            as_lines(folder)
        elif function == "cloudtrail":
            files = f"{quoted(folder)}/AWSLogs/**/*.gz"
        run = duckdb(target, load, query, files, form)
        print(f"{name}: {told(run, load)}", flush=True)
        found.append((name, run))
    if lake["wall"] > 1.15 * lake["cpu"]:
        print("the clock ran on while others had the core or the disk; on an idle machine both figures agree")
    return [
        f"| `{function}` | {name} | {load['records'] / run['cpu']:,.0f} | {rate(run['cpu'], load):.0f} | {mb(run['peak'])}"
        f" | {run['cpu'] / lake['cpu']:.1f} |"
        for name, run in found
    ]


def duckdb(target, load, query, files, form):
    """One run of DuckDB, checked."""
    with scratch(target) as out:
        sql = SETTINGS + query.format(files=files, out=f"{quoted(out)}/out.parquet", **form)
        run = measure([sys.executable, "-c", "import duckdb, sys; duckdb.execute(sys.argv[1])", sql])
        run["out_bytes"] = Path(out, "out.parquet").stat().st_size
        count = f"SELECT count(*) FROM read_parquet('{quoted(out)}/out.parquet')"
        program = "import duckdb, sys; print(duckdb.execute(sys.argv[1]).fetchone()[0])"
        counted = subprocess.run([sys.executable, "-c", program, count], check=True, stdout=subprocess.PIPE)
        check(int(counted.stdout), load["records"], "rows that DuckDB wrote")
    return run


def as_lines(folder):
    """CloudTrail's load once more, a record a line: {"line": record}, so that the same query reads it. That suits DuckDB
    better, and CloudTrail does not write it."""
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
        f"{run['cpu']:.2f} s of processor, {run['wall']:.2f} s by the clock: {load['records'] / run['cpu']:,.0f} records/s,"
        f" {rate(run['cpu'], load):.0f} MB/s,"
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
