//! A record of the quarantine, read by itself and not out of an object.

use std::collections::BTreeMap;

use super::Batch;
use crate::frame::{Position, RecordSink as _};
use crate::json::Cursor;
use crate::notification::ObjectRef;
use crate::quarantine::{Entry, Form};
use crate::source::KeyFacts;

/// Why records are skipped whose table is there but not enabled. They are worth keeping.
pub(in crate::pipeline) const NOT_ENABLED: &str = "source_not_enabled";

/// What [`Batch::again`] made of a record.
#[derive(Debug)]
pub(in crate::pipeline) enum Again {
    /// Rows, and nothing that stays in quarantine.
    Landed,
    /// It belongs to no table.
    Skipped(&'static str),
    /// Entries for the quarantine, and perhaps rows besides.
    Quarantined { reason: &'static str, entries: Vec<u8>, landed: bool },
    /// Its table is not enabled.
    NotEnabled,
    /// It could not be read by itself.
    Nothing,
}

impl Batch {
    /// Reads a quarantined record again, as an object that has begun. Whatever is not to land is taken back.
    pub(in crate::pipeline) fn again(
        &mut self,
        entry: &Entry<'_>,
        raw: &str,
        object: &ObjectRef,
        facts: &KeyFacts,
    ) -> Again {
        let at = Position { index: entry.record, offset: entry.offset };
        let envelope = entry.envelope.as_ref().filter(|_| entry.form == Some(Form::LogEvent));
        let wrapped = envelope.map(|envelope| envelope.around(raw));
        let start = self.counts.records;
        // What stays is still of the group that has put it there.
        self.group = entry.group.as_deref().map(str::to_owned);
        let (_, mut sink) = self.sink(object, facts);
        let is_read = if entry.form == Some(Form::Line) {
            if let Some(header) = entry.header.as_deref().filter(|header| !header.is_empty()) {
                sink.line(header, at);
            }
            // Otherwise the header is taken for a record, and the line would be read wrongly.
            let is_header = sink.counts.records == start;
            if is_header {
                sink.line(raw, at);
            }
            is_header
        } else {
            let mut cursor = Cursor::new(wrapped.as_deref().unwrap_or(raw));
            sink.record(&mut cursor, at).is_ok() && cursor.peek().is_none()
        };
        let before = &self.checkpoint.counts;
        let (skipped_as, skipped) = news(&self.counts.skipped, &before.skipped);
        let (reason, quarantined) = news(&self.counts.quarantined, &before.quarantined);
        let landed = self.counts.records - before.records > skipped + quarantined;
        let is_enabled = self.counts.skipped.get(NOT_ENABLED) == before.skipped.get(NOT_ENABLED);
        let again = match (reason, skipped_as) {
            _ if !is_read => Again::Nothing,
            _ if !is_enabled => Again::NotEnabled,
            (Some(reason), _) => {
                let entries = self.quarantine.split_off(self.checkpoint.quarantine);
                Again::Quarantined { reason, entries, landed }
            }
            (None, _) if landed => Again::Landed,
            (None, Some(reason)) => Again::Skipped(reason),
            (None, None) => Again::Nothing,
        };
        if !matches!(again, Again::Landed | Again::Quarantined { landed: true, .. }) {
            self.abandon();
        }
        again
    }
}

/// What has been counted since: the first reason, and how many.
fn news(
    now: &BTreeMap<&'static str, u64>,
    before: &BTreeMap<&'static str, u64>,
) -> (Option<&'static str>, u64) {
    let first = now.iter().find(|(reason, count)| before.get(*reason) != Some(*count));
    (first.map(|(reason, _)| *reason), now.values().sum::<u64>() - before.values().sum::<u64>())
}
