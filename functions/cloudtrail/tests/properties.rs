//! Whatever a record holds: every leaf of it is in each of its rows, and nothing panics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::ingest;

/// Names that the mappings look for in free-form members, and one that they do not.
const NAMES: &[&str] = &[
    "userName",
    "roleName",
    "userId",
    "roleId",
    "path",
    "description",
    "ARN",
    "ARNPrefix",
    "accountId",
    "type",
    "later",
];

/// Places of a record that the mappings look at, and one besides them at each level.
const PATHS: &[&str] = &[
    "eventVersion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "apiVersion",
    "managementEvent",
    "vpcEndpointId",
    "later",
    "additionalEventData",
    "additionalEventData.UserName",
    "additionalEventData.LoginTo",
    "additionalEventData.MFAUsed",
    "additionalEventData.later",
    "requestParameters",
    "requestParameters.roleArn",
    "requestParameters.roleSessionName",
    "requestParameters.userName",
    "requestParameters.roleName",
    "requestParameters.groupName",
    "requestParameters.later",
    "responseElements",
    "responseElements.ConsoleLogin",
    "responseElements.user.userName",
    "responseElements.user.userId",
    "responseElements.role.roleName",
    "responseElements.role.roleId",
    "responseElements.role.path",
    "responseElements.role.description",
    "responseElements.role.later",
    "responseElements.later",
    "userIdentity",
    "userIdentity.type",
    "userIdentity.principalId",
    "userIdentity.arn",
    "userIdentity.accountId",
    "userIdentity.accessKeyId",
    "userIdentity.userName",
    "userIdentity.invokedBy",
    "userIdentity.identityProvider",
    "userIdentity.credentialId",
    "userIdentity.later",
    "userIdentity.onBehalfOf.userId",
    "userIdentity.onBehalfOf.identityStoreArn",
    "userIdentity.onBehalfOf.later",
    "userIdentity.sessionContext.later",
    "userIdentity.sessionContext.sessionIssuer.arn",
    "userIdentity.sessionContext.sessionIssuer.later",
    "userIdentity.sessionContext.webIdFederationData.federatedProvider",
    "userIdentity.sessionContext.webIdFederationData.later",
    "userIdentity.sessionContext.attributes.creationDate",
    "userIdentity.sessionContext.attributes.mfaAuthenticated",
    "userIdentity.sessionContext.attributes.later",
];

/// Puts a value at a path; what is in the way gives way.
fn set(record: &mut Value, path: &str, value: Value) {
    let mut place = record;
    for name in path.split('.') {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name];
    }
    *place = value;
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!("Success")),
        Just(json!("/service-role/")),
        Just(json!("a \" and \\")),
        any::<bool>().prop_map(Value::from),
        (1000..9999_u32).prop_map(|number| json!(format!("leaf-{number}"))),
        (1000..9999_u32).prop_map(|number| json!(number * 10_000 + number)),
    ];
    leaf.prop_recursive(4, 40, 6, |inside| {
        prop_oneof![
            prop::collection::vec(inside.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES), inside), 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

/// Texts and numbers that cannot be there by chance.
fn marks(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|member| marks(member, found)),
        Value::Array(elements) => elements.iter().for_each(|element| marks(element, found)),
        Value::Number(number) => drop(found.insert(number.to_string())),
        Value::String(text) if text.starts_with("leaf-") => drop(found.insert(text.clone())),
        _ => {}
    }
}

/// A record of whatever is at [`PATHS`], without a time.
fn any_record() -> impl Strategy<Value = Value> {
    let event = prop::sample::select(&[
        ("ec2.amazonaws.com", "RunInstances"),
        ("sts.amazonaws.com", "AssumeRole"),
        ("signin.amazonaws.com", "ConsoleLogin"),
        ("iam.amazonaws.com", "CreateRole"),
        ("iam.amazonaws.com", "AttachUserPolicy"),
    ]);
    let members = prop::collection::vec((prop::sample::select(PATHS), any_value()), 0..30);
    (event, members).prop_map(|((source, name), members)| {
        let mut record = json!({"eventSource": source, "eventName": name});
        for (path, value) in members {
            set(&mut record, path, value);
        }
        // Where they belong is known beforehand.
        for (name, value) in [
            ("awsRegion", "us-east-1"),
            ("recipientAccountId", "111122223333"),
            ("eventCategory", "Management"),
        ] {
            record[name] = json!(value);
        }
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_leaf_of_any_record_is_in_each_of_its_rows(mut records in prop::collection::vec(any_record(), 1..12)) {
        for (second, record) in records.iter_mut().enumerate() {
            record["eventTime"] = json!(format!("2026-03-14T09:05:{second:02}Z")); // rows are ordered by time
        }
        let (report, rows) = ingest(&json!({"Records": records}).to_string());
        prop_assert_eq!((report.records, report.failures.len()), (records.len() as u64, 0));
        prop_assert_eq!(rows.len(), 2);
        for (version, rows) in rows {
            prop_assert_eq!(rows.len(), records.len());
            for (record, row) in records.iter().zip(rows) {
                let mut wanted = BTreeSet::new();
                marks(record, &mut wanted);
                let all = row.values().map(String::as_str).collect::<Vec<_>>().join("\n");
                for mark in &wanted {
                    prop_assert!(all.contains(mark.as_str()), "{} is not in {} {:?}", mark, version, row);
                }
                for path in ["class_uid", "activity_id", "type_uid", "time", "api.operation", "api.request.uid"] {
                    prop_assert!(row.contains_key(path), "{} {}", version, path);
                }
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[{}\\[\\]\",:0-9a-z\\\\ \u{0}-\u{20}é]{0,60}", cut in 0..400_usize) {
        let record = r#"{"eventTime":"2026-03-14T09:05:00Z","eventName":"A","userIdentity":{"sessionContext":{"attributes":{"creationDate":"2026-03-14T09:05:00Z"}}},"x":"#;
        let whole = format!(r#"{{"Records":[{record}{text}}},{text}]}}"#);
        let end = (0..=cut.min(whole.len())).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
        for text in [whole.as_str(), &whole[..end]] {
            let (report, _) = ingest(text);
            prop_assert!(!report.failures.iter().any(|failure| failure.reason.contains("panicked")), "{}", text);
        }
    }
}
