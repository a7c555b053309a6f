"""The shape of CloudTrail records: identities, one record, one log file before it is written.

Field names, their order and which of them are present follow AWS's "CloudTrail record contents" and "CloudTrail
userIdentity element". Values are invented: AWS's documentation accounts, RFC 5737 and RFC 3849 addresses, ids
that end in EXAMPLE.

Nothing here asks the clock or the system for chance: every value derives from a text by SHA-256, so that the same
program writes the same records on any machine and any Python.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# The order in which CloudTrail writes the members of a record.
MEMBERS = (
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode "
    "errorMessage requestParameters responseElements additionalEventData requestID eventID readOnly resources "
    "eventType apiVersion managementEvent recipientAccountId serviceEventDetails sharedEventID vpcEndpointId "
    "vpcEndpointAccountId eventCategory insightDetails tlsDetails sessionCredentialFromConsole"
).split()

# Services have moved to newer record versions at different times; a real file mixes them.
VERSIONS = {
    "signin": "1.08",
    "ssm": "1.08",
    "autoscaling": "1.08",
    "sso": "1.08",
    "backup": "1.08",
    "lambda": "1.09",
    "logs": "1.09",
    "ecr": "1.09",
    "cloudformation": "1.09",
    "ec2": "1.10",
    "rds": "1.10",
    "dynamodb": "1.10",
    "sns": "1.10",
    "iam": "1.11",
    "sts": "1.11",
    "s3": "1.11",
    "kms": "1.11",
    "cloudtrail": "1.11",
}

# Accounts: the application, where people sign in, a partner from outside.
APP, HOME, PARTNER = "111122223333", "444455556666", "123456789012"

# Addresses: the one who should not be there, and the office by both protocols.
INTRUDER, OFFICE, OFFICE_6 = "203.0.113.77", "198.51.100.23", "2001:db8:85a3::8a2e:370:7334"

# Services with one endpoint for all regions; their events are recorded in us-east-1.
GLOBAL = {"iam", "organizations", "health", "cloudfront"}

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0"
CLI = "aws-cli/2.24.10 md/awscrt#0.23.8 ua/2.0 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.9 cfg/retry-mode#standard"
SCRIPT = "python-requests/2.32.3"
SDK = "aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24.1 md/GOOS#linux md/GOARCH#arm64 api/s3#1.78.2"
BOTO = "Boto3/1.37.11 md/Botocore#1.37.11 ua/2.0 os/linux#5.10 md/arch#aarch64 lang/python#3.13.2"


class Dice:
    """A stream of values that follows from its name alone."""

    def __init__(self, *name):
        self.name = "/".join(map(str, name))
        self.count = 0

    def bytes(self, length):
        """The next `length` bytes."""
        out = b""
        while len(out) < length:
            out += hashlib.sha256(f"{self.name}#{self.count}".encode()).digest()
            self.count += 1
        return out[:length]

    def number(self, low, high):
        """A whole number, both ends included."""
        return low + int.from_bytes(self.bytes(6)) % (high - low + 1)

    def pick(self, choices):
        """One of a sequence."""
        return choices[self.number(0, len(choices) - 1)]

    def hex(self, length):
        """`length` hexadecimal digits."""
        return self.bytes((length + 1) // 2).hex()[:length]

    def letters(self, length, alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):
        """`length` letters; the default alphabet is the one of AWS's unique ids."""
        return "".join(alphabet[byte % len(alphabet)] for byte in self.bytes(length))

    def uuid(self):
        """A version 4 UUID."""
        digits = self.hex(32)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def shuffled(self, items):
        """The items in another order."""
        return [item for _, _, item in sorted((self.hex(12), place, item) for place, item in enumerate(items))]


def unique_id(prefix, *name):
    """An id as IAM gives them (`AIDA…`, `AROA…`, `AKIA…`, `ASIA…`), of the EXAMPLE form."""
    length = 9 if prefix in ("AKIA", "ASIA") else 10
    return prefix + Dice(prefix, *name).letters(length) + "EXAMPLE"


def stamp(moment):
    """`2026-03-14T09:05:00Z`"""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def spoken(moment):
    """`Mar 14, 2026, 2:31:07 PM`, the form of dates inside responseElements."""
    hour = moment.hour % 12 or 12
    return f"{moment:%b} {moment.day}, {moment.year}, {hour}:{moment:%M:%S} {moment:%p}"


def role_arn(account, role, path="/"):
    """ARN of a role."""
    return f"arn:aws:iam::{account}:role{path}{role}"


@dataclass
class Caller:
    """Who calls, from where, with what."""

    identity: dict
    ip: str
    agent: str
    tls: bool = True
    endpoint: str | None = None
    console: bool = False

    @property
    def arn(self):
        """The caller's ARN, None where its kind of identity has none."""
        return self.identity.get("arn")


@dataclass
class Log:
    """One log file while it is being told: account, region, the time that it covers, when it was delivered; how it
    is packed (see README.md) and what happens in it."""

    account: str
    region: str
    start: datetime
    end: datetime
    delivered: datetime
    form: str = "compact"
    about: str = ""
    records: list = field(default_factory=list)

    def __post_init__(self):
        self.dice = Dice("log", self.account, self.region, stamp(self.delivered))

    @property
    def key(self):
        """Where CloudTrail puts the file, below the bucket."""
        name = self.dice_name("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return (
            f"AWSLogs/{self.account}/CloudTrail/{self.region}/{self.delivered:%Y/%m/%d}/"
            f"{self.account}_CloudTrail_{self.region}_{self.delivered:%Y%m%dT%H%MZ}_{name}.json.gz"
        )

    def dice_name(self, alphabet):
        """The sixteen characters at the end of the file's name."""
        return Dice("name", self.account, self.region, stamp(self.delivered)).letters(16, alphabet)

    # Callers. The account is the file's own unless another is given.

    def at(self, clock):
        """The moment inside the file's time at which the clock shows `HH:MM:SS`."""
        moment = datetime.combine(self.start.date(), datetime.strptime(clock, "%H:%M:%S").time())
        if moment < self.start:
            moment += timedelta(days=1)
        assert self.start <= moment < self.end, f"{clock} is outside {self.key}"
        return moment

    def sometime(self):
        """Any moment inside the file's time."""
        return self.start + timedelta(seconds=self.dice.number(0, int((self.end - self.start).total_seconds()) - 1))

    def since(self, *name):
        """When a session began: some time before the file's, the same for every record of the session."""
        return stamp(self.start - timedelta(seconds=Dice("since", *name).number(120, 2700)))

    def user(self, name, ip, agent=CLI, key=None, console=False, mfa=False):
        """An IAM user with a long-lived key, or in the console."""
        identity = {
            "type": "IAMUser",
            "principalId": unique_id("AIDA", self.account, name),
            "arn": f"arn:aws:iam::{self.account}:user/{name}",
            "accountId": self.account,
            "accessKeyId": key or unique_id("ASIA" if console else "AKIA", self.account, name),
            "userName": name,
        }
        if console:
            identity["sessionContext"] = {"attributes": {"creationDate": self.since(name), "mfaAuthenticated": str(mfa).lower()}}
        return Caller(identity, ip, agent, console=console)

    def role(self, role, session, ip, agent=SDK, path="/", mfa=False, web=None, issued_to=None, via=None, endpoint=None):
        """A role's session. `web` is the identity provider of a federated one, `issued_to` the instance or
        function that was given the credentials, `via` the service that calls on its behalf."""
        principal = unique_id("AROA", self.account, role)
        context = {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": role_arn(self.account, role, path),
                "accountId": self.account,
                "userName": role,
            }
        }
        if web:
            context["webIdFederationData"] = {"federatedProvider": web, "attributes": {}}
        context["attributes"] = {"creationDate": self.since(role, session), "mfaAuthenticated": str(mfa).lower()}
        identity = {
            "type": "AssumedRole",
            "principalId": f"{principal}:{session}",
            "arn": f"arn:aws:sts::{self.account}:assumed-role/{role}/{session}",
            "accountId": self.account,
            "accessKeyId": unique_id("ASIA", self.account, role, session),
            "sessionContext": context,
        }
        if issued_to:
            kind = "AWS::EC2::Instance" if ":instance/" in issued_to else "AWS::Lambda::Function"
            if kind == "AWS::EC2::Instance":
                context["ec2RoleDelivery"] = "2.0"
            identity["inScopeOf"] = {"issuerType": kind, "credentialsIssuedTo": issued_to}
        if via:
            identity["invokedBy"] = via
            return Caller(identity, via, via, tls=False)
        return Caller(identity, ip, agent, endpoint=endpoint)

    def root(self, ip, agent=BROWSER, mfa=True):
        """The account's root user in the console."""
        identity = {
            "type": "Root",
            "principalId": self.account,
            "arn": f"arn:aws:iam::{self.account}:root",
            "accountId": self.account,
            "accessKeyId": unique_id("ASIA", self.account, "root"),
            "sessionContext": {"attributes": {"creationDate": self.since("root"), "mfaAuthenticated": str(mfa).lower()}},
        }
        return Caller(identity, ip, agent, console=True)

    def service(self, host):
        """An AWS service that acts for itself."""
        return Caller({"type": "AWSService", "invokedBy": host}, host, host, tls=False)

    # Records.

    def add(self, moment, service, name, who, request=None, response=None, read=False, **more):
        """Writes one record and returns it.

        `more` holds record members to set or, with the value `...`, to leave out; `host` for the endpoint's name.
        """
        host = more.pop("host", None) or f"{service}.{'' if service in GLOBAL else self.region + '.'}amazonaws.com"
        record = {
            "eventVersion": VERSIONS.get(service, "1.09"),
            "userIdentity": who.identity,
            "eventTime": stamp(moment),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": self.region,
            "sourceIPAddress": who.ip,
            "userAgent": who.agent,
            "requestParameters": request,
            "responseElements": response,
            "requestID": self.dice.uuid(),
            "eventID": self.dice.uuid(),
            "readOnly": read,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        }
        if who.endpoint:
            record["vpcEndpointId"] = who.endpoint
            record["vpcEndpointAccountId"] = self.account
        if who.tls:
            record["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
            if record["eventVersion"] == "1.11" and service != "s3":
                record["tlsDetails"]["keyExchange"] = "X25519MLKEM768"
        if who.console and service != "signin":
            record["sessionCredentialFromConsole"] = "true"
        record.update(more)
        unknown = set(record) - set(MEMBERS)
        assert not unknown, f"no members of a CloudTrail record: {unknown}"
        record = {member: record[member] for member in MEMBERS if record.get(member, ...) is not ...}
        self.records.append(record)
        return record

    def denied(self, moment, service, name, who, action, resource, code="AccessDenied", **more):
        """A call that a policy refuses."""
        message = f"User: {who.arn} is not authorized to perform: {action} on resource: {resource} because no "
        message += f"identity-based policy allows the {action} action"
        if code.startswith("Client."):
            message = f"You are not authorized to perform this operation. {message}"
        return self.add(moment, service, name, who, errorCode=code, errorMessage=message, **more)

    def credentials(self, moment, *name, hours=1):
        """Temporary credentials as an answer holds them. The token is a plain marker, no token's form."""
        return {
            "accessKeyId": unique_id("ASIA", *name),
            "sessionToken": "EXAMPLESESSIONTOKEN" + base64.b32encode(Dice("token", *name).bytes(25)).decode(),
            "expiration": spoken(moment + timedelta(hours=hours)),
        }


def resource(kind, arn, account=None):
    """A member of `resources`."""
    return {"accountId": account, "type": kind, "ARN": arn} if account else {"type": kind, "ARN": arn}
