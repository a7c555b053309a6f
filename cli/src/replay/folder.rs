//! A replay on a folder: an ingest of those raw files that are meant. What is in the lake already stays as it is.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use serde::Serialize;
use serde_json::json;

use super::ReplayArgs;
use crate::files::RawFile;
use crate::ingest::{self, IngestArgs, survey};
use crate::{Usage, grid, lake};

/// What would be brought in of a source.
#[derive(Debug, Serialize)]
struct Tally {
    source: &'static str,
    /// Raw files that are meant.
    logs: usize,
    /// Of these, in the lake.
    known: usize,
    /// Of these, to be brought in.
    to_ingest: usize,
    /// Their bytes.
    bytes: u64,
    /// The first and the last of them, by key.
    first: Option<String>,
    last: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &ReplayArgs, lake: &Path, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if args.paths.is_empty() {
        return Err(
            Usage("give the raw files, or folders with them, that are to be looked at".to_owned()).into()
        );
    }
    let mut arguments: Vec<OsString> = vec!["--lake".into(), lake.into(), "--region".into()];
    arguments.push(lake::region(lake)?.into());
    if args.json {
        arguments.push("--json".into());
    }
    arguments.push("--".into());
    arguments.extend(args.paths.iter().map(OsString::from));
    let ingest = IngestArgs::of(arguments)?;
    let takes = |source: &str, file: &RawFile| {
        (args.source.is_empty() || args.source.iter().any(|name| name == source))
            && args.prefix.as_deref().is_none_or(|prefix| file.key.starts_with(prefix))
            && args.range().has(&file.key, written(file))
    };
    if args.go {
        return ingest::bring_in(&ingest, &takes, out);
    }
    let surveyed = survey::survey(&ingest, &takes)?;
    let tally = |one: survey::Surveyed| Tally {
        source: one.source,
        logs: one.known.len() + one.missing.len(),
        known: one.known.len(),
        to_ingest: one.missing.len(),
        bytes: one.missing.iter().map(|file| file.bytes).sum(),
        first: one.missing.iter().map(|file| &file.key).min().cloned(),
        last: one.missing.iter().map(|file| &file.key).max().cloned(),
    };
    let tallies: Vec<Tally> = surveyed.into_iter().map(tally).filter(|tally| tally.logs > 0).collect();
    print(&tallies, args, out)?;
    Ok(ExitCode::SUCCESS)
}

/// When a file was written, in milliseconds since the epoch.
fn written(file: &RawFile) -> i64 {
    let modified =
        Path::new(&file.bucket).join(&file.key).metadata().and_then(|metadata| metadata.modified());
    let since =
        modified.ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn print(tallies: &[Tally], args: &ReplayArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.json {
        serde_json::to_writer(&mut *out, &json!({ "dry_run": true, "sources": tallies }))?;
        writeln!(out)?;
        return Ok(());
    }
    if tallies.is_empty() {
        writeln!(out, "no raw files of that kind, {}", args.range())?;
        return Ok(());
    }
    for tally in tallies {
        let mut line = |count: usize, text: &str| writeln!(out, "{:>12}  {text}", grid::number(count as u64));
        line(tally.logs, &format!("raw files of {}, {}", tally.source, args.range()))?;
        line(tally.known, "are in the lake")?;
        line(tally.to_ingest, &format!("to bring in, {}", grid::bytes(tally.bytes)))?;
        for (name, key) in [("first", &tally.first), ("last", &tally.last)] {
            if let Some(key) = key {
                writeln!(out, "{name:>12}  {}", key.replace(char::is_control, "?"))?;
            }
        }
    }
    writeln!(out, "\nnothing was brought in; --go does it")?;
    Ok(())
}
