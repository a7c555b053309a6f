"""What the pages say of the code is true: reasons, parameters, files that they name."""

import re
import subprocess
import sys

import pytest
from aws_local import ROOT
from cloudformation import SOURCES, load

PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/operate.md",
    "docs/differences.md",
    "samples/README.md",
    "events/README.md",
]


def code() -> str:
    """The code of functions and floor, without tests."""
    files = [path for folder in ("functions", "shared") for path in sorted(ROOT.glob(f"{folder}/**/src/**/*.rs"))]
    texts = [path.read_text().split("#[cfg(test)]")[0] for path in files if "tests" not in {*path.parts, path.stem}]
    return "\n".join(texts)


def section(page: str, title: str) -> str:
    text = (ROOT / page).read_text()
    return re.split(r"\n## ", text.split(f"\n## {title}\n")[1])[0]


def test_every_reason_of_the_quarantine_is_explained():
    explained = set(re.findall(r"`([a-z]+_[a-z_]+|unreadable)`", section("docs/operate.md", "Quarantine")))
    used = set(re.findall(r'reason: (?:if \w+ \{ )?"([a-z_]+)"', code())) | set(
        re.findall(r'else \{ "([a-z_]+_message)" \}', code())
    )
    assert len(used) > 10, "reasons are not written as they were"
    assert used - explained == set()
    assert {reason for reason in explained if f'"{reason}"' not in code()} - {"raw_base64", "function_version"} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/operate.md", "CONTRIBUTING.md"])
def test_parameters_exist(page):
    """Parameters, and patterns of them such as `<Source>Keys`, stand in code style."""
    parameters, outputs = load()["Parameters"], load()["Outputs"]
    text = (ROOT / page).read_text()
    for name in re.findall(
        r"`((?:Enable|Collect|RawBucket|Lake[BK]|CloudTrail|VpcFlow|Route53|SecurityHub|EksAudit|Waf)\w+)(?:=[^`]*)?`",
        text,
    ):
        assert name in parameters or name in load()["Resources"] or name.endswith("Function"), f"{page}: {name}"
    for name in re.findall(r"\*((?:CloudTrail|VpcFlow|Route53|SecurityHub|EksAudit|Waf)\w+)\*", text):
        assert name in outputs or name in load()["Resources"], f"{page}: {name}"
    for part in re.findall(r"`<Source>(\w+)`", text):
        assert any(f"{source.name}{part}" in parameters for source in SOURCES), f"{page}: {part}"
    for part in re.findall(r"\*&lt;Source&gt;(\w+)\*", text):
        assert all(f"{source.name}{part}" in outputs for source in SOURCES), f"{page}: {part}"


def test_every_parameter_is_in_the_readme():
    text = section("README.md", "Configuration")
    for name in load()["Parameters"]:
        general = re.sub("CloudTrail|VpcFlow|Route53|SecurityHub|EksAudit|Waf", "<Source>", name)
        assert f"`{name}`" in text or f"`{general}`" in text, name


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_somewhere(page):
    path = ROOT / page
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (path.parent / target).exists(), f"{page}: {target}"
    for target in re.findall(r"`((?:docs|tests|scripts|shared|functions|cli|samples|events)/[\w./-]+)`", text):
        assert (ROOT / target).exists(), f"{page}: {target}"


def test_samples_and_events_are_what_their_program_writes():
    done = subprocess.run(
        [sys.executable, ROOT / "samples/generate.py", "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
