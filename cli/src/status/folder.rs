//! How the lake in a folder is, from the footers of its Parquet files.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;

use super::Report;
use super::seen::Seen;
use crate::{lake, quarantine, tables};

/// What is known of a place: rows, latest event, when the latest file was written.
#[derive(Debug, Default)]
struct Latest {
    rows: u64,
    event: Option<i64>,
    written: Option<i64>,
}

/// Looks at the lake.
pub(super) fn report(lake: &Path) -> anyhow::Result<Report> {
    let mut places: BTreeMap<[String; 3], Latest> = BTreeMap::new();
    for table in lake::tables(lake)? {
        for file in table.files()? {
            let value = |key: &str| file.value(key).unwrap_or("-").to_owned();
            let latest = places.entry([table.id(), value("accountid"), value("region")]).or_default();
            let (rows, times) = tables::rows_and_times(&file.path)?;
            latest.rows += rows;
            latest.event = latest.event.max(times.map(|(_, last)| last));
            latest.written = latest.written.max(Some(written(&file.path)?));
        }
    }
    let seen = |(place, latest): ([String; 3], Latest)| {
        Seen::new(place, Some(latest.rows), latest.event, latest.written)
    };
    Ok(Report {
        quarantined_records: Some(quarantine::count(lake)?),
        seen: places.into_iter().map(seen).collect(),
        ..Report::default()
    })
}

/// When a file was written, in milliseconds since the epoch.
fn written(path: &Path) -> anyhow::Result<i64> {
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    let modified = modified.with_context(|| format!("cannot look at {}", path.display()))?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
