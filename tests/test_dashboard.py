"""The dashboard of template.yaml: evaluated, read as CloudWatch reads it, held against what really exists.

See "Dashboard body structure and syntax" of the CloudWatch API reference.
"""

import json
import re

import pytest
from aws_local import ROOT
from cloudformation import (
    ALARM,
    DASHBOARD,
    FUNCTION,
    QUEUE,
    REGION,
    SOURCES,
    STACK,
    VARIANTS,
    Plan,
    evaluate,
    expand,
    load,
)

GRID = 24
# Metrics that AWS's services report, by namespace: of "Available CloudWatch metrics for Amazon SQS" and "Types of
# metrics for Lambda functions".
OF_AWS = {
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent"},
    "AWS/Lambda": {"ConcurrentExecutions", "Duration", "Errors", "Throttles"},
}
OURS = "OpenSecurityLake"


@pytest.fixture(scope="module")
def expanded() -> dict:
    return expand(load())


@pytest.fixture(params=VARIANTS)
def plan(request, expanded) -> Plan:
    return evaluate(expanded, request.param)


def body(plan: Plan) -> dict:
    (dashboard,) = plan.resources(DASHBOARD).values()
    return json.loads(dashboard["DashboardBody"])


def rows(widget: dict) -> list[tuple[list[str], dict]]:
    """The metrics of a widget, each with its options; `...` and `.` stand for what the row before has there."""
    found, before = [], []
    for row in widget["properties"]["metrics"]:
        options = row[-1] if isinstance(row[-1], dict) else {}
        names = [name for name in row if isinstance(name, str)]
        if names and names[0] == "...":
            names = before[: len(before) - len(names) + 1] + names[1:]
        names = [before[place] if name == "." else name for place, name in enumerate(names)]
        before = names or before
        found.append((names, options))
    return found


def metric_widgets(plan: Plan) -> list[dict]:
    return [widget for widget in body(plan)["widgets"] if widget["type"] == "metric"]


def visible(widget: dict) -> list[tuple[list[str], dict]]:
    return [(names, options) for names, options in rows(widget) if options.get("visible", True)]


def documented_metrics() -> set[str]:
    """The metrics of a function, from the table in their module."""
    code = (ROOT / "shared/src/metrics.rs").read_text()
    table = re.findall(r"^//! \| (`.*?) \|", code, re.MULTILINE)
    by_reason = re.search(r"^//! Dimensions `Function`, `Reason`: (.*)$", code, re.MULTILINE)
    names = {name for row in [*table, by_reason[1]] for name in re.findall(r"`(\w+)`", row)}
    assert len(names) > 15, "the table of metrics in metrics.rs is not where it was"
    return names


def test_widgets_stand_on_the_grid_and_not_on_each_other(plan):
    taken = set()
    for widget in body(plan)["widgets"]:
        x, y, width, height = (widget[name] for name in ("x", "y", "width", "height"))
        assert 0 <= x and 1 <= width and x + width <= GRID and 0 <= y and 1 <= height <= 1000, widget
        cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        assert not cells & taken, widget
        taken |= cells
    assert body(plan).keys() <= {"widgets", "start", "end", "periodOverride", "variables"}


def test_widgets_have_what_cloudwatch_asks_for(plan):
    for widget in body(plan)["widgets"]:
        properties = widget["properties"]
        if widget["type"] == "text":
            assert set(properties) == {"markdown"} and properties["markdown"].startswith("#")
        elif widget["type"] == "alarm":
            assert properties["title"] and 1 <= len(properties["alarms"]) <= 100
        else:
            assert widget["type"] == "metric"
            assert properties["title"] and properties["region"] == REGION and properties["view"] == "timeSeries"
            assert properties["period"] % 60 == 0
            assert re.fullmatch(r"Sum|Minimum|Maximum|Average|p\d\d", properties["stat"])
            assert 1 <= len(properties["metrics"]) <= 500
            ids = [options["id"] for _, options in rows(widget) if "id" in options]
            assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z]\w*", one) for one in ids)


def test_the_body_is_within_the_quotas_of_cloudwatch(plan):
    widgets = body(plan)["widgets"]
    assert len(widgets) <= 500
    assert sum(len(widget["properties"]["metrics"]) for widget in metric_widgets(plan)) <= 2500
    # CloudWatch names no quota of the body's length; a request's is 1 MB.
    assert len(plan.properties("LakeDashboard")["DashboardBody"].encode()) < 100_000


def test_the_name_is_one_that_cloudwatch_takes(plan):
    name = plan.properties("LakeDashboard")["DashboardName"]
    # Dashboards belong to no region; two stacks of one name in two regions must not share one.
    assert name == f"{STACK}-{REGION}" and re.fullmatch(r"[A-Za-z0-9_-]{1,255}", name)


def test_every_metric_exists(plan):
    known = {**OF_AWS, OURS: documented_metrics()}
    for widget in metric_widgets(plan):
        for names, options in rows(widget):
            if names:
                namespace, metric, dimension, _ = names
                assert metric in known[namespace], widget
                assert dimension == {"AWS/SQS": "QueueName", "AWS/Lambda": "FunctionName", OURS: "Function"}[namespace]
            else:
                ids = {other["id"] for other_names, other in rows(widget) if other_names}
                searched = re.findall(r'^SEARCH\(\'\{(\w+),Function,Reason\} MetricName="(\w+)"', options["expression"])
                for namespace, metric in searched:
                    assert (namespace, metric) in {(OURS, "Quarantined"), (OURS, "Skipped")}
                assert searched or set(re.findall(r"\b[a-z]\w*", options["expression"])) <= ids, options


def test_every_metric_of_the_functions_is_shown(expanded):
    """What is counted is on the page, or is the sum of what is."""
    shown = set()
    for widget in metric_widgets(evaluate(expanded, "eventbridge")):
        shown |= {names[1] for names, _ in rows(widget) if names and names[0] == OURS}
        shown |= set(re.findall(r'MetricName="(\w+)"', json.dumps(widget).replace("\\", "")))
    # What the queues themselves report says the same of messages, and of those that no function has seen too.
    assert documented_metrics() - shown <= {"Messages", "MessagesFailed"}


def test_each_source_that_is_on_has_a_line_in_every_widget_and_no_other_has(plan):
    enabled = plan.enabled()
    for widget in metric_widgets(plan):
        shown = visible(widget)
        assert len(shown) == len(enabled), widget["properties"]["title"]
        for source, (names, options) in zip(enabled, shown, strict=True):
            # A search, and the sum of a row of its own, name the function in the expression or in its terms.
            text = json.dumps(names) if names else options["expression"]
            if not names and not text.startswith("SEARCH"):
                terms = re.findall(r"[a-z]\w*", text)
                text = json.dumps([row for row in rows(widget) if row[1].get("id") in terms])
            assert re.search(rf"\b{source.name}(Function|Queue|DeadLetterQueue)\b", text), text
            assert options["label"]


def test_nothing_is_asked_of_what_is_not_there(plan):
    created = set(plan.resources(FUNCTION)) | {f"{name}.QueueName" for name in plan.resources(QUEUE)} | {"none"}
    for widget in metric_widgets(plan):
        for names, _ in rows(widget):
            assert not names or names[3] in created, names


def test_every_alarm_is_on_it(plan):
    shown = [widget["properties"]["alarms"] for widget in body(plan)["widgets"] if widget["type"] == "alarm"]
    assert sorted(sum(shown, [])) == sorted(f"{name}.Arn" for name in plan.resources(ALARM))


def test_lines_stand_where_the_alarms_go_off(expanded):
    plan = evaluate(expanded, "eventbridge", LagAlarmSeconds=600, MessageAgeAlarmSeconds=900, Timeout=60)
    lines = {
        rows(widget)[0][0][1]: widget["properties"]["annotations"]["horizontal"][0]["value"]
        for widget in metric_widgets(plan)
        if "annotations" in widget["properties"]
    }
    assert lines == {
        "ApproximateAgeOfOldestMessage": 900,
        "Lag": 600_000,
        "Duration": 60_000,
        "ConcurrentExecutions": 10,
    }
    assert float(plan.properties("WafLagAlarm")["Threshold"]) == lines["Lag"]
    assert float(plan.properties("WafMessageAgeAlarm")["Threshold"]) == lines["ApproximateAgeOfOldestMessage"]


def test_cost_per_gb_is_micro_dollars_by_bytes(expanded):
    """1,000,000 micro US dollars for 1,000,000,000 bytes are one dollar a GB."""
    (widget,) = [one for one in metric_widgets(evaluate(expanded, "eventbridge")) if "dollars" in json.dumps(one)]
    terms = {options["id"]: names for names, options in rows(widget) if names}
    sums = [options["expression"] for names, options in rows(widget) if not names]
    assert len(sums) == len(SOURCES)
    for expression in sums:
        factor, cost, volume = re.fullmatch(r"(\d+) \* (\w+) / (\w+)", expression).groups()
        assert (terms[cost][1], terms[volume][1]) == ("EstimatedCost", "BytesDecoded")
        assert terms[cost][3] == terms[volume][3]
        assert int(factor) * 1_000_000 / 1_000_000_000 == 1.0


def test_each_part_says_what_to_do(expanded):
    text = " ".join(
        widget["properties"]["markdown"]
        for widget in body(evaluate(expanded, "eventbridge"))["widgets"]
        if widget["type"] == "text"
    )
    for verb in ("doctor", "status", "redrive", "quarantine list"):
        assert f"lake {verb} --stack {STACK}" in text
