"""AWS on loopback, for tests: moto server for the services, `cargo lambda watch` for the function.

Nothing here reaches the network: servers listen on 127.0.0.1 on free ports, clients have made-up credentials, and
whatever AWS settings the machine has are hidden from the function.
"""

import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
REGION = "us-east-1"

# A cold debug build of the AWS clients takes minutes on a small machine.
BUILD_SECONDS = 1800
START_SECONDS = 60
INVOKE_SECONDS = 120


def missing_tools():
    """Why the function cannot be run here, or None."""
    for tool in ("cargo-lambda", "moto_server"):
        if not (BIN / tool).exists():
            return f"{tool} is not in {BIN}: run `make setup`"
    if shutil.which("cargo") is None:
        return "cargo is not on PATH"
    return None


def environment(**variables):
    """The environment of a child: the machine's without its AWS settings, the venv's programs first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **variables,
    }


def free_port():
    """A port for a server that is yet to start. The kernel gives connections those from 32768 on, so none takes it before
    the server does; and each process of pytest-xdist has ports of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000, 8) + worker % 8
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def server(command, port, log, **variables):
    """Runs a server in a session of its own until the end of the block."""
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not listen on port {port}:\n{log.read_text()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield process
    finally:
        stop(process)


def stop(process):
    """Ends a server and what it has started: asked first, then made to."""
    # cargo-lambda puts the function into a group of its own, which a signal to its own group does not reach.
    started = descendants(process.pid)
    for sign in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            break
    for pid in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def descendants(pid):
    """Ids of the processes that `pid` has started, and of those that they have."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The second field is the name in brackets, which may hold blanks; the parent's id is the fourth.
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for ancestor in found:
        found.extend(child for child, parent in parents.items() if parent == ancestor)
    return found[1:]


@contextlib.contextmanager
def moto(log, *python):
    """moto server; answers a maker of boto3 clients. `python` are arguments for a Python that starts it in a way of its
    own."""
    import boto3

    port = free_port()
    program = [sys.executable, *python] if python else [BIN / "moto_server"]
    with server([*program, "-H", "127.0.0.1", "-p", str(port)], port, log):
        endpoint = f"http://127.0.0.1:{port}"

        def client(service):
            return boto3.client(
                service,
                endpoint_url=endpoint,
                region_name=REGION,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            )

        client.endpoint = endpoint
        yield client


class Function:
    """A function under `cargo lambda watch`."""

    def __init__(self, name, port, log):
        self.name, self.port, self.log = name, port, log

    def invoke_file(self, path):
        """Invokes with an event from a file, as a developer does; answers the function's answer."""
        command = ["cargo", "lambda", "invoke", self.name, "--invoke-address", "127.0.0.1"]
        command += ["--invoke-port", str(self.port), "--data-file", str(path)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=INVOKE_SECONDS
        )
        if done.returncode != 0:
            raise InvokeError(f"{done.stdout}{done.stderr}\n{self.log_tail()}")
        return json.loads(done.stdout)

    def invoke(self, messages, folder):
        """Invokes with a batch of (message id, body); answers the ids that failed."""
        event = folder / "event.json"
        event.write_text(json.dumps(sqs_event(messages)))
        return failures(self.invoke_file(event))

    def log_tail(self):
        return "\n".join(self.log.read_text().splitlines()[-40:])

    def reports(self):
        """What the function has logged about its batches, oldest first."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        fields = (json.loads(line).get("fields", {}) for line in lines)
        return [field for field in fields if field.get("message") == "batch done"]


class InvokeError(Exception):
    """The function answered with an error, or not at all."""


@contextlib.contextmanager
def function(name, log, **variables):
    """The function `name` under `cargo lambda watch`, built before so that no invocation waits for a compiler."""
    subprocess.run(["cargo", "build", "-p", name], cwd=ROOT, env=environment(), check=True, timeout=BUILD_SECONDS)
    port = free_port()
    command = ["cargo", "lambda", "watch", "--ignore-changes", "-p", name]
    command += ["--invoke-address", "127.0.0.1", "--invoke-port", str(port), "--timeout", str(INVOKE_SECONDS)]
    with server(command, port, log, **variables):
        yield Function(name, port, log)


class LakeBucket:
    """The bucket of a lake; `new` is what came into it since this was made."""

    def __init__(self, s3, bucket):
        self.s3, self.bucket = s3, bucket
        self.before = self.objects()

    def objects(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}

    def new(self):
        return sorted(set(self.objects()) - set(self.before))

    def body(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def save(self, folder):
        """Copies what is new to a folder."""
        for key in self.new():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(self.body(key))


def queue(sqs, name):
    """A new queue: its URL and its ARN."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def poll(sqs, function, url, folder):
    """Does what Lambda's poller does until the queue is empty: a batch in, what has not failed deleted. Answers the
    batches and the ids that failed."""
    batches, failed = [], []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        batch = [(message["MessageId"], message["Body"]) for message in messages]
        answer = function.invoke(batch, folder)
        batches.append(batch)
        failed += answer
        for message in messages:
            if message["MessageId"] not in answer:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return batches, failed


def left_in(sqs, url):
    """Messages that a queue still has, hidden ones too."""
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(left["ApproximateNumberOfMessages"]) + int(left["ApproximateNumberOfMessagesNotVisible"])


def sqs_event(messages):
    """A batch as Lambda hands it to a function."""
    records = [
        {
            "messageId": message,
            "receiptHandle": f"handle-{message}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:raw",
            "awsRegion": REGION,
        }
        for message, body in messages
    ]
    return {"Records": records}


def failures(answer):
    """The ids of the messages that an answer gives back to the queue."""
    assert set(answer) == {"batchItemFailures"}, answer
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def s3_notification(*objects):
    """The body that S3 sends for objects: (bucket, key as the notification writes it)."""
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "awsRegion": REGION,
                    "eventName": "ObjectCreated:Put",
                    "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
                }
                for bucket, key in objects
            ]
        }
    )


def cloudtrail_file(*records):
    """A CloudTrail log file."""
    return gzip.compress(json.dumps({"Records": list(records)}).encode(), mtime=0)
