//! What `lake doctor` finds amiss with a lake in a folder, and that what it says to do heals it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{World, event, text};
use serde_json::Value;

/// `lake doctor --json`: its problems, as (of, check, what to do). The exit code has to agree.
fn problems(world: &World) -> Vec<(String, String, String)> {
    let output = world.run(&["doctor", "--json"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let checks: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(checks.len() > 8, "{lines}");
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let found: Vec<_> = checks
        .iter()
        .filter(|check| check["state"] == "problem")
        .map(|check| (text(check, "of"), text(check, "check"), text(check, "do")))
        .collect();
    assert_eq!(output.status.code(), Some(i32::from(!found.is_empty())), "{lines}");
    found
}

/// The only problem has to be that one; answers what to do.
fn only(world: &World, of: &str, check: &str) -> String {
    let found = problems(world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0.as_str(), found[0].1.as_str()), (of, check));
    found[0].2.clone()
}

fn world() -> World {
    let world = World::new();
    world.write_log("a", &[event("1"), event("2")]);
    assert_eq!(world.ingest(&[]).0, 0);
    assert_eq!(problems(&world), []);
    world
}

/// The catalogue's file of the only table.
fn catalog(world: &World) -> PathBuf {
    let database = world.lake().join("catalog/amazon_security_lake_glue_db_us_east_1");
    let mut files = fs::read_dir(database).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    path
}

fn parquet(world: &World) -> PathBuf {
    let mut folder = world.lake().join("aws");
    while folder.is_dir() {
        folder = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    }
    folder
}

/// `lake repair` with more arguments: exit code, and what it found.
fn repair(world: &World, more: &[&str]) -> (i32, Vec<String>) {
    let output = world.run(&[&["repair", "--json"], more].concat());
    let lines = String::from_utf8(output.stdout).unwrap();
    let what = |line: &str| serde_json::from_str::<Value>(line).unwrap()["what"].as_str().unwrap().to_owned();
    (output.status.code().unwrap(), lines.lines().map(what).collect())
}

#[test]
fn a_catalogue_that_is_lost_is_made_again() {
    let world = world();
    let before = fs::read(catalog(&world)).unwrap();
    fs::remove_dir_all(world.lake().join("catalog")).unwrap();
    let remedy = only(&world, "catalogue", "partitions");
    assert_eq!(remedy, format!("lake repair --lake {} --go", text(&world.lake())));
    assert_eq!(repair(&world, &[]), (1, vec!["not in the catalogue".to_owned()]));
    assert!(!world.lake().join("catalog").exists(), "without --go nothing is changed");
    assert_eq!(repair(&world, &["--go"]).0, 0);
    assert_eq!(fs::read(catalog(&world)).unwrap(), before);
    assert_eq!(problems(&world), []);
    assert_eq!(repair(&world, &["--go"]), (0, Vec::new()));
}

#[test]
fn a_table_that_is_behind_or_somebody_s_own() {
    let world = world();
    let (path, before) = (catalog(&world), fs::read(catalog(&world)).unwrap());
    let mut entry: Value = serde_json::from_slice(&before).unwrap();
    entry["columns"].as_array_mut().unwrap().pop();
    fs::write(&path, entry.to_string()).unwrap();
    only(&world, "catalogue", "table");
    assert_eq!(repair(&world, &["--go"]), (0, vec!["table behind".to_owned()]));
    assert_eq!(fs::read(&path).unwrap(), before);

    entry["columns"][0]["name"] = "mine".into();
    fs::write(&path, entry.to_string()).unwrap();
    only(&world, "catalogue", "table");
    assert_eq!(repair(&world, &["--go"]), (1, vec!["table changed by somebody".to_owned()]));
    assert_eq!(fs::read_to_string(&path).unwrap(), entry.to_string());
}

#[test]
fn a_partition_without_files_goes_only_when_told() {
    let world = world();
    fs::remove_file(parquet(&world)).unwrap();
    assert_eq!(problems(&world), []);
    assert_eq!(repair(&world, &["--go"]), (1, vec!["holds no object".to_owned()]));
    assert_eq!(repair(&world, &["--go", "--remove-empty"]).0, 0);
    assert_eq!(repair(&world, &[]), (0, Vec::new()));
}

#[test]
fn a_damaged_file_and_one_in_no_partition() {
    let world = world();
    let path = parquet(&world);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    only(&world, "files", "parquet");
    fs::write(&path, &bytes).unwrap();
    let astray = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/x.parquet");
    fs::write(&astray, &bytes).unwrap();
    only(&world, "files", "parquet");
    fs::remove_file(astray).unwrap();
    assert_eq!(problems(&world), []);
}

#[test]
fn what_was_interrupted() {
    let world = world();
    let part = parquet(&world).with_file_name(".x.parquet.part");
    fs::write(&part, "").unwrap();
    assert!(only(&world, "folder", "leftovers").ends_with(text(&part)));
    fs::remove_file(part).unwrap();

    let pending = world.lake().join("state/pending/cloudtrail.json");
    fs::write(&pending, r#"{"groups":[]}"#).unwrap();
    assert!(only(&world, "state", "pending ingest").contains("lake ingest"));
    for damaged in ["{", "{}"] {
        fs::write(&pending, damaged).unwrap();
        assert!(only(&world, "state", "pending ingest").starts_with("restore"));
    }
    fs::remove_file(pending).unwrap();

    fs::write(world.lake().join("state/retry.json"), "{}").unwrap();
    assert!(only(&world, "state", "pending retry").starts_with("lake quarantine retry"));
}

#[test]
fn records_in_quarantine() {
    let world = world();
    world.write_log("b", &[common::record("x", serde_json::json!({"eventTime": null}))]);
    assert_eq!(world.ingest(&[]).0, 1);
    assert!(only(&world, "quarantine", "records").starts_with("lake quarantine list"));
}

#[test]
fn a_file_that_failed_is_named_until_it_lands() {
    let world = world();
    let path = world.write(&common::log_key("b"), b"no log");
    assert_eq!(world.ingest(&[]).0, 1);
    let remedy = only(&world, "state", "failed files");
    assert!(remedy.ends_with(&format!("lake redrive --lake {} --go", text(&world.lake()))), "{remedy}");
    fs::remove_file(path).unwrap();
    world.write_log("b", &[event("3")]);
    assert_eq!(world.run(&["redrive", "--go"]).status.code(), Some(0));
    assert_eq!(problems(&world), []);
}

#[test]
fn a_folder_that_is_no_lake_is_a_mistake_of_the_command() {
    let world = World::new();
    assert_eq!(world.run(&["doctor"]).status.code(), Some(2));
    assert_eq!(world.run(&["repair"]).status.code(), Some(2));
}
