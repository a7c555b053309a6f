//! The ledger in a folder, for one process at a time. It lives in the lake, in text that a person can read:
//!
//! | file | what |
//! |---|---|
//! | `state/lock` | held while the ledger is open; two at once would overwrite each other's files |
//! | `state/ingested/<source>.jsonl` | a line for each file in the lake: path, SHA-256 of its bytes, size, tables |
//! | `state/pending/<source>.json` | the open groups; not there if there is none |
//! | `state/failed/<source>.jsonl`, `unrecognised.jsonl` | files that could not be brought in, each with its reason: see [`failed`] |
//!
//! A raw object is a file: the bucket a folder, the key the path below it, the entity tag the SHA-256 of its bytes. What
//! is done is done table by table: a file may be in one table of its source and be asked for in another one later. A
//! ledger is therefore opened [for tables](FolderLedger::wanting), and an object is done if it is in all of them. (It is
//! read whole then, so what its first read left in quarantine comes there again, for the other tables.)
//!
//! Every change replaces `pending` whole, by a rename, and is on the disk when it is answered. `finish` adds to `ingested`
//! first; a process that dies between the two leaves a group of which all members are there, and opening the ledger takes
//! it for done. One that dies within the first leaves a last line that is cut off and belongs to a group that is still open,
//! so it is written again. Every other line that is no record is an error: a file that is forgotten would come in again.
//!
//! Leases are trivial: whoever holds the lock is alone, so a lease ends with its process, and the ledger
//! [is exclusive](Ledger::is_exclusive). After a write that has failed nothing is known for certain, so the ledger answers
//! every call with that error; the next process finds out by reading.

pub mod failed;
mod record;
mod state;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::record::Record;
use self::record::{Lines, fingerprint};
pub use self::state::{FolderState, examine_record, open_groups};
use super::seen::{self, Arrivals, Origin, Seen};
use super::{Group, Lease, Ledger, LedgerError, Standing};
use crate::durable;
use crate::notification::ObjectRef;
use crate::table::{TableDefinition, TableSet};

/// Files of a group at most: their rows share one Parquet object a partition.
pub const MAX_MEMBERS: usize = 512;

/// Why the state of a lake cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process holds the lock.
    #[error("another ingest is running on {}; run this again when it has ended", .0.display())]
    InUse(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot {doing} {}: {reason}", .path.display())]
    Failed {
        /// `read`, `write`, …
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said, or what is wrong with it.
        reason: String,
    },
}

fn failed_to(doing: &'static str, path: &Path, reason: &impl ToString) -> FolderError {
    FolderError::Failed { doing, path: path.to_owned(), reason: reason.to_string() }
}

/// What the files say, and who is at what.
#[derive(Debug)]
struct Book {
    lines: Lines,
    pending: PathBuf,
    tables: &'static [&'static TableDefinition],
    known: HashMap<[u8; 16], TableSet>,
    /// The open groups.
    groups: Vec<Group>,
    leases: BTreeMap<String, Lease>,
    trouble: Option<String>,
    not_noted: Option<String>,
}

impl Book {
    /// The tables that the object is in.
    fn known(&self, object: &ObjectRef) -> TableSet {
        let (path, sha256) = record::names(object);
        self.known.get(&fingerprint(&path, &sha256)).copied().unwrap_or_default()
    }

    fn tables_of(&self, group: &Group) -> TableSet {
        record::tables_of(group, self.tables)
    }

    /// True if the group is done but for being taken out of the open ones.
    fn is_recorded(&self, group: &Group) -> bool {
        let tables = self.tables_of(group);
        let is_known = |member: usize| tables.without(self.known(&group.members[member])).is_empty();
        group.left_out.is_some() && !tables.is_empty() && group.remaining().into_iter().all(is_known)
    }

    fn group_of(&self, object: &ObjectRef) -> Option<&Group> {
        let identity = object.identity();
        let has = |group: &&Group| {
            group.remaining().into_iter().any(|member| group.members[member].identity() == identity)
        };
        self.groups.iter().find(has)
    }

    fn holds(&self, id: &str, lease: &Lease) -> bool {
        self.leases.get(id).is_some_and(|held| held.owner == lease.owner)
    }

    /// Replaces the open groups.
    fn replace(&mut self, groups: Vec<Group>) -> Result<(), FolderError> {
        let write = match groups.is_empty() {
            true => durable::remove(&self.pending),
            false => record::pending_text(&groups).and_then(|text| durable::replace(&self.pending, &text)),
        };
        write.map_err(|error| failed_to("write", &self.pending, &error))?;
        self.groups = groups;
        Ok(())
    }
}

/// The ledger of one source in a lake. Clones share it.
#[derive(Debug, Clone)]
pub struct FolderLedger {
    state: FolderState,
    book: Arc<Mutex<Book>>,
    wanted: TableSet,
}

impl FolderLedger {
    /// The same ledger, opened for these tables.
    #[must_use]
    pub fn wanting(&self, tables: TableSet) -> Self {
        Self { wanted: tables, ..self.clone() }
    }

    /// The state that it is part of.
    pub fn state(&self) -> &FolderState {
        &self.state
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner) // it is changed when a write has succeeded
    }

    /// The tables among `wanted` that do not have this object yet.
    pub fn missing(&self, object: &ObjectRef, wanted: TableSet) -> TableSet {
        wanted.without(self.book().known(object))
    }

    /// The open groups: what earlier runs have not finished, and what this run is at.
    pub fn open_groups(&self) -> Vec<Group> {
        self.book().groups.clone()
    }

    /// The tables of a group; the error is the name of one that the source does not have: then the lake was filled by
    /// a newer version.
    ///
    /// # Errors
    /// The name, as `SOURCE@version`.
    pub fn tables_of_group(&self, group: &Group) -> Result<TableSet, String> {
        let book = self.book();
        let names = group.settings.as_ref().map_or(&[][..], |settings| &settings.tables);
        let is_known = |name: &&String| book.tables.iter().any(|table| table.id() == **name);
        match names.iter().find(|name| !is_known(name)) {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(book.tables_of(group)),
        }
    }

    /// Where the open groups are written down.
    pub fn pending_path(&self) -> PathBuf {
        self.book().pending.clone()
    }

    /// Why the ledger answers no more; `None` if it does.
    pub fn trouble(&self) -> Option<String> {
        self.book().trouble.clone()
    }

    /// Why something that was seen could not be noted; `None` if all could. Nothing else is amiss then.
    pub fn not_noted(&self) -> Option<String> {
        self.book().not_noted.clone()
    }

    /// Makes a change, unless one has failed before.
    fn change<T>(
        &self,
        operation: &'static str,
        change: impl FnOnce(&mut Book) -> Result<T, FolderError>,
    ) -> Result<T, LedgerError> {
        let mut book = self.book();
        if let Some(reason) = book.trouble.clone() {
            return Err(LedgerError { operation, reason });
        }
        change(&mut book).map_err(|error| {
            let reason = error.to_string();
            book.trouble = Some(reason.clone());
            LedgerError { operation, reason }
        })
    }
}

impl Ledger for FolderLedger {
    fn max_members(&self) -> usize {
        MAX_MEMBERS
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    async fn look_up(&self, objects: &[ObjectRef]) -> Result<Vec<Standing>, LedgerError> {
        let book = self.book();
        let open: HashMap<String, &str> = book
            .groups
            .iter()
            .flat_map(|group| group.remaining().into_iter().map(move |member| (group, member)))
            .map(|(group, member)| (group.members[member].identity(), group.id.as_str()))
            .collect();
        let standing = |object: &ObjectRef| match open.get(&object.identity()) {
            Some(id) => Standing::Open((*id).to_owned()),
            None if self.wanted.without(book.known(object)).is_empty() => Standing::Done,
            None => Standing::Free,
        };
        Ok(objects.iter().map(standing).collect())
    }

    async fn claim(&self, group: &Group, lease: &Lease) -> Result<bool, LedgerError> {
        const OPERATION: &str = "claim objects";
        self.change(OPERATION, |book| {
            let tables = book.tables_of(group);
            for member in &group.members {
                let missing = tables.without(book.known(member));
                if book.group_of(member).is_some() || missing.is_empty() {
                    return Ok(false);
                }
                if missing != tables {
                    // Its rows would be twice in the tables that it is in.
                    let has = tables.without(missing).ids(book.tables).join(", ");
                    let reason =
                        format!("{member} is in {has} already; the other tables are to be asked for alone");
                    return Err(failed_to("claim files in", &book.pending, &reason));
                }
            }
            let mut groups = book.groups.clone();
            groups.push(group.clone());
            book.replace(groups)?;
            book.leases.insert(group.id.clone(), lease.clone());
            Ok(true)
        })
    }

    async fn take_over(&self, id: &str, lease: &Lease) -> Result<Option<Group>, LedgerError> {
        self.change("take a group over", |book| {
            let Some(group) = book.groups.iter().find(|group| group.id == id).cloned() else {
                return Ok(None);
            };
            if book.leases.get(id).is_some_and(|held| held.until >= lease.now) {
                return Ok(None);
            }
            book.leases.insert(id.to_owned(), lease.clone());
            Ok(Some(group))
        })
    }

    async fn decide(
        &self,
        group: &Group,
        left_out: &[usize],
        outputs: &[String],
        lease: &Lease,
    ) -> Result<bool, LedgerError> {
        self.change("decide on a group", |book| {
            let mut groups = book.groups.clone();
            let Some(index) = groups.iter().position(|open| open.id == group.id) else { return Ok(false) };
            if !book.holds(&group.id, lease) {
                return Ok(false);
            }
            // Who has left does not come back.
            let mut all: Vec<usize> =
                groups[index].left_out.iter().flatten().chain(left_out).copied().collect();
            all.sort_unstable();
            all.dedup();
            if all.len() == group.members.len() {
                groups.remove(index);
            } else {
                (groups[index].left_out, groups[index].outputs) = (Some(all), outputs.to_vec());
            }
            book.replace(groups)?;
            Ok(true)
        })
    }

    async fn note_outputs(
        &self,
        group: &Group,
        outputs: &[String],
        lease: &Lease,
    ) -> Result<bool, LedgerError> {
        self.change("note the outputs of a group", |book| {
            let mut groups = book.groups.clone();
            let open = groups.iter_mut().find(|open| open.id == group.id && open.left_out.is_some());
            let Some(open) = open.filter(|_| book.holds(&group.id, lease)) else { return Ok(false) };
            open.outputs = outputs.to_vec();
            book.replace(groups)?;
            Ok(true)
        })
    }

    async fn finish(&self, group: &Group) -> Result<(), LedgerError> {
        self.change("finish a group", |book| {
            let mut groups = book.groups.clone();
            let Some(index) = groups.iter().position(|open| open.id == group.id) else { return Ok(()) };
            let group = groups.remove(index);
            let tables = book.tables_of(&group);
            let done: Vec<&ObjectRef> =
                group.remaining().into_iter().map(|member| &group.members[member]).collect();
            book.lines.append(&done, &tables.ids(book.tables))?;
            book.replace(groups)?;
            for object in done {
                let (path, sha256) = record::names(object);
                let known = book.known.entry(fingerprint(&path, &sha256)).or_default();
                *known = known.with(tables);
            }
            book.leases.remove(&group.id);
            Ok(())
        })
    }

    async fn release(&self, group: &Group, lease: &Lease) -> Result<(), LedgerError> {
        let mut book = self.book();
        if book.holds(&group.id, lease) {
            book.leases.remove(&group.id);
        }
        Ok(())
    }

    async fn note(&self, arrivals: &Arrivals, now: i64) -> Result<(), LedgerError> {
        let noted = seen::folder::note(self.state.lake(), arrivals, now);
        let reason = noted.err().map(|error| error.to_string());
        let mut book = self.book();
        book.not_noted = book.not_noted.take().or(reason.clone()); // the next groups may have seen others
        reason.map_or(Ok(()), |reason| Err(LedgerError { operation: "note what was seen", reason }))
    }

    async fn seen(&self) -> Result<BTreeMap<Origin, Seen>, LedgerError> {
        let failed = |error: std::io::Error| LedgerError {
            operation: "read what was seen",
            reason: error.to_string(),
        };
        seen::folder::read(self.state.lake()).map_err(failed)
    }
}

#[cfg(test)]
mod tests;
