"""Changes to IAM, refusals, and hands on the trail."""

import json
from datetime import timedelta

from cloudtrail.shapes import APP, BOTO, BROWSER, CLI, INTRUDER, OFFICE, OFFICE_6, role_arn, spoken, unique_id
from cloudtrail.sign_in import check_mfa, root_person, sign_in

TRAIL = f"arn:aws:cloudtrail:us-east-1:{APP}:trail/samples-trail"

LOCAL_TRAIL = f"arn:aws:cloudtrail:us-east-1:{APP}:trail/local-trail"

PROBES = [
    ("iam", "ListUsers", "iam:ListUsers", "arn:aws:iam::{account}:user/", "AccessDenied"),
    ("iam", "ListRoles", "iam:ListRoles", "arn:aws:iam::{account}:role/", "AccessDenied"),
    ("iam", "GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails", "*", "AccessDenied"),
    ("iam", "CreateAccessKey", "iam:CreateAccessKey", "arn:aws:iam::{account}:user/alex", "AccessDenied"),
    ("ec2", "DescribeInstances", "ec2:DescribeInstances", "*", "Client.UnauthorizedOperation"),
    ("ec2", "DescribeSnapshots", "ec2:DescribeSnapshots", "*", "Client.UnauthorizedOperation"),
    (
        "ec2",
        "ModifySnapshotAttribute",
        "ec2:ModifySnapshotAttribute",
        "arn:aws:ec2:{region}:{account}:snapshot/snap-0example",
        "Client.UnauthorizedOperation",
    ),
    ("secretsmanager", "ListSecrets", "secretsmanager:ListSecrets", "*", "AccessDenied"),
    ("secretsmanager", "GetSecretValue", "secretsmanager:GetSecretValue", "app/database", "AccessDenied"),
    ("kms", "ListAliases", "kms:ListAliases", "*", "AccessDeniedException"),
    ("lambda", "ListFunctions20150331", "lambda:ListFunctions", "*", "AccessDeniedException"),
    ("ssm", "GetParametersByPath", "ssm:GetParametersByPath", "arn:aws:ssm:{region}:{account}:parameter/", "AccessDeniedException"),
    ("organizations", "ListAccounts", "organizations:ListAccounts", "*", "AccessDeniedException"),
]


def created(moment, account, kind, name, path="/"):
    """What IAM answers about a new user or role."""
    prefix = {"user": "AIDA", "role": "AROA"}[kind]
    return {
        "path": path,
        f"{kind}Name": name,
        f"{kind}Id": unique_id(prefix, account, name),
        "arn": f"arn:aws:iam::{account}:{kind}{path}{name}",
        "createDate": spoken(moment),
    }


def iam(log, clock, name, who, request, response=None, **more):
    """A call that changes IAM."""
    log.add(log.at(clock), "iam", name, who, request, response, **more)


def intruder_makes_a_home(log):
    """`operator` makes a user with keys and every right."""
    who, account = log.user("operator", INTRUDER, BROWSER, console=True), log.account
    iam(
        log,
        "14:31:07",
        "CreateUser",
        who,
        {"userName": "svc-backup", "tags": [{"key": "purpose", "value": "nächtliche Sicherung ☾"}]},
        {"user": created(log.at("14:31:07"), account, "user", "svc-backup")},
    )
    key = {
        "userName": "svc-backup",
        "accessKeyId": unique_id("AKIA", account, "svc-backup"),
        "status": "Active",
        "createDate": spoken(log.at("14:31:40")),
    }
    iam(log, "14:31:40", "CreateAccessKey", who, {"userName": "svc-backup"}, {"accessKey": key})
    iam(log, "14:32:15", "AttachUserPolicy", who, {"userName": "svc-backup", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})
    iam(log, "14:33:02", "AddUserToGroup", who, {"groupName": "administrators", "userName": "svc-backup"})
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Export", "Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject"], "Resource": "*"}],
    }
    iam(
        log,
        "14:35:48",
        "PutRolePolicy",
        who,
        {"roleName": "data-export", "policyName": "export", "policyDocument": json.dumps(policy, indent=4)},
    )
    iam(
        log,
        "14:36:30",
        "CreateLoginProfile",
        who,
        {"userName": "svc-backup", "passwordResetRequired": False},
        {"loginProfile": {"userName": "svc-backup", "createDate": spoken(log.at("14:36:30")), "passwordResetRequired": False}},
    )


def everyday_iam(log):
    """What an administrator does on a quiet afternoon."""
    who, account = log.role("admin", "alex", OFFICE, CLI, mfa=True), log.account
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    )
    role = {
        **created(log.at("14:40:11"), account, "role", "thumbnail-function", "/service-role/"),
        "description": "Made for the function thumbnail",
        "assumeRolePolicyDocument": trust.replace('"', "%22").replace(" ", "%20"),
        "maxSessionDuration": 3600,
    }
    iam(
        log,
        "14:40:11",
        "CreateRole",
        who,
        {
            "path": "/service-role/",
            "roleName": "thumbnail-function",
            "description": "Made for the function thumbnail",
            "assumeRolePolicyDocument": trust,
        },
        {"role": role},
    )
    iam(
        log,
        "14:40:13",
        "AttachRolePolicy",
        who,
        {"roleName": "thumbnail-function", "policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"},
    )
    iam(log, "14:41:25", "CreateUser", who, {"userName": "analyst"}, {"user": created(log.at("14:41:25"), account, "user", "analyst")})
    iam(
        log,
        "14:41:26",
        "CreateUser",
        who,
        {"userName": "analyst"},
        errorCode="EntityAlreadyExistsException",
        errorMessage="User with name analyst already exists.",
    )
    iam(log, "14:42:00", "AddUserToGroup", who, {"groupName": "readers", "userName": "analyst"})
    analyst = log.user("analyst", OFFICE_6, BROWSER, console=True)
    iam(log, "14:46:10", "ChangePassword", analyst, None)
    iam(
        log,
        "14:47:33",
        "CreateVirtualMFADevice",
        analyst,
        {"virtualMFADeviceName": "analyst"},
        {"virtualMFADevice": {"serialNumber": f"arn:aws:iam::{account}:mfa/analyst"}},
    )
    iam(log, "14:48:05", "EnableMFADevice", analyst, {"userName": "analyst", "serialNumber": f"arn:aws:iam::{account}:mfa/analyst"})
    iam(
        log, "14:52:40", "DetachRolePolicy", who, {"roleName": "report-function", "policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}
    )
    iam(
        log,
        "14:53:01",
        "DeleteUser",
        who,
        {"userName": "trainee"},
        errorCode="NoSuchEntityException",
        errorMessage="The user with name trainee cannot be found.",
    )
    # Services have users of their own: these are not IAM's.
    log.add(
        log.at("14:54:30"),
        "transfer",
        "CreateUser",
        who,
        {
            "serverId": "s-0example0000000001",
            "userName": "partner-upload",
            "role": role_arn(account, "transfer-access"),
            "homeDirectory": f"/example-app-data-{account}/in",
        },
        {"serverId": "s-0example0000000001", "userName": "partner-upload"},
    )
    log.add(
        log.at("14:55:12"),
        "elasticache",
        "CreateUser",
        who,
        {
            "userId": "cache-reader",
            "userName": "cache-reader",
            "engine": "valkey",
            "accessString": "on ~* +@read",
            "noPasswordRequired": False,
            "passwords": "***",
        },
        {
            "userId": "cache-reader",
            "userName": "cache-reader",
            "status": "active",
            "aRN": f"arn:aws:elasticache:{log.region}:{account}:user:cache-reader",
        },
    )


def clean_up(log):
    """Root ends it: signs in with its second factor, shuts the doors, leaves."""
    root, account = log.root(OFFICE), log.account
    check_mfa(log, "11:40:02", root_person(log), OFFICE)
    sign_in(log, "11:40:20", root_person(log), OFFICE, mfa="Yes")
    iam(log, "11:41:00", "GetAccountSummary", root, None, readOnly=True)
    iam(log, "11:41:30", "ListUsers", root, None, readOnly=True)
    iam(log, "11:41:31", "ListMFADevices", root, {"userName": "operator"}, readOnly=True)
    iam(
        log,
        "11:42:10",
        "UpdateAccessKey",
        root,
        {"userName": "svc-backup", "status": "Inactive", "accessKeyId": unique_id("AKIA", account, "svc-backup")},
    )
    iam(log, "11:42:40", "DeleteAccessKey", root, {"userName": "svc-backup", "accessKeyId": unique_id("AKIA", account, "svc-backup")})
    iam(log, "11:43:00", "DetachUserPolicy", root, {"userName": "svc-backup", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})
    iam(
        log,
        "11:43:05",
        "DeleteUser",
        root,
        {"userName": "svc-backup"},
        errorCode="DeleteConflictException",
        errorMessage="Cannot delete entity, must remove users from group first.",
    )
    iam(log, "11:43:20", "RemoveUserFromGroup", root, {"groupName": "administrators", "userName": "svc-backup"})
    iam(log, "11:43:25", "DeleteLoginProfile", root, {"userName": "svc-backup"})
    iam(log, "11:43:30", "DeleteUser", root, {"userName": "svc-backup"})
    iam(log, "11:44:00", "DeleteRolePolicy", root, {"roleName": "data-export", "policyName": "export"})
    iam(log, "11:44:45", "UpdateLoginProfile", root, {"userName": "operator", "passwordResetRequired": True})
    iam(
        log,
        "11:45:30",
        "UpdateAccountPasswordPolicy",
        root,
        {
            "minimumPasswordLength": 16,
            "requireSymbols": True,
            "requireNumbers": True,
            "allowUsersToChangePassword": True,
            "maxPasswordAge": 0,
        },
    )
    log.add(log.at("11:46:10"), "cloudtrail", "StartLogging", root, {"name": LOCAL_TRAIL})


def refused(log, clock, who, count, every=9):
    """`count` refused calls, one each `every` seconds."""
    probes = [probe for probe in PROBES if log.region == "us-east-1" or probe[0] not in ("iam", "organizations")]
    for number in range(count):
        service, name, action, target, code = probes[number % len(probes)]
        read = not name.startswith(("Create", "Modify"))
        target = target.format(account=log.account, region=log.region)
        log.denied(log.at(clock) + timedelta(seconds=number * every), service, name, who, action, target, code, read=read)


def against_the_trail(log):
    """Somebody wants not to be seen."""
    who = log.role("data-export", "job-17", INTRUDER, BOTO)
    log.denied(log.at("11:22:00"), "cloudtrail", "StopLogging", who, "cloudtrail:StopLogging", TRAIL)
    log.denied(log.at("11:22:20"), "cloudtrail", "DeleteTrail", who, "cloudtrail:DeleteTrail", TRAIL)
    # A second trail of the account falls silent; the one that writes these files does not.
    backup = log.user("svc-backup", INTRUDER, BOTO)
    log.add(log.at("11:24:41"), "cloudtrail", "StopLogging", backup, {"name": LOCAL_TRAIL})
    log.add(
        log.at("11:25:03"),
        "cloudtrail",
        "DeleteTrail",
        backup,
        {"name": LOCAL_TRAIL},
        errorCode="ConflictException",
        errorMessage="This resource is being used by another operation.",
    )
