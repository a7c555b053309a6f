"""EKS audit logs."""

import datetime

from athena_queries.counting import by, distinct, number, said
from athena_queries.times import LAST_WEEK_2, MARCH_2, day, in_last_week, in_march


def moment(record):
    return datetime.datetime.fromisoformat(record["stageTimestamp"])


def is_denied(record):
    return record["responseStatus"]["code"] == 403


def containers(record):
    return (said(record, "requestObject.spec") or {}).get("containers", [])


QUERIES = {
    "EKS_AUDIT@2.0": [
        (
            "all of a day",
            f"SELECT count(*) AS events FROM TABLE WHERE {MARCH_2}",
            number(lambda record: in_march(moment(record))),
        ),
        (
            "what was done to what in the last week",
            f"""SELECT api.operation AS c0, http_request.url.path AS c1, count(*) AS events FROM TABLE
                WHERE {LAST_WEEK_2} GROUP BY api.operation, http_request.url.path ORDER BY max(time) DESC""",
            by("verb", "requestURI", where=lambda record: in_last_week(moment(record))),
        ),
        (
            "denied calls",
            """SELECT actor.user.name AS c0, api.response.error AS c1, count(*) AS events FROM TABLE
               WHERE api.response.code = 403 GROUP BY actor.user.name, api.response.error""",
            by("user.username", "responseStatus.reason", where=is_denied),
        ),
        (
            "secrets that were read",
            """SELECT actor.user.name AS c0, resource.name AS c1, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(resources) AS t(resource)
               WHERE resource.type = 'secrets' AND api.operation IN ('get', 'list', 'watch') GROUP BY 1, 2""",
            by(
                "user.username",
                "objectRef.name",
                where=lambda record: (
                    record["objectRef"]["resource"] == "secrets" and record["verb"] in ("get", "list", "watch")
                ),
            ),
        ),
        (
            "by activity",
            """SELECT activity_name AS c0, count(*) AS events FROM TABLE
               WHERE activity_name IN ('Create', 'Delete', 'Update') GROUP BY activity_name""",
            by(
                lambda record: record["verb"].capitalize(),
                where=lambda record: record["verb"] in ("create", "delete", "update"),
            ),
        ),
        (
            "groups of callers",
            """SELECT grp.name AS c0, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(actor.user.groups) AS t(grp) GROUP BY grp.name""",
            by(lambda group: group, of=lambda record: record["user"]["groups"]),
        ),
        (
            "addresses that calls came through",
            """SELECT src_endpoint.ip AS c0, cardinality(src_endpoint.intermediate_ips) AS c1, count(*) AS events
               FROM TABLE WHERE cardinality(src_endpoint.intermediate_ips) > 0 GROUP BY 1, 2""",
            by(lambda record: record["sourceIPs"][0], lambda record: 1, where=lambda r: len(r["sourceIPs"]) > 1),
        ),
        (
            "images of new pods",
            """SELECT container.image.name AS c0, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(api.request.containers) AS t(container) GROUP BY 1""",
            by("image", of=containers),
        ),
        (
            "by day, and each request once",
            """SELECT eventday AS c0, count(DISTINCT api.request.uid) AS events FROM TABLE GROUP BY eventday""",
            distinct("auditID", lambda record: day(moment(record))),
        ),
        (
            "what is not mapped",
            """SELECT unmapped['annotations.authorization.k8s.io/decision'] AS c0, count(*) AS events FROM TABLE
               GROUP BY 1""",
            by(lambda record: record["annotations"]["authorization.k8s.io/decision"]),
        ),
        (
            "roles behind the callers",
            """SELECT actor.session.issuer AS c0, actor.session.credential_uid AS c1, count(*) AS events FROM TABLE
               WHERE http_request.user_agent LIKE 'kubectl/%' GROUP BY 1, 2""",
            by(
                lambda record: record["user"]["extra"]["canonicalArn"][0],
                lambda record: record["user"]["extra"]["accessKeyId"][0],
                where=lambda record: record["userAgent"].startswith("kubectl/"),
            ),
        ),
    ]
}
