"""Signing in, and taking on roles."""

from datetime import timedelta

from cloudtrail.shapes import BOTO, BROWSER, HOME, OFFICE, PARTNER, Caller, Dice, resource, role_arn, stamp, unique_id
from cloudtrail.traffic import s3_details

OIDC = "token.actions.githubusercontent.com"

IDENTITY_STORE = f"arn:aws:identitystore::{HOME}:identitystore/d-90example01"


def sign_in(log, clock, identity, ip, *, mfa="No", failure=None, agent=BROWSER, to=None):
    """A ConsoleLogin; `failure` is the message of one that did not succeed."""
    to = to or "https://console.aws.amazon.com/console/home?state=hashArgs%23&isauthcode=true"
    details = {"LoginTo": to, "MobileVersion": "No", "MFAUsed": mfa}
    if mfa == "Yes" and "userName" in identity:
        serial = f"arn:aws:iam::{log.account}:mfa/{identity['userName']}"
        details = {"LoginTo": to, "MobileVersion": "No", "MFAIdentifier": serial, "MFAUsed": "Yes"}
    log.add(
        log.at(clock),
        "signin",
        "ConsoleLogin",
        Caller(identity, ip, agent),
        None,
        {"ConsoleLogin": "Failure" if failure else "Success"},
        errorMessage=failure or ...,
        additionalEventData=details,
        requestID=...,
        eventType="AwsConsoleSignIn",
        host="signin.aws.amazon.com",
    )


def check_mfa(log, clock, identity, ip, kind="Virtual MFA"):
    """The question for the second factor that comes before the ConsoleLogin."""
    identity = {key: value for key, value in identity.items() if key != "arn"}
    log.add(
        log.at(clock),
        "signin",
        "CheckMfa",
        Caller({**identity, "accessKeyId": ""}, ip, BROWSER),
        None,
        {"CheckMfa": "Success"},
        additionalEventData={"MfaType": kind},
        requestID=...,
        eventType="AwsConsoleSignIn",
        host=f"{log.region}.signin.aws.amazon.com",
    )


def person(log, name):
    """userIdentity of a user who has signed in."""
    user = log.user(name, "").identity
    return {key: user[key] for key in ("type", "principalId", "arn", "accountId", "userName")}


def stranger(log, name):
    """userIdentity of an attempt that failed: no ARN, and no name of a user that does not exist."""
    if name is None:
        return {"type": "IAMUser", "accountId": log.account, "accessKeyId": "", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    return {
        "type": "IAMUser",
        "principalId": unique_id("AIDA", log.account, name),
        "accountId": log.account,
        "accessKeyId": "",
        "userName": name,
    }


def root_person(log):
    """userIdentity of root at the sign-in page."""
    return {
        "type": "Root",
        "principalId": log.account,
        "arn": f"arn:aws:iam::{log.account}:root",
        "accountId": log.account,
        "accessKeyId": "",
    }


def identity_center(log, clock, name, outcome="Success", ip=OFFICE):
    """Sign-in of an Identity Center user: password, then the session, as two service events."""
    user = Dice("identity center", name)
    identity = {
        "type": "IdentityCenterUser",
        "accountId": log.account,
        "onBehalfOf": {"userId": user.uuid(), "identityStoreArn": IDENTITY_STORE},
        "credentialId": user.uuid(),
    }
    workflow = user.uuid()
    for wait, event, kind in (
        (0, "CredentialChallenge", "PASSWORD"),
        (9, "CredentialVerification", "PASSWORD"),
        (11, "UserAuthentication", "PASSWORD,TOTP"),
    ):
        details = {"AuthWorkflowID": workflow, "CredentialType": kind, "UserName": name}
        if event == "UserAuthentication":
            details["LoginTo"] = "https://d-90example01.awsapps.com/start/"
        result = outcome if event == "CredentialVerification" else "Success"
        log.add(
            log.at(clock) + timedelta(seconds=wait),
            "signin",
            event,
            Caller(identity, ip, BROWSER, tls=False),
            additionalEventData=details,
            eventType="AwsServiceEvent",
            serviceEventDetails={event: result},
        )
        if result == "Failure":
            return


def assume(log, moment, who, account, role, session, *, shared=None, external_id=None, mfa=None):
    """AssumeRole, as one of the two accounts concerned records it."""
    arn = role_arn(account, role)
    request = {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600}
    if external_id:
        request["externalId"] = external_id
    if mfa:
        request["serialNumber"] = mfa
    response = {
        "credentials": log.credentials(moment, account, role, session),
        "assumedRoleUser": {
            "assumedRoleId": f"{unique_id('AROA', account, role)}:{session}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        },
    }
    log.add(
        moment,
        "sts",
        "AssumeRole",
        who,
        request,
        response,
        True,
        additionalEventData={"RequestDetails": {"awsServingRegion": log.region, "endpointType": "regional"}},
        resources=[resource("AWS::IAM::Role", arn, account)],
        sharedEventID=shared or ...,
    )


def assume_across(logs, clock, who, role, session, *, mfa=None):
    """AssumeRole from one account into another: both write it down, with one sharedEventID. The caller's account
    knows the caller, the role's account knows an account and an id."""
    source, target = logs
    moment, shared = source.at(clock), Dice("shared", role, session, clock).uuid()
    assume(source, moment, who, target.account, role, session, shared=shared, mfa=mfa)
    identity = {"type": "AWSAccount", "principalId": who.identity["principalId"], "accountId": source.account}
    seen = Caller(identity, who.ip, who.agent)
    assume(target, moment, seen, target.account, role, session, shared=shared, mfa=mfa)


def github(log, moment, run, branch="main"):
    """A GitHub workflow takes on the deployment role."""
    provider = f"arn:aws:iam::{log.account}:oidc-provider/{OIDC}"
    subject = f"repo:example-org/example-app:ref:refs/heads/{branch}"
    identity = {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts.amazonaws.com:{subject}",
        "userName": subject,
        "identityProvider": provider,
    }
    arn = role_arn(log.account, "deploy")
    log.add(
        moment,
        "sts",
        "AssumeRoleWithWebIdentity",
        Caller(identity, "203.0.113.20", "aws-sdk-nodejs/3.758.0"),
        {"roleArn": arn, "roleSessionName": run, "durationSeconds": 3600},
        {
            "subjectFromWebIdentityToken": subject,
            "assumedRoleUser": {
                "assumedRoleId": f"{unique_id('AROA', log.account, 'deploy')}:{run}",
                "arn": f"arn:aws:sts::{log.account}:assumed-role/deploy/{run}",
            },
            "credentials": log.credentials(moment, log.account, "deploy", run),
            "provider": provider,
            "audience": "sts.amazonaws.com",
        },
        True,
        resources=[resource("AWS::IAM::Role", arn, log.account)],
        additionalEventData={
            "identityProviderConnectionVerificationMethod": "IAMTrustStore",
            "RequestDetails": {"awsServingRegion": log.region, "endpointType": "regional"},
        },
    )


def saml(log, moment, name, role="auditor"):
    """A person of the identity provider takes on a role."""
    qualifier = "EXAMPLEqualifier" + Dice("saml", name).hex(8) + "="
    provider = f"arn:aws:iam::{log.account}:saml-provider/example-idp"
    arn, session = role_arn(log.account, role), f"{name}@example.com"
    identity = {"type": "SAMLUser", "principalId": f"{qualifier}:{name}", "userName": name, "identityProvider": qualifier}
    log.add(
        moment,
        "sts",
        "AssumeRoleWithSAML",
        Caller(identity, OFFICE, BROWSER),
        {
            "sAMLAssertionID": "_" + log.dice.uuid(),
            "roleSessionName": session,
            "durationSeconds": 28800,
            "roleArn": arn,
            "principalArn": provider,
        },
        {
            "subjectType": "persistent",
            "issuer": "https://idp.example.com/saml",
            "credentials": log.credentials(moment, log.account, role, session, hours=8),
            "nameQualifier": qualifier,
            "assumedRoleUser": {
                "assumedRoleId": f"{unique_id('AROA', log.account, role)}:{session}",
                "arn": f"arn:aws:sts::{log.account}:assumed-role/{role}/{session}",
            },
            "subject": name,
            "audience": "https://signin.aws.amazon.com/saml",
        },
        True,
        resources=[resource("AWS::IAM::Role", arn, log.account), resource("AWS::IAM::SAMLProvider", provider, log.account)],
    )


def federation_token(log, clock, who, name):
    """GetFederationToken, and a call with what it gave."""
    moment, arn = log.at(clock), f"arn:aws:sts::{log.account}:federated-user/{name}"
    policy = '{\n\t"Version": "2012-10-17",\n\t"Statement": [{"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}]\n}'
    log.add(
        moment,
        "sts",
        "GetFederationToken",
        who,
        {"name": name, "policy": policy, "durationSeconds": 3600},
        {
            "credentials": log.credentials(moment, log.account, name),
            "federatedUser": {"federatedUserId": f"{log.account}:{name}", "arn": arn},
            "packedPolicySize": 4,
        },
    )
    issuer = who.identity
    identity = {
        "type": "FederatedUser",
        "principalId": f"{log.account}:{name}",
        "arn": arn,
        "accountId": log.account,
        "accessKeyId": unique_id("ASIA", log.account, name),
        "sessionContext": {
            "sessionIssuer": {key: issuer[key] for key in ("type", "principalId", "arn", "accountId", "userName")},
            "attributes": {"creationDate": stamp(moment), "mfaAuthenticated": "false"},
        },
    }
    later = moment + timedelta(seconds=40)
    log.add(
        later,
        "s3",
        "ListBuckets",
        Caller(identity, who.ip, BOTO),
        {"Host": f"s3.{log.region}.amazonaws.com"},
        None,
        True,
        additionalEventData=s3_details(log, read_out=611),
        requestID=log.dice.letters(16),
    )


def roles_refused(log, clock, who):
    """Roles that are not given: CloudTrail then leaves out the parameters, and with them which role it was."""
    log.denied(log.at(clock), "sts", "AssumeRole", who, "sts:AssumeRole", role_arn(log.account, "admin"), read=True)
    subject = "repo:example-org/other-app:ref:refs/heads/main"
    provider = f"arn:aws:iam::{log.account}:oidc-provider/{OIDC}"
    identity = {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts.amazonaws.com:{subject}",
        "userName": subject,
        "identityProvider": provider,
    }
    other = Caller(identity, "203.0.113.21", "aws-sdk-nodejs/3.758.0")
    log.add(
        log.at(clock) + timedelta(seconds=95),
        "sts",
        "AssumeRoleWithWebIdentity",
        other,
        None,
        None,
        True,
        errorCode="AccessDenied",
        errorMessage="Not authorized to perform sts:AssumeRoleWithWebIdentity",
    )


def switch_role(log, clock, who, account, role):
    """Switch Role in the console."""
    log.add(
        log.at(clock),
        "signin",
        "SwitchRole",
        who,
        None,
        {"SwitchRole": "Success"},
        requestID=...,
        eventType="AwsConsoleSignIn",
        host="signin.aws.amazon.com",
        additionalEventData={
            "SwitchFrom": who.arn,
            "RedirectTo": "https://console.aws.amazon.com/console/home",
            "SwitchTo": f"arn:aws:sts::{account}:assumed-role/{role}/alex",
        },
    )


def assume_partner(log, clock):
    """The partner from outside takes on a role here; only the role's account is ours to read."""
    identity = {"type": "AWSAccount", "principalId": unique_id("AIDA", PARTNER, "partner"), "accountId": PARTNER}
    assume(
        log,
        log.at(clock),
        Caller(identity, "203.0.113.140", BOTO),
        log.account,
        "partner-access",
        "nightly",
        shared=Dice("shared", "partner", log.account, clock).uuid(),
        external_id="EXAMPLE-42",
    )
