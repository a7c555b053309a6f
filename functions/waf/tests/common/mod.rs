//! A lake in a temporary folder, and its rows as JSON.

use std::path::Path;

use futures::executor::block_on;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value, json};
use shared::catalog::folder::FolderCatalog;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Settings};
use shared::source::Source as _;
use shared::store::folder::FolderStore;
use waf::Waf;

/// The key of an ordinary object.
pub(crate) const KEY: &str = "AWSLogs/111122223333/WAFLogs/eu-west-1/acl/2026/03/14/09/05/111122223333_waflogs_eu-west-1_acl_20260314T0905Z_1c2d3e4f.log.gz";

/// Ingests one object and answers with the report and the rows.
pub(crate) fn ingest(key: &str, contents: &str) -> (Report, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let (raw, lake) = (folder.path().join("raw"), folder.path().join("lake"));
    let path = raw.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, contents).unwrap();
    let settings =
        Settings { region: Some("eu-central-1".to_owned()), ..Settings::new(lake.to_str().unwrap()) };
    let tables = Waf.tables().to_vec();
    let catalog = FolderCatalog::new(&lake, "eu-central-1");
    let pipeline = Pipeline::new(Box::new(Waf), tables, FolderStore, catalog, settings).unwrap();
    let report = block_on(pipeline.ingest(vec![ObjectRef::new(raw.to_str().unwrap(), key)], &|_| {}));
    let mut rows = Vec::new();
    read(&lake.join("aws/WAF/2.0"), &mut rows);
    rows.sort_by_key(|row| row["time"].as_i64());
    (report, rows)
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

/// Structs without nulls: a column that is missing says as much.
fn object(row: &Row) -> Value {
    let members = row.get_column_iter().filter(|(_, field)| !matches!(field, Field::Null));
    Value::Object(members.map(|(name, field)| (name.clone(), value(field))).collect::<Map<_, _>>())
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
        other => json!(other.to_string()),
    }
}
