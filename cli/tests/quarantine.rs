//! What `lake quarantine` shows of the records that could not become rows, and that a retry lands each once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{LAKE, World, event, gzip, log_key, record, text};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

const MGMT: &str = "cloud_trail_mgmt_2_0";
const FILE: &str = "0123456789abcdef0123456789abcdef";
const VPC_KEY: &str = "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/03/14/\
                       111122223333_vpcflowlogs_us-east-1_fl-1_20260314T0905Z_a.log";

fn path(world: &World, function: &str, file: &str) -> PathBuf {
    world.lake().join(format!("quarantine/{function}/{file}.jsonl.gz"))
}

/// An entry of CloudTrail's as a function wrote it that knew less, and kept no form.
fn old_entry(world: &World, number: u64, reason: &str, raw: &Value) -> Value {
    json!({
        "bucket": text(&world.raw()), "key": log_key("a"), "record": number, "offset": 12 + number,
        "reason": reason, "detail": "in words", "function": "cloudtrail", "function_version": "0.0.1",
        "raw": raw.to_string(),
    })
}

fn write(path: &Path, entries: &[Value]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lines: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
    fs::write(path, gzip(lines.as_bytes())).unwrap();
}

fn read(path: &Path) -> Vec<Value> {
    let mut lines = String::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut lines).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The only file of a function's quarantine, with its entries.
fn only(world: &World, function: &str) -> (PathBuf, Vec<Value>) {
    let mut files = fs::read_dir(world.lake().join("quarantine").join(function)).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    let entries = read(&path);
    (path, entries)
}

/// `lake quarantine retry --json`: exit code and outcome.
fn retry(world: &World, more: &[&str]) -> (i32, Value) {
    let output = world.run(&[&["quarantine", "retry", "--json"], more].concat());
    let outcome = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), outcome)
}

/// A lake with one row, and a quarantine of three records that have become good and one that has not.
fn lake_with_quarantine() -> World {
    let world = World::new();
    world.write_log("a", &[event("1")]);
    assert_eq!(world.ingest(&[]).0, 0);
    let elsewhere = json!({"recipientAccountId": "444455556666", "eventTime": "2026-03-15T09:01:00Z"});
    let entries = [
        old_entry(&world, 1, "too_new", &event("2")),
        old_entry(&world, 2, "too_new", &record("3", json!({"eventTime": null}))),
        old_entry(&world, 3, "too_long", &record("4", elsewhere)),
        old_entry(&world, 4, "too_long", &event("5")),
    ];
    write(&path(&world, "cloudtrail", FILE), &entries);
    world
}

#[test]
fn an_overview_and_each_entry() {
    let world = lake_with_quarantine();
    let (bad, good) = (record("x", json!({"eventTime": null})), event("5"));
    world.write_log("b", &[bad.clone(), good]);
    assert_eq!(world.ingest(&[]).0, 1);
    let lines = |arguments: &[&str]| -> Vec<Value> {
        let output = world.output(&[&["quarantine", "list", "--json"], arguments].concat());
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let sums = lines(&[]);
    let counts = |sum: &Value| (sum["reason"].clone(), sum["entries"].clone(), sum["files"].clone());
    assert_eq!(
        sums.iter().map(counts).collect::<Vec<_>>(),
        [
            ("missing_event_time".into(), 1.into(), 1.into()),
            ("too_long".into(), 2.into(), 1.into()),
            ("too_new".into(), 2.into(), 1.into()),
        ]
    );
    assert_eq!((&sums[2]["newest_file"], &sums[2]["objects"]), (&FILE.into(), &1.into()));
    assert_eq!(lines(&["--reason", "too_new"]), sums[2..]);
    assert!(lines(&["--function", "waf"]).is_empty());
    let listing = world.output(&["quarantine", "list"]);
    assert!(listing.starts_with("function    reason"), "{listing}");

    let entries = lines(&["--entries", "--reason", "missing_event_time"]);
    assert_eq!((entries.len(), &entries[0]["record"]), (1, &0.into()));
    assert!(entries[0]["object"].as_str().unwrap().ends_with(&log_key("b")));
    let id = entries[0]["id"].as_str().unwrap();
    assert!(world.output(&["quarantine", "list", "--entries"]).contains(id));
    let shown: Value = serde_json::from_str(&world.output(&["quarantine", "show", id])).unwrap();
    assert_eq!((&shown["id"], &shown["form"]), (&entries[0]["id"], &"record".into()));
    assert_eq!(world.output(&["quarantine", "show", id, "--raw"]), bad.to_string());
    let all = world.output(&["quarantine", "show", FILE, "--raw"]);
    assert_eq!(all.lines().count(), 4);
    for wrong in [format!("{FILE}:9"), id.replace(id.split_at(32).0, &"0".repeat(32)), "x".to_owned()] {
        assert_eq!(world.run(&["quarantine", "show", &wrong]).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn nothing_in_quarantine() {
    let world = World::new();
    world.write_log("a", &[event("1")]);
    world.ingest(&[]);
    assert_eq!(world.output(&["quarantine", "list"]), "nothing is in quarantine\n");
    let (code, outcome) = retry(&world, &[]);
    assert_eq!((code, &outcome["tried"]), (0, &json!(0)));
}

#[test]
fn what_becomes_a_row_leaves_the_quarantine() {
    let world = lake_with_quarantine();
    let before = fs::read(path(&world, "cloudtrail", FILE)).unwrap();
    let (code, outcome) = retry(&world, &["--dry-run"]);
    assert_eq!((code, &outcome["landed"], &outcome["rows"]), (1, &json!(3), &json!({})));
    assert_eq!(fs::read(path(&world, "cloudtrail", FILE)).unwrap(), before);
    assert_eq!(world.ids(MGMT), ["1"]);

    let (code, outcome) = retry(&world, &["--reason", "too_new"]);
    assert_eq!((code, &outcome["tried"], &outcome["landed"]), (1, &json!(2), &json!(1)));
    assert_eq!(outcome["stay"], json!({"missing_event_time": 1}));
    assert_eq!(outcome["rows"], json!({"CLOUD_TRAIL_MGMT@2.0": 1}));
    assert_eq!(world.ids(MGMT), ["1", "2"]);
    // The one that stays says why in the words of today, and is in its place still.
    let (file, entries) = only(&world, "cloudtrail");
    assert_eq!(file, path(&world, "cloudtrail", FILE));
    let reasons: Vec<&Value> = entries.iter().map(|entry| &entry["reason"]).collect();
    assert_eq!(reasons, ["missing_event_time", "too_long", "too_long"]);
    assert_eq!((&entries[0]["record"], &entries[0]["offset"]), (&json!(2), &json!(14)));
    assert_eq!(entries[0]["function_version"], env!("CARGO_PKG_VERSION"));

    // Another retry of the same file adds rows and replaces none, in the same partition and in a new one.
    assert_eq!(retry(&world, &["--function", "waf"]).1["tried"], 0);
    let (code, outcome) = retry(&world, &["--reason", "too_long", "--function", "cloudtrail"]);
    assert_eq!((code, &outcome["landed"]), (0, &json!(2)));
    assert_eq!(world.ids(MGMT), ["1", "2", "4", "5"]);
    let (code, outcome) = retry(&world, &[]);
    assert_eq!((code, &outcome["tried"]), (1, &json!(1)));
    fs::remove_file(&file).unwrap();
    assert_eq!(retry(&world, &[]).0, 0);
}

#[test]
fn a_file_goes_when_nothing_stays() {
    let world = lake_with_quarantine();
    write(&path(&world, "cloudtrail", FILE), &[old_entry(&world, 1, "too_new", &event("2"))]);
    assert_eq!(retry(&world, &[]).0, 0);
    assert!(!path(&world, "cloudtrail", FILE).exists());
    assert_eq!(world.output(&["quarantine", "list"]), "nothing is in quarantine\n");
}

#[test]
fn the_same_retry_twice() {
    let world = lake_with_quarantine();
    let file = path(&world, "cloudtrail", FILE);
    let before = fs::read(&file).unwrap();
    let (_, first) = retry(&world, &[]);
    fs::write(&file, before).unwrap();
    let (_, second) = retry(&world, &[]);
    assert_eq!(first, second);
    assert_eq!(world.ids(MGMT), ["1", "2", "4", "5"]);
}

#[test]
fn a_retry_that_could_not_finish_is_repeated_as_it_was() {
    let world = lake_with_quarantine();
    // A file stands where the folder of a partition has to be: of three rows two are written.
    let blocked = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=444455556666");
    fs::write(&blocked, "in the way").unwrap();
    let output = world.run(&["quarantine", "retry"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("make the lake writable"));
    assert_eq!(world.ids(MGMT), ["1", "2", "5"]);
    assert_eq!(only(&world, "cloudtrail").1.len(), 4);
    // Until it is finished nothing else may touch the quarantine.
    let output = world.run(&["ingest", text(&world.raw())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("lake quarantine retry"));
    assert_eq!(world.run(&["quarantine", "retry", "--dry-run"]).status.code(), Some(1));

    fs::remove_file(&blocked).unwrap();
    // What is asked for now does not matter to what was begun.
    retry(&world, &["--function", "waf"]);
    assert_eq!(world.ids(MGMT), ["1", "2", "4", "5"]);
    assert_eq!(only(&world, "cloudtrail").1.len(), 1);
    let note = world.lake().join("state/retry.json");
    assert!(!note.exists());
    // A note that was not taken back after the file had been replaced.
    let finished = json!({"function": "cloudtrail", "file": FILE, "sha256": "00", "lines": [1],
        "tables": ["CLOUD_TRAIL_MGMT@2.0"], "region": "us-east-1", "codec": "zstd"});
    fs::write(&note, finished.to_string()).unwrap();
    retry(&world, &[]);
    assert!(!note.exists());
    assert_eq!(world.ingest(&[]).0, 0);
}

#[test]
fn killed_at_any_point() {
    let accounts: Vec<String> = (0..30).map(|number| format!("1111222233{number:02}")).collect();
    let objects = |world: &World| -> usize {
        let folder = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1");
        let Ok(listing) = fs::read_dir(folder) else { return 0 };
        let days = listing.flat_map(|account| fs::read_dir(account.unwrap().path()).unwrap());
        let files = days.flat_map(|day| fs::read_dir(day.unwrap().path()).unwrap());
        files
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "parquet"))
            .count()
    };
    let mut half_way = 0;
    for objects_before in [0, 1, 5, 15, 25, 30, 30, 30] {
        let world = World::new();
        let entry = |(number, account): (usize, &String)| {
            old_entry(
                &world,
                number as u64,
                "too_new",
                &record(account, json!({"recipientAccountId": account})),
            )
        };
        let entries: Vec<Value> = accounts.iter().enumerate().map(entry).collect();
        write(&path(&world, "cloudtrail", FILE), &entries);
        let mut retrying = Command::new(LAKE);
        retrying.args(["quarantine", "retry", "--lake", text(&world.lake())]);
        let mut retrying = retrying.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        let reached = || world.lake().join("state/retry.json").exists() && objects(&world) >= objects_before;
        while !reached()
            && retrying.try_wait().unwrap().is_none()
            && started.elapsed() < Duration::from_secs(30)
        {
            thread::yield_now();
        }
        retrying.kill().unwrap();
        retrying.wait().unwrap();
        half_way += u32::from(world.lake().join("state/retry.json").exists());
        assert_eq!(retry(&world, &[]).0, 0);
        assert_eq!(world.ids(MGMT), accounts, "killed after {objects_before} objects");
        assert_eq!(world.output(&["quarantine", "list"]), "nothing is in quarantine\n");
    }
    assert!(half_way > 0, "no retry was killed half-way");
}

#[test]
fn a_record_that_is_there_twice_lands_once() {
    let world = lake_with_quarantine();
    let again = old_entry(&world, 1, "another_reason", &event("2"));
    write(&path(&world, "cloudtrail", &"f".repeat(32)), &[again]);
    let (_, outcome) = retry(&world, &[]);
    assert_eq!((&outcome["repeated"], &outcome["landed"]), (&json!(1), &json!(3)));
    assert_eq!(world.ids(MGMT), ["1", "2", "4", "5"]);
}

/// As if the mapping had learned to read the records in quarantine: they become good ones. Answers for which tables.
fn learn(world: &World) -> Vec<Value> {
    let files = fs::read_dir(world.lake().join("quarantine/cloudtrail")).unwrap();
    let mut tables = Vec::new();
    for file in files.map(|file| file.unwrap().path()) {
        let mut entries = read(&file);
        for entry in &mut entries {
            entry["raw"] = json!(event("2").to_string());
            tables.push(entry["tables"].clone());
        }
        write(&file, &entries);
    }
    tables.sort_by_key(Value::to_string);
    tables
}

#[test]
fn a_record_lands_in_each_table_that_it_is_missing_from_and_in_no_other() {
    let (older, newer) = ("CLOUD_TRAIL_MGMT@1.0", "CLOUD_TRAIL_MGMT@2.0");
    for is_retried_between in [false, true] {
        let world = World::new();
        world.write_log("a", &[event("1"), record("2", json!({"eventTime": null}))]);
        assert_eq!(world.ingest(&["--tables", newer]).0, 1);
        if is_retried_between {
            assert_eq!(learn(&world), [json!([newer])]);
            assert_eq!(retry(&world, &[]).1["landed"], 1);
        }
        // The same object, read for another table: what it leaves takes nothing's place.
        assert_eq!(world.ingest(&["--tables", older]).0, 1);
        let expected =
            if is_retried_between { vec![json!([older])] } else { vec![json!([older]), json!([newer])] };
        assert_eq!(learn(&world), expected);
        let (code, outcome) = retry(&world, &[]);
        assert_eq!((code, &outcome["landed"]), (0, &json!(expected.len())), "{outcome}");
        assert_eq!(
            (world.ids("cloud_trail_mgmt_1_0"), world.ids(MGMT)),
            (vec!["1".into(), "2".into()], vec!["1".into(), "2".into()])
        );
    }
}

#[test]
fn a_record_that_is_of_none_of_its_tables_leaves() {
    let world = World::new();
    let data = json!({"eventCategory": "Data", "eventSource": "s3.amazonaws.com", "eventTime": null});
    world.write_log("a", &[event("1"), record("2", data.clone())]);
    let (mgmt, of_s3) = ("CLOUD_TRAIL_MGMT@2.0", "S3_DATA@2.0");
    for tables in [mgmt, of_s3] {
        world.ingest(&["--tables", tables]);
    }
    // As if it had been refused before anything told its table, in both.
    let quarantine = world.lake().join("quarantine/cloudtrail");
    let files: Vec<PathBuf> = fs::read_dir(&quarantine).unwrap().map(|file| file.unwrap().path()).collect();
    let mut entry = read(&files[0])[0].clone();
    let mut good = record("2", data);
    good["eventTime"] = json!("2026-03-14T09:05:00Z");
    entry["raw"] = json!(good.to_string());
    for (name, tables) in [("0", mgmt), ("1", of_s3)] {
        entry["tables"] = json!([tables]);
        write(&path(&world, "cloudtrail", &name.repeat(32)), &[entry.clone()]);
    }
    files.iter().for_each(|file| fs::remove_file(file).unwrap());
    let (code, outcome) = retry(&world, &[]);
    assert_eq!((code, &outcome["landed"]), (0, &json!(1)), "{outcome}");
    assert_eq!(outcome["skipped"], json!({"source_not_enabled": 1}));
    assert_eq!((world.ids("s3_data_2_0"), world.ids(MGMT)), (vec!["2".into()], vec!["1".into()]));
}

#[test]
fn a_record_for_a_table_that_is_unknown_is_left_alone() {
    let world = World::new();
    world.write_log("a", &[event("1"), record("2", json!({"eventTime": null}))]);
    world.ingest(&[]);
    let (file, mut entries) = only(&world, "cloudtrail");
    entries[0]["tables"] = json!(["CLOUD_TRAIL_MGMT@2.0", "CLOUD_TRAIL_MGMT@9.0"]);
    write(&file, &entries);
    let output = world.run(&["quarantine", "retry"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && said.contains("tables that this `lake` does not know"),
        "{said}"
    );
    assert_eq!(read(&file), entries);
}

#[test]
fn an_interrupted_ingest_comes_first() {
    let world = World::new();
    let elsewhere = json!({"recipientAccountId": "444455556666"});
    world.write_log("a", &[event("1"), record("2", elsewhere), record("3", json!({"eventTime": null}))]);
    let blocked = world.lake().join("aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=444455556666");
    fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    fs::write(&blocked, "in the way").unwrap();
    assert_eq!(world.ingest(&[]).0, 1);
    let (code, outcome) = retry(&world, &[]);
    assert_eq!((code, &outcome["tried"]), (1, &json!(0)));
    assert!(outcome["failed"][0]["reason"].as_str().unwrap().contains("run `lake ingest` again first"));
}

#[test]
fn a_line_is_read_with_its_header_and_goes_to_the_tables_of_its_object() {
    let world = World::new();
    let log = "version dstaddr srcaddr start end log-status action\n\
               2 192.0.2.1 198.51.100.1 1773479100 1773479160 OK ACCEPT\n\
               2 192.0.2.2 198.51.100.2 1773479100\n";
    world.write(VPC_KEY, log.as_bytes());
    assert_eq!(world.ingest(&["--tables", "VPC_FLOW@1.0,VPC_FLOW@2.0"]).0, 1);
    let (file, mut entries) = only(&world, "vpc-flow");
    assert_eq!((&entries[0]["form"], &entries[0]["reason"]), (&"line".into(), &"field_count".into()));
    assert_eq!(entries[0]["header"], "version dstaddr srcaddr start end log-status action");
    // As it stands it stays.
    let before = fs::read(&file).unwrap();
    let (code, outcome) = retry(&world, &[]);
    assert_eq!((code, &outcome["stay"]), (1, &json!({"field_count": 1})));
    assert_eq!(fs::read(&file).unwrap(), before);

    entries[0]["raw"] = "2 192.0.2.2 198.51.100.2 1773479100 1773479160 OK REJECT".into();
    let mut without_header = entries[0].clone();
    without_header["record"] = 9.into();
    without_header.as_object_mut().unwrap().remove("header");
    write(&file, &[entries[0].clone(), without_header]);
    let output = world.run(&["quarantine", "retry"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not readable alone"));
    for table in ["vpc_flow_1_0", "vpc_flow_2_0"] {
        let rows = world.rows(table);
        let mut ends: Vec<&str> =
            rows.iter().map(|row| row["dst_endpoint"]["ip"].as_str().unwrap()).collect();
        ends.sort_unstable();
        assert_eq!(ends, ["192.0.2.1", "192.0.2.2"], "{table}");
        assert!(rows.iter().all(|row| row["accountid"] == "111122223333"));
    }
    let (_, outcome) = retry(&world, &[]);
    assert_eq!((&outcome["tried"], &outcome["not_alone"]), (&json!(1), &json!({"field_count": 1})));
}

#[test]
fn a_log_event_is_read_in_its_envelope() {
    let world = World::new();
    let audit = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1",
        "stage": "ResponseComplete", "requestURI": "/api/v1/pods", "verb": "list",
        "user": {"username": "alex"}, "requestReceivedTimestamp": "2026-03-14T09:05:00.000001Z",
        "stageTimestamp": "2026-03-14T09:05:00.250999Z",
    });
    let envelope = json!({
        "messageType": "DATA_MESSAGE", "owner": "444455556666", "logGroup": "/aws/eks/shop/cluster",
        "logStream": "kube-apiserver-audit-0123456789abcdef0123456789abcdef",
        "logEvents": [{"id": "1", "timestamp": 1_773_479_100_000_u64, "message": "{]"}],
    });
    world.write("eks-audit/2026/03/14/09/to-lake-1", envelope.to_string().as_bytes());
    assert_eq!(world.ingest(&[]).0, 1);
    let (file, mut entries) = only(&world, "eks-audit");
    assert_eq!(
        (&entries[0]["form"], &entries[0]["envelope"]["owner"]),
        (&"log_event".into(), &"444455556666".into())
    );
    assert_eq!(retry(&world, &[]).0, 1);
    assert_eq!(only(&world, "eks-audit").1, entries);
    let mended = json!({"id": "1", "timestamp": 1_773_479_100_000_u64, "message": audit.to_string()});
    entries[0]["raw"] = mended.to_string().into();
    write(&file, &entries);
    assert_eq!(retry(&world, &[]).0, 0);
    let rows = world.rows("eks_audit_2_0");
    assert_eq!((rows.len(), &rows[0]["accountid"]), (1, &"444455556666".into()));
    assert_eq!(rows[0]["metadata"]["log_name"], "/aws/eks/shop/cluster");

    // A record that turns out to hold several: what cannot land of it stays, and nothing else.
    let mut both = envelope.clone();
    both["logEvents"].as_array_mut().unwrap().push(mended);
    let mut entry = entries[0].clone();
    entry.as_object_mut().unwrap().remove("envelope");
    (entry["form"], entry["raw"]) = ("record".into(), both.to_string().into());
    write(&file, &[entry]);
    for tried in 0..2 {
        assert_eq!(retry(&world, &[]).0, 1, "{tried}");
        let (_, left) = only(&world, "eks-audit");
        assert_eq!((left.len(), &left[0]["form"]), (1, &"log_event".into()));
        assert!(left[0]["raw"].as_str().unwrap().contains("{]"));
        assert_eq!(world.rows("eks_audit_2_0").len(), 2);
    }
}

#[test]
fn what_needs_its_neighbours_stays() {
    let world = World::new();
    let finding = json!({"ProductArn": "arn:aws:securityhub:us-east-1::product/aws/securityhub"});
    let answer = json!({"detail-type": "Security Hub Findings - Imported", "account": "444455556666",
        "region": "eu-west-1", "detail": {"findings": [finding]}});
    world.write("security-hub/2026/03/14/09/to-lake-1", answer.to_string().as_bytes());
    assert_eq!(world.ingest(&[]).0, 1);
    let (_, entries) = only(&world, "security-hub");
    assert_eq!(entries[0]["form"], "part");
    let (code, outcome) = retry(&world, &[]);
    assert_eq!(code, 1);
    assert_eq!(outcome["not_alone"], json!({entries[0]["reason"].as_str().unwrap(): 1}));
    assert_eq!(only(&world, "security-hub").1, entries);
}

#[test]
fn tables_that_are_not_wanted_do_not_swallow_records() {
    let world = World::new();
    let data = json!({"eventCategory": "Data", "managementEvent": false, "eventSource": "s3.amazonaws.com"});
    let insight = json!({"eventCategory": "Insight", "eventType": "AwsCloudTrailInsight"});
    let entries = [
        old_entry(&world, 1, "too_new", &record("2", data)),
        old_entry(&world, 2, "too_new", &record("3", insight)),
    ];
    write(&path(&world, "cloudtrail", FILE), &entries);
    let (code, outcome) = retry(&world, &["--tables", "WAF@2.0"]);
    assert_eq!((code, &outcome["stay"]), (1, &json!({"source_not_enabled": 2})));
    let (code, outcome) = retry(&world, &["--tables", "CLOUD_TRAIL_MGMT@2.0"]);
    assert_eq!((code, &outcome["stay"]), (1, &json!({"source_not_enabled": 1})));
    // What belongs to no table at all need not be kept.
    assert_eq!(outcome["skipped"], json!({"insight": 1}));
    assert_eq!(only(&world, "cloudtrail").1, entries[..1]);
    assert_eq!(retry(&world, &[]).0, 0);
    assert_eq!(world.ids("s3_data_2_0"), ["2"]);
}

#[test]
fn usage() {
    let world = lake_with_quarantine();
    for arguments in [
        &["quarantine"][..],
        &["quarantine", "show"],
        &["quarantine", "retry", "--tables", "X@2.0"],
        &["quarantine", "retry", "--catalog-region", "nowhere"],
    ] {
        assert_eq!(world.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
