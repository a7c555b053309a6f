//! `lake status`: is the lake well, and how far has it come?

mod folder;
mod seen;
#[cfg(feature = "aws")]
mod stack;

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use self::seen::Seen;
use crate::grid;
use crate::place::{Place, PlaceArgs};

/// Show how the lake is: what waits, what failed, and the latest event of each table, account and region.
///
/// On a deployment (--stack) that is, for each source: whether its queue is being worked on, how many messages wait in it
/// and how many were given up, how many files of records are in quarantine, and what was seen last. On a folder (--lake)
/// it is what its tables hold, and what failed or is in quarantine.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// How old the latest event of a table, account and region may be, such as 90m, 6h or 2d [default: any age]
    #[arg(long, value_name = "AGE", value_parser = seen::age)]
    max_lag: Option<i64>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake status --stack lake
  lake status --stack lake --max-lag 2h --json
  lake status --lake ./lake

Exit code: 0 all is well, 1 something needs a person, 2 usage.";

/// How a lake is.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// True if nothing needs a person.
    healthy: bool,
    /// What needs a person, and what to do.
    problems: Vec<String>,
    /// The sources of a deployment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SourceReport>,
    /// Raw files that failed, on a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_files: Option<u64>,
    /// Raw files of which no source is known, on a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    unrecognised_files: Option<u64>,
    /// Raw files of an ingest that is not finished, on a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_files: Option<u64>,
    /// Records in quarantine, on a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantined_records: Option<u64>,
    /// The latest of each table, account and region.
    seen: Vec<Seen>,
}

/// A source of a deployment.
#[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only with --stack"))]
#[derive(Debug, Serialize)]
struct SourceReport {
    source: &'static str,
    /// State of the event source mapping: `Enabled`, `Disabled`, …
    mapping: String,
    /// What Lambda says of its last try to work on the queue.
    last_result: Option<String>,
    /// Messages that wait.
    waiting: u64,
    /// Messages that a function works on, or that are hidden until they are tried again.
    in_flight: u64,
    /// Messages that were given up.
    dead_letters: u64,
    /// Objects with quarantined records.
    quarantine_objects: u64,
}

/// Runs the command.
///
/// # Errors
/// If the place cannot be read.
pub(crate) fn run(args: &StatusArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut report = match args.place.place()? {
        Place::Folder(lake) => folder::report(&lake)?,
        #[cfg(feature = "aws")]
        Place::Stack(name) => crate::deployment::block_on(stack::report(&name))?,
    };
    report.seen.sort_by(|a, b| a.place().cmp(&b.place()));
    if let Some(most) = args.max_lag {
        let late = report.seen.iter().filter_map(|seen| seen.too_old(most));
        report.problems.extend(late);
    }
    report.healthy = report.problems.is_empty();
    if args.json {
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        print(&report, out)?;
    }
    Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    if !report.sources.is_empty() {
        let mut sources = grid::Grid::new(&[
            "source",
            "mapping",
            "waiting",
            "in flight",
            "dead letters",
            "quarantine objects",
        ]);
        (2..=5).for_each(|column| sources.right(column));
        for source in &report.sources {
            let counts = [source.waiting, source.in_flight, source.dead_letters, source.quarantine_objects];
            let names = [source.source.to_owned(), source.mapping.clone()];
            sources.row(names.into_iter().chain(counts.map(grid::number)));
        }
        sources.print(out, "")?;
    }
    for (count, text) in [
        (report.failed_files, "raw files failed"),
        (report.unrecognised_files, "raw files of no known source"),
        (report.waiting_files, "raw files wait"),
        (report.quarantined_records, "records in quarantine"),
    ] {
        if let Some(count) = count {
            writeln!(out, "{:>8}  {text}", grid::number(count))?;
        }
    }
    writeln!(out)?;
    seen::print(&report.seen, out)?;
    writeln!(out)?;
    for problem in &report.problems {
        writeln!(out, "! {}", problem.replace(char::is_control, "?"))?;
    }
    if report.healthy {
        writeln!(out, "nothing needs you")?;
    }
    Ok(())
}
