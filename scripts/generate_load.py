#!/usr/bin/env python3
"""Makes CloudTrail log files of any size out of the samples: their records over and over, each with ids, time, address
and access key of its own.

    generate_load.py OUT [--files N] [--records N] [--seed N]

Writes OUT/AWSLogs/... as CloudTrail names its files, each with records of one account and region, and OUT/load.json
with what was made. The same arguments give the same JSON on every machine; its compressed bytes depend on zlib.
Python 3.11 or later, no packages.
"""

import argparse
import gzip
import hashlib
import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
FIRST_DAY = datetime(2026, 3, 14, tzinfo=UTC)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
IPV4 = re.compile(r"\d+(\.\d+){3}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--records", type=int, default=40_000, help="records in a file (default: 40000)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(json.dumps(generate(args.out, args.files, args.records, args.seed)))


def generate(out, files, records, seed=1):
    """Writes the files; answers what `load.json` holds. Does nothing if OUT has it already."""
    samples = hashlib.sha256((SAMPLES / "EXPECTED.json").read_bytes()).hexdigest()
    made = {"files": files, "records": files * records, "seed": seed, "samples": samples}
    note = out / "load.json"
    if note.is_file():
        known = json.loads(note.read_text())
        if known | made == known:
            return known
    made |= {"bytes": 0, "stored_bytes": 0}
    groups = list(templates().items())
    for number in range(files):
        (account, region), group = groups[number % len(groups)]
        rand = random.Random(f"{seed}/{number}")
        day = FIRST_DAY + timedelta(days=number // len(groups))
        path = out / key(account, region, day, rand)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = document(group, records, day, rand)
        path.write_bytes(gzip.compress(text, compresslevel=6, mtime=0))
        made["bytes"] += len(text)
        made["stored_bytes"] += path.stat().st_size
    note.write_text(json.dumps(made) + "\n")
    return made


def templates():
    """Records of the samples as parts of text with places between them, by account and region of their file."""
    groups = {}
    for file in json.loads((SAMPLES / "EXPECTED.json").read_text())["files"]:
        body = (SAMPLES / file["key"]).read_bytes()
        text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        account, region = Path(file["key"]).name.split("_")[0:3:2]
        group = groups.setdefault((account, region), [])
        group.extend(template(record) for record in json.loads(text)["Records"])
    return groups


def template(record):
    """The JSON of a record, cut at the places that differ from copy to copy: text, place, text, place, ..., text."""
    record = {**record, "eventID": "<id>", "eventTime": "<time>"}
    if isinstance(record.get("requestID"), str):
        record["requestID"] = "<id>"
    if IPV4.fullmatch(record.get("sourceIPAddress") or ""):
        record["sourceIPAddress"] = "<address>"
    user = record.get("userIdentity")
    if isinstance(user, dict) and isinstance(user.get("accessKeyId"), str):
        record["userIdentity"] = {**user, "accessKeyId": "<access key>"}
    return re.split("<(id|time|address|access key)>", json.dumps(record, separators=(",", ":"), ensure_ascii=False))


def document(group, records, day, rand):
    """A log file of that many records, spread over the day and a little out of order, as CloudTrail delivers them."""
    parts = []
    for number in range(records):
        seconds = min(max(number * 86400 // records + rand.randint(-60, 60), 0), 86399)
        values = {
            "id": lambda: uuid(rand),
            "time": lambda seconds=seconds: (day + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            # Of RFC 2544: addresses for measuring.
            "address": lambda: f"198.{rand.randint(18, 19)}.{rand.randint(0, 255)}.{rand.randint(1, 254)}",
            "access key": lambda: f"ASIA{rand.randrange(10**9):09d}EXAMPLE",
        }
        text = rand.choice(group)
        parts.append("".join(values[part]() if index % 2 else part for index, part in enumerate(text)))
    return ('{"Records":[' + ",".join(parts) + "]}").encode()


def uuid(rand):
    digits = f"{rand.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def key(account, region, day, rand):
    folder = f"AWSLogs/{account}/CloudTrail/{region}/{day:%Y/%m/%d}"
    name = "".join(rand.choices(LETTERS, k=16))
    return f"{folder}/{account}_CloudTrail_{region}_{day:%Y%m%dT%H%MZ}_{name}.json.gz"


if __name__ == "__main__":
    main()
