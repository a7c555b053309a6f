//! A lake in a temporary folder, and its rows as JSON; findings to put into it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;

use futures::executor::block_on;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use security_hub::SecurityHub;
use serde_json::{Map, Value, json};
use shared::catalog::folder::FolderCatalog;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Settings};
use shared::source::Source as _;
use shared::store::folder::FolderStore;

/// The key of an ordinary object; it says neither region nor account.
pub(crate) const KEY: &str = "securityhub/2026/03/14/09/findings-1-a1b2.json.gz";

/// Ingests one object and answers with the report and the rows of both versions, in the order of their findings' ids.
pub(crate) fn ingest(key: &str, contents: &str) -> (Report, Vec<Value>, Vec<Value>) {
    let (report, first, second, _) = ingest_all(key, contents);
    (report, first, second)
}

/// As [`ingest`], with what is in quarantine.
pub(crate) fn ingest_all(key: &str, contents: &str) -> (Report, Vec<Value>, Vec<Value>, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let (raw, lake) = (folder.path().join("raw"), folder.path().join("lake"));
    let path = raw.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, contents).unwrap();
    let settings =
        Settings { region: Some("eu-central-1".to_owned()), ..Settings::new(lake.to_str().unwrap()) };
    let tables = SecurityHub.tables().to_vec();
    let catalog = FolderCatalog::new(&lake, "eu-central-1");
    let pipeline = Pipeline::new(Box::new(SecurityHub), tables, FolderStore, catalog, settings).unwrap();
    let report = block_on(pipeline.ingest(vec![ObjectRef::new(raw.to_str().unwrap(), key)], &|_| {}));
    let of = |version: &str, finding: &str| {
        let mut rows = Vec::new();
        read(&lake.join("aws/SH_FINDINGS").join(version), &mut rows);
        rows.sort_by_key(|row| row[finding]["uid"].to_string());
        rows
    };
    let (first, second) = (of("1.0", "finding"), of("2.0", "finding_info"));
    let mut quarantined = Vec::new();
    lines(&lake.join("quarantine"), &mut quarantined);
    (report, first, second, quarantined)
}

fn read(path: &Path, rows: &mut Vec<Value>) {
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            read(&path, rows);
            continue;
        }
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let partition = path.parent().unwrap().to_str().unwrap().split_once("region=").unwrap().1.to_owned();
        for row in reader.get_row_iter(None).unwrap() {
            let mut row = object(&row.unwrap());
            row["partition"] = json!(partition);
            rows.push(row);
        }
    }
}

fn lines(path: &Path, found: &mut Vec<Value>) {
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            lines(&path, found);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let mut text = Vec::new();
        shared::decode::decode_whole(&bytes, 1 << 30, &mut text);
        found.extend(
            String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
}

/// Structs without nulls: a column that is missing says as much.
fn object(row: &Row) -> Value {
    let members = row.get_column_iter().map(|(name, field)| (name.clone(), value(field)));
    let members: Map<String, Value> = members.filter(|(_, value)| !value.is_null()).collect();
    if members.is_empty() { Value::Null } else { Value::Object(members) }
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Int(value) => json!(value),
        Field::Long(value) | Field::TimestampMillis(value) => json!(value),
        Field::Str(value) => json!(value),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entries = map.entries().iter();
            let text = |field: &Field| value(field).as_str().unwrap().to_owned();
            Value::Object(entries.map(|(name, entry)| (text(name), value(entry))).collect())
        }
        other => json!(other.to_string()), // decimals, floats
    }
}

/// A finding of a control, with some members changed; `null` takes one away.
pub(crate) fn finding(id: &str, changes: &Value) -> Value {
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": id,
        "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
        "ProductName": "Security Hub",
        "CompanyName": "AWS",
        "Region": "eu-west-1",
        "GeneratorId": "security-control/S3.8",
        "AwsAccountId": "111122223333",
        "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        "CreatedAt": "2026-03-01T08:00:00.000Z",
        "UpdatedAt": "2026-03-14T09:05:00.250Z",
        "Severity": {"Label": "HIGH", "Normalized": 70},
        "Title": "Buckets should block public access",
        "Description": "Whether a bucket blocks public access.",
        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::example-bucket", "Partition": "aws", "Region": "eu-west-1"}],
        "Compliance": {"Status": "FAILED", "SecurityControlId": "S3.8", "AssociatedStandards": [{"StandardsId": "standards/example/v/1.0.0"}]},
        "WorkflowState": "NEW",
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
    });
    for (name, value) in changes.as_object().unwrap() {
        finding[name] = value.clone();
    }
    finding.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    finding
}

/// An event with findings.
pub(crate) fn event(findings: &[Value]) -> Value {
    json!({
        "version": "0", "id": "0a1b2c3d-0000-4000-8000-000000000001",
        "detail-type": "Security Hub Findings - Imported", "source": "aws.securityhub",
        "account": "444455556666", "time": "2026-03-14T09:06:00Z", "region": "ap-south-1",
        "resources": [], "detail": {"findings": findings},
    })
}

/// The ids of the findings of rows, of either version.
pub(crate) fn ids(rows: &[Value]) -> Vec<&str> {
    let uid = |row: &'_ Value| -> usize { usize::from(row["finding"].is_null()) };
    rows.iter().map(|row| row[["finding", "finding_info"][uid(row)]]["uid"].as_str().unwrap()).collect()
}

/// The two rows of a finding that differs from an ordinary one in what is given.
pub(crate) fn rows(changes: &Value) -> (Value, Value) {
    let (report, mut first, mut second) = ingest(KEY, &finding("f", changes).to_string());
    assert_eq!((report.failures.len(), report.quarantined), (0, std::collections::BTreeMap::new()));
    assert_eq!((first.len(), second.len()), (1, 1));
    (first.remove(0), second.remove(0))
}

/// A finding of GuardDuty with the given fields of its service.
pub(crate) fn guardduty(fields: &Value) -> Value {
    let fields = fields.as_object().unwrap().iter();
    let fields: Value = fields
        .map(|(name, value)| (format!("aws/guardduty/service/{name}"), value.clone()))
        .chain([("ResourceOwnerAccount".to_owned(), json!("444455556666"))])
        .collect();
    json!({
        "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/guardduty", "ProductName": "GuardDuty",
        "CompanyName": "Amazon", "Compliance": null, "Types": ["TTPs/Discovery/Recon:EC2-Portscan"],
        "UpdatedAt": "2026-03-01T08:00:00Z", "ProductFields": fields,
    })
}
