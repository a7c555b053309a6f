"""Objects that nobody wants to get: each ends in rows, in quarantine, or refused whole, and harms no other.

Every run here has 512 MB of address space and a minute.
"""

import datetime
import gzip
import hashlib
import json
import os
import random
import zlib
from collections import Counter
from pathlib import Path

import lake_cli
import ocsf_check
import pyarrow.parquet as pq
import pytest
import raw_records
from lake_cli import ROOT, log, log_key, put, record

pytestmark = pytest.mark.usefixtures("lake_binary")

MEMORY = 512 << 20
SECONDS = 60
MB = 1 << 20
GIGABYTE_SECONDS = 1200
# `make soak` says so: it has a `lake` that was built with optimisation.
IS_SOAK = bool(os.environ.get("GIGABYTE"))
# More than a record may have; decoding takes most of the time.
LARGE_MB = 300 if IS_SOAK else 40

BAD = ROOT.parent / "shared" / "corpus" / "bad"
EXPECT = BAD / "expect.json"
CASES = json.loads(EXPECT.read_text())["objects"] if EXPECT.is_file() else []
FUNCTIONS = {
    "cloudtrail": "cloudtrail",
    "vpcflow": "vpc-flow",
    "route53": "route53",
    "eks_audit": "eks-audit",
    "securityhub": "security-hub",
    "waf": "waf",
}
needs_corpus = pytest.mark.skipif(not CASES, reason="reference data at ../shared is absent")


def ingest(folder, *arguments, tables=()):
    """Ingests `raw` below the folder, and holds what is true however it ends."""
    lake = lake_cli.Lake(folder / "lake")
    result = lake.ingest(folder / "raw", *arguments, tables=tables, memory=MEMORY, seconds=SECONDS)
    assert "panicked" not in result.err and "overflow" not in result.err, result.err
    assert result.code in (0, 1), (result.code, result.err)
    objects, records = lake.summary["objects"], lake.summary["records"]
    # A record has a row in the tables of each version that is written, or in none.
    landed = Counter()
    for table, rows in records["rows"].items():
        landed[table.partition("@")[2]] += rows
    assert len(set(landed.values())) < 2, landed
    others = sum(sum(records[fate].values()) for fate in ("skipped", "quarantined"))
    assert records["read"] == max(landed.values(), default=0) + others
    # What it says is what is there.
    held = Counter()
    for path in lake.files():
        held[lake_cli.table_of(path)] += pq.read_metadata(path).num_rows
    assert held == records["rows"]
    assert Counter(entry["reason"] for entry in lake.quarantined()) == records["quarantined"]
    assert sorted(lake.summary["written"]) == sorted(
        path.relative_to(lake.folder).as_posix() for path in lake.objects()
    )
    assert (result.code == 1) == bool(objects["failed"] or records["quarantined"])
    for failed in objects["failed"]:
        assert failed["reason"] and len(failed["reason"]) < 1000, failed
    return lake


def fate(lake):
    """Objects ingested, skipped and failed; records with a row in source version 2.0, and those in quarantine."""
    objects, records = lake.summary["objects"], lake.summary["records"]
    skipped = sum(objects["skipped"].values())
    return (
        objects["ingested"],
        skipped,
        len(objects["failed"]),
        sum(rows for table, rows in records["rows"].items() if table.endswith("@2.0")),
        sum(records["quarantined"].values()),
    )


def hold_rows(lake):
    """Each row is a whole one: OCSF, of a plausible time, in the partition of its day."""
    for path in lake.files():
        _, (region, account, day) = lake_cli.partition_of(path)
        assert day > "20000101" and region and account
        version = lake_cli.table_of(path).partition("@")[2]
        for row in lake_cli.read(path).to_pylist(maps_as_pydicts="strict"):
            moment = datetime.datetime.fromtimestamp(row["time"] / 1000, datetime.UTC)
            assert moment.strftime("%Y%m%d") == day and row.get("time_dt") in (moment, None)
            row.pop("asl_version", None)
            assert ocsf_check.check(lake_cli.bare(row), ocsf_check.VERSIONS[version]) == []


# Reference objects, each with what has to come of it.


def within(count, bounds):
    low, high = bounds if isinstance(bounds, list) else (bounds, bounds)
    return bounds is None or low <= count <= high


def of_source(source):
    """Arguments that take whatever comes for logs of a source, into all of its tables."""
    function = FUNCTIONS[source]
    return ["--source", function], lake_cli.ALL_TABLES[function]


@needs_corpus
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['source']}-{Path(case['file']).stem}")
def test_reference_object_alone(case, tmp_path):
    put(tmp_path / "raw", case["key"], (BAD / case["file"]).read_bytes())
    arguments, tables = of_source(case["source"])
    lake = ingest(tmp_path, *arguments, tables=tables)
    ingested, skipped, failed, rows, quarantined = fate(lake)
    hold_rows(lake)
    refused = (ingested, skipped, failed, rows, quarantined) == (0, 0, 1, 0, 0)
    passed_over = sum(lake.summary["records"]["skipped"].values())
    match case["expect"]:
        case "reject":
            assert refused and lake.objects() == [], lake.summary
        case "skip":
            assert (failed, rows, quarantined) == (0, 0, 0) and lake.objects() == [], lake.summary
        case "ok" | "partial":
            assert ingested == 1 and within(rows, case["good"]) and within(quarantined, case["bad"]), lake.summary
        case "either":
            # Refused with a reason, or its rows within bounds; never a success that says nothing of the rest.
            assert refused or (ingested == 1 and within(rows, case["good"]) and within(quarantined, case["bad"])), (
                lake.summary
            )
            assert refused or rows or quarantined or passed_over
        case other:
            pytest.fail(f"expect.json has a new word: {other}")


@needs_corpus
@pytest.mark.parametrize("source", sorted({case["source"] for case in CASES}))
def test_reference_objects_together(source, tmp_path):
    arguments, tables = of_source(source)
    together = Counter()
    for case in [case for case in CASES if case["source"] == source]:
        name = Path(case["file"]).stem
        put(tmp_path / name / "raw", case["key"], (BAD / case["file"]).read_bytes())
        put(tmp_path / "all" / "raw", case["key"], (BAD / case["file"]).read_bytes())
        together.update(kinds(ingest(tmp_path / name, *arguments, tables=tables)))
    function = FUNCTIONS[source]
    good = raw_records.records(function)[:5]
    for name in ("good", "all"):
        put(tmp_path / name / "raw", raw_records.key(function, "good"), raw_records.log(function, good))
    alone = ingest(tmp_path / "good", *arguments, tables=tables)
    assert fate(alone) == (1, 0, 0, 5, 0)
    # A broken object costs its neighbours nothing: together they are what each is alone.
    together.update(kinds(alone))
    assert Counter(kinds(ingest(tmp_path / "all", *arguments, tables=tables))) == together


def kinds(lake):
    """What became of objects and records, to be added up."""
    ingested, skipped, failed, rows, quarantined = fate(lake)
    yield from (
        ["ingested"] * ingested
        + ["skipped"] * skipped
        + ["failed"] * failed
        + ["rows"] * rows
        + ["quarantined"] * quarantined
    )
    yield from (f"row {row}" for row in lake.rows())
    yield from (
        f"failed {Path(failed['object']).name}: {failed['reason']}" for failed in lake.summary["objects"]["failed"]
    )


# Objects of our own making, each beside two good ones.

GOOD = 7
DOCUMENT = json.dumps({"Records": [record(number) for number in range(100, 140)]}).encode()
PACKED = gzip.compress(DOCUMENT, mtime=0)


def nested(depth, brackets="[]"):
    """A record with a value so deep."""
    inside = {"[]": ("[" * depth, "]" * depth), "{}": ('{"a":' * depth + "1", "}" * depth)}[brackets]
    return (
        json.dumps(record(1)).replace('"requestParameters": null', f'"requestParameters": {"".join(inside)}').encode()
    )


def members(data, count):
    """A gzip file of so many members, cut anywhere."""
    size = len(data) // count + 1
    return b"".join(gzip.compress(data[at : at + size], mtime=0) for at in range(0, len(data), size))


def bomb(size):
    """A document with a blank of so many bytes in it, packed a thousandfold."""
    deflate, blank = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * MB
    parts = [deflate.compress(b'{"Records":[')] + [deflate.compress(blank) for _ in range(size // MB)]
    return b"".join([*parts, deflate.compress(json.dumps(record(1)).encode() + b"]}"), deflate.flush()])


def packed(*parts):
    """A gzip file of texts, and of records of so many MB where there is a number. The last may never end."""
    deflate, filler = zlib.compressobj(9, zlib.DEFLATED, 31), b"]} \\\" " * (MB // 6)
    out = []
    for place, part in enumerate(parts):
        if isinstance(part, bytes):
            out.append(deflate.compress(part))
            continue
        out.append(deflate.compress(b'{"eventID":"large","userAgent":"'))
        out.extend(deflate.compress(filler) for _ in range(part))
        if place + 1 < len(parts):
            out.append(deflate.compress(b'"}'))
    return b"".join([*out, deflate.flush()])


def wide(fields):
    """A record with a list of so many elements."""
    return json.dumps(record(2, requestParameters={"items": [1] * fields})).encode()


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def wrapped(*parts):
    return b'{"Records":[' + b",".join(parts) + b"]}"


PLAIN = [json.dumps(record(number)).encode() for number in range(100, 103)]
NOISE = random.Random(7).randbytes(20_000)
REFUSED = "refused"

# Name, bytes, more arguments, and what becomes of it: refused, or the numbers of rows and of records in quarantine.
HOSTILE = [
    ("bomb-over-the-cap", bomb(64 * MB), ["--max-object-bytes", 4 * MB], REFUSED),
    ("blanks-are-no-part-of-a-record", bomb(64 * MB), ["--max-record-bytes", MB], (1, 0)),
    ("bomb-under-the-cap", bomb(8 * MB), [], (1, 0)),
    ("object-of-exactly-the-cap", DOCUMENT, ["--max-object-bytes", len(DOCUMENT)], (40, 0)),
    ("object-one-over-the-cap", PACKED, ["--max-object-bytes", len(DOCUMENT) - 1], REFUSED),
    (
        "record-over-the-cap",
        log(record(1), record(2, userAgent="a" * 200_000), record(3)),
        ["--max-record-bytes", 100_000],
        (2, 1),
    ),
    ("no-record-under-the-cap", log(record(1, userAgent="a" * 200_000)), ["--max-record-bytes", 100_000], REFUSED),
    ("record-of-many-mb", packed(b'{"Records":[', PLAIN[0], b",", LARGE_MB, b",", PLAIN[1], b"]}"), [], (2, 1)),
    ("many-mb-that-never-end", packed(b'{"Records":[', PLAIN[0], b",", LARGE_MB), [], REFUSED),
    ("too-deep-between-good-ones", wrapped(PLAIN[0], nested(200_000), nested(200_000, "{}"), PLAIN[1]), [], (2, 2)),
    ("depth-of-exactly-the-cap", wrapped(PLAIN[0], nested(19)), ["--max-depth", 20], (2, 0)),
    ("depth-one-over-the-cap", wrapped(PLAIN[0], nested(20)), ["--max-depth", 20], (1, 1)),
    ("a-million-fields", wrapped(PLAIN[0], wide(1_000_000), PLAIN[1]), [], (2, 1)),
    ("a-million-elements-that-may-be", wrapped(wide(1_000_000)), ["--max-fields", 1_100_000], (1, 0)),
    ("twenty-thousand-refused", wrapped(PLAIN[0], *[b"{x}"] * 20_000, PLAIN[1]), [], (2, 20_000)),
    (
        "record-under-the-cap",
        log(record(1), record(2, userAgent="a" * 90_000)),
        ["--max-record-bytes", 100_000],
        (2, 0),
    ),
    ("record-over-the-cap-and-never-ending", b'{"Records":[{"a":"' + b"a" * 40 * MB, [], REFUSED),
    (
        "large-record",
        log(record(1, requestParameters={f"key{number}": "value" * 20 for number in range(200_000)})),
        [],
        (1, 0),
    ),
    ("half-of-it", PACKED[: len(PACKED) // 2], [], REFUSED),
    ("without-its-last-byte", PACKED[:-1], [], REFUSED),
    ("without-its-checksum", PACKED[:-8], [], REFUSED),
    ("with-a-wrong-checksum", flipped(PACKED, len(PACKED) - 6), [], REFUSED),
    ("with-a-wrong-length", flipped(PACKED, len(PACKED) - 2), [], REFUSED),
    ("with-a-flipped-bit", flipped(PACKED, len(PACKED) // 2), [], REFUSED),
    ("plain-and-half-of-it", DOCUMENT[: len(DOCUMENT) // 2], [], REFUSED),
    ("plain-without-its-last-brace", DOCUMENT[:-1], [], REFUSED),
    ("only-a-header", PACKED[:10], [], REFUSED),
    ("two-bytes", PACKED[:2], [], REFUSED),
    ("one-byte", b"{", [], REFUSED),
    ("noise", NOISE, [], REFUSED),
    ("packed-noise", gzip.compress(NOISE, mtime=0), [], REFUSED),
    ("noise-with-a-header", PACKED[:10] + NOISE, [], REFUSED),
    ("noise-behind", gzip.compress(DOCUMENT + NOISE, mtime=0), [], REFUSED),
    ("another-document-behind", gzip.compress(DOCUMENT + b"\n" + b'{"other":1}', mtime=0), [], REFUSED),
    ("a-member-of-noise-behind", PACKED + gzip.compress(NOISE, mtime=0), [], REFUSED),
    ("fifty-members", members(DOCUMENT, 50), [], (40, 0)),
    ("empty-members", gzip.compress(b"") * 3 + PACKED + gzip.compress(b"") * 3, [], (40, 0)),
    ("a-member-is-cut", members(DOCUMENT, 50)[:-30], [], REFUSED),
    ("packed-twice", gzip.compress(PACKED, mtime=0), [], REFUSED),
    ("200000-deep-arrays", wrapped(nested(200_000)), [], REFUSED),
    ("200000-deep-objects", wrapped(nested(200_000, "{}")), [], REFUSED),
    ("200000-deep-before-the-records", b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b',"Records":[]}', [], REFUSED),
    ("400-deep", wrapped(nested(400), nested(400, "{}")), [], (2, 0)),
    ("no-objects", wrapped(PLAIN[0], b"null", b"1", b'"text"', b"[]", b"true", PLAIN[1]), [], (2, 5)),
    ("empty-objects", wrapped(*[b"{}"] * 1000, PLAIN[0]), [], (1, 1000)),
    ("not-json-in-a-record", wrapped(PLAIN[0], b'{"eventName":tru}', PLAIN[1]), [], None),
    ("not-utf-8-in-a-record", wrapped(PLAIN[0], PLAIN[1].replace(b"tester", b"t\xffster"), PLAIN[2]), [], (2, 1)),
    ("records-are-an-object", b'{"Records":{"a":1}}', [], REFUSED),
    ("records-are-a-text", b'{"Records":"[]"}', [], REFUSED),
    ("a-list", b"[" + PLAIN[0] + b"]", [], REFUSED),
    ("no-comma", b'{"Records":[' + PLAIN[0] + PLAIN[1] + b"]}", [], (1, 1)),
    ("a-comma-too-many", b'{"Records":[' + PLAIN[0] + b",]}", [], None),
    ("other-members-around", b'{"a":{"Records":[1]},"Records":[' + PLAIN[0] + b'],"z":"]}"}', [], (1, 0)),
    (
        "blanks-and-lines",
        b'\xef\xbb\xbf \r\n{ "Records" :\t[\r\n' + b" ,\r\n ".join(PLAIN) + b" ] } \r\n\r\n",
        [],
        (3, 0),
    ),
    (
        "times-that-are-none",
        wrapped(
            *[
                json.dumps(record(number, eventTime=time)).encode()
                for number, time in enumerate(
                    [
                        "",
                        "now",
                        "2026-02-30T00:00:00Z",
                        "2026-03-14",
                        "2026-03-14T25:00:00Z",
                        "0000-00-00T00:00:00Z",
                        "1773482580",
                        1773482580,
                        None,
                        [],
                        "99999-01-01T00:00:00Z",
                        "1969-12-31T23:59:59Z",
                    ]
                )
            ]
        ),
        [],
        (0, 12),
    ),
    (
        "names-for-a-path",
        wrapped(
            *[
                json.dumps(record(number, awsRegion=region, recipientAccountId=account)).encode()
                for number, (region, account) in enumerate(
                    [
                        ("../../x", "1"),
                        ("..", ".."),
                        ("a/b", "."),
                        ("us-east-1", "../.."),
                        ("*", "?"),
                        ("r=1", "%2F"),
                        (" ", "a b"),
                    ]
                )
            ]
        ),
        [],
        (7, 0),
    ),
]


@pytest.mark.parametrize("name, data, arguments, expected", HOSTILE, ids=[case[0] for case in HOSTILE])
def test_hostile_object_beside_good_ones(name, data, arguments, expected, tmp_path):
    good = [record(number) for number in range(GOOD)]
    put(tmp_path / "raw", log_key("a-good-one"), log(*good[:3]))
    hostile = put(tmp_path / "raw", log_key(name), data)
    put(tmp_path / "raw", log_key("z-good-one"), log(*good[3:]))
    lake = ingest(tmp_path, *arguments)
    hold_rows(lake)
    ingested, skipped, failed, rows, quarantined = fate(lake)
    refused = [failed["object"] for failed in lake.summary["objects"]["failed"]]
    if expected == REFUSED or (expected is None and failed):
        assert refused == [str(hostile)]
        assert (ingested, skipped, rows, quarantined) == (2, 0, GOOD, 0), lake.summary
    else:
        assert (ingested, skipped, failed) == (3, 0, 0), lake.summary
        assert expected is None or (rows - GOOD, quarantined) == expected, lake.summary
    uids = {row["metadata"]["uid"] for row in lake.rows()}
    assert {entry["eventID"] for entry in good} <= uids
    # Nothing is written beside the lake.
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "lake"}


def test_what_is_refused_is_tried_again_and_what_landed_is_not(tmp_path):
    put(tmp_path / "raw", log_key("good"), log(record(1)))
    broken = put(tmp_path / "raw", log_key("broken"), PACKED[:-100])
    lake = ingest(tmp_path)
    before = {path: path.read_bytes() for path in lake.objects()}
    broken.write_bytes(PACKED)  # the upload has ended
    again = ingest_more(tmp_path)
    assert again["objects"]["skipped"] == {"already_ingested": 1}
    assert again["records"]["rows"] == {"CLOUD_TRAIL_MGMT@2.0": 40}
    assert all(path.read_bytes() == data for path, data in before.items())
    assert ingest_more(tmp_path)["objects"]["skipped"] == {"already_ingested": 2}


def ingest_more(folder):
    """The summary of a further ingest into the same lake."""
    lake = lake_cli.Lake(folder / "lake")
    assert lake.ingest(folder / "raw", memory=MEMORY, seconds=SECONDS).code == 0
    return lake.summary


@pytest.mark.parametrize("member", ["awsRegion", "recipientAccountId"])
@pytest.mark.parametrize("length", [300, 3000])
def test_a_partition_that_is_too_long_for_a_name(member, length, tmp_path):
    """Longer than a folder's name may be, or an object's key: the record is the trouble, not the lake."""
    put(tmp_path / "raw", log_key("a-good-one"), log(record(1)))
    put(tmp_path / "raw", log_key("long"), log(record(2), record(3, **{member: "1" * length}), record(4)))
    lake = ingest(tmp_path)
    ingested, _, failed, rows, quarantined = fate(lake)
    assert (ingested, failed, rows + quarantined) == (2, 0, 4), lake.summary["objects"]
    assert {record(number)["eventID"] for number in (1, 2, 4)} <= {row["metadata"]["uid"] for row in lake.rows()}
    # The lake still takes what comes next.
    put(tmp_path / "raw", log_key("next"), log(record(5)))
    assert ingest_more(tmp_path)["records"]["rows"] == {"CLOUD_TRAIL_MGMT@2.0": 1}


def test_ten_thousand_small_records(tmp_path):
    small = [
        {
            "eventTime": f"2026-03-14T09:{number // 60 % 60:02}:{number % 60:02}Z",
            "eventName": "A",
            "eventSource": "a.amazonaws.com",
            "eventID": str(number),
        }
        for number in range(10_000)
    ]
    random.Random(3).shuffle(small)
    put(tmp_path / "raw", log_key("small"), log(*small))
    lake = ingest(tmp_path, "--buffer-bytes", MB)
    assert fate(lake) == (1, 0, 0, 10_000, 0)
    (path,) = lake.files()
    file = pq.ParquetFile(path)
    assert Counter(file.read(["metadata"]).column(0).combine_chunks().field("uid").to_pylist()) == Counter(
        entry["eventID"] for entry in small
    )
    for group in range(file.num_row_groups):
        times = file.read_row_group(group, ["time"]).column(0).to_pylist()
        assert times == sorted(times)


def test_many_files_of_one_record(tmp_path):
    for number in range(600):
        put(tmp_path / "raw", log_key(f"one{number:03}"), log(record(number)))
    lake = ingest(tmp_path)
    assert fate(lake) == (600, 0, 0, 600, 0)
    # Rows of a partition share an object; 512 files are ingested together at most.
    assert len(lake.files()) == 2


def test_damaged_documents(tmp_path):
    """A byte here and there is changed. Whatever comes of it, nothing panics and nothing else is lost."""
    dice = random.Random(11)
    damaged = 200
    for number in range(damaged):
        # The number of its file is in each record, twice.
        records = [
            record(entry, requestID=f"{number:04}-{entry}", eventID=f"{number:04}-{entry}") for entry in range(4)
        ]
        data = bytearray(json.dumps({"Records": records}).encode())
        for _ in range(dice.choice([1, 1, 2, 5])):
            at = dice.randrange(len(data))
            match dice.randrange(3):
                case 0:
                    data[at] = dice.choice(b'{}[]",:\\ 0\x00\xff\xc3a')
                case 1:
                    del data[at : at + dice.choice([1, 1, 30])]
                case 2:
                    data[at:at] = dice.choice(
                        [b'"', b"}", b"]", b"{", b"[", b",", b"\\u", b"\\ud800", b"1e5", b"null", b"\xe2\x82"]
                    )
        put(tmp_path / "raw", log_key(f"damaged{number:04}"), bytes(data))
    good = [record(number) for number in range(GOOD)]
    put(tmp_path / "raw", log_key("good"), log(*good))
    lake = ingest(tmp_path)
    hold_rows(lake)
    ingested, skipped, failed, rows, quarantined = fate(lake)
    assert (ingested + failed, skipped) == (damaged + 1, 0)
    found = lake.rows()
    assert {entry["eventID"] for entry in good} <= {row["metadata"]["uid"] for row in found}
    # Of an object that is refused nothing has landed.
    refused = {Path(failed["object"]).name.split("damaged")[1][:4] for failed in lake.summary["objects"]["failed"]}
    landed = {
        row["metadata"]["uid"][:4]
        for row in found
        if row["metadata"]["uid"] and row["metadata"]["uid"] == row["api"]["request"]["uid"]
    }
    assert not refused & landed
    # The damage was worth the test.
    assert failed > damaged // 10 and quarantined > damaged // 10 and rows > damaged


def test_what_is_too_large_is_shown_cut_and_told_how_to_bring_in(tmp_path):
    large = json.dumps(record(2, userAgent="b" * 200_000)).encode()
    data = wrapped(PLAIN[0], large, PLAIN[1])
    put(tmp_path / "raw", log_key("large"), data)
    lake = ingest(tmp_path, "--max-record-bytes", 100_000)
    (entry,) = lake.quarantined()
    assert (entry["reason"], entry["record"], entry["length"]) == ("too_large", 1, len(large))
    assert data[entry["offset"] :][: entry["length"]] == large
    assert entry["sha256"] == hashlib.sha256(large).hexdigest()
    assert entry["raw"].encode() == large[: 64 << 10]
    (file,) = (lake.folder / "quarantine" / "cloudtrail").iterdir()
    shown = lake_cli.run("quarantine", "show", file.name[:32], "--lake", lake.folder, "--raw")
    assert shown.out.encode() == large[: 64 << 10] and f"65536 of {len(large)} bytes" in shown.err
    again = lake_cli.run("quarantine", "retry", "--lake", lake.folder)
    assert again.code == 1 and "kept in part" in again.out and "--max-record-bytes" in again.err
    assert lake.quarantined() == [entry]


def test_repeated_events_are_dropped_on_request_and_not_of_other_sources(tmp_path):
    put(tmp_path / "raw", log_key("one"), log(record(1), record(2)))
    put(tmp_path / "raw", log_key("two"), log(record(2), record(3)))
    lake = ingest(tmp_path, "--drop-repeated-events")
    assert lake.summary["records"]["skipped"] == {"repeated_event": 1}
    assert sorted(row["metadata"]["uid"] for row in lake.rows()) == sorted(record(n)["eventID"] for n in (1, 2, 3))
    put(tmp_path / "raw", raw_records.key("waf", "more"), raw_records.log("waf", raw_records.records("waf")[:2]))
    refused = lake_cli.run("ingest", tmp_path / "raw", "--lake", lake.folder, "--drop-repeated-events")
    assert refused.code == 2 and "log of waf: its records have no id" in refused.err


@pytest.mark.skipif(not IS_SOAK, reason="takes minutes; `make soak` runs it")
def test_a_gigabyte(tmp_path):
    """A raw file of 1 GB lands whole within the memory of every run here."""
    repeats, line = 64, 1024
    block = b",".join(json.dumps(record(number, userAgent="a" * line)).encode() for number in range(400))
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    parts, size = [deflate.compress(b'{"Records":[')], 0
    while size < 1 << 30:
        joined = b",".join([block] * repeats) + (b"," if size + (len(block) + 1) * repeats < 1 << 30 else b"]}")
        parts.append(deflate.compress(joined))
        size += (len(block) + 1) * repeats
    parts.append(deflate.flush())
    put(tmp_path / "raw", log_key("large"), b"".join(parts))
    lake = lake_cli.Lake(tmp_path / "lake")
    result = lake.ingest(tmp_path / "raw", memory=MEMORY, seconds=GIGABYTE_SECONDS)
    assert result.code == 0, result.err
    assert lake.summary["bytes"]["decoded"] >= 1 << 30
    rows = size // (len(block) + 1) * 400
    assert lake.summary["records"]["rows"] == {"CLOUD_TRAIL_MGMT@2.0": rows}
    assert sum(pq.read_metadata(path).num_rows for path in lake.files()) == rows
