"""What `make watch` does: a function under `cargo lambda watch`, with S3 and Glue of moto server on loopback.

    watch.py [FUNCTION]

The raw bucket holds the objects that the files in events/ name, so `make invoke-...` in another terminal brings rows.
Nothing is kept: when this ends, the buckets are gone. SOURCES in the environment says which tables are written.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import aws_local  # noqa: E402 - the tests run the function in the same way

RAW = "raw-logs"
LAKE = f"aws-security-data-lake-{aws_local.REGION}-local"


def main():
    function = sys.argv[1] if len(sys.argv) > 1 else "cloudtrail"
    functions = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    if function not in functions:
        sys.exit(f"there is no function {function}; there are: {', '.join(functions)}")
    port = os.environ.get("PORT", "9000")
    if missing := aws_local.missing_tools():
        sys.exit(missing)
    with tempfile.TemporaryDirectory() as folder, aws_local.moto(Path(folder) / "moto.log") as client:
        names = fill(client("s3"), function)
        print(
            f"raw bucket {RAW} with {names} objects, lake bucket {LAKE}; in another terminal, for example:\n"
            f"  make invoke-{function}-s3\n"
            f"  .venv/bin/aws --endpoint-url {client.endpoint} --region {aws_local.REGION} --no-sign-request"
            f" s3 ls --recursive s3://{LAKE}\n",
            flush=True,
        )
        command = ["cargo", "lambda", "watch", "--package", function]
        command += ["--invoke-address", "127.0.0.1", "--invoke-port", port]
        variables = {"AWS_ENDPOINT_URL": client.endpoint, "LAKE_BUCKET": LAKE, "RAW_BUCKETS": RAW}
        child = subprocess.Popen(command, cwd=ROOT, env=aws_local.environment(**variables))
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:
            # The terminal has told cargo-lambda too, which ends the function.
            child.wait()


def fill(s3, function):
    """Makes the buckets and puts a sample under every key that an event of the function names."""
    for bucket in (RAW, LAKE):
        s3.create_bucket(Bucket=bucket)
    expected = json.loads((ROOT / "samples/EXPECTED.json").read_text())
    if function in expected["central"]:
        # These events name samples.
        files = {file["key"]: ROOT / "samples/central" / file["key"] for file in expected["central"][function]["files"]}
    else:
        events = "".join(path.read_text() for path in (ROOT / "events").glob(f"{function}-*.json"))
        keys = sorted(set(re.findall(r'AWSLogs/[^"\\, ]+', events)))
        # Size and entity tag in these events are those of the first sample.
        files = dict.fromkeys(keys, ROOT / "samples" / expected["files"][0]["key"])
    for key, path in files.items():
        s3.put_object(Bucket=RAW, Key=key, Body=path.read_bytes())
    return len(files)


if __name__ == "__main__":
    main()
