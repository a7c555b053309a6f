//! How the lake in a folder is, from the footers of its Parquet files.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
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
    let failed = redrive::folder::count(lake)?;
    let problem = || format!("{failed} raw files failed; `lake redrive --lake {}` tells why", lake.display());
    Ok(Report {
        problems: (failed > 0).then(problem).into_iter().collect(),
        failed_files: Some(failed),
        quarantined_records: Some(quarantine::count(lake)?),
        seen: origins.into_iter().map(seen).collect(),
        ..Report::default()
    })
}
