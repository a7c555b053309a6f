#!/usr/bin/env python3
"""Writes the sample raw logs: `AWSLogs/…` (CloudTrail's bucket) and `central/…` (the bucket of all other sources)
beside this file, `EXPECTED.json`, the numbers in `README.md`, and sizes and entity tags in `../events/`.

    python3 samples/generate.py           write everything
    python3 samples/generate.py --check   compare what is on disk with what would be written; 1 if it differs

Needs Python 3.11 and nothing else. The same program always writes the same records. The compressed bytes are the same
too as long as zlib is (a gzip header of our own, no time in it); `--check` compares contents, not compressed bytes, and
a file with the right content is left as it is. `EXPECTED.json` is counted here from the records, never typed. A file
below `AWSLogs` or `central` that the program does not write is removed.
"""

import hashlib
import json
import struct
import sys
import urllib.parse
import zlib
from collections import Counter
from pathlib import Path

from central_logs import eks_audit, route53, security_hub, vpc_flow, waf
from cloudtrail import story
from cloudtrail.shapes import APP, Dice, stamp

HERE = Path(__file__).resolve().parent
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation")

# The class of the records in the lake's tables. Only names that occur in the samples stand here.
AUTHENTICATION = {
    "signin.amazonaws.com": "ConsoleLogin CheckMfa CredentialChallenge CredentialVerification UserAuthentication".split(),
    "sts.amazonaws.com": "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity".split(),
}
ACCOUNT_CHANGE = {
    "iam.amazonaws.com": (
        "AddUserToGroup AttachRolePolicy AttachUserPolicy ChangePassword CreateAccessKey CreateLoginProfile CreateRole "
        "CreateUser CreateVirtualMFADevice DeleteAccessKey DeleteLoginProfile DeleteRolePolicy DeleteUser "
        "DetachRolePolicy DetachUserPolicy EnableMFADevice PutRolePolicy RemoveUserFromGroup UpdateAccessKey "
        "UpdateAccountPasswordPolicy UpdateLoginProfile"
    ).split()
}
# AWS does not say which class these have; a test should not hold them to one.
OPEN = {"signin.amazonaws.com": ["SwitchRole"], "sts.amazonaws.com": ["GetFederationToken"]}


# Files.


def gzip(data):
    """One gzip member without a time or a system in its header."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def document(log):
    """The JSON text of a log file."""
    if log.form == "pretty":
        return json.dumps({"Records": log.records}, indent=2, ensure_ascii=False).encode() + b"\n"
    return json.dumps({"Records": log.records}, separators=(",", ":"), ensure_ascii=log.form == "escaped").encode()


def packed(log):
    """The bytes of a log file as they lie in the bucket."""
    text = document(log)
    if log.form == "plain":
        return text
    if log.form == "members":
        # Cuts fall inside records, one of them inside a character of several bytes.
        inside = max(at for at, byte in enumerate(text) if byte & 0xC0 == 0x80)
        first, second = sorted((len(text) // 3, inside))
        return gzip(text[:first]) + gzip(text[first:second]) + gzip(text[second:])
    return gzip(text)


def digest(logs):
    """Key and text of a CloudTrail digest of the given files: an object that is no log."""
    account, region, trail = APP, "us-east-1", "samples-trail"
    base = f"AWSLogs/{account}/CloudTrail-Digest/{region}/2026/03/14/{account}_CloudTrail-Digest_{region}_{trail}_{region}_"
    key, previous = f"{base}20260314T101500Z.json.gz", f"{base}20260314T091500Z.json.gz"
    files = []
    for log in logs:
        times = sorted(record["eventTime"] for record in log.records)
        files.append(
            {
                "s3Bucket": "example-trail-logs-444455556666",
                "s3Object": log.key,
                "hashValue": hashlib.sha256(document(log)).hexdigest(),
                "hashAlgorithm": "SHA-256",
                "newestEventTime": times[-1],
                "oldestEventTime": times[0],
            }
        )
    text = {
        "awsAccountId": account,
        "digestStartTime": "2026-03-14T09:15:00Z",
        "digestEndTime": "2026-03-14T10:15:00Z",
        "digestS3Bucket": "example-trail-logs-444455556666",
        "digestS3Object": key,
        "digestPublicKeyFingerprint": Dice("fingerprint").hex(32),
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": max(entry["newestEventTime"] for entry in files),
        "oldestEventTime": min(entry["oldestEventTime"] for entry in files),
        "previousDigestS3Bucket": "example-trail-logs-444455556666",
        "previousDigestS3Object": previous,
        "previousDigestHashValue": Dice("previous digest").hex(64),
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": Dice("previous signature").hex(512),
        "logFiles": files,
    }
    return key, json.dumps(text, separators=(",", ":")).encode()


def insight_file():
    """Key and text of an object in the Insights folder, which is no log either."""
    log = story.insight_records()
    return log.key.replace("/CloudTrail/", "/CloudTrail-Insight/").replace("_CloudTrail_", "_CloudTrail-Insight_"), document(log)


# Numbers.


def fate(record):
    """The table that a record belongs to, or the reason why it belongs to none."""
    category, source = record.get("eventCategory"), record.get("eventSource")
    if category == "Insight":
        return None, "insight"
    if category == "NetworkActivity":
        return None, "network_activity"
    if category == "Data":
        table = {"s3.amazonaws.com": "S3_DATA", "lambda.amazonaws.com": "LAMBDA_EXECUTION"}.get(source)
        return table, None if table else "other_data_event"
    # Records older than 1.07 have no category; the samples hold no data event of that age.
    return "CLOUD_TRAIL_MGMT", None


def class_of(record):
    """The OCSF class of a record, or `open: <name>` where AWS leaves it open."""
    source, name = record["eventSource"], record["eventName"]
    for label, names in (("Authentication", AUTHENTICATION), ("Account Change", ACCOUNT_CHANGE), (f"open: {name}", OPEN)):
        if name in names.get(source, ()):
            return label
    return "API Activity"


def ranked(counter, *fields):
    """Counts as a list of objects, the highest first, then by the fields."""
    order = sorted(counter.items(), key=lambda item: (-item[1], [value or "" for value in item[0]]))
    return [{**dict(zip(fields, values, strict=True)), "count": count} for values, count in order]


def caller(identity):
    """Who it was: the ARN, or the service, or the id, whichever the record has first."""
    return identity.get("arn") or identity.get("invokedBy") or identity.get("principalId")


def questions(landed):
    """Answers of the four questions that `make run` asks."""
    root, failed, assumed = Counter(), Counter(), Counter()
    denied = {table: Counter() for table in ("CLOUD_TRAIL_MGMT", "S3_DATA", "LAMBDA_EXECUTION")}
    for table, record in landed:
        identity, name, response = (record["userIdentity"], record["eventName"], record["responseElements"] or {})
        if identity.get("type") == "Root":
            root[name,] += 1
        if name == "ConsoleLogin" and response["ConsoleLogin"] == "Failure":
            failed[identity.get("userName"), record["sourceIPAddress"]] += 1
        if name.startswith("AssumeRole") and "errorCode" not in record:
            assumed[caller(identity), record["requestParameters"]["roleArn"]] += 1
        if record.get("errorCode") in DENIED:
            denied[table][identity.get("arn"),] += 1
    everywhere = sum(denied.values(), Counter())
    return {
        "root_use": ranked(root, "event_name"),
        "failed_sign_ins": ranked(failed, "user_name", "source_ip"),
        "assumed_roles": ranked(assumed, "caller", "role_arn"),
        "denied_callers": {
            "all": ranked(everywhere, "caller_arn"),
            **{table: ranked(counter, "caller_arn") for table, counter in denied.items()},
        },
    }


def central():
    """Raw files of the other sources, by the name of their function."""
    return {
        "vpc-flow": vpc_flow.files(),
        "route53": route53.files(),
        "security-hub": security_hub.files(),
        "eks-audit": eks_audit.files(),
        "waf": waf.files(),
    }


def counted(files):
    """What EXPECTED.json says of one of the other sources."""
    rows = sum((file.rows for file in files), Counter())
    tables = Counter()
    for (table, *_), count in rows.items():
        tables[table] += count
    names = ("table", "region", "accountid", "eventday")
    return {
        "records": sum(file.records for file in files),
        "tables": dict(tables),
        "skipped": dict(sorted(sum((file.skipped for file in files), Counter()).items())),
        "partitions": [{**dict(zip(names, key, strict=True)), "rows": count} for key, count in sorted(rows.items())],
        "files": [{"key": file.key, "records": file.records} for file in files],
    }


def expected(logs, others):
    """The content of EXPECTED.json."""
    landed, skipped, classes, partitions = [], Counter(), {}, Counter()
    for log in logs:
        for record in log.records:
            table, reason = fate(record)
            if reason:
                skipped[reason] += 1
                continue
            landed.append((table, record))
            classes.setdefault(table, Counter())[class_of(record)] += 1
            day = record["eventTime"][:10].replace("-", "")
            partitions[table, record["awsRegion"], record["recipientAccountId"], day] += 1
    ids = Counter(record["eventID"] for log in logs for record in log.records)
    assert max(ids.values()) == 1, "an eventID occurs twice"
    tables = Counter(table for table, _ in landed)
    names = ("table", "region", "accountid", "eventday")
    return {
        "objects": {"logs": len(logs), "digest": 1, "insight": 1},
        "records": sum(len(log.records) for log in logs),
        "tables": dict(sorted(tables.items())),
        "skipped": dict(sorted(skipped.items())),
        "classes": {table: dict(sorted(counter.items())) for table, counter in sorted(classes.items())},
        "partitions": [{**dict(zip(names, key, strict=True)), "rows": rows} for key, rows in sorted(partitions.items())],
        "files": [{"key": log.key, "records": len(log.records), "form": log.form} for log in logs],
        "questions": questions(landed),
        "central": {function: counted(files) for function, files in others.items()},
    }


def readme(text, logs, others, numbers):
    """README.md with its numbers between the two markers."""
    start, end = "<!-- numbers: written by generate.py -->\n", "<!-- end of numbers -->"
    lines = ["| records | count |", "|---|---:|"]
    for table, counter in numbers["classes"].items():
        lines.append(f"| **`{table}`** | **{numbers['tables'][table]}** |")
        lines += [f"| {'class open: ' + name[6:] if name.startswith('open: ') else name} | {count} |" for name, count in counter.items()]
    lines.append(f"| **no source** | **{sum(numbers['skipped'].values())}** |")
    lines += [f"| `{reason}` | {count} |" for reason, count in numbers["skipped"].items()]
    lines += [f"| **all** | **{numbers['records']}** |", ""]
    lines += ["| account | region | delivered (UTC) | records | form | what happens |", "|---|---|---|---:|---|---|"]
    lines += [
        f"| {log.account} | {log.region} | {log.delivered:%Y-%m-%d %H:%M} | {len(log.records)} | {log.form} | {log.about} |" for log in logs
    ]
    lines += ["", "| central bucket: source | records | key | what happens |", "|---|---:|---|---|"]
    lines += [
        f"| `{function}` | {file.records} | `{file.key.rsplit('/', 1)[0]}/` | {file.about} |"
        for function, files in others.items()
        for file in files
    ]
    head, rest = text.split(start)
    return head + start + "\n".join(lines) + "\n" + end + rest.split(end)[1]


# Events. A function reads an object only if it is the one that was announced, by its entity tag.


def tagged(value, bodies, first):
    """An event's value with size and entity tag of the sample that its key stands for, at any depth. Keys that are no
    sample's stand for the first file of CloudTrail."""
    if isinstance(value, list):
        return [tagged(item, bodies, first) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.dumps(tagged(json.loads(value), bodies, first), separators=(",", ":"), ensure_ascii=False)
        except ValueError:
            return value
    if not isinstance(value, dict):
        return value
    value = {name: tagged(item, bodies, first) for name, item in value.items()}
    if "key" in value and "size" in value:
        body = bodies.get(urllib.parse.unquote_plus(value["key"]), first)
        tag = "eTag" if "eTag" in value else "etag"
        value |= {"size": len(body), tag: hashlib.md5(body, usedforsecurity=False).hexdigest()}
    return value


def events(bodies, first):
    """Path and bytes of the files in `events/`."""
    for path in sorted((HERE.parent / "events").glob("*.json")):
        event = tagged(json.loads(path.read_text(encoding="utf-8")), bodies, first)
        for record in event["Records"]:
            record["md5OfBody"] = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        yield f"../events/{path.name}", (json.dumps(event, indent=2, ensure_ascii=False) + "\n").encode()


# Writing and checking.


def plain(data):
    """The content of a file, whatever its packing."""
    out = b""
    while data[:2] == b"\x1f\x8b":
        member = zlib.decompressobj(31)
        out += member.decompress(data) + member.flush()
        data = member.unused_data
    return out + data


def outputs():
    """Path below this folder and bytes of everything that is written."""
    logs = story.tell()
    others = central()
    numbers = expected(logs, others)
    files = {log.key: packed(log) for log in logs}
    for file in (one for group in others.values() for one in group):
        files[f"central/{file.key}"] = b"".join(map(gzip, file.members or [file.data]))
    in_digest = [log for log in logs if log.account == APP and log.region == "us-east-1" and stamp(log.delivered) < "2026-03-14T10:15"]
    for key, text in (digest(in_digest), insight_file()):
        files[key] = gzip(text)
    for name, data in files.items():
        # Another zlib packs the same content differently; what is there stays.
        stored = (HERE / name).read_bytes() if (HERE / name).is_file() else b""
        if stored != data and plain(stored) == plain(data):
            files[name] = stored
    bodies = {file.key: files[f"central/{file.key}"] for group in others.values() for file in group}
    files |= events(bodies, files[logs[0].key])
    files["EXPECTED.json"] = json.dumps(numbers, indent=2, ensure_ascii=False).encode() + b"\n"
    files["README.md"] = readme((HERE / "README.md").read_text(encoding="utf-8"), logs, others, numbers).encode()
    return files


def main(arguments):
    """Runs the command; the answer is the exit status."""
    if arguments not in ([], ["--check"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    files = outputs()
    roots = [HERE / "AWSLogs", HERE / "central"]
    present = {path.relative_to(HERE).as_posix() for root in roots for path in root.rglob("*") if path.is_file()}
    stale = sorted(present - set(files))
    if arguments:
        different = stale + [
            name for name, data in files.items() if not (HERE / name).is_file() or plain((HERE / name).read_bytes()) != plain(data)
        ]
        for name in different:
            print(f"samples/{name} is not what generate.py writes: run python3 samples/generate.py", file=sys.stderr)
        return 1 if different else 0
    for name in stale:
        (HERE / name).unlink()
    for name, data in files.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    sizes = [len(data) for name, data in files.items() if name.startswith(("AWSLogs/", "central/"))]
    print(f"{len(sizes)} objects, {sum(sizes)} bytes below {HERE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
