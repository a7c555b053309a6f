//! `lake ingest`, driven as a person drives it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::process::Command;

use common::{LAKE, World, event, gzip, log_key, record, sum, text};
use serde_json::{Value, json};

const MGMT: &str = "cloud_trail_mgmt_2_0";

#[test]
fn what_is_in_the_lake_is_not_ingested_again() {
    let world = World::new();
    world.write_log("a", &[event("1"), event("2")]);
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(1)));
    assert_eq!(world.ids(MGMT), ["1", "2"]);

    let second = world.write_log("b", &[event("3")]);
    for (path, ingested) in [(world.raw(), 1), (world.raw().join("AWSLogs"), 0), (second, 0)] {
        let (code, summary) = world.ingest_path(&path, &[]);
        assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(ingested)), "{}", path.display());
        assert_eq!(world.ids(MGMT), ["1", "2", "3"]);
    }
    let (_, summary) = world.ingest(&[]);
    assert_eq!(summary["objects"], json!({"ingested": 0, "skipped": {"already_ingested": 2}, "failed": []}));
    assert_eq!(summary["records"]["read"], 0);
    assert_eq!(summary["written"], json!([]));
}

#[test]
fn a_file_with_new_content_is_a_new_file() {
    let world = World::new();
    world.write_log("a", &[event("1")]);
    world.ingest(&[]);
    world.write_log("a", &[event("2")]);
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(1)));
    assert_eq!(world.ids(MGMT), ["1", "2"]);
}

#[test]
fn the_summary_adds_up() {
    let world = World::new();
    let data =
        |source: &str| json!({"eventCategory": "Data", "managementEvent": false, "eventSource": source});
    let records = [
        event("management"),
        record("s3", data("s3.amazonaws.com")),
        record("lambda", data("lambda.amazonaws.com")),
        record("dynamodb", data("dynamodb.amazonaws.com")),
        record("insight", json!({"eventCategory": "Insight", "eventType": "AwsCloudTrailInsight"})),
        record("timeless", json!({"eventTime": null})),
    ];
    world.write_log("a", &records);
    world.write_log("b", &[event("other day")]);
    world.write(
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/14/\
         111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20260314T090000Z.json.gz",
        &gzip(b"{}"),
    );
    world.write("AWSLogs/.DS_Store", b"x");
    world.write(&log_key("empty"), b"");

    let (code, summary) = world.ingest(&[]);
    assert_eq!(code, 1, "something was quarantined");
    assert_eq!(summary["objects"]["ingested"], 2);
    assert_eq!(summary["objects"]["skipped"], json!({"digest": 1, "empty_object": 1, "hidden": 1}));
    assert_eq!(summary["objects"]["failed"], json!([]));
    let counts = &summary["records"];
    let rows = json!({"CLOUD_TRAIL_MGMT@2.0": 2, "LAMBDA_EXECUTION@2.0": 1, "S3_DATA@2.0": 1});
    assert_eq!(counts["rows"], rows);
    assert_eq!(sum(&counts["skipped"]), 2);
    assert_eq!(counts["quarantined"], json!({"missing_event_time": 1}));
    assert_eq!(counts["read"], 7);
    assert_eq!(counts["read"], sum(&counts["rows"]) + sum(&counts["skipped"]) + sum(&counts["quarantined"]));

    let written: Vec<&str> =
        summary["written"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!((written.len(), &summary["partitions"]), (4, &json!(3)));
    let sizes: u64 = written.iter().map(|key| fs::metadata(world.lake().join(key)).unwrap().len()).sum();
    assert_eq!(summary["bytes"]["out"], sizes);
    let raw = ["a", "b"].map(|name| fs::metadata(world.raw().join(log_key(name))).unwrap().len());
    assert_eq!(summary["bytes"]["in"], raw.iter().sum::<u64>());
    assert!(summary["bytes"]["decoded"].as_u64() > summary["bytes"]["in"].as_u64());
    assert_eq!(written.iter().filter(|key| key.starts_with("quarantine/cloudtrail/")).count(), 1);
}

#[test]
fn the_summary_for_people_says_the_same() {
    let world = World::new();
    world.write_log("a", &[event("1"), record("timeless", json!({"eventTime": null}))]);
    world.write("notes.txt", b"x");
    let output = world.run(&["ingest", text(&world.raw())]);
    assert_eq!(output.status.code(), Some(1));
    let figures = String::from_utf8(output.stdout).unwrap();
    for line in ["objects ingested  1", "objects failed    1", "records read      2"] {
        assert!(figures.contains(line), "{line} is not in:\n{figures}");
    }
    assert!(
        figures.contains("1  rows of CLOUD_TRAIL_MGMT@2.0")
            && figures.contains("1  quarantined: missing_event_time")
    );
    let trouble = String::from_utf8(output.stderr).unwrap();
    assert!(trouble.contains("quarantine/cloudtrail/") && trouble.contains("notes.txt"), "{trouble}");
}

#[test]
fn a_broken_file_costs_its_neighbours_nothing_and_is_tried_again() {
    let world = World::new();
    world.write_log("a", &[event("1")]);
    let whole = gzip(json!({"Records": [event("2"), event("3")]}).to_string().as_bytes());
    let broken = world.write(&log_key("b"), &whole[..whole.len() / 2]);
    for ingested in [1, 0] {
        let (code, summary) = world.ingest(&[]);
        assert_eq!((code, &summary["objects"]["ingested"]), (1, &json!(ingested)));
        assert_eq!(summary["objects"]["failed"][0]["object"], text(&broken));
        let reason = summary["objects"]["failed"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("gzip") && !reason.contains(text(&broken)), "{reason}");
        assert_eq!(world.ids(MGMT), ["1"]);
    }
    fs::write(&broken, whole).unwrap();
    assert_eq!(world.ingest(&[]).0, 0);
    assert_eq!(world.ids(MGMT), ["1", "2", "3"]);
}

#[test]
fn a_file_that_no_source_knows_needs_source() {
    let world = World::new();
    // An event without its version could be anybody's.
    let document = json!({"Records": [record("1", json!({"eventVersion": null}))]});
    let path = world.write("export.json", document.to_string().as_bytes());
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["failed"][0]["object"]), (1, &json!(text(&path))));
    let reason = summary["objects"]["failed"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("--source (cloudtrail, "), "{reason}");
    let (code, summary) = world.ingest(&["--source", "cloudtrail"]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(1)));
    assert_eq!(world.ids(MGMT), ["1"]);
}

#[test]
fn an_export_is_recognised_by_its_beginning() {
    let world = World::new();
    let document = json!({"Records": [event("1"), event("2")]}).to_string();
    world.write("exports/march.json.gz", &gzip(document.as_bytes()));
    world.write("exports/april.txt", document.replace("\"1\"", "\"3\"").replace("\"2\"", "\"4\"").as_bytes());
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(2)));
    assert_eq!(world.ids(MGMT), ["1", "2", "3", "4"]);
    assert_eq!(world.ingest(&[]).1["objects"]["skipped"], json!({"already_ingested": 2}));
}

#[test]
fn usage_errors_end_in_2() {
    let world = World::new();
    let log = world.write_log("a", &[event("1")]);
    let (raw, log) = (text(&world.raw()).to_owned(), text(&log).to_owned());
    world.ingest(&[]);
    let inside = world.lake().join("catalog");
    for arguments in [
        &["ingest"][..],
        &["ingest", "no/such/path"],
        &["ingest", &raw, "--source", "carrier-pigeon"],
        &["ingest", &raw, "--codec", "lzma"],
        &["ingest", &raw, "--region", "Virginia"],
        &["ingest", &raw, "--buffer-bytes", "7"],
        &["ingest", text(&inside)],
        &["rows", "no_such_table"],
    ] {
        let output = world.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    for command in ["tables", "views", "report"] {
        let output = Command::new(LAKE).args([command, "--lake", &log]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}: a file is no lake");
    }
    let output = Command::new(LAKE).args(["ingest", &raw]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "--lake is required");
}

#[test]
fn codec_and_region_name_what_is_written() {
    let world = World::new();
    world.write_log("a", &[event("1")]);
    let (code, summary) = world.ingest(&["--codec", "gzip", "--region", "eu-west-1"]);
    assert_eq!(code, 0);
    let key = summary["written"][0].as_str().unwrap();
    let prefix = "aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=111122223333/eventDay=20260314/";
    assert!(key.starts_with(prefix) && key.ends_with(".gz.parquet"), "{key}");
    let name =
        "amazon_security_lake_glue_db_eu_west_1.amazon_security_lake_table_eu_west_1_cloud_trail_mgmt_2_0";
    assert_eq!(world.ids(name), ["1"]);
}

#[test]
fn many_files_become_few_objects() {
    let world = World::new();
    for number in 0..600 {
        world.write_log(&format!("{number:03}"), &[event(&format!("{number:03}"))]);
    }
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(600)));
    assert_eq!(summary["written"].as_array().unwrap().len(), 2);
    assert_eq!((&summary["partitions"], &summary["records"]["read"]), (&json!(1), &json!(600)));
    let expected: Vec<String> = (0..600).map(|number| format!("{number:03}")).collect();
    assert_eq!(world.ids(MGMT), expected);
    assert_eq!(world.ingest(&[]).1["objects"]["skipped"], json!({"already_ingested": 600}));
}

#[test]
fn the_same_raw_files_give_the_same_lake() {
    let world = World::new();
    world.write_log("a", &[event("1"), event("2")]);
    world.write_log("b", &[record("3", json!({"eventTime": "2026-03-15T00:00:00Z"}))]);
    let (_, first) = world.ingest(&[]);
    let bytes = |key: &Value| fs::read(world.lake().join(key.as_str().unwrap())).unwrap();
    let before: Vec<Vec<u8>> = first["written"].as_array().unwrap().iter().map(bytes).collect();
    fs::remove_dir_all(world.lake()).unwrap();
    let (_, second) = world.ingest_path(&world.raw().join("AWSLogs/111122223333"), &[]);
    let after: Vec<Vec<u8>> = second["written"].as_array().unwrap().iter().map(bytes).collect();
    assert_eq!(first, second);
    assert!(before == after, "the objects differ in their bytes");
}

#[test]
fn a_lake_below_the_raw_logs_is_left_alone() {
    let world = World::new();
    world.write_log("a", &[event("1")]);
    let (raw, lake) = (world.raw(), world.raw().join("lake"));
    for ingested in [1, 0] {
        let mut command = Command::new(LAKE);
        let output = command.args(["ingest", text(&raw), "--json", "--lake", text(&lake)]).output().unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &summary["objects"]["ingested"]), (Some(0), &json!(ingested)));
        assert_eq!(summary["objects"]["failed"], json!([]));
    }
}
