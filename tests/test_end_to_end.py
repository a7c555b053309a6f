"""The function `cloudtrail` as it is deployed, against S3, SQS, SNS, EventBridge and Glue of moto server."""

import gzip
import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import aws_local
import pytest
from aws_local import ROOT, InvokeError, cloudtrail_file, s3_notification

if aws_local.missing_tools():
    pytest.skip(aws_local.missing_tools(), allow_module_level=True)

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = ROOT / "samples"
EVENTS = sorted((ROOT / "events").glob("cloudtrail-*.json"))
EXPECTED = json.loads((SAMPLES / "EXPECTED.json").read_text())
LAKE = "aws-security-data-lake-us-east-1-tests"
DATABASE = "amazon_security_lake_glue_db_us_east_1"
RAW_BUCKETS = ["raw-logs", "raw-sns", "raw-eventbridge", "raw-faults"]

# Messages of events/ that the queue is to deliver again; of the other files none.
FAILING = {"cloudtrail-batch-mixed.json": ["00000010-0000-4000-8000-000000000002"]}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """moto with the buckets of a deployment, and the function."""
    logs = tmp_path_factory.mktemp("logs")
    with aws_local.moto(logs / "moto.log") as client:
        s3 = client("s3")
        for bucket in [LAKE, *RAW_BUCKETS]:
            s3.create_bucket(Bucket=bucket)
        variables = {
            "AWS_ENDPOINT_URL": client.endpoint,
            "LAKE_BUCKET": LAKE,
            "RAW_BUCKETS": ",".join(RAW_BUCKETS),
        }
        with aws_local.function("cloudtrail", logs / "function.log", **variables) as function:
            yield SimpleNamespace(client=client, s3=s3, sqs=client("sqs"), function=function, variables=variables)


class Lake(aws_local.LakeBucket):
    """The lake bucket with rows of CloudTrail."""

    def event_ids(self):
        """Event ids of the new rows, with their number."""
        ids = Counter()
        for key in self.new():
            if key.endswith(".parquet"):
                rows = pq.ParquetFile(pa.BufferReader(self.body(key))).read(["metadata"])
                ids.update(metadata["uid"] for metadata in rows["metadata"].to_pylist())
        return ids


@pytest.fixture
def lake(aws):
    return Lake(aws.s3, LAKE)


def sample(index=0):
    """A sample: its key and its bytes."""
    key = EXPECTED["files"][index]["key"]
    return key, (SAMPLES / key).read_bytes()


def records(body):
    return json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)["Records"]


def lands(record):
    """Whether a record belongs to a table. Records from before event version 1.07 have no category."""
    category = record.get("eventCategory", "Management" if record.get("managementEvent", True) else "Data")
    data = category == "Data" and record["eventSource"] in ("s3.amazonaws.com", "lambda.amazonaws.com")
    return category == "Management" or data


def landing(body):
    """The event ids of a log file's records that belong to a table."""
    return Counter(record["eventID"] for record in records(body) if lands(record))


def queue(aws, name):
    return aws_local.queue(aws.sqs, name)


def poll(aws, url, folder):
    return aws_local.poll(aws.sqs, aws.function, url, folder)


@pytest.fixture(scope="module")
def ingested(aws, tmp_path_factory):
    """Every sample through the bucket's notifications into the lake, which is copied to a folder."""
    url, arn = queue(aws, "raw-logs")
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    aws.s3.put_bucket_notification_configuration(Bucket="raw-logs", NotificationConfiguration=configuration)
    objects = sorted((SAMPLES / "AWSLogs").rglob("*.json.gz"))
    assert len(objects) == sum(EXPECTED["objects"].values())
    lake = Lake(aws.s3, LAKE)
    reports = len(aws.function.reports())
    for path in objects:
        aws.s3.put_object(Bucket="raw-logs", Key=str(path.relative_to(SAMPLES)), Body=path.read_bytes())
    batches, failed = poll(aws, url, tmp_path_factory.mktemp("events"))
    folder = tmp_path_factory.mktemp("lake")
    lake.save(folder)
    return SimpleNamespace(
        batches=batches,
        failed=failed,
        left=aws_local.left_in(aws.sqs, url),
        keys=lake.new(),
        folder=folder,
        reports=aws.function.reports()[reports:],
    )


def expected_rows():
    """Rows by table and partition."""
    return {
        (row["table"], row["region"], row["accountid"], row["eventday"]): row["rows"] for row in EXPECTED["partitions"]
    }


def partition_of(key):
    """Table and partition that a lake key names."""
    _, source, version, region, account, day, _ = key.split("/")
    assert version == "2.0"
    names = [value.partition("=") for value in (region, account, day)]
    assert [name for name, _, _ in names] == ["region", "accountId", "eventDay"]
    return (source, *(value for _, _, value in names))


def test_every_message_of_the_queue_is_settled(ingested):
    assert ingested.failed == []
    assert ingested.left == 0
    # One message an object, and S3's test message.
    assert sum(map(len, ingested.batches)) == sum(EXPECTED["objects"].values()) + 1


def test_rows_read_back_by_pyarrow(ingested):
    rows, ids = Counter(), Counter()
    for key in ingested.keys:
        table = pq.ParquetFile(ingested.folder / key).read()
        rows[partition_of(key)] += table.num_rows
        ids.update(metadata["uid"] for metadata in table["metadata"].to_pylist())
        times = table["time"].to_pylist()
        assert times == sorted(times), key
    assert rows == expected_rows()
    raw = sum((landing((SAMPLES / file["key"]).read_bytes()) for file in EXPECTED["files"]), Counter())
    assert ids == raw


def test_rows_read_back_by_duckdb(ingested):
    counted = duckdb.sql(
        f"""
        SELECT split_part(filename, '/', -6) AS source, region, accountId, eventDay, count(*)
        FROM read_parquet('{ingested.folder}/aws/*/2.0/*/*/*/*.parquet',
                          hive_partitioning = true, hive_types_autocast = false, filename = true)
        WHERE strftime(time_dt AT TIME ZONE 'UTC', '%Y%m%d') = eventDay AND metadata.version = '1.1.0'
        GROUP BY ALL
        """
    ).fetchall()
    assert {tuple(row[:4]): row[4] for row in counted} == expected_rows()


def test_records_add_up(ingested):
    rows, skipped = Counter(), Counter()
    for report in ingested.reports:
        rows.update(rust_map(report["rows"]))
        skipped.update(rust_map(report["skipped"]))
        assert rust_map(report["quarantined"]) == {}
    assert rows == {f"{table}@2.0": count for table, count in EXPECTED["tables"].items()}
    assert skipped == EXPECTED["skipped"]
    assert sum(report["records"] for report in ingested.reports) == EXPECTED["records"]


def rust_map(text):
    """A map as Rust's debug format writes it, which is JSON for texts and numbers."""
    return json.loads(text)


def hive_type(kind):
    """The Hive notation of an Arrow type, by a way of its own."""
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{member.name}:{hive_type(member.type)}' for member in kind)}>"
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{hive_type(kind.key_type)},{hive_type(kind.item_type)}>"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return {"string": "string", "int32": "int", "int64": "bigint", "bool": "boolean"}[str(kind)]


def test_glue_holds_the_tables(aws, ingested):
    glue = aws.client("glue")
    tables = {table["Name"]: table for table in glue.get_tables(DatabaseName=DATABASE)["TableList"]}
    names = {source: f"amazon_security_lake_table_us_east_1_{source.lower()}_2_0" for source in EXPECTED["tables"]}
    assert set(tables) == set(names.values())
    for source, name in names.items():
        table, descriptor = tables[name], tables[name]["StorageDescriptor"]
        assert table["TableType"] == "EXTERNAL_TABLE"
        assert table["Parameters"]["classification"] == "parquet"
        assert descriptor["Location"] == f"s3://{LAKE}/aws/{source}/2.0/"
        assert descriptor["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
        keys = [(key["Name"], key["Type"]) for key in table["PartitionKeys"]]
        assert keys == [("region", "string"), ("accountid", "string"), ("eventday", "string")]
        # The columns are those of the files, in their order and with their types.
        key = next(key for key in ingested.keys if key.startswith(f"aws/{source}/"))
        schema = pq.ParquetFile(ingested.folder / key).schema_arrow
        columns = [(column["Name"], column["Type"]) for column in descriptor["Columns"]]
        assert columns == [(field.name, hive_type(field.type)) for field in schema]


def test_glue_holds_the_partitions(aws, ingested):
    glue = aws.client("glue")
    for source in EXPECTED["tables"]:
        name = f"amazon_security_lake_table_us_east_1_{source.lower()}_2_0"
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=name)
        partitions = [partition for page in pages for partition in page["Partitions"]]
        found = {tuple(partition["Values"]): partition["StorageDescriptor"] for partition in partitions}
        assert {(source, *values) for values in found} >= {
            partition for partition in expected_rows() if partition[0] == source
        }
        for (region, account, day), descriptor in found.items():
            prefix = f"aws/{source}/2.0/region={region}/accountId={account}/eventDay={day}/"
            assert descriptor["Location"] == f"s3://{LAKE}/{prefix}"
            assert descriptor["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
        for key in ingested.keys:
            assert partition_of(key)[0] != source or partition_of(key)[1:] in found


def test_the_same_batches_rewrite_the_same_objects(aws, ingested, lake, tmp_path):
    for batch in ingested.batches:
        assert aws.function.invoke(batch, tmp_path) == []
    # Same keys, same bytes.
    assert lake.objects() == lake.before


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_event_files(aws, lake, event):
    _, body = sample()
    keys = object_keys(event.read_text())
    for key in keys:
        aws.s3.put_object(Bucket="raw-logs", Key=key, Body=body)
    answer = aws.function.invoke_file(event)
    assert aws_local.failures(answer) == FAILING.get(event.name, [])
    # Rows land once for every object that the event names; the same object under another shape may have brought
    # them before, under the same name or another.
    assert set(lake.event_ids()) <= set(landing(body))
    written = aws.function.reports()[-1]
    assert written["objects_ingested"] == len(keys)
    assert sum(rust_map(written["rows"]).values()) == sum(landing(body).values()) * len(keys)


def object_keys(text):
    """The raw keys that an event names, wherever they stand in it."""
    return {
        word
        for word in text.replace("\\", "").replace('"', " ").replace(",", " ").split()
        if word.startswith("AWSLogs/")
    }


@pytest.mark.parametrize("raw_delivery", [False, True], ids=["wrapped", "raw"])
def test_sns_route(aws, lake, tmp_path, raw_delivery):
    sns = aws.client("sns")
    name = f"sns-{raw_delivery}"
    url, arn = queue(aws, name)
    topic = sns.create_topic(Name=name)["TopicArn"]
    attributes = {"RawMessageDelivery": str(raw_delivery).lower()}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
    aws.s3.put_bucket_notification_configuration(Bucket="raw-sns", NotificationConfiguration=configuration)
    _, body = sample()
    # A key with everything that form-encoding changes.
    key = f"logs of {name} + 1=ü/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/1.json.gz"
    aws.s3.put_object(Bucket="raw-sns", Key=key, Body=body)
    batches, failed = poll(aws, url, tmp_path)
    assert failed == []
    bodies = [json.loads(body) for batch in batches for _, body in batch]
    assert all(("Message" in body) != raw_delivery for body in bodies)
    assert lake.event_ids() == landing(body)


def test_eventbridge_route(aws, lake, tmp_path):
    events = aws.client("events")
    url, arn = queue(aws, "eventbridge")
    configuration = {"EventBridgeConfiguration": {}}
    aws.s3.put_bucket_notification_configuration(Bucket="raw-eventbridge", NotificationConfiguration=configuration)
    of_bucket = {"bucket": {"name": ["raw-eventbridge"]}}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": of_bucket}
    events.put_rule(Name="raw", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="raw", Targets=[{"Id": "queue", "Arn": arn}])
    _, body = sample()
    # EventBridge writes keys as they are, so nothing of this may be decoded.
    key = "logs+of%20x/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/1.json.gz"
    aws.s3.put_object(Bucket="raw-eventbridge", Key=key, Body=body)
    batches, failed = poll(aws, url, tmp_path)
    assert (len(batches), failed) == (1, [])
    assert lake.event_ids() == landing(body)


def test_what_fails_fails_alone(aws, lake, tmp_path):
    (first, one), (_, two) = sample(0), sample(1)
    folder = str(Path(first).parent)
    torn = one[: len(one) // 2]
    for name, body in {"one": one, "torn": torn, "two": two, "noise": os.urandom(2000)}.items():
        aws.s3.put_object(Bucket="raw-faults", Key=f"{folder}/{name}.json.gz", Body=body)

    def notify(*names):
        return s3_notification(*(("raw-faults", f"{folder}/{name}.json.gz") for name in names))

    batch = [
        ("good", notify("one")),
        ("garbage", "this is no notification {"),
        ("missing", notify("missing")),
        ("torn", notify("torn")),
        ("noise", notify("noise")),
        ("unknown-shape", json.dumps({"hello": "world"})),
        ("other-bucket", s3_notification(("somewhere-else", first))),
        ("lake", s3_notification((LAKE, "aws/S3_DATA/2.0/region=r/accountId=1/eventDay=20260314/x.zstd.parquet"))),
        # Both objects of a message must land, or the message comes back.
        ("half", notify("two", "torn")),
        ("again", notify("two")),
        ("deleted", notify("one").replace("ObjectCreated:Put", "ObjectRemoved:Delete")),
    ]
    failed = aws.function.invoke(batch, tmp_path)
    expected = ["garbage", "missing", "torn", "noise", "unknown-shape", "other-bucket", "lake", "half"]
    assert failed == expected, aws.function.log_tail()
    # The neighbours land whole, once, and the broken ones leave nothing behind.
    assert lake.event_ids() == landing(one) + landing(two)


def test_what_cannot_be_normalised_is_quarantined(aws, lake, tmp_path):
    key, body = sample(0)
    good = records(body)[:2]
    timeless = {name: value for name, value in good[0].items() if name != "eventTime"} | {"eventID": "no-time"}
    key = f"{Path(key).parent}/timeless.json.gz"
    aws.s3.put_object(Bucket="raw-faults", Key=key, Body=cloudtrail_file(good[0], timeless, good[1]))
    assert aws.function.invoke([("m", s3_notification(("raw-faults", key)))], tmp_path) == []
    assert lake.event_ids() == Counter(record["eventID"] for record in good)
    (quarantined,) = [key for key in lake.new() if key.startswith("quarantine/cloudtrail/")]
    head = aws.s3.head_object(Bucket=LAKE, Key=quarantined)
    assert (head["ContentType"], head["ContentEncoding"]) == ("application/x-ndjson", "gzip")
    (entry,) = [json.loads(line) for line in gzip.decompress(lake.body(quarantined)).splitlines()]
    assert (entry["bucket"], entry["key"], entry["record"]) == ("raw-faults", key, 1)
    assert entry["function"] == "cloudtrail" and entry["reason"] and entry["detail"]
    assert json.loads(entry["raw"]) == timeless


def test_an_event_that_is_no_batch_is_an_error(aws, tmp_path):
    event = tmp_path / "event.json"
    event.write_text('{"Records": [{"s3": {}}]}')
    with pytest.raises(InvokeError, match="expected an SQS event"):
        aws.function.invoke_file(event)
    # The function goes on.
    assert aws.function.invoke([], tmp_path) == []


def test_no_payload_and_no_secret_is_logged(aws, ingested):
    log = aws.function.log.read_text()
    assert "requestParameters" not in log and "AKIA" not in log and "testing" not in log


def test_codec_key_and_sources_are_configured(aws, lake, tmp_path):
    variables = aws.variables | {"CODEC": "gzip", "KMS_KEY_ID": "alias/lake", "SOURCES": "S3_DATA@2.0"}
    _, body = sample(0)
    key = f"{Path(sample(0)[0]).parent}/configured.json.gz"
    aws.s3.put_object(Bucket="raw-faults", Key=key, Body=body)
    with aws_local.function("cloudtrail", tmp_path / "function.log", **variables) as function:
        assert function.invoke([("m", s3_notification(("raw-faults", key)))], tmp_path) == []
    new = lake.new()
    assert new and all(key.startswith("aws/S3_DATA/") and key.endswith(".gz.parquet") for key in new)
    for key in new:
        head = aws.s3.head_object(Bucket=LAKE, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/lake")
        assert head["ContentType"] == "application/vnd.apache.parquet"
        file = pq.ParquetFile(pa.BufferReader(lake.body(key)))
        assert file.metadata.row_group(0).column(0).compression == "GZIP"


def test_every_problem_of_the_configuration_is_named():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    subprocess.run(["cargo", "build", "-p", "cloudtrail"], cwd=ROOT, check=True, timeout=aws_local.BUILD_SECONDS)
    wrong = {"LAKE_BUCKET": "my-lake", "CODEC": "snappy", "BUFFER_BYTES": "1", "SOURCES": "VPC_FLOW@2.0"}
    program = ROOT / target / "debug/cloudtrail"
    done = subprocess.run([program], env=aws_local.environment(**wrong), capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    for name, value in wrong.items():
        assert f"{name} is `{value}`, expected" in done.stderr, done.stderr


def test_aws_that_does_not_answer_fails_the_messages(tmp_path):
    """Nothing is acknowledged while the lake cannot be written."""
    port = aws_local.free_port()  # no one listens
    variables = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "LAKE_BUCKET": LAKE}
    with aws_local.function("cloudtrail", tmp_path / "function.log", **variables) as function:
        key, _ = sample(0)
        batch = [("m", s3_notification(("raw-logs", key))), ("test", '{"Event": "s3:TestEvent"}')]
        failed = function.invoke(batch, tmp_path)
    assert failed == ["m"]
