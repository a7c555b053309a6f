//! The road of one invocation: raw objects in; Parquet objects, registered partitions and a report out.
//!
//! ```text
//! classify ─▶ fetch (ahead, in order) ─▶ Batch: decode, frame, normalise ─▶ Outputs: Parquet, upload ─▶ register
//! ```
//!
//! All objects of an invocation share one Parquet object a partition, named after all of them. An object whose
//! rows do not fit the buffer gets Parquet objects of its own, which come into being at its end; so a broken
//! object never leaves a row behind and never costs its neighbours theirs. Where the buffer runs full with both
//! in it, the object is taken back, the others are flushed, and it is read again from its start.

mod batch;
mod begun;
mod outputs;
mod read;
mod report;
mod retry;
mod set_up;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::batch::Batch;
pub use self::begun::{OutputSettings, UnknownTable};
use self::outputs::{Completed, Outputs, Place, Target};
use self::read::Item;
pub use self::read::Read;
pub use self::report::{Failure, Report};
pub use self::retry::{Retried, Retry};
pub use self::set_up::SetUpError;
pub use self::settings::Settings;
use crate::catalog::{Catalog, TablePartition};
use crate::deadline::Deadline;
use crate::layout;
use crate::ledger::seen::{Arrival, Origin};
use crate::notification::ObjectRef;
use crate::rows::RowsError;
use crate::source::{EventId, KeyClass, KeyFacts, Source};
use crate::store::{Store, StoreError};
use crate::table::TableDefinition;

/// One source's pipeline.
pub struct Pipeline<S, C> {
    source: Arc<dyn Source>,
    tables: Vec<&'static TableDefinition>,
    store: Arc<S>,
    catalog: Arc<C>,
    settings: Settings,
}

impl<S, C> std::fmt::Debug for Pipeline<S, C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pipeline").field("source", &self.source.name()).finish_non_exhaustive()
    }
}

/// What the outputs of an invocation depend on: who contributed to which place.
type Contributors = BTreeMap<Place, BTreeSet<usize>>;

impl<S: Store, C: Catalog> Pipeline<S, C> {
    /// A pipeline of `source` that fills `tables`, which are some of the source's.
    ///
    /// # Errors
    /// See [`SetUpError`].
    pub fn new(
        source: Box<dyn Source>,
        tables: Vec<&'static TableDefinition>,
        store: S,
        catalog: C,
        settings: Settings,
    ) -> Result<Self, SetUpError> {
        let source_name = source.name();
        if let (true, EventId::None(reason)) = (settings.drop_repeated_events, source.event_id()) {
            return Err(SetUpError::NoEventId { source_name, reason });
        }
        let (store, catalog) = (Arc::new(store), Arc::new(catalog));
        let pipeline = Self { source: Arc::from(source), tables, store, catalog, settings };
        pipeline.batch(None).map_err(|error| SetUpError::Mapping { source_name, error })?;
        Ok(pipeline)
    }

    /// The source's name.
    pub fn source_name(&self) -> &'static str {
        self.source.name()
    }

    fn batch(&self, group: Option<String>) -> Result<Batch, RowsError> {
        Batch::new(self.source.as_ref(), &self.tables, &self.settings, group)
    }

    /// Ingests raw objects. `progress` is told the stored size of each object that has been dealt with.
    ///
    /// Never fails as a whole: every object that did not make it is in [`Report::failures`].
    pub async fn ingest(&self, objects: Vec<ObjectRef>, progress: &(dyn Fn(u64) + Sync)) -> Report {
        let group: Vec<String> = objects.iter().map(ObjectRef::identity).collect();
        let read = self.read(objects, &group, progress, &Deadline::never(&|| 0)).await;
        self.publish(read).await
    }

    /// Makes visible what was read: completes the outputs and registers their partitions.
    pub async fn publish(&self, read: Read<'_, S>) -> Report {
        let Read { mut report, batch, outputs, mut contributors, own, .. } = read;
        let Some(batch) = batch else { return report };
        let mut completed: Vec<(Completed, BTreeSet<usize>)> = Vec::new();
        for (own, index) in own {
            completed
                .extend(own.complete().await.into_iter().map(|output| (output, BTreeSet::from([index]))));
        }
        for output in outputs.complete().await {
            let by = contributors.remove(&output.place).unwrap_or_default();
            completed.push((output, by));
        }
        self.settle(completed, &batch, &mut report).await;
        report
    }

    fn target(&self) -> Target<'_, S> {
        Target {
            store: &self.store,
            bucket: &self.settings.lake_bucket,
            function: self.source.name(),
            tables: &self.tables,
            codec: self.settings.codec,
        }
    }

    /// True if the object is to be read: it is not refused, and its key does not say that it is no log.
    pub fn is_log(&self, object: &ObjectRef) -> bool {
        self.refusal(object).is_none() && !matches!(self.classify(object), KeyClass::NotALog(_))
    }

    /// The object with what tells its content, and its size, which the store is asked for if the notification did not
    /// say what the content is.
    ///
    /// # Errors
    /// As [`Store::identify`].
    pub async fn identify(&self, object: &ObjectRef) -> Result<ObjectRef, StoreError> {
        if object.is_identified() { Ok(object.clone()) } else { self.store.identify(object).await }
    }

    fn classify(&self, object: &ObjectRef) -> KeyClass {
        match self.source.classify(&object.key) {
            KeyClass::Log(_) | KeyClass::Unknown if object.size == Some(0) => {
                KeyClass::NotALog("empty_object")
            }
            KeyClass::Log(_) | KeyClass::Unknown if object.key.ends_with('/') => {
                KeyClass::NotALog("folder_marker")
            }
            class => class,
        }
    }

    /// Decides by key what is to be fetched, before anything is.
    fn select(
        &self,
        objects: Vec<ObjectRef>,
        report: &mut Report,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Vec<Item> {
        let mut items = Vec::new();
        for (index, object) in objects.into_iter().enumerate() {
            let bytes = object.size.unwrap_or_default();
            if let Some(reason) = self.refusal(&object) {
                report.failures.push(Failure {
                    index,
                    reason: format!("{object}: {reason}"),
                    partial: false,
                });
                progress(bytes);
                continue;
            }
            let lake_region = self.settings.region.clone();
            match self.classify(&object) {
                KeyClass::Log(facts) => {
                    items.push(Item { index, object, facts: KeyFacts { lake_region, ..facts } });
                }
                KeyClass::Unknown => {
                    items.push(Item {
                        index,
                        object,
                        facts: KeyFacts { lake_region, ..KeyFacts::default() },
                    });
                }
                KeyClass::NotALog(reason) => {
                    *report.objects_skipped.entry(reason).or_default() += 1;
                    progress(bytes);
                }
            }
        }
        items
    }

    fn refusal(&self, object: &ObjectRef) -> Option<&'static str> {
        if layout::is_lake_key(&object.key) || object.bucket == self.settings.lake_bucket {
            Some(
                "refused: an object of the lake is no raw log; check which bucket and prefix send notifications",
            )
        } else if !self.settings.raw_buckets.is_empty() && !self.settings.raw_buckets.contains(&object.bucket)
        {
            Some("refused: the bucket is not one of RAW_BUCKETS")
        } else {
            None
        }
    }

    /// Registers the partitions of what was written, and lets every object fail whose rows are not durable or
    /// whose partition is not registered.
    async fn settle(&self, completed: Vec<(Completed, BTreeSet<usize>)>, batch: &Batch, report: &mut Report) {
        let counts = batch.counts();
        report.records = counts.records;
        report.skipped = counts.skipped.clone();
        report.quarantined = counts.quarantined.clone();
        report.bytes_decoded = counts.bytes_decoded;
        report.events_unchecked = batch.events_unchecked();

        let mut places: BTreeMap<Place, BTreeSet<usize>> = BTreeMap::new();
        let mut failed: BTreeMap<usize, String> = BTreeMap::new();
        for (output, by) in completed {
            match output.outcome {
                Ok(()) => {
                    report.bytes_out += output.bytes;
                    report.requests.add_written(output.bytes);
                    report.latest_event = report.latest_event.max(output.latest);
                    if let Place::Partition(table, partition) = output.place {
                        let table = self.tables[table].id();
                        *report.rows.entry(table.clone()).or_default() += output.rows;
                        if let Some(latest) = output.latest {
                            let partition = batch.partitions().get(partition);
                            let (account, region) = (partition.account.clone(), partition.region.clone());
                            let arrival = Arrival { latest, rows: output.rows };
                            report.add_arrival(Origin { table, account, region }, arrival);
                        }
                        places.entry(output.place).or_default().extend(by);
                    }
                    report.objects_written.push(output.key);
                }
                Err(reason) => {
                    for index in by {
                        failed
                            .entry(index)
                            .or_insert_with(|| format!("writing {} failed: {reason}", output.key));
                    }
                }
            }
        }
        let partition = |place: &Place| match place {
            Place::Partition(table, partition) => Some(TablePartition {
                table: self.tables[*table],
                partition: batch.partitions().get(*partition).clone(),
            }),
            Place::Quarantine => None,
        };
        let partitions: Vec<TablePartition> = places.keys().filter_map(partition).collect();
        if !partitions.is_empty() {
            for (outcome, by) in
                self.catalog.register(&partitions).await.into_iter().zip(places.into_values())
            {
                match outcome {
                    Ok(()) => report.partitions += 1,
                    Err(error) => {
                        for index in by {
                            failed.entry(index).or_insert_with(|| error.to_string());
                        }
                    }
                }
            }
        }
        report.objects_ingested = report.objects_ingested.saturating_sub(failed.len() as u64);
        report.failures.extend(failed.into_iter().map(|(index, reason)| Failure {
            index,
            reason,
            partial: true,
        }));
        report.failures.sort_by_key(|failure| failure.index);
        report.objects_written.sort();
    }
}

/// Moves everything that the batch holds into `outputs`.
async fn flush<S: Store>(batch: &mut Batch, outputs: &mut Outputs<'_, S>) {
    for (table, part) in batch.parts() {
        outputs.write_rows(table, &part, batch.rows(table), batch.partitions()).await;
    }
    outputs.write_quarantine(batch.quarantine()).await;
    batch.clear();
}
