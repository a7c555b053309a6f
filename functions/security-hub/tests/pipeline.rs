//! Findings on their whole road, on folders: how they may come, what lands, as what, and what goes where instead.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{KEY, event, finding, guardduty, ids, ingest, ingest_all, rows};
use serde_json::{Value, json};

#[test]
fn findings_come_in_many_forms() {
    let (a, b) = (finding("a", &json!({})), finding("b", &json!({})));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let both = event(&[a.clone(), b.clone()]);
    let (of_a, of_b) = (event(std::slice::from_ref(&a)), event(std::slice::from_ref(&b)));
    let mut action = both.clone();
    action["detail-type"] = json!("Security Hub Findings - Custom Action");
    action["detail"]["actionName"] = json!("send");
    let message = |event: &Value| json!({"id": "0", "timestamp": 1, "message": event.to_string()});
    for (form, contents) in [
        ("lines", format!("{a}\n{b}\n")),
        ("nothing between", format!("{a}{b}")),
        ("pretty", format!("{}\n{}", pretty(&a), pretty(&b))),
        ("array", json!([a, b]).to_string()),
        ("GetFindings", json!({"Findings": [a, b], "NextToken": "t"}).to_string()),
        ("GetFindings, pages", format!("{}\n{}", json!({"Findings": [a]}), json!({"Findings": [b]}))),
        ("GetFindings, its metadata first", format!(r#"{{"ResponseMetadata":{{}},"Findings":[{a},{b}]}}"#)),
        ("event", both.to_string()),
        ("event, pretty", pretty(&both)),
        ("events, lines", format!("{of_a}\n{of_b}\n")),
        ("events, nothing between", format!("{of_a}{of_b}")),
        ("event of an action", action.to_string()),
        ("detail alone", both["detail"].to_string()),
        (
            "CloudWatch Logs",
            json!({"messageType": "DATA_MESSAGE", "owner": "444455556666", "logGroup": "/aws/events/findings",
                "logStream": "s", "logEvents": [message(&of_a), message(&of_b)]})
            .to_string(),
        ),
    ] {
        let (report, first, second) = ingest(KEY, &contents);
        assert_eq!((report.records, report.failures.len()), (2, 0), "{form}: {:?}", report.failures);
        assert_eq!((ids(&first), ids(&second)), (vec!["a", "b"], vec!["a", "b"]), "{form}");
        assert_eq!(second[0]["partition"], "eu-west-1/accountId=111122223333/eventDay=20260314", "{form}");
    }
}

#[test]
fn what_is_no_finding_is_passed_over() {
    let of_kind = |kind: &str, detail: Value| json!({"version": "0", "detail-type": kind, "source": "aws.securityhub", "detail": detail});
    let ocsf = json!({"class_uid": 2003, "metadata": {"version": "1.6.0"}, "time": 1_773_479_100_000_i64});
    let events = [
        of_kind("Findings Imported V2", json!({"findings": [ocsf, ocsf]})),
        ocsf,
        of_kind(
            "Security Hub Insight Results",
            json!({"insightResults": [{"x": 1}], "resultType": "AwsAccountId"}),
        ),
        of_kind("AWS API Call via CloudTrail", json!({"eventName": "GetFindings"})),
        json!({"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]}),
        event(&[]),
    ];
    let contents: String = events.iter().map(|event| format!("{event}\n")).collect();
    let (report, first, second) = ingest(KEY, &contents);
    assert_eq!((report.records, first.len() + second.len()), (6, 0));
    let skipped = [("control_message", 1), ("insight_results", 1), ("ocsf_finding", 3), ("other_event", 1)];
    assert_eq!(report.skipped, BTreeMap::from(skipped));
    assert_eq!(report.quarantined, BTreeMap::new());
}

#[test]
fn what_cannot_be_a_row_goes_to_quarantine_and_its_neighbours_land() {
    let bad = [
        json!(7),
        finding("x", &json!({"Id": null})),
        finding("x", &json!({"Id": ""})),
        finding("x", &json!({"Id": {"a": 1}})),
        finding("x", &json!({"CreatedAt": null, "UpdatedAt": null})),
        finding("x", &json!({"UpdatedAt": "yesterday"})),
        finding("x", &json!({"UpdatedAt": "1970-01-01T00:00:00Z"})),
        finding("x", &json!({"UpdatedAt": null, "CreatedAt": 7})),
        finding("x", &json!({"AwsAccountId": "1".repeat(65)})),
    ];
    let mut findings: Vec<Value> = bad.to_vec();
    findings.insert(4, finding("good", &json!({})));
    findings.push(finding("well", &json!({})));
    for contents in [event(&findings).to_string(), json!({"Findings": findings}).to_string()] {
        let (report, first, second, quarantined) = ingest_all(KEY, &contents);
        assert_eq!((ids(&first), ids(&second)), (vec!["good", "well"], vec!["good", "well"]));
        let reasons = [
            ("bad_event_time", 3),
            ("bad_partition", 1),
            ("missing_event_time", 1),
            ("missing_finding_id", 3),
            ("not_an_object", 1),
        ];
        assert_eq!(report.quarantined, BTreeMap::from(reasons));
        // Each with itself, not with the event that it came in.
        for (entry, bad) in quarantined.iter().zip(&bad) {
            assert_eq!(serde_json::from_str::<Value>(entry["raw"].as_str().unwrap()).unwrap(), *bad);
        }
        assert_eq!(quarantined.len(), bad.len());
    }
}

#[test]
fn what_wraps_no_list_goes_to_quarantine_itself() {
    let contents = format!("{}\n{}", json!({"Findings": {"Id": "x"}}), finding("good", &json!({})));
    let (report, first, _) = ingest(KEY, &contents);
    assert_eq!(ids(&first), ["good"]);
    assert_eq!(report.quarantined, BTreeMap::from([("findings_not_a_list", 1)]));
}

#[test]
fn region_and_account_come_from_the_nearest_that_says_them() {
    let bare = json!({"Region": null, "AwsAccountId": null, "ProductArn": null, "Resources": null});
    let changed = |name: &str, value: Value| {
        let mut changes = bare.clone();
        changes[name] = value;
        finding("f", &changes)
    };
    let resource = json!([{"Type": "t", "Id": "r", "Region": "eu-north-1"}]);
    let arn = json!("arn:aws:securityhub:sa-east-1:444455556666:product/444455556666/default");
    let named = "securityhub/x-222233334444-us-gov-west-1.json";
    for (key, contents, region, account) in [
        (named, changed("Region", json!("eu-west-1")).to_string(), "eu-west-1", "222233334444"),
        (named, changed("ProductArn", arn).to_string(), "sa-east-1", "444455556666"),
        (KEY, changed("Resources", resource).to_string(), "eu-north-1", "unknown"),
        (named, event(&[finding("f", &bare)]).to_string(), "ap-south-1", "444455556666"),
        (named, finding("f", &bare).to_string(), "us-gov-west-1", "222233334444"),
        (KEY, finding("f", &bare).to_string(), "eu-central-1", "unknown"),
    ] {
        let (_, first, second) = ingest(key, &contents);
        let partition = format!("{region}/accountId={account}/eventDay=20260314");
        assert_eq!(first[0]["partition"], partition.as_str());
        assert_eq!(second[0]["partition"], partition.as_str());
        assert_eq!(
            second[0]["cloud"],
            json!({"account": {"uid": account}, "region": region, "provider": "AWS"})
        );
    }
}

#[test]
fn a_finding_may_be_large() {
    let resources: Vec<Value> = (0..3000)
        .map(
            |number| json!({"Type": "AwsEc2Instance", "Id": format!("i-{number}"), "Details": {"n": number}}),
        )
        .collect();
    let (first, second) = rows(&json!({"Resources": resources}));
    assert_eq!(first["resources"].as_array().unwrap().len(), 3000);
    assert_eq!(second["resource"]["uid"], "i-0");
    assert_eq!(second["unmapped"]["Resources[].Id"].as_str().unwrap().split(',').count(), 2999);
    let mut detection = guardduty(&json!({}));
    detection["Resources"] = json!(resources);
    let (_, second) = rows(&detection);
    assert_eq!(second["resources"].as_array().unwrap().len(), 3000);
    assert_eq!(second["observables"].as_array().unwrap().len(), 3000);

    // 240 KB of details, and a description longer than OCSF allows.
    let details: Value =
        (0..4000).map(|number| (format!("Key{number}"), json!("value ".repeat(8)))).collect();
    let long = "é".repeat(70_000);
    let resource = json!([{"Type": "t", "Id": "r", "Details": details}]);
    let (first, second) = rows(&json!({"Resources": resource, "Description": long}));
    let data = second["resource"]["data"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), details);
    assert!(first["resources"][0].get("details").is_none());
    assert_eq!(first["unmapped"]["Resources[].Details.Key3999"], details["Key3999"]);
    assert_eq!(second["finding_info"]["desc"].as_str().unwrap().chars().count(), 65_535);
    assert_eq!(second["unmapped"]["Description"], long.as_str());
}

#[test]
fn odd_members_are_left_over() {
    let (first, second) = rows(&json!({
        "Title": null, "Types": "one text", "Confidence": 3_000_000_000_i64, "Severity": "HIGH", "Compliance": [1],
        "Resources": {"Id": "no list"}, "Vulnerabilities": "none", "RelatedFindings": [7], "Note": "text",
        "ProductFields": [1], "account": "x", "region": {"a": 1}, "Later": {"deep": [true, null, {}]},
        "CreatedAt": "2026-03-14T09:05:00.250Z",
    }));
    for row in [&first, &second] {
        assert_eq!((&row["severity_id"], &row["severity"]), (&json!(0), &json!("Unknown")));
        assert_eq!(row["activity_id"], 1);
        for (path, value) in [
            ("Confidence", "3000000000"),
            ("Severity", "HIGH"),
            ("Compliance[]", "1"),
            ("Resources.Id", "no list"),
            ("Vulnerabilities", "none"),
            ("RelatedFindings[]", "7"),
            ("Note", "text"),
            ("ProductFields[]", "1"),
            ("account", "x"),
            ("region.a", "1"),
            ("Later.deep[]", "true"),
        ] {
            assert_eq!(row["unmapped"][path], value, "{path}");
        }
    }
    assert_eq!(
        (&first["finding"]["title"], &first["finding"]["types"]),
        (&json!("security-control/S3.8"), &json!(["one text"]))
    );
    assert_eq!(second["compliance"], json!({"standards": ["Security Hub"]}));
}
