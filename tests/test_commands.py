"""Every command line of `lake` that the pages, the alarms and the dashboard tell a person to run is one that it takes: its
verb, its options, their values where these are a list."""

import re
import shlex
import subprocess
from functools import cache

import deployed
import pytest
from aws_local import ROOT
from cloudformation import ALARM, DASHBOARD, evaluate, expand, load

PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
# What stands for something that a person puts in.
PLACEHOLDER = re.compile(r"<.*>|[A-Z][A-Z0-9_.]*|\.\.\.|…")


@pytest.fixture(scope="module")
def help_of():
    lake = deployed.lake_with_clients()

    @cache
    def help_of(*verb):
        done = subprocess.run([lake, *verb, "--help"], capture_output=True, text=True, timeout=30)
        return done.stdout if done.returncode == 0 else None

    return help_of


def options(text: str) -> dict[str, tuple[bool, set[str]]]:
    """Of each option in a `--help`, whether it takes a value, and which values if they are a list."""
    found = {}
    for part in re.split(r"\n\s+(?:-\w, )?(?=--[a-z])", text.split("\nOptions:\n")[1].split("\nExamples:")[0]):
        if hit := re.match(r"(?:\s*-\w, |\s*)(--[a-z-]+)( <)?", part):
            values = re.findall(r"(?:\n\s+- )([a-z0-9_-]+)(?=:|\n)", part)
            for inline in re.findall(r"\[possible values: ([^\]]+)\]", part):
                values += inline.split(", ")
            found[hit[1]] = (bool(hit[2]), set(values))
    return found


def objections(line: str, help_of) -> str | None:
    """What `lake` has against a command line; None for nothing."""
    words = shlex.split(line.replace("<", "'<").replace(">", ">'"))[1:]
    verb = words[:1]
    if verb == ["help"]:
        return None
    if help_of(*verb) is None:
        return f"there is no verb {verb}"
    if "\nCommands:\n" in help_of(*verb):
        verb = words[:2]
        if help_of(*verb) is None:
            return f"there is no verb {verb}"
    known, rest = options(help_of(*verb)), words[len(verb) :]
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            continue
        name, _, value = word.partition("=")
        if name not in known:
            return f"{verb} has no {name}"
        takes_value, values = known[name]
        if takes_value and not value:
            if not rest or rest[0].startswith("--"):
                return f"{name} has no value"
            value = rest.pop(0)
        if values and not PLACEHOLDER.fullmatch(value) and value not in values:
            return f"{name} takes no {value}"
    return None


def alternatives(line: str) -> list[str]:
    """`list|show` stands for two commands."""
    hit = re.search(r"\S+\|\S+", line)
    if not hit:
        return [line]
    return [line.replace(hit[0], choice) for choice in hit[0].split("|")]


def of_page(text: str) -> list[str]:
    """The command lines of a page: those of its blocks, and those in code style."""
    found = []
    for block in re.findall(r"^```\n(.*?)^```", text, re.S | re.M):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if hit := re.match(r"(?:\$ )?(lake [^#]+)", line):
                found.append(re.split(r" (?:>|&&|\|) ", hit[1])[0])
    prose = re.sub(r"^```\n.*?^```", "", text, flags=re.S | re.M)
    found += [re.sub(r"\s+", " ", span) for span in re.findall(r"`(lake [a-z][^`]*)`", prose)]
    return [one.strip() for line in found for one in alternatives(line.replace("...", "").replace("…", ""))]


def of_prose(text: str) -> list[str]:
    """The command lines in a text that has no marks for them: from `lake` and a verb to the last option and its value."""
    word = r"(?:[\w@.:/-]*[\w@/-]|<[^>]+>)"
    found = re.findall(rf"\blake [a-z]+(?: [a-z]+)?(?: --[a-z-]+(?: (?!or\b|and\b|to\b|once\b)(?!--){word})?)+", text)
    # The last word may belong to the sentence: only options that take a value have one.
    return [re.sub(r"(--go|--json|--entries|--raw) [^-].*", r"\1", line) for line in found]


@pytest.fixture(scope="module")
def told():
    """What the template tells a person, evaluated: descriptions of alarms, text of the dashboard, values of outputs."""
    expanded = expand(load())
    plan = evaluate(expanded, "eventbridge")
    texts = {name: alarm["AlarmDescription"] for name, alarm in plan.resources(ALARM).items()}
    # In JSON a line end is `\n`.
    texts |= {
        name: one["DashboardBody"].replace("\\n", " ").replace("`", " ") for name, one in plan.resources(DASHBOARD).items()
    }
    texts |= {
        f"output {name}": f"{plan.value(one['Value'])} {one.get('Description', '')}"
        for name, one in expanded["Outputs"].items()
        if plan.exists(name)
    }
    return {name: re.sub(r"\s+", " ", text) for name, text in texts.items()}


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_exist(page, help_of):
    lines = of_page((ROOT / page).read_text())
    assert lines or page not in ("README.md", "docs/operate.md")
    amiss = {line: objection for line in lines if (objection := objections(line, help_of))}
    assert not amiss


def test_the_commands_of_alarms_and_dashboard_exist(told, help_of):
    lines = {line for text in told.values() for line in of_prose(text)}
    verbs = {" ".join(line.split(" --")[0].split()[1:]) for line in lines}
    assert verbs >= {"doctor", "status", "redrive", "replay", "quarantine list", "quarantine retry"}, lines
    amiss = {line: objection for line in lines if (objection := objections(line, help_of))}
    assert not amiss


def test_every_alarm_of_a_function_names_a_command_with_its_stack(told):
    """`--stack` and a value, so that it can be copied."""
    for name, text in told.items():
        for line in of_prose(text):
            assert "--stack" not in line or re.search(r"--stack [\w<]", line), f"{name}: {line}"


@pytest.mark.parametrize(
    ("line", "objection"),
    [
        ("lake mend --lake DIR", "there is no verb ['mend']"),
        ("lake quarantine burn --lake DIR", "there is no verb ['quarantine', 'burn']"),
        ("lake redrive --stack x --force", "['redrive'] has no --force"),
        ("lake redrive --stack", "--stack has no value"),
        ("lake redrive --stack x --reason bad_luck", "--reason takes no bad_luck"),
        ("lake replay PATH --lake DIR --source syslog", "--source takes no syslog"),
        ("lake redrive --stack <name> --reason known --go", None),
    ],
)
def test_a_line_that_does_not_exist_is_found(line, objection, help_of):
    assert objections(line, help_of) == objection


def test_lines_are_found():
    page = "Run `lake status\n--lake DIR`.\n\n```\n$ lake rows A --lake x > y\nlake quarantine list|show --stack z  # both\n```\n"
    assert of_page(page) == [
        "lake rows A --lake x",
        "lake quarantine list --stack z",
        "lake quarantine show --stack z",
        "lake status --lake DIR",
    ]
    text = "Remedy: lake redrive --stack lake --source waf --go, or the output; lake doctor --stack lake names it."
    assert of_prose(text) == ["lake redrive --stack lake --source waf --go", "lake doctor --stack lake"]
