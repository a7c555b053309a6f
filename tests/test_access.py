"""Who may do what: the policies of template.yaml, evaluated (iam.py) over tables of requests."""

import re

import pytest
from aws_local import ROOT
from cloudformation import ACCOUNT, BY_NAME, KEY_ARN, RAW, REGION, SOURCES, Plan, evaluate, expand, load
from iam import Request, denies, holds, like, listed, permits

LAKE = "arn:aws:s3:::aws-security-data-lake-us-east-1-x"
DATABASE = "amazon_security_lake_glue_db_us_east_1"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
OTHER_KEY = KEY_ARN.replace("1111", "9999")
# What AWS tells of every request of a function to S3.
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
SSE, SSE_KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
SSE_CLIENT = "s3:x-amz-server-side-encryption-customer-algorithm"


@pytest.fixture(scope="module")
def expanded() -> dict:
    return expand(load())


def plan_of(expanded: dict, variant: str) -> Plan:
    plan = evaluate(expanded, variant)
    plan.physical = {"LakeBucket.Arn": LAKE}
    return plan


def granted_to(plan: Plan, role: str) -> list[dict]:
    return [one for policy in plan.properties(role)["Policies"] for one in policy["PolicyDocument"]["Statement"]]


def bucket_policy(plan: Plan) -> list[dict]:
    return plan.properties("LakeBucketPolicy")["PolicyDocument"]["Statement"]


# ---- The evaluation itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operator, wanted, found, expected",
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", ["a"], None, False),
        ("StringNotEquals", ["a"], "b", True),
        ("StringNotEquals", ["a"], None, True),  # the one that surprises
        ("StringNotEquals", ["a", "b"], "b", False),
        ("Null", ["false"], "x", True),
        ("Null", ["false"], None, False),
        ("Null", ["true"], None, True),
        ("Bool", ["false"], "false", True),
        ("NumericLessThan", ["1.2"], "1.1", True),
        ("NumericLessThan", ["1.2"], "1.2", False),
        ("NumericLessThan", ["1.2"], None, False),
        ("StringLike", ["s3.*.amazonaws.com*"], "s3.cn-north-1.amazonaws.com.cn", True),
    ],
)
def test_conditions_hold_as_iam_says(operator, wanted, found, expected):
    assert holds(operator, "aws:Key", wanted, {} if found is None else {"AWS:key": found}) is expected


def test_stars_and_denials_work_as_iam_says():
    assert like("a/*/c", "a/b/b/c") and like("a?c", "abc") and not like("a.c", "abc") and not like("a/*", "b/a/x")
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:put*", "Resource": "*"}
    assert permits([allow], Request("s3:PutObject", "x"))
    assert not permits([allow, deny], Request("s3:PutObject", "x"))
    assert not permits([deny], Request("s3:GetObject", "x"))


# ---- The functions' roles --------------------------------------------------------------------------------------------

# What the calls of the store need. The calls of a multipart upload are permitted as the put that they make up.
S3_ACTIONS = {
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "head_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "delete_object": {"s3:DeleteObject"},
}
# What a call of the ledger needs. A transaction is permitted as what it does.
DYNAMODB_ACTIONS = {
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "get_item": {"dynamodb:GetItem"},
    "put_item": {"dynamodb:PutItem"},
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
    "update_item": {"dynamodb:UpdateItem"},
}


def calls(module: str) -> set[str]:
    """The calls of an AWS client that a module of shared/ makes for the functions: `upkeep.rs` is the operator's."""
    files = [*ROOT.glob(f"shared/src/{module}.rs"), *ROOT.glob(f"shared/src/{module}/**/*.rs")]
    code = "".join(file.read_text() for file in files if not {"tests", "tests.rs", "upkeep.rs"} & set(file.parts))
    return set(re.findall(r"\bclient\s*\.\s*([a-z0-9_]+)\(\)", code)) - {"clone"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
def test_the_role_is_granted_exactly_what_the_code_calls(expanded, source):
    glue = {"glue:" + call.title().replace("_", "") for call in calls("catalog/glue")}
    s3 = set().union(*(S3_ACTIONS[call] for call in calls("store/s3")))
    ledger = set().union(*(DYNAMODB_ACTIONS[call] for call in calls("ledger/dynamodb")))
    # Lambda's poller and its log need these of the function's role.
    lambdas = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    lambdas |= {"logs:CreateLogStream", "logs:PutLogEvents"}
    keys = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert len(glue) >= 4 and len(s3) >= 4 and len(ledger) >= 4
    needed = glue | s3 | ledger | lambdas
    for variant, expected in {"eventbridge": needed, "own-keys": needed | keys}.items():
        granted = granted_to(evaluate(expanded, variant), f"{source.name}Role")
        assert {action for one in granted for action in listed(one["Action"])} == expected


def expectations(plan: Plan, source) -> list[tuple[str, str, bool]]:
    """Calls of a function, each with whether it may make it."""
    raw = f"arn:aws:s3:::{plan.bucket(source)}"
    table = [
        # Of its raw bucket: its logs, to read.
        ("s3:GetObject", f"{raw}/payroll.csv", False),
        ("s3:GetObject", f"{raw}-backup/{source.key}", False),
        ("s3:PutObject", f"{raw}/{source.key}", False),
        ("s3:DeleteObject", f"{raw}/{source.key}", False),
        ("s3:DeleteObjectVersion", f"{raw}/{source.key}", False),
        ("s3:ListBucket", raw, False),
        ("s3:PutBucketNotification", raw, False),
        # Of the lake: nothing but to write its own, and to take it back.
        ("s3:ListBucket", LAKE, False),
        ("s3:PutBucketPolicy", LAKE, False),
        ("s3:PutEncryptionConfiguration", LAKE, False),
        ("s3:PutObject", f"{LAKE}/state/x", False),
        ("s3:PutObject", f"{LAKE}/quarantine/x.jsonl.gz", False),
        # Of the catalogue: to make what is missing in its database.
        ("glue:CreateTable", f"{GLUE}:catalog", True),
        ("glue:CreateDatabase", f"{GLUE}:database/{DATABASE}", True),
        ("glue:CreateDatabase", f"{GLUE}:database/other", False),
        ("glue:DeleteDatabase", f"{GLUE}:database/{DATABASE}", False),
        ("glue:CreateTable", f"{GLUE}:table/{DATABASE}/amazon_security_lake_table_us_east_1_other_2_0", False),
        # Nothing of the account.
        ("iam:PassRole", "*", False),
        ("sts:AssumeRole", "*", False),
        ("lambda:InvokeFunction", "*", False),
        ("kms:Decrypt", OTHER_KEY, False),
    ]
    for other in SOURCES:
        own, name = other is source, other.name
        quarantine = f"{LAKE}/quarantine/{other.folder}/x.jsonl.gz"
        table += [
            ("s3:GetObject", f"arn:aws:s3:::{plan.bucket(other)}/{other.key}", own),
            ("s3:GetObjectVersion", f"arn:aws:s3:::{plan.bucket(other)}/{other.key}", own),
            ("s3:PutObject", quarantine, own),
            ("s3:GetObject", quarantine, False),
            ("s3:DeleteObject", quarantine, own),
            ("s3:DeleteObjectVersion", quarantine, False),
            ("sqs:ReceiveMessage", f"{name}Queue.Arn", own),
            ("sqs:DeleteMessage", f"{name}Queue.Arn", own),
            ("sqs:PurgeQueue", f"{name}Queue.Arn", False),
            ("sqs:SendMessage", f"{name}Queue.Arn", False),
            ("sqs:ReceiveMessage", f"{name}DeadLetterQueue.Arn", False),
            ("logs:PutLogEvents", f"{name}LogGroup.Arn", own),
            ("logs:DeleteLogGroup", f"{name}LogGroup.Arn", False),
            ("dynamodb:UpdateItem", f"{name}Ledger.Arn", own),
            ("dynamodb:BatchGetItem", f"{name}Ledger.Arn", own),
            ("dynamodb:Scan", f"{name}Ledger.Arn", False),
            ("dynamodb:DeleteTable", f"{name}Ledger.Arn", False),
        ]
        for rows in other.tables:
            for version in ("1.0", "2.0"):
                key = f"{LAKE}/aws/{rows}/{version}/region=us-east-1/accountId=1/eventDay=20260314/x.zstd.parquet"
                glue = f"{GLUE}:table/{DATABASE}/amazon_security_lake_table_us_east_1_{rows.lower()}_"
                glue += version.replace(".", "_")
                table += [
                    ("s3:PutObject", key, own),
                    ("s3:AbortMultipartUpload", key, own),
                    ("s3:GetObject", key, False),
                    ("s3:DeleteObject", key, own),
                    ("s3:DeleteObjectVersion", key, False),
                    ("s3:PutObjectAcl", key, False),
                    ("glue:BatchCreatePartition", glue, own),
                    ("glue:UpdateTable", glue, False),
                    ("glue:DeleteTable", glue, False),
                    ("glue:BatchDeletePartition", glue, False),
                ]
    return table


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
@pytest.mark.parametrize("variant", ["eventbridge", "own-keys", "own-buckets"])
def test_the_role_reaches_its_own_things_only(expanded, source, variant):
    plan = plan_of(expanded, variant)
    granted = granted_to(plan, f"{source.name}Role") + bucket_policy(plan)
    context = {**TLS, "aws:ResourceAccount": ACCOUNT}
    wrong = [
        (action, resource, expected)
        for action, resource, expected in expectations(plan, source)
        if permits(granted, Request(action, resource, context)) is not expected
    ]
    assert wrong == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
def test_the_role_reads_the_logs_of_the_named_account_only(expanded, source):
    """A bucket's name can be taken over by another account, once it is free."""
    for variant, owner, other in (
        ("eventbridge", ACCOUNT, "210987654321"),
        ("other-account", "210987654321", ACCOUNT),
    ):
        plan = plan_of(expanded, variant)
        granted = granted_to(plan, f"{source.name}Role")
        for account, expected in ((owner, True), (other, False)):
            context = {**TLS, "aws:ResourceAccount": account}
            request = Request("s3:GetObject", f"arn:aws:s3:::{plan.bucket(source)}/{source.key}", context)
            assert permits(granted, request) is expected, account


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
@pytest.mark.parametrize(
    "action, key, service, expected",
    [
        ("kms:Decrypt", KEY_ARN, "s3.us-east-1.amazonaws.com", True),
        ("kms:GenerateDataKey", KEY_ARN, "s3.us-east-1.amazonaws.com", True),
        ("kms:Decrypt", KEY_ARN, "dynamodb.us-east-1.amazonaws.com", False),
        ("kms:Decrypt", KEY_ARN, None, False),
        ("kms:GenerateDataKey", f"{KEY_ARN}-2", "s3.us-east-1.amazonaws.com", False),  # a key of raw logs
        ("kms:ScheduleKeyDeletion", KEY_ARN, "s3.us-east-1.amazonaws.com", False),
    ],
)
def test_the_role_uses_keys_through_s3_only(expanded, source, action, key, service, expected):
    granted = granted_to(plan_of(expanded, "own-keys"), f"{source.name}Role")
    assert permits(granted, Request(action, key, {"kms:ViaService": service} if service else {})) is expected


@pytest.mark.parametrize("name", ["SecurityHub", "EksAudit"])
def test_a_stream_reaches_its_own_things_only(expanded, name):
    source, plan = BY_NAME[name], plan_of(expanded, "own-keys")
    granted = granted_to(plan, f"{name}DeliveryRole") + bucket_policy(plan)
    context = {**TLS, "aws:ResourceAccount": ACCOUNT}

    def may(action: str, resource: str) -> bool:
        return permits(granted, Request(action, resource, context))

    assert may("s3:PutObject", f"arn:aws:s3:::{RAW}/{source.key}")
    assert may("s3:PutObject", f"arn:aws:s3:::{RAW}/firehose-failed/{source.folder}/x")
    assert not may("s3:DeleteObject", f"arn:aws:s3:::{RAW}/{source.key}")
    for other in SOURCES:
        if other is not source:
            assert not may("s3:PutObject", f"arn:aws:s3:::{RAW}/{other.key}")
            assert not may("s3:GetObject", f"arn:aws:s3:::{RAW}/{other.key}")
    assert not may("s3:PutObject", f"{LAKE}/aws/x")
    sender = granted_to(plan, f"{name}SenderRole")
    assert [(set(one["Action"]), one["Resource"]) for one in sender] == [
        ({"firehose:PutRecord", "firehose:PutRecordBatch"}, f"{name}Delivery.Arn")
    ]


# ---- The lake bucket -------------------------------------------------------------------------------------------------

# What a put says of encryption, and whether a lake with S3's keys and one with a key of its own take it.
PUTS = {
    "nothing, so that the bucket's encryption applies": ({}, True, True),
    "a part of a large object, which never says anything": ({}, True, True),
    "keys of S3": ({SSE: "AES256"}, True, False),
    "the lake's key": ({SSE: "aws:kms", SSE_KEY: KEY_ARN}, False, True),
    "the lake's key, twice": ({SSE: "aws:kms:dsse", SSE_KEY: KEY_ARN}, False, True),
    "the account's key of S3": ({SSE: "aws:kms"}, False, False),
    "a foreign key": ({SSE: "aws:kms", SSE_KEY: OTHER_KEY}, False, False),
    "a key that comes with the request": ({SSE_CLIENT: "AES256"}, False, False),
}


@pytest.mark.parametrize("said", PUTS)
@pytest.mark.parametrize("variant", ["eventbridge", "own-keys"])
def test_the_lake_takes_no_object_that_is_encrypted_otherwise(expanded, variant, said):
    headers, with_s3, with_key = PUTS[said]
    plan = plan_of(expanded, variant)
    request = Request("s3:PutObject", f"{LAKE}/aws/WAF/2.0/x.zstd.parquet", {**TLS, **headers})
    policies = granted_to(plan, "WafRole") + bucket_policy(plan)
    assert permits(policies, request) is (with_key if variant == "own-keys" else with_s3)


@pytest.mark.parametrize("variant", ["eventbridge", "own-keys"])
def test_what_the_function_sends_is_what_the_lake_takes(expanded, variant):
    """The store's headers (shared/src/store/s3/upload.rs): of the lake's key where it is given, else none."""
    plan = plan_of(expanded, variant)
    key = plan.properties("WafFunction")["Environment"]["Variables"].get("KMS_KEY_ID")
    code = (ROOT / "shared/src/store/s3/upload.rs").read_text()
    assert "(Some(ServerSideEncryption::AwsKms), Some(key.clone()), Some(true))" in code
    assert "None => (None, None, None)" in code
    headers = {SSE: "aws:kms", SSE_KEY: key} if key else {}
    request = Request("s3:PutObject", f"{LAKE}/aws/WAF/2.0/x.zstd.parquet", {**TLS, **headers})
    assert permits(granted_to(plan, "WafRole") + bucket_policy(plan), request)


@pytest.mark.parametrize(
    "context, refused",
    [
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}, False),
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.2"}, False),
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.1"}, True),
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.0"}, True),
        ({"aws:SecureTransport": "false"}, True),
        ({"aws:SecureTransport": "true"}, False),  # a service of AWS on a reader's behalf, which has no such key
    ],
)
@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
def test_the_lake_speaks_tls_of_today_only(expanded, action, context, refused):
    resource = LAKE if action == "s3:ListBucket" else f"{LAKE}/aws/WAF/2.0/x.zstd.parquet"
    assert denies(bucket_policy(plan_of(expanded, "eventbridge")), Request(action, resource, context)) is refused


# ---- The queues ------------------------------------------------------------------------------------------------------

RULE_ARN, BUCKET_ARN = "CloudTrailObjectCreatedRule.Arn", f"arn:aws:s3:::{RAW}"
SENDERS = {
    "the rule": ("eventbridge", {"aws:SourceArn": RULE_ARN}, True),
    "the rule of another source": ("eventbridge", {"aws:SourceArn": "WafObjectCreatedRule.Arn"}, False),
    "a bucket, where the rule announces": (
        "eventbridge",
        {"aws:SourceArn": BUCKET_ARN, "aws:SourceAccount": ACCOUNT},
        False,
    ),
    "a person with no more than the queue's policy": ("eventbridge", {}, False),
    "the bucket": ("queue", {"aws:SourceArn": BUCKET_ARN, "aws:SourceAccount": ACCOUNT}, True),
    "a bucket of that name in another account": (
        "queue",
        {"aws:SourceArn": BUCKET_ARN, "aws:SourceAccount": "210987654321"},
        False,
    ),
    "another bucket": ("queue", {"aws:SourceArn": f"{BUCKET_ARN}-2", "aws:SourceAccount": ACCOUNT}, False),
}


@pytest.mark.parametrize("sender", SENDERS)
def test_only_the_announcer_may_send_to_the_queue(expanded, sender):
    variant, context, expected = SENDERS[sender]
    statements = plan_of(expanded, variant).properties("CloudTrailQueuePolicy")["PolicyDocument"]["Statement"]
    for secure in ("true", "false"):
        request = Request("sqs:SendMessage", "CloudTrailQueue.Arn", {**context, "aws:SecureTransport": secure})
        assert permits(statements, request) is (expected and secure == "true")
