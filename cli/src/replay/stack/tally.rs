//! What a replay found and did, for a person and for a program.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::json;
use shared::ledger::TTL_DAYS;
use shared::time::to_rfc3339;

use super::super::ReplayArgs;
use super::listing::Listed;
use crate::deployment::DeployedSource;
use crate::grid;

/// Counts of one source.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tally {
    source: &'static str,
    bucket: String,
    queue: String,
    /// Objects of the listing.
    pub(super) listed: u64,
    /// Those that are no logs of the range, by reason.
    skipped: BTreeMap<&'static str, u64>,
    /// Logs of the source in the range.
    pub(super) logs: u64,
    /// Of these, in the lake by the ledger.
    pub(super) known: u64,
    /// Of these, older than the ledger remembers, and so left out.
    pub(super) forgotten: u64,
    /// Of these, to be announced.
    to_announce: u64,
    /// Their stored bytes.
    bytes: u64,
    /// The one that was written first, and the one that was written last.
    first: Option<Edge>,
    last: Option<Edge>,
    /// Objects that the queue has taken.
    pub(super) announced: u64,
}

/// An object at an end of the range. Its time is RFC 3339.
#[derive(Debug, Clone, Serialize)]
struct Edge {
    key: String,
    written: String,
}

impl Tally {
    pub(super) fn new(source: &DeployedSource) -> Self {
        Self {
            source: source.name,
            bucket: source.raw_bucket.clone(),
            queue: source.queue.url.clone(),
            listed: 0,
            skipped: BTreeMap::new(),
            logs: 0,
            known: 0,
            forgotten: 0,
            to_announce: 0,
            bytes: 0,
            first: None,
            last: None,
            announced: 0,
        }
    }

    pub(super) fn skip(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    /// Counts an object that is to be announced.
    pub(super) fn take(&mut self, listed: &Listed) {
        self.to_announce += 1;
        self.bytes += listed.object.size.unwrap_or_default();
        let written = to_rfc3339(listed.written);
        let edge = || Some(Edge { key: listed.object.key.clone(), written: written.clone() });
        if self.first.as_ref().is_none_or(|first| written < first.written) {
            self.first = edge();
        }
        if self.last.as_ref().is_none_or(|last| written >= last.written) {
            self.last = edge();
        }
    }
}

/// Prints what was found and done.
pub(super) fn print(tallies: &[Tally], args: &ReplayArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.json {
        serde_json::to_writer(&mut *out, &json!({ "dry_run": !args.go, "sources": tallies }))?;
        writeln!(out)?;
        return Ok(());
    }
    for tally in tallies {
        print_one(tally, args, out)?;
    }
    if !args.go && tallies.iter().any(|tally| tally.to_announce > 0) {
        writeln!(out, "\nnothing was sent; --go announces them")?;
    }
    Ok(())
}

fn print_one(tally: &Tally, args: &ReplayArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut line = |count: u64, text: &str| writeln!(out, "{:>12}  {text}", grid::number(count));
    line(tally.logs, &format!("logs of {} in s3://{}, {}", tally.source, tally.bucket, args.range()))?;
    line(tally.known, "are in the lake")?;
    if tally.forgotten > 0 {
        let text = format!(
            "are older than the {TTL_DAYS} days that the ledger remembers: they may be in the lake, so they are left \
             out; if you know that none of them is, give --not-in-lake"
        );
        line(tally.forgotten, &text)?;
    }
    line(tally.to_announce, &format!("to announce, {}", grid::bytes(tally.bytes)))?;
    if args.go {
        line(tally.announced, &format!("announced to {}", tally.queue))?;
    }
    for (reason, count) in &tally.skipped {
        line(*count, &format!("others: {reason}"))?;
    }
    for (name, edge) in [("first", &tally.first), ("last", &tally.last)] {
        if let Some(edge) = edge {
            let key: String = edge.key.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            writeln!(out, "{name:>12}  {} {key}", edge.written)?;
        }
    }
    Ok(())
}
