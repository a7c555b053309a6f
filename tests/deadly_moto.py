"""moto server that can kill a process at a call: python deadly_moto.py PORT

`POST /kill?pid=..&after=..&lost=..` arms it: at the call after so many others the process dies. If `lost` is 1 the call
has never happened; otherwise it is carried out, and nobody hears of it. `POST /spare` disarms it and answers whether it
has struck.

DynamoDB's calls are carried out one after the other: moto's transactions would overwrite what others write meanwhile,
and those of DynamoDB are isolated.
"""

import os
import signal
import sys
import threading
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple

moto = DomainDispatcherApplication(create_backend_app)
dynamodb = threading.Lock()
armed_lock = threading.Lock()
armed = {}


def answer(start, text, status="200 OK"):
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


def strikes():
    """Counts a call. Answers `"lost"` if a process has died of it, before the call."""
    with armed_lock:
        for pid, (after, lost) in list(armed.items()):
            if after:
                armed[pid] = (after - 1, lost)
                continue
            del armed[pid]
            os.kill(pid, signal.SIGKILL)
            return "lost" if lost else "unheard"
    return None


def application(environ, start):
    query = {name: int(values[0]) for name, values in parse_qs(environ["QUERY_STRING"]).items() if values[0].isdigit()}
    if environ["PATH_INFO"] == "/kill":
        with armed_lock:
            armed[query["pid"]] = (query["after"], query["lost"])
        return answer(start, "armed")
    if environ["PATH_INFO"] == "/spare":
        with armed_lock:
            return answer(start, "spared" if armed.pop(query["pid"], None) else "struck")
    # The test's own calls are no moments of the function's.
    if "aws-sdk-rust" in environ.get("HTTP_USER_AGENT", "") and strikes() == "lost":
        return answer(start, "lost", "503 Service Unavailable")
    if "DynamoDB" in environ.get("HTTP_X_AMZ_TARGET", ""):
        with dynamodb:
            return list(moto(environ, start))
    return moto(environ, start)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=Quiet)
