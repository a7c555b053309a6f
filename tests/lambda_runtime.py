"""Lambda's runtime API on loopback, for tests that kill: each instance is a process of the function with an API of its
own, as in an execution environment. Unlike `cargo lambda watch` it tells true deadlines, runs instances side by side
and notices at once when one has died.

See "Using the Lambda runtime API for custom runtimes" of the AWS Lambda developer guide.
"""

import json
import queue
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aws_local

NEXT = "/2018-06-01/runtime/invocation/next"


class Died(Exception):
    """The process ended before it answered."""


class Instance:
    """A process of the function. It serves one invocation at a time, until it dies or is stopped."""

    def __init__(self, program, log, timeout, **variables):
        self.timeout, self.events, self.answers = timeout, queue.Queue(), queue.Queue()
        self.told = timeout  # seconds that the function is told it has
        instance = self

        class Api(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                event = instance.events.get() if self.path == NEXT else None
                if event is None:
                    self.close_connection = True
                    return
                request, body = event
                deadline = int((time.time() + instance.told) * 1000)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Lambda-Runtime-Aws-Request-Id", request)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
                self.send_header(
                    "Lambda-Runtime-Invoked-Function-Arn",
                    f"arn:aws:lambda:{aws_local.REGION}:111122223333:function:test",
                )
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                instance.answers.put((self.path.rpartition("/")[2], body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        environment = aws_local.environment(
            AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{self.server.server_port}",
            AWS_LAMBDA_FUNCTION_NAME="test",
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE="1024",
            AWS_LAMBDA_FUNCTION_VERSION="1",
            **variables,
        )
        with open(log, "ab") as output:
            self.process = subprocess.Popen([program], env=environment, stdout=output, stderr=output)

    @property
    def pid(self):
        return self.process.pid

    def invoke(self, event, request=None):
        """Answers the function's answer to an event."""
        self.events.put((request or str(uuid.uuid4()), json.dumps(event).encode()))
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            try:
                kind, body = self.answers.get(timeout=0.02)
            except queue.Empty:
                if self.process.poll() is not None and self.answers.empty():
                    raise Died from None
                continue
            if kind != "response":
                raise RuntimeError(f"the function answered with an error: {body.decode()}")
            return json.loads(body)
        raise RuntimeError(f"no answer within {self.timeout} s")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()
