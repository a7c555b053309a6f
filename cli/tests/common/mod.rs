//! What the tests of `lake` share: folders, records of our own writing, and the real binary.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The binary.
pub(crate) const LAKE: &str = env!("CARGO_BIN_EXE_lake");

/// A folder with `raw` and `lake`, gone at the end of the test.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("raw")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn raw(&self) -> PathBuf {
        self.path("raw")
    }

    pub(crate) fn lake(&self) -> PathBuf {
        self.path("lake")
    }

    /// Writes a raw file at the given path below `raw`.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.raw().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes a log file of CloudTrail's, named for `name`.
    pub(crate) fn write_log(&self, name: &str, records: &[Value]) -> PathBuf {
        self.write(&log_key(name), &gzip(json!({ "Records": records }).to_string().as_bytes()))
    }

    /// `lake ingest raw --lake lake --json` with more arguments: exit code and summary.
    pub(crate) fn ingest(&self, more: &[&str]) -> (i32, Value) {
        self.ingest_path(&self.raw(), more)
    }

    pub(crate) fn ingest_path(&self, path: &Path, more: &[&str]) -> (i32, Value) {
        let output = self.run(&[&["ingest", text(path), "--json"], more].concat());
        let summary = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), summary)
    }

    /// Runs `lake` with the given arguments and `--lake`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(LAKE)
            .env_remove("SOURCES")
            .args(arguments)
            .arg("--lake")
            .arg(self.lake())
            .output()
            .unwrap()
    }

    /// What a successful command writes to stdout.
    pub(crate) fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// All rows of a table.
    pub(crate) fn rows(&self, table: &str) -> Vec<Value> {
        let lines = self.output(&["rows", table, "--limit", "1000000"]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The event ids of all rows of a table, sorted.
    pub(crate) fn ids(&self, table: &str) -> Vec<String> {
        let id = |row: &Value| row["metadata"]["uid"].as_str().unwrap().to_owned();
        let mut ids: Vec<String> = self.rows(table).iter().map(id).collect();
        ids.sort();
        ids
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The key of a log file.
pub(crate) fn log_key(name: &str) -> String {
    format!(
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/\
         111122223333_CloudTrail_us-east-1_20260314T0905Z_{name}.json.gz"
    )
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A management event, `DescribeInstances` by a user; members of `changes` replace its own, null takes away.
pub(crate) fn record(id: &str, changes: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAANALYSTEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/analyst",
            "accountId": "111122223333",
            "accessKeyId": "AKIAANALYSTEXAMPLE",
            "userName": "analyst",
        },
        "eventTime": "2026-03-14T09:01:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.24.10",
        "requestParameters": { "maxResults": 5 },
        "responseElements": null,
        "requestID": format!("request-{id}"),
        "eventID": id,
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    });
    let Value::Object(changes) = changes else { panic!("changes are members of a record") };
    for (name, value) in changes {
        if value.is_null() {
            record.as_object_mut().unwrap().remove(&name);
        } else {
            record[name] = value;
        }
    }
    record
}

/// A management event like any other.
pub(crate) fn event(id: &str) -> Value {
    record(id, json!({}))
}

/// The sum of the numbers of a JSON object.
pub(crate) fn sum(counts: &Value) -> u64 {
    counts.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}
