//! Whatever a record is, it is read without a panic, and what it says is in its row.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{KEY, ingest};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NAMES: &[&str] = &[
    "formatVersion",
    "webaclId",
    "terminatingRuleId",
    "terminatingRuleType",
    "terminatingRuleMatchDetails",
    "httpSourceName",
    "httpSourceId",
    "ruleGroupList",
    "rateBasedRuleList",
    "responseCodeSent",
    "labels",
    "captchaResponse",
    "ja3Fingerprint",
    "httpRequest",
    "clientIp",
    "country",
    "headers",
    "uri",
    "args",
    "httpVersion",
    "httpMethod",
    "requestId",
    "name",
    "value",
    "conditionType",
    "location",
    "matchedData",
    "maxRateAllowed",
    "rateBasedRuleName",
    "later",
];

/// Any JSON, with names that the mapping knows. Texts are such that no other text holds them.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => any::<i32>().prop_map(Value::from),
        6 => "[a-z0-9.:\\\\\"é]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop::sample::select(NAMES).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_record() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(NAMES).prop_map(str::to_owned);
    prop::collection::vec((name, any_value()), 0..10).prop_map(|members| {
        let mut record: Map<String, Value> = members.into_iter().collect();
        record.insert("timestamp".to_owned(), json!(1_773_479_100_123_i64));
        record.insert("action".to_owned(), json!("ALLOW"));
        Value::Object(record)
    })
}

/// Every scalar below a value, as text.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(elements) => elements.iter().for_each(|element| leaves(element, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Value::String(text) => found.push(text.clone()),
        scalar => found.push(scalar.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_leaf_is_in_the_row(record in any_record()) {
        let (report, rows) = ingest(KEY, &record.to_string());
        prop_assert_eq!(report.failures, vec![]);
        prop_assert_eq!(report.records, 1);
        prop_assert_eq!(rows.len(), 1);
        let (mut of_record, mut of_row) = (Vec::new(), Vec::new());
        leaves(&record, &mut of_record);
        leaves(&rows[0], &mut of_row);
        for leaf in of_record.iter().filter(|leaf| *leaf != "ALLOW") {
            // In `unmapped` several values of one path are joined.
            let is_there = |text: &String| text == leaf || text.contains(leaf.as_str());
            prop_assert!(of_row.iter().any(is_there), "{} is not in {}", leaf, rows[0]);
        }
    }

    #[test]
    fn any_text_is_counted(lines in prop::collection::vec("\\PC{0,40}|[{\\[\"].{0,20}", 0..6)) {
        let (report, ..) = ingest(KEY, &lines.join("\n"));
        prop_assert!(report.failures.iter().all(|failure| !failure.reason.contains("panicked")));
    }
}
