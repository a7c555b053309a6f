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
mod outputs;
mod report;
mod retry;
mod set_up;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};

use self::batch::{Batch, Fed};
use self::outputs::{Completed, Outputs, Place, Target};
pub use self::report::{Failure, Report};
pub use self::retry::{Retried, Retry};
pub use self::set_up::SetUpError;
pub use self::settings::Settings;
use crate::catalog::{Catalog, TablePartition};
use crate::frame::Framed;
use crate::layout;
use crate::notification::ObjectRef;
use crate::rows::RowsError;
use crate::source::{EventId, KeyClass, KeyFacts, Source};
use crate::store::{Body, Store, StoreError};
use crate::table::TableDefinition;

/// Stored objects up to this size are held whole while they are read.
const MAX_FETCHED_WHOLE: u64 = 16 << 20;

/// One source's pipeline.
pub struct Pipeline<S, C> {
    source: Box<dyn Source>,
    tables: Vec<&'static TableDefinition>,
    store: S,
    catalog: C,
    settings: Settings,
}

impl<S, C> std::fmt::Debug for Pipeline<S, C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pipeline").field("source", &self.source.name()).finish_non_exhaustive()
    }
}

/// How reading one object ended.
enum Fit {
    /// Its rows are in the batch or in outputs of their own.
    Joined(Framed),
    /// It does not fit beside what the batch holds already; nothing of it is left in the batch.
    NoRoom,
}

/// One object on its way.
struct Item {
    index: usize,
    object: ObjectRef,
    facts: KeyFacts,
}

/// Raw objects that were read, and their rows in outputs that nobody can see yet: see [`Pipeline::read`]. Dropping
/// it leaves nothing in the lake.
pub struct Read<'a, S: Store> {
    report: Report,
    batch: Option<Batch>,
    outputs: Outputs<'a, S>,
    contributors: Contributors,
    /// Outputs that hold the rows of one object alone, with its index.
    own: Vec<(Outputs<'a, S>, usize)>,
}

impl<S: Store> std::fmt::Debug for Read<'_, S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Read").field("report", &self.report).finish_non_exhaustive()
    }
}

impl<S: Store> Read<'_, S> {
    /// Objects that cannot join the lake.
    pub fn failures(&self) -> &[Failure] {
        &self.report.failures
    }

    /// Frees what the store holds of the outputs. Answers what reading has cost: bytes, and panics.
    pub async fn discard(self) -> Report {
        for (own, _) in self.own {
            own.abort().await;
        }
        self.outputs.abort().await;
        Report { bytes_in: self.report.bytes_in, panics: self.report.panics, ..Report::default() }
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
        let pipeline = Self { source, tables, store, catalog, settings };
        pipeline.batch().map_err(|error| SetUpError::Mapping { source_name, error })?;
        Ok(pipeline)
    }

    /// The source's name.
    pub fn source_name(&self) -> &'static str {
        self.source.name()
    }

    fn batch(&self) -> Result<Batch, RowsError> {
        Batch::new(self.source.as_ref(), &self.tables, &self.settings)
    }

    /// Ingests raw objects. `progress` is told the stored size of each object that has been dealt with.
    ///
    /// Never fails as a whole: every object that did not make it is in [`Report::failures`].
    pub async fn ingest(&self, objects: Vec<ObjectRef>, progress: &(dyn Fn(u64) + Sync)) -> Report {
        let group: Vec<String> = objects.iter().map(ObjectRef::identity).collect();
        let read = self.read(objects, &group, progress).await;
        self.publish(read).await
    }

    /// Reads raw objects and writes their rows to outputs that nobody can see yet. The identities `group` name the
    /// outputs.
    pub async fn read(
        &self,
        objects: Vec<ObjectRef>,
        group: &[String],
        progress: &(dyn Fn(u64) + Sync),
    ) -> Read<'_, S> {
        let mut report = Report::default();
        let items = self.select(objects, &mut report, progress);
        let outputs = Outputs::new(self.target(), group.to_vec());
        let mut read =
            Read { report, batch: None, outputs, contributors: Contributors::new(), own: Vec::new() };
        let mut batch = match self.batch() {
            Ok(batch) => batch,
            Err(error) => {
                let fail =
                    |item: &Item| Failure { index: item.index, reason: error.to_string(), partial: false };
                read.report.failures.extend(items.iter().map(fail));
                return read;
            }
        };
        let mut fetched = futures::stream::iter(items)
            .map(|item| async move { (self.store.get(&item.object).await, item) })
            .buffered(self.settings.fetch_concurrency);
        while let Some((body, item)) = fetched.next().await {
            let outcome = self.read_one(body, &item, &mut batch, &mut read);
            // A panic is a mistake of ours in one object's data; the others must not pay for it.
            let mut panicked = false;
            let outcome = AssertUnwindSafe(outcome).catch_unwind().await.unwrap_or_else(|_| {
                batch.abandon();
                panicked = true;
                Err("the function panicked while reading it; this is a bug to report".to_owned())
            });
            let report = &mut read.report;
            report.panics += u64::from(panicked);
            match outcome {
                Ok((framed, bytes)) => {
                    report.bytes_in += bytes;
                    match framed {
                        Framed::Records => report.objects_ingested += 1,
                        Framed::OtherKind => *report.objects_skipped.entry("other_kind").or_default() += 1,
                    }
                    progress(bytes);
                }
                Err(reason) => {
                    report.failures.push(Failure {
                        index: item.index,
                        reason: format!("{}: {reason}", item.object),
                        partial: false,
                    });
                    progress(item.object.size.unwrap_or_default());
                }
            }
            if batch.bytes() > self.settings.buffer_bytes / 2 {
                flush(&mut batch, &mut read.outputs).await;
            }
        }
        flush(&mut batch, &mut read.outputs).await;
        read.batch = Some(batch);
        read
    }

    /// Makes visible what was read: completes the outputs and registers their partitions.
    pub async fn publish(&self, read: Read<'_, S>) -> Report {
        let Read { mut report, batch, outputs, mut contributors, own } = read;
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

    /// The object with what tells its content, which the store is asked for if the notification did not say it.
    ///
    /// # Errors
    /// As [`Store::identify`].
    pub async fn identify(&self, object: &ObjectRef) -> Result<ObjectRef, StoreError> {
        match (&object.version, &object.etag) {
            (None, None) => self.store.identify(object).await,
            _ => Ok(object.clone()),
        }
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

    /// Reads one object into the batch, or into outputs of its own. Answers how it was framed and its size.
    async fn read_one<'a>(
        &'a self,
        body: Result<Body, StoreError>,
        item: &Item,
        batch: &mut Batch,
        read: &mut Read<'a, S>,
    ) -> Result<(Framed, u64), String> {
        let mut bytes;
        let mut body = body.map_err(|error| error.to_string())?;
        loop {
            let alone = batch.is_empty();
            let mut own = alone.then(|| Outputs::new(self.target(), vec![item.object.identity()]));
            let mut wrote_own = false;
            batch.begin();
            bytes = 0;
            let outcome = self.feed(body, item, batch, own.as_mut(), &mut wrote_own, &mut bytes).await;
            match outcome {
                Ok(Fit::Joined(framed)) if wrote_own => {
                    if let Some(mut own) = own {
                        flush(batch, &mut own).await;
                        read.own.push((own, item.index));
                    }
                    return Ok((framed, bytes));
                }
                Ok(Fit::Joined(framed)) => {
                    for (table, partition) in batch.touched() {
                        let place = Place::Partition(table, partition);
                        read.contributors.entry(place).or_default().insert(item.index);
                    }
                    if batch.touched_quarantine() {
                        read.contributors.entry(Place::Quarantine).or_default().insert(item.index);
                    }
                    return Ok((framed, bytes));
                }
                Ok(Fit::NoRoom) => {
                    flush(batch, &mut read.outputs).await;
                    body = self.store.get(&item.object).await.map_err(|error| error.to_string())?;
                }
                Err(reason) => {
                    batch.abandon();
                    if let Some(own) = own {
                        own.abort().await;
                    }
                    return Err(reason);
                }
            }
        }
    }

    /// Feeds an object's bytes to the batch, flushing to `own` where the buffer runs full.
    async fn feed(
        &self,
        mut body: Body,
        item: &Item,
        batch: &mut Batch,
        mut own: Option<&mut Outputs<'_, S>>,
        wrote_own: &mut bool,
        bytes: &mut u64,
    ) -> Result<Fit, String> {
        if body.size.is_some_and(|size| size <= MAX_FETCHED_WHOLE) {
            body = collect(body).await?;
        }
        while let Some(chunk) = body.chunks.next().await {
            let chunk: Bytes = chunk.map_err(|error| error.to_string())?;
            *bytes += chunk.len() as u64;
            let mut rest: &[u8] = &chunk;
            if body.size == Some(chunk.len() as u64) && batch.decode_whole(&chunk) {
                rest = &[];
            }
            while batch.feed(&item.object, &item.facts, &mut rest).map_err(|error| error.to_string())?
                == Fed::Full
            {
                let Some(own) = own.as_deref_mut() else {
                    batch.abandon();
                    return Ok(Fit::NoRoom);
                };
                flush(batch, own).await;
                *wrote_own = true;
            }
        }
        loop {
            if let Some(framed) = batch.end(&item.object, &item.facts).map_err(|error| error.to_string())? {
                return Ok(Fit::Joined(framed));
            }
            let Some(own) = own.as_deref_mut() else {
                batch.abandon();
                return Ok(Fit::NoRoom);
            };
            flush(batch, own).await;
            *wrote_own = true;
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
        report.latest_event = batch.latest_event();

        let mut places: BTreeMap<Place, BTreeSet<usize>> = BTreeMap::new();
        let mut failed: BTreeMap<usize, String> = BTreeMap::new();
        for (output, by) in completed {
            match output.outcome {
                Ok(()) => {
                    report.bytes_out += output.bytes;
                    if let Place::Partition(table, _) = output.place {
                        *report.rows.entry(self.tables[table].id()).or_default() += output.rows;
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

/// The body in one piece.
async fn collect(mut body: Body) -> Result<Body, String> {
    let mut whole =
        Vec::with_capacity(body.size.and_then(|size| usize::try_from(size).ok()).unwrap_or_default());
    while let Some(chunk) = body.chunks.next().await {
        whole.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
    }
    let chunk: Result<Bytes, StoreError> = Ok(Bytes::from(whole));
    Ok(Body { size: body.size, chunks: futures::stream::iter([chunk]).boxed() })
}

/// Moves everything that the batch holds into `outputs`.
async fn flush<S: Store>(batch: &mut Batch, outputs: &mut Outputs<'_, S>) {
    for (table, part) in batch.parts() {
        outputs.write_rows(table, &part, batch.rows(table), batch.partitions()).await;
    }
    outputs.write_quarantine(batch.quarantine()).await;
    batch.clear();
}
