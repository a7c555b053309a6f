"""A deployment's buckets and table on moto server, what is put into them, and what a reader finds: for the tests of the
ledger."""

import gzip
import io
import json
from collections import Counter
from urllib.parse import quote

import pyarrow.parquet as pq
from aws_local import cloudtrail_file

LAKE = "aws-security-data-lake-us-east-1-tests"
RAW = "raw-logs"
TABLE = "ledger"
DATABASE = "amazon_security_lake_glue_db_us_east_1"
ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("us-east-1", "eu-west-1")


def create(client):
    """The resources of a deployment, as far as the function meets them."""
    for bucket in (LAKE, RAW):
        client("s3").create_bucket(Bucket=bucket)
    client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )


def record(uid, account=ACCOUNTS[0], region=REGIONS[0], day=14, **members):
    """A CloudTrail record of one partition."""
    return {
        "eventVersion": "1.08",
        "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
        "eventTime": f"2026-03-{day:02}T09:05:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": region,
        "sourceIPAddress": "192.0.2.7",
        "eventID": uid,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    } | members


def key_of(name):
    day = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14"
    return f"{day}/111122223333_CloudTrail_us-east-1_20260314T0905Z_{name}.json.gz"


def notice(*names):
    """CloudTrail's own notice, which tells no entity tag."""
    return json.dumps({"s3Bucket": RAW, "s3ObjectKey": [key_of(name) for name in names]})


class Bucket:
    """The raw bucket."""

    def __init__(self, s3):
        self.s3 = s3

    def put(self, name, body):
        """Puts an object. Answers S3's notification of it."""
        etag = self.s3.put_object(Bucket=RAW, Key=key_of(name), Body=body)["ETag"].strip('"')
        entry = {"bucket": {"name": RAW}, "object": {"key": quote(key_of(name)), "size": len(body), "eTag": etag}}
        created = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": entry}
        return json.dumps({"Records": [created]})

    def put_records(self, name, *uids, **members):
        return self.put(name, cloudtrail_file(*(record(uid, **members) for uid in uids)))


def in_the_lake(client):
    """The ids of all records that a reader finds, and of those in quarantine, with their numbers. Only objects in
    registered partitions count: no query looks elsewhere."""
    s3, glue, found = client("s3"), client("glue"), Counter()
    locations = []

    def body(key):
        return s3.get_object(Bucket=LAKE, Key=key)["Body"].read()

    for table in tables(glue):
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=table)
        locations += [one["StorageDescriptor"]["Location"] for page in pages for one in page["Partitions"]]
    assert len(locations) == len(set(locations)), "a partition is registered twice"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE)
    for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
        if key.startswith("quarantine/"):
            lines = gzip.decompress(body(key)).splitlines()
            found.update(json.loads(json.loads(line)["raw"])["eventID"] for line in lines)
        elif any(f"s3://{LAKE}/{key}".startswith(location) for location in locations):
            rows = pq.ParquetFile(io.BytesIO(body(key))).read(["metadata"])["metadata"].to_pylist()
            found.update(metadata["uid"] for metadata in rows)
    return found


def latest_in_the_lake(client):
    """The time of the latest event by table, account and region, from the Parquet objects."""
    s3, latest = client("s3"), {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE, Prefix="aws/")
    for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
        _, source, version, region, account, _, _ = key.split("/")
        origin = (f"{source}@{version}", account.removeprefix("accountId="), region.removeprefix("region="))
        body = s3.get_object(Bucket=LAKE, Key=key)["Body"].read()
        times = pq.ParquetFile(io.BytesIO(body)).read(["time"])["time"].to_pylist()
        latest[origin] = max(latest.get(origin, 0), *times)
    return latest


def seen(client):
    """What the function has noted of each table, account and region: read by keys alone, as `lake status` does."""
    dynamodb = client("dynamodb")

    def item(key):
        return dynamodb.get_item(TableName=TABLE, Key={"id": {"S": key}}, ConsistentRead=True).get("Item", {})

    found = {}
    for account in item("seen").get("accounts", {"SS": []})["SS"]:
        for name, value in item(f"seen#{account}").items():
            if name != "id":
                table, region = name.split(" ")
                found[table, account, region] = {part: int(number["N"]) for part, number in value["M"].items()}
    return found


def tables(glue):
    try:
        return [table["Name"] for table in glue.get_tables(DatabaseName=DATABASE)["TableList"]]
    except glue.exceptions.EntityNotFoundException:
        return []


# What a queue does, under `cargo lambda watch`.
