//! Rows of both source versions from the same records.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use serde_json::{Value, json};

use crate::common::{Leaves, ingest};

/// The rows of one record in 1.0 and 2.0. `more` takes the place of the record's own members.
fn rows_of(more: &Value) -> [Leaves; 2] {
    let mut record = json!({
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:alex",
            "arn": "arn:aws:sts::111122223333:assumed-role/Admin/alex",
            "accountId": "111122223333",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/Admin"},
                "attributes": {"creationDate": "2026-03-14T08:00:00Z", "mfaAuthenticated": "true"},
            },
        },
        "eventTime": "2026-03-14T09:05:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "eventID": "1",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    });
    for (name, value) in more.as_object().unwrap() {
        record[name] = value.clone();
    }
    let (report, mut rows) = ingest(&json!({"Records": [record]}).to_string());
    assert_eq!((report.records, report.failures.len()), (1, 0), "{report:?}");
    ["1.0", "2.0"].map(|version| {
        let mut rows = rows.remove(version).unwrap();
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    })
}

/// The values of those paths, `-` for absent ones.
fn at<const N: usize>(row: &Leaves, paths: [&str; N]) -> [String; N] {
    paths.map(|path| row.get(path).map_or("-", String::as_str).to_owned())
}

#[test]
fn a_record_has_a_row_in_each_version() {
    let [old, new] = rows_of(&json!({}));
    let paths = ["class_uid", "category_uid", "category_name", "type_uid", "metadata.version"];
    assert_eq!(at(&old, paths), ["3005", "3", "Audit Activity", "300502", "1.0.0-rc.2"]);
    assert_eq!(at(&new, paths), ["6003", "6", "Application Activity", "600302", "1.1.0"]);
    assert_eq!(at(&old, ["metadata.profiles[]"]), ["cloud"]);
    assert_eq!(at(&new, ["metadata.profiles[]"]), ["cloud datetime"]);
    let (id, arn) = ("AROAEXAMPLE:alex", "arn:aws:sts::111122223333:assumed-role/Admin/alex");
    assert_eq!(
        at(&old, ["actor.user.uid", "actor.user.uuid", "actor.user.account_uid"]),
        [id, arn, "111122223333"]
    );
    assert_eq!(
        at(&new, ["actor.user.uid_alt", "actor.user.uid", "actor.user.account.uid"]),
        [id, arn, "111122223333"]
    );
    assert_eq!(
        at(&old, ["actor.session.created_time", "actor.session.mfa", "time"]),
        ["1773475200000", "true", "1773479100000"]
    );
    assert_eq!(
        at(&old, ["unmapped[eventType]", "severity", "severity_id", "status_id"]),
        ["AwsApiCall", "Informational", "1", "1"]
    );
    assert!(!old.keys().any(|path| path.starts_with("observables") || path.ends_with("_dt")));
}

#[test]
fn request_and_response_are_flattened_in_1_0() {
    let more = json!({
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}, "none": {}},
        "responseElements": "text",
        "resources": [{"ARN": "arn:aws:ec2:::instance/i-1", "accountId": "444455556666", "type": "T", "more": 1}],
    });
    let [old, new] = rows_of(&more);
    assert_eq!(
        at(
            &old,
            [
                "unmapped[requestParameters.instancesSet.items[].instanceId]",
                "unmapped[responseElements]",
                "resources[].uid",
                "resources[].account_uid",
                "resources[].type",
                "unmapped[resources[].more]",
            ]
        ),
        ["i-1,i-2", "text", "arn:aws:ec2:::instance/i-1", "444455556666", "T", "1"]
    );
    assert_eq!(
        at(&new, ["resources[].owner.account.uid", "api.response.data"]),
        ["444455556666", "\"text\""]
    );
}

#[test]
fn a_role_that_is_assumed_is_the_user() {
    let more = json!({
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "requestParameters": {"roleArn": "arn:aws:iam::444455556666:role/R", "roleSessionName": "s", "durationSeconds": 900},
        "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLE", "sessionToken": "token"}},
        "resources": [{"ARN": "arn:aws:iam::444455556666:role/R"}],
    });
    let [old, _] = rows_of(&more);
    assert_eq!(
        at(
            &old,
            [
                "user.uuid",
                "user.name",
                "user.uid",
                "dst_endpoint.svc_name",
                "status",
                "status_id",
                "unmapped[requestParameters.roleArn]",
                "unmapped[requestParameters.roleSessionName]",
                "unmapped[requestParameters.durationSeconds]",
                "unmapped[responseElements.credentials.sessionToken]",
                "unmapped[resources[].ARN]",
            ]
        ),
        [
            "arn:aws:iam::444455556666:role/R",
            "s",
            "-",
            "sts.amazonaws.com",
            "Success",
            "1",
            "-",
            "-",
            "900",
            "token",
            "arn:aws:iam::444455556666:role/R"
        ]
    );
    // OCSF wants a name or a uid.
    let more = json!({
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "requestParameters": {"roleArn": "arn:aws:iam::444455556666:role/R"},
        "errorCode": "AccessDenied",
    });
    let [old, _] = rows_of(&more);
    assert_eq!(at(&old, ["user.uid", "status"]), ["arn:aws:iam::444455556666:role/R", "Failure"]);
    let more = json!({"eventSource": "sts.amazonaws.com", "eventName": "AssumeRoleWithSAML"});
    let [old, _] = rows_of(&more);
    assert_eq!(at(&old, ["user.uid"]), ["AROAEXAMPLE:alex"]);
}

#[test]
fn sign_ins_answer_with_their_status() {
    let sign_in = |name: &str, answer: &str| {
        rows_of(&json!({
            "eventSource": "signin.amazonaws.com",
            "eventName": name,
            "responseElements": {name: answer},
            "additionalEventData": {"LoginTo": "https://example.com/", "MFAUsed": "Yes", "MobileVersion": "No"},
        }))
    };
    let paths = [
        "status",
        "status_id",
        "mfa",
        "dst_endpoint.svc_name",
        "user.uid",
        "unmapped[responseElements.ConsoleLogin]",
        "unmapped[additionalEventData.MobileVersion]",
        "unmapped[additionalEventData.MFAUsed]",
    ];
    let [old, _] = sign_in("ConsoleLogin", "Failure");
    assert_eq!(
        at(&old, paths),
        ["Failure", "2", "true", "https://example.com/", "AROAEXAMPLE:alex", "-", "No", "-"]
    );
    let [old, _] = sign_in("ConsoleLogin", "Maybe");
    assert_eq!(at(&old, paths)[5], "Maybe");
    let [old, new] = sign_in("CheckMfa", "Success");
    let paths = ["activity_name", "type_name", "type_uid"];
    assert_eq!(at(&old, paths), ["Other", "Authentication: Other", "300299"]);
    assert_eq!(at(&new, paths), ["CheckMfa", "Authentication: Other", "300299"]);
    assert_eq!(at(&old, ["unmapped[responseElements.CheckMfa]"]), ["Success"]);
}

#[test]
fn the_account_that_changed_is_the_user() {
    let change = |name: &str, request: Value, response: Value| {
        let more = json!({
            "eventSource": "iam.amazonaws.com",
            "eventName": name,
            "requestParameters": request,
            "responseElements": response,
        });
        rows_of(&more)[0].clone()
    };
    let user = json!({"user": {"userName": "sam", "userId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/sam"}});
    let row = change("CreateUser", json!({"userName": "sam", "tags": []}), user);
    let paths = [
        "user.name",
        "user.uid",
        "user.uuid",
        "unmapped[requestParameters.userName]",
        "unmapped[responseElements.user.userName]",
        "unmapped[responseElements.user.userId]",
        "unmapped[responseElements.user.arn]",
    ];
    let arn = "arn:aws:iam::111122223333:user/sam";
    assert_eq!(at(&row, paths), ["sam", "AIDAEXAMPLE", "-", "-", "-", "-", arn]);

    // Only what repeats the name is left out.
    let role = json!({"role": {"roleName": "Other", "roleId": "AROA2EXAMPLE", "path": "/service-role/", "description": "R"}});
    let row = change("CreateRole", json!({"roleName": "R", "description": "R"}), role);
    let paths = [
        "user.name",
        "user.uid",
        "unmapped[requestParameters.roleName]",
        "unmapped[requestParameters.description]",
        "unmapped[responseElements.role.roleName]",
        "unmapped[responseElements.role.description]",
        "unmapped[responseElements.role.path]",
    ];
    assert_eq!(at(&row, paths), ["R", "AROA2EXAMPLE", "-", "R", "Other", "-", "/service-role/"]);

    // A call for oneself.
    let row = change("ChangePassword", Value::Null, Value::Null);
    assert_eq!(
        at(&row, ["user.uid", "activity_name", "type_uid"]),
        ["AROAEXAMPLE:alex", "Password Change", "300103"]
    );
    let row = change("EnableMFADevice", json!({"userName": "sam"}), Value::Null);
    assert_eq!(at(&row, ["type_uid", "activity_name"]), ["300199", "Other"]);
}

#[test]
fn ocsf_wants_everyone_to_be_someone() {
    let paths = ["actor.user.name", "src_endpoint.svc_name"];
    let named = |more: Value| at(&rows_of(&more)[0], paths);
    let service = json!({"type": "AWSService", "invokedBy": "s3.amazonaws.com"});
    assert_eq!(
        named(json!({"userIdentity": service, "sourceIPAddress": "s3.amazonaws.com"})),
        ["s3.amazonaws.com", "s3.amazonaws.com"]
    );
    // In 1.0 neither an account nor an ARN nor an endpoint's uid is an identification.
    let account = json!({"type": "AWSAccount", "accountId": "444455556666"});
    let more = json!({"userIdentity": account, "vpcEndpointId": "vpce-1", "sourceIPAddress": null});
    assert_eq!(named(more.clone()), ["AWSAccount", "Unknown"]);
    assert_eq!(at(&rows_of(&more)[1], paths), ["-", "-"]);
    let arn = "arn:aws:iam::111122223333:user/sam";
    assert_eq!(named(json!({"userIdentity": {"arn": arn}}))[0], arn);
    assert_eq!(named(json!({"userIdentity": null}))[0], "Unknown");
    let person =
        json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u", "identityStoreArn": "i"}});
    let [old, _] = rows_of(&json!({"userIdentity": person}));
    let paths = ["actor.user.uid", "actor.user.name", "unmapped[userIdentity.onBehalfOf.identityStoreArn]"];
    assert_eq!(at(&old, paths), ["u", "-", "i"]);
}

#[test]
fn what_cannot_be_a_row_is_one_in_no_version() {
    let (report, rows) = ingest(r#"{"Records":[{"eventName":"A","eventTime":"1970-01-01T00:00:00Z"}]}"#);
    assert_eq!((report.records, report.quarantined["bad_event_time"], rows.len()), (1, 1, 0));
    // A time that is none of a session's stays where it can be read.
    let attributes = json!({"attributes": {"creationDate": "1970-01-01T00:00:00Z"}});
    let [old, _] = rows_of(&json!({"userIdentity": {"principalId": "p", "sessionContext": attributes}}));
    let path = "unmapped[userIdentity.sessionContext.attributes.creationDate]";
    assert_eq!(at(&old, ["actor.session.created_time", path]), ["-", "1970-01-01T00:00:00Z"]);
}
