//! Arbitrary events: nothing panics, and what lands has every leaf.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::{AUDIT, envelope, ingest};

/// Members and places that the mapping knows.
const NAMES: &[&str] = &[
    "kind",
    "apiVersion",
    "metadata",
    "level",
    "auditID",
    "stage",
    "requestURI",
    "verb",
    "impersonatedUser",
    "sourceIPs",
    "userAgent",
    "requestObject",
    "responseObject",
    "annotations",
    "items",
    "user",
    "objectRef",
    "responseStatus",
    "username",
    "uid",
    "groups",
    "extra",
    "arn",
    "accessKeyId",
    "resource",
    "subresource",
    "name",
    "namespace",
    "code",
    "spec",
    "containers",
    "image",
    "volumeMounts",
    "mountPath",
    "a.b",
    "é",
];

fn value() -> impl Strategy<Value = Value> {
    // Leaves are told apart, so that none can be found in place of another.
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => (1_000_000..9_999_999_i64).prop_map(Value::from),
        5 => "[a-z]{8}(é| |\\\\|\"|/|,)?[a-z]{8}".prop_map(Value::from),
        2 => "198\\.51\\.100\\.[1-9]".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from), object(inner),]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(NAMES), inner), 0..6).prop_map(|members| {
        Value::Object(
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
        )
    })
}

fn event() -> impl Strategy<Value = Value> {
    object(value()).prop_map(|mut event| {
        let members = event.as_object_mut().unwrap();
        members.insert("apiVersion".to_owned(), json!("audit.k8s.io/v1"));
        members.insert("kind".to_owned(), json!("Event"));
        members.insert("stageTimestamp".to_owned(), json!("2026-03-14T09:05:00Z"));
        event
    })
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(elements) => elements.iter().for_each(|element| leaves(element, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Value::String(text) => found.push(text.clone()),
        other => found.push(other.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_leaf_survives(events in prop::collection::vec(event(), 1..12), wrapped in any::<bool>()) {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        let ingested = ingest("eks/x.json", &if wrapped { envelope(AUDIT, &texts) } else { texts.join("\n") });
        prop_assert!(ingested.report.failures.is_empty() && ingested.reasons().is_empty());
        prop_assert_eq!(ingested.rows.len(), events.len());
        // Rows are sorted by time, which is one and the same: the events keep their order.
        let mut rows = ingested.rows.iter();
        let by_place = ingested.rows.iter().all(|(path, _)| *path == ingested.rows[0].0);
        for event in &events {
            let mut wanted = Vec::new();
            leaves(event, &mut wanted);
            wanted.retain(|leaf| leaf != "2026-03-14T09:05:00Z");
            let holds = |row: &String| wanted.iter().all(|leaf| row.contains(leaf.as_str()));
            if by_place {
                let (_, row) = rows.next().unwrap();
                prop_assert!(holds(row), "{} in {}", event, row);
            } else {
                prop_assert!(ingested.rows.iter().any(|(_, row)| holds(row)), "{}", event);
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in r#"(\{"kind":"EventList","items":|\{"messageType":"x","logEvents":|\{"logStreamName":"s","message":|[\[\]{}",: 0-9a-z\\]){0,24}"#) {
        let ingested = ingest("eks/x.json", &text);
        prop_assert!(ingested.rows.is_empty());
    }
}
