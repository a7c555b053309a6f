//! How the lake in a folder is, from the footers of its Parquet files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use shared::layout::table_prefix;
use shared::ledger::folder::{FolderState, examine_record};
use shared::ledger::seen::{Origin, folder as noted};

use super::Report;
use super::seen::Seen;
use crate::repair::every_table;
use crate::{quarantine, redrive, sources, tables};

/// Looks at the lake. Where an ingest has noted what it saw, that counts; the files tell the rest.
pub(super) fn report(lake: &Path) -> anyhow::Result<Report> {
    let mut origins: BTreeMap<Origin, (u64, Option<i64>)> = BTreeMap::new();
    for table in crate::lake::tables(lake)? {
        for file in table.files()? {
            let value = |key: &str| file.value(key).unwrap_or("-").to_owned();
            let origin = Origin { table: table.id(), account: value("accountid"), region: value("region") };
            let (rows, latest) = origins.entry(origin).or_default();
            let (count, times) = tables::rows_and_times(&file.path)?;
            *rows += count;
            *latest = (*latest).max(times.map(|(_, last)| last));
        }
    }
    let noted = noted::read(lake).context("cannot read what was last seen of the lake")?;
    // What was seen and has no file any more is told too.
    for origin in noted.keys() {
        origins.entry(origin.clone()).or_default();
    }
    let seen = |(origin, (rows, event)): (Origin, (u64, Option<i64>))| match noted.get(&origin) {
        Some(noted) => Seen::new(origin, Some(rows), noted),
        None => Seen::of_files(origin, rows, event),
    };
    let counts = redrive::folder::count(lake)?;
    let redrive = |options| format!("`lake redrive --lake {}{options}` tells", lake.display());
    let failed = || format!("{} raw files failed; {} why", counts.failed, redrive(""));
    let unrecognised = || {
        let which = redrive(" --entries --reason unrecognised");
        format!("{} raw files are of no known source; {which} which", counts.unrecognised)
    };
    let mut problems = Vec::new();
    problems.extend((counts.failed > 0).then(failed));
    problems.extend((counts.unrecognised > 0).then(unrecognised));
    let waiting = || {
        format!(
            "{} raw files wait for an ingest that was not finished; make the lake writable and run the same `lake ingest` \
             again: it finishes what was begun",
            counts.waiting
        )
    };
    let is_in_use = FolderState::is_in_use(lake);
    // While an ingest is at work, it is the one that they wait for.
    problems.extend((counts.waiting > 0 && !is_in_use).then(waiting));
    if !is_in_use {
        problems.extend(unregistered(lake)?);
        for make in sources::ALL {
            let source = make();
            let record = examine_record(&lake.join("state"), source.name(), source.tables());
            problems.extend(record.err().map(|error| error.to_string()));
        }
    }
    Ok(Report {
        problems,
        failed_files: Some(counts.failed),
        unrecognised_files: Some(counts.unrecognised),
        waiting_files: Some(counts.waiting),
        quarantined_records: Some(quarantine::count(lake)?),
        seen: origins.into_iter().map(seen).collect(),
        ..Report::default()
    })
}

/// The problem, if tables with files are not in the catalogue: their readers do not find them.
fn unregistered(lake: &Path) -> anyhow::Result<Option<String>> {
    let known: Vec<String> =
        crate::lake::tables(lake)?.into_iter().map(|table| table.entry.location).collect();
    let prefixes = every_table().into_iter().map(table_prefix);
    let lost = prefixes.filter(|prefix| !known.contains(prefix) && has_file(&lake.join(prefix))).count();
    Ok((lost > 0).then(|| {
        let lake = lake.display();
        format!("{lost} tables are in the lake and not in its catalogue; run: lake repair --lake {lake} --go")
    }))
}

/// True if a Parquet file stands in the folder or below it.
fn has_file(folder: &Path) -> bool {
    let mut paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.any(|path| {
        path.extension().is_some_and(|end| end == "parquet") || (path.is_dir() && has_file(&path))
    })
}
