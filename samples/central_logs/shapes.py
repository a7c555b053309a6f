"""What the samples of all other sources have in common: a raw file with what is to come of it, and the network."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloudtrail.shapes import APP, INTRUDER

__all__ = ["APP", "INTRUDER", "REGION", "RawFile", "lines", "moment", "seconds"]

REGION, EUROPE = "us-east-1", "eu-west-1"

# The application's network: a load balancer in front of two servers, a database, the way out.
VPC = "vpc-0example0000000001"
SUBNET_WEB, SUBNET_APP = "subnet-0example000000web1", "subnet-0example000000app1"
BALANCER, SERVER_1, SERVER_2, DATABASE, GATEWAY = "10.0.1.10", "10.0.2.11", "10.0.2.12", "10.0.3.20", "10.0.1.5"
INTERFACES = {
    BALANCER: "eni-0example000000alb1",
    SERVER_1: "eni-0example000000app1",
    SERVER_2: "eni-0example000000app2",
    DATABASE: "eni-0example0000000db1",
    GATEWAY: "eni-0example000000nat1",
}
# The instances that act in CloudTrail's records too.
INSTANCES = {SERVER_1: "i-01370495e0d636abb", SERVER_2: "i-0959fe54f8c4bcc40"}
# Customers of the shop, and the name under which the intruder is reached.
CUSTOMERS = [f"198.51.100.{number}" for number in (17, 44, 61, 102, 140, 203)]
DROP_HOST = "drop.example.net"


@dataclass
class RawFile:
    """A raw file: its key in the central bucket, its bytes before compression, and what its records become."""

    function: str
    key: str
    data: bytes
    about: str
    # Rows of (table, region, account, day); reasons of the records that are skipped.
    rows: Counter = field(default_factory=Counter)
    skipped: Counter = field(default_factory=Counter)
    # Packed as parts of its own, as delivery streams append what they are given.
    members: list | None = None

    @property
    def records(self):
        return sum(self.rows.values()) + sum(self.skipped.values())

    def lands(self, table, region, account, when):
        """Counts a row."""
        self.rows[table, region, account, f"{when:%Y%m%d}"] += 1


def moment(text):
    """`2026-03-14 09:50:00`, UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def seconds(when):
    return int(when.timestamp())


def millis(when):
    return int(when.timestamp() * 1000)


def zulu(when, digits=0):
    """`2026-03-14T09:50:00Z`, with as many digits of the second's fraction."""
    fraction = f".{when.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def lines(values):
    """JSON lines."""
    return "".join(compact(value) + "\n" for value in values).encode()
