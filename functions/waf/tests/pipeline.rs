//! Web ACL traffic on its whole road, on folders: what lands, as what, and what goes where instead.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{KEY, ingest};
use serde_json::{Value, json};

const ACL: &str = "arn:aws:wafv2:us-east-2:111122223333:regional/webacl/shop/0f1e";
const TIME: i64 = 1_773_479_100_123;

/// A request that is let through, with some members changed; `null` takes one away.
fn record(changes: &Value) -> Value {
    let mut record = json!({
        "timestamp": TIME, "formatVersion": 1, "webaclId": ACL, "terminatingRuleId": "Default_Action",
        "terminatingRuleType": "REGULAR", "action": "ALLOW", "terminatingRuleMatchDetails": [],
        "httpSourceName": "ALB", "httpSourceId": "111122223333-app/shop/0a1b", "ruleGroupList": [],
        "rateBasedRuleList": [], "nonTerminatingMatchingRules": [], "requestHeadersInserted": null,
        "responseCodeSent": null, "httpRequest": request(&json!({})),
    });
    change(&mut record, changes);
    record
}

fn request(changes: &Value) -> Value {
    let mut request = json!({
        "clientIp": "192.0.2.7", "country": "DE", "headers": [{"name": "Host", "value": "www.example.com"}],
        "uri": "/cart", "args": "a=1", "httpVersion": "HTTP/2.0", "httpMethod": "GET", "requestId": "r-1",
    });
    change(&mut request, changes);
    request
}

fn change(value: &mut Value, changes: &Value) {
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    value.as_object_mut().unwrap().retain(|_, value| !value.is_null());
}

/// The rows of records that differ from an ordinary one in what is given.
fn rows(changes: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = changes
        .iter()
        .enumerate()
        .map(|(index, changes)| {
            let mut record = record(changes);
            record["timestamp"] = json!(TIME + index as i64);
            record.to_string()
        })
        .collect();
    let (report, rows) = ingest(KEY, &lines.join("\n"));
    assert_eq!((report.records, report.quarantined), (changes.len() as u64, BTreeMap::new()));
    assert_eq!(rows.len(), changes.len());
    rows
}

fn requests(changes: &[Value]) -> Vec<Value> {
    rows(&changes.iter().map(|changes| json!({"httpRequest": request(changes)})).collect::<Vec<_>>())
}

#[test]
fn a_request_that_was_blocked() {
    let rows = rows(&[json!({
        "terminatingRuleId": "no-injection", "action": "BLOCK", "responseCodeSent": 403,
        "terminatingRuleMatchDetails": [
            {"conditionType": "SQL_INJECTION", "sensitivityLevel": "LOW", "location": "HEADER",
             "matchedData": ["1", "OR", "1"]},
            {"conditionType": "XSS", "location": "BODY", "matchedData": ["<", "script"]},
        ],
        "labels": [{"name": "awswaf:shop:bad"}, {"name": "awswaf:shop:worse"}],
        "ruleGroupList": [{"ruleGroupId": "AWS#AWSManagedRulesCommonRuleSet", "terminatingRule": null,
            "nonTerminatingMatchingRules": [], "excludedRules": [{"exclusionType": "EXCLUDED_AS_COUNT", "ruleId": "x"}]}],
        "requestHeadersInserted": [{"name": "x-amzn-waf-a", "value": "b"}],
        "ja3Fingerprint": "0123", "oversizeFields": ["REQUEST_BODY"], "requestBodySize": 9000,
        "httpRequest": request(&json!({"headers": [
            {"name": "hOST", "value": "www.example.com:8443"},
            {"name": "USER-AGENT", "value": "curl/8.0"},
            {"name": "Referer", "value": "https://example.com/"},
            {"name": "x-forwarded-for", "value": "198.51.100.1, unknown, 2001:db8::5"},
            {"name": "cookie", "value": "a=\"b\""},
        ]})),
    })]);
    let expected = json!({
        "metadata": {
            "product": {"feature": {"uid": ACL}, "version": "1", "vendor_name": "AWS", "name": "AWS WAF"},
            "labels": ["awswaf:shop:bad", "awswaf:shop:worse"],
            "profiles": ["cloud", "security_control", "datetime"], "version": "1.1.0",
        },
        "src_endpoint": {
            "svc_name": "ALB", "uid": "111122223333-app/shop/0a1b", "ip": "192.0.2.7", "location": {"country": "DE"},
        },
        "http_request": {
            "url": {"path": "/cart", "hostname": "www.example.com"}, "version": "HTTP/2.0", "http_method": "GET",
            "uid": "r-1", "args": "a=1",
            "http_headers": [
                {"name": "hOST", "value": "www.example.com:8443"},
                {"name": "USER-AGENT", "value": "curl/8.0"},
                {"name": "Referer", "value": "https://example.com/"},
                {"name": "x-forwarded-for", "value": "198.51.100.1, unknown, 2001:db8::5"},
                {"name": "cookie", "value": "a=\"b\""},
            ],
            "user_agent": "curl/8.0", "x_forwarded_for": ["198.51.100.1", "2001:db8::5"],
            "referrer": "https://example.com/",
        },
        "firewall_rule": {
            "uid": "no-injection", "type": "REGULAR", "condition": "SQL_INJECTION", "match_location": "HEADER",
            "match_details": ["1", "OR", "1"],
        },
        "http_status": 403, "time": TIME, "time_dt": TIME,
        "class_name": "HTTP Activity", "class_uid": 4002, "category_name": "Network Activity", "category_uid": 4,
        "severity_id": 1, "severity": "Informational", "cloud": {"provider": "AWS"},
        "activity_name": "Get", "activity_id": 3, "type_name": "HTTP Activity: Get", "type_uid": 400_203,
        "action": "Denied", "action_id": 2, "disposition": "Blocked", "disposition_id": 2,
        "unmapped": {
            "terminatingRuleMatchDetails[].sensitivityLevel": "LOW",
            "terminatingRuleMatchDetails[].conditionType": "XSS",
            "terminatingRuleMatchDetails[].location": "BODY",
            "terminatingRuleMatchDetails[].matchedData[]": "<,script",
            "ruleGroupList[].ruleGroupId": "AWS#AWSManagedRulesCommonRuleSet",
            "ruleGroupList[].excludedRules[].exclusionType": "EXCLUDED_AS_COUNT",
            "ruleGroupList[].excludedRules[].ruleId": "x",
            "requestHeadersInserted[].name": "x-amzn-waf-a", "requestHeadersInserted[].value": "b",
            "ja3Fingerprint": "0123", "oversizeFields[]": "REQUEST_BODY", "requestBodySize": "9000",
        },
        "asl_version": "2.0",
        "observables": [
            {"name": "firewall_rule.uid", "value": "no-injection", "type": "Resource UID", "type_id": 10},
            {"name": "http_request.url.hostname", "value": "www.example.com", "type": "Hostname", "type_id": 1},
            {"name": "src_endpoint.ip", "value": "192.0.2.7", "type": "IP Address", "type_id": 2},
            {"name": "src_endpoint.uid", "value": "111122223333-app/shop/0a1b", "type": "Resource UID", "type_id": 10},
        ],
        "http_response": {"code": 403},
        "dst_endpoint": {"hostname": "www.example.com", "uid": "111122223333-app/shop/0a1b", "svc_name": "ALB"},
        "partition": "us-east-2/accountId=111122223333/eventDay=20260314",
    });
    assert_eq!(rows, [expected]);
}

#[test]
fn every_action() {
    let actions = ["ALLOW", "BLOCK", "COUNT", "CAPTCHA", "CHALLENGE", "REDIRECT", ""];
    let mut changes: Vec<Value> = actions.iter().map(|action| json!({"action": action})).collect();
    changes.push(json!({"action": null}));
    let found: Value = rows(&changes)
        .iter()
        .map(|row| json!([row["action_id"], row["action"], row["disposition_id"], row["disposition"]]))
        .collect();
    let expected = json!([
        [1, "Allowed", 1, "Allowed"],
        [2, "Denied", 2, "Blocked"],
        [1, "Allowed", 20, "Count"],
        [2, "Denied", 22, "Captcha"],
        [2, "Denied", 23, "Challenge"],
        [99, "REDIRECT", 99, "REDIRECT"],
        [0, "Unknown", 0, "Unknown"],
        [0, "Unknown", 0, "Unknown"],
    ]);
    assert_eq!(found, expected);
}

#[test]
fn every_method() {
    let methods = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH", "get", ""];
    let changes: Vec<Value> = methods.iter().map(|method| json!({"httpMethod": method})).collect();
    let rows = requests(&changes);
    let ids: Vec<i64> = rows.iter().map(|row| row["activity_id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8, 99, 99, 0]);
    for (row, method) in rows.iter().zip(methods) {
        let id = row["activity_id"].as_i64().unwrap();
        assert_eq!(row["type_uid"], 400_200 + id);
        let own =
            if id == 99 { method.to_owned() } else { row["activity_name"].as_str().unwrap().to_owned() };
        assert_eq!(row["activity_name"], own);
        let of_type = if id == 99 { "Other" } else { &own };
        assert_eq!(row["type_name"], format!("HTTP Activity: {of_type}"));
        if (1..=8).contains(&id) {
            assert_eq!(
                (&row["http_request"]["http_method"], own.to_uppercase()),
                (&json!(method), method.to_owned())
            );
        } else {
            assert_eq!(row["http_request"]["http_method"], Value::Null);
            assert_eq!(row["unmapped"], json!({"httpRequest.httpMethod": method}));
        }
    }
}

#[test]
fn rules_of_every_type() {
    let rates = json!([
        {"rateBasedRuleId": "1", "rateBasedRuleName": "slow", "limitKey": "IP", "maxRateAllowed": 100},
        {"rateBasedRuleId": "2", "rateBasedRuleName": "fast", "limitKey": "IP", "maxRateAllowed": 2000},
    ]);
    let rule = |id: &str, kind: &str| json!({"terminatingRuleId": id, "terminatingRuleType": kind, "rateBasedRuleList": rates});
    let rows = rows(&[
        rule("fast", "RATE_BASED"),
        rule("others", "GROUP"),
        rule("managed", "MANAGED_RULE_GROUP"),
        json!({"terminatingRuleId": null, "rateBasedRuleList": [{"maxRateAllowed": 7}]}),
        json!({"rateBasedRuleList": [{"maxRateAllowed": 3_000_000_000_u64}]}),
        json!({"terminatingRuleMatchDetails": ["odd", {"location": "URI"}], "rateBasedRuleList": "none",
               "labels": ["plain", {"name": {"x": 1}, "y": 2}]}),
    ]);
    assert_eq!(rows[0]["firewall_rule"], json!({"uid": "fast", "type": "RATE_BASED", "rate_limit": 2000}));
    assert_eq!(
        rows[0]["unmapped"],
        json!({"rateBasedRuleList[].rateBasedRuleId": "1,2", "rateBasedRuleList[].rateBasedRuleName": "slow,fast",
               "rateBasedRuleList[].limitKey": "IP,IP", "rateBasedRuleList[].maxRateAllowed": "100"})
    );
    assert_eq!(rows[1]["firewall_rule"], json!({"uid": "others", "type": "GROUP", "rate_limit": 100}));
    assert_eq!(rows[2]["firewall_rule"]["type"], "MANAGED_RULE_GROUP");
    assert_eq!(rows[3]["firewall_rule"], Value::Null);
    let expected = json!({"terminatingRuleType": "REGULAR", "rateBasedRuleList[].maxRateAllowed": "7"});
    assert_eq!(rows[3]["unmapped"], expected);
    assert_eq!(rows[4]["unmapped"], json!({"rateBasedRuleList[].maxRateAllowed": "3000000000"}));
    assert_eq!(rows[5]["firewall_rule"], json!({"uid": "Default_Action", "type": "REGULAR"}));
    let expected = json!({"terminatingRuleMatchDetails[]": "odd", "terminatingRuleMatchDetails[].location": "URI",
        "rateBasedRuleList": "none", "labels[]": "plain", "labels[].name.x": "1", "labels[].y": "2"});
    assert_eq!(rows[5]["unmapped"], expected);
}

#[test]
fn requests_that_say_little_keep_their_row() {
    let rows = requests(&[
        json!({"clientIp": "192.0.***", "uri": null}),
        json!({"headers": [{"name": "myHeader", "myValue": "x"}, 5, {"name": "Host", "value": ""}]}),
        json!({"headers": {"Host": "www.example.com"}}),
        json!({"clientIp": null, "country": "-", "headers": [{"name": "host", "value": "203.0.113.5:80"}]}),
    ]);
    assert_eq!(rows[0]["unmapped"], json!({"httpRequest.clientIp": "192.0.***"}));
    assert_eq!(rows[0]["http_request"]["url"], Value::Null);
    assert_eq!(rows[0]["dst_endpoint"]["hostname"], "www.example.com");
    assert_eq!(
        rows[1]["unmapped"],
        json!({"httpRequest.headers[].name": "myHeader", "httpRequest.headers[].myValue": "x", "httpRequest.headers[]": "5"})
    );
    assert_eq!(rows[1]["http_request"]["http_headers"], json!([{"name": "Host", "value": ""}]));
    assert_eq!(rows[2]["unmapped"], json!({"httpRequest.headers.Host": "www.example.com"}));
    assert_eq!(rows[3]["http_request"]["url"]["hostname"], "203.0.113.5");
    let nothing = record(&json!({"httpRequest": {}, "httpSourceName": null, "httpSourceId": null}));
    let dashes = record(
        &json!({"httpSourceName": "-", "httpSourceId": "-", "httpRequest": null, "responseCodeSent": "x"}),
    );
    let (report, rows) = ingest(KEY, &format!("{nothing}{dashes}"));
    assert_eq!(report.records, 2);
    assert_eq!(rows[0]["http_request"], json!({"uid": ""}));
    for endpoint in ["src_endpoint", "dst_endpoint"] {
        assert_eq!(rows[0][endpoint], json!({"svc_name": "Unknown"}));
    }
    assert_eq!(rows[1]["src_endpoint"], json!({"svc_name": "-", "uid": "-"}));
    assert_eq!(rows[1]["dst_endpoint"], json!({"svc_name": "Unknown"}));
    assert_eq!((&rows[1]["http_response"], &rows[1]["http_status"]), (&json!({"code": 0}), &Value::Null));
}

#[test]
fn region_and_account() {
    let partition = |key: &str, acl: &str| {
        let (_, rows) = ingest(key, &record(&json!({"webaclId": acl})).to_string());
        rows[0]["partition"].as_str().unwrap().replace("/accountId=", " ").replace("/eventDay=20260314", "")
    };
    let global = "arn:aws:wafv2:us-east-1:444455556666:global/webacl/shop/0f1e";
    let stream = "2026/03/14/09/aws-waf-logs-shop-1-2026-03-14-09-05-00-0f1e";
    assert_eq!(partition(stream, global), "us-east-1 444455556666");
    assert_eq!(partition(KEY, ACL), "us-east-2 111122223333");
    assert_eq!(partition(KEY, "0f1e2d3c-classic"), "eu-west-1 111122223333");
    assert_eq!(partition(stream, "0f1e2d3c-classic"), "eu-central-1 unknown");
    assert_eq!(partition(KEY, "arn:aws:waf::444455556666:webacl/0f1e"), "eu-west-1 444455556666");
    assert_eq!(partition(KEY, "arn***"), "eu-west-1 111122223333");
    let escaped = record(&json!({"webaclId": ACL})).to_string().replace(":regional/", ":regional\\/");
    let (_, rows) = ingest(stream, &escaped);
    assert_eq!(rows[0]["partition"], "us-east-2/accountId=111122223333/eventDay=20260314");
}

#[test]
fn what_is_no_request_is_kept_aside() {
    let records = [
        record(&json!({"timestamp": null})),
        record(&json!({"timestamp": 1_773_479_100})),
        record(&json!({"timestamp": "2026-03-14T09:05:00Z"})),
        json!({"timestamp": TIME, "level": "info"}),
        record(&json!({"timestamp": TIME.to_string()})),
    ];
    let text = records.map(|record| record.to_string()).join("\n") + "\nnull\n{\"timestamp\":\n";
    let (report, rows) = ingest(KEY, &text);
    let expected =
        [("bad_timestamp", 2), ("missing_timestamp", 1), ("not_a_web_request", 1), ("unreadable", 2)];
    assert_eq!(report.quarantined, BTreeMap::from(expected));
    assert_eq!((report.records, rows.len()), (7, 1));
}

#[test]
fn log_events_of_cloudwatch() {
    let event = |message: Value| json!({"id": "1", "timestamp": TIME, "message": message});
    let request = record(&json!({"webaclId": "0f1e2d3c-classic"})).to_string();
    let envelope = |kind: &str, events: Vec<Value>| {
        json!({"messageType": kind, "owner": "444455556666", "logGroup": "aws-waf-logs-shop", "logStream": "s",
               "subscriptionFilters": ["all"], "logEvents": events})
        .to_string()
    };
    let text = [
        envelope("CONTROL_MESSAGE", vec![event(json!("CWL CONTROL MESSAGE: Checking health."))]),
        envelope(
            "DATA_MESSAGE",
            vec![
                event(json!(request)),
                event(json!(&request[..request.len() - 9])),
                event(json!("START RequestId: 1")),
                event(json!(format!("{request} {request}"))),
                event(Value::Null),
                event(record(&json!({}))),
            ],
        ),
        json!({"logStreamName": "s", "timestamp": 1, "message": request, "eventId": "2"}).to_string(),
    ]
    .concat();
    let (report, rows) = ingest("web/2026/03/14/09/web-1-2026-03-14-09-05-00-0f1e.gz", &text);
    assert_eq!(report.skipped, BTreeMap::from([("control_message", 1)]));
    let expected = [("missing_message", 1), ("not_json", 1), ("unreadable", 2)];
    assert_eq!(report.quarantined, BTreeMap::from(expected));
    assert_eq!(report.records, 8);
    let mut partitions: Vec<&str> = rows.iter().map(|row| row["partition"].as_str().unwrap()).collect();
    partitions.sort_unstable();
    let expected = [
        "eu-central-1/accountId=444455556666/eventDay=20260314",
        "eu-central-1/accountId=unknown/eventDay=20260314",
        "us-east-2/accountId=111122223333/eventDay=20260314",
    ];
    assert_eq!(partitions, expected);
}
