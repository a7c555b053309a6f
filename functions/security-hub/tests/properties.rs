//! Whatever a finding is, it is read without a panic, and what it says is in its row.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{KEY, event, ingest};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names that the mapping knows, at any level.
const NAMES: &[&str] = &[
    "SchemaVersion",
    "ProductName",
    "CompanyName",
    "Region",
    "GeneratorId",
    "AwsAccountId",
    "Types",
    "FirstObservedAt",
    "LastObservedAt",
    "ProcessedAt",
    "Confidence",
    "Criticality",
    "Title",
    "Description",
    "SourceUrl",
    "ProductFields",
    "FindingProviderFields",
    "RelatedFindings",
    "Resources",
    "Compliance",
    "Malware",
    "Process",
    "Vulnerabilities",
    "Note",
    "WorkflowState",
    "RecordState",
    "Severity",
    "Workflow",
    "Remediation",
    "Recommendation",
    "Text",
    "Url",
    "Label",
    "Normalized",
    "Status",
    "Type",
    "Id",
    "Partition",
    "Tags",
    "Details",
    "StatusReasons",
    "Description",
    "ReasonCode",
    "RelatedRequirements",
    "SecurityControlId",
    "AssociatedStandards",
    "StandardsId",
    "Name",
    "Path",
    "Pid",
    "ParentPid",
    "Cvss",
    "BaseScore",
    "BaseVector",
    "Version",
    "Vendor",
    "VendorCreatedAt",
    "ReferenceUrls",
    "VulnerablePackages",
    "Epoch",
    "Architecture",
    "CodeVulnerabilities",
    "Cwes",
    "FilePath",
    "FileName",
    "StartLine",
    "SourceArn",
    "EpssScore",
    "FixAvailable",
    "Later",
    "ResourceOwnerAccount",
    "ControlId",
    "aws/guardduty/service/action/awsApiCallAction/api",
    "aws/guardduty/service/action/networkConnectionAction/remoteIpDetails/ipAddressV4",
    "aws/guardduty/service/action/networkConnectionAction/connectionDirection",
    "aws/guardduty/service/runtimeDetails/process/uuid",
    "aws/guardduty/service/runtimeDetails/process/user",
    "aws/guardduty/service/runtimeDetails/process/executableSha256",
    "aws/guardduty/service/additionalInfo/value",
    "aws/inspector/ProductVersion",
];

const PRODUCTS: &[&str] = &[
    "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
    "arn:aws:securityhub:eu-west-1::product/aws/inspector",
    "arn:aws:securityhub:eu-west-1::product/aws/guardduty",
    "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default",
    "no ARN",
];

/// Members of an object, of which a third is what the name stands for.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => any::<i32>().prop_map(Value::from),
        1 => (0..200_u8).prop_map(|tenths| json!(f64::from(tenths) / 10.0)),
        6 => "[a-z0-9.:/\\\\\"é]{0,12}".prop_map(Value::from),
        1 => Just(json!("192.0.2.7")),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let name = prop::sample::select(NAMES).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A value in the shape that its name promises, as a rule, so that what is inside is reached.
fn shaped(name: &str, value: Value) -> Value {
    match (name, value) {
        ("Resources" | "Vulnerabilities" | "RelatedFindings" | "Malware", value @ Value::Object(_)) => {
            json!([value])
        }
        (_, value) => value,
    }
}

fn any_finding() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(NAMES).prop_map(str::to_owned);
    let members = prop::collection::vec((name, any_value()), 0..14);
    (members, prop::sample::select(PRODUCTS)).prop_map(|(members, product)| {
        let mut finding: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.clone(), shaped(&name, value))).collect();
        finding.insert("Id".to_owned(), json!("f"));
        finding.insert("ProductArn".to_owned(), json!(product));
        finding.insert("UpdatedAt".to_owned(), json!("2026-03-14T09:05:00Z"));
        finding.insert("AwsAccountId".to_owned(), json!("111122223333"));
        Value::Object(finding)
    })
}

/// Every scalar below a value, as text.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(elements) => elements.iter().for_each(|element| leaves(element, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Value::String(text) => {
            // JSON in a text counts for what is in it.
            if text.starts_with(['{', '['])
                && let Ok(inside) = serde_json::from_str(text)
            {
                leaves(&inside, found);
            }
            found.push(text.clone());
        }
        scalar => found.push(scalar.to_string()),
    }
}

/// Each case writes and reads a lake.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn every_leaf_is_in_the_row(finding in any_finding()) {
        let (report, first, second) = ingest(KEY, &finding.to_string());
        prop_assert_eq!(report.failures, vec![]);
        prop_assert_eq!(report.records, 1);
        prop_assert_eq!(report.quarantined.len(), 0);
        for rows in [first, second] {
            prop_assert_eq!(rows.len(), 1);
            let (mut of_finding, mut of_row) = (Vec::new(), Vec::new());
            leaves(&finding, &mut of_finding);
            leaves(&rows[0], &mut of_row);
            for leaf in of_finding.iter().filter(|leaf| *leaf != "2026-03-14T09:05:00Z") {
                let number: Option<f64> = leaf.parse().ok();
                // In `unmapped` several values of one path are joined, and a number may be written otherwise.
                let is_there = |text: &String| {
                    text.contains(leaf.as_str())
                        || number.is_some_and(|number| text.parse().is_ok_and(|text: f64| (text - number).abs() < 1e-4))
                };
                prop_assert!(of_row.iter().any(is_there), "{:?} is not in {}", leaf, rows[0]);
            }
        }
    }

    #[test]
    fn any_text_is_counted(lines in prop::collection::vec("\\PC{0,40}|[{\\[\"].{0,20}", 0..6)) {
        let (report, ..) = ingest(KEY, &lines.join("\n"));
        prop_assert!(report.failures.iter().all(|failure| !failure.reason.contains("panicked")));
    }

    #[test]
    fn any_object_is_counted(value in any_value(), wrapping in 0..4_u8) {
        let contents = match wrapping {
            0 => value.to_string(),
            1 => json!({"Findings": value}).to_string(),
            2 => json!({"detail-type": "x", "detail": {"findings": value}}).to_string(),
            _ => json!({"messageType": "DATA_MESSAGE", "logEvents": [{"message": value.to_string()}]}).to_string(),
        };
        let (report, first, second) = ingest(KEY, &contents);
        prop_assert!(report.failures.iter().all(|failure| !failure.reason.contains("panicked")));
        prop_assert_eq!(first.len(), second.len());
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn neighbours_do_not_mix(findings in prop::collection::vec(any_finding(), 2..5)) {
        let numbered: Vec<Value> = findings
            .into_iter()
            .enumerate()
            .map(|(number, mut finding)| {
                finding["Id"] = json!(format!("finding-{number}"));
                finding
            })
            .collect();
        let (_, first, second) = ingest(KEY, &event(&numbered).to_string());
        prop_assert_eq!((first.len(), second.len()), (numbered.len(), numbered.len()));
        for (number, finding) in numbered.iter().enumerate() {
            let (_, alone_first, alone_second) = ingest(KEY, &event(std::slice::from_ref(finding)).to_string());
            prop_assert_eq!(&first[number], &alone_first[0]);
            prop_assert_eq!(&second[number], &alone_second[0]);
        }
    }
}
