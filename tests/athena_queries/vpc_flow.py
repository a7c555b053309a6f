"""VPC flow logs."""

import datetime
import ipaddress

from athena_queries.counting import by, distinct, number, said, total
from athena_queries.times import LAST_WEEK, MARCH, day, in_last_week, in_march


def moment(record):
    return datetime.datetime.fromtimestamp(int(record["start"]), datetime.UTC)


def is_ok(record):
    return record["log-status"] == "OK"


def is_private(address):
    return ipaddress.ip_address(address) in ipaddress.ip_network("10.0.0.0/8")


def is_inside(address):
    return is_private(address) or ipaddress.ip_address(address) in ipaddress.ip_network("2001:db8::/127")


def source(record):
    """The packet's address is the endpoint's, where the two differ."""
    return record["pkt-srcaddr"]


def both_private(record):
    return is_ok(record) and is_private(source(record)) and is_private(record["pkt-dstaddr"])


def queries(version):
    account = {"1.0": "cloud.account_uid", "2.0": "cloud.account.uid"}[version]
    found = [
        (
            "all of a day",
            f"SELECT count(*) AS events FROM TABLE WHERE {MARCH[version]}",
            number(lambda record: in_march(moment(record))),
        ),
        (
            "all of the last week, the newest first",
            f"""SELECT src_endpoint.ip AS c0, dst_endpoint.port AS c1, count(*) AS events FROM TABLE
                WHERE {LAST_WEEK[version]} AND status_code = 'OK'
                GROUP BY src_endpoint.ip, dst_endpoint.port ORDER BY max(time) DESC""",
            by(source, lambda r: int(r["dstport"]), where=lambda r: is_ok(r) and in_last_week(moment(r))),
        ),
        (
            "one partition",
            """SELECT region AS c0, accountid AS c1, eventday AS c2, count(*) AS events FROM TABLE
               WHERE region IN ('us-east-1', 'us-west-2') AND accountid = '111122223333'
               AND eventday >= '20260314' AND eventday <= '20260315' GROUP BY region, accountid, eventday""",
            by(
                "region",
                "account-id",
                lambda record: day(moment(record)),
                where=lambda record: (
                    record["region"] == "us-east-1"
                    and record["account-id"] == "111122223333"
                    and day(moment(record)) in ("20260314", "20260315")
                ),
            ),
        ),
        (
            "bytes between two addresses",
            """SELECT region AS c0, src_endpoint.ip AS c1, dst_endpoint.ip AS c2, sum(traffic.bytes) AS events
               FROM TABLE WHERE (src_endpoint.ip = '10.0.1.5' OR dst_endpoint.ip = '10.0.1.5')
               AND (src_endpoint.ip = '192.0.2.10' OR dst_endpoint.ip = '192.0.2.10')
               GROUP BY region, src_endpoint.ip, dst_endpoint.ip ORDER BY events DESC""",
            total(
                "bytes",
                "region",
                source,
                "pkt-dstaddr",
                where=lambda record: {source(record), record["pkt-dstaddr"]} == {"10.0.1.5", "192.0.2.10"},
            ),
        ),
        (
            "bytes and packets altogether",
            "SELECT sum(traffic.packets) AS c0, sum(traffic.bytes) AS events FROM TABLE",
            lambda records: [
                {
                    "c0": sum(int(record["packets"]) for record in records if is_ok(record)),
                    "events": sum(int(record["bytes"]) for record in records if is_ok(record)),
                }
            ],
        ),
        (
            "refused inbound connections",
            """SELECT dst_endpoint.port AS c0, count(*) AS events FROM TABLE
               WHERE connection_info.direction = 'Inbound' AND disposition = 'Blocked' AND activity_name = 'Refuse'
               GROUP BY dst_endpoint.port""",
            by(
                lambda record: int(record["dstport"]),
                where=lambda record: record["action"] == "REJECT" and record["flow-direction"] == "ingress",
            ),
        ),
        (
            "ports of an instance",
            """SELECT dst_endpoint.instance_uid AS c0, cardinality(array_agg(DISTINCT dst_endpoint.port)) AS events
               FROM TABLE WHERE connection_info.direction_id = 1 AND dst_endpoint.port < 32768
               GROUP BY dst_endpoint.instance_uid""",
            distinct("dstport", "instance-id", where=lambda record: record["flow-direction"] == "ingress"),
        ),
        (
            "first and last of a source",
            """SELECT src_endpoint.ip AS c0, date_format(from_unixtime(min(time) / 1000), '%Y-%m-%d') AS c1,
               count(*) AS events FROM TABLE
               WHERE src_endpoint.ip IS NOT NULL AND eventday < '20260401' GROUP BY src_endpoint.ip""",
            first_seen,
        ),
        (
            "behind a NAT gateway",
            """SELECT address AS c0, count(*) AS events FROM TABLE
               CROSS JOIN UNNEST(src_endpoint.intermediate_ips) AS t(address) GROUP BY address""",
            by("srcaddr", where=lambda record: is_ok(record) and record["srcaddr"] != record["pkt-srcaddr"]),
        ),
        (
            "without data",
            f"""SELECT status_code AS c0, {account} AS c1, count(*) AS events FROM TABLE
                WHERE status_code <> 'OK' GROUP BY 1, 2""",
            by("log-status", "account-id", where=lambda record: not is_ok(record)),
        ),
        (
            "protocols and flags",
            """SELECT connection_info.protocol_num AS c0, connection_info.tcp_flags AS c1, count(*) AS events
               FROM TABLE WHERE connection_info.protocol_num = 6 GROUP BY 1, 2""",
            by(
                lambda record: int(record["protocol"]),
                lambda record: int(record["tcp-flags"]),
                where=lambda record: record["protocol"] == "6",
            ),
        ),
        (
            "the service of the other side",
            """SELECT dst_endpoint.svc_name AS c0, count(*) AS events FROM TABLE
               WHERE dst_endpoint.svc_name <> '-' GROUP BY 1""",
            by("pkt-dst-aws-service", where=lambda record: record["pkt-dst-aws-service"] != "-"),
        ),
        (
            "from one private address to another",
            """SELECT count(*) AS events FROM TABLE WHERE src_endpoint.ip <> '-' AND dst_endpoint.ip <> '-'
               AND contains('10.0.0.0/8', CAST(src_endpoint.ip AS IPADDRESS))
               AND contains('10.0.0.0/8', CAST(dst_endpoint.ip AS IPADDRESS))""",
            number(both_private),
            "duckdb",
        ),
        (
            "from outside to a private address",
            """SELECT src_endpoint.ip AS c0, count(*) AS events FROM TABLE
               WHERE NOT (contains('10.0.0.0/8', CAST(src_endpoint.ip AS IPADDRESS))
                 OR contains('2001:db8::/127', CAST(src_endpoint.ip AS IPADDRESS)))
               AND (contains('10.0.0.0/8', CAST(dst_endpoint.ip AS IPADDRESS))
                 OR contains('2001:db8::/127', CAST(dst_endpoint.ip AS IPADDRESS)))
               GROUP BY src_endpoint.ip""",
            by(
                source,
                where=lambda r: is_ok(r) and not is_inside(source(r)) and is_inside(r["pkt-dstaddr"]),
            ),
            "duckdb",
        ),
    ]
    if version == "2.0":
        found += [
            (
                "allowed and denied",
                "SELECT action AS c0, action_id AS c1, count(*) AS events FROM TABLE WHERE status_code = 'OK' GROUP BY 1, 2",
                by(
                    lambda record: {"ACCEPT": "Allowed", "REJECT": "Denied"}[record["action"]],
                    lambda record: {"ACCEPT": 1, "REJECT": 2}[record["action"]],
                    where=is_ok,
                ),
            ),
            (
                "minutes that flows lasted",
                """SELECT count(*) AS events FROM TABLE
                   WHERE date_diff('second', start_time_dt, end_time_dt) = 59 AND start_time_dt = time_dt""",
                number(),
            ),
            (
                "what an address did, by its observables",
                """SELECT seen.name AS c0, count(*) AS events FROM TABLE CROSS JOIN UNNEST(observables) AS t(seen)
                   WHERE seen.value = '203.0.113.77' AND seen.type_id = 2 GROUP BY seen.name""",
                by(
                    lambda record: "src_endpoint.ip" if source(record) == "203.0.113.77" else "dst_endpoint.ip",
                    where=lambda record: "203.0.113.77" in (said(record, "pkt-srcaddr"), said(record, "pkt-dstaddr")),
                ),
            ),
        ]
    else:
        found += [
            (
                "blocked, by its id",
                "SELECT disposition_id AS c0, count(*) AS events FROM TABLE WHERE disposition = 'Blocked' GROUP BY 1",
                by(lambda record: 2, where=lambda record: record["action"] == "REJECT"),
            ),
            (
                "when flows began and ended",
                """SELECT count(*) AS events FROM TABLE
                   WHERE from_unixtime(start_time / 1000) < from_unixtime(end_time / 1000) AND start_time = time""",
                number(),
            ),
        ]
    return found


def first_seen(records):
    found = {}
    for record in records:
        if is_ok(record) and day(moment(record)) < "20260401":
            found.setdefault(source(record), []).append(moment(record))
    return [
        {"c0": address, "c1": min(moments).strftime("%Y-%m-%d"), "events": len(moments)}
        for address, moments in found.items()
    ]


QUERIES = {f"VPC_FLOW@{version}": queries(version) for version in ("1.0", "2.0")}
