//! A raw folder and a lake folder, and events to put into them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eks_audit::EksAudit;
use futures::executor::block_on;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use shared::catalog::folder::FolderCatalog;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Settings};
use shared::source::Source as _;
use shared::store::folder::FolderStore;

/// An audit event; `more` is members with a comma before the first.
pub(crate) fn event(id: &str, more: &str) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{id}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods?limit=5","verb":"list","user":{{"username":"alex"}},"sourceIPs":["192.0.2.7"],"objectRef":{{"resource":"pods","namespace":"shop","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"2026-03-14T09:05:00.000001Z","stageTimestamp":"2026-03-14T09:05:00.250999Z"{more}}}"#
    )
}

/// An envelope of a subscription with a log event for each message, which is any text.
pub(crate) fn envelope(stream: &str, messages: &[String]) -> String {
    let events: Vec<String> = messages
        .iter()
        .map(|message| {
            format!(r#"{{"id":"1","timestamp":1773479100000,"message":{}}}"#, serde_json::json!(message))
        })
        .collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"444455556666","logGroup":"/aws/eks/shop/cluster","logStream":"{stream}","subscriptionFilters":["to-lake"],"logEvents":[{}]}}"#,
        events.join(",")
    )
}

/// The name of an audit log stream.
pub(crate) const AUDIT: &str = "kube-apiserver-audit-0123456789abcdef0123456789abcdef";

/// What an ingestion did: the report, and each row as text by its path in the lake.
pub(crate) struct Ingested {
    pub(crate) report: Report,
    pub(crate) rows: Vec<(String, String)>,
    pub(crate) quarantine: Vec<u8>,
}

impl Ingested {
    /// The row of the event with that id.
    #[track_caller]
    pub(crate) fn row(&self, id: &str) -> &(String, String) {
        let wanted = format!("request: {{uid: \"{id}\"");
        let found: Vec<_> = self.rows.iter().filter(|(_, row)| row.contains(&wanted)).collect();
        assert_eq!(found.len(), 1, "rows of event {id}");
        found[0]
    }

    /// Reasons with their counts.
    pub(crate) fn reasons(&self) -> BTreeMap<&'static str, u64> {
        let (skipped, quarantined) = (&self.report.skipped, &self.report.quarantined);
        skipped.iter().chain(quarantined).map(|(reason, count)| (*reason, *count)).collect()
    }
}

/// Ingests one object.
pub(crate) fn ingest(key: &str, contents: &str) -> Ingested {
    let folder = tempfile::tempdir().unwrap();
    let (raw, lake) = (folder.path().join("raw"), folder.path().join("lake"));
    let path = raw.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, contents).unwrap();
    let object = ObjectRef::new(raw.to_str().unwrap(), key);
    let settings =
        Settings { region: Some("eu-central-1".to_owned()), ..Settings::new(lake.to_str().unwrap()) };
    let catalog = FolderCatalog::new(&lake, "eu-central-1");
    let tables = EksAudit.tables().to_vec();
    let pipeline = Pipeline::new(Box::new(EksAudit), tables, FolderStore, catalog, settings).unwrap();
    let report = block_on(pipeline.ingest(vec![object], &|_| {}));
    let (mut rows, mut quarantine) = (Vec::new(), Vec::new());
    for path in files(&lake.join("aws")) {
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let name = path.strip_prefix(&lake).unwrap().to_str().unwrap();
        rows.extend(
            reader.get_row_iter(None).unwrap().map(|row| (name.to_owned(), row.unwrap().to_string())),
        );
    }
    for path in files(&lake.join("quarantine")) {
        quarantine.extend(std::fs::read(path).unwrap());
    }
    Ingested { report, rows, quarantine }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let visit = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(|entry| visit(entry.unwrap().path())).collect()
}
