//! `lake quarantine list`: how many records are there and why, or each of them.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;
use shared::store::Upkeep;
use shared::store::folder::FolderStore;
use shared::time::to_rfc3339;

use super::{Filter, Shelf};
use crate::grid::{self, Grid};
use crate::place::{Place, PlaceArgs};

/// Show how many records are in quarantine, by function and reason.
///
/// With --entries each of them, with the name by which `lake quarantine show` knows it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,

    #[command(flatten)]
    filter: Filter,

    /// Show each entry, and not their number
    #[arg(long)]
    entries: bool,

    /// Print JSON lines
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake quarantine list --lake ./lake
  lake quarantine list --stack open-security-lake
  lake quarantine list --lake ./lake --function vpc-flow --reason field_count --entries";

/// Entries of one function that are there for one reason.
#[derive(Debug, Default)]
struct Sum {
    entries: u64,
    objects: HashSet<String>,
    files: u64,
    /// When the newest file was written, in milliseconds since the epoch, and its name.
    newest: (i64, String),
}

#[derive(Debug, Serialize)]
struct SumLine<'a> {
    function: &'a str,
    reason: &'a str,
    entries: u64,
    objects: usize,
    files: u64,
    newest_file: &'a str,
    newest_written: String,
}

#[derive(Debug, Serialize)]
struct EntryLine<'a> {
    id: String,
    function: &'a str,
    reason: &'a str,
    detail: &'a str,
    object: String,
    record: u64,
    offset: u64,
}

/// Runs the command.
///
/// # Errors
/// If the quarantine cannot be read.
pub(super) fn run(args: &ListArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match args.place.place()? {
        Place::Folder(lake) => list(args, &Shelf::new(FolderStore, &lake)?, out),
        #[cfg(feature = "aws")]
        Place::Stack(name) => list(args, &super::deployed(&name)?.1, out),
    }
}

fn list<S: Upkeep>(args: &ListArgs, shelf: &Shelf<S>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut sums: BTreeMap<(String, String), Sum> = BTreeMap::new();
    let mut grid = Grid::new(&["entry", "function", "reason", "object", "record", "offset", "detail"]);
    (4..=5).for_each(|column| grid.right(column));
    let files = shelf.files()?;
    for file in files.iter().filter(|file| args.filter.takes_function(&file.function)) {
        let mut reasons: HashSet<String> = HashSet::new();
        shelf.each_entry(file, |line, _, entry| {
            if !args.filter.takes_reason(&entry.reason) {
                return Ok(());
            }
            let object = entry.object().to_string();
            if !args.entries {
                let sum = sums.entry((file.function.clone(), entry.reason.to_string())).or_default();
                sum.entries += 1;
                sum.files += u64::from(reasons.insert(entry.reason.to_string()));
                sum.newest = (file.written, file.name.clone()).max(std::mem::take(&mut sum.newest));
                sum.objects.insert(object);
                return Ok(());
            }
            let line = EntryLine {
                id: file.id(line),
                function: &file.function,
                reason: &entry.reason,
                detail: &entry.detail,
                object,
                record: entry.record,
                offset: entry.offset,
            };
            if args.json {
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)?;
                return Ok(());
            }
            let EntryLine { id, function, reason, detail, object, record, offset } = line;
            let numbers = [record, offset].map(|number| number.to_string());
            let [record, offset] = numbers;
            grid.row([id, function.to_owned(), reason.to_owned(), object, record, offset, detail.to_owned()]);
            Ok(())
        })?;
    }
    if args.entries {
        if !args.json {
            grid.print(out, "")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    print(&sums, args.json, out)?;
    Ok(ExitCode::SUCCESS)
}

fn print(sums: &BTreeMap<(String, String), Sum>, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut grid =
        Grid::new(&["function", "reason", "entries", "raw objects", "files", "last written", "newest file"]);
    (2..=4).for_each(|column| grid.right(column));
    for ((function, reason), sum) in sums {
        let line = SumLine {
            function,
            reason,
            entries: sum.entries,
            objects: sum.objects.len(),
            files: sum.files,
            newest_file: &sum.newest.1,
            newest_written: to_rfc3339(sum.newest.0),
        };
        if json {
            serde_json::to_writer(&mut *out, &line)?;
            writeln!(out)?;
        } else {
            let figures = [line.entries, line.objects as u64, line.files].map(grid::number);
            let [entries, objects, files] = figures;
            let (function, reason) = (function.clone(), reason.clone());
            grid.row([
                function,
                reason,
                entries,
                objects,
                files,
                line.newest_written,
                line.newest_file.to_owned(),
            ]);
        }
    }
    if !json && sums.is_empty() {
        writeln!(out, "nothing is in quarantine")?;
    } else if !json {
        grid.print(out, "")?;
    }
    Ok(())
}
