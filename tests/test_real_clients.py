"""The lake in the hands of those who read it: DuckDB, Arrow, Spark, and Athena's queries.

Figures come from `samples/EXPECTED.json`, which is counted from the records, never from the lake.
"""

import datetime
import json
import random
from collections import Counter

import duckdb
import lake_cli
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import sqlglot
from athena_queries.samples import QUERIES
from lake_cli import PARTITION_KEYS, SAMPLES, TABLES
from parquet_pages import DATA, DATA_2, DICTIONARY, chunks, pages

EXPECTED = json.loads((SAMPLES / "EXPECTED.json").read_text())
MB = 1 << 20
UTC_MILLIS = pa.timestamp("ms", tz="UTC")


@pytest.fixture(scope="module")
def raw():
    """Raw records by the table that they belong to."""
    of_source = {"s3.amazonaws.com": "S3_DATA", "lambda.amazonaws.com": "LAMBDA_EXECUTION"}
    found = {table: [] for table in TABLES}
    for path in lake_cli.log_files(SAMPLES / "AWSLogs"):
        for record in lake_cli.records(path):
            category = record.get("eventCategory", "Management")
            table = (
                "CLOUD_TRAIL_MGMT"
                if category == "Management"
                else of_source.get(record.get("eventSource"))
                if category == "Data"
                else None
            )
            if table:
                found[table].append(record)
    assert {table: len(records) for table, records in found.items()} == EXPECTED["tables"]
    return found


@pytest.fixture(scope="module")
def last(raw):
    """Of each table the time of the last event, in milliseconds."""
    return {
        table: max(lake_cli.millis(record.get("eventTime")) for record in records) for table, records in raw.items()
    }


@pytest.fixture(scope="module")
def duck(sample_lake):
    """DuckDB with the views that `lake views` prints, as `duckdb -init` runs them."""
    result = lake_cli.run("views", "--lake", sample_lake.folder)
    assert result.code == 0, result.err
    with duckdb.connect() as connection:
        connection.execute(result.out)
        yield connection


def answers(connection, sql):
    """Rows of an answer, as dicts."""
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# Readers.


def test_duckdb(duck, last):
    for table in TABLES:
        name = lake_cli.table_name(table)
        (row,) = answers(
            duck,
            f"""SELECT count(*) AS rows, max(time) AS last, max(time_dt) AS last_dt,
                typeof(any_value(time_dt)) AS kind FROM {name}""",
        )
        assert (row["rows"], row["last"]) == (EXPECTED["tables"][table], last[table])
        assert row["kind"] == "TIMESTAMP WITH TIME ZONE"
        assert row["last_dt"].timestamp() * 1000 == last[table]
        partitions = answers(
            duck, f"SELECT {', '.join(PARTITION_KEYS)}, count(*) AS rows FROM {name} GROUP BY ALL ORDER BY ALL"
        )
        assert [{"table": table, **partition} for partition in partitions] == [
            entry for entry in EXPECTED["partitions"] if entry["table"] == table
        ]


def test_duckdb_views_have_the_columns_in_security_lake_s_order(duck, sample_lake):
    for table in TABLES:
        columns = [row["column_name"] for row in answers(duck, f"DESCRIBE {lake_cli.table_name(table)}")]
        stored = [column["name"] for column in sample_lake.catalog(table)["columns"]]
        # AWS's tables end with these; the partition keys of Hive's stand among them.
        at = columns.index("unmapped") + 1
        assert columns[at : at + 3] == ["accountid", "region", "asl_version"]
        assert [name for name in columns if name not in PARTITION_KEYS] == stored


def test_duckdb_sorts_and_limits_behind_a_filter_on_a_member(duck):
    """DuckDB 2.0.0 fails with an internal error here unless the views' script switches an optimizer off."""
    (row,) = answers(
        duck,
        f"""SELECT time_dt AS moment FROM {lake_cli.table_name("CLOUD_TRAIL_MGMT")}
            WHERE api.operation = 'ConsoleLogin' ORDER BY time_dt DESC LIMIT 1""",
    )
    assert row["moment"] is not None


def test_arrow_dataset(sample_lake, last):
    for table in TABLES:
        keys = pa.schema([("region", pa.string()), ("accountId", pa.string()), ("eventDay", pa.string())])
        dataset = ds.dataset(
            sample_lake.folder / "aws" / table / "2.0", partitioning=ds.partitioning(keys, flavor="hive")
        )
        assert dataset.schema.field("time_dt").type == UTC_MILLIS
        found = dataset.to_table()
        assert (found.num_rows, pc.max(found["time"]).as_py()) == (EXPECTED["tables"][table], last[table])
        assert pc.max(found["time_dt"]).cast(pa.int64()).as_py() == last[table]
        one = next(entry for entry in EXPECTED["partitions"] if entry["table"] == table)
        wanted = (
            (ds.field("region") == one["region"])
            & (ds.field("accountId") == one["accountid"])
            & (ds.field("eventDay") == one["eventday"])
        )
        assert dataset.count_rows(filter=wanted) == one["rows"]


def test_spark(spark, sample_lake, last):
    table = "CLOUD_TRAIL_MGMT"
    base = sample_lake.folder / "aws" / table / "2.0"
    # As files below a folder: Spark finds the partitions itself.
    found = spark.read.option("basePath", str(base)).parquet(str(base))
    assert dict(found.dtypes)["time_dt"] == "timestamp"
    whole = (
        "count(*) AS rows",
        "max(time) AS last",
        "cast(max(time_dt) AS double) AS last_dt",
        "count(unmapped['recipientAccountId']) AS unmapped",
    )
    row = found.selectExpr(*whole).first()
    assert (row.rows, row.last, row.last_dt * 1000) == (EXPECTED["tables"][table], last[table], last[table])
    assert row.unmapped == row.rows
    # As a table of the catalogue, in its words, with its partitions added as Glue has them.
    entry = sample_lake.catalog(table)
    columns = [f"`{column['name']}` {column['type']}" for column in entry["columns"] + entry["partition_keys"]]
    spark.sql("CREATE DATABASE IF NOT EXISTS lake")
    spark.sql(
        f"""CREATE TABLE lake.events ({", ".join(columns)}) USING parquet
            PARTITIONED BY ({", ".join(PARTITION_KEYS)}) LOCATION '{base}'"""
    )
    assert spark.table("lake.events").count() == 0  # none are known yet
    for partition in entry["partitions"]:
        path = sample_lake.folder / partition
        _, values = lake_cli.partition_of(path / "x.parquet")
        spec = ", ".join(f"{key} = '{value}'" for key, value in zip(PARTITION_KEYS, values, strict=True))
        spark.sql(f"ALTER TABLE lake.events ADD PARTITION ({spec}) LOCATION '{path}'")
    row = spark.table("lake.events").selectExpr(*whole).first()
    assert (row.rows, row.last, row.last_dt * 1000) == (EXPECTED["tables"][table], last[table], last[table])
    rows = spark.sql(
        f"SELECT {', '.join(PARTITION_KEYS)}, count(*) AS rows FROM lake.events GROUP BY ALL ORDER BY ALL"
    ).collect()
    assert [{"table": table, **row.asDict()} for row in rows] == [
        entry for entry in EXPECTED["partitions"] if entry["table"] == table
    ]
    # Into lists of structs, and through a predicate that is pushed down to pages.
    seen = spark.sql(
        "SELECT count(*) AS rows FROM lake.events LATERAL VIEW explode(observables) AS seen WHERE seen.type_id = 2"
    ).first()
    assert seen.rows == sum(
        observable["type_id"] == 2 for row in sample_lake.rows(table) for observable in row["observables"] or ()
    )
    late = spark.sql(f"SELECT count(*) AS rows FROM lake.events WHERE time >= {last[table]}").first()
    assert late.rows == sum(row["time"] >= last[table] for row in sample_lake.rows(table))


# The files themselves.


@pytest.fixture(scope="module")
def large_lake(lake_binary, tmp_path_factory):
    """A lake with several row groups in a file, and pages that have to be cut."""
    folder, dice = tmp_path_factory.mktemp("large"), random.Random(5)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    start = datetime.datetime(2026, 3, 14, tzinfo=datetime.UTC)
    for part in range(4):
        records = []
        for number in range(part * 2000, part * 2000 + 2000):
            time = start + datetime.timedelta(seconds=dice.randrange(86_400))
            # Mostly small; some of 4 KB, which makes thousands of rows to a megabyte's page if nobody looks at bytes.
            text = "".join(dice.choices(letters, k=4000 if number % 2 else 20))
            records.append(
                lake_cli.record(
                    number,
                    eventTime=time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    requestParameters={"text": text},
                    userAgent=text[:700],
                )
            )
        lake_cli.put(folder / "raw", lake_cli.log_key(f"part{part}"), lake_cli.log(*records))
    lake = lake_cli.Lake(folder / "lake")
    assert lake.ingest(folder / "raw", "--buffer-bytes", 8 * MB).code == 0
    return lake


@pytest.fixture(scope="module", params=["samples", "large"])
def files(request):
    """Parquet files of a lake."""
    lake = request.getfixturevalue({"samples": "sample_lake", "large": "large_lake"}[request.param])
    return lake.files()


def test_the_codec_is_zstd_and_the_name_says_so(files):
    for path in files:
        assert path.name.endswith(".zstd.parquet")
        assert {chunk.compression for chunk in chunks(path)} == {"ZSTD"}


def test_gzip_by_option(lake_binary, tmp_path, last):
    lake = lake_cli.Lake(tmp_path / "lake")
    assert lake.ingest(SAMPLES / "AWSLogs", "--codec", "gzip").code == 0
    for path in lake.files():
        assert path.name.endswith(".gz.parquet")
        assert {chunk.compression for chunk in chunks(path)} == {"GZIP"}
    for table in TABLES:
        name = f"read_parquet('{lake.folder}/aws/{table}/2.0/*/*/*/*.gz.parquet')"
        found = duckdb.sql(f"SELECT count(*), max(time) FROM {name}").fetchall()
        assert found == [(EXPECTED["tables"][table], last[table])]


def test_the_form_of_the_schema(files):
    for path in files:
        metadata = pq.read_metadata(path)
        schema = metadata.schema
        paths = [schema.column(index).path for index in range(len(schema))]
        # Lists have three levels, and the middle ones are called as Parquet's own document calls them.
        inside = {part for path in paths for part in path.split(".")}
        assert {"list", "element", "key_value", "key", "value"} <= inside
        assert not inside & {"item", "array", "array_element", "bag", "entries", "map"}
        assert "metadata.profiles.list.element" in paths and "unmapped.key_value.key" in paths
        assert "resources.list.element.owner.account.uid" in paths
        # Readers go by Parquet's own types.
        assert b"ARROW:schema" not in (metadata.metadata or {})
        for name in ("time_dt", "actor.session.created_time_dt"):
            column = schema.column(paths.index(name))
            kind = json.loads(column.logical_type.to_json())
            assert (column.physical_type, kind["Type"], kind["isAdjustedToUTC"], kind["timeUnit"]) == (
                "INT64",
                "Timestamp",
                True,
                "milliseconds",
            )
            assert column.converted_type == "TIMESTAMP_MILLIS"
        assert schema.column(paths.index("time")).physical_type == "INT64"
        texts = [
            schema.column(index) for index in range(len(schema)) if schema.column(index).physical_type == "BYTE_ARRAY"
        ]
        assert {column.converted_type for column in texts} == {"UTF8"}
        assert "INT96" not in {schema.column(index).physical_type for index in range(len(schema))}


def test_statistics_and_page_index(files):
    for path in files:
        for chunk in chunks(path):
            assert chunk.has_offset_index, chunk.path_in_schema
            if chunk.path_in_schema in (
                "time",
                "time_dt",
                "class_uid",
                "api.operation",
                "api.service.name",
                "actor.user.uid",
                "src_endpoint.ip",
                "status",
            ):
                assert chunk.has_column_index and chunk.is_stats_set, chunk.path_in_schema
            if chunk.path_in_schema == "time":
                assert chunk.statistics.has_min_max and chunk.statistics.null_count == 0


def test_rows_are_in_order_of_time_within_each_row_group(files):
    for path in files:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            times = file.read_row_group(group, ["time"]).column(0).to_pylist()
            assert times == sorted(times)
            # The file says so too, and its statistics are those of its rows.
            (order,) = file.metadata.row_group(group).sorting_columns
            assert file.schema.column(order.column_index).path == "time" and not order.descending
            bounds = file.metadata.row_group(group).column(order.column_index).statistics
            assert (bounds.min, bounds.max) == (times[0], times[-1])


def test_row_groups_are_within_security_lake_s_limit(files):
    groups = 0
    for path in files:
        metadata = pq.read_metadata(path)
        for group in range(metadata.num_row_groups):
            compressed = sum(
                metadata.row_group(group).column(column).total_compressed_size
                for column in range(metadata.num_columns)
            )
            assert compressed < 256 * MB
            groups += 1
    assert groups >= len(files)


def test_a_file_of_several_row_groups(large_lake):
    (path,) = large_lake.files()
    assert pq.read_metadata(path).num_row_groups > 1
    assert pq.read_metadata(path).num_rows == 8000


def test_pages_are_within_security_lake_s_limit(files):
    for path in files:
        for column, kind, size, count in pages(path):
            assert kind in (DATA, DICTIONARY, DATA_2)
            # One value cannot be cut in two.
            assert size <= MB or count == 1, f"{path.name} {column}: a page of {size} bytes and {count} values"


def test_the_pages_are_those_of_the_file(large_lake, tmp_path):
    found = Counter(column for path in large_lake.files() for column, kind, _, _ in pages(path) if kind != DICTIONARY)
    assert found["api.request.data"] >= 16 and found["http_request.user_agent"] > 1, found
    # And of a file with pages of a size that is known.
    large = pa.table({"text": [f"{number:0100000}" for number in range(40)]})
    pq.write_table(large, tmp_path / "x.parquet", use_dictionary=False, data_page_size=4 * MB, write_batch_size=1)
    sizes = [size for _, kind, size, _ in pages(tmp_path / "x.parquet") if kind == DATA]
    assert sum(sizes) > 40 * 100_000 and max(sizes) > 3 * MB, sizes


# Athena's queries.

CASES = [
    pytest.param(table, *query, id=f"{table}: {query[0]}") for table, found in QUERIES.items() for query in found
]


def in_duckdb(sql):
    return sqlglot.transpile(sql, read="athena", write="duckdb")[0]


@pytest.mark.parametrize("table, name, sql, right", CASES)
def test_athena_query(duck, raw, table, name, sql, right):
    found = answers(duck, in_duckdb(sql.replace("TABLE", lake_cli.table_name(table), 1)))
    expected = right(raw[table])
    assert any(row["events"] for row in expected), "a query that finds nothing holds nothing"
    assert Counter(map(frozen, found)) == Counter(map(frozen, expected))


def frozen(row):
    return tuple(sorted(row.items()))


# The report.


@pytest.fixture(scope="module")
def report(sample_lake):
    result = lake_cli.run("report", "--lake", sample_lake.folder, "--json")
    assert result.code == 0, result.err
    return {answer["name"]: answer for answer in result.json["questions"]}


def test_the_report_is_right(report):
    questions = EXPECTED["questions"]
    events = Counter()
    for row in report["root_use"]["rows"]:
        events[row["event"]] += row["events"]
    assert events == {entry["event_name"]: entry["count"] for entry in questions["root_use"]}
    failed = {(entry["user_name"], entry["source_ip"]): entry["count"] for entry in questions["failed_sign_ins"]}
    # Root has no name; then its ARN serves.
    found = {(row["user_name"], row["source_ip"]): row["failures"] for row in report["failed_sign_ins"]["rows"]}
    assert {key: count for key, count in found.items() if not key[0].endswith(":root")} == {
        key: count for key, count in failed.items() if key[0]
    }
    assert sum(found.values()) == sum(failed.values())
    roles = {(row["caller"], row["role"]): row["times"] for row in report["assumed_roles"]["rows"]}
    assert roles == {(entry["caller"], entry["role_arn"]): entry["count"] for entry in questions["assumed_roles"]}
    denied = {row["caller"]: row["denied"] for row in report["denied_callers"]["rows"]}
    named = {
        entry["caller_arn"]: entry["count"]
        for entry in questions["denied_callers"]["CLOUD_TRAIL_MGMT"]
        if entry["caller_arn"]
    }
    assert named.items() <= denied.items()


def test_lake_tables_counts_what_duckdb_counts(duck, sample_lake):
    tables = lake_cli.run("tables", "--lake", sample_lake.folder, "--json").json["tables"]
    assert {table["source"]: table["rows"] for table in tables} == EXPECTED["tables"]
    for table in tables:
        name = f"{table['database']}.{table['table']}"
        assert name == lake_cli.table_name(table["source"])
        (found,) = answers(duck, f"SELECT count(*) AS rows, min(time_dt) AS first, max(time_dt) AS last FROM {name}")
        assert found["rows"] == table["rows"]
        assert [found[end].astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for end in ("first", "last")] == [
            table["first"],
            table["last"],
        ]
        files = sample_lake.files(table["source"])
        assert (table["files"], table["bytes"]) == (len(files), sum(path.stat().st_size for path in files))
        assert table["partitions"] == len({path.parent for path in files})
