"""WAF logs."""

import datetime

from athena_queries.counting import by, distinct, number, said
from athena_queries.times import LAST_WEEK_2, MARCH_2, day, in_last_week, in_march


def moment(record):
    return datetime.datetime.fromtimestamp(record["timestamp"] / 1000, datetime.UTC)


def is_blocked(record):
    return record["action"] == "BLOCK"


def header(record, name):
    return next(entry["value"] for entry in record["httpRequest"]["headers"] if entry["name"] == name)


QUERIES = {
    "WAF@2.0": [
        (
            "all of a day",
            f"SELECT count(*) AS events FROM TABLE WHERE {MARCH_2}",
            number(lambda record: in_march(moment(record))),
        ),
        (
            "blocked requests of the last week",
            f"""SELECT src_endpoint.ip AS c0, http_request.url.path AS c1, count(*) AS events FROM TABLE
                WHERE {LAST_WEEK_2} AND disposition = 'Blocked' GROUP BY src_endpoint.ip, http_request.url.path""",
            by("httpRequest.clientIp", "httpRequest.uri", where=lambda r: is_blocked(r) and in_last_week(moment(r))),
        ),
        (
            "rules that block",
            """SELECT firewall_rule.uid AS c0, firewall_rule.type AS c1, count(*) AS events FROM TABLE
               WHERE action = 'Denied' AND disposition = 'Blocked' GROUP BY firewall_rule.uid, firewall_rule.type""",
            by("terminatingRuleId", "terminatingRuleType", where=is_blocked),
        ),
        (
            "countries of refused clients",
            """SELECT src_endpoint.location.country AS c0, count(*) AS events FROM TABLE
               WHERE action = 'Denied' AND disposition_id = 2 GROUP BY 1 ORDER BY events DESC LIMIT 10""",
            by("httpRequest.country", where=is_blocked),
        ),
        (
            "what was matched",
            """SELECT firewall_rule.condition AS c0, firewall_rule.match_location AS c1, count(*) AS events FROM TABLE
               WHERE contains(firewall_rule.match_details, 'id') GROUP BY 1, 2""",
            by(
                lambda record: record["terminatingRuleMatchDetails"][0]["conditionType"],
                lambda record: record["terminatingRuleMatchDetails"][0]["location"],
                where=lambda record: record["terminatingRuleMatchDetails"],
            ),
        ),
        (
            "methods and hosts",
            """SELECT http_request.http_method AS c0, http_request.url.hostname AS c1, count(*) AS events FROM TABLE
               WHERE activity_id IN (3, 6) GROUP BY 1, 2""",
            by(
                "httpRequest.httpMethod",
                lambda record: header(record, "Host"),
                where=lambda record: record["httpRequest"]["httpMethod"] in ("GET", "POST"),
            ),
        ),
        (
            "headers",
            """SELECT header.name AS c0, header.value AS c1, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(http_request.http_headers) AS t(header) WHERE lower(header.name) = 'user-agent'
               GROUP BY 1, 2""",
            by(
                "name",
                "value",
                of=lambda record: [h for h in record["httpRequest"]["headers"] if h["name"] == "User-Agent"],
            ),
        ),
        (
            "labels",
            """SELECT label AS c0, count(*) AS events FROM TABLE CROSS JOIN UNNEST(metadata.labels) AS t(label)
               GROUP BY label""",
            by("name", of=lambda record: record["labels"]),
        ),
        (
            "by web ACL and day",
            """SELECT metadata.product.feature.uid AS c0, eventday AS c1, count(*) AS events FROM TABLE
               GROUP BY metadata.product.feature.uid, eventday""",
            by("webaclId", lambda record: day(moment(record))),
        ),
        (
            "each request once",
            """SELECT src_endpoint.svc_name AS c0, count(DISTINCT http_request.uid) AS events FROM TABLE
               WHERE src_endpoint.uid IS NOT NULL GROUP BY src_endpoint.svc_name""",
            distinct("httpRequest.requestId", "httpSourceName"),
        ),
        (
            "the arguments of requests",
            "SELECT http_request.args AS c0, count(*) AS events FROM TABLE WHERE http_request.args <> '' GROUP BY 1",
            by("httpRequest.args", where=lambda record: said(record, "httpRequest.args")),
        ),
    ]
}
