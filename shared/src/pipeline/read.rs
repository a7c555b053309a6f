//! Reading: raw objects into the batch and into outputs that nobody can see yet.

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};

use super::batch::{Batch, Fed};
use super::outputs::{Outputs, Place};
use super::report::{Failure, Report};
use super::{Contributors, Pipeline, flush};
use crate::catalog::Catalog;
use crate::deadline::Deadline;
use crate::frame::Framed;
use crate::ledger::group_id;
use crate::notification::ObjectRef;
use crate::source::KeyFacts;
use crate::store::{Body, Store, StoreError};

/// Stored objects up to this size are held whole while they are read.
const MAX_FETCHED_WHOLE: u64 = 16 << 20;

/// How reading one object ended.
enum Fit {
    /// Its rows are in the batch or in outputs of their own.
    Joined(Framed),
    /// It does not fit beside what the batch holds already; nothing of it is left in the batch.
    NoRoom,
}

/// Why an object has not joined.
enum Obstacle {
    Failed(String),
    /// Time ran out while it was read.
    OutOfTime,
}

impl From<String> for Obstacle {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// One object on its way.
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) object: ObjectRef,
    pub(super) facts: KeyFacts,
}

/// Raw objects that were read, and their rows in outputs that nobody can see yet: see [`Pipeline::read`]. Dropping
/// it leaves nothing in the lake.
pub struct Read<'a, S: Store> {
    pub(super) report: Report,
    pub(super) batch: Option<Batch>,
    pub(super) outputs: Outputs<'a, S>,
    pub(super) contributors: Contributors,
    /// Outputs that hold the rows of one object alone, with its index.
    pub(super) own: Vec<(Outputs<'a, S>, usize)>,
    left: Vec<usize>,
    cut: Option<usize>,
    /// True if an object was in the buffer for a while and has not joined.
    disturbed: bool,
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

    /// Objects, by their index, that were not read for lack of time.
    pub fn left(&self) -> &[usize] {
        &self.left
    }

    /// The first of those that were left, if time ran out in the middle of it.
    pub fn cut(&self) -> Option<usize> {
        self.cut
    }

    /// True if the outputs are cut as they would be if those objects alone had been read that have joined. Where the
    /// buffer runs full depends on all that was ever in it, so one that was read and has not joined may have changed it.
    pub fn is_undisturbed(&self) -> bool {
        !self.disturbed
    }

    /// Frees what the store holds of the outputs. Answers what reading has cost: bytes, requests and panics.
    pub async fn discard(self) -> Report {
        for (own, _) in self.own {
            own.abort().await;
        }
        self.outputs.abort().await;
        let Report { bytes_in, panics, requests, .. } = self.report;
        Report { bytes_in, panics, requests, ..Report::default() }
    }
}

impl<S: Store, C: Catalog> Pipeline<S, C> {
    /// Reads raw objects and writes their rows to outputs that nobody can see yet. The identities `group` name the
    /// outputs. Those that are not read before the deadline are [`Read::left`].
    pub async fn read(
        &self,
        objects: Vec<ObjectRef>,
        group: &[String],
        progress: &(dyn Fn(u64) + Sync),
        deadline: &Deadline<'_>,
    ) -> Read<'_, S> {
        let mut report = Report::default();
        let items = self.select(objects, &mut report, progress);
        let outputs = Outputs::new(self.target(), group.to_vec());
        let mut read = Read {
            report,
            batch: None,
            outputs,
            contributors: Contributors::new(),
            own: Vec::new(),
            left: items.iter().map(|item| item.index).collect(),
            cut: None,
            disturbed: false,
        };
        let mut batch = match self.batch(Some(group_id(group.to_vec()))) {
            Ok(batch) => batch,
            Err(error) => {
                let fail =
                    |item: &Item| Failure { index: item.index, reason: error.to_string(), partial: false };
                read.report.failures.extend(items.iter().map(fail));
                read.left.clear();
                return read;
            }
        };
        let mut fetched = futures::stream::iter(items)
            .map(|item| async move { (self.store.get(&item.object).await, item) })
            .buffered(self.settings.fetch_concurrency);
        while let Some((body, item)) = fetched.next().await {
            read.report.requests.store_reads += 1;
            if deadline.is_over() {
                break;
            }
            let outcome = self.read_one(body, &item, &mut batch, &mut read, deadline);
            // A panic is a mistake of ours in one object's data; the others must not pay for it.
            let mut panicked = false;
            let outcome = AssertUnwindSafe(outcome).catch_unwind().await.unwrap_or_else(|_| {
                batch.abandon();
                panicked = true;
                Err("the function panicked while reading it; this is a bug to report".to_owned().into())
            });
            let report = &mut read.report;
            report.panics += u64::from(panicked);
            read.disturbed |= outcome.is_err();
            match outcome {
                Ok((framed, bytes)) => {
                    report.bytes_in += bytes;
                    match framed {
                        Framed::Records => report.objects_ingested += 1,
                        Framed::OtherKind => *report.objects_skipped.entry("other_kind").or_default() += 1,
                    }
                    progress(bytes);
                }
                Err(Obstacle::OutOfTime) => {
                    read.cut = Some(item.index);
                    break;
                }
                Err(Obstacle::Failed(reason)) => {
                    report.failures.push(Failure {
                        index: item.index,
                        reason: format!("{}: {reason}", item.object),
                        partial: false,
                    });
                    progress(item.object.size.unwrap_or_default());
                }
            }
            read.left.remove(0); // objects come in order
            if batch.bytes() > self.settings.buffer_bytes / 2 {
                flush(&mut batch, &mut read.outputs).await;
            }
        }
        flush(&mut batch, &mut read.outputs).await;
        read.batch = Some(batch);
        read
    }

    /// Reads one object into the batch, or into outputs of its own. Answers how it was framed and its size.
    async fn read_one<'a>(
        &'a self,
        body: Result<Body, StoreError>,
        item: &Item,
        batch: &mut Batch,
        read: &mut Read<'a, S>,
        deadline: &Deadline<'_>,
    ) -> Result<(Framed, u64), Obstacle> {
        let mut bytes;
        let mut body = body.map_err(|error| error.to_string())?;
        loop {
            let alone = batch.is_empty();
            let mut own = alone.then(|| Outputs::new(self.target(), vec![item.object.identity()]));
            let mut wrote_own = false;
            batch.begin();
            bytes = 0;
            let feeding =
                Feeding { own: own.as_mut(), wrote_own: &mut wrote_own, bytes: &mut bytes, deadline };
            let outcome = self.feed(body, item, batch, feeding).await;
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
                    read.report.requests.store_reads += 1;
                    body = self.store.get(&item.object).await.map_err(|error| error.to_string())?;
                }
                Err(obstacle) => {
                    batch.abandon();
                    if let Some(own) = own {
                        own.abort().await;
                    }
                    return Err(obstacle);
                }
            }
        }
    }

    /// Feeds an object's bytes to the batch, flushing to its own outputs where the buffer runs full.
    async fn feed(
        &self,
        mut body: Body,
        item: &Item,
        batch: &mut Batch,
        mut feeding: Feeding<'_, '_, S>,
    ) -> Result<Fit, Obstacle> {
        if body.size.is_some_and(|size| size <= MAX_FETCHED_WHOLE) {
            body = collect(body).await?;
        }
        while let Some(chunk) = body.chunks.next().await {
            let chunk: Bytes = chunk.map_err(|error| error.to_string())?;
            if *feeding.bytes > 0 {
                feeding.is_in_time()?;
            }
            *feeding.bytes += chunk.len() as u64;
            let mut rest: &[u8] = &chunk;
            if body.size == Some(chunk.len() as u64) && batch.decode_whole(&chunk) {
                rest = &[];
            }
            while batch.feed(&item.object, &item.facts, &mut rest).map_err(|error| error.to_string())?
                == Fed::Full
            {
                if !feeding.make_room(batch).await? {
                    return Ok(Fit::NoRoom);
                }
            }
        }
        loop {
            if let Some(framed) = batch.end(&item.object, &item.facts).map_err(|error| error.to_string())? {
                return Ok(Fit::Joined(framed));
            }
            if !feeding.make_room(batch).await? {
                return Ok(Fit::NoRoom);
            }
        }
    }
}

/// What feeding an object needs beside its bytes.
struct Feeding<'f, 'a, S: Store> {
    /// Outputs of its own, if it has the batch to itself.
    own: Option<&'f mut Outputs<'a, S>>,
    wrote_own: &'f mut bool,
    /// Bytes read of it, as stored.
    bytes: &'f mut u64,
    deadline: &'f Deadline<'f>,
}

impl<S: Store> Feeding<'_, '_, S> {
    fn is_in_time(&self) -> Result<(), Obstacle> {
        if self.deadline.is_over() { Err(Obstacle::OutOfTime) } else { Ok(()) }
    }

    /// Makes room in a batch that is full. False if it has to be made by others, and the object is read again then.
    async fn make_room(&mut self, batch: &mut Batch) -> Result<bool, Obstacle> {
        self.is_in_time()?;
        let Some(own) = self.own.as_deref_mut() else {
            batch.abandon();
            return Ok(false);
        };
        flush(batch, own).await;
        *self.wrote_own = true;
        Ok(true)
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
