#!/usr/bin/env python3
"""Makes raw files of any size out of the samples: their records over and over, each with ids, time, address and the like
of its own.

    generate_load.py OUT [--function NAME] [--files N] [--records N] [--seed N]

Writes OUT/AWSLogs/... (OUT/security-hub/..., OUT/eks-audit/...) as AWS names its files, and OUT/load.json with what was
made. The same arguments give the same text on every machine; its compressed bytes depend on zlib. Python 3.11 or later,
no packages.
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
# Records in a file, so that a file is 50 to 120 MB of text.
RECORDS = {
    "cloudtrail": 40_000,
    "vpc-flow": 800_000,
    "route53": 200_000,
    "security-hub": 40_000,
    "eks-audit": 50_000,
    "waf": 50_000,
}
ACCOUNT, REGION, VPC = "111122223333", "us-east-1", "vpc-0example0000000001"
# Events in an envelope of CloudWatch Logs.
BATCH = 60


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--function", choices=sorted(RECORDS), default="cloudtrail")
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--records", type=int, help="records in a file (default: as many as make it about 100 MB)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    records = args.records or RECORDS[args.function]
    print(json.dumps(generate(args.out, args.files, records, args.seed, args.function)))


def generate(out, files, records, seed=1, function="cloudtrail"):
    """Writes the files; answers what `load.json` holds. Does nothing if OUT has it already."""
    told = (SAMPLES / "EXPECTED.json").read_bytes() + Path(__file__).read_bytes()
    made = {"function": function, "files": files, "records": files * records, "seed": seed}
    made["samples"] = hashlib.sha256(told).hexdigest()
    note = out / "load.json"
    if note.is_file():
        known = json.loads(note.read_text())
        if known | made == known:
            return known
    made |= {"bytes": 0, "stored_bytes": 0}
    groups = templates() if function == "cloudtrail" else {(ACCOUNT, REGION): central_templates(function)}
    for number in range(files):
        (account, region), group = list(groups.items())[number % len(groups)]
        rand = random.Random(f"{seed}/{number}")
        day = FIRST_DAY + timedelta(days=number // len(groups))
        path = out / key(function, account, region, day, rand)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = document(function, group, records, day, rand)
        path.write_bytes(gzip.compress(text, compresslevel=6, mtime=0))
        made["bytes"] += len(text)
        made["stored_bytes"] += path.stat().st_size
    note.write_text(json.dumps(made) + "\n")
    return made


def templates():
    """CloudTrail's records as parts of text with places between them, by account and region of their file."""
    groups = {}
    for file in json.loads((SAMPLES / "EXPECTED.json").read_text())["files"]:
        text = plain(SAMPLES / file["key"])
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
    return cut(record)


def cut(record):
    text = record if isinstance(record, str) else json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    # A number stands without the quotes that its place has.
    text = re.sub('"(<(?:millis|seconds)>)"', r"\1", text)
    return re.split("<(id|time|millis|seconds|end|address|access key|port|packets|bytes|name|hex)>", text)


def central_templates(function):
    """The same of another source: of the records of its samples that become rows."""
    files = json.loads((SAMPLES / "EXPECTED.json").read_text())["central"][function]["files"]
    texts = [plain(SAMPLES / "central" / file["key"]) for file in files]
    if function == "vpc-flow":
        # The default format, which is the one that most accounts have.
        lines = [line.split() for text in texts if text.startswith("version account-id") for line in text.splitlines()[1:]]
        varied = {3: "<address>", 5: "<port>", 8: "<packets>", 9: "<bytes>", 10: "<seconds>", 11: "<end>"}
        return [
            cut(" ".join(varied.get(index, value) if value != "-" or index in (10, 11) else value for index, value in enumerate(line)))
            for line in lines
        ]
    if function == "route53":
        records = [json.loads(line) for text in texts for line in text.splitlines()]
        return [
            cut({**one, "query_timestamp": "<time>", "query_name": f"<name>.{one['query_name']}", "srcport": "<port>"}) for one in records
        ]
    if function == "waf":
        records = [json.loads(line) for text in texts for line in text.splitlines()]
        return [
            cut({**one, "timestamp": "<millis>", "httpRequest": {**one["httpRequest"], "clientIp": "<address>", "requestId": "<id>"}})
            for one in records
        ]
    if function == "security-hub":
        events = [event for text in texts for event in values(text) if "detail" in event]
        times = {name: "<time>" for name in ("FirstObservedAt", "LastObservedAt", "CreatedAt", "UpdatedAt")}
        findings = [{**one, "Id": f"{one['Id'][:-32]}<hex>", **times} for event in events for one in event["detail"]["findings"]]
        return [cut({**events[0], "id": "<id>", "resources": [one["Id"]], "detail": {"findings": [one]}}) for one in findings]
    envelopes = [envelope for text in texts for envelope in values(text)]
    messages = [one["message"] for envelope in envelopes if "audit" in envelope["logStream"] for one in envelope["logEvents"]]
    varied = {"auditID": "<id>", "requestReceivedTimestamp": "<time>", "stageTimestamp": "<time>", "sourceIPs": ["<address>"]}
    return [cut(json.loads(message) | varied) for message in messages]


def values(text):
    """JSON values with nothing between them."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value


def plain(path):
    body = path.read_bytes()
    return (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).decode()


def document(function, group, records, day, rand):
    """A raw file of that many records, spread over the day and a little out of order, as AWS delivers them."""
    texts = []
    for number in range(records):
        seconds = min(max(number * 86400 // records + rand.randint(-60, 60), 0), 86399)
        epoch = int(day.timestamp()) + seconds
        text = rand.choice(group)
        parts = list(text)
        for index in range(1, len(text), 2):
            parts[index] = PLACES[text[index]](rand, day, seconds, epoch)
        texts.append("".join(parts))
    if function == "cloudtrail":
        return ('{"Records":[' + ",".join(texts) + "]}").encode()
    if function == "vpc-flow":
        header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
        return "\n".join([header, *texts, ""]).encode()
    if function == "security-hub":
        return "".join(texts).encode()
    if function == "eks-audit":
        return "".join(envelope(texts[at : at + BATCH], at, day) for at in range(0, len(texts), BATCH)).encode()
    return "\n".join([*texts, ""]).encode()


PLACES = {
    "id": lambda rand, day, seconds, epoch: uuid(rand),
    "time": lambda rand, day, seconds, epoch: (day + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "millis": lambda rand, day, seconds, epoch: str(1000 * epoch + rand.randrange(1000)),
    "seconds": lambda rand, day, seconds, epoch: str(epoch),
    "end": lambda rand, day, seconds, epoch: str(epoch + 58),
    # Of RFC 2544: addresses for measuring.
    "address": lambda rand, day, seconds, epoch: f"198.{18 + rand.getrandbits(1)}.{rand.getrandbits(8)}.{rand.getrandbits(8)}",
    "access key": lambda rand, day, seconds, epoch: f"ASIA{rand.randrange(10**9):09d}EXAMPLE",
    "port": lambda rand, day, seconds, epoch: str(32768 + rand.getrandbits(14)),
    "packets": lambda rand, day, seconds, epoch: str(1 + rand.getrandbits(6)),
    "bytes": lambda rand, day, seconds, epoch: str(40 + rand.getrandbits(16)),
    "name": lambda rand, day, seconds, epoch: f"h{rand.getrandbits(10)}",
    "hex": lambda rand, day, seconds, epoch: f"{rand.getrandbits(128):032x}",
}


def envelope(messages, number, day):
    """Events as CloudWatch Logs sends them to a delivery stream."""
    events = [{"id": f"{number + at:056d}", "timestamp": int(day.timestamp()) * 1000, "message": text} for at, text in enumerate(messages)]
    stream = "kube-apiserver-audit-0123456789abcdef0123456789abcdef"
    head = {"messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "/aws/eks/shop/cluster", "logStream": stream}
    return json.dumps(head | {"subscriptionFilters": ["open-security-lake"], "logEvents": events}, separators=(",", ":"))


def uuid(rand):
    digits = f"{rand.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def key(function, account, region, day, rand):
    name = "".join(rand.choices(LETTERS, k=16))
    at = f"{day:%Y%m%dT%H%MZ}"
    return {
        "cloudtrail": f"AWSLogs/{account}/CloudTrail/{region}/{day:%Y/%m/%d}/{account}_CloudTrail_{region}_{at}_{name}.json.gz",
        "vpc-flow": f"AWSLogs/{account}/vpcflowlogs/{region}/{day:%Y/%m/%d}/{account}_vpcflowlogs_{region}_fl-0example00000001_{at}_{name}.log.gz",
        "route53": f"AWSLogs/{account}/vpcdnsquerylogs/{VPC}/{day:%Y/%m/%d}/{VPC}_vpcdnsquerylogs_{account}_{at}_{name}.log.gz",
        "waf": f"AWSLogs/{account}/WAFLogs/{region}/shop/{day:%Y/%m/%d/%H/%M}/{account}_waflogs_{region}_shop_{at}_{name}.log.gz",
        "security-hub": f"security-hub/{day:%Y/%m/%d/%H}/security-hub-1-{day:%Y-%m-%d-%H-%M-%S}-{name}.gz",
        "eks-audit": f"eks-audit/{day:%Y/%m/%d/%H}/eks-audit-1-{day:%Y-%m-%d-%H-%M-%S}-{name}.gz",
    }[function]


if __name__ == "__main__":
    main()
