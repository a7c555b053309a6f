"""Each record once: the function `cloudtrail` with its ledger, against S3, SQS, Glue and DynamoDB of moto server.

First under `cargo lambda watch`, with what a queue does: messages again, in other batches, in other shapes. Then in a
storm: processes are killed at every call that they make, and the queue delivers again until it is empty. What readers
find then is counted without any code of the project. More of it: `make soak`.
"""

import contextlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import aws_local
import boto3
import pytest
from aws_local import ROOT, cloudtrail_file
from botocore.exceptions import ClientError
from lambda_runtime import Died, Instance

if aws_local.missing_tools():
    pytest.skip(aws_local.missing_tools(), allow_module_level=True)

from ledger_world import (
    ACCOUNTS,
    LAKE,
    RAW,
    REGIONS,
    TABLE,
    Bucket,
    create,
    in_the_lake,
    key_of,
    latest_in_the_lake,
    notice,
    record,
    seen,
)

# Rounds of the storm, and the first round's seed. A round that failed is run again by its number.
ROUNDS = int(os.environ.get("LEDGER_ROUNDS", "15"))
FIRST = int(os.environ.get("LEDGER_SEED", "1"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    with aws_local.moto(logs / "moto.log") as client:
        create(client)
        variables = {
            "AWS_ENDPOINT_URL": client.endpoint,
            "LAKE_BUCKET": LAKE,
            "RAW_BUCKETS": RAW,
            "LEDGER_TABLE": TABLE,
        }
        with aws_local.function("cloudtrail", logs / "function.log", **variables) as function:
            yield SimpleNamespace(client=client, raw=Bucket(client("s3")), function=function, variables=variables)


@pytest.fixture
def batch(cloud, tmp_path):
    """Invokes with bodies; answers the places of those that failed, and what the function has logged."""

    def invoke(*bodies):
        messages = [(str(place), body) for place, body in enumerate(bodies)]
        failed = [int(place) for place in cloud.function.invoke(messages, tmp_path)]
        return failed, cloud.function.reports()[-1]

    return invoke


@pytest.fixture
def landed(cloud):
    """The ids that came into the lake since the test began, with their numbers."""
    before = in_the_lake(cloud.client)
    return lambda: in_the_lake(cloud.client) - before


def figures(report):
    return report["objects_ingested"], report["objects_known"]


def test_regrouped_batches_bring_each_record_once(cloud, batch, landed):
    a, b, c = (cloud.raw.put_records(f"regroup-{name}", f"{name}1", f"{name}2") for name in "abc")
    once = Counter(["a1", "a2", "b1", "b2", "c1", "c2"])
    for bodies, expected in (((a, b), (2, 0)), ((b, c), (1, 1)), ((a, c, b), (0, 3))):
        failed, report = batch(*bodies)
        assert (failed, figures(report)) == ([], expected)
    assert landed() == once


def test_a_notice_without_an_entity_tag_names_the_same_object(cloud, batch, landed):
    first = cloud.raw.put_records("shapes", "s1")
    both = batch(notice("shapes"), first)
    again = batch(first), batch(notice("shapes"))
    assert (both[0], figures(both[1])) == ([], (1, 0))
    assert [(failed, figures(report)) for failed, report in again] == [([], (0, 1)), ([], (0, 1))]
    assert landed() == Counter(["s1"])


def test_an_overwritten_key_is_another_object(cloud, batch, landed):
    first = cloud.raw.put_records("twice", "t1")
    assert batch(first)[0] == []
    second = cloud.raw.put_records("twice", "t2")
    # The first announcement comes once more, beside the second.
    failed, report = batch(first, second)
    assert (failed, figures(report)) == ([], (1, 1))
    assert landed() == Counter(["t1", "t2"])


def test_what_was_overwritten_before_it_was_read_fails_alone(cloud, batch, landed):
    first = cloud.raw.put_records("lost", "l1")
    second = cloud.raw.put_records("lost", "l2")
    failed, report = batch(first, second)
    assert (failed, figures(report)) == ([0], (1, 0))
    assert landed() == Counter(["l2"])
    assert "it was overwritten after it was announced" in cloud.function.log_tail()


def test_an_unreadable_object_leaves_its_neighbours(cloud, batch, landed):
    good = cloud.raw.put_records("mend-good", "g1")
    whole = cloudtrail_file(record("m1"), record("m2"))
    torn = cloud.raw.put("mend-torn", whole[: len(whole) // 2])
    for expected in ((1, 0), (0, 1)):
        failed, report = batch(torn, good, notice("mend-torn"))
        assert (failed, figures(report)) == ([0, 2], expected)
    assert landed() == Counter(["g1"])
    mended = cloud.raw.put("mend-torn", whole)
    failed, report = batch(notice("mend-torn"), good, mended, mended)
    assert (failed, figures(report)) == ([], (1, 1))
    assert batch(good, mended, notice("mend-torn"))[0] == []
    assert landed() == Counter(["g1", "m1", "m2"])


def millis(day):
    return int(datetime(2026, 3, day, 9, 5, tzinfo=UTC).timestamp() * 1000)


def test_what_was_last_seen_is_noted_and_never_moves_back(cloud, batch, tmp_path):
    account, region = "999988887777", "ap-southeast-2"
    origin = ("CLOUD_TRAIL_MGMT@2.0", account, region)

    def put(name, day, *uids):
        return cloud.raw.put_records(name, *uids, account=account, region=region, day=day)

    before = int(time.time() * 1000)
    assert batch(put("seen-1", 14, "v1", "v2"))[0] == []
    first = seen(cloud.client)[origin]
    assert (first["latest"], first["rows"]) == (millis(14), 2)
    assert before <= first["arrived"] == first["ingested"] <= time.time() * 1000
    # Old logs come late: to this instance, and to one that knows nothing yet.
    assert batch(put("seen-2", 10, "v3"))[0] == []
    with aws_local.function("cloudtrail", tmp_path / "function.log", **cloud.variables) as other:
        assert other.invoke([("m", put("seen-3", 9, "v4", "v5", "v6"))], tmp_path) == []
        old = seen(cloud.client)[origin]
        assert (old["latest"], old["arrived"], old["rows"]) == (millis(14), first["arrived"], 3)
        assert old["ingested"] > first["ingested"]
        assert other.invoke([("m", put("seen-4", 16, "v7"))], tmp_path) == []
    # What this instance remembers is older than what the other has written.
    assert batch(put("seen-5", 15, "v8"))[0] == []
    last = seen(cloud.client)[origin]
    assert (last["latest"], last["rows"]) == (millis(16), 1)


def test_without_its_table_every_message_fails_and_says_why(cloud, landed, tmp_path):
    bodies = [cloud.raw.put_records("no-table", "n1"), notice("no-table")]
    variables = cloud.variables | {"LEDGER_TABLE": "not-there"}
    with aws_local.function("cloudtrail", tmp_path / "function.log", **variables) as function:
        failed = function.invoke([*enumerate_text(bodies), ("test", '{"Event": "s3:TestEvent"}')], tmp_path)
        log = function.log.read_text()
    assert failed == ["0", "1"]
    assert "the ledger could not look up objects: ResourceNotFoundException (status 400)" in log
    assert landed() == Counter()
    # With the table they land.
    assert cloud.function.invoke(enumerate_text(bodies), tmp_path) == []
    assert landed() == Counter(["n1"])


def enumerate_text(bodies):
    return [(str(place), body) for place, body in enumerate(bodies)]


# The storm.

WORKERS = 2

# An invocation makes about so many calls. It dies before or after one of them, or not at all.
CALLS = 30


class Queue:
    """SQS. No time passes here: a message that is hidden is shown when its invocation is over."""

    def __init__(self, sqs):
        self.sqs = sqs
        self.url = aws_local.queue(sqs, "raw")[0]

    def send(self, body):
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def receive(self, number):
        received = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=number, VisibilityTimeout=600)
        return received.get("Messages", [])

    def show(self, message):
        # It may have been delivered twice, and deleted by the other.
        with contextlib.suppress(ClientError):
            self.sqs.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    def delete(self, message):
        with contextlib.suppress(ClientError):
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def left(self):
        return aws_local.left_in(self.sqs, self.url)


class Storm:
    """A round: objects, their announcements, and workers that die until it grows calm."""

    def __init__(self, sky, seed):
        self.sky, self.seed, self.random = sky, seed, random.Random(seed)
        sky.post("/moto-api/reset")
        create(sky.client)
        self.raw, self.queue = Bucket(sky.client("s3")), Queue(sky.client("sqs"))
        self.dynamodb = sky.client("dynamodb")
        self.expected, self.dead, self.counts = Counter(), set(), Counter()
        self.storm_ends_after = self.random.randint(6, 14)
        self.broken, self.torn, self.lock, self.trouble = {}, set(), threading.Lock(), []

    def records(self, name):
        """A log file with records of several partitions, some of which cannot become rows."""
        records = []
        for number in range(self.random.randint(1, 12)):
            uid = f"{name}-{number}"
            one = record(
                uid, self.random.choice(ACCOUNTS), self.random.choice(REGIONS), self.random.choice((14, 15))
            )
            if self.random.random() < 0.1:
                del one["eventTime"]
            records.append(one)
            self.expected[uid] += 1
        return cloudtrail_file(*records)

    def deliver(self):
        """Puts objects and announces them: in several shapes, some twice, in any order."""
        bodies = []
        for number in range(self.random.randint(4, 9)):
            name = f"{self.seed}-{number}"
            body = self.records(name)
            if self.random.random() < 0.15:
                # Announced without an entity tag, so the announcement holds for what it is overwritten with.
                self.broken[name] = body
                self.torn.add(name)
                self.raw.put(name, body[: len(body) // 2])
                bodies.append(notice(name))
                continue
            created = self.raw.put(name, body)
            for _ in range(1 + (self.random.random() < 0.25)):
                bodies.append(self.random.choice((created, created, notice(name))))
        first = self.raw.put("twice", self.records(f"{self.seed}-first"))
        instance = self.sky.instance()
        assert aws_local.failures(instance.invoke(aws_local.sqs_event([("m", first)]))) == []
        instance.stop()
        bodies += [first, self.raw.put("twice", self.records(f"{self.seed}-second"))]
        self.random.shuffle(bodies)
        for body in bodies:
            self.queue.send(body)
        self.counts["messages"] += len(bodies)

    def mend(self):
        for name, body in self.broken.items():
            self.queue.send(self.raw.put(name, body))
        self.broken = {}

    def age(self, chance):
        """Leases of the dead run out. In truth they do so before the queue delivers again, which is not waited for
        here. Now and then one of the living has too short a lease, which must cost work only."""
        groups = self.dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
        for group in groups:
            if "lease" not in group or group["state"]["S"] == "done":
                continue
            if group["owner"]["S"] in self.dead or self.random.random() < chance:
                with contextlib.suppress(ClientError):
                    self.dynamodb.update_item(
                        TableName=TABLE,
                        Key={"id": group["id"]},
                        UpdateExpression="SET lease = :over",
                        ConditionExpression="#owner = :owner",
                        ExpressionAttributeNames={"#owner": "owner"},
                        ExpressionAttributeValues={":over": {"N": "0"}, ":owner": group["owner"]},
                    )

    def work(self, number):
        """A worker: receives, invokes, and tells the queue, until there is nothing left."""
        chance, instance = random.Random(f"{self.seed} {number}"), self.sky.instance()
        deadline = time.monotonic() + 120
        try:
            while self.queue.left() or self.broken:
                assert time.monotonic() < deadline, f"round {self.seed} does not come to rest"
                with self.lock:
                    stormy = self.counts["invocations"] < self.storm_ends_after
                    if not stormy:
                        self.mend()
                    self.age(0.1 if stormy else 0)
                messages = self.queue.receive(chance.randint(1, 8))
                if not messages:
                    time.sleep(0.02)
                    continue
                if stormy and chance.random() < 0.2:
                    self.queue.show(chance.choice(messages))  # and so it is delivered twice at the same time
                if stormy and chance.random() < 0.7:
                    self.sky.arm(instance, chance.randrange(CALLS), chance.random() < 0.5)
                if not self.invoke(instance, messages):
                    instance.stop()
                    instance = self.sky.instance()
        except BaseException as error:
            self.trouble.append(error)
            raise
        finally:
            instance.stop()

    def invoke(self, instance, messages):
        """Answers whether the instance has lived through it."""
        request = str(uuid.uuid4())
        batch = [(message["MessageId"], message["Body"]) for message in messages]
        failed = None
        try:
            failed = aws_local.failures(instance.invoke(aws_local.sqs_event(batch), request))
        except Died:
            self.dead.add(request)
        struck = self.sky.spare(instance)
        assert struck or failed is not None, f"round {self.seed}: it died by itself"
        with self.lock:
            self.counts.update(invocations=1, kills=struck, deliveries=len(messages))
        for message in messages:
            if failed is None or message["MessageId"] in failed:
                self.queue.show(message)
            else:
                self.queue.delete(message)
        return not struck

    def check(self):
        found = in_the_lake(self.sky.client)
        lost, more = self.expected - found, found - self.expected
        assert (lost, more) == ({}, {}), f"round {self.seed}: lost {dict(lost)}, too many {dict(more)}"
        # What is left open is nobody's any more: the broken contents, which were overwritten.
        for group in self.dynamodb.scan(TableName=TABLE)["Items"]:
            if group.get("state") == {"S": "open"}:
                members = {member["key"] for member in json.loads(group["members"]["S"])}
                assert members <= {key_of(name) for name in self.torn}, f"round {self.seed}: left open {members}"
        noted = {origin: value["latest"] for origin, value in seen(self.sky.client).items()}
        assert noted == latest_in_the_lake(self.sky.client), f"round {self.seed}: what was last seen is not right"
        self.counts["records"] += sum(found.values())

    def run(self):
        self.deliver()
        workers = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self.trouble:
            raise self.trouble[0]
        self.check()


class Sky:
    """moto server that kills, and a maker of instances."""

    def __init__(self, port, folder, program):
        self.endpoint, self.folder, self.program = f"http://127.0.0.1:{port}", folder, program

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=aws_local.REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def post(self, path):
        with urllib.request.urlopen(urllib.request.Request(self.endpoint + path, method="POST")) as answer:
            return answer.read().decode()

    def arm(self, instance, after, lost):
        self.post(f"/kill?pid={instance.pid}&after={after}&lost={int(lost)}")

    def spare(self, instance):
        return self.post(f"/spare?pid={instance.pid}") == "struck"

    def instance(self, **variables):
        variables |= {"AWS_ENDPOINT_URL": self.endpoint, "LAKE_BUCKET": LAKE, "RAW_BUCKETS": RAW, "LEDGER_TABLE": TABLE}
        return Instance(self.program, self.folder / "function.log", 60, **variables)


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("storm"), aws_local.free_port()
    subprocess.run(["cargo", "build", "-p", "cloudtrail"], cwd=ROOT, check=True, timeout=aws_local.BUILD_SECONDS)
    program = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "cloudtrail"
    command = [sys.executable, str(ROOT / "tests" / "deadly_moto.py"), str(port)]
    with aws_local.server(command, port, folder / "moto.log"):
        yield Sky(port, folder, program)


def heavy(uid):
    """A log file of 700 kB that does not compress: two of them are too heavy for a group of 1 MiB."""
    chance = random.Random(uid)
    words = [f"{chance.getrandbits(2048):0512x}" for _ in range(2_800)]
    return cloudtrail_file(record(uid, requestParameters={"words": words}))


def test_an_invocation_that_is_short_of_time_leaves_objects_to_the_queue(sky):
    sky.post("/moto-api/reset")
    create(sky.client)
    raw, uids = Bucket(sky.client("s3")), [f"heavy-{number}" for number in range(24)]
    waiting = {uid: raw.put(uid, heavy(uid)) for uid in uids}
    instance = sky.instance(MAX_GROUP_BYTES=str(1 << 20), STOP_BEFORE_SECONDS="300")
    left = []
    try:
        instance.told = 3  # a reserve that is too long takes half of it
        while waiting and len(left) < 40:
            started = time.monotonic()
            answer = aws_local.failures(instance.invoke(aws_local.sqs_event(list(waiting.items()))))
            assert time.monotonic() - started < 30
            waiting = {uid: waiting[uid] for uid in answer}
            left.append(len(waiting))
    finally:
        instance.stop()
    assert not waiting and left[0] > 0, left
    assert in_the_lake(sky.client) == Counter(uids)
    metrics = [json.loads(line) for line in (sky.folder / "function.log").read_text().splitlines() if "_aws" in line]
    told = [line["ObjectsLeft"] for line in metrics if "ObjectsLeft" in line]
    assert told[-len(left) :] == left
    assert metrics[-1]["EstimatedCost"] > 0
    groups = [item for item in sky.client("dynamodb").scan(TableName=TABLE)["Items"] if "members" in item]
    assert [len(json.loads(group["members"]["S"])) for group in groups] == [1] * len(uids)


def end_leases(client):
    """What half a minute after an invocation's time does."""
    for item in client("dynamodb").scan(TableName=TABLE)["Items"]:
        if "lease" in item and item["state"]["S"] == "open":
            client("dynamodb").update_item(
                TableName=TABLE,
                Key={"id": item["id"]},
                UpdateExpression="SET lease = :over",
                ExpressionAttributeValues={":over": {"N": "0"}},
            )


def limit_memory(pid, more):
    """Lets a process that has started have so many bytes more than it has."""
    time.sleep(1)
    (size,) = re.findall(r"VmSize:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    limit = int(size) * 1024 + more
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


def test_an_object_that_takes_more_memory_than_there_is_goes_alone(sky):
    sky.post("/moto-api/reset")
    create(sky.client)
    raw, uids = Bucket(sky.client("s3")), [f"light-{number}" for number in range(6)]
    waiting = {uid: raw.put_records(uid, uid) for uid in uids[:3]}
    # A record takes about four times its size.
    waiting["heavy"] = raw.put("heavy", cloudtrail_file(record("heavy", requestParameters={"words": "x" * (24 << 20)})))
    waiting |= {uid: raw.put_records(uid, uid) for uid in uids[3:]}
    deaths = 0
    for _ in range(5):  # deliveries, as the template has it
        instance = sky.instance()
        limit_memory(instance.pid, 48 << 20)
        try:
            answer = instance.invoke(aws_local.sqs_event(list(waiting.items())))
            waiting = {uid: waiting[uid] for uid in aws_local.failures(answer)}
        except Died:
            deaths += 1
        finally:
            instance.stop()
        end_leases(sky.client)
    assert (deaths, list(waiting)) == (4, ["heavy"])
    assert in_the_lake(sky.client) == Counter(uids)
    instance = sky.instance()
    try:
        assert aws_local.failures(instance.invoke(aws_local.sqs_event(list(waiting.items())))) == []
    finally:
        instance.stop()
    assert in_the_lake(sky.client) == Counter([*uids, "heavy"])


def test_each_record_is_in_the_lake_once_after_a_storm(sky, capsys):
    counts, started = Counter(), time.monotonic()
    for seed in range(FIRST, FIRST + ROUNDS):
        storm = Storm(sky, seed)
        storm.run()
        counts += storm.counts
    # It was a storm.
    assert counts["kills"] > ROUNDS and counts["deliveries"] > counts["messages"]
    with capsys.disabled():
        told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        print(f"\n{ROUNDS} rounds in {time.monotonic() - started:.0f} s: {told}")
