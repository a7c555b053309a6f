//! The dead letters, for a person and for a program.

use std::io::Write;

use serde_json::json;

use super::super::RedriveArgs;
use super::super::reason::Reason;
use super::Summary;
use crate::grid::{self, Grid};

/// Prints what is there and what was done.
pub(super) fn print(summaries: &[Summary], args: &RedriveArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.json {
        serde_json::to_writer(&mut *out, &json!({ "dry_run": !args.go, "sources": summaries }))?;
        writeln!(out)?;
        return Ok(());
    }
    for summary in summaries {
        let total: u64 = summary.reasons.values().sum();
        writeln!(
            out,
            "{}: {} dead letters in {}",
            summary.source,
            grid::number(total),
            summary.dead_letter_queue
        )?;
        let mut reasons = Grid::new(&["", "", ""]);
        reasons.right(0);
        for (reason, count) in &summary.reasons {
            reasons.row([grid::number(*count), reason.as_str().to_owned(), reason.remedy().to_owned()]);
        }
        reasons.print(out, "  ")?;
        for entry in summary.entries.iter().flatten() {
            let what = if entry.objects.is_empty() { entry.id.clone() } else { entry.objects.join(", ") };
            let mut line = Grid::new(&["", "", "", "", ""]);
            line.row([
                entry.sent.clone().unwrap_or_else(|| "-".to_owned()),
                entry.reason.as_str().to_owned(),
                what,
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
                "  {} moved to the queue, {} deleted",
                grid::number(summary.moved),
                grid::number(summary.deleted)
            )?;
        }
    }
    let ready: u64 = summaries.iter().filter_map(|summary| summary.reasons.get(&Reason::Ready)).sum();
    if !args.go && ready > 0 {
        writeln!(out, "\nnothing was moved; --go sends those that are ready back to their queues")?;
    }
    Ok(())
}
