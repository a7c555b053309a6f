//! How the lake in a folder is, from the footers of its Parquet files.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use shared::ledger::folder::FolderState;
use shared::ledger::seen::{Origin, folder as noted};

use super::Report;
use super::seen::Seen;
use crate::{quarantine, redrive, tables};

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
    // While an ingest is at work, it is the one that they wait for.
    problems.extend((counts.waiting > 0 && !FolderState::is_in_use(lake)).then(waiting));
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
