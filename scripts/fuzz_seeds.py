"""Writes what the fuzz targets begin with: fuzz/seeds/<target>/, and fuzz/dictionaries/<target>.dict.

Seeds are the samples, the events, the oracles' fixtures and, where it lies beside the repository, the reference corpus,
cut into pieces of a few kilobytes, and compositions of those: the same ones each time. Dictionaries are the texts in a source's code, which are the names that it looks for,
and some odd values. Nothing of it is kept in git, so neither can fall behind the code.

Usage: fuzz_seeds.py TARGET...
"""

import gzip
import hashlib
import json
import re
import shutil
import sys
import zlib
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
MAX_SEED = 6_000

# What a target takes: the source whose code has its names, where in samples/, and which folders of the corpus.
SOURCES = {
    "cloudtrail": ("cloudtrail", "AWSLogs", ["cloudtrail*"]),
    "vpc_flow": ("vpc-flow", "central/AWSLogs", ["vpcflow*"]),
    "route53": ("route53", "central/AWSLogs", ["route53"]),
    "security_hub": ("security-hub", "central/security-hub", ["securityhub"]),
    "eks_audit": ("eks-audit", "central/eks-audit", ["eks_audit"]),
    "waf": ("waf", "central/AWSLogs", ["waf"]),
}
FOLDERS = {"vpc_flow": "vpcflowlogs", "route53": "vpcdnsquerylogs", "waf": "WAFLogs"}

# A mark is looked for in the rows (oracles/src/expect.rs); the rest is what mappings stumble over.
ODD = [
    '"leaf-7351"', '"leaf-90210"', '{"a":"leaf-4444"}', '["leaf-1618","leaf-2718"]', "null", "[]", "{}", '""', "true",
    "-1", "1e400", "18446744073709551616", "9223372036854775807", "0.1", '"\\ud800"', '"\\u0000"', "\\n", "\\/",
    "1773479100", "1773479100000", "2026-03-14T09:05:00Z", "1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "203.0.113.7",
    "2001:db8::1", "111122223333", "us-east-1", "arn:aws:iam::111122223333:role/a", "../", "\u00e9", "\ufeff", "\r\n",
]  # fmt: skip
ENVELOPES = ["messageType", "DATA_MESSAGE", "CONTROL_MESSAGE", "owner", "logGroup", "logStream", "logEvents", "message",
             "logStreamName", "timestamp"]  # fmt: skip


def decoded(path):
    stored = path.read_bytes()
    if not stored.startswith(b"\x1f\x8b"):
        return stored
    try:
        return gzip.decompress(stored)
    except (EOFError, OSError, zlib.error):
        return stored


def pieces(content):
    """Pieces that are whole objects of their own, as far as that can be told."""
    if len(content) <= MAX_SEED:
        yield content
        return
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and isinstance(document.get("Records"), list):
        for record in document["Records"][:12]:
            piece = json.dumps({"Records": [record]}, separators=(",", ":")).encode()
            if len(piece) <= MAX_SEED:
                yield piece
        return
    head, _, _ = content.partition(b"\n")
    header = head + b"\n" if head[:1].isalpha() else b""
    for start in range(0, min(len(content), 8 * MAX_SEED), MAX_SEED):
        piece = content[start : start + MAX_SEED]
        yield piece if start == 0 else header + piece.partition(b"\n")[2]


def files(*places):
    for folder, pattern in places:
        if folder.is_dir():
            yield from sorted(path for path in folder.glob(pattern) if path.is_file())


def of_source(target):
    name, samples, folders = SOURCES[target]
    within = FOLDERS.get(target)
    for path in files((ROOT / "samples" / samples, "**/*"), (ROOT / "oracles/fixtures" / name, "*")):
        if within is None or within in path.parts or "fixtures" in path.parts or f"aws-service={within}" in path.parts:
            yield path
    for folder in folders:
        yield from files((CORPUS / "dev", f"{folder}/**/*"), (CORPUS / "bad", f"{folder}/*"))


def bodies():
    """Bodies of the messages in events/, and those of the corpus."""
    for path in files((ROOT / "events", "*.json")):
        for record in json.loads(path.read_bytes())["Records"]:
            yield record["body"].encode()
    for path in files((ROOT / "oracles/fixtures/notification", "*"), (CORPUS / "bad/sqs", "2*")):
        yield path.read_bytes()


def lists(record):
    """What a source may wrap a record in, and what it may not."""
    events = [{"id": "1", "timestamp": 1773479100000, "message": record}, {"id": "2", "message": None}, 7]
    yield json.dumps({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/shop/cluster",
                      "logStream": "kube-apiserver-audit-0123456789abcdef0123456789abcdef", "logEvents": events})  # fmt: skip
    yield json.dumps({"logStreamName": "eni-0a1b2c3d4e5f60718-all", "timestamp": 1773479100000, "message": record})
    yield json.dumps({"message": record})
    yield f'{{"Records":[{record}]}}'
    yield f'{{"Findings":[{record}],"NextToken":"a"}}'
    yield f'{{"detail-type":"Security Hub Findings - Imported","detail":{{"findings":[{record}]}}}}'
    yield f'{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{record}, 7]}}'
    yield f"[{record}, 7]"
    yield f"2026-03-14T09:05:00Z {record}"
    yield f"{record} and more"


def compositions(target, count=200):
    """Records in lists, lists in lists, and several of them with all that may stand between and damage them."""
    random = Random(target)
    whole = [text for path in of_source(target) for text in pieces(decoded(path)) if len(text) < 1_500]
    whole = sorted({text.decode(errors="ignore").strip() for text in whole})
    records = [text for document in whole for text in [document, *records_of(document)]]
    for _ in range(count if records else 0):
        parts = []
        for _ in range(random.randint(1, 3)):
            part = random.choice(records)
            for _ in range(random.choice([0, 1, 1, 2])):
                part = random.choice(list(lists(part)))
            parts.append(part)
        content = random.choice(["\n", "", "\r\n", ",", " \n\n"]).join(parts).encode()
        damage, at = random.randint(0, 5), random.randint(0, len(content))
        if damage == 0:
            content = content[:at]
        elif damage == 1:
            content = content[:at] + random.choice([b"\xff", b"\xe2\x82", b'"', b"}", b"\n", b"\0"]) + content[at:]
        yield content


def records_of(document):
    """Records of a document, where they can be told."""
    try:
        records = json.loads(document).get("Records", [])
    except (AttributeError, ValueError, RecursionError):
        return
    for record in records[:4] if isinstance(records, list) else []:
        yield json.dumps(record)


def seeds(target):
    if target == "notification":
        yield from bodies()
        return
    for other in SOURCES if target in ("decode", "frame") else [target]:
        for path in of_source(other):
            if target == "decode":
                yield path.read_bytes()
            else:
                yield from pieces(decoded(path))
                # Compressed objects are seeds too, so that the whole road is seen.
                if path.stat().st_size <= 1_000 and target != "frame":
                    yield path.read_bytes()
        if target != "decode":
            yield from compositions(other, 200 if other == target else 30)
    if target in ("decode", "frame"):
        yield from (path.read_bytes() for path in files((ROOT / "oracles/fixtures" / target, "*")))


def quoted(text):
    """As libFuzzer's dictionaries want it."""
    plain = lambda byte: 0x20 <= byte < 0x7F and byte not in b'"\\'  # noqa: E731
    return '"' + "".join(chr(byte) if plain(byte) else f"\\x{byte:02x}" for byte in text.encode()) + '"'


def words(target):
    if target == "decode":
        return ["\x1f", "PAR1", "\x00" * 4]
    if target == "frame":
        return ODD + ['{"Records":[', '"Records"', '"digestS3Object"', '{"Findings":[', "},{", "]}"]
    code = ROOT / ("shared/src/notification" if target == "notification" else f"functions/{SOURCES[target][0]}/src")
    found = set(ODD + ENVELOPES)
    for path in code.glob("**/*.rs"):
        text = path.read_text().split("#[cfg(test)]")[0]
        found.update(re.findall(r'"([A-Za-z][A-Za-z0-9_.:/-]{1,39})"', text))
    return sorted(found)


def main(targets):
    for target in targets:
        folder = ROOT / "fuzz/seeds" / target
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (ROOT / "fuzz/corpus" / target).mkdir(parents=True, exist_ok=True)
        for seed in seeds(target):
            if 0 < len(seed) <= 16_384:
                (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
        dictionary = ROOT / "fuzz/dictionaries" / f"{target}.dict"
        dictionary.parent.mkdir(exist_ok=True)
        dictionary.write_text("".join(quoted(word) + "\n" for word in words(target)))


if __name__ == "__main__":
    main(sys.argv[1:])
