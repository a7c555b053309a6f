//! Rows as they stand in the lake's files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloudtrail::CloudTrail;
use futures::executor::block_on;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use shared::catalog::folder::FolderCatalog;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Settings};
use shared::source::Source;
use shared::store::folder::FolderStore;

/// Leaves of a row by their paths; entries of `unmapped` as `unmapped[path]`. Nulls are absent.
pub(crate) type Leaves = BTreeMap<String, String>;

fn flatten(path: &str, field: &Field, out: &mut Leaves) {
    match field {
        Field::Null => {}
        Field::Group(row) => group(path, row, out),
        Field::ListInternal(list) => {
            list.elements().iter().for_each(|element| flatten(&format!("{path}[]"), element, out));
        }
        Field::MapInternal(map) => {
            for (key, value) in map.entries() {
                let text = |field: &Field| match field {
                    Field::Str(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(out.insert(format!("{path}[{}]", text(key)), text(value)), None, "{key} twice");
            }
        }
        Field::Str(text) => put(path, text.clone(), out),
        other => put(path, other.to_string(), out),
    }
}

/// Values of a list stand side by side.
fn put(path: &str, text: String, out: &mut Leaves) {
    out.entry(path.to_owned()).and_modify(|texts| *texts = format!("{texts} {text}")).or_insert(text);
}

fn group(path: &str, row: &Row, out: &mut Leaves) {
    for (name, field) in row.get_column_iter() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        flatten(&path, field, out);
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Ingests a document into the tables of both versions: what was reported, and the rows of each version.
pub(crate) fn ingest(document: &str) -> (Report, BTreeMap<String, Vec<Leaves>>) {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("raw");
    std::fs::create_dir(&raw).unwrap();
    std::fs::write(raw.join("a.json"), document).unwrap();
    let lake = folder.path().join("lake");
    let settings = Settings::new(lake.to_str().unwrap());
    let catalog = FolderCatalog::new(&lake, "us-east-1");
    let tables = CloudTrail.tables().to_vec();
    let pipeline = Pipeline::new(Box::new(CloudTrail), tables, FolderStore, catalog, settings).unwrap();
    let object = ObjectRef::new(raw.to_str().unwrap(), "a.json");
    let report = block_on(pipeline.ingest(vec![object], &|_| {}));
    let (mut found, mut rows) = (Vec::new(), BTreeMap::new());
    files(&lake.join("aws"), &mut found);
    for path in found {
        let table = path.strip_prefix(lake.join("aws")).unwrap();
        let version = table.components().nth(1).unwrap().as_os_str().to_str().unwrap().to_owned();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let mut leaves = Leaves::new();
            group("", &row.unwrap(), &mut leaves);
            rows.entry(version.clone()).or_insert_with(Vec::new).push(leaves);
        }
    }
    (report, rows)
}
