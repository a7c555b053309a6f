"""Records that nobody documents: those of the samples, each changed in a few places. The same on every machine.

Real accounts hold numbers where texts are documented, objects where there were texts a year ago, members of services
to come, members twice. Whatever a record says has to land, and its row has to be OCSF.
"""

import json
import random

from lake_cli import SAMPLES, Number, Pairs, log_files, log_key, put, records

SEED = 20260314
RECORDS = 1200
FILE_RECORDS = 150

# Member names that the mapping knows, at every level, and some that nobody does.
NAMES = """
    ARN ARNPrefix accountId additionalEventData apiVersion arn attributes awsRegion creationDate credentialId
    errorCode errorMessage eventCategory eventName eventSource eventType eventVersion federatedProvider
    identityProvider identityStoreArn invokedBy LoginTo managementEvent mfaAuthenticated MFAUsed onBehalfOf
    principalId readOnly recipientAccountId requestID requestParameters resources responseElements roleArn roleName
    roleSessionName sessionContext sessionIssuer sharedEventID sourceIPAddress type userAgent userIdentity userId
    userName UserName vpcEndpointId webIdFederationData a.b with/slash empty ü
""".split()

TEXTS = [
    "",
    " ",
    "x",
    "true",
    "Yes",
    "null",
    "0",
    "AWS Internal",
    "config.amazonaws.com",
    "192.0.2.1",
    "192.0.2.01",
    "192.0.2.1, 198.51.100.7",
    "2001:db8::1",
    "::ffff:192.0.2.1",
    "fe80::1%eth0",
    "2026-03-14T09:05:00.123Z",
    "1970-01-01T00:00:00Z",
    'quote " backslash \\ slash / tab \t line \n',
    "nul \0 bell \x07 delete \x7f",
    "ä 日本 😀 \u2028",
    "a,b",
    "{}",
    '{"a":1}',
    "é" * 70_000,
    "w" * 65_536,
]
NUMBERS = ["0", "-0", "7", "1.50", "1e400", "12345678901234567890123", "-1E-3"]


def value(dice, depth=0):
    """Any JSON value."""
    kind = dice.choice(["text"] * 4 + ["number", "flag", "null"] + ["object", "array"] * (depth < 3))
    if kind == "text":
        # The long ones are rarer: they are most of the bytes.
        return dice.choice(TEXTS if dice.random() < 0.1 else TEXTS[:-2])
    if kind == "number":
        return Number(dice.choice(NUMBERS))
    if kind == "flag":
        return dice.random() < 0.5
    if kind == "object":
        return Pairs((dice.choice(NAMES), value(dice, depth + 1)) for _ in range(dice.randrange(4)))
    return [value(dice, depth + 1) for _ in range(dice.randrange(4))] if kind == "array" else None


def places(node, path=()):
    """Paths of all members and elements below a value, free-form parts left out."""
    inside = (
        enumerate(node)
        if isinstance(node, list)
        else [(at, member[1]) for at, member in enumerate(node)]
        if isinstance(node, Pairs)
        else ()
    )
    for at, child in inside:
        if isinstance(node, Pairs) and node[at][0] in ("requestParameters", "responseElements") and child:
            yield (*path, at)
            continue
        yield (*path, at)
        yield from places(child, (*path, at))


def change(node, path, how):
    """The value with its members (or elements) at `path` changed by `how`, which gets them and where."""
    at, *rest = path
    inside = list(node)
    if rest:
        inside[at] = (
            (inside[at][0], change(inside[at][1], rest, how))
            if isinstance(node, Pairs)
            else change(inside[at], rest, how)
        )
    else:
        how(inside, at, isinstance(node, Pairs))
    return Pairs(inside) if isinstance(node, Pairs) else inside


def once(record, dice):
    """The record with one thing changed. What pairs it with its row, `eventID`, stays."""
    found = [path for path in places(record) if record[path[0]][0] != "eventID"]

    def replace(inside, at, named):
        inside[at] = (inside[at][0], value(dice)) if named else value(dice)

    def remove(inside, at, _):
        del inside[at]

    def rename(inside, at, named):
        inside[at] = (dice.choice(NAMES), inside[at][1]) if named else inside[at]

    def again(inside, at, named):
        inside.insert(at + 1, (inside[at][0], value(dice)) if named else value(dice))

    def add(inside, at, named):
        inside.insert(at, (dice.choice(NAMES), value(dice)) if named else value(dice))

    how = dice.choice([replace] * 5 + [remove] * 3 + [rename, again, add, add])
    path = dice.choice(found)
    # The time, the name and the source decide what becomes of the record; changed too often they hide the rest.
    if record[path[0]][0] in ("eventTime", "eventName", "eventCategory") and dice.random() < 0.8:
        return once(record, dice)
    return change(record, path, how)


def written(node, dice):
    """JSON text, with the freedom that JSON leaves."""
    if isinstance(node, Pairs):
        return (
            "{"
            + ",".join(
                f"{written(name, dice)}{space(dice)}:{space(dice)}{written(child, dice)}" for name, child in node
            )
            + "}"
        )
    if isinstance(node, list):
        return "[" + ",".join(space(dice) + written(child, dice) for child in node) + "]"
    if isinstance(node, Number):
        return str(node)
    text = json.dumps(node, ensure_ascii=dice.random() < 0.3)
    return text.replace("/", "\\/") if isinstance(node, str) and dice.random() < 0.1 else text


def space(dice):
    return dice.choice(["", "", "", "", " ", "\r\n\t"])


def write(folder):
    """Writes log files with such records below `folder`."""
    dice = random.Random(SEED)
    found = [record for path in log_files(SAMPLES / "AWSLogs") for record in records(path)]
    odd = []
    for number in range(RECORDS):
        record = found[number % len(found)]
        # One id for one record, however often a record of the samples serves.
        record = Pairs((name, f"{number:08}{member[8:]}" if name == "eventID" else member) for name, member in record)
        for _ in range(dice.randrange(1, 5)):
            record = once(record, dice)
        odd.append(written(record, dice))
    for start in range(0, len(odd), FILE_RECORDS):
        text = '{"Records": [' + ",\n".join(odd[start : start + FILE_RECORDS]) + "]}"
        key = log_key(f"odd{start:06}")
        put(folder, key, text.encode())
