//! Which tables `lake ingest` writes, and that a file joins each of them once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::process::Command;

use common::{LAKE, World, event, record, text};
use serde_json::{Value, json};

const MGMT: &str = "cloud_trail_mgmt_2_0";
const S3: &str = "s3_data_2_0";

fn s3_event(id: &str) -> Value {
    let data = json!({"eventCategory": "Data", "managementEvent": false, "eventSource": "s3.amazonaws.com"});
    record(id, data)
}

/// A lake into which an ingest with `tables` could not finish: a file stood in its way, which is gone again.
fn interrupted(tables: &str) -> World {
    let world = World::new();
    let elsewhere = json!({"recipientAccountId": "444455556666"});
    world.write_log("a", &[event("m1"), record("m2", elsewhere), s3_event("s1")]);
    let blocked = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=444455556666");
    fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    fs::write(&blocked, "in the way").unwrap();
    assert_eq!(world.ingest(&["--tables", tables]).0, 1);
    fs::remove_file(&blocked).unwrap();
    world
}

#[test]
fn only_the_tables_that_are_wanted() {
    let world = World::new();
    world.write_log("a", &[event("m1"), s3_event("s1")]);
    let (code, summary) = world.ingest(&["--tables", "S3_DATA@2.0"]);
    assert_eq!((code, &summary["records"]["rows"]), (0, &json!({"S3_DATA@2.0": 1})));
    assert_eq!(summary["records"]["skipped"], json!({"source_not_enabled": 1}));
    assert_eq!(summary["records"]["read"], 2);
    assert!(!world.lake().join("aws/CLOUD_TRAIL_MGMT").exists());
}

#[test]
fn a_source_without_wanted_tables_is_not_read() {
    let world = World::new();
    world.write_log("a", &[event("m1")]);
    let (code, summary) = world.ingest(&["--tables", "WAF@2.0"]);
    assert_eq!((code, &summary["objects"]["skipped"]), (0, &json!({"source_not_enabled": 1})));
    assert_eq!(summary["bytes"]["in"], 0);
    // It was not noted as ingested either.
    world.ingest(&[]);
    assert_eq!(world.ids(MGMT), ["m1"]);
}

#[test]
fn a_table_that_is_wanted_later_gets_its_rows_and_no_other_gets_them_twice() {
    let world = World::new();
    world.write_log("a", &[event("m1"), s3_event("s1")]);
    world.write_log("b", &[event("m2")]);
    world.ingest(&["--tables", "CLOUD_TRAIL_MGMT@2.0"]);
    world.write_log("c", &[event("m3"), s3_event("s2")]);
    // A file that is known to one table and a file that is known to none.
    let (code, summary) = world.ingest(&["--tables", "CLOUD_TRAIL_MGMT@2.0,S3_DATA@2.0"]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(3)));
    assert_eq!(summary["records"]["rows"], json!({"CLOUD_TRAIL_MGMT@2.0": 1, "S3_DATA@2.0": 2}));
    for _ in 0..2 {
        assert_eq!(world.ids(MGMT), ["m1", "m2", "m3"]);
        assert_eq!(world.ids(S3), ["s1", "s2"]);
        let (_, summary) = world.ingest(&["--tables", "S3_DATA@2.0,CLOUD_TRAIL_MGMT@2.0"]);
        assert_eq!(summary["objects"]["skipped"], json!({"already_ingested": 3}));
    }
    // Fewer tables than it knows are no reason to read a file again.
    let (_, summary) = world.ingest(&["--tables", "CLOUD_TRAIL_MGMT@2.0"]);
    assert_eq!(summary["objects"]["skipped"], json!({"already_ingested": 3}));
}

#[test]
fn an_interrupted_ingest_is_repeated_with_its_own_tables() {
    let world = interrupted("CLOUD_TRAIL_MGMT@2.0");
    let (code, summary) = world.ingest(&["--tables", "S3_DATA@2.0"]);
    assert_eq!(code, 0);
    assert_eq!(summary["records"]["rows"], json!({"CLOUD_TRAIL_MGMT@2.0": 2, "S3_DATA@2.0": 1}));
    assert_eq!((world.ids(MGMT), world.ids(S3)), (vec!["m1".into(), "m2".into()], vec!["s1".into()]));
    let (_, summary) = world.ingest(&["--tables", "CLOUD_TRAIL_MGMT@2.0,S3_DATA@2.0"]);
    assert_eq!(summary["objects"]["skipped"], json!({"already_ingested": 1}));
}

#[test]
fn an_interrupted_ingest_is_repeated_even_if_its_source_is_not_wanted() {
    let world = interrupted("CLOUD_TRAIL_MGMT@2.0,S3_DATA@2.0");
    let (code, summary) = world.ingest(&["--tables", "WAF@2.0"]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(1)));
    assert_eq!((world.ids(MGMT), world.ids(S3)), (vec!["m1".into(), "m2".into()], vec!["s1".into()]));
}

#[test]
fn a_file_that_fails_in_the_repeated_ingest_is_told_once() {
    let world = interrupted("CLOUD_TRAIL_MGMT@2.0");
    world.write_log("a", &[]);
    let path = world.write(&common::log_key("a"), b"{");
    let (code, summary) = world.ingest(&["--tables", "CLOUD_TRAIL_MGMT@2.0,S3_DATA@2.0"]);
    assert_eq!((code, summary["objects"]["failed"].as_array().unwrap().len()), (1, 1));
    assert_eq!(summary["objects"]["failed"][0]["object"], text(&path));
}

#[test]
fn the_environment_names_the_tables_unless_the_option_does() {
    let run = |environment: &str, option: &[&str]| {
        let world = World::new();
        world.write_log("a", &[event("m1"), s3_event("s1")]);
        let mut command = Command::new(LAKE);
        command.args(["ingest", text(&world.raw()), "--lake", text(&world.lake()), "--json"]).args(option);
        let output = command.env("SOURCES", environment).output().unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), summary["records"]["rows"].clone(), output.stderr)
    };
    let (s3, mgmt) = (json!({"S3_DATA@2.0": 1}), json!({"CLOUD_TRAIL_MGMT@2.0": 1}));
    assert_eq!(run("S3_DATA@2.0", &[]).1, s3);
    assert_eq!(run("S3_DATA@2.0", &["--tables", "CLOUD_TRAIL_MGMT@2.0"]).1, mgmt);
    assert_eq!(run("", &[]).1, json!({"CLOUD_TRAIL_MGMT@2.0": 1, "S3_DATA@2.0": 1}));
    for (environment, option) in [("CARRIER_PIGEON@2.0", &[][..]), ("", &["--tables", "CARRIER_PIGEON@2.0"])]
    {
        let (code, _, errors) = run(environment, option);
        let errors = String::from_utf8(errors).unwrap();
        assert_eq!(code, 2, "{errors}");
        for named in ["CARRIER_PIGEON@2.0", "CLOUD_TRAIL_MGMT@2.0", "VPC_FLOW@1.0", "WAF@2.0"] {
            assert!(errors.contains(named), "{named} is not in {errors}");
        }
    }
}
