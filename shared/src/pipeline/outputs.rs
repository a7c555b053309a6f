//! Parquet objects that are being written: one a partition of each table, and one of quarantined records.
//!
//! What fails to be written is remembered with its output and told at the end, so one partition's trouble does
//! not cost another its rows.

use std::collections::BTreeMap;
use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::StreamExt as _;

use crate::layout::{self, Codec};
use crate::rows::Rows;
use crate::source::{Part, Partitions};
use crate::store::{Store, Upload};
use crate::table::TableDefinition;
use crate::writer::ParquetWriter;

/// Outputs completed at the same time.
const CONCURRENCY: usize = 16;

/// Where an output belongs: a partition of a table, or the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    Partition(usize, u32),
    Quarantine,
}

/// An output that was completed or given up.
#[derive(Debug)]
pub(super) struct Completed {
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The latest event of its rows.
    pub(super) latest: Option<i64>,
    pub(super) outcome: Result<(), String>,
}

enum Encoder {
    Parquet(ParquetWriter),
    Lines(GzEncoder<Vec<u8>>),
}

struct OutputObject<U> {
    key: String,
    /// `None` once the object is complete, or where none could be made.
    encoder: Option<Encoder>,
    upload: Result<U, String>,
    rows: u64,
    bytes: u64,
    latest: Option<i64>,
}

impl<U> OutputObject<U> {
    fn new(key: String, encoder: Option<Encoder>, upload: Result<U, String>) -> Self {
        Self { key, encoder, upload, rows: 0, bytes: 0, latest: None }
    }
}

/// What every output of an invocation shares.
#[derive(Debug)]
pub(super) struct Target<'a, S> {
    pub(super) store: &'a S,
    pub(super) bucket: &'a str,
    pub(super) function: &'static str,
    pub(super) tables: &'a [&'static TableDefinition],
    pub(super) codec: Codec,
}

impl<S> Clone for Target<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Target<'_, S> {}

/// The outputs of one group of raw objects, whose identities name them.
pub(super) struct Outputs<'a, S: Store> {
    target: Target<'a, S>,
    group: Vec<String>,
    objects: BTreeMap<Place, OutputObject<S::Upload>>,
}

impl<'a, S: Store> Outputs<'a, S> {
    pub(super) fn new(target: Target<'a, S>, group: Vec<String>) -> Self {
        Self { target, group, objects: BTreeMap::new() }
    }

    /// Writes rows of one partition of a table.
    pub(super) async fn write_rows(
        &mut self,
        table: usize,
        part: &Part,
        rows: &Rows,
        partitions: &Partitions,
    ) {
        let place = Place::Partition(table, part.partition);
        if !self.objects.contains_key(&place) {
            let definition = self.target.tables[table];
            let group = self.group.iter().map(String::as_str);
            let key =
                layout::object_key(definition, partitions.get(part.partition), group, 0, self.target.codec);
            match ParquetWriter::new(definition, rows, self.target.codec) {
                Ok(writer) => self.create(place, key, Encoder::Parquet(writer)).await,
                Err(error) => {
                    // Only a mistaken definition gets here; the group fails and says so.
                    let upload = Err(format!("the table cannot be written: {error}"));
                    self.objects.insert(place, OutputObject::new(key, None, upload));
                }
            }
        }
        if let Some(object) = self.objects.get_mut(&place)
            && let Some(Encoder::Parquet(writer)) = &mut object.encoder
        {
            object.rows += part.order.len() as u64;
            object.latest = object.latest.max(Some(part.latest));
            let outcome = writer.write(rows, &part.order).map_err(|error| error.to_string());
            let bytes = writer.take_bytes();
            object.send(outcome.map(|()| bytes)).await;
        }
    }

    /// Writes lines of quarantined records.
    pub(super) async fn write_quarantine(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let place = Place::Quarantine;
        if !self.objects.contains_key(&place) {
            let tables: Vec<String> = self.target.tables.iter().map(|table| table.id()).collect();
            let group = self.group.iter().map(String::as_str);
            let key = layout::quarantine_key(self.target.function, group, &tables, 0);
            self.create(place, key, Encoder::Lines(GzEncoder::new(Vec::new(), Compression::fast()))).await;
        }
        if let Some(object) = self.objects.get_mut(&place)
            && let Some(Encoder::Lines(encoder)) = &mut object.encoder
        {
            object.rows += memchr::memchr_iter(b'\n', lines).count() as u64;
            let outcome = encoder.write_all(lines).map_err(|error| error.to_string());
            let bytes = std::mem::take(encoder.get_mut());
            object.send(outcome.map(|()| bytes)).await;
        }
    }

    async fn create(&mut self, place: Place, key: String, encoder: Encoder) {
        let upload =
            self.target.store.create(self.target.bucket, &key).await.map_err(|error| error.to_string());
        self.objects.insert(place, OutputObject::new(key, Some(encoder), upload));
    }

    /// Keys of all outputs, by place.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.objects.values().map(|object| object.key.as_str())
    }

    /// Makes every output exist that was written without an error.
    pub(super) async fn complete(self) -> Vec<Completed> {
        let completions = self.objects.into_iter().map(|(place, object)| object.complete(place));
        let mut completed: Vec<Completed> =
            futures::stream::iter(completions).buffer_unordered(CONCURRENCY).collect().await;
        completed.sort_by(|a, b| a.key.cmp(&b.key));
        completed
    }

    /// Gives every output up.
    pub(super) async fn abort(self) {
        for object in self.objects.into_values() {
            if let Ok(upload) = object.upload {
                upload.abort().await;
            }
        }
    }
}

impl<U: Upload> OutputObject<U> {
    /// Sends encoded bytes on, unless something failed before.
    async fn send(&mut self, bytes: Result<Vec<u8>, String>) {
        let Ok(upload) = &mut self.upload else { return };
        let outcome = match bytes {
            Ok(bytes) if bytes.is_empty() => Ok(()),
            Ok(bytes) => {
                self.bytes += bytes.len() as u64;
                upload.write(Bytes::from(bytes)).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = outcome
            && let Ok(upload) = std::mem::replace(&mut self.upload, Err(error))
        {
            upload.abort().await;
        }
    }

    async fn complete(mut self, place: Place) -> Completed {
        let rest = match self.encoder.take() {
            Some(Encoder::Parquet(writer)) => writer.finish().map_err(|error| error.to_string()),
            Some(Encoder::Lines(encoder)) => encoder.finish().map_err(|error| error.to_string()),
            None => Ok(Vec::new()),
        };
        self.send(rest).await;
        let outcome = match self.upload {
            Ok(upload) => upload.complete().await.map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        Completed { place, key: self.key, rows: self.rows, bytes: self.bytes, latest: self.latest, outcome }
    }
}
