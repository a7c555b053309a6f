"""The operator's commands on a deployment: the stack of template.yaml in moto, the real `lake`, the real function.

What is asked after each: is every record in the lake once, and is no message lost?
"""

import gzip
import io
import json
import random
import re
import shutil
import subprocess
import time
from collections import Counter

import aws_local
import pytest
from aws_local import cloudtrail_file, left_in, sqs_event
from cloudformation import RAW, STACK
from lambda_runtime import Instance

if aws_local.missing_tools():
    pytest.skip(aws_local.missing_tools(), allow_module_level=True)

import deployed
import pyarrow.parquet as pq

# Seconds for which a redrive that is killed hides what it was looking at.
HIDDEN = 10

DAY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/{month:02}/{day:02}"


def key_of(name, month=3, day=14):
    folder = DAY.format(month=month, day=day)
    return f"{folder}/111122223333_CloudTrail_us-east-1_2026{month:02}{day:02}T0905Z_{name}.json.gz"


def record(uid, day=14):
    return {
        "eventVersion": "1.08",
        "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
        "eventTime": f"2026-03-{day:02}T09:05:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "eventID": uid,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    }


class World(deployed.Deployed):
    """A deployment with CloudTrail on, its raw bucket, and its function as a process."""

    def __init__(self, client, folder, lake, function):
        super().__init__(client, folder, {}, lake)
        self.function = function
        self.queue = self.outputs["CloudTrailQueueUrl"]
        self.dead_letters = self.outputs["CloudTrailDeadLetterQueueUrl"]

    def put(self, name, *uids, day=14):
        """Puts a log file; answers the reference of it that S3 would announce."""
        answer = self.client("s3").put_object(
            Bucket=RAW, Key=key_of(name, day=day), Body=cloudtrail_file(*(record(uid, day) for uid in uids))
        )
        reference = {"key": key_of(name, day=day), "eTag": answer["ETag"].strip('"')}
        return reference | ({"versionId": answer["VersionId"]} if "VersionId" in answer else {})

    def announcement(self, *references, bucket=RAW):
        created = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
        return json.dumps({"Records": [created | {"s3": {"bucket": {"name": bucket}, "object": one}} for one in references]})

    def send(self, url, *bodies):
        for body in bodies:
            self.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def work(self):
        """Does what Lambda does until the queue is empty; answers the bodies of the messages."""
        sqs, bodies = self.client("sqs"), []
        variables = self.variables("CloudTrail")
        instance = Instance(self.function, self.folder / "function.log", 60, **variables)
        try:
            while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                batch = [(message["MessageId"], message["Body"]) for message in messages]
                failed = aws_local.failures(instance.invoke(sqs_event(batch)))
                assert failed == [], (self.folder / "function.log").read_text()[-3000:]
                for message in messages:
                    sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                bodies += [body for _, body in batch]
        finally:
            instance.stop()
        return bodies

    def fails(self, body, **variables):
        """Hands one message to the function, which has to fail it; answers what the log says."""
        log = self.folder / "failing.log"
        instance = Instance(self.function, log, 60, **self.variables("CloudTrail") | variables)
        try:
            assert len(aws_local.failures(instance.invoke(sqs_event([("m", body)])))) == 1
        finally:
            instance.stop()
        return log.read_text()

    def in_the_lake(self):
        """How often each record is in the lake, counted without any code of the project."""
        s3, found = self.client("s3"), Counter()
        bucket = self.outputs["LakeBucketName"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="aws/")
        for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            found.update(one["uid"] for one in pq.ParquetFile(io.BytesIO(body)).read(["metadata"])["metadata"].to_pylist())
        return found

    def in_quarantine(self):
        """The files of the quarantine, as S3 lists them."""
        bucket = self.outputs["LakeBucketName"]
        return self.client("s3").list_objects_v2(Bucket=bucket, Prefix="quarantine/").get("Contents", [])

    def bodies(self, url):
        """The bodies in a queue, which are left there."""
        sqs, bodies = self.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            bodies += messages
        for message in bodies:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        return [message["Body"] for message in bodies]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """`lake` with its clients, where no other build replaces it, and the function."""
    lake = tmp_path_factory.mktemp("programs") / "lake"
    shutil.copy2(deployed.lake_with_clients(), lake)
    return lake, deployed.built("cloudtrail")


@pytest.fixture
def world(programs, tmp_path):
    with aws_local.moto(tmp_path / "moto.log") as client:
        yield World(client, tmp_path, *programs)


def test_a_stack_is_found_or_the_error_says_what_to_do(world):
    done = world.run("status", "--region", "eu-west-1")
    assert done.returncode == 1 and f"no stack {STACK} in eu-west-1" in done.stderr, done.stderr
    without = world.client("cloudformation")
    without.create_stack(StackName="other", TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}))
    command = [world.lake, "status", "--stack", "other"]
    done = subprocess.run(command, env=world.environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "not one of this project's template" in done.stderr, done.stderr


@pytest.mark.parametrize("versioned", [False, True])
def test_a_replay_brings_in_what_is_missing_once(world, versioned):
    s3 = world.client("s3")
    if versioned:
        s3.put_bucket_versioning(Bucket=RAW, VersioningConfiguration={"Status": "Enabled"})
    # Announced as S3 does it, and in the lake.
    world.send(world.queue, world.announcement(world.put("a", "a1", "a2"), world.put("b", "b1")))
    world.work()
    # Never announced: a day later, and with a key that needs encoding. And what is no log of the range.
    world.put("c + é", "c1", "c2", day=15)
    world.put("d", "d1", day=20)
    s3.put_object(Bucket=RAW, Key="AWSLogs/111122223333/CloudTrail-Digest/x.json.gz", Body=b"x")
    s3.put_object(Bucket=RAW, Key="AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/notes/", Body=b"")
    expected = {"a1": 1, "a2": 1, "b1": 1, "c1": 1, "c2": 1}
    if versioned:
        # An overwritten key is two objects; a deleted one is gone.
        world.put("a", "a3")
        expected["a3"] = 1
        s3.delete_object(Bucket=RAW, Key=world.put("gone", "gone1")["key"])

    replay = ["replay", "--source", "cloudtrail", "--from", "2026-03-14", "--to", "2026-03-15"]
    told = world.json(*replay)
    [source] = told["sources"]
    missing = 2 if versioned else 1
    assert told["dry_run"] and (source["known"], source["to_announce"], source["announced"]) == (2, missing, 0)
    assert source["skipped"]["out_of_range"] == 1 and source["skipped"]["other_keys"] == 1
    assert source["skipped"].get("deleted", 0) == (1 if versioned else 0)
    assert left_in(world.client("sqs"), world.queue) == 0

    assert world.json(*replay, "--go")["sources"][0]["announced"] == missing
    world.work()
    assert world.in_the_lake() == expected
    # Running it again finds all of it in the lake.
    [source] = world.json(*replay, "--go")["sources"]
    assert (source["known"], source["to_announce"]) == (2 + missing, 0)
    assert left_in(world.client("sqs"), world.queue) == 0


def test_an_object_that_is_announced_twice_on_its_way_is_in_the_lake_once(world):
    """S3's own announcement still waits when the replay announces the same object."""
    world.send(world.queue, world.announcement(world.put("a", "a1")))
    assert world.json("replay", "--go")["sources"][0]["announced"] == 1
    assert len(world.work()) == 2
    assert world.in_the_lake() == {"a1": 1}


def test_many_objects_share_messages_and_keep_the_rate(world):
    uids = [f"r{number:02}" for number in range(35)]
    for uid in uids:
        world.put(uid, uid)
    began = time.monotonic()
    assert world.json("replay", "--go", "--rate", "20")["sources"][0]["announced"] == 35
    assert time.monotonic() - began > 0.9, "20 at once, the others a second later"
    bodies = world.work()
    assert sorted(len(json.loads(body)["Records"]) for body in bodies) == [5, 10, 10, 10]
    assert world.in_the_lake() == dict.fromkeys(uids, 1)


def test_a_replay_that_is_killed_goes_on_where_it_was(world):
    uids = [f"r{number:02}" for number in range(40)]
    for uid in uids:
        world.put(uid, uid)
    killed = subprocess.Popen(
        world.command("replay", "--go", "--rate", "10"),
        env=world.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while left_in(world.client("sqs"), world.queue) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    world.work()
    assert 0 < len(world.in_the_lake()) < 40
    assert world.json("replay", "--go", "--rate", "1000")["sources"][0]["announced"] > 0
    world.work()
    assert world.in_the_lake() == dict.fromkeys(uids, 1)


OLD_MOTO = """
import datetime, sys
import moto.s3.models as models
now = models.utcnow
models.utcnow = lambda: now() - datetime.timedelta(days=50)
from moto.server import main
main(sys.argv[1:])
"""


def test_what_is_older_than_the_ledger_remembers_is_left_out(programs, tmp_path):
    """In a moto whose objects were written 50 days ago."""
    with aws_local.moto(tmp_path / "moto.log", "-c", OLD_MOTO) as client:
        world = World(client, tmp_path, *programs)
        world.put("a", "a1")
        world.put("b", "b1")
        world.send(world.queue, world.announcement(world.put("b", "b1")))
        world.work()
        [source] = world.json("replay", "--go")["sources"]
        assert (source["forgotten"], source["known"], source["announced"]) == (1, 1, 0)
        assert "--not-in-lake" in world.run("replay").stdout
        [source] = world.json("replay", "--go", "--not-in-lake")["sources"]
        assert (source["forgotten"], source["known"], source["announced"]) == (0, 1, 1)
        world.work()
        assert world.in_the_lake() == {"a1": 1, "b1": 1}


def test_dead_letters_are_told_by_reason_and_moved_by_it(world):
    known = world.put("known", "known1")
    world.send(world.queue, world.announcement(known))
    world.work()
    ready, gone, old = world.put("ready", "ready1"), world.put("gone", "gone1"), world.put("old", "old1")
    world.client("s3").delete_object(Bucket=RAW, Key=gone["key"])
    world.put("old", "old2")
    letters = {
        "ready": world.announcement(ready),
        "known": json.dumps({"s3Bucket": RAW, "s3ObjectKey": [known["key"]]}),
        "no_such_object": world.announcement(gone),
        "not_understood": "hello",
        "other_bucket": world.announcement({"key": key_of("x")}, bucket="others"),
    }
    event = {"detail-type": "Object Created", "source": "aws.s3"}
    from_eventbridge = event | {"detail": {"bucket": {"name": RAW}, "object": {"key": old["key"], "etag": old["eTag"]}}}
    world.send(world.dead_letters, *letters.values(), json.dumps(from_eventbridge))
    counts = {reason: 1 for reason in letters} | {"no_such_object": 2}

    for _ in range(2):  # looking takes nothing away, and can be done again at once
        told = world.json("redrive", "--entries")
        [source] = told["sources"]
        assert source["reasons"] == counts and (source["moved"], source["deleted"]) == (0, 0)
        details = {entry["detail"] or "" for entry in source["entries"] if entry["reason"] == "no_such_object"}
        assert any("overwritten" in detail for detail in details), details
    listed = world.json("redrive", "--entries", "--reason", "known")["sources"][0]["entries"]
    assert [entry["objects"] for entry in listed] == [[f"{RAW}/{known['key']}"]]

    [source] = world.json("redrive", "--go")["sources"]
    assert (source["moved"], source["deleted"]) == (1, 0)
    assert world.work() == [letters["ready"]]
    assert world.in_the_lake() == {"known1": 1, "ready1": 1}
    [source] = world.json("redrive", "--go", "--reason", "known")["sources"]
    assert (source["moved"], source["deleted"]) == (0, 1)
    [source] = world.json("redrive", "--go", "--reason", "not_understood", "--reason", "other_bucket")["sources"]
    assert source["moved"] == 2
    assert sorted(world.bodies(world.queue)) == sorted([letters["not_understood"], letters["other_bucket"]])
    assert left_in(world.client("sqs"), world.dead_letters) == 2


def stuck_group(world):
    """A group that is decided, whose rows are in the lake but in no partition, and one of whose objects is deleted then.
    Answers the group's id, the announcements of its objects, and the one that is gone."""
    kept, gone = world.put("kept", "kept1", "kept2"), world.put("gone", "gone1")
    body = world.client("s3").get_object(Bucket=RAW, Key=gone["key"])["Body"].read()
    nobody = f"http://127.0.0.1:{aws_local.free_port()}"
    world.fails(world.announcement(kept, gone), AWS_ENDPOINT_URL_GLUE=nobody)
    world.client("s3").delete_object(Bucket=RAW, Key=gone["key"])
    assert "a member of its group cannot be read any more" in world.fails(world.announcement(kept))
    world.send(world.dead_letters, world.announcement(kept), world.announcement(gone))
    [source] = world.json("redrive", "--entries")["sources"]
    assert source["reasons"] == {"group_incomplete": 2}, source
    [detail] = {entry["detail"] for entry in source["entries"]}
    assert gone["key"] in detail and gone["eTag"] in detail and "is gone, of the 2 of group" in detail, detail
    # It would fail again, so it stays unless somebody insists.
    assert world.json("redrive", "--go")["sources"][0]["moved"] == 0
    return re.search(r"group ([0-9a-f]{32})", detail)[1], gone["key"], body


def test_a_group_that_cannot_end_ends_when_its_object_is_restored(world):
    group, key, body = stuck_group(world)
    world.client("s3").put_object(Bucket=RAW, Key=key, Body=body)
    refused = world.run("redrive", "--give-up", group, "--go")
    assert refused.returncode == 1 and "so it can end" in refused.stderr, refused
    [source] = world.json("redrive", "--go")["sources"]
    assert (source["reasons"], source["moved"]) == ({"ready": 2}, 2)
    world.work()
    assert world.in_the_lake() == {"kept1": 1, "kept2": 1, "gone1": 1}


def test_a_group_that_cannot_end_is_given_up(world):
    """By somebody who has the permissions that docs/operate.md lists, and no others."""
    group, gone, _ = stuck_group(world)
    give_up = ["redrive", "--give-up", group]
    ledger, entry = world.resources["CloudTrailLedger"], {"id": {"S": f"group#{group}"}}
    rows = {"kept1": 1, "kept2": 1, "gone1": 1}

    def lease(until):
        """As if the function were at work until then, in milliseconds from now."""
        world.client("dynamodb").update_item(
            TableName=ledger,
            Key=entry,
            UpdateExpression="SET lease = :until",
            ExpressionAttributeValues={":until": {"N": str(int(time.time() * 1000) + until)}},
        )

    def refused(*arguments, **variables):
        done = world.run(*give_up, *arguments, **variables)
        assert done.returncode == 1 and done.stdout == "", done
        assert world.in_the_lake() == rows
        assert world.json("redrive")["sources"][0]["reasons"] == {"group_incomplete": 2}
        return done.stderr

    told = world.json(*give_up)
    assert (told["dry_run"], told["done"], told["source"]) == (True, False, "cloudtrail")
    assert told["lost"] == [{"object": f"{RAW}/{gone}", "reason": "is gone"}]
    assert told["read_afresh"] == [f"{RAW}/{key_of('kept')}"]
    assert len(told["outputs"]) == 1 and world.in_the_lake() == rows
    said = world.run(*give_up).stdout
    assert gone in said and told["outputs"][0] in said and "nothing was changed" in said, said
    # While the function may be at work on it, also by a clock that is minutes behind, it is left alone.
    for until in (600_000, -200_000):
        lease(until)
        assert "the function is at work on group" in refused("--go")
    lease(-400_000)
    # If what the group has written cannot be removed, its objects are not freed, and it is not held any longer.
    operator = permitted(world, "operator", documented("redrive --give-up <group>") | documented("redrive"))
    crippled = permitted(world, "crippled", documented("redrive --give-up <group>") - {"s3:DeleteObject"})
    deployed.hold_to_policies(world.client, True)
    without = world.run(*give_up, "--go", **crippled)
    done = world.run(*give_up, "--go", "--json", **operator)
    deployed.hold_to_policies(world.client, False)
    assert without.returncode == 1 and "your credentials need s3:DeleteObject on" in without.stderr, without
    assert done.returncode == 0 and done.stderr == "", done
    assert json.loads(done.stdout) == told | {"dry_run": False, "done": True}

    assert world.in_the_lake() == {}
    assert "no group" in world.run(*give_up, "--go").stderr
    [source] = world.json("redrive", "--go")["sources"]
    assert (source["reasons"], source["moved"]) == ({"no_such_object": 1, "ready": 1}, 1)
    world.work()
    assert world.in_the_lake() == {"kept1": 1, "kept2": 1}


@pytest.mark.parametrize("seed", range(3))
def test_giving_up_may_be_killed(world, seed):
    group, _, _ = stuck_group(world)
    ledger, entry = world.resources["CloudTrailLedger"], {"id": {"S": f"group#{group}"}}
    command = world.command("redrive", "--give-up", group, "--go")
    killed = subprocess.Popen(command, env=world.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def owner():
        item = world.client("dynamodb").get_item(TableName=ledger, Key=entry, ConsistentRead=True).get("Item", {})
        return item.get("owner", {"S": ""})["S"]

    deadline = time.monotonic() + 60
    while owner() and not owner().startswith("lake-") and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(random.Random(seed).uniform(0, 0.05))
    killed.kill()
    killed.wait()
    if owner():
        # It is held until the lease is over; then the same command goes on.
        said = world.run("redrive", "--give-up", group, "--go").stderr
        assert "run this again after" in said, said
        world.client("dynamodb").update_item(
            TableName=ledger,
            Key=entry,
            UpdateExpression="SET lease = :over",
            ExpressionAttributeValues={":over": {"N": "0"}},
        )
        world.json("redrive", "--give-up", group, "--go")
    assert world.in_the_lake() == {}
    assert world.json("redrive", "--go")["sources"][0]["moved"] == 1
    world.work()
    assert world.in_the_lake() == {"kept1": 1, "kept2": 1}


def test_a_retry_leaves_a_batch_that_is_not_finished_alone(world):
    """Its next run writes its file of the quarantine anew: what a retry had taken out would be there again, and land twice."""
    large = record("large1") | {"requestParameters": {f"p{n}": n for n in range(300)}}
    body = cloudtrail_file(record("small1"), large)
    answer = world.client("s3").put_object(Bucket=RAW, Key=key_of("a"), Body=body)
    message = world.announcement({"key": key_of("a"), "eTag": answer["ETag"].strip('"')})
    nobody = f"http://127.0.0.1:{aws_local.free_port()}"
    world.fails(message, AWS_ENDPOINT_URL_GLUE=nobody, MAX_FIELDS="256")
    [file] = [one["Key"] for one in world.in_quarantine()]
    for dry_run in (["--dry-run"], []):
        told = world.json("quarantine", "retry", *dry_run, code=1)
        assert (told["tried"], told["unfinished"]) == (0, {file: 1}), told
    # What a reason leaves out is nothing that waits.
    told = world.json("quarantine", "retry", "--reason", "field_count")
    assert (told["tried"], told["unfinished"]) == (0, {})
    said = world.run("quarantine", "retry")
    assert "not tried, batch unfinished" in said.stdout and "run this again when" in said.stderr, said
    assert world.in_the_lake() == {"small1": 1}

    world.send(world.queue, message)
    world.work()
    assert [one["Key"] for one in world.in_quarantine()] == [file]
    told = world.json("quarantine", "retry")
    assert (told["landed"], told["unfinished"]) == (1, {}), told
    world.send(world.queue, message)
    world.work()
    assert world.in_the_lake() == {"small1": 1, "large1": 1}
    assert world.in_quarantine() == []


@pytest.mark.parametrize("seed", range(4))
def test_a_redrive_that_is_killed_loses_nothing(world, seed):
    uids = [f"r{number:02}" for number in range(30)]
    bodies = [world.announcement(world.put(uid, uid)) for uid in uids]
    world.send(world.dead_letters, *bodies)
    killed = subprocess.Popen(
        world.command("redrive", "--go", "--hide-seconds", str(HIDDEN)),
        env=world.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while left_in(world.client("sqs"), world.queue) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0, 0.3))
    killed.kill()
    killed.wait()
    sqs = world.client("sqs")
    assert left_in(sqs, world.dead_letters) + left_in(sqs, world.queue) >= len(uids)
    time.sleep(HIDDEN)  # what it was looking at comes back by itself
    assert world.json("redrive", "--go")["sources"][0]["reasons"].keys() <= {"ready"}
    assert left_in(sqs, world.dead_letters) == 0
    world.work()
    assert world.in_the_lake() == dict.fromkeys(uids, 1)


def test_the_status_says_what_needs_a_person(world):
    lambda_, sqs = world.client("lambda"), world.client("sqs")
    mapping = world.resources["CloudTrailEventSourceMapping"]
    lambda_.update_event_source_mapping(UUID=mapping, Enabled=True)
    told = world.json("status")
    assert told["healthy"] and told["problems"] == []
    lambda_.update_event_source_mapping(UUID=mapping, Enabled=False)
    world.send(world.queue, world.announcement(world.put("a", "a1")))
    world.send(world.dead_letters, "hello", "hello")
    world.client("s3").put_object(
        Bucket=world.outputs["LakeBucketName"], Key="quarantine/cloudtrail/x.jsonl.gz", Body=gzip.compress(b"{}")
    )
    told = world.json("status", code=1)
    [source] = told["sources"]
    assert source["source"] == "cloudtrail" and source["mapping"] == "Disabled"
    counts = [source[name] for name in ("waiting", "in_flight", "dead_letters", "quarantine_objects")]
    assert counts == [1, 0, 2, 1]
    assert not told["healthy"] and len(told["problems"]) == 2, told["problems"]
    done = world.run("status")
    assert done.returncode == 1 and f"lake redrive --stack {STACK} --source cloudtrail" in done.stdout
    assert sqs.get_queue_attributes(QueueUrl=world.queue)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_refused_call_names_the_permission(world):
    """moto checks permissions if it is told to: a user without any."""
    iam = world.client("iam")
    iam.create_user(UserName="operator")
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    deployed.hold_to_policies(world.client, True)
    done = world.run("status", AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
    assert done.returncode == 1, done.stdout
    assert "access denied" in done.stderr and "cloudformation:DescribeStacks" in done.stderr, done.stderr


def test_the_status_tells_the_latest_event_of_each_place(world):
    world.put("a", "a1")
    world.put("b", "b1", day=15)
    world.json("replay", "--go")
    world.work()
    told = world.json("status", code=1)
    [seen] = told["seen"]
    place = [seen[name] for name in ("table", "account", "region")]
    assert place == ["CLOUD_TRAIL_MGMT@2.0", "111122223333", "us-east-1"]
    assert seen["last_event"] == "2026-03-15T09:05:00Z" and 0 < seen["lag_seconds"] <= seen["age_seconds"]
    assert len(told["problems"]) == 1, "the mapping is off"
    assert len(world.json("status", "--max-lag", "1m", code=1)["problems"]) == 2


def documented(verb):
    """The actions that docs/operate.md says a verb needs."""
    table = (aws_local.ROOT / "docs" / "operate.md").read_text().split("<!-- permissions: begin -->")[1]
    actions, of = set(), None
    for line in table.split("<!-- permissions: end -->")[0].strip().splitlines()[2:]:
        name, what, _ = [cell.strip() for cell in line.strip("|").split("|")]
        of = name or of
        if of.startswith("all") or of == f"`lake {verb}`":
            actions |= set(re.findall(r"`(\w+:\w+)`", what))
    assert len(actions) > 4, actions
    return actions


def permitted(world, name, actions):
    """A user that may do that and nothing else: its credentials. moto knows the batch forms of SQS's calls and DynamoDB's
    transactions by names of their own, where AWS checks the actions that they consist of."""
    iam = world.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = {f"{action}Batch" for action in actions if action.startswith("sqs:")}
    if "dynamodb:DeleteItem" in actions:
        own.add("dynamodb:TransactWriteItems")
    statement = {"Effect": "Allow", "Action": sorted(actions | own), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="operate", PolicyDocument=document)
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@pytest.mark.parametrize("verb", ["status", "replay", "redrive"])
def test_the_documented_permissions_are_enough(world, verb, tmp_path):
    """moto checks permissions if it is told to. Of Lambda's GETs it takes no signature, boto3's included, since it counts what stands in
    the path as part of the body; so these go to another one, whose log tells which they were."""
    actions = documented(verb)
    ready = world.announcement(world.put("a", "a1"))
    world.send(world.dead_letters, ready)
    credentials = permitted(world, "operator", actions)
    deployed.hold_to_policies(world.client, True)
    arguments = [verb, "--json"] if verb == "status" else [verb, "--go", "--json"]
    log = tmp_path / "lambda.log"
    with aws_local.moto(log) as other:
        done = world.run(*arguments, **credentials, AWS_ENDPOINT_URL_LAMBDA=other.endpoint)
        calls = set(re.findall(r'"([A-Z]+ /\S+) HTTP', log.read_text()))
    assert done.stderr == "", done.stderr
    [source] = json.loads(done.stdout)["sources"]
    counted = {"status": "dead_letters", "replay": "announced", "redrive": "moved"}
    assert source[counted[verb]] == 1, source
    mapping = world.resources["CloudTrailEventSourceMapping"]
    get = {"lambda:GetEventSourceMapping": f"GET /2015-03-31/event-source-mappings/{mapping}"}
    assert calls == {get[action] for action in actions if action.startswith("lambda:")}
