"""Athena's queries on the tables of every source and version, in DuckDB and in Spark, with the right rows.

The records are of our own writing, once of days in March 2026 and once of the last hours; what is right is counted from
them. DuckDB has the views that `lake views` prints, Spark the tables and partitions of the lake's catalogue.
"""

import datetime
from collections import Counter

import duckdb
import lake_cli
import pytest
import raw_records
import sqlglot
from athena_queries import QUERIES, samples
from athena_queries.times import NOW
from lake_cli import ALL_TABLES, PARTITION_KEYS, ROOT

FEWEST = 5

# A question of the report that the samples answer, since no record of ours does.
NOT_IN_THE_RECORDS = {"root_use"}
CASES = [
    pytest.param(table, *query, id=f"{table}: {query[0]}")
    for table, (_, found) in QUERIES.items()
    for query in ((*query[:3], *(query[3:] or (None,))) for query in found)
]


@pytest.fixture(scope="module")
def raw():
    """Raw records by function."""
    recent = NOW - datetime.timedelta(hours=3)
    return {
        function: raw_records.records(function) + raw_records.records(function, recent) for function in ALL_TABLES
    }


@pytest.fixture(scope="module")
def lake(lake_binary, raw, tmp_path_factory):
    """A lake with all tables. Nobody writes to it."""
    folder = tmp_path_factory.mktemp("queries")
    lake = lake_cli.Lake(folder / "lake")
    for function, records in raw.items():
        path = lake_cli.put(folder, f"{function}.log", raw_records.log(function, records))
        result = lake.ingest(path, "--source", function, tables=ALL_TABLES[function])
        assert result.code == 0, (result.err, lake.summary)
    return lake


@pytest.fixture(scope="module")
def duck(lake):
    """DuckDB with the views of the lake."""
    result = lake_cli.run("views", "--lake", lake.folder)
    assert result.code == 0, result.err
    with duckdb.connect() as connection:
        connection.execute(result.out)
        yield connection


@pytest.fixture(scope="module")
def in_spark(spark, lake):
    """Spark with the tables of the lake's catalogue, under their names."""
    spark.sql(f"CREATE DATABASE IF NOT EXISTS {lake_cli.DATABASE}")
    for tables in ALL_TABLES.values():
        for table in tables:
            add_table(spark, lake, table)
    yield spark
    spark.sql(f"DROP DATABASE {lake_cli.DATABASE} CASCADE")


def add_table(spark, lake, table):
    entry, name = lake.catalog(table), lake_cli.table_name(table)
    columns = [f"`{column['name']}` {column['type']}" for column in entry["columns"] + entry["partition_keys"]]
    base = lake.folder / "aws" / table.replace("@", "/")
    spark.sql(
        f"""CREATE TABLE {name} ({", ".join(columns)}) USING parquet
            PARTITIONED BY ({", ".join(PARTITION_KEYS)}) LOCATION '{base}'"""
    )
    for partition in entry["partitions"]:
        path = lake.folder / partition
        _, values = lake_cli.partition_of(path / "x.parquet")
        spec = ", ".join(f"{key} = '{value}'" for key, value in zip(PARTITION_KEYS, values, strict=True))
        spark.sql(f"ALTER TABLE {name} ADD PARTITION ({spec}) LOCATION '{path}'")


def asked(sql, table, engine):
    return sqlglot.transpile(sql.replace("TABLE", lake_cli.table_name(table), 1), read="athena", write=engine)[0]


def frozen(rows):
    return Counter(tuple(sorted(row.items())) for row in rows)


def rows_in_duckdb(connection, sql):
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("table, name, sql, right, only", CASES)
def test_in_duckdb(duck, raw, table, name, sql, right, only):
    expected = right(raw[QUERIES[table][0]])
    assert any(row["events"] for row in expected), "a query that finds nothing holds nothing"
    assert frozen(rows_in_duckdb(duck, asked(sql, table, "duckdb"))) == frozen(expected)


@pytest.mark.parametrize("table, name, sql, right, only", CASES)
def test_in_spark(in_spark, raw, table, name, sql, right, only):
    if only not in (None, "spark"):
        pytest.skip(f"its functions are {only}'s and Athena's")
    found = [row.asDict() for row in in_spark.sql(asked(sql, table, "spark")).collect()]
    assert frozen(found) == frozen(right(raw[QUERIES[table][0]]))


def test_every_table_is_asked():
    asked_of = {f"{table}@2.0": len(found) for table, found in samples.QUERIES.items()}
    asked_of |= {table: len(found) for table, (_, found) in QUERIES.items()}
    assert asked_of.keys() == {table for tables in ALL_TABLES.values() for table in tables}
    assert min(asked_of.values()) >= FEWEST, asked_of


# The report.


def test_the_report_is_what_its_queries_give(duck, lake):
    result = lake_cli.run("report", "--lake", lake.folder, "--json")
    assert result.code == 0, result.err
    answers = {answer["name"]: answer for answer in result.json["questions"]}
    questions = sorted((ROOT / "cli" / "src" / "questions").glob("*.sql"))
    assert {path.stem for path in questions} == answers.keys()
    for path in questions:
        answer = answers[path.stem]
        assert answer["sql"].strip() == path.read_text().strip()
        sql = sqlglot.transpile(path.read_text(), read="athena", write="duckdb")[0]
        # In the same order, too.
        assert rows_in_duckdb(duck, sql) == answer["rows"], path.stem
        assert answer["rows"] or path.stem in NOT_IN_THE_RECORDS, path.stem
        assert all(list(row) == answer["columns"] for row in answer["rows"])
