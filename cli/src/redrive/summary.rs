//! What was given up, for a person and for a program.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::json;

use super::RedriveArgs;
use super::reason::Reason;
use crate::grid::{self, Grid};

/// What was given up of a source, and what was done with it.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// Name of the source.
    pub(super) source: &'static str,
    /// URL of the dead-letter queue, or path of the list.
    pub(super) kept_in: String,
    /// Messages, or files, by what would become of them.
    pub(super) reasons: BTreeMap<Reason, u64>,
    /// Files that the next ingest of the folder brings in first, whatever it is asked for: what an ingest has begun and
    /// not finished.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) waiting: u64,
    /// Messages that were sent to the queue and deleted here.
    pub(super) moved: u64,
    /// Messages that were deleted because their objects are in the lake.
    pub(super) deleted: u64,
    /// Each message, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entries: Option<Vec<Entry>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A message, or a file.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// Its id; of a file its path.
    pub(super) id: String,
    /// When it was first sent, RFC 3339.
    pub(super) sent: Option<String>,
    /// What would become of it.
    pub(super) reason: Reason,
    /// What is the matter, for a person.
    pub(super) detail: Option<String>,
    /// Its objects, as bucket and key.
    pub(super) objects: Vec<String>,
    /// What EventBridge said if it could not deliver it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delivery_error: Option<String>,
    /// `moved` or `deleted`, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) done: Option<&'static str>,
}

impl Summary {
    /// Of a source of which nothing is known yet. With `entries` each entry is kept.
    pub(super) fn new(source: &'static str, kept_in: String, entries: bool) -> Self {
        let entries = entries.then(Vec::new);
        Self { source, kept_in, reasons: BTreeMap::new(), waiting: 0, moved: 0, deleted: 0, entries }
    }

    /// Keeps an entry, if that is asked for.
    pub(super) fn note(&mut self, args: &RedriveArgs, entry: Entry) {
        if let Some(entries) = self.entries.as_mut().filter(|_| args.lists(entry.reason)) {
            entries.push(entry);
        }
    }
}

/// Prints what is there and what was done.
pub(super) fn print(
    summaries: &[Summary],
    args: &RedriveArgs,
    what: &str,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if args.json {
        serde_json::to_writer(&mut *out, &json!({ "dry_run": !args.go, "sources": summaries }))?;
        writeln!(out)?;
        return Ok(());
    }
    for summary in summaries {
        let total: u64 = summary.reasons.values().sum();
        writeln!(out, "{}: {} {what} in {}", summary.source, grid::number(total), summary.kept_in)?;
        let mut reasons = Grid::new(&["", "", ""]);
        reasons.right(0);
        for (reason, count) in &summary.reasons {
            reasons.row([grid::number(*count), reason.as_str().to_owned(), reason.remedy().to_owned()]);
        }
        reasons.print(out, "  ")?;
        if summary.waiting > 0 {
            let count = grid::number(summary.waiting);
            writeln!(
                out,
                "  {count}  wait for an ingest that was not finished; any `lake ingest` finishes it first"
            )?;
        }
        for entry in summary.entries.iter().flatten() {
            let objects = if entry.objects.is_empty() { entry.id.clone() } else { entry.objects.join(", ") };
            let mut line = Grid::new(&["", "", "", "", ""]);
            line.row([
                entry.sent.clone().unwrap_or_else(|| "-".to_owned()),
                entry.reason.as_str().to_owned(),
                objects,
                entry.detail.clone().unwrap_or_default(),
                entry.done.unwrap_or_default().to_owned(),
            ]);
            line.print(out, "  ")?;
            if let Some(error) = &entry.delivery_error {
                writeln!(
                    out,
                    "    EventBridge could not deliver it: {}",
                    error.replace(char::is_control, "?")
                )?;
            }
        }
        if args.go {
            writeln!(
                out,
                "  {} moved, {} deleted",
                grid::number(summary.moved),
                grid::number(summary.deleted)
            )?;
        }
    }
    let ready: u64 = summaries.iter().filter_map(|summary| summary.reasons.get(&Reason::Ready)).sum();
    if !args.go && ready > 0 {
        writeln!(out, "\nnothing was moved; --go moves those that are ready")?;
    }
    Ok(())
}
