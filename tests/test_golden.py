"""Raw records that AWS published with their rows: ours are the same, field for field, but for what is listed here.

The pairs are reference data beside the repository. Those of source version 2.0 are compared whole. Those of 1.0 were
written by AWS itself; what they say is told in the words of 2.0 first, where the contract tells how.
"""

import datetime
import json
from collections import Counter
from dataclasses import dataclass

import lake_cli
import pytest

ABSENT = "absent"
ANY = "any value"


@dataclass(frozen=True)
class Difference:
    """A path where our rows say something else than AWS's, on purpose."""

    path: str
    aws: object
    ours: object
    reason: str


# All that is different in 2.0. A pair may differ in nothing else, and each of these has to be met.
DIFFERENCES = [
    Difference(
        "api.request.uid", "''", "", "OCSF requires it, and AWS writes two quotes where a record has no requestID"
    ),
    Difference("actor.user.type_id", ABSENT, 99, "appended: the id of the caption in actor.user.type"),
    Difference(
        "actor.idp.uid", ABSENT, ANY, "appended: the identity store of an Identity Center user has no column at AWS"
    ),
    Difference(
        "src_endpoint.svc_name",
        ABSENT,
        ANY,
        "appended: OCSF 1.1.0 does not count `domain` as an identification of an endpoint",
    ),
    Difference("status_id", ABSENT, ANY, "appended: the id of the caption in status"),
    Difference("service.name", ABSENT, ANY, "appended: OCSF requires service or dst_endpoint of an Authentication"),
    Difference("asl_version", ABSENT, "2.0", "a column of AWS's table that its files and samples lack"),
]

# What 1.0 says otherwise even in the words of 2.0.
DIFFERENCES_1_0 = [
    Difference("api.request.uid", "''", "", "as in 2.0"),
    Difference(
        "status",
        "Other",
        "Success",
        "1.0 has no status for Authentication but of sign-ins; by the error it is a success",
    ),
    Difference("user.uid", ABSENT, ANY, "1.0 has no ARN of the user that an Account Change is about"),
]


def pairs(shared_dir, version):
    for folder in sorted((shared_dir / "contract" / "golden" / version / "CLOUD_TRAIL").iterdir()):
        raw = json.loads(next(folder.glob("raw.*")).read_text())
        expected = json.loads((folder / "expected.ocsf.json").read_text())
        # Those that AWS wrote are a list of the rows of a file.
        records, rows = raw.get("Records", [raw]), expected if isinstance(expected, list) else [expected]
        assert len(records) == len(rows), folder
        for number, (record, row) in enumerate(zip(records, rows, strict=True)):
            yield f"{folder.name}-{number}" if number else folder.name, record, row


@pytest.fixture(scope="module")
def golden(shared_dir, lake_binary, tmp_path_factory):
    """By version and name: AWS's row and ours."""

    def ingested(version):
        found = {}
        for name, record, expected in pairs(shared_dir, version):
            folder = tmp_path_factory.mktemp(name)
            raw = lake_cli.put(folder, "raw.json", json.dumps({"Records": [record]}).encode())
            lake = lake_cli.Lake(folder / "lake")
            result = lake.ingest(raw, "--source", "cloudtrail")
            assert result.code == 0, (name, result.err, lake.summary)
            (row,) = lake.rows()
            found[name] = expected, row
        return found

    return {version: ingested(version) for version in ("1.0", "2.0")}


def instant(value):
    """A time however it is written."""
    return value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(value)


def flat(event):
    """Leaves of an event by their paths. Null is absent, observables are a bag, times are instants."""
    found = {}

    def walk(value, path):
        name = path.rpartition(".")[2]
        if path == "observables":
            found[path] = Counter(tuple(sorted(entry.items())) for entry in value)
        elif path == "unmapped":
            found.update({f"unmapped[{key}]": text for key, text in value.items()})
        elif isinstance(value, dict):
            for member, inside in value.items():
                walk(inside, f"{path}.{member}" if path else member)
        elif isinstance(value, list):
            found[f"{path}[]"] = [flat(entry) if isinstance(entry, dict) else entry for entry in value]
        elif name.endswith("_dt"):
            found[path] = instant(value)
        elif value is not None:
            found[path] = value

    walk(lake_cli.bare(event), "")
    return found


def unlike(aws, ours):
    """Paths where two flat events differ, with what each says."""
    return {
        path: (aws.get(path, ABSENT), ours.get(path, ABSENT))
        for path in aws.keys() | ours.keys()
        if aws.get(path) != ours.get(path)
    }


def unlisted(found, differences):
    """What is left of differences that were found, without those that are listed."""

    def is_listed(path, aws, ours):
        return any(
            path == listed.path and listed.aws in (aws, ANY) and listed.ours in (ours, ANY) for listed in differences
        )

    return {path: said for path, said in found.items() if not is_listed(path, *said)}


def test_rows_of_2_0_are_aws_s(golden):
    assert len(golden["2.0"]) >= 2
    for name, (expected, row) in golden["2.0"].items():
        left = unlisted(unlike(flat(expected), flat(row)), DIFFERENCES)
        assert not left, f"{name}: {left}"


def test_each_difference_from_2_0_is_met(golden, sample_lake, shared_dir):
    found = [unlike(flat(expected), flat(row)) for expected, row in golden["2.0"].values()]
    contract = json.loads((shared_dir / "contract" / "tables" / "cloud_trail_mgmt_2_0.json").read_text())
    at_aws = {column["name"]: column["type"] for column in contract["columns"]}
    filled = {path for row in sample_lake.rows() for path in flat(row)}
    for listed in DIFFERENCES:
        if any(listed.path in paths for paths in found):
            continue
        # The pairs have no record of this kind. Then AWS's table has no such column and the samples do fill it.
        column, _, member = listed.path.rpartition(".")
        assert listed.aws == ABSENT and f"{member}:" not in members_of(at_aws, column), listed
        assert listed.path in filled, listed


def members_of(types, path):
    """What stands between the brackets of the struct at `path`, without what stands in structs within."""
    column, *names = path.split(".")
    words = types[column]
    for name in names:
        words = words[words.index(f"{name}:struct<") + len(name) + 1 :]
    depth, members = 0, ""
    for character in words[words.index("<") :]:
        depth += {"<": 1, ">": -1}.get(character, 0)
        if depth == 0:
            return members
        if depth == 1:
            members += character
    return members


def test_an_unlisted_difference_is_noticed(golden):
    expected, row = golden["2.0"]["documented-generic_api_activity"]
    aws = flat(expected)
    for path, value in (
        ("status", "Failure"),
        ("unmapped[recipientAccountId]", "2"),
        ("actor.user.name", None),
        ("api.request.uid", ""),
    ):
        ours = {**flat(row), path: value}
        assert path in unlisted(unlike(aws, ours), DIFFERENCES), path
    late = {**row, "time_dt": row["time_dt"] + datetime.timedelta(seconds=1)}
    assert "time_dt" in unlisted(unlike(aws, flat(late)), DIFFERENCES)
    seen = {**row, "observables": row["observables"][1:]}
    assert "observables" in unlisted(unlike(aws, flat(seen)), DIFFERENCES)


# Version 1.0.

RENAMED = {
    "actor.user.uuid": "actor.user.uid",
    "actor.user.uid": "actor.user.uid_alt",
    "actor.user.account_uid": "actor.user.account.uid",
    "actor.session.mfa": "actor.session.is_mfa",
    "mfa": "is_mfa",
    "user.uuid": "user.uid",
    "user.uid": "user.uid_alt",
}
CLASSES = {
    3005: (6003, 6, "Application Activity"),
    3002: (3002, 3, "Identity & Access Management"),
    3001: (3001, 3, "Identity & Access Management"),
}

# In 1.0 the leaves of these are in `unmapped`; 2.0 has them in api.*.data, and the type in metadata.event_code.
MOVED = ("unmapped[requestParameters.", "unmapped[responseElements.", "unmapped[eventType]")

# Columns that only 2.0 has, and those whose ids the classes' new numbers change.
ONLY_2_0 = (
    "time_dt",
    "asl_version",
    "metadata.event_code",
    "api.request.data",
    "api.response.data",
    "observables",
    "status_id",
)
ONLY_2_0_BELOW = ("actor.user.type_id", "src_endpoint.svc_name", "service.", "session.", "policy.")


def in_words_of_2_0(row):
    """A flat row of 1.0 as 2.0 has it."""
    class_uid, category_uid, category_name = CLASSES[row["class_uid"]]
    said = {}
    for path, value in flat(row).items():
        if path.startswith(MOVED):
            continue
        said[RENAMED.get(path, path)] = value
    said |= {"class_uid": class_uid, "category_uid": category_uid, "category_name": category_name}
    said["type_uid"] = class_uid * 100 + said["activity_id"]
    said["metadata.version"] = "1.1.0"
    said["metadata.profiles[]"] = [*said["metadata.profiles[]"], "datetime"]
    if "actor.session.created_time" in said:
        millis = said.pop("actor.session.created_time")
        said["actor.session.created_time_dt"] = datetime.datetime.fromtimestamp(millis / 1000, datetime.UTC)
    if "resources[]" in said:
        said["resources[]"] = [
            {{"account_uid": "owner.account.uid"}.get(name, name): value for name, value in entry.items()}
            for entry in said["resources[]"]
        ]
    return {path: value for path, value in said.items() if path not in ONLY_2_0}


def common(row):
    """Our flat row without what 1.0 does not have."""
    return {
        path: value
        for path, value in flat(row).items()
        if path not in ONLY_2_0 and not path.startswith(ONLY_2_0_BELOW)
    }


def test_rows_of_1_0_say_the_same(golden):
    assert len(golden["1.0"]) >= 15
    left = {}
    for name, (expected, row) in golden["1.0"].items():
        left[name] = unlisted(unlike(in_words_of_2_0(expected), common(row)), DIFFERENCES_1_0)
    assert not any(left.values()), {name: found for name, found in left.items() if found}


def test_each_difference_from_1_0_is_met(golden):
    found = [unlike(in_words_of_2_0(expected), common(row)) for expected, row in golden["1.0"].values()]
    for listed in DIFFERENCES_1_0:
        assert any(not unlisted({path: said}, [listed]) for paths in found for path, said in paths.items()), listed


def test_the_words_of_2_0_cover_all_that_1_0_compares(golden):
    """Were a path of 1.0 renamed to nothing, nothing would be compared."""
    for expected, _ in golden["1.0"].values():
        said = in_words_of_2_0(expected)
        assert {
            "class_uid",
            "activity_id",
            "activity_name",
            "status",
            "actor.user.type",
            "time",
            "api.operation",
        } <= said.keys()
