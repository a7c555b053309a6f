//! The files of one source after the other, in groups, under the protocol of the ledger.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use indicatif::ProgressBar;
use shared::catalog::folder::FolderCatalog;
use shared::deadline::Deadline;
use shared::intake::Intake;
use shared::ledger::folder::{FolderLedger, FolderState, MAX_MEMBERS};
use shared::ledger::{Group, Lease};
use shared::notification::ObjectRef;
use shared::pipeline::{Failure, Pipeline, Report, Settings};
use shared::store::folder::{self, FolderStore};
use shared::table::TableSet;
use tokio::runtime::Runtime;

use super::failures::Failures;
use crate::clock;
use crate::files::RawFile;
use crate::selection::Selection;
use crate::sources::Make;
use crate::summary::{Failed, Summary};
use crate::terminal;

/// Stored bytes that are ingested together at most, unless one file alone is larger.
const GROUP_BYTES: u64 = 256 << 20;

/// What became of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It is done.
    Done,
    /// The lake could not be written; the group stays open.
    Stopped,
}

/// One run of the command.
pub(super) struct Ingest<'a> {
    pub(super) lake: &'a Path,
    pub(super) settings: Settings,
    pub(super) selection: Selection,
    pub(super) runtime: Runtime,
    pub(super) bar: ProgressBar,
    pub(super) summary: Summary,
    /// The failed files of each source, in the order of [`sources::ALL`](crate::sources::ALL).
    pub(super) failures: Vec<Failures>,
    /// Those of no known source.
    pub(super) unrecognised: Failures,
}

/// What a run works with while it is at one source.
struct Work {
    /// Which source, in the order of [`sources::ALL`](crate::sources::ALL).
    index: usize,
    make: Make,
    ledger: FolderLedger,
    /// Files of an interrupted ingest that are in the lake since.
    replayed: HashSet<PathBuf>,
}

impl Ingest<'_> {
    /// Ingests the files of one source: first what an earlier run left unfinished, then the rest in groups.
    pub(super) fn source(
        &mut self,
        (index, make): (usize, Make),
        state: &FolderState,
        files: Vec<RawFile>,
    ) -> anyhow::Result<()> {
        let source = make();
        let ledger = state.ledger(source.name(), source.tables())?;
        let mut work = Work { index, make, ledger, replayed: HashSet::new() };
        let wanted = self.selection.of(source.as_ref());
        let listed: HashSet<PathBuf> = match wanted.is_empty() {
            true => HashSet::new(),
            false => files.iter().map(path).collect(),
        };
        if self.interrupted(&mut work, &listed)? == Ended::Stopped {
            self.give_up(files.iter().map(path).filter(|path| !work.replayed.contains(path)));
        } else {
            self.files(&work, wanted, files)?;
        }
        if let Some(reason) = work.ledger.not_noted() {
            writeln!(
                terminal::stderr(),
                "warning: what was last seen of {} is not up to date: {reason}; its rows are in the lake",
                source.name()
            )?;
        }
        self.failures.iter_mut().try_for_each(|failures| failures.write(state))
    }

    /// A file is in the lake, as a log of whatever source: it has failed as none of another any more.
    fn landed(&mut self, path: &Path) {
        self.failures.iter_mut().chain([&mut self.unrecognised]).for_each(|failures| failures.landed(path));
    }

    /// A file has failed as a log of the source, which it is known to be of now.
    fn failed(&mut self, work: &Work, path: &Path, etag: Option<String>, reason: &str) {
        self.failures[work.index].failed(path, etag, reason);
        self.unrecognised.landed(path);
    }

    /// Finishes the groups that an earlier run left open, as they were begun. Trouble with files that are `listed` for
    /// this run is told when their turn comes.
    fn interrupted(&mut self, work: &mut Work, listed: &HashSet<PathBuf>) -> anyhow::Result<Ended> {
        for group in work.ledger.open_groups() {
            let tables = work.ledger.tables_of_group(&group).map_err(|unknown| {
                let pending = work.ledger.pending_path();
                let pending = pending.display();
                anyhow!("{pending} names the table {unknown}, which this `lake` does not know")
            })?;
            let members = members(&group);
            writeln!(
                terminal::stderr(),
                "first the {} files of an ingest that was interrupted",
                members.len()
            )?;
            let region = group.settings.as_ref().and_then(|settings| settings.region.clone());
            let settings =
                Settings { region: region.or(self.settings.region.clone()), ..self.settings.clone() };
            let report = self.ingest(work, tables, settings, members.clone())?;
            let failed: HashSet<usize> = report.failures.iter().map(|failure| failure.index).collect();
            let landed = members.iter().enumerate().filter(|(index, _)| !failed.contains(index));
            work.replayed.extend(landed.map(|(_, member)| object_path(member)));
            let (ended, told) = self.trouble(work, &members, report);
            let is_told =
                |failed: &Failed| ended == Ended::Stopped || !listed.contains(Path::new(&failed.object));
            self.summary.objects.failed.extend(told.into_iter().filter(is_told));
            if ended == Ended::Stopped {
                return Ok(ended);
            }
        }
        Ok(Ended::Done)
    }

    /// Ingests files in groups. Those that need the same tables are ingested together.
    fn files(&mut self, work: &Work, wanted: TableSet, files: Vec<RawFile>) -> anyhow::Result<()> {
        let mut groups: BTreeMap<TableSet, Vec<ObjectRef>> = BTreeMap::new();
        let mut files = files.into_iter();
        while let Some(file) = files.next() {
            if wanted.is_empty() {
                self.summary.skip("source_not_enabled");
                self.bar.inc(file.bytes);
                continue;
            }
            let Some(object) = self.object(work, file) else { continue };
            let bytes = object.size.unwrap_or_default();
            let tables = work.ledger.missing(&object, wanted);
            if tables.is_empty() {
                let path = object_path(&object);
                if !work.replayed.contains(&path) {
                    self.summary.skip("already_ingested");
                }
                self.landed(&path);
                self.bar.inc(bytes);
                continue;
            }
            let group = groups.entry(tables).or_default();
            group.push(object);
            let bytes: u64 = group.iter().filter_map(|member| member.size).sum();
            if group.len() >= MAX_MEMBERS || bytes >= GROUP_BYTES {
                let group = std::mem::take(group);
                if self.group(work, tables, &group)? == Ended::Stopped {
                    let waiting = groups.values().flatten().map(object_path);
                    self.give_up(waiting.chain(files.map(|file| path(&file))));
                    return Ok(());
                }
            }
        }
        while let Some((tables, group)) = groups.pop_first() {
            if self.group(work, tables, &group)? == Ended::Stopped {
                self.give_up(groups.values().flatten().map(object_path));
                return Ok(());
            }
        }
        Ok(())
    }

    /// A file as the ledger knows it, for which it is read once. `None` if that fails, which is then reported.
    fn object(&mut self, work: &Work, file: RawFile) -> Option<ObjectRef> {
        let path = path(&file);
        match folder::sha256(&path) {
            Ok(sha256) => Some(ObjectRef {
                etag: Some(sha256),
                size: Some(file.bytes),
                ..ObjectRef::new(file.bucket, file.key)
            }),
            Err(error) => {
                let reason = format!("cannot be read: {error}");
                self.failed(work, &path, None, &reason);
                self.summary.objects.failed.push(Failed { object: path.display().to_string(), reason });
                self.bar.inc(file.bytes);
                None
            }
        }
    }

    fn group(&mut self, work: &Work, tables: TableSet, objects: &[ObjectRef]) -> anyhow::Result<Ended> {
        if objects.is_empty() {
            return Ok(Ended::Done);
        }
        let report = self.ingest(work, tables, self.settings.clone(), objects.to_vec())?;
        let (ended, told) = self.trouble(work, objects, report);
        self.summary.objects.failed.extend(told);
        Ok(ended)
    }

    /// Runs the protocol for objects that go into these tables.
    fn ingest(
        &self,
        work: &Work,
        tables: TableSet,
        settings: Settings,
        objects: Vec<ObjectRef>,
    ) -> anyhow::Result<Report> {
        let source = (work.make)();
        let definitions = tables.definitions(source.tables());
        let catalog = FolderCatalog::new(self.lake, settings.region.as_deref().unwrap_or_default());
        let pipeline = Pipeline::new(source, definitions, FolderStore, catalog, settings)?;
        let bar = self.bar.clone();
        let intake = Intake::new(pipeline, Some(work.ledger.wanting(tables)));
        // How much goes into a group is chosen here, and nobody ends the work.
        let intake = intake.with_max_group_bytes(u64::MAX).with_progress(move |bytes| bar.inc(bytes));
        let deadline = Deadline::never(&clock::now);
        // Who holds the lake's lock is alone, so a lease has nothing to say.
        let lease = Lease { owner: "lake".to_owned(), now: 0, until: 0 };
        let report = self.runtime.block_on(intake.ingest(objects, &lease, &deadline));
        match work.ledger.trouble() {
            Some(reason) => bail!("{reason}; run this again when the lake can be written"),
            None => Ok(report),
        }
    }

    /// Adds a report to the summary, and its failures to the failed files. Tells how the group ended, and which trouble
    /// is to be told.
    fn trouble(&mut self, work: &Work, objects: &[ObjectRef], report: Report) -> (Ended, Vec<Failed>) {
        self.summary.add(&report);
        let open: HashSet<PathBuf> =
            work.ledger.open_groups().iter().flat_map(members).map(|member| object_path(&member)).collect();
        let ended = if open.is_empty() { Ended::Done } else { Ended::Stopped };
        let mut failures: HashMap<usize, Failure> =
            report.failures.into_iter().map(|failure| (failure.index, failure)).collect();
        let is_torn = failures.values().any(|failure| failure.partial);
        let mut told = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            let path = object_path(object);
            let Some(Failure { reason, partial, .. }) = failures.remove(&index) else {
                self.landed(&path);
                continue;
            };
            // The file is named beside it.
            let reason = reason.strip_prefix(&format!("{object}: ")).unwrap_or(&reason).to_owned();
            if !open.contains(&path) {
                self.failed(work, &path, object.etag.clone(), &reason);
                told.push(Failed { object: path.display().to_string(), reason });
            } else if partial || !is_torn {
                // Of a group that is not whole, those are told that tore it; the others wait with them.
                let reason = format!("{reason}; make the lake writable and run this again");
                told.push(Failed { object: path.display().to_string(), reason });
            }
        }
        (ended, told)
    }

    /// Reports files that are not tried because the lake cannot be written, unless they are told already.
    fn give_up(&mut self, paths: impl Iterator<Item = PathBuf>) {
        let told: HashSet<String> =
            self.summary.objects.failed.iter().map(|failed| failed.object.clone()).collect();
        for object in paths.map(|path| path.display().to_string()).filter(|path| !told.contains(path)) {
            let reason = "not tried, because the lake could not be written before".to_owned();
            self.summary.objects.failed.push(Failed { object, reason });
        }
    }
}

/// A file's absolute path.
pub(super) fn path(file: &RawFile) -> PathBuf {
    Path::new(&file.bucket).join(&file.key)
}

/// The absolute path of the file of an object.
fn object_path(object: &ObjectRef) -> PathBuf {
    Path::new(&object.bucket).join(&object.key)
}

/// The members that have not left a group.
fn members(group: &Group) -> Vec<ObjectRef> {
    group.remaining().into_iter().map(|member| group.members[member].clone()).collect()
}
