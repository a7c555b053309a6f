"""The command `lake` for tests: builds it, runs it, and reads what it wrote and what it was given.

What reads raw files here shares no code with the lake: it is what the lake is counted against.
"""

import datetime
import functools
import gzip
import json
import os
import resource
import shutil
import subprocess
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
REGION = "us-east-1"
DATABASE = "amazon_security_lake_glue_db_us_east_1"
TABLES = ("CLOUD_TRAIL_MGMT", "S3_DATA", "LAMBDA_EXECUTION")

# Tables by the name of their source's function, as `--source` takes it.
ALL_TABLES = {
    "cloudtrail": tuple(f"{source}@{version}" for version in ("1.0", "2.0") for source in TABLES),
    "vpc-flow": ("VPC_FLOW@1.0", "VPC_FLOW@2.0"),
    "route53": ("ROUTE53@1.0", "ROUTE53@2.0"),
    "security-hub": ("SH_FINDINGS@1.0", "SH_FINDINGS@2.0"),
    "eks-audit": ("EKS_AUDIT@2.0",),
    "waf": ("WAF@2.0",),
}
PARTITION_KEYS = ("region", "accountid", "eventday")
BUILD_SECONDS = 1800
RUN_SECONDS = 120


def missing_tools():
    """Why there is no `lake` here; None if there is one or it can be built."""
    return None if os.environ.get("LAKE") or shutil.which("cargo") else "cargo is not on PATH"


@functools.cache
def binary():
    """Path of `lake`: that of the variable LAKE, or built from what is in the repository."""
    if os.environ.get("LAKE"):
        return Path(os.environ["LAKE"])
    # Cargo says where its target directory is.
    command = ["cargo", "build", "-p", "lake", "--bin", "lake", "--message-format=json-render-diagnostics"]
    build = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS, check=True)
    messages = (json.loads(line) for line in build.stdout.splitlines() if line.startswith("{"))
    found = [
        message["executable"]
        for message in messages
        if message.get("executable") and message["target"]["name"] == "lake"
    ]
    return Path(found[-1])


@dataclass(frozen=True)
class Result:
    """How a run of `lake` ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def run(*arguments, memory=None, seconds=RUN_SECONDS):
    """Runs `lake`; `memory` caps its address space in bytes. Fails if it does not end in time."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    command = [binary(), *map(str, arguments)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        preexec_fn=limit if memory else None,
        env=os.environ | {"RUST_BACKTRACE": "0"},
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


class Lake:
    """A lake in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.summary = None

    def ingest(self, *arguments, tables=(), **limits):
        """`lake ingest … --json` into the tables of these ids, or the default ones; keeps the summary of the last."""
        wanted = ["--tables", ",".join(tables)] if tables else []
        result = run("ingest", *arguments, *wanted, "--lake", self.folder, "--json", **limits)
        if result.out.startswith("{"):
            self.summary = result.json
        return result

    def files(self, *tables):
        """Parquet files of the given tables, or of all. A table without a version is that of 2.0."""
        folders = [split(table) for table in tables] or [("*", "*")]
        return sorted(
            path
            for source, version in folders
            for path in (self.folder / "aws").glob(f"{source}/{version}/*/*/*/*.parquet")
        )

    def objects(self):
        """Everything below `aws` and `quarantine`."""
        return sorted(
            path for room in ("aws", "quarantine") for path in (self.folder / room).rglob("*") if path.is_file()
        )

    def rows(self, *tables):
        """Rows of the tables, each a dict of what Parquet holds."""
        return [row for path in self.files(*tables) for row in read(path).to_pylist(maps_as_pydicts="strict")]

    def quarantined(self):
        """Entries of the quarantine."""
        files = sorted((self.folder / "quarantine").rglob("*.jsonl.gz"))
        return [json.loads(line) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]

    def count(self, table):
        return sum(pq.read_metadata(path).num_rows for path in self.files(table))

    def catalog(self, table):
        """The catalogue's entry of a table."""
        name = table_name(table).rpartition(".")[2]
        return json.loads((self.folder / "catalog" / DATABASE / f"{name}.json").read_text())


def split(table):
    """Source and version of `SOURCE@version`; without a version it is 2.0."""
    source, _, version = table.partition("@")
    return source, version or "2.0"


def short_name(table):
    """`vpc_flow_1_0` of `VPC_FLOW@1.0`."""
    source, version = split(table)
    return f"{source}_{version}".lower().replace(".", "_")


def table_name(table):
    return f"{DATABASE}.amazon_security_lake_table_us_east_1_{short_name(table)}"


def read(path):
    """One Parquet file as it is, without columns made of its path."""
    return pq.ParquetFile(path).read()


def table_of(path):
    """The table of a Parquet file in a lake, as `SOURCE@version`."""
    source, version = path.parts[-6:-4]
    return f"{source}@{version}"


def partition_of(path):
    """Source and partition values of a Parquet file in a lake, by its path."""
    source, _, *keys = path.parent.parts[-5:]
    names, values = zip(*(key.split("=", 1) for key in keys), strict=True)
    assert names == ("region", "accountId", "eventDay"), path
    return source, tuple(urllib.parse.unquote(value) for value in values)


def hive_type(kind):
    """An Arrow type in Hive's words, as the catalogue spells it."""
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{field.name}:{hive_type(field.type)}' for field in kind)}>"
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{hive_type(kind.key_type)},{hive_type(kind.item_type)}>"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    names = {pa.string(): "string", pa.int32(): "int", pa.int64(): "bigint", pa.bool_(): "boolean"}
    names[pa.float32()] = "float"
    return names.get(kind) or {pa.timestamp("ms", tz="UTC"): "timestamp"}.get(kind, f"no Hive type for {kind}")


def bare(value):
    """A row without what is null, structs of nulls included. An empty text, list or map is something."""
    if isinstance(value, dict):
        members = {name: bare(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not None} or None
    if isinstance(value, list):
        return [bare(element) for element in value]
    return value


def millis(text):
    """Milliseconds since the epoch of a time as CloudTrail writes it; None if it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(milliseconds=1)


# Raw files. Nothing of a record may be lost on the way, so objects are pairs and numbers the text that they are.


class Pairs(tuple):
    """A JSON object: all its members in their order, equal names too."""

    def get(self, name, default=None):
        return next((value for key, value in self if key == name and value is not None), default)

    def __eq__(self, other):
        # Pairs are no array; as tuples the two would be equal.
        return isinstance(other, Pairs) and tuple.__eq__(self, other)

    __hash__ = tuple.__hash__


class Number(str):
    """A JSON number as written."""


DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_float=Number, parse_int=Number, parse_constant=Number)


def documents(data):
    """JSON documents of a raw file: gzip or not, one after the other."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    text, found, at = data.decode("utf-8-sig"), [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        document, at = DECODER.raw_decode(text, at)
        found.append(document)
    return found


def records(path):
    """Records of a log file. A file of another kind, such as a digest, has none."""
    return [record for document in documents(Path(path).read_bytes()) for record in document.get("Records") or ()]


def is_log(path):
    """False for CloudTrail's files of other kinds, which are named for it."""
    return not any(kind in path.name for kind in ("_CloudTrail-Digest_", "_CloudTrail-Insight_"))


def log_files(folder):
    return sorted(path for path in Path(folder).rglob("*.gz") if is_log(path))


def log_key(name, account="111122223333", region=REGION, day="20260314"):
    """Key of a log file that nothing is special about."""
    folder = f"AWSLogs/{account}/CloudTrail/{region}/{day[:4]}/{day[4:6]}/{day[6:]}"
    return f"{folder}/{account}_CloudTrail_{region}_{day}T0905Z_{name}.json.gz"


def put(folder, key, data):
    """Writes an object below `folder`."""
    path = Path(folder) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def record(number=0, **members):
    """A record of our own writing."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLEEXAMPLE000",
            "arn": "arn:aws:iam::111122223333:user/tester",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLEEXAMPLE00",
            "userName": "tester",
        },
        "eventTime": "2026-03-14T09:05:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": REGION,
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.24.0",
        "requestParameters": None,
        "responseElements": None,
        "requestID": f"00000000-0000-4000-8000-{number:012}",
        "eventID": f"10000000-0000-4000-8000-{number:012}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **members,
    }


def log(*found):
    """A log file with the records, compressed."""
    return gzip.compress(json.dumps({"Records": found}).encode(), mtime=0)
