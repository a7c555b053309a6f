//! `lake quarantine retry`: records read again, by the mapping as it is now.
//!
//! A file of the quarantine is dealt with at a time: its records are read, [noted](super::note), their rows become
//! visible, and the file is replaced by one without them. So a retry may be killed at any point, and the next
//! one leaves each row once.

#[cfg(feature = "aws")]
mod open;
mod repeated;
mod step;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use shared::catalog::Catalog;
use shared::catalog::folder::FolderCatalog;
use shared::ledger::folder::FolderState;
use shared::quarantine::Entry;
use shared::source::Source;
use shared::store::Upkeep;
use shared::store::folder::FolderStore;
use shared::table::{TableDefinition, TableSet};

use self::repeated::{Stand, fingerprint};
use self::step::Step;
use super::lease::Lease;
use super::note::Note;
use super::outcome::Outcome;
use super::rewrite::Rewrite;
use super::{Filter, QuarantineFile, Shelf};
use crate::place::{Place, PlaceArgs};
use crate::selection::Selection;
use crate::{clock, ingest, sources, terminal};

/// Read the records in quarantine again.
///
/// For after an upgrade: records that become rows now leave the quarantine, as do those that are recognised as no
/// records; the others stay, with the reason of today. Rows go to the tables that the raw object was read for. The
/// same command may be run again at any time, also after it was interrupted.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    place: PlaceArgs,

    #[command(flatten)]
    filter: Filter,

    /// Tell what would become of the records and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Tables for records whose entry does not say from which it is missing, as those of earlier versions, and whose object
    /// `lake ingest` has not brought into this lake, as SOURCE@version [default: all of source version 2.0; of a
    /// deployment, those that its functions write]
    #[arg(long, value_name = "LIST", env = "SOURCES", default_value = "", hide_default_value = true)]
    #[arg(hide_env_values = true, value_parser = Selection::parse)]
    tables: Selection,

    /// Region of a folder's lake, as part of the names of database and tables [default: us-east-1]
    #[arg(long, value_name = "REGION", requires = "lake", value_parser = ingest::region)]
    catalog_region: Option<String>,

    /// Compression of the Parquet files [default: zstd, or the one of the deployment]
    #[arg(long, value_parser = ["zstd", "gzip"])]
    codec: Option<String>,

    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake quarantine retry --lake ./lake --dry-run
  lake quarantine retry --stack open-security-lake
  lake quarantine retry --lake ./lake --function vpc-flow --reason field_count

Exit code: 0 every record that was tried left the quarantine, 1 some stay or something failed, 2 usage.";

/// Runs the command.
///
/// # Errors
/// If the quarantine or the lake's state cannot be read, or the lake cannot be written.
pub(super) fn run(args: &RetryArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match args.place.place()? {
        Place::Folder(lake) => {
            let state = FolderState::open(&lake)?;
            let shelf = Shelf::new(FolderStore, &lake)?;
            let region = args.catalog_region.clone().unwrap_or_else(|| "us-east-1".to_owned());
            let run = Run {
                args,
                shelf: &shelf,
                catalog: &|region: &str| FolderCatalog::new(&lake, region),
                of_objects: OfObjects::Recorded(&state),
                region,
                codec: args.codec.clone().unwrap_or_else(|| "zstd".to_owned()),
                lease: None,
                outcome: Outcome::new(args.dry_run),
            };
            run.all(out)
        }
        #[cfg(feature = "aws")]
        Place::Stack(name) => {
            let (deployment, shelf) = super::deployed(&name)?;
            let lease = if args.dry_run { None } else { Some(Lease::take(&shelf, clock::now())?) };
            let codec = deployment.described.parameter("Codec").unwrap_or("zstd").to_owned();
            let run = Run {
                args,
                shelf: &shelf,
                catalog: &|_: &str| deployment.catalog(),
                of_objects: OfObjects::Deployed(&deployment),
                region: deployment.region.clone(),
                codec: args.codec.clone().unwrap_or(codec),
                lease,
                outcome: Outcome::new(args.dry_run),
            };
            run.all(out)
        }
    }
}

/// What tells which tables a raw object is in, and what is still at work.
enum OfObjects<'a> {
    /// The record of a folder's lake.
    Recorded(&'a FolderState),
    /// The configuration of the functions, and their ledgers.
    #[cfg(feature = "aws")]
    Deployed(&'a crate::deployment::Deployment),
}

struct Run<'a, S, C> {
    args: &'a RetryArgs,
    shelf: &'a Shelf<S>,
    /// The catalogue whose tables are named for a region.
    catalog: &'a dyn Fn(&str) -> C,
    of_objects: OfObjects<'a>,
    region: String,
    codec: String,
    /// Of a bucket; a folder's ledger has a lock.
    lease: Option<Lease>,
    outcome: Outcome,
}

impl<S: Upkeep + Clone, C: Catalog> Run<'_, S, C> {
    /// Tries all that is wanted, and tells what became of it.
    fn all(mut self, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let tried = self.each_function();
        if let Some(lease) = self.lease.take() {
            lease.end(self.shelf)?;
        }
        tried?;
        let outcome = self.outcome;
        if self.args.json {
            serde_json::to_writer(&mut *out, &outcome)?;
            writeln!(out)?;
        } else {
            outcome.print(out, &mut terminal::stderr())?;
        }
        Ok(if outcome.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn each_function(&mut self) -> anyhow::Result<()> {
        self.interrupted()?;
        let mut files = self.shelf.files()?;
        files.retain(|file| self.args.filter.takes_function(&file.function));
        for of_function in files.chunk_by(|a, b| a.function == b.function) {
            self.function(of_function)?;
        }
        Ok(())
    }

    /// Makes the lease hold while more is done.
    fn renew(&mut self) -> anyhow::Result<()> {
        match &mut self.lease {
            Some(lease) => lease.renew(self.shelf, clock::now()),
            None => Ok(()),
        }
    }

    /// Finishes what an earlier retry has begun, as it was begun.
    fn interrupted(&mut self) -> anyhow::Result<()> {
        let Some(note) = Note::read(self.shelf)? else { return Ok(()) };
        if self.args.dry_run {
            bail!("a retry was interrupted; run it without --dry-run, which finishes it");
        }
        let files = self.shelf.files()?;
        let file = files.iter().find(|file| file.function == note.function && file.name == note.file);
        // A file that has changed or is gone was replaced: all but taking back the note was done.
        let unchanged = match file {
            Some(file) if self.shelf.sha256(file)? == note.sha256 => Some(file),
            _ => None,
        };
        let Some(file) = unchanged else { return Note::remove(self.shelf) };
        let index = sources::index(&note.function)
            .with_context(|| format!("the interrupted retry is of {}, which is no source", note.function))?;
        let known = sources::ALL[index]().tables();
        let is_noted = |table: &&&'static TableDefinition| note.tables.contains(&table.id());
        let tables: Vec<_> = known.iter().filter(is_noted).copied().collect();
        if tables.len() != note.tables.len() {
            bail!("the interrupted retry names a table that this `lake` does not know");
        }
        writeln!(
            terminal::stderr(),
            "first the {} records of a retry that was interrupted",
            note.lines.len()
        )?;
        let lines = note.lines.iter().copied().collect();
        self.step(&Step { file, lines, tables, region: &note.region, codec: &note.codec })?;
        // Another version of the mapping may take none of them.
        if Note::read(self.shelf)?.is_some() { Note::remove(self.shelf) } else { Ok(()) }
    }

    /// Tries the records of one function.
    fn function(&mut self, files: &[QuarantineFile]) -> anyhow::Result<()> {
        let Some(function) = files.first().map(|file| file.function.as_str()) else { return Ok(()) };
        let Some(index) = sources::index(function) else {
            self.outcome.fail(format!("quarantine/{function}"), "no source has this name".to_owned());
            return Ok(());
        };
        let source = sources::ALL[index]();
        let is_unfinished = match &self.of_objects {
            OfObjects::Recorded(state) => {
                !state.ledger(source.name(), source.tables())?.open_groups().is_empty()
            }
            #[cfg(feature = "aws")]
            OfObjects::Deployed(_) => false,
        };
        if is_unfinished {
            let reason = "an ingest of this source was interrupted; run `lake ingest` again first".to_owned();
            self.outcome.fail(format!("quarantine/{function}"), reason);
            return Ok(());
        }
        let Stand { last, unsettled } = Stand::of(self.shelf, files, &self.args.filter)?;
        #[cfg(feature = "aws")]
        let open = match &self.of_objects {
            OfObjects::Deployed(deployment) => open::groups(self.shelf, function, deployment, &unsettled)?,
            OfObjects::Recorded(_) => BTreeSet::new(),
        };
        #[cfg(not(feature = "aws"))]
        let open: BTreeSet<String> = BTreeSet::new();
        let given = self.given(source.as_ref());
        for (index, file) in files.iter().enumerate() {
            // What is taken out of a file that is written anew would come back, and land a second time with the next retry.
            if !unsettled[index].groups.is_disjoint(&open) {
                self.outcome.pass_over(&file.object.key, unsettled[index].wanted);
                continue;
            }
            // Of two that are alike the one in the later file stays, which may go with its group as long as that is open.
            let is_settled = |last: usize| unsettled[last].groups.is_disjoint(&open);
            self.drop_repeated(file, |entry| {
                last.get(&fingerprint(entry)).is_some_and(|&last| last != index && is_settled(last))
            })?;
            let is_here = |entry: &Entry<'_>| last.get(&fingerprint(entry)) == Some(&index);
            let mut done = BTreeSet::new();
            // Read anew for each set of tables, as the numbers of the lines have changed.
            while let Some(file) = self.shelf.again(file)? {
                let mut sets =
                    self.lines_by_tables(&file, source.tables(), given, is_here, done.is_empty())?;
                sets.retain(|tables, _| !done.contains(tables));
                let Some((tables, lines)) = sets.pop_first() else { break };
                done.insert(tables);
                let definitions = tables.definitions(source.tables());
                if definitions.is_empty() {
                    self.outcome.not_enabled(lines.len() as u64);
                    continue;
                }
                let (region, codec) = (self.region.clone(), self.codec.clone());
                let step = Step { file: &file, lines, tables: definitions, region: &region, codec: &codec };
                self.step(&step)?;
            }
        }
        Ok(())
    }

    /// The tables for records of objects of which nothing is known.
    fn given(&self, source: &dyn Source) -> TableSet {
        match &self.of_objects {
            // Nothing was chosen, so it is what the function writes.
            #[cfg(feature = "aws")]
            OfObjects::Deployed(deployment) if self.args.tables.is_default() => {
                let deployed = deployment.sources.iter().find(|deployed| deployed.name == source.name());
                let tables = deployed.map(|deployed| deployed.tables.as_slice()).unwrap_or_default();
                TableSet::of(source.tables(), |table| tables.contains(&table))
            }
            _ => self.args.tables.of(source),
        }
    }

    /// Takes out entries that stand in a later file too: an object that was read twice, for other tables or from
    /// another place, has put its records here twice.
    fn drop_repeated(
        &mut self,
        file: &QuarantineFile,
        is_repeated: impl Fn(&Entry<'_>) -> bool,
    ) -> anyhow::Result<()> {
        let mut lines = BTreeSet::new();
        self.shelf.each_entry(file, |line, _, entry| {
            if self.args.filter.takes_reason(&entry.reason) && is_repeated(&entry) {
                lines.insert(line);
            }
            Ok(())
        })?;
        self.outcome.repeated += lines.len() as u64;
        if lines.is_empty() || self.args.dry_run {
            return Ok(());
        }
        self.renew()?;
        let mut rewrite = Rewrite::new(self.shelf, file)?;
        self.shelf.each_line(file, |line, text| {
            if !lines.contains(&line) {
                rewrite.keep(text.as_bytes())?;
            }
            Ok(())
        })?;
        rewrite.commit()
    }

    /// The lines that are to be tried, by the tables that their rows go to.
    fn lines_by_tables(
        &mut self,
        file: &QuarantineFile,
        tables: &'static [&'static TableDefinition],
        given: TableSet,
        is_here: impl Fn(&Entry<'_>) -> bool,
        is_first: bool,
    ) -> anyhow::Result<BTreeMap<TableSet, BTreeSet<u64>>> {
        let mut paths: Vec<(u64, String)> = Vec::new();
        let mut sets: BTreeMap<TableSet, BTreeSet<u64>> = BTreeMap::new();
        let mut unknown = Vec::new();
        self.shelf.each_entry(file, |line, _, entry| {
            if !self.args.filter.takes_reason(&entry.reason) || !is_here(&entry) {
                return Ok(());
            }
            match &entry.tables {
                // From those alone it is missing: of others its object has been read for, or never was.
                Some(ids) => {
                    let set = TableSet::of(tables, |table| ids.iter().any(|id| *id == table.id()));
                    if set.len() == ids.len() {
                        sets.entry(set).or_default().insert(line);
                    } else {
                        unknown.push(file.id(line));
                    }
                }
                None => {
                    let path = Path::new(&*entry.bucket).join(&*entry.key);
                    paths.push((line, path.to_string_lossy().into_owned()));
                }
            }
            Ok(())
        })?;
        for id in unknown.into_iter().filter(|_| is_first) {
            let reason = "it is for tables that this `lake` does not know; use the version that wrote it";
            self.outcome.fail(id, reason.to_owned());
        }
        let wanted: HashSet<&str> = paths.iter().map(|(_, path)| path.as_str()).collect();
        let known = match &self.of_objects {
            OfObjects::Recorded(state) => state.tables_of(&file.function, tables, &wanted)?,
            #[cfg(feature = "aws")]
            OfObjects::Deployed(_) => std::collections::HashMap::new(),
        };
        for (line, path) in &paths {
            let tables = known.get(path).copied().unwrap_or(given);
            sets.entry(tables).or_default().insert(*line);
        }
        Ok(sets)
    }
}
