"""Route 53 resolver query logs: JSON lines (Route 53 developer guide, "Values that appear in VPC Resolver query logs")."""

from datetime import timedelta

from central_logs.shapes import APP, DROP_HOST, INSTANCES, INTRUDER, REGION, SERVER_1, SERVER_2, VPC, RawFile, lines, moment, zulu
from cloudtrail.shapes import Dice

EVERYDAY = [
    ("sqs.us-east-1.amazonaws.com.", "A", ["192.0.2.81"]),
    ("dynamodb.us-east-1.amazonaws.com.", "A", ["192.0.2.82"]),
    ("example-app-data-111122223333.s3.amazonaws.com.", "A", ["192.0.2.83", "192.0.2.84"]),
    ("db.shop.internal.", "A", ["10.0.3.20"]),
    ("api.example.com.", "AAAA", ["2001:db8:99::10"]),
    ("_sip._tcp.example.com.", "SRV", ["10 5 5060 sip.example.com."]),
    ("example.com.", "MX", ["10 mail.example.com."]),
    ("11.2.0.10.in-addr.arpa.", "PTR", ["ip-10-0-2-11.ec2.internal."]),
]


def query(dice, when, name, kind, answers, server=SERVER_1, rcode="NOERROR", **more):
    """One query with its answers."""
    return {
        "version": "1.100000",
        "account_id": APP,
        "region": REGION,
        "vpc_id": VPC,
        "query_timestamp": zulu(when),
        "query_name": name,
        "query_type": kind,
        "query_class": "IN",
        "rcode": rcode,
        "answers": [{"Rdata": text, "Type": kind, "Class": "IN"} for text in answers],
        "srcaddr": server,
        "srcport": str(dice.number(32768, 60999)),
        "transport": more.pop("transport", "UDP"),
        "srcids": {"instance": INSTANCES[server]},
        **more,
    }


def firewall(action, list_id):
    group = {"firewall_rule_group_id": "rslvr-frg-example0000000001", "firewall_rule_action": action}
    return group | {"firewall_domain_list_id": f"rslvr-fdl-example00000000{list_id:02d}"}


def write(about, queries, when):
    name = f"{VPC}_vpcdnsquerylogs_{APP}_{when:%Y%m%dT%H%MZ}_{Dice('dns file', about).hex(8)}.log.gz"
    file = RawFile("route53", f"AWSLogs/{APP}/vpcdnsquerylogs/{VPC}/{when:%Y/%m/%d}/{name}", lines(queries), about)
    for one in queries:
        file.lands("ROUTE53", REGION, APP, moment(one["query_timestamp"].replace("T", " ").rstrip("Z")))
    return file


def everyday(dice, start, count):
    for _ in range(count):
        name, kind, answers = dice.pick(EVERYDAY)
        when = start + timedelta(seconds=dice.number(0, 540))
        yield query(dice, when, name, kind, answers, dice.pick([SERVER_1, SERVER_2]))


def files():
    """Every file of the source."""
    dice = Dice("route53")
    start = moment("2026-03-14 09:50:00")
    morning = [*everyday(dice, start, 60)]
    for number, (rcode, name) in enumerate(
        [("NXDOMAIN", "wpad.shop.internal."), ("SERVFAIL", "broken.example.org."), ("REFUSED", "x.invalid.")]
    ):
        morning.append(query(dice, start + timedelta(seconds=number), name, "A", [], rcode=rcode))
    # Before and while the objects are copied out: where to, and what the firewall makes of it.
    start = moment("2026-03-14 23:54:00")
    midnight = [*everyday(dice, start, 40)]
    for number in range(6):
        when = start + timedelta(seconds=60 * number)
        midnight.append(query(dice, when, f"{DROP_HOST}.", "A", [INTRUDER], **firewall("ALERT", 1)))
    for number in range(20):
        when = start + timedelta(seconds=100 + 15 * number)
        name = f"{Dice('tunnel', number).hex(40)}.t.{DROP_HOST}."
        midnight.append(query(dice, when, name, "TXT", [], rcode="NXDOMAIN", transport="TCP", **firewall("BLOCK", 2)))
    return [
        write("everyday names, and some that fail", dice.shuffled(morning), moment("2026-03-14 10:00:00")),
        write("the intruder's names; the DNS firewall alerts and blocks; two days", dice.shuffled(midnight), moment("2026-03-15 00:05:00")),
    ]
