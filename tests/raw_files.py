"""Raw log files of every source, read without the lake: records as JSON pairs, flow logs as dicts of texts.

What is told apart here is what the deliveries document: documents, lists, lines, EventBridge's and CloudWatch Logs'
envelopes, fields by the names in a header.
"""

import gzip
import json
from pathlib import Path

import lake_cli
from lake_cli import DECODER, Pairs

# Folders of the reference logs by function.
FOLDERS = {
    "cloudtrail": "cloudtrail_*",
    "vpc-flow": "vpcflow*",
    "route53": "route53",
    "security-hub": "securityhub",
    "eks-audit": "eks_audit",
    "waf": "waf",
}
V2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"


def decoded(path):
    data = Path(path).read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def inside(document):
    """The records that a JSON document holds, envelopes opened; a message is given as its text."""
    if isinstance(document, list):
        for element in document:
            yield from inside(element)
        return
    for name in ("Records", "Findings", "findings"):
        if isinstance(document.get(name), list):
            yield from document.get(name)
            return
    detail = document.get("detail")
    if isinstance(detail, Pairs) and isinstance(detail.get("findings"), list):
        yield from detail.get("findings")
    elif isinstance(document.get("logEvents"), list):
        for event in document.get("logEvents"):
            yield event.get("message")
    elif document.get("logStreamName") is not None and isinstance(document.get("message"), str):
        yield document.get("message")
    else:
        yield document


def flow(line, header):
    return dict(zip(header, line.split(" "), strict=False))


def records(function, path):
    """Records of a file."""
    data = decoded(path)
    if function == "vpc-flow" and not data.lstrip().startswith(b"{"):
        header, *lines = [line for line in data.decode().splitlines() if line.strip()]
        return [flow(" ".join(line.split()), header.split()) for line in lines]
    found = [record for document in lake_cli.documents(data) for record in inside(document)]
    if function == "vpc-flow":
        return [flow(line, V2.split()) for line in found]
    return [DECODER.decode(record) if isinstance(record, str) else record for record in found]


def files(shared_dir, function):
    """The reference logs of a source."""
    root = shared_dir / "corpus" / "dev"
    return sorted(path for folder in root.glob(FOLDERS[function]) for path in folder.rglob("*") if path.is_file())


def json_text(value):
    """JSON of what [`records`] gives, with the numbers as they were written."""
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(name)}:{json_text(member)}" for name, member in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return str(value) if isinstance(value, lake_cli.Number) else json.dumps(value, ensure_ascii=False)


def log(function, found):
    """A raw object with the records, compressed."""
    found = list(found)
    match function:
        case "cloudtrail":
            text = '{"Records":[' + ",\n".join(map(json_text, found)) + "]}"
        case "security-hub":
            text = '{"Findings":[' + ",\n".join(map(json_text, found)) + "]}"
        case "vpc-flow":
            # One header for all: what a record lacks is `-`, as AWS writes it.
            header = list(dict.fromkeys(name for record in found for name in record))
            text = "\n".join([" ".join(header), *(" ".join(r.get(n, "-") for n in header) for r in found), ""])
        case _:
            text = "".join(json_text(record) + "\n" for record in found)
    return gzip.compress(text.encode(), mtime=0)
