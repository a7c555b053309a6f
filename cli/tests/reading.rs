//! `lake tables`, `rows`, `views` and `report`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{LAKE, World, event, record, text};
use serde_json::{Value, json};

/// A lake with three days, two regions and all three tables.
fn filled() -> World {
    let world = World::new();
    let data = json!({"eventCategory": "Data", "managementEvent": false, "eventSource": "s3.amazonaws.com"});
    world.write_log(
        "a",
        &[
            record("1", json!({"eventTime": "2026-03-13T23:59:59Z"})),
            event("2"),
            record("3", json!({"eventTime": "2026-03-15T00:00:00Z", "awsRegion": "eu-west-1"})),
            record("4", data),
        ],
    );
    assert_eq!(world.ingest(&[]).0, 0);
    world
}

fn sign_in(id: &str, user: &str, ip: &str, outcome: &str) -> Value {
    record(
        id,
        json!({
            "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin",
            "eventType": "AwsConsoleSignIn",
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": user},
            "sourceIPAddress": ip, "responseElements": {"ConsoleLogin": outcome}, "requestParameters": null,
            "additionalEventData": {"LoginTo": "https://console.aws.amazon.com/", "MFAUsed": "No"},
        }),
    )
}

fn assume_role(id: &str, role: &str) -> Value {
    record(
        id,
        json!({
            "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
            "requestParameters": {"roleArn": role, "roleSessionName": "session"},
            "responseElements": {"assumedRoleUser": {"assumedRoleId": "AROAEXAMPLE:session", "arn": "arn:x"}},
        }),
    )
}

#[test]
fn tables() {
    let world = filled();
    let listing: Value = serde_json::from_str(&world.output(&["tables", "--json"])).unwrap();
    let table = &listing["tables"][0];
    assert_eq!(listing["tables"].as_array().unwrap().len(), 2);
    assert_eq!(table["database"], "amazon_security_lake_glue_db_us_east_1");
    assert_eq!(table["table"], "amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0");
    assert_eq!((&table["source"], &table["version"]), (&json!("CLOUD_TRAIL_MGMT"), &json!("2.0")));
    assert_eq!((&table["rows"], &table["files"], &table["partitions"]), (&json!(3), &json!(3), &json!(3)));
    assert_eq!(table["first"], "2026-03-13T23:59:59Z");
    assert_eq!(table["last"], "2026-03-15T00:00:00Z");

    let printed = world.output(&["tables"]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "amazon_security_lake_glue_db_us_east_1");
    let words: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(words[..4], ["cloud_trail_mgmt_2_0", "3", "3", "3"]);
    assert_eq!(lines[1].find("first event"), lines[2].find("2026-03-13T23:59:59Z"), "columns are aligned");
}

#[test]
fn an_empty_lake() {
    let world = World::new();
    assert_eq!(world.ingest(&[]).0, 0);
    assert_eq!(world.output(&["tables"]), "no tables yet; `lake ingest` fills the lake\n");
    assert_eq!(world.output(&["tables", "--json"]), "{\"tables\":[]}\n");
    assert!(world.output(&["views"]).starts_with("-- no tables yet"));
    for arguments in [&["rows", "cloud_trail_mgmt_2_0"][..], &["report"]] {
        let output = world.run(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("no tables yet"));
    }
}

#[test]
fn rows_have_their_columns_in_table_order() {
    let world = filled();
    let line = world.output(&["rows", "cloud_trail_mgmt_2_0", "--limit", "1"]);
    let row: Value = serde_json::from_str(&line).unwrap();
    let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
    let expected = [
        "metadata",
        "time",
        "time_dt",
        "cloud",
        "api",
        "actor",
        "http_request",
        "src_endpoint",
        "class_name",
        "class_uid",
        "category_name",
        "category_uid",
        "severity_id",
        "severity",
        "activity_name",
        "activity_id",
        "type_uid",
        "type_name",
        "status",
        "unmapped",
        "accountid",
        "region",
        "asl_version",
        "observables",
        "status_id",
        "eventday",
    ];
    assert_eq!(keys, expected);
    assert_eq!(row["time_dt"], "2026-03-15T00:00:00Z");
    assert_eq!(row["time"], 1_773_532_800_000_i64);
    assert_eq!((&row["accountid"], &row["region"]), (&json!("111122223333"), &json!("eu-west-1")));
    assert_eq!((&row["eventday"], &row["asl_version"]), (&json!("20260315"), &json!("2.0")));
    assert_eq!(row["unmapped"]["readOnly"], "true");
    assert_eq!(row["metadata"]["profiles"][0], "cloud");
    assert!(!line.contains("null"), "{line}");
}

#[test]
fn limit_counts_rows_across_files() {
    let world = filled();
    for (limit, rows) in [("0", 0), ("2", 2), ("3", 3), ("100", 3)] {
        assert_eq!(world.output(&["rows", "CLOUD_TRAIL_MGMT", "--limit", limit]).lines().count(), rows);
    }
}

#[test]
fn a_table_has_several_names() {
    let world = filled();
    let full = "amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_s3_data_2_0";
    for name in [full, &full[39..], "s3_data_2_0", "S3_DATA@2.0", "s3_data@2.0", "s3_data"] {
        assert_eq!(world.ids(name), ["4"], "{name}");
    }
    world.write_log("b", &[event("5")]);
    world.ingest(&["--region", "eu-west-1"]);
    let output = world.run(&["rows", "cloud_trail_mgmt"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("us_east_1") && error.contains("eu_west_1"), "{error}");
}

#[test]
fn partition_values_come_back_as_the_records_have_them() {
    let world = World::new();
    world.write_log("a", &[record("1", json!({"recipientAccountId": "700***/é"}))]);
    world.ingest(&[]);
    assert_eq!(world.rows("cloud_trail_mgmt")[0]["accountid"], "700***/é");
}

#[test]
fn a_reader_that_has_seen_enough() {
    let world = World::new();
    let records: Vec<Value> = (0..3_000).map(|number| event(&number.to_string())).collect();
    world.write_log("a", &records);
    world.ingest(&[]);
    let mut rows = Command::new(LAKE);
    rows.args(["rows", "cloud_trail_mgmt", "--limit", "1000000", "--lake", text(&world.lake())]);
    let mut rows = rows.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(rows.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = rows.wait_with_output().unwrap();
    assert!(line.starts_with("{\"metadata\""));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn views() {
    let world = filled();
    let sql = world.output(&["views"]);
    let database = "\"amazon_security_lake_glue_db_us_east_1\"";
    let mgmt = "\"amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0\"";
    assert!(sql.contains(&format!("CREATE SCHEMA IF NOT EXISTS {database};")));
    assert!(sql.contains(&format!("CREATE OR REPLACE VIEW {database}.{mgmt} AS")));
    let files = format!("'{}/aws/CLOUD_TRAIL_MGMT/2.0/*/*/*/*.parquet'", text(&world.lake()));
    assert!(sql.contains(&files), "{sql}");
    let view = &sql[sql.find(mgmt).unwrap()..];
    let at = |text: &str| view.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    let order =
        ["\"unmapped\"", "\"accountid\" AS", "\"region\" AS", "\"asl_version\"", "\"eventday\" AS", "FROM"];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{view}");
}

#[test]
fn report() {
    let world = World::new();
    let root = |id: &str, time: &str| {
        let identity = json!({"type": "Root", "principalId": "111122223333", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:root"});
        record(id, json!({"userIdentity": identity, "eventTime": time, "eventName": "DeleteTrail"}))
    };
    let denied = |id: &str, code: &str| record(id, json!({"errorCode": code, "errorMessage": "no"}));
    let role = "arn:aws:iam::111122223333:role/admin";
    world.write_log(
        "a",
        &[
            root("1", "2026-03-14T09:00:00Z"),
            root("2", "2026-03-16T09:00:00Z"),
            sign_in("3", "alex", "203.0.113.9", "Failure"),
            sign_in("4", "alex", "203.0.113.9", "Failure"),
            sign_in("5", "alex", "203.0.113.9", "Success"),
            assume_role("6", role),
            denied("7", "AccessDenied"),
            denied("8", "Client.UnauthorizedOperation"),
            denied("9", "NoSuchBucket"),
        ],
    );
    world.ingest(&[]);
    let report: Value = serde_json::from_str(&world.output(&["report", "--json"])).unwrap();
    let answer = |name: &str| {
        let questions = report["questions"].as_array().unwrap();
        questions.iter().find(|question| question["name"] == name).unwrap().clone()
    };
    assert_eq!(
        answer("root_use")["rows"],
        json!([{
            "account": "111122223333", "event": "DeleteTrail", "events": 2,
            "first_seen": "2026-03-14T09:00:00Z", "last_seen": "2026-03-16T09:00:00Z",
        }])
    );
    assert_eq!(
        answer("root_use")["columns"],
        json!(["account", "event", "events", "first_seen", "last_seen"])
    );
    assert_eq!(
        answer("failed_sign_ins")["rows"],
        json!([{"user_name": "alex", "source_ip": "203.0.113.9", "failures": 2}])
    );
    let analyst = "arn:aws:iam::111122223333:user/analyst";
    assert_eq!(answer("assumed_roles")["rows"], json!([{"caller": analyst, "role": role, "times": 1}]));
    assert_eq!(answer("denied_callers")["rows"], json!([{"caller": analyst, "denied": 2}]));
    assert!(answer("denied_callers")["sql"].as_str().unwrap().starts_with("SELECT"));

    let printed = world.output(&["report"]);
    assert!(printed.starts_with("What has been done as root?\n\n  account"), "{printed}");
    assert!(printed.contains("\n    SELECT\n") && printed.contains(role), "{printed}");
}

/// The samples in the repository, whose program writes what is to be expected of them.
#[test]
fn samples() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let expected: Value =
        serde_json::from_slice(&std::fs::read(samples.join("EXPECTED.json")).unwrap()).unwrap();
    let world = World::new();
    let (code, summary) = world.ingest_path(&samples.join("AWSLogs"), &[]);
    assert_eq!((code, &summary["records"]["read"]), (0, &expected["records"]));
    for (table, rows) in expected["tables"].as_object().unwrap() {
        assert_eq!(&summary["records"]["rows"][format!("{table}@2.0")], rows, "{table}");
    }
    assert_eq!(summary["records"]["skipped"], expected["skipped"]);
    assert_eq!(summary["objects"]["ingested"], expected["objects"]["logs"]);

    let report: Value = serde_json::from_str(&world.output(&["report", "--json"])).unwrap();
    let counts = |question: &str, count: &str| {
        let questions = report["questions"].as_array().unwrap();
        let rows = &questions.iter().find(|found| found["name"] == question).unwrap()["rows"];
        rows.as_array().unwrap().iter().map(|row| row[count].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let expected_counts = |answer: &Value| {
        let rows = answer.as_array().unwrap().iter();
        rows.map(|row| row["count"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let questions = &expected["questions"];
    assert_eq!(counts("root_use", "events"), expected_counts(&questions["root_use"]));
    assert_eq!(counts("failed_sign_ins", "failures"), expected_counts(&questions["failed_sign_ins"]));
    assert_eq!(counts("assumed_roles", "times"), expected_counts(&questions["assumed_roles"]));
    assert_eq!(
        counts("denied_callers", "denied"),
        expected_counts(&questions["denied_callers"]["CLOUD_TRAIL_MGMT"])
    );
}
