//! What an ingest did, for a machine (`--json`) and for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde::Serialize;
use shared::pipeline::Report;
use shared::source::MAX_EVENT_IDS;

use crate::grid::{self, Grid};

/// A raw object that is not in the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failed {
    /// Path of the file.
    pub(crate) object: String,
    /// What is wrong and what to do.
    pub(crate) reason: String,
}

/// Raw objects by what became of them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Objects {
    /// Their records are in the lake, in quarantine or were skipped.
    pub(crate) ingested: u64,
    /// They are no logs or were ingested before, by reason.
    pub(crate) skipped: BTreeMap<String, u64>,
    /// They are not in the lake.
    pub(crate) failed: Vec<Failed>,
}

/// Records by what became of them: `read` is the sum of rows, skipped and quarantined.
#[derive(Debug, Default, Serialize)]
struct Records {
    read: u64,
    rows: BTreeMap<String, u64>,
    skipped: BTreeMap<String, u64>,
    quarantined: BTreeMap<String, u64>,
    /// Rows whose event may have come before: more ids than are remembered.
    unchecked: u64,
}

#[derive(Debug, Default, Serialize)]
struct Bytes {
    r#in: u64,
    decoded: u64,
    out: u64,
}

/// What an ingest did. The names of its members are the names in the JSON.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    pub(crate) objects: Objects,
    records: Records,
    bytes: Bytes,
    /// Keys of the lake's objects that were written, quarantine included.
    written: BTreeSet<String>,
    /// Partitions that were written to.
    partitions: u64,
}

fn add<K: ToString>(counts: &mut BTreeMap<String, u64>, more: &BTreeMap<K, u64>) {
    for (reason, count) in more {
        *counts.entry(reason.to_string()).or_default() += count;
    }
}

impl Summary {
    /// Counts objects that are passed over.
    pub(crate) fn skip(&mut self, reason: &str) {
        *self.objects.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Adds what the pipeline did with one group of objects, except for its failures.
    pub(crate) fn add(&mut self, report: &Report) {
        self.objects.ingested += report.objects_ingested;
        add(&mut self.objects.skipped, &report.objects_skipped);
        add(&mut self.records.rows, &report.rows);
        add(&mut self.records.skipped, &report.skipped);
        add(&mut self.records.quarantined, &report.quarantined);
        self.records.read += report.records;
        self.records.unchecked += report.events_unchecked;
        self.bytes.r#in += report.bytes_in;
        self.bytes.decoded += report.bytes_decoded;
        self.bytes.out += report.bytes_out;
        self.written.extend(report.objects_written.iter().cloned());
        let folder = |key: &String| key.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let folders = self.written.iter().filter(|key| !is_quarantine(key)).filter_map(folder);
        self.partitions = folders.collect::<BTreeSet<_>>().len() as u64;
    }

    /// True if nothing was quarantined, rejected or failed.
    pub(crate) fn is_clean(&self) -> bool {
        self.objects.failed.is_empty() && self.records.quarantined.is_empty()
    }

    /// Writes it for a person: figures to `out`, what needs a look to `trouble`.
    ///
    /// # Errors
    /// As the writers.
    pub(crate) fn print(&self, out: &mut dyn Write, trouble: &mut dyn Write) -> std::io::Result<()> {
        let skipped: u64 = self.objects.skipped.values().sum();
        let mut grid = Grid::new(&["", "", ""]);
        let mut section = |title: &str, total: u64, parts: &[(&str, &BTreeMap<String, u64>)]| {
            grid.row([title.to_owned(), grid::number(total), String::new()]);
            for (kind, counts) in parts {
                for (name, count) in *counts {
                    grid.row([String::new(), grid::number(*count), format!("{kind}{name}")]);
                }
            }
        };
        section("objects ingested", self.objects.ingested, &[]);
        section("objects skipped", skipped, &[("", &self.objects.skipped)]);
        section("objects failed", self.objects.failed.len() as u64, &[]);
        let records = &self.records;
        let parts = [
            ("rows of ", &records.rows),
            ("skipped: ", &records.skipped),
            ("quarantined: ", &records.quarantined),
        ];
        section("records read", records.read, &parts);
        grid.right(1);
        grid.print(out, "")?;
        writeln!(
            out,
            "{} read, {} decoded, {} written: {} objects in {} partitions",
            grid::bytes(self.bytes.r#in),
            grid::bytes(self.bytes.decoded),
            grid::bytes(self.bytes.out),
            grid::number(self.written.len() as u64),
            grid::number(self.partitions),
        )?;
        if records.unchecked > 0 {
            writeln!(
                trouble,
                "{} events were not looked up for repetition: their group has more than {MAX_EVENT_IDS}",
                grid::number(records.unchecked)
            )?;
        }
        for key in self.written.iter().filter(|key| is_quarantine(key)) {
            writeln!(trouble, "quarantined records, each with its reason: {key}")?;
        }
        for failed in &self.objects.failed {
            writeln!(trouble, "failed: {}: {}", failed.object, failed.reason)?;
        }
        Ok(())
    }
}

fn is_quarantine(key: &str) -> bool {
    key.starts_with("quarantine/")
}
