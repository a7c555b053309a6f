//! What a retry did, for a machine (`--json`) and for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde::Serialize;
use shared::pipeline::Report;

use crate::grid::{self, Grid};
use crate::summary::Failed;

/// What a retry did. The names of its members are the names in the JSON; `tried` is the sum of `landed`, `skipped`,
/// `stay`, `not_alone` and `cut`.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Outcome {
    dry_run: bool,
    /// Records that were tried.
    pub(super) tried: u64,
    /// Records that have rows now.
    pub(super) landed: u64,
    /// Records that were found to belong to no table, by reason.
    skipped: BTreeMap<String, u64>,
    /// Records that stay, by the reason of today.
    stay: BTreeMap<String, u64>,
    /// Records that stay because they cannot be read without what stood around them, by their reason.
    not_alone: BTreeMap<String, u64>,
    /// Records that stay because no more than their beginning is kept, by their reason.
    cut: BTreeMap<String, u64>,
    /// Entries that stood in another file of the quarantine too and were taken out of this one.
    pub(super) repeated: u64,
    /// Rows, by table.
    rows: BTreeMap<String, u64>,
    /// Keys of the lake's objects that were written.
    written: BTreeSet<String>,
    /// Records that were not tried, as the batch that they came with is not finished, by their file.
    unfinished: BTreeMap<String, u64>,
    failed: Vec<Failed>,
}

fn count(counts: &mut BTreeMap<String, u64>, reason: &str) {
    *counts.entry(reason.to_owned()).or_default() += 1;
}

impl Outcome {
    pub(super) fn new(dry_run: bool) -> Self {
        Self { dry_run, ..Self::default() }
    }

    pub(super) fn skip(&mut self, reason: &str) {
        count(&mut self.skipped, reason);
    }

    pub(super) fn stay(&mut self, reason: &str) {
        count(&mut self.stay, reason);
    }

    pub(super) fn not_alone(&mut self, reason: &str) {
        count(&mut self.not_alone, reason);
    }

    pub(super) fn cut(&mut self, reason: &str) {
        count(&mut self.cut, reason);
    }

    /// Records whose source has no table among those that are wanted.
    pub(super) fn not_enabled(&mut self, records: u64) {
        self.tried += records;
        *self.stay.entry("source_not_enabled".to_owned()).or_default() += records;
    }

    /// A file that is left alone while its group is open.
    pub(super) fn pass_over(&mut self, file: &str, entries: u64) {
        if entries > 0 {
            self.unfinished.insert(file.to_owned(), entries);
        }
    }

    pub(super) fn fail(&mut self, object: String, reason: String) {
        self.failed.push(Failed { object, reason });
    }

    /// Adds what was written.
    pub(super) fn add(&mut self, report: &Report) {
        for (table, rows) in &report.rows {
            *self.rows.entry(table.clone()).or_default() += rows;
        }
        self.written.extend(report.objects_written.iter().cloned());
    }

    /// True if nothing that is wanted stays.
    pub(super) fn is_clean(&self) -> bool {
        self.unfinished.is_empty()
            && self.stay.is_empty()
            && self.not_alone.is_empty()
            && self.cut.is_empty()
            && self.failed.is_empty()
    }

    /// Writes it for a person: figures to `out`, what needs a look to `trouble`.
    pub(super) fn print(&self, out: &mut dyn Write, trouble: &mut dyn Write) -> std::io::Result<()> {
        let mut grid = Grid::new(&["", "", ""]);
        let mut section = |title: &str, total: u64, parts: &BTreeMap<String, u64>| {
            grid.row([title.to_owned(), grid::number(total), String::new()]);
            for (name, count) in parts {
                grid.row([String::new(), grid::number(*count), name.clone()]);
            }
        };
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum();
        section("records tried", self.tried, &BTreeMap::new());
        section(if self.dry_run { "would land" } else { "landed" }, self.landed, &self.rows);
        section("no records", sum(&self.skipped), &self.skipped);
        section("stay", sum(&self.stay), &self.stay);
        section("stay, not readable alone", sum(&self.not_alone), &self.not_alone);
        section("stay, kept in part", sum(&self.cut), &self.cut);
        section("entries that stood here twice", self.repeated, &BTreeMap::new());
        if !self.unfinished.is_empty() {
            section("not tried, batch unfinished", sum(&self.unfinished), &self.unfinished);
        }
        grid.right(1);
        grid.print(out, "")?;
        if !self.not_alone.is_empty() {
            writeln!(
                trouble,
                "what is not readable alone needs what stood around it in its raw object: write the record, with \
                 that, to a file of its own and ingest it, or fill a new lake from the raw objects"
            )?;
        }
        if !self.cut.is_empty() {
            writeln!(
                trouble,
                "what was too large is kept in part: `lake quarantine show` tells its raw object, offset and length; \
                 cut the record out of the decoded object, write it to a file of its own, and ingest that with a \
                 larger --max-record-bytes"
            )?;
        }
        if !self.unfinished.is_empty() {
            writeln!(
                trouble,
                "a batch that is not finished will be run again and write its file anew, so its records are not tried now; \
                 run this again when the function's messages are through (`lake status` tells; `lake redrive` says why \
                 one does not get through)"
            )?;
        }
        for failed in &self.failed {
            writeln!(trouble, "failed: {}: {}", failed.object, failed.reason)?;
        }
        Ok(())
    }
}
