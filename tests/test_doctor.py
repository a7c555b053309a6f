"""`lake doctor`, `lake repair` and `lake quarantine` on the stack of template.yaml, created in moto: the real binary, and
the remedies that it names, run by the AWS command line."""

import gzip
import json
import re
import signal
import subprocess
import threading
import time

import aws_local
import pytest

if aws_local.missing_tools():
    pytest.skip(aws_local.missing_tools(), allow_module_level=True)

import deployed
import lake_cli
from cloudformation import ACCOUNT, RAW, REGION, STACK, TOPIC_ARN
from deployed import Operator, run_command

FUNCTION = "cloudtrail"
DATABASE = "amazon_security_lake_glue_db_us_east_1"
TABLE = "amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0"
PARTITION = "aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=111122223333/eventDay=20260314/"


@pytest.fixture(scope="module")
def moto(request, tmp_path_factory):
    """moto, mended; or started by what the test gives."""
    start = getattr(request, "param", (deployed.MENDED_MOTO,))
    with aws_local.moto(tmp_path_factory.mktemp("moto") / "moto.log", *start) as client:
        yield client


@pytest.fixture
def lake(request, moto, tmp_path):
    """A stack whose bucket announces its objects to the queue, or by the parameters of the test."""
    parameters = getattr(request, "param", {"NotificationMode": "Queue"})
    operator = Operator(moto, tmp_path, parameters, deployed.lake_with_clients())
    # A bucket that announces nothing yet is a problem, and this its remedy.
    problems = operator.problems()
    assert set(problems) == {(FUNCTION, "notification")}
    remedy = problems[FUNCTION, "notification"]["do"]
    assert remedy == operator.outputs["CloudTrailNotificationCommand"]
    run_command(moto, remedy)
    return operator


def filled(lake, tmp_path, columns=None):
    """Puts one row into the lake as the function would, and its table into Glue; answers the object's key."""
    local = lake_cli.Lake(tmp_path / "lake")
    raw = lake_cli.put(tmp_path / "raw", lake_cli.log_key("a"), lake_cli.log(lake_cli.record(1)))
    assert local.ingest(raw).code == 0
    (path,) = local.files("CLOUD_TRAIL_MGMT")
    key = str(path.relative_to(local.folder))
    bucket = lake.bucket
    lake.client("s3").put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    entry = local.catalog("CLOUD_TRAIL_MGMT@2.0")
    columns = [{"Name": one["name"], "Type": one["type"]} for one in entry["columns"]][slice(columns)]
    keys = [{"Name": one["name"], "Type": one["type"]} for one in entry["partition_keys"]]
    descriptor = {"Columns": columns, "Location": f"s3://{bucket}/aws/CLOUD_TRAIL_MGMT/2.0/"}
    lake.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    table = {"Name": TABLE, "PartitionKeys": keys, "StorageDescriptor": descriptor, "Parameters": {"mine": "kept"}}
    lake.client("glue").create_table(DatabaseName=DATABASE, TableInput=table)
    # Lake Formation does so by itself unless somebody has changed its settings; moto does not.
    name = "amazon_security_lake_table_us_east_1_{}_2_0".format
    tables = [{"Table": {"DatabaseName": DATABASE, "Name": name(one.lower())}} for one in lake_cli.TABLES]
    for resource in [{"Database": {"Name": DATABASE}}, *tables]:
        everybody = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
        lake.client("lakeformation").grant_permissions(Principal=everybody, Resource=resource, Permissions=["ALL"])
    return key


def partitions(lake):
    found = lake.client("glue").get_partitions(DatabaseName=DATABASE, TableName=TABLE)["Partitions"]
    return [one["Values"] for one in found]


def test_a_healthy_stack(lake):
    assert lake.problems() == {}
    # moto's caller is nobody whom IAM knows: see test_what_the_operator_may_do.
    assert set(lake.checks("not_checked")) == {("operator", "verbs"), ("operator", "administration")}
    shown = lake.run("doctor")
    assert (shown.returncode, " 0 problems, 2 not checked" in shown.stdout) == (0, True), shown.stdout + shown.stderr
    assert lake.run("doctor", "--strict").returncode == 1


def set_codec(lake):
    name = lake.outputs["CloudTrailFunctionName"]
    variables = lake.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    lake.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {"CODEC": "snappy"}}
    )


def set_queue(lake, **attributes):
    lake.client("sqs").set_queue_attributes(QueueUrl=lake.outputs["CloudTrailQueueUrl"], Attributes=attributes)


BREAKS = {
    ("lake", "versioning"): lambda lake: lake.client("s3").put_bucket_versioning(
        Bucket=lake.bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    ("lake", "encryption"): lambda lake: lake.client("s3").delete_bucket_encryption(Bucket=lake.bucket),
    ("lake", "plain HTTP"): lambda lake: lake.client("s3").delete_bucket_policy(Bucket=lake.bucket),
    ("lake", "public access"): lambda lake: lake.client("s3").delete_public_access_block(Bucket=lake.bucket),
    ("lake", "lifecycle"): lambda lake: lake.client("s3").delete_bucket_lifecycle(Bucket=lake.bucket),
    (FUNCTION, "notification"): lambda lake: lake.client("s3").put_bucket_notification_configuration(
        Bucket=RAW, NotificationConfiguration={}
    ),
    (FUNCTION, "mapping"): lambda lake: lake.client("lambda").update_event_source_mapping(
        UUID=lake.mapping, Enabled=False
    ),
    (FUNCTION, "ledger's expiry"): lambda lake: lake.client("dynamodb").update_time_to_live(
        TableName=lake.ledger, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires"}
    ),
    (FUNCTION, "sender"): lambda lake: set_queue(lake, Policy=""),
    (FUNCTION, "visibility"): lambda lake: set_queue(lake, VisibilityTimeout="30"),
    (FUNCTION, "redrive"): lambda lake: set_queue(lake, RedrivePolicy=""),
    (FUNCTION, "encryption"): lambda lake: set_queue(lake, SqsManagedSseEnabled="false"),
    (FUNCTION, "log"): lambda lake: lake.client("logs").delete_retention_policy(
        logGroupName=lake.outputs["CloudTrailLogGroupName"]
    ),
    (FUNCTION, "variables"): set_codec,
    (FUNCTION, "size"): lambda lake: lake.client("lambda").update_function_configuration(
        FunctionName=lake.outputs["CloudTrailFunctionName"], MemorySize=512
    ),
    (FUNCTION, "concurrency"): lambda lake: lake.client("lambda").put_function_concurrency(
        FunctionName=lake.outputs["CloudTrailFunctionName"], ReservedConcurrentExecutions=0
    ),
}


@pytest.mark.parametrize("what", BREAKS, ids=lambda what: "-".join(what).replace(" ", "-"))
def test_what_is_broken_is_named_and_the_remedy_heals_it(lake, what):
    BREAKS[what](lake)
    problems = lake.problems()
    assert set(problems) == {what}
    run_command(lake.client, problems[what]["do"])
    assert lake.problems() == {}


@pytest.mark.parametrize("lake", [{}], indirect=True)
def test_announced_by_event_bridge(lake):
    (rule,) = (one["Name"] for one in lake.client("events").list_rules()["Rules"])
    for check, breaks in {
        "rule": lambda: lake.client("events").disable_rule(Name=rule),
        "rule's target": lambda: lake.client("events").remove_targets(Rule=rule, Ids=["queue"]),
        "sender": lambda: set_queue(lake, Policy=""),
    }.items():
        breaks()
        problems = lake.problems()
        assert set(problems) == {(FUNCTION, check)}
        run_command(lake.client, problems[FUNCTION, check]["do"])
        assert lake.problems() == {}


@pytest.mark.parametrize("moto", [()], indirect=True)
def test_an_answer_that_is_not_understood_is_not_taken_for_well(moto, tmp_path):
    """moto as it is: it answers about versioning and notifications otherwise than S3."""
    lake = Operator(moto, tmp_path, {"NotificationMode": "Queue"}, deployed.lake_with_clients())
    moto("s3").put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Suspended"})
    unknown = lake.checks("not_checked")
    for what, call in {
        ("lake", "versioning"): "s3:GetBucketVersioning",
        (FUNCTION, "notification"): "s3:GetBucketNotification",
    }.items():
        assert "cannot be read" in unknown[what]["found"]
        assert call in unknown[what]["do"]


def test_who_may_read_the_stack_alone_is_told_what_to_ask_for(lake):
    """Nothing is taken for well that could not be seen."""
    with lake.as_somebody("cloudformation:DescribeStacks", "cloudformation:ListStackResources"):
        code, checks = lake.lines("doctor")
        assert code == 0
        assert lake.run("doctor", "--strict").returncode == 1
    seen = {(one["of"], one["check"]) for one in checks if one["state"] == "ok"}
    # These say what the parameters of the stack say, and who asks.
    assert seen == {("stack", "status"), ("lake", "keys"), ("operator", "credentials")}
    for one in checks:
        if one["state"] == "not_checked":
            assert one["do"], one
            # Of Lambda and Glue moto refuses in a form that is none of theirs.
            refused = r"lack [a-z0-9]+:[A-Z][A-Za-z]+|cannot be read \(status 403\)|see the check"
            assert re.search(refused, one["found"] + one["do"]), one


def test_what_the_operator_may_do(lake):
    with lake.as_somebody("*"):
        seen = lake.checks("ok")
    assert {check for of, check in seen if of == "operator"} == {"credentials", "verbs", "administration"}
    with lake.as_somebody("cloudformation:*", "iam:*", "sts:*", "sqs:GetQueueAttributes", "s3:List*", "s3:Get*"):
        problems = lake.problems()
    assert {check for of, check in problems if of == "operator"} == {"verbs", "administration"}
    assert "sqs:SendMessage on " in problems["operator", "verbs"]["found"]
    assert "s3:ListBucket" not in problems["operator", "verbs"]["found"]


def test_a_role_that_was_changed_by_hand(lake):
    role = lake.outputs["CloudTrailRoleArn"].split("/")[-1]
    lake.client("iam").delete_role_policy(RoleName=role, PolicyName="KeepLedger")
    problems = lake.problems()
    assert set(problems) == {(FUNCTION, "role")}
    found = problems[FUNCTION, "role"]["found"]
    ledger = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{lake.ledger}"
    assert f"dynamodb:PutItem on {ledger}" in found and "s3:" not in found and "sqs:" not in found


def test_a_topic_that_the_queue_has_not_subscribed_to(moto, tmp_path):
    parameters = {"NotificationMode": "Queue", "RawBucketTopicArn": TOPIC_ARN}
    lake = Operator(moto, tmp_path, parameters, deployed.lake_with_clients())
    problems = lake.problems()
    assert set(problems) == {(FUNCTION, "subscription")}
    # Whether the trail itself sends to the topic, the bucket does not know.
    assert (FUNCTION, "notification") in lake.checks("not_checked")
    run_command(moto, problems[FUNCTION, "subscription"]["do"])
    assert lake.problems() == {}
    topic = {"TopicArn": TOPIC_ARN, "Events": ["s3:ObjectCreated:*"]}
    moto("s3").put_bucket_notification_configuration(
        Bucket=RAW, NotificationConfiguration={"TopicConfigurations": [topic]}
    )
    assert lake.checks("ok")[FUNCTION, "notification"]["found"] == f"to {TOPIC_ARN}"
    (one,) = moto("sns").list_subscriptions_by_topic(TopicArn=TOPIC_ARN)["Subscriptions"]
    moto("sns").set_subscription_attributes(
        SubscriptionArn=one["SubscriptionArn"], AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}'
    )
    assert "with a filter" in lake.checks("not_checked")[FUNCTION, "subscription"]["found"]


def test_a_catalogue_that_lake_formation_governs(lake, tmp_path):
    filled(lake, tmp_path)
    assert lake.lines("repair", "--go")[0] == 0
    formation = lake.client("lakeformation")
    everybody = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
    database = {"Database": {"Name": DATABASE}}
    formation.revoke_permissions(Principal=everybody, Resource=database, Permissions=["ALL"])
    problems = lake.problems()
    assert set(problems) == {(FUNCTION, "Lake Formation")}
    for command in problems[FUNCTION, "Lake Formation"]["do"].split(" && "):
        run_command(lake.client, command)
    assert lake.problems() == {}


def test_a_location_that_lake_formation_knows(lake):
    formation, role = lake.client("lakeformation"), lake.outputs["CloudTrailRoleArn"]
    formation.register_resource(ResourceArn=f"arn:aws:s3:::{lake.bucket}", UseServiceLinkedRole=True)
    problems = lake.problems()
    assert set(problems) == {(FUNCTION, "data location")}
    assert role in problems[FUNCTION, "data location"]["do"]
    run_command(lake.client, problems[FUNCTION, "data location"]["do"])
    assert lake.problems() == {}


def test_dead_letters(lake):
    url = lake.outputs["CloudTrailDeadLetterQueueUrl"]
    lake.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    problem = lake.problems()[FUNCTION, "dead letters"]
    assert problem["found"].startswith("1 announcements")
    command = f"lake redrive --stack {STACK} --region {REGION} --source {FUNCTION}"
    assert problem["do"].startswith(f"{command}, ")
    # moto would hand what comes into the queue to a function of its own.
    lake.client("lambda").update_event_source_mapping(UUID=lake.mapping, Enabled=False)
    # The remedy says why, and with --go and the reason it moves the message.
    verb, *options = command.split()[1:]
    told = subprocess.run([lake.lake, verb, *options, "--json"], env=lake.environment(), capture_output=True, text=True)
    assert "not_understood" in told.stdout, told.stdout + told.stderr
    moved = lake.run("redrive", "--go", "--reason", "not_understood")
    assert "not_understood" in moved.stdout, moved.stdout + moved.stderr
    assert (FUNCTION, "dead letters") not in lake.problems()
    assert aws_local.left_in(lake.client("sqs"), lake.outputs["CloudTrailQueueUrl"]) == 1


def test_a_partition_that_is_not_registered(lake, tmp_path):
    filled(lake, tmp_path)
    problem = lake.problems()[FUNCTION, "partitions"]
    assert problem["do"] == f"lake repair --stack {STACK} --region {REGION} --go"
    code, (told,) = lake.lines("repair")
    assert (code, told["what"], told["where"], told["mended"]) == (1, "not in the catalogue", PARTITION, False)
    assert partitions(lake) == [], "without --go nothing is changed"
    code, (done,) = lake.lines("repair", "--go")
    assert (code, done["mended"], partitions(lake)) == (0, True, [["us-east-1", "111122223333", "20260314"]])
    assert lake.lines("repair", "--go") == (0, [])
    assert lake.problems() == {}


def test_a_table_that_lacks_columns(lake, tmp_path):
    filled(lake, tmp_path, columns=-2)
    lake.client("glue").create_partition(
        DatabaseName=DATABASE,
        TableName=TABLE,
        PartitionInput={
            "Values": ["us-east-1", "111122223333", "20260314"],
            "StorageDescriptor": {
                "Columns": [],
                "Location": f"s3://{lake.bucket}/{PARTITION}",
            },
        },
    )
    problem = lake.problems()[FUNCTION, "table"]
    assert "CLOUD_TRAIL_MGMT@2.0 lacks " in problem["found"]
    code, told = lake.lines("repair")
    assert (code, [one["what"] for one in told]) == (1, ["table behind", "partitions behind"])
    assert lake.lines("repair", "--go")[0] == 0
    table = lake.client("glue").get_table(DatabaseName=DATABASE, Name=TABLE)["Table"]
    local = lake_cli.Lake(tmp_path / "lake").catalog("CLOUD_TRAIL_MGMT@2.0")
    assert [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]] == [
        (one["name"], one["type"]) for one in local["columns"]
    ]
    assert table["Parameters"]["mine"] == "kept"
    found = lake.client("glue").get_partitions(DatabaseName=DATABASE, TableName=TABLE)["Partitions"]
    assert found[0]["StorageDescriptor"]["Columns"] == table["StorageDescriptor"]["Columns"]
    assert lake.problems() == {}


def test_a_table_of_somebody_s_own_is_left_alone(lake, tmp_path):
    filled(lake, tmp_path)
    table = lake.client("glue").get_table(DatabaseName=DATABASE, Name=TABLE)["Table"]
    columns = table["StorageDescriptor"]["Columns"]
    columns[0]["Name"] = "mine"
    changed = {"Name": TABLE, "PartitionKeys": table["PartitionKeys"], "StorageDescriptor": table["StorageDescriptor"]}
    lake.client("glue").update_table(DatabaseName=DATABASE, TableInput=changed)
    code, (told,) = lake.lines("repair", "--go")
    assert (code, told["what"], told["mended"]) == (1, "table changed by somebody", False)
    table = lake.client("glue").get_table(DatabaseName=DATABASE, Name=TABLE)["Table"]
    assert table["StorageDescriptor"]["Columns"] == columns
    assert (FUNCTION, "table") in lake.problems()
    assert "not looked at" in lake.checks("not_checked")[FUNCTION, "partitions"]["found"]


def test_an_empty_partition_goes_only_when_told(lake, tmp_path):
    key = filled(lake, tmp_path)
    assert lake.lines("repair", "--go")[0] == 0
    # For good: moto lists a folder in which there is nothing but a mark of deletion, S3 does not.
    version = lake.client("s3").head_object(Bucket=lake.bucket, Key=key)["VersionId"]
    lake.client("s3").delete_object(Bucket=lake.bucket, Key=key, VersionId=version)
    code, (told,) = lake.lines("repair", "--go")
    assert (code, told["what"], len(partitions(lake))) == (1, "holds no object", 1)
    assert lake.lines("repair", "--go", "--remove-empty")[0] == 0
    assert partitions(lake) == []


# The quarantine.

FILE = "0123456789abcdef0123456789abcdef"


def entry(number, **changes):
    record = lake_cli.record(number, **changes)
    if "eventTime" in changes and changes["eventTime"] is None:
        del record["eventTime"]
    return {
        "bucket": "raw-logs",
        "key": lake_cli.log_key("a"),
        "record": number,
        "offset": 12 + number,
        "reason": "too_new",
        "detail": "in words",
        "function": FUNCTION,
        "function_version": "0.0.1",
        "form": "record",
        "raw": json.dumps(record),
    }


def quarantine(lake, *entries, name=FILE):
    body = gzip.compress("".join(json.dumps(one) + "\n" for one in entries).encode())
    key = f"quarantine/{FUNCTION}/{name}.jsonl.gz"
    lake.client("s3").put_object(Bucket=lake.bucket, Key=key, Body=body)


def ids(lake, tmp_path):
    """Event ids of all rows in the bucket, sorted; and what is in quarantine."""
    bucket, found, kept = lake.bucket, [], []
    for one in lake.client("s3").list_objects_v2(Bucket=bucket).get("Contents", []):
        body = lake.client("s3").get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        if one["Key"].endswith(".parquet"):
            (tmp_path / "x.parquet").write_bytes(body)
            found += [row["metadata"]["uid"] for row in lake_cli.read(tmp_path / "x.parquet").to_pylist()]
        elif one["Key"].startswith("quarantine/"):
            kept += [json.loads(line)["record"] for line in gzip.decompress(body).splitlines()]
    return sorted(found), sorted(kept)


def event_id(number):
    return lake_cli.record(number)["eventID"]


def test_the_quarantine_of_a_bucket(lake, tmp_path):
    quarantine(lake, entry(1), entry(2, eventTime=None), entry(3))
    code, (line,) = lake.lines("quarantine", "list")
    assert (code, line["reason"], line["entries"], line["newest_file"]) == (0, "too_new", 3, FILE)
    shown = lake.run("quarantine", "show", f"{FILE}:1", "--raw")
    assert shown.stdout == entry(1)["raw"]
    told = lake.json("quarantine", "retry", "--dry-run", code=1)
    assert (told["landed"], told["rows"]) == (2, {})
    assert ids(lake, tmp_path) == ([], [1, 2, 3])

    done = lake.json("quarantine", "retry", code=1)
    assert (done["landed"], done["stay"]) == (2, {"missing_event_time": 1})
    assert ids(lake, tmp_path) == ([event_id(1), event_id(3)], [2])
    assert partitions(lake) == [["us-east-1", "111122223333", "20260314"]]
    state = lake.client("s3").list_objects_v2(Bucket=lake.bucket, Prefix="state/")
    assert state["KeyCount"] == 0, "note and lease are given back"


def test_of_two_retries_one_is_refused(lake):
    quarantine(lake, entry(1))
    lease = {"holder": "other", "until": int(time.time() * 1000) + 60_000}
    bucket = lake.bucket
    lake.client("s3").put_object(Bucket=bucket, Key="state/retry-lease.json", Body=json.dumps(lease))
    refused = lake.run("quarantine", "retry")
    assert (refused.returncode, "another retry is running" in refused.stderr) == (1, True), refused.stderr
    # One that was killed gives way when its lease has ended.
    lease["until"] = 1
    lake.client("s3").put_object(Bucket=bucket, Key="state/retry-lease.json", Body=json.dumps(lease))
    assert lake.run("quarantine", "retry").returncode == 0


def test_a_retry_that_is_killed_lands_each_record_once(lake, tmp_path):
    bucket = lake.bucket
    days = ["2026-03-14", "2026-03-15", "2026-03-16"]
    for file in range(4):
        entries = [entry(10 * file + n, eventTime=f"{days[n % 3]}T09:05:00Z") for n in range(6)]
        quarantine(lake, *entries, name=f"{file:032x}")
    wanted = sorted(event_id(10 * file + n) for file in range(4) for n in range(6))
    killed = 0
    for after in (0.3, 0.6, 0.9, 1.2, 1.5):
        running = subprocess.Popen(
            lake.command("quarantine", "retry"),
            env=lake.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        timer = threading.Timer(after, running.kill)
        timer.start()
        running.wait(timeout=60)
        timer.cancel()
        killed += running.returncode == -signal.SIGKILL
        # The lease would end by itself in ten minutes.
        lake.client("s3").delete_object(Bucket=bucket, Key="state/retry-lease.json")
    done = lake.run("quarantine", "retry")
    assert done.returncode == 0, done.stderr
    assert killed, "each was faster than its killer"
    assert ids(lake, tmp_path) == (wanted, [])
