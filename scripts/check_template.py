"""checkov on template.yaml as it is deployed: after SAM's transform, with every source switched on.

checkov sees no resource whose condition is false, and knows less of SAM's short forms than of what they become. An
exception stands at its resource, in `Metadata: checkov: skip`, with its reason; one that nothing needs any more is an
error too. Nothing is fetched: the checks are those of the installed version.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from cloudformation import SOURCES, expand, load  # noqa: E402

CHECKOV = ROOT / ".venv-lint/bin/checkov"
# As a machine without AWS, and without a network: whatever checkov tries to reach, it does not.
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "LOG_LEVEL": "ERROR"}


def everything_on() -> dict:
    template = load()
    for source in SOURCES:
        template["Parameters"][f"Enable{source.name}"]["Default"] = "true"
    return expand(template)


def exceptions(template: dict) -> set[tuple[str, str]]:
    """What the template makes exceptions of: resource and check."""
    return {
        (name, skip["id"])
        for name, resource in template["Resources"].items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


def scan(template: dict) -> dict:
    """checkov's results, by `passed_checks`, `failed_checks` and `skipped_checks`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(template, indent=1))
        options = ["--framework", "cloudformation", "--skip-download", "--output", "json", "--file", str(file)]
        done = subprocess.run([CHECKOV, *options], env=os.environ | NOWHERE, capture_output=True, text=True)
    try:
        results = json.loads(done.stdout)["results"]
    except (ValueError, KeyError, TypeError):
        sys.exit(f"checkov ended with {done.returncode} and says:\n{done.stdout}{done.stderr}")
    if results["parsing_errors"] or not results["passed_checks"]:
        sys.exit(f"checkov could not read the template: {results['parsing_errors']}")
    return results


def main() -> None:
    template = everything_on()
    results = scan(template)

    def names(kind: str) -> set[tuple[str, str]]:
        return {(check["resource"].split(".", 1)[1], check["check_id"]) for check in results[kind]}

    failed, stale = names("failed_checks"), exceptions(template) - names("skipped_checks")
    titles = {check["check_id"]: check["check_name"] for check in results["failed_checks"]}
    for name, check in sorted(failed):
        print(f"{name}: {check}: {titles[check]}")
    for name, check in sorted(stale):
        print(f"{name}: the exception of {check} is needed no more")
    counts = ", ".join(f"{len(results[kind + '_checks'])} {kind}" for kind in ("passed", "failed", "skipped"))
    print(f"checkov: {counts}")
    sys.exit(1 if failed or stale else 0)


if __name__ == "__main__":
    main()
