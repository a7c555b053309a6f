//! The operator's commands on a folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{World, event, text};
use serde_json::{Value, json};

fn json_of(world: &World, code: i32, arguments: &[&str]) -> Value {
    let output = world.run(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Writes a log of that day.
fn log_of(world: &World, day: &str, name: &str) {
    let key = format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/{day}/{name}_CloudTrail_x.json.gz");
    world.write(&key, &common::gzip(json!({ "Records": [event(name)] }).to_string().as_bytes()));
}

#[test]
fn a_replay_brings_in_what_is_missing_in_its_range() {
    let world = World::new();
    for (day, name) in [("13", "a"), ("14", "b"), ("15", "c"), ("16", "d")] {
        log_of(&world, day, name);
    }
    let raw = world.raw();
    world.ingest_path(&raw.join("AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14"), &[]);
    let replay =
        ["replay", text(&raw), "--source", "cloudtrail", "--from", "2026-03-14", "--to", "2026-03-15"];

    let told = json_of(&world, 0, &replay);
    let source = &told["sources"][0];
    assert_eq!(told["dry_run"], true);
    assert_eq!([&source["logs"], &source["known"], &source["to_ingest"]], [2, 1, 1]);
    assert!(source["first"].as_str().unwrap().contains("2026/03/15/c_"), "{source}");
    assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["b"]);

    for _ in 0..2 {
        json_of(&world, 0, &[&replay[..], &["--go"]].concat());
        assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["b", "c"]);
    }
    let told = json_of(&world, 0, &["replay", text(&raw), "--source", "vpc-flow"]);
    assert_eq!(told["sources"], json!([]));
    let prefix = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/16/";
    json_of(&world, 0, &["replay", text(&raw), "--prefix", prefix, "--go"]);
    assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["b", "c", "d"]);
}

#[test]
fn a_replay_keeps_to_the_region_of_the_lake() {
    let world = World::new();
    log_of(&world, "14", "a");
    world.ingest(&["--region", "eu-central-1"]);
    log_of(&world, "15", "b");
    json_of(&world, 0, &["replay", text(&world.raw()), "--go"]);
    assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["a", "b"]);
}

#[test]
fn mistakes_are_usage() {
    let world = World::new();
    fs::create_dir(world.lake()).unwrap();
    let raw = world.raw();
    for (arguments, expected) in [
        (&["replay"][..], "give the raw files"),
        (&["replay", text(&raw), "--from", "2026-03-15", "--to", "2026-03-13"], "--to is before --from"),
        (&["replay", text(&raw), "--from", "15.3.2026"], "expected a day"),
        (&["replay", text(&raw), "--not-in-lake"], "cannot be used with"),
        (&["replay", text(&raw), "--rate", "5"], "cannot be used with"),
        (&["redrive", "--reason", "unlucky"], "possible values"),
        (&["redrive", "--source", "syslog"], "possible values"),
        (&["status", "--max-lag", "soon"], "expected an age"),
    ] {
        let output = world.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    }
}

#[test]
fn the_status_tells_rows_and_the_latest_event() {
    let world = World::new();
    log_of(&world, "14", "a");
    log_of(&world, "15", "b");
    world.ingest(&[]);
    let told = json_of(&world, 0, &["status"]);
    assert_eq!(
        [&told["healthy"], &told["failed_files"], &told["quarantined_records"]],
        [&json!(true), &json!(0), &json!(0)]
    );
    let [seen] = told["seen"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!(
        [&seen["table"], &seen["account"], &seen["region"]],
        ["CLOUD_TRAIL_MGMT@2.0", "111122223333", "us-east-1"]
    );
    assert_eq!((&seen["rows"], &seen["last_event"]), (&json!(2), &json!("2026-03-14T09:01:00Z")));
    let late = json_of(&world, 1, &["status", "--max-lag", "1h"]);
    assert!(
        late["problems"][0].as_str().unwrap().contains("CLOUD_TRAIL_MGMT@2.0 of account 111122223333"),
        "{late}"
    );
    assert_eq!(json_of(&world, 0, &["status", "--max-lag", "36500d"])["healthy"], true);
    let text = world.output(&["status"]);
    assert!(text.contains("last event") && text.contains("nothing needs you"), "{text}");
}

/// Puts files on the list of failed ones, as an ingest does.
fn fail(world: &World, files: &[(&Path, &str)]) {
    let lines = files
        .iter()
        .map(|(path, reason)| json!({ "path": path, "sha256": null, "reason": reason }).to_string());
    let folder = world.lake().join("state/failed");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("cloudtrail.jsonl"), lines.collect::<Vec<_>>().join("\n")).unwrap();
}

#[test]
fn failed_files_are_told_by_reason_and_tried_again() {
    let world = World::new();
    let known = world.write_log("known", &[event("known")]);
    world.ingest(&[]);
    let mended = world.write_log("mended", &[event("mended")]);
    let broken = world.write(&common::log_key("broken"), b"\x1f\x8bnot gzip");
    let gone = world.raw().join(common::log_key("gone"));
    fail(
        &world,
        &[(&known, "was late"), (&mended, "was cut off"), (&broken, "not gzip"), (&gone, "was there")],
    );

    let told = json_of(&world, 0, &["redrive", "--entries"]);
    let source = &told["sources"][0];
    assert_eq!(source["reasons"], json!({ "no_such_object": 1, "ready": 2, "known": 1 }));
    assert_eq!(source["entries"].as_array().unwrap().len(), 4);
    let late = json_of(&world, 1, &["status"]);
    assert_eq!((&late["failed_files"], &late["healthy"]), (&json!(4), &json!(false)));
    assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["known"]);

    let output = world.run(&["redrive", "--go", "--entries", "--reason", "ready", "--json"]);
    assert_eq!(output.status.code(), Some(1), "one fails again");
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken"), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let done = |entry: &Value| {
        (entry["detail"].as_str().unwrap().to_owned(), entry["done"].as_str().map(str::to_owned))
    };
    let mut entries: Vec<_> = told["sources"][0]["entries"].as_array().unwrap().iter().map(done).collect();
    entries.sort();
    assert_eq!(
        entries,
        [("not gzip".to_owned(), None), ("was cut off".to_owned(), Some("moved".to_owned()))]
    );
    assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["known", "mended"]);
}

/// An event without its version, which could be anybody's.
fn nameless(id: &str) -> Vec<u8> {
    json!({ "Records": [common::record(id, json!({ "eventVersion": null }))] }).to_string().into_bytes()
}

#[test]
fn files_of_no_known_source_are_told_until_somebody_says_what_they_are() {
    let world = World::new();
    world.write_log("log", &[event("log")]);
    let export = world.write("export.json", &nameless("export"));
    let notes = world.write("notes.txt", b"call the auditor");
    assert_eq!(world.ingest(&[]).0, 1);

    let told = json_of(&world, 1, &["status"]);
    let counts = [&told["healthy"], &told["failed_files"], &told["unrecognised_files"]];
    assert_eq!(counts, [&json!(false), &json!(0), &json!(2)]);
    let [problem] = told["problems"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert!(
        problem.as_str().unwrap().contains("2 raw files are of no known source; `lake redrive"),
        "{told}"
    );
    let told = json_of(&world, 0, &["redrive", "--entries", "--reason", "unrecognised"]);
    let source = &told["sources"][0];
    assert_eq!(
        (&source["source"], &source["reasons"]),
        (&json!("unrecognised"), &json!({ "unrecognised": 2 }))
    );
    let ids: Vec<&Value> = source["entries"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
    assert_eq!(ids, [text(&export), text(&notes)]);
    // Nothing of them is ready, so nothing is done; and they are of no source that could be asked for.
    assert_eq!(json_of(&world, 0, &["redrive", "--go"])["sources"][0]["moved"], 0);
    assert_eq!(json_of(&world, 0, &["redrive", "--source", "cloudtrail"])["sources"], json!([]));
    assert_eq!(json_of(&world, 1, &["status"])["unrecognised_files"], 2);

    // Somebody says what the one is, and takes the other away.
    assert_eq!(world.ingest_path(&export, &["--source", "cloudtrail"]).0, 0);
    assert_eq!(json_of(&world, 1, &["status"])["unrecognised_files"], 1);
    fs::remove_file(&notes).unwrap();
    assert_eq!(json_of(&world, 0, &["redrive"])["sources"][0]["reasons"], json!({ "no_such_object": 1 }));
    // What was said holds on: the whole folder once more is nothing new, and no failure.
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["skipped"]), (0, &json!({ "already_ingested": 2 })));
    let told = json_of(&world, 0, &["status"]);
    assert_eq!((&told["healthy"], &told["unrecognised_files"]), (&json!(true), &json!(0)));
    assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["export", "log"]);
}

#[test]
fn a_file_that_is_recognised_by_now_is_ready() {
    let world = World::new();
    let export = world.write("export.json", &nameless("a"));
    assert_eq!(world.ingest(&[]).0, 1);
    let whole = json!({ "Records": [event("a")] }).to_string();
    fs::write(&export, &whole.as_bytes()[..whole.len() - 9]).unwrap();
    let told = json_of(&world, 0, &["redrive"]);
    assert_eq!(told["sources"][0]["reasons"], json!({ "ready": 1 }));
    // It is cut off, so it leaves this list for that of its source, and is not moved.
    let told = json_of(&world, 1, &["redrive", "--go"]);
    assert_eq!(told["sources"][0]["moved"], 0);
    let told = json_of(&world, 1, &["status"]);
    assert_eq!((&told["failed_files"], &told["unrecognised_files"]), (&json!(1), &json!(0)));
    fs::write(&export, whole).unwrap();
    let told = json_of(&world, 0, &["redrive", "--go"]);
    assert_eq!(
        (&told["sources"][0]["source"], &told["sources"][0]["moved"]),
        (&json!("cloudtrail"), &json!(1))
    );
    assert_eq!(world.ids("CLOUD_TRAIL_MGMT"), ["a"]);
    assert_eq!(json_of(&world, 0, &["status"])["healthy"], true);
}

#[test]
fn a_replay_of_one_source_does_not_forget_a_file_of_none() {
    let world = World::new();
    let export = world.write("export.json", &nameless("a"));
    world.ingest(&[]);
    fs::write(&export, json!({ "Records": [event("a")] }).to_string()).unwrap();
    json_of(&world, 0, &["replay", text(&world.raw()), "--source", "vpc-flow", "--go"]);
    assert_eq!(json_of(&world, 1, &["status"])["unrecognised_files"], 1);
}

#[test]
fn a_list_that_cannot_be_read_is_named_with_its_line() {
    let world = World::new();
    log_of(&world, "14", "a");
    world.ingest(&[]);
    let list = world.lake().join("state/failed/unrecognised.jsonl");
    fs::write(&list, "{\"path\":\"/x\",\"sha256\":null,\"reason\":\"y\"}\n{\"path\"").unwrap();
    for verb in ["status", "redrive"] {
        let output = world.run(&[verb]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors.contains(text(&list)) && errors.contains("line 2"), "{errors}");
    }
}
