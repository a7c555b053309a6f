//! The same protocol on a real folder, with a process that dies at each of its steps, one after the other, and once more
//! in the run that follows. Steps are the calls of store, catalogue and ledger, before and after the deed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use shared::catalog::folder::FolderCatalog;
use shared::catalog::{Catalog, CatalogError, TablePartition};
use shared::deadline::Deadline;
use shared::intake::Intake;
use shared::layout::Codec;
use shared::ledger::folder::{FolderLedger, FolderState};
use shared::ledger::{Group, Lease, Ledger, LedgerError, Standing};
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Settings};
use shared::store::folder::{FolderStore, FolderUpload, sha256};
use shared::store::{Body, Store, StoreError, Upload};
use shared::table::{TableDefinition, TableSet};

use super::check::find;
use super::logs::{Logs, TABLES};
use super::world::Pause;

/// Something whose every call is two await points: the process may die before the deed, or after it.
#[derive(Debug)]
struct Stepwise<T>(T);

async fn step<T>(deed: impl Future<Output = T>) -> T {
    Pause(1).await;
    let outcome = deed.await;
    Pause(1).await;
    outcome
}

impl Store for Stepwise<FolderStore> {
    type Upload = Stepwise<FolderUpload>;

    async fn get(&self, object: &ObjectRef) -> Result<Body, StoreError> {
        step(self.0.get(object)).await
    }

    async fn create(&self, bucket: &str, key: &str) -> Result<Self::Upload, StoreError> {
        step(self.0.create(bucket, key)).await.map(Stepwise)
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        step(self.0.delete(bucket, key)).await
    }
}

impl Upload for Stepwise<FolderUpload> {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        step(self.0.write(bytes)).await
    }

    async fn complete(self) -> Result<(), StoreError> {
        step(self.0.complete()).await
    }

    async fn abort(self) {
        step(self.0.abort()).await;
    }
}

impl Catalog for Stepwise<FolderCatalog> {
    async fn register(&self, partitions: &[TablePartition]) -> Vec<Result<(), CatalogError>> {
        step(self.0.register(partitions)).await
    }
}

impl Ledger for Stepwise<FolderLedger> {
    fn max_members(&self) -> usize {
        2
    }

    fn is_exclusive(&self) -> bool {
        self.0.is_exclusive()
    }

    async fn look_up(&self, objects: &[ObjectRef]) -> Result<Vec<Standing>, LedgerError> {
        step(self.0.look_up(objects)).await
    }

    async fn claim(&self, group: &Group, lease: &Lease) -> Result<bool, LedgerError> {
        step(self.0.claim(group, lease)).await
    }

    async fn take_over(&self, id: &str, lease: &Lease) -> Result<Option<Group>, LedgerError> {
        step(self.0.take_over(id, lease)).await
    }

    async fn decide(
        &self,
        group: &Group,
        left_out: &[usize],
        outputs: &[String],
        lease: &Lease,
    ) -> Result<bool, LedgerError> {
        step(self.0.decide(group, left_out, outputs, lease)).await
    }

    async fn note_outputs(&self, group: &Group, keys: &[String], lease: &Lease) -> Result<bool, LedgerError> {
        step(self.0.note_outputs(group, keys, lease)).await
    }

    async fn finish(&self, group: &Group) -> Result<(), LedgerError> {
        step(self.0.finish(group)).await
    }

    async fn release(&self, group: &Group, lease: &Lease) -> Result<(), LedgerError> {
        step(self.0.release(group, lease)).await
    }
}

/// Raw files and a lake.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["raw", "lake"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        // The second cannot be read: its bytes are no gzip.
        for (name, text) in [
            ("a.log", &b"r1 1 20000\nr2 2 20001\nbad r3\n"[..]),
            ("b.log.gz", b"\x1f\x8bbroken"),
            ("c.log", b"r4 1 20000\nr5 1 20000\nr6 1 20000\nr7 2 20000\n"),
            ("d.log", b"r8 2 20001\n"),
        ] {
            fs::write(place.path("raw").join(name), text).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// One process: it finishes what is open, then brings in what is free. True if it came to its end within so many
    /// steps; otherwise it died there.
    fn run(&self, version: u8, steps: usize) -> bool {
        let state = FolderState::open(&self.path("lake")).unwrap();
        let ledger =
            state.ledger("logs", TABLES).unwrap().wanting(TableSet::of(TABLES, TableDefinition::is_default));
        let settings = Settings {
            codec: if version == 0 { Codec::Zstd } else { Codec::Gzip },
            buffer_bytes: if version == 0 { 150 } else { 60 },
            ..Settings::new(self.path("lake").to_str().unwrap())
        };
        let catalog = Stepwise(FolderCatalog::new(&self.path("lake"), "us-east-1"));
        let source = Box::new(Logs { mapping: version });
        let pipeline =
            Pipeline::new(source, vec![TABLES[1]], Stepwise(FolderStore), catalog, settings).unwrap();
        let intake = Intake::new(pipeline, Some(Stepwise(ledger.clone())));
        let lease = Lease { owner: "lake".to_owned(), now: 0, until: 0 };
        let deadline = Deadline::never(&|| 0);
        let work = async {
            for group in ledger.open_groups() {
                intake.ingest(group.members, &lease, &deadline).await;
            }
            intake.ingest(self.objects(), &lease, &deadline).await;
        };
        let mut work = pin!(work);
        let mut context = Context::from_waker(Waker::noop());
        (0..steps).any(|_| work.as_mut().poll(&mut context).is_ready())
    }

    fn objects(&self) -> Vec<ObjectRef> {
        let mut files: Vec<_> =
            fs::read_dir(self.path("raw")).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let object = |path: &std::path::PathBuf| ObjectRef {
            etag: Some(sha256(path).unwrap()),
            ..ObjectRef::new(self.path("raw").to_str().unwrap(), path.file_name().unwrap().to_str().unwrap())
        };
        files.iter().map(object).collect()
    }

    /// Where each record is, as [`find`] tells it.
    fn found(&self) -> BTreeMap<String, BTreeMap<String, u32>> {
        let lake = self.path("lake");
        let mut objects = BTreeMap::new();
        walk(&lake, &lake, &mut objects);
        let tables = FolderCatalog::tables(&lake).unwrap();
        let partitions: BTreeSet<String> = tables.into_iter().flat_map(|table| table.partitions).collect();
        find(&objects, &partitions).unwrap().0
    }

    fn check(&self, told: &str) {
        let found = self.found();
        let ids: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(ids, ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"], "{told}");
        for (id, places) in &found {
            assert_eq!(places.values().sum::<u32>(), 1, "{told}: {id} is in {places:?}");
        }
        assert!(!self.path("lake/state/pending/logs.json").exists(), "{told}");
    }
}

fn walk(root: &Path, folder: &Path, objects: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let key = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let is_hidden = path.file_name().unwrap().to_str().unwrap().starts_with('.');
        if path.is_dir() {
            walk(root, &path, objects);
        } else if !is_hidden && (key.starts_with("aws/") || key.starts_with("quarantine/")) {
            objects.insert(key, fs::read(&path).unwrap());
        }
    }
}

/// The process dies at each step of its first run. Then it runs to its end: the same code, or one with other settings that
/// maps records to other partitions. Answers the number of steps.
pub(crate) fn dies_at_each_step(next: u8) -> usize {
    for steps in 1.. {
        let place = Place::new();
        if place.run(0, steps) {
            return steps;
        }
        assert!(place.run(next, usize::MAX));
        place.check(&format!("died at step {steps}"));
    }
    0
}

/// It dies at each step of the first run, and the next at some of its own.
pub(crate) fn dies_twice() {
    let (stride, next) = if cfg!(debug_assertions) { (11, 17) } else { (3, 7) };
    for steps in (1..).step_by(stride) {
        for more in (1..).step_by(next) {
            let place = Place::new();
            if place.run(0, steps) {
                return;
            }
            if place.run(1, more) {
                break;
            }
            assert!(place.run(2, usize::MAX));
            place.check(&format!("died at step {steps}, then at {more}"));
        }
    }
}
