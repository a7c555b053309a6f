//! An ingest that is killed, or that cannot write, leaves each row once when it is run again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{LAKE, World, event, record, text};
use serde_json::json;

const MGMT: &str = "cloud_trail_mgmt_2_0";

/// How long an ingest may take to reach the point at which it is killed.
const TIME: Duration = Duration::from_secs(30);

/// Parquet files below a folder.
fn objects(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| match path.is_dir() {
        true => objects(path),
        false => usize::from(path.extension().is_some_and(|end| end == "parquet")),
    };
    entries.map(|entry| count(&entry.unwrap().path())).sum()
}

#[test]
fn killed_at_any_point() {
    let ids: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    let mut between_two_objects = 0;
    for objects_before in [0, 0, 1, 1, 5, 10, 20, 30, 39] {
        let world = World::new();
        for id in &ids {
            // Many partitions, so that there is time between the first object and the last.
            let account = format!("1111222233{id}");
            world.write_log(id, &[record(id, json!({"recipientAccountId": account}))]);
        }
        let mut ingest = Command::new(LAKE);
        ingest.args(["ingest", text(&world.raw()), "--lake", text(&world.lake())]);
        let mut ingest = ingest.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (note, tables) = (world.lake().join("state/pending/cloudtrail.json"), world.lake().join("aws"));
        let started = Instant::now();
        let reached = || note.exists() && objects(&tables) >= objects_before;
        while !reached() && ingest.try_wait().unwrap().is_none() && started.elapsed() < TIME {
            thread::yield_now();
        }
        ingest.kill().unwrap();
        ingest.wait().unwrap();
        between_two_objects += u32::from((1..ids.len()).contains(&objects(&tables)));

        // More files have come since; the group is repeated as it was all the same.
        world.write_log("new", &[event("new")]);
        let (code, _) = world.ingest(&[]);
        assert_eq!(code, 0);
        let mut expected = ids.clone();
        expected.push("new".to_owned());
        assert_eq!(world.ids(MGMT), expected, "killed after {objects_before} objects");
        assert!(!note.exists());
    }
    assert!(between_two_objects > 0, "no ingest was killed half-way");
}

#[test]
fn a_lake_that_cannot_be_written() {
    let world = World::new();
    let both = [event("1"), record("2", json!({"recipientAccountId": "444455556666"}))];
    world.write_log("a", &both);
    world.write_log("b", &[event("3")]);
    // A file stands where the folder of a partition has to be.
    let blocked = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=444455556666");
    fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    fs::write(&blocked, "in the way").unwrap();
    let (code, summary) = world.ingest(&[]);
    assert_eq!(code, 1);
    let failed = summary["objects"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1);
    assert!(failed[0]["reason"].as_str().unwrap().contains("run this again"), "{failed:?}");

    fs::remove_file(&blocked).unwrap();
    world.write_log("0", &[event("4")]);
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(3)));
    assert_eq!(world.ids(MGMT), ["1", "2", "3", "4"]);
    assert_eq!(world.ingest(&[]).1["objects"]["skipped"], json!({"already_ingested": 3}));
}

#[test]
fn a_file_that_vanishes_from_an_unfinished_group() {
    let world = World::new();
    world.write_log("a", &[event("1"), record("2", json!({"recipientAccountId": "444455556666"}))]);
    let gone = world.write_log("b", &[event("3")]);
    let blocked = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=444455556666");
    fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    fs::write(&blocked, "in the way").unwrap();
    world.ingest(&[]);
    fs::remove_file(&blocked).unwrap();
    fs::remove_file(&gone).unwrap();
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["failed"][0]["object"]), (1, &json!(text(&gone))));
    assert_eq!(world.ids(MGMT), ["1", "2"]);
    assert_eq!(world.ingest(&[]).0, 0);
}

/// A lake whose ingest of two files could not finish, with these options; nothing is in its way any more.
fn unfinished(world: &World, options: &[&str]) {
    world.write_log("a", &[event("1"), record("2", json!({"recipientAccountId": "444455556666"}))]);
    world.write_log("b", &[event("3"), record("4", json!({"recipientAccountId": "333333333333"}))]);
    let blocked = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=444455556666");
    fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    fs::write(&blocked, "in the way").unwrap();
    assert_eq!(world.ingest(options).0, 1);
    fs::remove_file(&blocked).unwrap();
}

#[test]
fn an_unfinished_group_is_finished_with_its_own_options() {
    let world = World::new();
    unfinished(&world, &["--codec", "gzip", "--region", "eu-west-1"]);
    world.write_log("c", &[event("5")]);
    let (code, summary) = world.ingest(&["--region", "eu-west-1"]);
    assert_eq!((code, &summary["objects"]["ingested"]), (0, &json!(3)));
    let written: Vec<&str> =
        summary["written"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    assert_eq!(written.iter().filter(|key| key.ends_with(".gz.parquet")).count(), 3, "{written:?}");
    assert_eq!(world.ids(MGMT), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_file_that_changes_in_an_unfinished_group() {
    let world = World::new();
    unfinished(&world, &[]);
    // Record 4 is in the lake by now, in an object of its own that nobody names any more.
    world.write_log("b", &[event("3"), event("6")]);
    let (code, summary) = world.ingest(&[]);
    assert_eq!((code, &summary["objects"]["failed"]), (0, &json!([])));
    assert_eq!(world.ids(MGMT), ["1", "2", "3", "6"]);
    assert_eq!(world.ingest(&[]).1["objects"]["skipped"], json!({"already_ingested": 2}));
}

#[test]
fn failed_files_are_remembered_until_they_land_or_are_gone() {
    let world = World::new();
    let failed = world.lake().join("state/failed/cloudtrail.jsonl");
    let lines = || -> Vec<serde_json::Value> {
        let text = fs::read_to_string(&failed).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let mended = world.write(&common::log_key("a"), b"{");
    let gone = world.write(&common::log_key("b"), b"[");
    world.write_log("c", &[event("1")]);
    for _ in 0..2 {
        assert_eq!(world.ingest(&[]).0, 1);
        let lines = lines();
        assert_eq!([&lines[0]["path"], &lines[1]["path"]], [&json!(text(&mended)), &json!(text(&gone))]);
        assert!(lines.iter().all(|line| line["sha256"].as_str().unwrap().len() == 64), "{lines:?}");
        assert!(lines.iter().all(|line| !line["reason"].as_str().unwrap().is_empty()), "{lines:?}");
    }
    // An ingest of other files says nothing of these.
    let other = world.write_log("d", &[event("2")]);
    assert_eq!(world.ingest_path(&other, &[]).0, 0);
    assert_eq!(lines().len(), 2);
    fs::remove_file(&gone).unwrap();
    world.write_log("a", &[event("3")]);
    assert_eq!(world.ingest(&[]).0, 0);
    assert!(!failed.exists());
    assert_eq!(world.ids(MGMT), ["1", "2", "3"]);
}

#[test]
fn one_ingest_at_a_time() {
    let world = World::new();
    world.write_log("a", &[event("1")]);
    fs::create_dir_all(world.lake().join("state")).unwrap();
    let lock = File::create(world.lake().join("state/lock")).unwrap();
    lock.lock().unwrap();
    let output = world.run(&["ingest", text(&world.raw())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another ingest is running"));
    lock.unlock().unwrap();
    assert_eq!(world.ingest(&[]).0, 0);
}
