"""Security Hub findings in the AWS Security Finding Format (Security Hub user guide, "ASFF syntax"): as events that a
delivery stream has put one behind the other, and as an answer of GetFindings."""

from datetime import timedelta

from central_logs.shapes import APP, INSTANCES, INTRUDER, REGION, SERVER_1, VPC, RawFile, compact, moment, zulu
from cloudtrail.shapes import Dice, unique_id

KINDS = {
    "guardduty": ("GuardDuty", "Amazon"),
    "securityhub": ("Security Hub", "AWS"),
    "inspector": ("Inspector", "Amazon"),
    "macie": ("Macie", "Amazon"),
}


def finding(product, number, when, title, severity, types, resources, updated=None, account=APP, **more):
    """A finding. `product` is one of AWS's, or `company/product`."""
    owner = "" if product in KINDS else account
    arn = f"arn:aws:securityhub:{REGION}:{owner}:product/{product if '/' in product else f'aws/{product}'}"
    name, company = KINDS.get(product, ("Example Scanner", "Example Corp"))
    score = {"INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90}[severity]
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"arn:aws:{product.rpartition('/')[2]}:{REGION}:{account}:finding/{Dice('finding', product, number).hex(32)}",
        "ProductArn": arn,
        "ProductName": name,
        "CompanyName": company,
        "Region": REGION,
        "GeneratorId": f"{product}/{number}",
        "AwsAccountId": account,
        "Types": types,
        "FirstObservedAt": zulu(when, 3),
        "LastObservedAt": zulu(updated or when, 3),
        "CreatedAt": zulu(when, 3),
        "UpdatedAt": zulu(updated or when, 3),
        "Severity": {"Label": severity, "Normalized": score},
        "Title": title,
        "Description": f"{title}.",
        "ProductFields": {"aws/securityhub/ProductName": name, "aws/securityhub/CompanyName": company},
        "Resources": resources,
        "WorkflowState": "NEW",
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
        **more,
    }


def resource(kind, uid, **details):
    more = {"Details": {kind: details}} if details else {}
    return {"Type": kind, "Id": uid, "Partition": "aws", "Region": REGION, "Tags": {"team": "web"}, **more}


def server():
    arn = f"arn:aws:ec2:{REGION}:{APP}:instance/{INSTANCES[SERVER_1]}"
    return resource("AwsEc2Instance", arn, Type="m7g.large", VpcId=VPC, IpV4Addresses=[SERVER_1])


def key_of(user):
    return resource("AwsIamAccessKey", f"AWS::IAM::AccessKey:{unique_id('AKIA', APP, user)}", PrincipalName=user, PrincipalType="IAMUser")


def bucket(name):
    return resource("AwsS3Bucket", f"arn:aws:s3:::{name}")


def intruder(port, direction="INBOUND"):
    """What GuardDuty says of the other side."""
    geo = {"City": {"CityName": "Exampletown"}, "Country": {"CountryName": "Exampleland"}, "GeoLocation": {"Lat": 1.5, "Lon": 2.5}}
    action = {
        "ActionType": "NETWORK_CONNECTION",
        "NetworkConnectionAction": {
            "ConnectionDirection": direction,
            "Protocol": "TCP",
            "Blocked": False,
            "RemoteIpDetails": {"IpAddressV4": INTRUDER, **geo},
            "RemotePortDetails": {"Port": port},
            "LocalPortDetails": {"Port": 443},
        },
    }
    return {"Action": action}


def story():
    """The findings, oldest first, each with the time at which it was imported."""
    at = moment
    scan = "TTPs/Discovery/Recon:EC2-Portscan"
    login = "TTPs/Initial Access/UnauthorizedAccess:IAMUser-ConsoleLogin"
    leak = "TTPs/Exfiltration/Exfiltration:S3-AnomalousBehavior"
    check = "Software and Configuration Checks/Industry and Regulatory Standards"
    flaw = "Software and Configuration Checks/Vulnerabilities/CVE"
    yield finding("guardduty", 1, at("2026-03-14 09:58:00"), "A port scan from outside", "LOW", [scan], [server()], **intruder(40000))
    yield finding(
        "guardduty",
        2,
        at("2026-03-14 10:02:00"),
        "A console sign-in from an unusual place",
        "MEDIUM",
        [login],
        [key_of("operator")],
        **intruder(443),
    )
    status = {
        "Compliance": {
            "Status": "FAILED",
            "SecurityControlId": "IAM.19",
            "AssociatedStandards": [{"StandardsId": "standards/example/v/1.0.0"}],
        }
    }
    advice = {"Remediation": {"Recommendation": {"Text": "Turn MFA on for every user.", "Url": "https://example.com/iam-19"}}}
    user = resource("AwsIamUser", f"arn:aws:iam::{APP}:user/operator")
    yield finding("securityhub", 3, at("2026-03-14 11:00:00"), "MFA is to be on for all users", "HIGH", [check], [user], **status, **advice)
    passed = {"Compliance": {"Status": "PASSED", "SecurityControlId": "S3.8"}}
    yield finding(
        "securityhub",
        4,
        at("2026-03-14 11:00:10"),
        "Buckets are to block public access",
        "INFORMATIONAL",
        [check],
        [bucket(f"example-app-data-{APP}")],
        **passed,
    )
    package = {"Name": "examplelib", "Version": "1.2.3", "Architecture": "ARM_64", "PackageManager": "OS", "FixedInVersion": "1.2.4"}
    cvss = [{"Version": "3.1", "BaseScore": 9.8, "BaseVector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "Source": "EXAMPLE"}]
    named = {"Id": "CVE-2026-00001", "VulnerablePackages": [package], "Cvss": cvss, "ReferenceUrls": ["https://example.com/cve"]}
    named |= {
        "Vendor": {"Name": "EXAMPLE", "Url": "https://example.com", "VendorSeverity": "CRITICAL"},
        "FixAvailable": "YES",
        "EpssScore": 0.42,
    }
    yield finding(
        "inspector",
        5,
        at("2026-03-14 12:00:00"),
        "CVE-2026-00001 - examplelib",
        "CRITICAL",
        [flaw],
        [server()],
        Vulnerabilities=[named],
        FixAvailable="YES",
    )
    away = at("2026-03-14 23:59:30")
    yield finding(
        "guardduty",
        6,
        away,
        "Objects are read in an unusual way",
        "HIGH",
        [leak],
        [bucket(f"example-app-data-{APP}"), key_of("svc-backup")],
        **intruder(443, "OUTBOUND"),
    )
    later = away + timedelta(minutes=20)
    yield finding(
        "guardduty",
        6,
        away,
        "Objects are read in an unusual way",
        "CRITICAL",
        [leak],
        [bucket(f"example-app-data-{APP}"), key_of("svc-backup")],
        later,
        **intruder(443, "OUTBOUND"),
    )
    sensitive = "Sensitive Data Identifications/PII/SensitiveData:S3Object-Personal"
    yield finding(
        "macie", 7, at("2026-03-15 03:00:00"), "The object holds personal data", "MEDIUM", [sensitive], [bucket(f"example-reports-{APP}")]
    )
    yield finding(
        f"{APP}/example-scanner",
        8,
        at("2026-03-15 04:00:00"),
        "A dependency is out of date",
        "LOW",
        [flaw],
        [server()],
        Vulnerabilities=[{"Id": "CVE-2026-00002"}],
    )
    closed = {"Workflow": {"Status": "RESOLVED"}, "WorkflowState": "RESOLVED", "RecordState": "ARCHIVED"}
    clean = at("2026-03-15 11:55:00")
    yield finding(
        "guardduty",
        2,
        at("2026-03-14 10:02:00"),
        "A console sign-in from an unusual place",
        "MEDIUM",
        [login],
        [key_of("operator")],
        clean,
        **(intruder(443) | closed),
    )


def event(findings, when):
    """An event of EventBridge."""
    return {
        "version": "0",
        "id": Dice("event", when).uuid(),
        "detail-type": "Security Hub Findings - Imported",
        "source": "aws.securityhub",
        "account": APP,
        "time": zulu(when),
        "region": REGION,
        "resources": [one["Id"] for one in findings],
        "detail": {"findings": findings},
    }


def count(file, findings):
    for one in findings:
        file.lands("SH_FINDINGS", REGION, APP, moment(one["UpdatedAt"][:19].replace("T", " ")))
    return file


def delivered(about, findings, when):
    """What the delivery stream wrote: events with nothing between them. One event may hold several findings."""
    batches = [findings[:1], findings[1:3], *([one] for one in findings[3:])]
    text = "".join(compact(event(batch, moment(batch[-1]["UpdatedAt"][:19].replace("T", " ")))) for batch in batches if batch)
    name = f"open-security-lake-SecurityHubDelivery-1-{when:%Y-%m-%d-%H-%M-%S}-{Dice('delivery', about).uuid()}.gz"
    return count(RawFile("security-hub", f"security-hub/{when:%Y/%m/%d/%H}/{name}", text.encode(), about), findings)


def files():
    """Every file of the source."""
    findings = list(story())
    answer = {"Findings": [findings[0] | {"Id": findings[0]["Id"][:-4] + "0001"}, findings[3] | {"Id": findings[3]["Id"][:-4] + "0003"}]}
    export = RawFile(
        "security-hub", "security-hub/exports/GetFindings-2026-03-14.json.gz", compact(answer).encode(), "an answer of GetFindings"
    )
    return [
        delivered("GuardDuty sees the scan and the sign-in; checks; a vulnerability", findings[:5], moment("2026-03-14 12:05:00")),
        delivered(
            "objects are copied out; personal data; a third party's finding; one is closed", findings[5:], moment("2026-03-15 12:00:00")
        ),
        count(export, answer["Findings"]),
    ]
