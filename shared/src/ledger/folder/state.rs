//! The state of a lake as a whole: its lock, and what its files say of each source.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::record::{self, Lines, Record, fingerprint};
use super::{Book, FolderError, FolderLedger, failed_to};
use crate::durable;
use crate::ledger::Group;
use crate::table::{TableDefinition, TableSet};

/// Who only asks whether the lock is held holds it for a moment: so often it is tried, with so long between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(25);

/// The state of a lake. Holding it is holding the lock.
#[derive(Debug, Clone)]
pub struct FolderState {
    path: PathBuf,
    _lock: Arc<File>,
}

impl FolderState {
    /// Takes the lock of the lake in `lake`.
    ///
    /// # Errors
    /// If another process holds it or the state cannot be written.
    pub fn open(lake: &Path) -> Result<Self, FolderError> {
        let state = lake.join("state");
        for folder in ["ingested", "pending", "failed"].map(|name| state.join(name)) {
            durable::create_folders(&folder).map_err(|error| failed_to("make", &folder, &error))?;
        }
        let path = state.join("lock");
        let lock = File::create(&path).map_err(|error| failed_to("write", &path, &error))?;
        for _ in 0..TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: state, _lock: Arc::new(lock) }),
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(failed_to("lock", &path, &error)),
            }
        }
        Err(FolderError::InUse(lake.to_owned()))
    }

    /// True if another process holds the lock of the lake in `lake`, as far as can be told.
    pub fn is_in_use(lake: &Path) -> bool {
        let lock = File::open(lake.join("state").join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the lake that it is in.
    pub(super) fn lake(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The tables that the files of these paths are in, whatever their content was.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn tables_of(
        &self,
        source: &str,
        tables: &'static [&'static TableDefinition],
        paths: &HashSet<&str>,
    ) -> Result<HashMap<String, TableSet>, FolderError> {
        let mut found: HashMap<String, TableSet> = HashMap::new();
        let open = open_groups(&self.path, source, tables)?;
        lines(&self.path, source).each(tables, &open, |path, _, tables| {
            if paths.contains(path) {
                let known = found.entry(path.to_owned()).or_default();
                *known = known.with(tables);
            }
        })?;
        Ok(found)
    }

    /// The contents that the files of these paths had when they came into the lake as logs of a source, or when a group
    /// that is open was begun with them: their SHA-256.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn contents_of(
        &self,
        source: &str,
        tables: &'static [&'static TableDefinition],
        paths: &HashSet<&str>,
    ) -> Result<HashMap<String, HashSet<String>>, FolderError> {
        let mut found: HashMap<String, HashSet<String>> = HashMap::new();
        let open = open_groups(&self.path, source, tables)?;
        lines(&self.path, source).each(tables, &open, |path, sha256, _| {
            if paths.contains(path) {
                found.entry(path.to_owned()).or_default().insert(sha256.to_owned());
            }
        })?;
        for group in open {
            for (path, sha256) in
                group.remaining().into_iter().map(|member| record::names(&group.members[member]))
            {
                if paths.contains(path.as_str()) {
                    found.entry(path).or_default().insert(sha256);
                }
            }
        }
        Ok(found)
    }

    /// The ledger of a source that can fill `tables`. It is opened for none of them; see [`FolderLedger::wanting`].
    ///
    /// # Errors
    /// If its files cannot be read, or a group that is done cannot be taken out of the open ones.
    pub fn ledger(
        &self,
        source: &str,
        tables: &'static [&'static TableDefinition],
    ) -> Result<FolderLedger, FolderError> {
        let lines = lines(&self.path, source);
        let groups = open_groups(&self.path, source, tables)?;
        let mut known: HashMap<[u8; 16], TableSet> = HashMap::new();
        lines.each(tables, &groups, |path, sha256, tables| {
            let known = known.entry(fingerprint(path, sha256)).or_default();
            *known = known.with(tables);
        })?;
        let pending = pending(&self.path, source);
        let mut book = Book {
            lines,
            pending,
            tables,
            known,
            groups,
            leases: BTreeMap::new(),
            trouble: None,
            not_noted: None,
        };
        let open: Vec<Group> = book.groups.iter().filter(|group| !book.is_recorded(group)).cloned().collect();
        if open.len() < book.groups.len() {
            book.replace(open)?;
        }
        let state = self.clone();
        Ok(FolderLedger { state, book: Arc::new(Mutex::new(book)), wanted: TableSet::default() })
    }
}

fn lines(state: &Path, source: &str) -> Lines {
    Lines { path: state.join("ingested").join(format!("{source}.jsonl")) }
}

fn pending(state: &Path, source: &str) -> PathBuf {
    state.join("pending").join(format!("{source}.json"))
}

/// The open groups of a source. `state` is the folder `state` of the lake; reading needs no lock.
///
/// # Errors
/// If they cannot be read.
pub fn open_groups(
    state: &Path,
    source: &str,
    tables: &'static [&'static TableDefinition],
) -> Result<Vec<Group>, FolderError> {
    record::read_pending(&pending(state, source), tables)
}

/// Reads the record of what a source has in the lake, as every ingest does. `state` is the folder `state` of the lake;
/// reading needs no lock.
///
/// # Errors
/// If it cannot be read, or a line is no record and no open group writes it again.
pub fn examine_record(
    state: &Path,
    source: &str,
    tables: &'static [&'static TableDefinition],
) -> Result<Record, FolderError> {
    let open = open_groups(state, source, tables)?;
    lines(state, source).each(tables, &open, |_, _, _| {})
}
