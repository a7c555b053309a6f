"""VPC Flow Logs: text files whose header names the fields (Amazon VPC user guide, "Flow log records")."""

from datetime import timedelta

from central_logs.shapes import (
    APP,
    BALANCER,
    CUSTOMERS,
    DATABASE,
    EUROPE,
    GATEWAY,
    INSTANCES,
    INTERFACES,
    INTRUDER,
    REGION,
    SERVER_1,
    SERVER_2,
    SUBNET_APP,
    SUBNET_WEB,
    VPC,
    RawFile,
    moment,
    seconds,
)
from cloudtrail.shapes import HOME, Dice

DEFAULT = ("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status").split()
# Every field up to version 5, in an order of the owner's choice.
CUSTOM = (
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr "
    "pkt-dstaddr protocol bytes packets start end action tcp-flags log-status region az-id sublocation-type "
    "sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
).split()
SIX = ["interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"]
SIX += ["action", "log-status", "account-id", "flow-direction", "type"]
TRANSIT = (
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id "
    "tgw-src-vpc-id tgw-dst-vpc-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type "
    "packets-lost-no-route region flow-direction"
).split()


def flow(dice, source, target, ports, when, packets=None, size=None, action="ACCEPT", protocol=6, out=False, flags=19):
    """The fields of one flow as one interface saw it; `out` if it left the interface."""
    here = source if out else target
    packets = packets or dice.number(4, 40)
    is_public = not (source.startswith("10.") and target.startswith("10."))
    return {
        "version": "5",
        "account-id": APP,
        "vpc-id": VPC,
        "subnet-id": SUBNET_WEB if here in (BALANCER, GATEWAY) else SUBNET_APP,
        "instance-id": INSTANCES.get(here, "-"),
        "interface-id": INTERFACES[here],
        "type": "IPv4",
        "srcaddr": source,
        "dstaddr": target,
        "srcport": ports[0],
        "dstport": ports[1],
        "pkt-srcaddr": source,
        "pkt-dstaddr": target,
        "protocol": protocol,
        "packets": packets,
        "bytes": size or packets * dice.number(52, 900),
        "start": seconds(when),
        "end": seconds(when) + dice.number(5, 58),
        "action": action,
        "tcp-flags": 2 if action == "REJECT" else flags if protocol == 6 else 0,
        "log-status": "OK",
        "region": REGION,
        "az-id": "use1-az4",
        "sublocation-type": "-",
        "sublocation-id": "-",
        "pkt-src-aws-service": "-",
        "pkt-dst-aws-service": "-",
        "flow-direction": "egress" if out else "ingress",
        "traffic-path": (8 if is_public else 1) if out else "-",
    }


def shop(dice, start, count):
    """Customers at the balancer, the balancer at the servers, the servers at the database and at AWS."""
    for _ in range(count):
        when = start + timedelta(seconds=dice.number(0, 540))
        customer, server = dice.pick(CUSTOMERS), dice.pick([SERVER_1, SERVER_2])
        port = dice.number(32768, 60999)
        yield flow(dice, customer, BALANCER, (port, 443), when)
        yield flow(dice, BALANCER, server, (port, 8080), when)
        yield flow(dice, server, DATABASE, (port + 1, 5432), when, out=True)
        away = flow(dice, server, "192.0.2.150", (port + 2, 443), when, out=True)
        yield {**away, "pkt-dst-aws-service": dice.pick(["S3", "DYNAMODB", "AMAZON"]), "traffic-path": 7}


def nothing(interface, when, status="NODATA"):
    """What an interface without traffic, or without room for its records, logs."""
    empty = dict.fromkeys(CUSTOM, "-")
    known = {"version": "5", "account-id": APP, "interface-id": interface, "log-status": status}
    return empty | known | {"start": seconds(when), "end": seconds(when) + 60}


def text(fields, flows):
    return "".join(" ".join(str(flow[name]) for name in fields) + "\n" for flow in flows)


def write(about, fields, flows, when, region=REGION, hive=False, account=APP):
    """A file with a header, delivered at `when`."""
    name = Dice("flow file", about, region).hex(8)
    folder = f"AWSLogs/{account}/vpcflowlogs/{region}/{when:%Y/%m/%d}"
    if hive:
        folder = f"AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/"
        folder += f"year={when:%Y}/month={when:%m}/day={when:%d}/hour={when:%H}"
    log = f"fl-0example{Dice('flow log', fields).hex(9)}"
    key = f"{folder}/{account}_vpcflowlogs_{region}_{log}_{when:%Y%m%dT%H%MZ}_{name}.log.gz"
    file = RawFile("vpc-flow", key, (" ".join(fields) + "\n" + text(fields, flows)).encode(), about)
    for one in flows:
        file.lands("VPC_FLOW", region, account, moment("1970-01-01 00:00:00") + timedelta(seconds=int(one["start"])))
    return file


def files():
    """Every file of the source."""
    dice = Dice("vpc-flow")
    # Saturday morning: customers; somebody tries the doors.
    start = moment("2026-03-14 09:50:00")
    doors = [22, 23, 25, 80, 135, 139, 445, 1433, 3306, 3389, 5432, 5900, 6379, 8080, 8443, 9200, 27017]
    scan = [
        flow(dice, INTRUDER, BALANCER, (40000 + n, port), start + timedelta(seconds=7 * n), 1, 44, "REJECT") for n, port in enumerate(doors)
    ]
    morning = [{**one, "version": 2} for one in [*shop(dice, start, 30), *scan]]
    morning += [{**nothing(INTERFACES[DATABASE], start), "version": 2}]
    # Around midnight: objects that were copied out leave, in a file of two days.
    start = moment("2026-03-14 23:55:00")
    leaving = [
        flow(dice, SERVER_1, INTRUDER, (51000 + n, 443), start + timedelta(seconds=60 * n), 60000 + n, 84_000_000 + n, out=True)
        for n in range(9)
    ]
    midnight = [*shop(dice, start, 25), *leaving, nothing(INTERFACES[GATEWAY], start)]
    midnight += [nothing(INTERFACES[BALANCER], start + timedelta(seconds=120), "SKIPDATA")]
    # Another region, Hive-compatible folders, both protocols.
    start = moment("2026-03-15 09:00:00")
    europe = []
    for number in range(24):
        when = start + timedelta(seconds=20 * number)
        one = flow(dice, dice.pick(CUSTOMERS), BALANCER, (dice.number(32768, 60999), 443), when)
        if number % 3 == 0:
            address = f"2001:db8:1234:1a00::{number + 1:x}"
            one |= {"type": "IPv6", "srcaddr": address, "dstaddr": "2001:db8:1234:1a00::a", "action": "ACCEPT"}
        if number % 7 == 0:
            one |= {"protocol": 1, "srcport": 0, "dstport": 0, "action": "REJECT"}
        europe.append(one)
    # Flows through a transit gateway, which are no VPC flows.
    transit = []
    for number in range(6):
        one = dict.fromkeys(TRANSIT, "-") | flow(dice, SERVER_2, "10.8.0.7", (50000 + number, 443), start, out=True)
        one |= {"version": 6, "resource-type": "TransitGateway", "tgw-id": "tgw-0example0000000001", "packets-lost-no-route": 0}
        one |= {"tgw-attachment-id": "tgw-attach-0example00000001", "tgw-src-vpc-id": VPC, "tgw-src-vpc-account-id": APP}
        transit.append(one | {"tgw-dst-vpc-account-id": HOME, "tgw-dst-vpc-id": "vpc-0example0000000009"})
    gateway = write("flows through a transit gateway, which have no table", TRANSIT, transit, moment("2026-03-15 09:10:00"))
    gateway.rows, gateway.skipped = type(gateway.rows)(), type(gateway.skipped)(transit_gateway=len(transit))
    return [
        write("somebody tries the doors; default format", DEFAULT, dice.shuffled(morning), moment("2026-03-14 10:00:00")),
        write("data leaves; every field, in an order of its own; two days", CUSTOM, dice.shuffled(midnight), moment("2026-03-15 00:05:00")),
        write("both protocols; Hive-compatible folders", SIX, europe, moment("2026-03-15 09:10:00"), EUROPE, hive=True),
        gateway,
    ]
