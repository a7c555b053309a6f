"""Tables are those of Security Lake: AWS's columns and members in AWS's order, and ours behind them."""

import json
import re

import lake_cli
import pytest
import raw_records
from lake_cli import ALL_TABLES, PARTITION_KEYS

EACH = [(function, table) for function, tables in ALL_TABLES.items() for table in tables]


@pytest.fixture(scope="module")
def lakes(lake_binary, tmp_path_factory):
    """By function: a lake with all of its tables."""
    found = {}
    for function, tables in ALL_TABLES.items():
        folder = tmp_path_factory.mktemp(function)
        data = raw_records.log(function, raw_records.records(function))
        raw = lake_cli.put(folder, raw_records.key(function), data)
        found[function] = lake_cli.Lake(folder / "lake")
        result = found[function].ingest(raw, "--source", function, tables=tables)
        assert result.code == 0, result.err
    return found


def parse_hive(words):
    """A type in Hive's words as a tree: a name, or a name and what is inside in its order."""
    tokens = re.findall(r"[A-Za-z0-9_]+(?:\([0-9,]*\))?|[<>:,]", words)

    def parse():
        name = tokens.pop(0)
        if not tokens or tokens[0] != "<":
            return name
        tokens.pop(0)
        inside = []
        while True:
            member = None
            if name == "struct":
                member, _ = tokens.pop(0), tokens.pop(0)
            inside.append((member, parse()))
            if tokens.pop(0) == ">":
                return (name, inside)

    tree = parse()
    assert not tokens, words
    return tree


def appended(ours, theirs, path, found):
    """Collects members that ours has behind all of theirs; fails where they differ otherwise."""
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs, path
        return
    assert ours[0] == theirs[0], path
    for (name, kind), (their_name, their_kind) in zip(ours[1], theirs[1], strict=False):
        assert name == their_name, f"{path}: {name} stands where {their_name} does at AWS"
        appended(kind, their_kind, f"{path}.{name}" if name else f"{path}[]", found)
    assert len(ours[1]) >= len(theirs[1]), f"{path}: members are missing"
    found += [f"{path}.{name}" for name, _ in ours[1][len(theirs[1]) :]]


def of_contract(shared_dir, table):
    """Columns and partition keys of AWS's table."""
    contract = json.loads((shared_dir / "contract" / "tables" / f"{lake_cli.short_name(table)}.json").read_text())
    columns = [(column["name"], column["type"]) for column in contract["columns"]]
    assert contract["table"] == lake_cli.table_name(table)
    return [column for column in columns if column[0] not in PARTITION_KEYS], dict(columns)


@pytest.mark.parametrize("function, table", EACH, ids=[table for _, table in EACH])
def test_tables_are_those_of_security_lake(lakes, shared_dir, function, table):
    theirs, _ = of_contract(shared_dir, table)
    entry = lakes[function].catalog(table)
    assert f"{entry['database']}.{entry['name']}" == lake_cli.table_name(table)
    ours = [(column["name"], column["type"]) for column in entry["columns"]]
    found = []
    for (name, kind), (their_name, their_kind) in zip(ours, theirs, strict=False):
        assert name == their_name, f"{name} stands where {their_name} does at AWS"
        appended(parse_hive(kind), parse_hive(their_kind), name, found)
    assert len(ours) >= len(theirs), [name for name, _ in theirs[len(ours) :]]
    assert {column["name"]: column["type"] for column in entry["partition_keys"]} == dict.fromkeys(
        PARTITION_KEYS, "string"
    )
    assert entry["location"] == f"aws/{table.replace('@', '/')}/"


@pytest.mark.parametrize("function, table", EACH, ids=[table for _, table in EACH])
def test_files_have_the_columns_of_the_catalogue(lakes, function, table):
    lake = lakes[function]
    columns = [(column["name"], column["type"]) for column in lake.catalog(table)["columns"]]
    files = lake.files(table)
    assert files
    for path in files:
        schema = lake_cli.read(path).schema
        assert [(field.name, lake_cli.hive_type(field.type)) for field in schema] == columns, path


def test_a_member_in_the_wrong_place_is_noticed():
    theirs = parse_hive("struct<a:string,b:array<struct<c:int>>>")
    found = []
    appended(parse_hive("struct<a:string,b:array<struct<c:int,d:int>>,e:map<string,string>>"), theirs, "t", found)
    assert found == ["t.b[].d", "t.e"]
    for wrong in (
        "struct<b:array<struct<c:int>>,a:string>",
        "struct<a:string>",
        "struct<a:string,b:array<struct<d:int,c:int>>>",
        "struct<a:int,b:array<struct<c:int>>>",
    ):
        with pytest.raises(AssertionError):
            appended(parse_hive(wrong), theirs, "t", [])
