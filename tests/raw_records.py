"""Raw logs of our own writing, some of each source, and the objects that AWS delivers them in.

Every record is a dict of what AWS writes; a VPC flow log's is a dict of texts by field name. They are made of a few
lists whose lengths share no factor, so that values meet in every combination. The same on every machine.
"""

import datetime
import gzip
import json
from contextvars import ContextVar

import lake_cli

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("us-east-1", "eu-west-1", "us-east-1")
START = ContextVar("start", default=datetime.datetime(2026, 3, 14, 22, 30, tzinfo=datetime.UTC))
RECORDS = 42

CLIENTS = ("192.0.2.10", "198.51.100.7", "203.0.113.77", "2001:db8::7", "192.0.2.11")
DEFAULT_FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
FIELDS = (
    DEFAULT_FIELDS + " vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id"
    " sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
)


def time(number):
    """Of record `number`: minutes apart, so that the day changes in the middle."""
    return START.get() + datetime.timedelta(minutes=number * 4, milliseconds=number * 7)


def pick(values, number):
    return values[number % len(values)]


def cloudtrail(number):
    names = ("DescribeInstances", "ConsoleLogin", "CreateUser", "DeleteBucket", "AssumeRole")
    services = ("ec2", "signin", "iam", "s3", "sts")
    record = lake_cli.record(
        number,
        eventTime=time(number).strftime("%Y-%m-%dT%H:%M:%SZ"),
        eventName=pick(names, number),
        eventSource=f"{pick(services, number)}.amazonaws.com",
        awsRegion=pick(REGIONS, number),
        recipientAccountId=pick(ACCOUNTS, number),
        sourceIPAddress=pick(CLIENTS, number),
    )
    if number % 4 == 3 and record["eventName"] != "ConsoleLogin":
        record |= {"errorCode": "AccessDenied", "errorMessage": "not authorized"}
    if number % 7 > 4:
        return data_event(number, record)
    match record["eventName"]:
        case "ConsoleLogin":
            record |= {"eventType": "AwsConsoleSignIn", "additionalEventData": {"MFAUsed": pick(("Yes", "No"), number)}}
            record["responseElements"] = {"ConsoleLogin": pick(("Success", "Failure", "Success"), number)}
        case "CreateUser":
            record["requestParameters"] = {"userName": f"user-{number}"}
        case "DeleteBucket":
            arn = f"arn:aws:s3:::bucket-{number % 2}"
            record["resources"] = [{"ARN": arn, "accountId": "111122223333", "type": "AWS::S3::Bucket"}]
    return record


def data_event(number, record):
    record |= {"eventCategory": "Data", "managementEvent": False}
    if number % 7 == 5:
        arn = f"arn:aws:lambda:us-east-1:111122223333:function:f{number % 2}"
        record |= {"eventSource": "lambda.amazonaws.com", "eventName": "Invoke"}
        record["requestParameters"] = {"functionName": arn}
        record["resources"] = [{"type": "AWS::Lambda::Function", "ARN": arn}]
        return record
    bucket = f"bucket-{number % 2}"
    record |= {"eventSource": "s3.amazonaws.com", "eventName": pick(("GetObject", "DeleteObject"), number // 7)}
    record["requestParameters"] = {"bucketName": bucket, "key": f"k{number}"}
    record["resources"] = [{"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}]
    return record


def vpc_flow(number):
    start = int(time(number).timestamp())
    is_egress, is_rejected = number % 3 == 1, number % 4 == 2
    client = pick((*CLIENTS, "10.0.2.2", "198.51.100.8"), number)
    server = "2001:db8::1" if ":" in client else "10.0.1.5"
    here, there = (server, client) if is_egress else (client, server)
    record = {
        "version": "5",
        "account-id": pick(ACCOUNTS, number),
        "interface-id": f"eni-{pick('abc', number) * 17}",
        "srcaddr": here,
        "dstaddr": there,
        "srcport": str(40000 + number),
        "dstport": pick(("443", "22", "53", "3389"), number),
        "protocol": pick(("6", "6", "17"), number),
        "packets": str(number + 1),
        "bytes": str((number + 1) * 1500 + (1 << 40) * (number == 8)),
        "start": str(start),
        "end": str(start + 59),
        "action": "REJECT" if is_rejected else "ACCEPT",
        "log-status": "OK",
        "vpc-id": f"vpc-{pick('de', number) * 17}",
        "subnet-id": f"subnet-{pick('fa', number) * 17}",
        "instance-id": f"i-{pick('bcd', number) * 17}",
        "tcp-flags": pick(("2", "19", "0"), number),
        "type": "IPv6" if ":" in client else "IPv4",
        # Behind a NAT gateway the packet has another address.
        "pkt-srcaddr": "10.0.9.9" if is_egress and number % 5 == 1 else here,
        "pkt-dstaddr": there,
        "region": pick(REGIONS, number),
        "az-id": f"{pick(('use1', 'euw1', 'use1'), number)}-az1",
        "sublocation-type": "-",
        "sublocation-id": "-",
        "pkt-src-aws-service": "-",
        "pkt-dst-aws-service": "S3" if is_egress and number % 2 else "-",
        "flow-direction": "egress" if is_egress else "ingress",
        "traffic-path": "8" if is_egress else "-",
    }
    if number % 11 == 10:
        kept = ("version", "account-id", "interface-id", "start", "end", "region", "vpc-id", "subnet-id")
        record = {name: value if name in kept else "-" for name, value in record.items()}
        record["log-status"] = pick(("NODATA", "SKIPDATA"), number)
    return record


def route53(number):
    name = pick(("www.example.com.", "api.example.org.", "bad.example.net.", "mail.example.com."), number)
    kind = pick(("A", "AAAA", "TXT"), number)
    rcode = pick(("NOERROR", "NOERROR", "NXDOMAIN", "NOERROR", "SERVFAIL"), number)
    rdata = {"A": f"198.51.100.{number}", "AAAA": f"2001:db8::{number:x}", "TXT": '"v=spf1 -all"'}[kind]
    record = {
        "version": pick(("1.100000", "1.000000"), number),
        "account_id": pick(ACCOUNTS, number),
        "region": pick(REGIONS, number),
        "vpc_id": f"vpc-{pick('de', number) * 17}",
        "query_timestamp": time(number).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "query_name": name,
        "query_type": kind,
        "query_class": "IN",
        "rcode": rcode,
        "answers": [{"Rdata": rdata, "Type": kind, "Class": "IN"}] * (number % 3) if rcode == "NOERROR" else [],
        "srcaddr": pick(("10.0.1.5", "10.0.1.6", "2001:db8::5"), number),
        "srcport": str(30000 + number),
        "transport": pick(("UDP", "TCP", "UDP"), number),
        "srcids": {"instance": f"i-{pick('bcd', number) * 17}"},
    }
    if number % 5 == 4:
        record["srcids"] = {"resolver_endpoint": "rslvr-in-0123456789abcdef0", "resolver_network_interface": "rni-1"}
    if name.startswith("bad."):
        record |= {"firewall_rule_action": pick(("BLOCK", "ALERT", "ALLOW"), number)}
        record |= {"firewall_rule_group_id": "rslvr-frg-1", "firewall_domain_list_id": f"rslvr-fdl-{number % 2}"}
    return record


def finding(number):
    """A finding of a control, of GuardDuty's kind, of Inspector's kind, or of a product that is not AWS's."""
    account, region = pick(ACCOUNTS, number), pick(REGIONS, number)
    created, updated = time(number - 1000), time(number)
    seconds = "%Y-%m-%dT%H:%M:%S.000Z"
    product = pick(("securityhub", "guardduty", "inspector", "example/scanner"), number)
    label = pick(("LOW", "MEDIUM", "CRITICAL", "INFORMATIONAL", "HIGH"), number)
    instance = f"arn:aws:ec2:{region}:{account}:instance/i-{pick('bcd', number) * 17}"
    record = {
        "SchemaVersion": "2018-10-08",
        "Id": f"arn:aws:securityhub:{region}:{account}:finding/{number:08}",
        "ProductArn": f"arn:aws:securityhub:{region}::product/{'' if '/' in product else 'aws/'}{product}",
        "ProductName": {"securityhub": "Security Hub", "guardduty": "GuardDuty", "inspector": "Inspector"}.get(
            product, "Scanner"
        ),
        "CompanyName": "Example" if "/" in product else "AWS",
        "Region": region,
        "GeneratorId": f"generator-{number % 3}",
        "AwsAccountId": account,
        "Types": ["Software and Configuration Checks"],
        "FirstObservedAt": created.strftime(seconds),
        "LastObservedAt": updated.strftime(seconds),
        "CreatedAt": created.strftime(seconds),
        "UpdatedAt": updated.strftime(seconds) if number % 3 else created.strftime(seconds),
        "Severity": {"Label": label, "Normalized": 40, "Original": label},
        "Title": f"Title of {product} {number % 6}",
        "Description": "What was found.",
        "Resources": [
            {"Type": "AwsEc2Instance", "Id": instance, "Partition": "aws", "Region": region, "Tags": {"team": "blue"}},
            {"Type": "AwsAccount", "Id": f"AWS::::Account:{account}", "Partition": "aws", "Region": region},
        ][: 1 + number % 2],
        "WorkflowState": "NEW",
        "Workflow": {"Status": pick(("NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"), number // 2)},
        "RecordState": "ACTIVE",
        "ProductFields": {"aws/securityhub/ProductName": product},
    }
    match product:
        case "securityhub":
            record["Compliance"] = {"Status": pick(("FAILED", "PASSED"), number // 4), "SecurityControlId": "EC2.19"}
            record["Remediation"] = {"Recommendation": {"Text": "Read on.", "Url": "https://example.com/ec2-19"}}
        case "example/scanner":
            record["Types"] = ["Unusual Behaviors/Application"]
        case "guardduty":
            record["Types"] = ["TTPs/Discovery/Recon:EC2-PortProbe"]
            record["SourceUrl"] = "https://example.com/finding"
        case "inspector":
            record["Vulnerabilities"] = [
                {
                    "Id": f"CVE-2026-{1000 + number}",
                    "VulnerablePackages": [{"Name": "openssl", "Version": "3.0.1", "Architecture": "X86_64"}],
                    "Cvss": [{"Version": "3.1", "BaseScore": 7.5, "BaseVector": "CVSS:3.1/AV:N"}],
                    "Vendor": {"Name": "NVD", "Url": "https://example.com/cve"},
                }
            ]
    return record


def eks_audit(number):
    verb = pick(("get", "list", "create", "delete", "watch", "update"), number)
    resource = pick(("pods", "secrets", "configmaps", "nodes"), number)
    user = pick(("admin", "system:node:ip-10-0-1-5.ec2.internal", "system:serviceaccount:default:ci"), number)
    code = 403 if number % 5 == 4 else 201 if verb == "create" else 200
    moment = time(number).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    record = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": pick(("Metadata", "Request", "RequestResponse"), number),
        "auditID": f"20000000-0000-4000-8000-{number:012}",
        "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/default/{resource}",
        "verb": verb,
        "user": {
            "username": user,
            "uid": f"aws-iam-authenticator:{ACCOUNTS[0]}:AROAEXAMPLE{number % 3}",
            "groups": ["system:authenticated", pick(("system:masters", "system:nodes"), number)],
            "extra": {
                "accessKeyId": ["ASIAEXAMPLEEXAMPLE00"],
                "arn": [f"arn:aws:sts::{ACCOUNTS[0]}:assumed-role/deploy/session"],
                "canonicalArn": [f"arn:aws:iam::{ACCOUNTS[0]}:role/deploy"],
                "sessionName": ["session"],
            },
        },
        "sourceIPs": [pick(CLIENTS, number), "10.0.0.1"][: 1 + number % 2],
        "userAgent": pick(("kubectl/v1.33.1", "kubelet/v1.33.1"), number),
        "objectRef": {"resource": resource, "namespace": "default", "name": f"{resource}-{number}", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": time(number).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "stageTimestamp": moment,
        "annotations": {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow"},
    }
    if code == 403:
        record["responseStatus"] |= {"status": "Failure", "reason": "Forbidden", "message": f"{resource} is forbidden"}
    if verb == "create" and resource == "pods":
        container = {"name": "web", "image": f"registry.example.com/web:{number % 2}"}
        record["requestObject"] = {"kind": "Pod", "spec": {"containers": [container]}}
    return record


def waf(number):
    action = pick(("ALLOW", "BLOCK", "ALLOW", "CAPTCHA", "BLOCK"), number)
    region, account = pick(REGIONS, number), pick(ACCOUNTS, number)
    rule = {"ALLOW": "Default_Action", "BLOCK": pick(("sql", "bad-inputs"), number), "CAPTCHA": "captcha"}[action]
    record = {
        "timestamp": int(time(number).timestamp() * 1000) + number % 1000,
        "formatVersion": 1,
        "webaclId": f"arn:aws:wafv2:{region}:{account}:regional/webacl/web/0123",
        "terminatingRuleId": rule,
        "terminatingRuleType": "REGULAR",
        "action": action,
        "terminatingRuleMatchDetails": [],
        "httpSourceName": "ALB",
        "httpSourceId": f"{account}-app/web/{number % 2}",
        "ruleGroupList": [],
        "rateBasedRuleList": [],
        "nonTerminatingMatchingRules": [{"ruleId": "count-me", "action": "COUNT"}] if number % 4 == 1 else [],
        "httpRequest": {
            "clientIp": pick(CLIENTS, number),
            "country": pick(("US", "DE", "JP"), number),
            "headers": [
                {"name": "Host", "value": pick(("www.example.com", "api.example.com"), number)},
                {"name": "User-Agent", "value": pick(("curl/8.9", "Mozilla/5.0"), number)},
            ],
            "uri": pick(("/", "/login", "/cart"), number),
            "args": pick(("", "id=1%27"), number),
            "httpVersion": "HTTP/1.1",
            "httpMethod": pick(("GET", "POST", "GET", "HEAD"), number),
            "requestId": f"30000000-{number:08}",
        },
        "labels": [{"name": "awswaf:managed:aws:core-rule-set:test"}] if number % 3 == 2 else [],
    }
    if rule == "sql":
        record["terminatingRuleMatchDetails"] = [
            {"conditionType": "SQL_INJECTION", "location": "ALL_QUERY_ARGS", "matchedData": ["id", "'", "1"]}
        ]
        record["responseCodeSent"] = 403
    return record


MAKERS = {
    "cloudtrail": cloudtrail,
    "vpc-flow": vpc_flow,
    "route53": route53,
    "security-hub": finding,
    "eks-audit": eks_audit,
    "waf": waf,
}


def records(function, start=None):
    """Some records of the source, by the name of its function; from another time on if that is wanted."""
    token = START.set(start or START.get())
    try:
        return [MAKERS[function](number) for number in range(RECORDS)]
    finally:
        START.reset(token)


def lines(found):
    return "".join(json.dumps(record) + "\n" for record in found)


def flow_log(found):
    """A flow log: fields in the order of the first record."""
    found = list(found)
    header = list(found[0]) if found else DEFAULT_FIELDS.split()
    return "\n".join([" ".join(header), *(" ".join(record[name] for name in header) for record in found), ""])


def log(function, found):
    """An object with the records, compressed, as the source's delivery writes it."""
    found = list(found)
    match function:
        case "cloudtrail":
            text = json.dumps({"Records": found})
        case "vpc-flow":
            text = flow_log(found)
        case "security-hub":
            text = json.dumps({"Findings": found})
        case _:
            text = lines(found)
    return gzip.compress(text.encode(), mtime=0)


def key(function, name="x"):
    """The key of such an object."""
    account, region, day = ACCOUNTS[0], REGIONS[0], "2026/03/14"
    stamp = "20260314T0905Z"
    return {
        "cloudtrail": lake_cli.log_key(name),
        "vpc-flow": f"AWSLogs/{account}/vpcflowlogs/{region}/{day}/"
        f"{account}_vpcflowlogs_{region}_fl-0123456789abcdef0_{stamp}_{name}.log.gz",
        "route53": f"AWSLogs/{account}/vpcdnsquerylogs/vpc-1/{day}/vpc-1_vpcdnsquerylogs_{account}_{stamp}_{name}.log.gz",
        "security-hub": f"securityhub/{day}/{name}.json.gz",
        "eks-audit": f"eks-audit/{day}/{name}.gz",
        "waf": f"AWSLogs/{account}/WAFLogs/{region}/web/{day}/09/05/{account}_waflogs_{region}_web_{stamp}_{name}.log.gz",
    }[function]
