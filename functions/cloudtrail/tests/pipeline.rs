//! The whole road on folders, with faults: what fails goes back to the queue alone, and nothing is written twice
//! or half.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bytes::Bytes;
use cloudtrail::CloudTrail;
use futures::executor::block_on;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use shared::catalog::folder::FolderCatalog;
use shared::catalog::{Catalog, CatalogError, TablePartition};
use shared::deadline::Deadline;
use shared::handler::{Handler, SqsEvent};
use shared::intake::Intake;
use shared::json::Cursor;
use shared::ledger::{Lease, NoLedger};
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Settings};
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Source};
use shared::store::folder::{FolderStore, FolderUpload};
use shared::store::{Body, Store, StoreError, Upload};
use shared::table::TableDefinition;

/// A raw folder and a lake folder.
struct Lake {
    folder: tempfile::TempDir,
}

fn record(id: &str, account: &str, day: u32) -> String {
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::{account}:user/alex","accountId":"{account}"}},"eventTime":"2026-03-{day:02}T09:05:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","eventID":"{id}","recipientAccountId":"{account}","eventCategory":"Management"}}"#
    )
}

fn document(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn key(name: &str) -> String {
    format!(
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/111122223333_CloudTrail_us-east-1_20260314T0905Z_{name}.json.gz"
    )
}

impl Lake {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn raw(&self) -> PathBuf {
        self.folder.path().join("raw")
    }

    fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    fn put(&self, name: &str, contents: &str) -> ObjectRef {
        let path = self.raw().join(key(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, contents).unwrap();
        ObjectRef::new(self.raw().to_str().unwrap(), key(name))
    }

    fn settings(&self) -> Settings {
        Settings::new(self.lake().to_str().unwrap())
    }

    fn pipeline<S: Store, C: Catalog>(&self, store: S, catalog: C, settings: Settings) -> Pipeline<S, C> {
        let tables = CloudTrail.tables().iter().copied().filter(|table| table.is_default()).collect();
        Pipeline::new(Box::new(Fragile), tables, store, catalog, settings).unwrap()
    }

    fn catalog(&self) -> FolderCatalog {
        FolderCatalog::new(&self.lake(), "us-east-1")
    }

    fn ingest(&self, objects: Vec<ObjectRef>, settings: Settings) -> Report {
        block_on(self.pipeline(FolderStore, self.catalog(), settings).ingest(objects, &|_| {}))
    }

    /// Every file of the lake's tables with its event ids.
    fn ids(&self) -> BTreeMap<String, Vec<String>> {
        let mut found = BTreeMap::new();
        files(&self.lake().join("aws"), &mut |path| {
            let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
            let ids = reader.get_row_iter(None).unwrap().map(|row| {
                let text = row.unwrap().to_string();
                text.split("uid: \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
            });
            found.insert(path.strip_prefix(self.lake()).unwrap().to_str().unwrap().to_owned(), ids.collect());
        });
        found
    }

    fn all_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.ids().into_values().flatten().collect();
        ids.sort();
        ids
    }
}

fn files(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files(&path, visit) } else { visit(&path) }
    }
}

/// CloudTrail with a normaliser that panics on one event id.
struct Fragile;

struct FragileNormalizer(Box<dyn Normalizer>);

impl Source for Fragile {
    fn name(&self) -> &'static str {
        CloudTrail.name()
    }
    fn tables(&self) -> &'static [&'static TableDefinition] {
        CloudTrail.tables()
    }
    fn framing(&self) -> shared::frame::Framing {
        CloudTrail.framing()
    }
    fn classify(&self, key: &str) -> KeyClass {
        CloudTrail.classify(key)
    }
    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        Ok(Box::new(FragileNormalizer(CloudTrail.normalizer(tables)?)))
    }
    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        CloudTrail.constants(table, rows)
    }
}

impl Normalizer for FragileNormalizer {
    fn normalize(
        &mut self,
        record: &mut Cursor<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, RecordError> {
        let start = record.offset();
        let outcome = self.0.normalize(record, facts, out);
        assert!(
            !record.between(start, record.offset()).contains("\"eventID\":\"boom\""),
            "a mistake in the mapping"
        );
        outcome
    }
}

/// A folder store that fails to write objects whose key contains a text.
struct Failing {
    key_part: &'static str,
    at: Fault,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Create,
    Write,
    Complete,
}

struct FailingUpload(FolderUpload, Option<Fault>);

fn broken() -> StoreError {
    StoreError::Failed { operation: "put", location: "lake".to_owned(), reason: "injected".to_owned() }
}

impl Store for Failing {
    type Upload = FailingUpload;

    async fn get(&self, object: &ObjectRef) -> Result<Body, StoreError> {
        FolderStore.get(object).await
    }

    async fn create(&self, bucket: &str, key: &str) -> Result<FailingUpload, StoreError> {
        let fault = key.contains(self.key_part).then_some(self.at);
        if fault == Some(Fault::Create) {
            return Err(broken());
        }
        Ok(FailingUpload(FolderStore.create(bucket, key).await?, fault))
    }
}

impl Upload for FailingUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        if self.1 == Some(Fault::Write) { Err(broken()) } else { self.0.write(bytes).await }
    }
    async fn complete(self) -> Result<(), StoreError> {
        if self.1 == Some(Fault::Complete) { Err(broken()) } else { self.0.complete().await }
    }
    async fn abort(self) {
        self.0.abort().await;
    }
}

/// A catalogue that refuses partitions of one day and counts calls.
struct Refusing(FolderCatalog, &'static str, Mutex<usize>);

impl Catalog for Refusing {
    async fn register(&self, partitions: &[TablePartition]) -> Vec<Result<(), CatalogError>> {
        *self.2.lock().unwrap() += 1;
        let mut outcomes = self.0.register(partitions).await;
        for (partition, outcome) in partitions.iter().zip(&mut outcomes) {
            if partition.partition.day == self.1 {
                let (table, partition) = (partition.table.id(), partition.prefix());
                *outcome =
                    Err(CatalogError { table, partition, reason: "throttled".to_owned(), retryable: true });
            }
        }
        outcomes
    }
}

#[test]
fn one_object_a_partition_for_all_inputs_and_the_same_names_again() {
    let lake = Lake::new();
    let objects = vec![
        lake.put("a", &document(&[record("1", "111122223333", 14), record("2", "111122223333", 15)])),
        lake.put("b", &document(&[record("3", "111122223333", 14), record("4", "444455556666", 14)])),
    ];
    let report = lake.ingest(objects.clone(), lake.settings());
    assert_eq!((report.objects_ingested, report.records, report.failures.len()), (2, 4, 0));
    let first = lake.ids();
    assert_eq!(first.len(), 3);
    let backwards = lake.ingest(objects.into_iter().rev().collect(), lake.settings());
    assert_eq!(backwards.objects_written, report.objects_written);
    assert_eq!(lake.all_ids(), ["1", "2", "3", "4"]);
}

#[test]
fn broken_objects_cost_only_themselves() {
    let lake = Lake::new();
    let good = |name: &str, id: &str| lake.put(name, &document(&[record(id, "111122223333", 14)]));
    let cut = document(&[record("x", "111122223333", 14), record("y", "111122223333", 14)]);
    let objects = vec![
        good("a", "1"),
        lake.put("cut", &cut[..cut.len() - 40]),
        good("b", "2"),
        lake.put("panics", &document(&[record("z", "111122223333", 14), record("boom", "111122223333", 14)])),
        ObjectRef::new(lake.raw().to_str().unwrap(), key("missing")),
        good("c", "3"),
        lake.put(
            "quarantined",
            &document(&[record("4", "111122223333", 14), r#"{"eventName":"A"}"#.to_owned()]),
        ),
    ];
    let report = lake.ingest(objects, lake.settings());
    let failed: Vec<usize> = report.failures.iter().map(|failure| failure.index).collect();
    assert_eq!(failed, [1, 3, 4]);
    assert!(
        report.failures[0].reason.contains("truncated") && report.failures[1].reason.contains("panicked")
    );
    assert!(report.failures[2].reason.contains("no such object"));
    assert_eq!(lake.all_ids(), ["1", "2", "3", "4"]);
    assert_eq!((report.records, report.quarantined["missing_event_time"]), (5, 1));
    assert!(report.objects_written.iter().any(|key| key.starts_with("quarantine/cloudtrail/")));
}

#[test]
fn an_object_that_outgrows_the_buffer_gets_objects_of_its_own() {
    let lake = Lake::new();
    let many = |prefix: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| record(&format!("{prefix}{n:04}"), "111122223333", 14 + (n % 2) as u32)).collect()
    };
    let small = lake.put("a", &document(&many("a", 3)));
    let large = lake.put("b", &document(&many("b", 2000)));
    let text = document(&many("c", 2000));
    let cut = lake.put("c", &text[..text.len() - 9]);
    let settings = Settings { buffer_bytes: 200_000, ..lake.settings() };
    let report = lake.ingest(vec![small.clone(), cut, large.clone(), small], settings.clone());
    assert_eq!(report.failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [1]);
    let ids = lake.all_ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 2003);
    assert!(!ids.iter().any(|id| id.starts_with('c')), "rows of the truncated object");
    let own: Vec<_> = lake.ids().into_values().filter(|ids| ids[0].starts_with('b')).collect();
    assert_eq!(own.len(), 2, "one object a day");
    // Its names do not depend on its neighbours.
    let alone = lake.ingest(vec![large], settings);
    assert!(alone.objects_written.iter().all(|key| report.objects_written.contains(key)));
}

#[test]
fn an_object_may_fill_the_buffer_with_its_last_record() {
    // The first step of decoding ends inside the second record, whose rest is too short to be looked at before
    // the object's end.
    let lake = Lake::new();
    let long = |id: &str, bytes: usize| {
        record(id, "111122223333", 14).replacen(
            '{',
            &format!(r#"{{"requestParameters":{{"a":"{}"}},"#, "x".repeat(bytes)),
            1,
        )
    };
    let object = lake.put("a", &document(&[long("1", 200_000), long("2", 86_000)]));
    for buffer_bytes in [1_000, 100_000, 250_000] {
        let report = lake.ingest(vec![object.clone()], Settings { buffer_bytes, ..lake.settings() });
        assert_eq!((report.failures, report.records), (vec![], 2), "{buffer_bytes}");
    }
    assert_eq!(lake.all_ids(), ["1", "2"]);
}

#[test]
fn a_failed_write_fails_its_contributors_alone() {
    for at in [Fault::Create, Fault::Write, Fault::Complete] {
        let lake = Lake::new();
        let objects = vec![
            lake.put("a", &document(&[record("1", "111122223333", 14)])),
            lake.put("b", &document(&[record("2", "444455556666", 14)])),
            lake.put("c", &document(&[record("3", "111122223333", 14), record("4", "444455556666", 14)])),
        ];
        let store = Failing { key_part: "accountId=444455556666", at };
        let report = block_on(lake.pipeline(store, lake.catalog(), lake.settings()).ingest(objects, &|_| {}));
        let failed: Vec<usize> = report.failures.iter().map(|failure| failure.index).collect();
        assert_eq!(failed, [1, 2]);
        assert!(report.failures[0].reason.contains("injected"));
        assert_eq!(lake.all_ids(), ["1", "3"]);
        assert_eq!(report.objects_ingested, 1);
    }
}

#[test]
fn rows_without_a_registered_partition_are_not_settled() {
    let lake = Lake::new();
    let objects = vec![
        lake.put("a", &document(&[record("1", "111122223333", 14)])),
        lake.put("b", &document(&[record("2", "111122223333", 15)])),
    ];
    let catalog = Refusing(lake.catalog(), "20260315", Mutex::default());
    let pipeline = lake.pipeline(FolderStore, catalog, lake.settings());
    let report = block_on(pipeline.ingest(objects, &|_| {}));
    assert_eq!(report.failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [1]);
    assert!(report.failures[0].reason.contains("throttled"));
    assert_eq!(report.partitions, 1);
}

#[test]
fn nothing_to_write_is_nothing_to_register() {
    let lake = Lake::new();
    let objects = vec![
        lake.put("empty", &document(&[])),
        ObjectRef::new(
            lake.raw().to_str().unwrap(),
            "AWSLogs/1/CloudTrail-Digest/r/1_CloudTrail-Digest_r_t_r_x.json.gz",
        ),
        ObjectRef::new(lake.raw().to_str().unwrap(), "AWSLogs/"),
    ];
    let catalog = Refusing(lake.catalog(), "", Mutex::default());
    let pipeline = lake.pipeline(FolderStore, catalog, lake.settings());
    let report = block_on(pipeline.ingest(objects, &|_| {}));
    assert_eq!((report.objects_ingested, report.records), (1, 0));
    assert_eq!(report.objects_skipped, BTreeMap::from([("digest", 1), ("folder_marker", 1)]));
    assert!(!lake.lake().exists());
}

#[test]
fn the_lakes_own_objects_and_other_buckets_are_refused() {
    let lake = Lake::new();
    let own = "aws/S3_DATA/2.0/region=r/accountId=1/eventDay=20260314/0.zstd.parquet";
    let objects = vec![
        lake.put("a", &document(&[record("1", "111122223333", 14)])),
        ObjectRef::new(lake.raw().to_str().unwrap(), own),
        ObjectRef::new("someone-elses-bucket", key("a")),
    ];
    let settings = Settings { raw_buckets: vec![lake.raw().to_str().unwrap().to_owned()], ..lake.settings() };
    let report = lake.ingest(objects, settings);
    let reasons: Vec<&str> = report.failures.iter().map(|failure| failure.reason.as_str()).collect();
    assert!(reasons[0].contains("an object of the lake is no raw log") && reasons[1].contains("RAW_BUCKETS"));
    assert_eq!(lake.all_ids(), ["1"]);
}

#[test]
fn exactly_the_messages_that_failed_are_answered() {
    let lake = Lake::new();
    let good = lake.put("a", &document(&[record("1", "111122223333", 14)]));
    let bad = lake.put("b", "{");
    let body = |object: &ObjectRef| {
        format!(
            r#"{{"Records":[{{"eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"{}"}},"object":{{"key":"{}"}}}}}}]}}"#,
            object.bucket, object.key
        )
    };
    let bodies = [
        body(&good),
        "this is not json {".to_owned(),
        body(&bad),
        body(&good), // the same object once more: read once, settled twice
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"raw-logs"}"#.to_owned(),
    ];
    let records = bodies.iter().enumerate().map(|(index, body)| {
        serde_json::from_value(serde_json::json!({"messageId": index.to_string(), "body": body})).unwrap()
    });
    let pipeline = lake.pipeline(FolderStore, lake.catalog(), lake.settings());
    let handler = Handler::new(Intake::<_, _, NoLedger>::new(pipeline, None));
    let lease = Lease { owner: "test".to_owned(), now: 0, until: 0 };
    let deadline = Deadline::never(&|| 0);
    let answer = block_on(handler.handle(SqsEvent { records: records.collect() }, &lease, &deadline));
    let failed: Vec<&str> =
        answer.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    assert_eq!(failed, ["1", "2"]);
    assert_eq!(lake.all_ids(), ["1"]);
    assert_eq!(
        serde_json::to_value(block_on(handler.handle(SqsEvent::default(), &lease, &deadline))).unwrap(),
        serde_json::json!({"batchItemFailures": []})
    );
}
