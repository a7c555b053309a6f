//! Records in quarantine, read again each by itself: the same mapping, the same outputs, other framing.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::batch::{Again, Batch, NOT_ENABLED};
use super::outputs::Outputs;
use super::{Pipeline, Report, Settings, flush};
use crate::catalog::Catalog;
use crate::json::MAX_DEPTH;
use crate::quarantine::{Entry, Form};
use crate::rows::RowsError;
use crate::source::{KeyClass, KeyFacts, Source};
use crate::store::Store;

/// What became of a record that was read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It has its rows, which become visible with [`Retry::publish`].
    Landed,
    /// It belongs to no table, for this reason, and need not be kept.
    Skipped(&'static str),
    /// It stays, for this reason.
    Stays {
        /// For the counters.
        reason: String,
        /// Entries that take the place of its own; `None` if its own is right as it is. (A record that turns out
        /// to hold several may leave some of them, while others have landed.)
        entries: Option<Vec<u8>>,
        /// True if it also has rows.
        rows: bool,
    },
    /// It cannot be read without what stood around it, which the entry does not have.
    NotAlone,
    /// The entry holds no more than its beginning.
    Cut,
}

/// A retry of quarantined records. Nothing of it is visible before [`Retry::publish`]; dropping it leaves nothing.
pub struct Retry<'a, S: Store, C> {
    pipeline: &'a Pipeline<S, C>,
    batch: Batch,
    outputs: Outputs<'a, S>,
}

impl<S: Store, C> std::fmt::Debug for Retry<'_, S, C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Retry").field("pipeline", self.pipeline).finish_non_exhaustive()
    }
}

impl<S: Store, C: Catalog> Pipeline<S, C> {
    /// Begins a retry. The names of its outputs derive from `name`, which therefore has to tell the records. Records
    /// that are kept whole fit memory, so neither [`Settings::max_fields`] nor [`Settings::max_depth`] holds.
    ///
    /// # Errors
    /// If the mapping and a table's definition disagree, which only a mistake in the code can cause.
    pub fn retry(&self, name: String) -> Result<Retry<'_, S, C>, RowsError> {
        let outputs = Outputs::new(self.target(), vec![name]);
        let settings = Settings {
            max_depth: MAX_DEPTH,
            max_fields: usize::MAX,
            drop_repeated_events: false,
            ..self.settings.clone()
        };
        let batch = Batch::new(self.source.as_ref(), &self.tables, &settings, None)?;
        Ok(Retry { pipeline: self, batch, outputs })
    }
}

impl<S: Store, C: Catalog> Retry<'_, S, C> {
    /// Reads a record again.
    pub async fn entry(&mut self, entry: &Entry<'_>) -> Retried {
        let retried = self.read(entry);
        if self.batch.bytes() > self.pipeline.settings.buffer_bytes / 2 {
            flush(&mut self.batch, &mut self.outputs).await;
        }
        retried
    }

    /// Tells what would become of a record, and forgets its rows.
    pub fn check(&mut self, entry: &Entry<'_>) -> Retried {
        let retried = self.read(entry);
        self.batch.abandon();
        retried
    }

    fn read(&mut self, entry: &Entry<'_>) -> Retried {
        if entry.is_cut() {
            return Retried::Cut;
        }
        let Some(raw) = entry.raw() else { return Retried::NotAlone };
        let Ok(raw) = std::str::from_utf8(&raw) else { return stays(entry) };
        if !is_whole(entry, self.pipeline.source.as_ref()) {
            return Retried::NotAlone;
        }
        let object = entry.object();
        let facts = match self.pipeline.source.classify(&object.key) {
            KeyClass::Log(facts) => facts,
            KeyClass::Unknown => KeyFacts::default(),
            KeyClass::NotALog(_) => return stays(entry),
        };
        let facts = KeyFacts { lake_region: self.pipeline.settings.region.clone(), ..facts };
        self.batch.begin();
        // A panic is a mistake of ours in one record; the others must not pay for it.
        let again = catch_unwind(AssertUnwindSafe(|| self.batch.again(entry, raw, &object, &facts)));
        match again {
            Ok(Again::Landed) => Retried::Landed,
            Ok(Again::Skipped(reason)) => Retried::Skipped(reason),
            Ok(Again::Quarantined { reason, entries, landed }) => {
                Retried::Stays { reason: reason.to_owned(), entries: Some(entries), rows: landed }
            }
            // Read for these tables it would have been skipped. Old entries do not say for which they were.
            Ok(Again::NotEnabled) if entry.tables.is_some() => Retried::Skipped(NOT_ENABLED),
            Ok(Again::NotEnabled) => {
                Retried::Stays { reason: NOT_ENABLED.to_owned(), entries: None, rows: false }
            }
            Ok(Again::Nothing) => stays(entry),
            Err(_panic) => {
                self.batch.abandon();
                stays(entry)
            }
        }
    }

    /// Makes the rows visible. Where the report has failures, some are not.
    pub async fn publish(self) -> Report {
        let Self { pipeline, mut batch, mut outputs, .. } = self;
        flush(&mut batch, &mut outputs).await;
        let by = BTreeSet::from([0]);
        let completed = outputs.complete().await.into_iter().map(|output| (output, by.clone())).collect();
        let mut report = Report::default();
        pipeline.settle(completed, &batch, &mut report).await;
        report
    }
}

fn stays(entry: &Entry<'_>) -> Retried {
    Retried::Stays { reason: entry.reason.to_string(), entries: None, rows: false }
}

/// True if the entry holds all that its record has to be read with.
fn is_whole(entry: &Entry<'_>, source: &dyn Source) -> bool {
    use crate::frame::Framing;

    match entry.form {
        Some(Form::Record) => true,
        Some(Form::Line) => entry.header.is_some(),
        Some(Form::LogEvent) => entry.envelope.is_some(),
        Some(Form::Part | Form::Unreadable) => false,
        // Documents hold records and nothing else. Elsewhere it may have been anything.
        None => matches!(source.framing(), Framing::Document { .. }) && entry.reason != "unreadable",
    }
}
