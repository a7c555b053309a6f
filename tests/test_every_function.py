"""Every function but `cloudtrail` as it is deployed: samples in through the bucket's notifications, rows, partitions
and counts out. What all functions share (shapes, faults, configuration) is tested with `cloudtrail`, in
test_end_to_end.py."""

import gzip
import json
from collections import Counter
from types import SimpleNamespace

import aws_local
import pytest
from aws_local import ROOT, s3_notification

if aws_local.missing_tools():
    pytest.skip(aws_local.missing_tools(), allow_module_level=True)

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = ROOT / "samples" / "central"
EXPECTED = json.loads((ROOT / "samples" / "EXPECTED.json").read_text())["central"]
LAKE = "aws-security-data-lake-us-east-1-tests"
DATABASE = "amazon_security_lake_glue_db_us_east_1"
VERSIONS = {"1.0": "1.0.0-rc.2", "2.0": "1.1.0"}

# Both versions at once in one run, then versions 2.0 alone.
RUNS = [
    ("vpc-flow", "VPC_FLOW@1.0,VPC_FLOW@2.0"),
    ("route53", "ROUTE53@1.0,ROUTE53@2.0"),
    ("security-hub", "SH_FINDINGS@1.0,SH_FINDINGS@2.0"),
    ("eks-audit", None),
    ("waf", None),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """moto with the buckets of a deployment."""
    logs = tmp_path_factory.mktemp("logs")
    with aws_local.moto(logs / "moto.log") as client:
        for bucket in (LAKE, "raw-logs"):
            client("s3").create_bucket(Bucket=bucket)
        yield SimpleNamespace(client=client, s3=client("s3"), sqs=client("sqs"), logs=logs)


@pytest.fixture(scope="module", params=RUNS, ids=[run[0] for run in RUNS])
def source(request, cloud, tmp_path_factory):
    """A function that runs, after all samples of its source went through it."""
    name, sources = request.param
    variables = {"AWS_ENDPOINT_URL": cloud.client.endpoint, "LAKE_BUCKET": LAKE, "RAW_BUCKETS": "raw-logs"}
    variables |= {"SOURCES": sources} if sources else {}
    url, arn = aws_local.queue(cloud.sqs, name)
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    cloud.s3.put_bucket_notification_configuration(Bucket="raw-logs", NotificationConfiguration=configuration)
    lake = aws_local.LakeBucket(cloud.s3, LAKE)
    with aws_local.function(name, cloud.logs / f"{name}.log", **variables) as function:
        for file in EXPECTED[name]["files"]:
            cloud.s3.put_object(Bucket="raw-logs", Key=file["key"], Body=(SAMPLES / file["key"]).read_bytes())
        batches, failed = aws_local.poll(cloud.sqs, function, url, tmp_path_factory.mktemp("events"))
        folder = tmp_path_factory.mktemp("lake")
        lake.save(folder)
        cloud.s3.put_bucket_notification_configuration(Bucket="raw-logs", NotificationConfiguration={})
        yield SimpleNamespace(
            name=name,
            versions=("1.0", "2.0") if sources else ("2.0",),
            expected=EXPECTED[name],
            function=function,
            url=url,
            batches=batches,
            failed=failed,
            keys=lake.new(),
            folder=folder,
            reports=function.reports(),
        )


def partition_of(key):
    """Version and partition that a lake key names."""
    _, table, version, region, account, day, _ = key.split("/")
    return version, (table, *(value.partition("=")[2] for value in (region, account, day)))


def partitions(expected):
    return {
        (row["table"], row["region"], row["accountid"], row["eventday"]): row["rows"] for row in expected["partitions"]
    }


def test_every_message_is_settled(cloud, source):
    assert source.failed == [], source.function.log_tail()
    assert aws_local.left_in(cloud.sqs, source.url) == 0
    # One message an object, and S3's test message.
    assert sum(map(len, source.batches)) == len(source.expected["files"]) + 1


def test_rows_read_back_by_pyarrow(source):
    rows = {version: Counter() for version in source.versions}
    for key in source.keys:
        version, partition = partition_of(key)
        table = pq.ParquetFile(source.folder / key).read()
        rows[version][partition] += table.num_rows
        times = table["time"].to_pylist()
        assert times == sorted(times), key
        assert {one["version"] for one in table["metadata"].to_pylist()} == {VERSIONS[version]}
    assert rows == {version: partitions(source.expected) for version in source.versions}


def test_rows_read_back_by_duckdb(source):
    for version in source.versions:
        found = duckdb.sql(
            f"""
            SELECT split_part(filename, '/', -6) AS source, region, accountId, eventDay, count(*)
            FROM read_parquet('{source.folder}/aws/*/{version}/*/*/*/*.parquet',
                              hive_partitioning = true, hive_types_autocast = false, filename = true)
            WHERE strftime(epoch_ms(time), '%Y%m%d') = eventDay GROUP BY ALL
            """
        ).fetchall()
        assert {tuple(row[:4]): row[4] for row in found} == partitions(source.expected)


def test_records_add_up(source):
    rows, skipped = Counter(), Counter()
    for report in source.reports:
        rows.update(json.loads(report["rows"]))
        skipped.update(json.loads(report["skipped"]))
        assert json.loads(report["quarantined"]) == {}
    tables = source.expected["tables"]
    assert rows == {f"{table}@{version}": tables[table] for table in tables for version in source.versions}
    assert skipped == source.expected["skipped"]
    assert sum(report["records"] for report in source.reports) == source.expected["records"]


def test_glue_holds_tables_and_partitions(cloud, source):
    glue = cloud.client("glue")
    for table in source.expected["tables"]:
        for version in source.versions:
            name = f"amazon_security_lake_table_us_east_1_{table.lower()}_{version.replace('.', '_')}"
            found = glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]
            assert found["StorageDescriptor"]["Location"] == f"s3://{LAKE}/aws/{table}/{version}/"
            # The columns are those of the files, in their order.
            key = next(key for key in source.keys if key.startswith(f"aws/{table}/{version}/"))
            columns = [column["Name"] for column in found["StorageDescriptor"]["Columns"]]
            assert columns == pq.ParquetFile(source.folder / key).schema_arrow.names
            pages = glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=name)
            values = {tuple(one["Values"]) for page in pages for one in page["Partitions"]}
            assert values >= {partition[1:] for partition in partitions(source.expected) if partition[0] == table}


def test_the_same_batches_rewrite_the_same_objects(cloud, source, tmp_path):
    lake = aws_local.LakeBucket(cloud.s3, LAKE)
    for batch in source.batches:
        assert source.function.invoke(batch, tmp_path) == []
    assert lake.objects() == lake.before


def test_event_files(cloud, source):
    """Each shape in events/ names a sample, and all of its records are read."""
    events = sorted((ROOT / "events").glob(f"{source.name}-*.json"))
    shapes = {path.stem.removeprefix(f"{source.name}-") for path in events}
    assert shapes == {"s3", "sns", "eventbridge"}
    for event in events:
        assert aws_local.failures(source.function.invoke_file(event)) == [], event.name
        report = source.function.reports()[-1]
        assert report["objects_ingested"] == 1, event.name
        assert report["records"] in {file["records"] for file in source.expected["files"]}, event.name


def good_and_bad(name):
    """A raw object whose first record lands and whose second cannot become a row: key, text, number of the latter."""
    file = source_file(name)
    key = f"{file['key'].rpartition('/')[0]}/odd-{file['key'].rpartition('/')[2]}"
    text = gzip.decompress((SAMPLES / file["key"]).read_bytes()).decode()
    if name == "vpc-flow":
        header, record = text.splitlines()[:2]
        values = dict(zip(header.split(), record.split(), strict=True)) | {"start": "yesterday", "end": "today"}
        return key, f"{header}\n{record}\n{' '.join(values.values())}\n"
    if name == "route53":
        record = json.loads(text.splitlines()[0])
        return key, json.dumps(record) + "\n" + json.dumps(record | {"query_timestamp": "yesterday"}) + "\n"
    if name == "waf":
        record = json.loads(text.splitlines()[0])
        return key, json.dumps(record) + "\n" + json.dumps(record | {"timestamp": "yesterday"}) + "\n"
    if name == "security-hub":
        event, _ = json.JSONDecoder().raw_decode(text)
        (finding,) = event["detail"]["findings"]
        times = ("CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt")
        timeless = {member: value for member, value in finding.items() if member not in times}
        return key, json.dumps(event) + json.dumps(event | {"detail": {"findings": [timeless]}})
    envelope, _ = json.JSONDecoder().raw_decode(text)
    whole = envelope["logEvents"][0]
    torn = whole | {"message": whole["message"][: len(whole["message"]) // 2]}
    return key, json.dumps(envelope | {"logEvents": [whole, torn]})


def source_file(name):
    """The first sample whose records are all rows."""
    return next(file for file in EXPECTED[name]["files"] if file["records"] > 1)


def test_what_cannot_be_normalised_is_quarantined(cloud, source, tmp_path):
    key, text = good_and_bad(source.name)
    cloud.s3.put_object(Bucket="raw-logs", Key=key, Body=gzip.compress(text.encode(), mtime=0))
    lake = aws_local.LakeBucket(cloud.s3, LAKE)
    assert source.function.invoke([("m", s3_notification(("raw-logs", key)))], tmp_path) == []
    report = source.function.reports()[-1]
    assert sum(json.loads(report["rows"]).values()) == len(source.versions), report
    (reason,) = json.loads(report["quarantined"])
    (quarantined,) = [key for key in lake.new() if key.startswith(f"quarantine/{source.name}/")]
    (entry,) = [json.loads(line) for line in gzip.decompress(lake.body(quarantined)).splitlines()]
    assert (entry["bucket"], entry["key"], entry["function"]) == ("raw-logs", key, source.name)
    assert entry["reason"] == reason and entry["detail"]
    assert entry["raw"] in text
    # What could be read is there.
    written = [pq.ParquetFile(pa.BufferReader(lake.body(key))) for key in lake.new() if key.endswith(".parquet")]
    assert sum(file.metadata.num_rows for file in written) == len(source.versions)


def test_what_is_no_log_of_the_source_is_skipped_unread(cloud, source, tmp_path):
    """Objects of other sources in the same bucket are not even fetched: they do not exist here."""
    others = [name for name in EXPECTED if name != source.name]
    keys = [EXPECTED[name]["files"][0]["key"] for name in others]
    keys = [key for key in keys if key.startswith("AWSLogs/")]
    keys.append(
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/111122223333_CloudTrail_us-east-1_20260314T0905Z_a.json.gz"
    )
    messages = [(str(n), s3_notification(("raw-logs", f"not-there/{key}"))) for n, key in enumerate(keys)]
    failed = source.function.invoke(messages, tmp_path)
    skipped = json.loads(source.function.reports()[-1]["objects_skipped"])
    assert (failed, sum(skipped.values())) == ([], len(keys)), skipped


def test_no_payload_is_logged(source):
    log = source.function.log.read_text()
    for text in ("203.0.113.77", "drop.example.net", "AKIA", "shop.example.com"):
        assert text not in log
