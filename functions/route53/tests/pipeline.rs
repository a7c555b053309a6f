//! Resolver query logs on their whole road, on folders: what lands, as what, and what goes where instead.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{KEY, ingest};
use serde_json::{Value, json};

/// A query of `10.0.0.7` for `www.example.com.`, with some members changed; `null` takes one away.
fn record(changes: &Value) -> Value {
    let mut record = json!({
        "version": "1.100000", "account_id": "111122223333", "region": "us-east-1", "vpc_id": "vpc-0a1b",
        "query_timestamp": "2026-03-14T09:05:00Z", "query_name": "www.example.com.", "query_type": "A",
        "query_class": "IN", "rcode": "NOERROR", "answers": [], "srcaddr": "10.0.0.7", "srcport": "40001",
        "transport": "UDP", "srcids": {"instance": "i-0a1b"},
    });
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    record.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    record
}

/// The rows, of version 1.0 and 2.0, of records that differ from an ordinary one in what is given.
fn rows(changes: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let seconds = |index: usize| format!("2026-03-14T09:05:{index:02}Z");
    let lines: Vec<String> = changes
        .iter()
        .enumerate()
        .map(|(index, changes)| {
            let mut record = record(changes);
            record["query_timestamp"] = json!(seconds(index));
            record.to_string()
        })
        .collect();
    let (report, first, second) = ingest(KEY, &lines.join("\n"));
    assert_eq!((report.records, report.quarantined), (changes.len() as u64, BTreeMap::new()));
    assert_eq!((first.len(), second.len()), (changes.len(), changes.len()));
    (first, second)
}

#[test]
fn a_query_in_each_version() {
    let (first, second) = rows(&[json!({
        "answers": [
            {"Rdata": "cdn.example.net.", "Type": "CNAME", "Class": "IN"},
            {"Rdata": "192.0.2.8", "Type": "A", "Class": "IN"},
        ],
        "srcids": {"resolver_endpoint": "rslvr-in-1", "resolver_network_interface": "rni-1"},
        "firewall_rule_action": "ALERT", "firewall_rule_group_id": "rslvr-frg-1",
        "firewall_domain_list_id": "rslvr-fdl-1",
    })]);
    let product = json!({
        "version": "1.100000", "name": "Route 53", "feature": {"name": "Resolver Query Logs"},
        "vendor_name": "AWS",
    });
    let common = json!({
        "src_endpoint": {"vpc_uid": "vpc-0a1b", "ip": "10.0.0.7", "port": 40001},
        "time": 1_773_479_100_000_i64,
        "query": {"hostname": "www.example.com.", "type": "A", "class": "IN"},
        "answers": [
            {"type": "CNAME", "rdata": "cdn.example.net.", "class": "IN"},
            {"type": "A", "rdata": "192.0.2.8", "class": "IN"},
        ],
        "connection_info": {"protocol_name": "UDP", "direction": "Unknown", "direction_id": 0},
        "dst_endpoint": {"instance_uid": "rslvr-in-1", "interface_uid": "rni-1"},
        "severity_id": 1, "severity": "Informational", "class_name": "DNS Activity", "class_uid": 4003,
        "category_name": "Network Activity", "category_uid": 4, "rcode_id": 0, "rcode": "NoError",
        "partition": "us-east-1/accountId=111122223333/eventDay=20260314",
    });
    let with = |more: Value| {
        let mut row = common.clone();
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let expected = with(json!({
        "metadata": {"product": product, "profiles": ["cloud", "security_control"], "version": "1.0.0-rc.2"},
        "cloud": {"account_uid": "111122223333", "region": "us-east-1", "provider": "AWS"},
        "activity_id": 2, "activity_name": "Response", "type_uid": 400_302,
        "type_name": "DNS Activity: Response", "disposition": "No Action", "disposition_id": 16,
        "unmapped": {"firewall_rule_group_id": "rslvr-frg-1", "firewall_domain_list_id": "rslvr-fdl-1"},
    }));
    assert_eq!(first, [expected]);
    let expected = with(json!({
        "metadata": {
            "product": product, "profiles": ["cloud", "security_control", "datetime"], "version": "1.1.0",
        },
        "cloud": {"account": {"uid": "111122223333"}, "region": "us-east-1", "provider": "AWS"},
        "time_dt": 1_773_479_100_000_i64,
        "firewall_rule": {"uid": "rslvr-frg-1"},
        "activity_id": 6, "activity_name": "Traffic", "type_uid": 400_306, "type_name": "DNS Activity: Traffic",
        "action": "Allowed", "action_id": 1, "disposition": "Alert", "disposition_id": 19,
        "unmapped": {"firewall_domain_list_id": "rslvr-fdl-1"}, "asl_version": "2.0",
        "observables": [
            {"name": "src_endpoint.ip", "value": "10.0.0.7", "type": "IP Address", "type_id": 2},
            {"name": "query.hostname", "value": "www.example.com.", "type": "Hostname", "type_id": 1},
            {"name": "answers[].rdata", "value": "cdn.example.net.", "type": "Hostname", "type_id": 1},
            {"name": "answers[].rdata", "value": "192.0.2.8", "type": "IP Address", "type_id": 2},
            {"name": "dst_endpoint.instance_uid", "value": "rslvr-in-1", "type": "Resource UID", "type_id": 10},
        ],
    }));
    assert_eq!(second, [expected]);
}

#[test]
fn what_the_firewall_did() {
    let action = |action: &str| json!({"firewall_rule_action": action});
    let actions = ["ALLOW", "BLOCK", "ALERT", "TARPIT", ""].map(action);
    let (first, second) = rows(&[actions.as_slice(), &[json!({})]].concat());
    let of_first: Vec<Value> =
        first.iter().map(|row| json!([row["disposition_id"], row["disposition"]])).collect();
    let expected = json!([
        [1, "Allowed"],
        [2, "Blocked"],
        [16, "No Action"],
        [99, "TARPIT"],
        [0, "Unknown"],
        [0, "Unknown"]
    ]);
    assert_eq!(json!(of_first), expected);
    let of_second: Vec<Value> = second
        .iter()
        .map(|row| json!([row["action_id"], row["action"], row["disposition_id"], row["disposition"]]))
        .collect();
    let expected = json!([
        [1, "Allowed", 1, "Allowed"],
        [2, "Denied", 2, "Blocked"],
        [1, "Allowed", 19, "Alert"],
        [99, "TARPIT", 99, "TARPIT"],
        [0, "Unknown", 0, "Unknown"],
        [0, "Unknown", 0, "Unknown"],
    ]);
    assert_eq!(json!(of_second), expected);
    assert_eq!(
        (&first[4]["unmapped"], &second[5]["unmapped"]),
        (&json!({"firewall_rule_action": ""}), &Value::Null)
    );
}

#[test]
fn response_codes_and_what_they_mean() {
    let codes = ["NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "BADVERS"].map(|code| json!({"rcode": code}));
    let (first, second) = rows(&[codes.as_slice(), &[json!({"rcode": null}), json!({"rcode": 3})]].concat());
    let rcodes =
        |rows: &[Value]| -> Value { rows.iter().map(|row| json!([row["rcode_id"], row["rcode"]])).collect() };
    let expected = json!([
        [3, "NXDomain"],
        [2, "ServError"],
        [5, "Refused"],
        [1, "FormError"],
        [99, "BADVERS"],
        [null, null],
        [99, "3"],
    ]);
    assert_eq!(rcodes(&first), expected);
    assert_eq!(rcodes(&second), expected);
    let activities: Value = first
        .iter()
        .map(|row| json!([row["activity_id"], row["activity_name"], row["type_uid"], row["type_name"]]))
        .collect();
    let expected = json!([
        [2, "Response", 400_302, "DNS Activity: Response"],
        [4, "Fail", 400_304, "DNS Activity: Fail"],
        [5, "Refuse", 400_305, "DNS Activity: Refuse"],
        [4, "Fail", 400_304, "DNS Activity: Fail"],
        [99, "Other", 400_399, "DNS Activity: Other"],
        [0, "Unknown", 400_300, "DNS Activity: Unknown"],
        [99, "Other", 400_399, "DNS Activity: Other"],
    ]);
    assert_eq!(activities, expected);
}

#[test]
fn an_answer_is_an_observable_where_its_type_says_so() {
    let answers = [
        ("A", "192.0.2.8", Some("IP Address")),
        ("AAAA", "2001:db8::8", Some("IP Address")),
        ("A", "not an address", None),
        ("CNAME", "cdn.example.net.", Some("Hostname")),
        ("NS", "ns1.example.net.", Some("Hostname")),
        ("PTR", "host.example.net.", Some("Hostname")),
        ("PTR", "203.0.113.9", None),
        ("TXT", "\"v=spf1 -all\"", None),
        ("MX", "10 mail.example.net.", None),
        ("SRV", "0 5 5060 sip.example.net.", None),
        ("SOA", "ns1.example.net. admin.example.net. 1 2 3 4 5", None),
        ("TYPE65", "\\# 3 000100", None),
    ];
    let list: Vec<Value> =
        answers.iter().map(|(kind, data, _)| json!({"Rdata": data, "Type": kind, "Class": "IN"})).collect();
    let (first, second) = rows(&[json!({"answers": list})]);
    for row in [&first[0], &second[0]] {
        let found = row["answers"].as_array().unwrap();
        let expected: Vec<Value> = answers
            .iter()
            .map(|(kind, data, _)| json!({"type": kind, "rdata": data, "class": "IN"}))
            .collect();
        assert_eq!(found, &expected);
    }
    let observed: Vec<&Value> = second[0]["observables"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|observable| observable["name"] == "answers[].rdata")
        .collect();
    let expected: Vec<_> = answers.iter().filter(|(.., kind)| kind.is_some()).collect();
    assert_eq!(observed.len(), expected.len());
    for (observable, (_, data, kind)) in observed.iter().zip(expected) {
        assert_eq!((&observable["value"], &observable["type"]), (&json!(data), &json!(kind.unwrap())));
    }
}

#[test]
fn no_answers_are_an_empty_list() {
    let (first, second) = rows(&[json!({}), json!({"answers": null}), json!({"answers": "none"})]);
    for row in first.iter().chain(&second) {
        assert_eq!(row["answers"], json!([]));
    }
    assert_eq!(second[2]["unmapped"], json!({"answers": "none"}));
}

#[test]
fn odd_members_keep_their_row() {
    let (first, second) = rows(&[
        json!({"account_id": 111_122_223_333_u64, "srcport": 53001, "version": 1.1, "query_name": 7}),
        json!({"srcport": "99999", "srcaddr": "10.0.0", "srcids": null}),
        json!({"srcport": "+1", "srcids": ["i-1"], "transport": {"a": true}}),
        json!({"query_name": null, "later": {"x": [1, 2]}, "srcids": {"instance": "i-2", "new": "y"}}),
        json!({"query_type": null, "query_class": null, "answers": [{"Rdata": "192.0.2.8"}, {"Type": "A"}, 5]}),
        json!({"query_name": "", "srcport": null}),
    ]);
    for rows in [&first, &second] {
        assert_eq!(rows[0]["src_endpoint"]["port"], 53001);
        assert_eq!(rows[0]["metadata"]["product"]["version"], "1.1");
        assert_eq!(rows[0]["query"]["hostname"], "7");
        assert_eq!(rows[0]["partition"], "us-east-1/accountId=111122223333/eventDay=20260314");
        assert_eq!(rows[1]["src_endpoint"], json!({"vpc_uid": "vpc-0a1b", "svc_name": "Unknown"}));
        assert_eq!(rows[1]["unmapped"], json!({"srcaddr": "10.0.0", "srcport": "99999"}));
        assert_eq!(rows[2]["unmapped"], json!({"srcport": "+1", "srcids[]": "i-1", "transport.a": "true"}));
        assert_eq!(rows[3]["query"], Value::Null);
        let expected = json!({"query_type": "A", "query_class": "IN", "srcids.new": "y", "later.x[]": "1,2"});
        assert_eq!(rows[3]["unmapped"], expected);
        assert_eq!(rows[4]["unmapped"], json!({"answers[].Type": "A", "answers[]": "5"}));
        assert_eq!(rows[5]["query"]["hostname"], "");
    }
    // What version 1.0 requires is filled in there and only there.
    assert_eq!(first[4]["answers"], json!([{"rdata": "192.0.2.8", "type": "Unknown", "class": "Unknown"}]));
    assert_eq!(second[4]["answers"], json!([{"rdata": "192.0.2.8"}]));
    assert_eq!(
        first[4]["query"],
        json!({"hostname": "www.example.com.", "type": "Unknown", "class": "Unknown"})
    );
    assert_eq!(first[0]["dst_endpoint"], json!({"svc_name": "Route 53 Resolver"}));
    assert_eq!(second[0]["dst_endpoint"], Value::Null);
}

#[test]
fn records_without_a_time_are_kept_aside() {
    let lines = [
        record(&json!({"query_timestamp": null})),
        record(&json!({"query_timestamp": "yesterday"})),
        record(&json!({"query_timestamp": "1970-01-01T00:00:00Z"})),
        record(&json!({"query_timestamp": ["2026-03-14T09:05:00Z"]})),
        record(&json!({"region": "r".repeat(65)})),
        record(&json!({})),
    ];
    let text = lines.map(|line| line.to_string()).join("\n") + "\n{\"version\":\nnull\n";
    let (report, first, second) = ingest(KEY, &text);
    let expected =
        [("bad_partition", 1), ("bad_query_timestamp", 3), ("missing_query_timestamp", 1), ("unreadable", 2)];
    assert_eq!(report.quarantined, BTreeMap::from(expected));
    assert_eq!((first.len(), second.len(), report.records), (1, 1, 8));
}

#[test]
fn the_key_and_the_lake_say_what_the_record_does_not() {
    let (_, first, _) = ingest(KEY, &record(&json!({"region": null, "account_id": null})).to_string());
    assert_eq!(first[0]["partition"], "eu-central-1/accountId=111122223333/eventDay=20260314");
    assert_eq!(first[0]["cloud"]["account_uid"], "111122223333");
    let (_, _, second) = ingest("queries.log", &record(&json!({"account_id": {"a": 1}})).to_string());
    assert_eq!(second[0]["partition"], "us-east-1/accountId=unknown/eventDay=20260314");
    assert_eq!(second[0]["cloud"], json!({"region": "us-east-1", "provider": "AWS"}));
    assert_eq!(second[0]["unmapped"], json!({"account_id.a": "1"}));
}

const HOSTED_ZONE: &str =
    "1.0 2026-03-14T09:05:00.130Z Z0123456789ABC example.com A NOERROR UDP FRA6 192.0.2.7 -";

#[test]
fn log_events_of_cloudwatch() {
    let event = |message: Value| json!({"id": "1", "timestamp": 1_773_479_100_000_i64, "message": message});
    let query = record(&json!({"account_id": null})).to_string();
    let envelope = |kind: &str, events: Vec<Value>| {
        json!({"messageType": kind, "owner": "444455556666", "logGroup": "dns", "logStream": "vpc-0a1b",
               "subscriptionFilters": ["all"], "logEvents": events})
        .to_string()
    };
    let text = [
        envelope("CONTROL_MESSAGE", vec![event(json!("CWL CONTROL MESSAGE: Checking health."))]),
        envelope(
            "DATA_MESSAGE",
            vec![
                event(json!(query)),
                event(json!(&query[..query.len() - 9])),
                event(json!(HOSTED_ZONE)),
                event(json!("START RequestId: 1")),
                event(json!(format!("{query} {query}"))),
                event(Value::Null),
                event(record(&json!({}))),
            ],
        ),
        json!({"logStreamName": "vpc-0a1b", "timestamp": 1, "message": query, "eventId": "2"}).to_string(),
    ]
    .concat();
    let (report, first, second) = ingest("dns/2026/03/14/09/dns-1-2026-03-14-09-05-00-0f1e.gz", &text);
    assert_eq!(report.skipped, BTreeMap::from([("control_message", 1), ("hosted_zone_query", 1)]));
    let expected = [("missing_message", 1), ("not_json", 1), ("unreadable", 2)];
    assert_eq!(report.quarantined, BTreeMap::from(expected));
    assert_eq!((first.len(), second.len(), report.records), (3, 3, 9));
    let accounts: Vec<&str> =
        second.iter().map(|row| row["partition"].as_str().unwrap().split('/').nth(1).unwrap()).collect();
    assert_eq!(accounts.iter().filter(|account| **account == "accountId=444455556666").count(), 1);
    assert_eq!(accounts.iter().filter(|account| **account == "accountId=unknown").count(), 1);
}

#[test]
fn lines_of_text() {
    let query = record(&json!({}));
    let text = format!(
        "2026-03-14T09:05:00.000Z {query}\n{HOSTED_ZONE}\n2026-03-14T09:05:00.000Z {HOSTED_ZONE}\n\n{query}\n{query} x\n{{\"a\":\nnot a log\n"
    );
    let (report, first, second) = ingest("exported/0f1e/vpc-0a1b/000000.gz", &text);
    assert_eq!((first.len(), second.len()), (2, 2));
    assert_eq!(report.skipped, BTreeMap::from([("hosted_zone_query", 2)]));
    assert_eq!(report.quarantined, BTreeMap::from([("not_json", 1), ("unreadable", 2)]));
}
