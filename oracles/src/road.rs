//! The road in memory: raw objects in, the lake and the report out.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use futures::executor::block_on;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Retried, Settings};
use shared::quarantine::Entry;

use crate::memory::Memory;
use crate::panics::quietly;
use crate::subject::Subject;

/// Objects that decode to more are refused, so that a bomb costs little.
pub const MAX_OBJECT_BYTES: u64 = 1 << 20;

/// Records that are longer are refused, with their object.
pub const MAX_RECORD_BYTES: usize = 256 << 10;

/// The way that objects take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Way {
    /// Bytes of a piece in which objects arrive; whole if none.
    pub piece: Option<usize>,
    /// Bytes of rows that are held in memory; so many that all rows fit if none.
    pub buffer: Option<usize>,
}

/// What an invocation has left behind.
#[derive(Debug)]
pub struct Seen {
    /// What the pipeline says.
    pub report: Report,
    /// Objects of the lake by key.
    pub lake: BTreeMap<String, Vec<u8>>,
    /// Prefixes of the partitions that were registered.
    pub registered: Vec<String>,
}

impl Seen {
    /// Lines of the quarantine.
    pub fn quarantine(&self) -> Vec<String> {
        let mut text = String::new();
        for (_, gzip) in self.lake.iter().filter(|(key, _)| key.starts_with("quarantine/")) {
            MultiGzDecoder::new(gzip.as_slice()).read_to_string(&mut text).unwrap();
        }
        text.lines().map(str::to_owned).collect()
    }
}

/// Ingests objects, which are given with their keys, into every table of the source.
pub fn ingest(subject: &Subject, objects: &[(&str, &[u8])], way: Way) -> Seen {
    let raw = objects.iter().map(|(key, bytes)| ((*key).to_owned(), Bytes::copy_from_slice(bytes)));
    let memory = Memory { raw: Arc::new(raw.collect()), piece: way.piece, ..Memory::default() };
    let wanted = objects.iter().map(|(key, _)| ObjectRef::new("raw-logs", *key)).collect();
    let pipeline = pipeline(subject, memory.clone(), way);
    let report = quietly(|| block_on(pipeline.ingest(wanted, &|_| {})));
    let lake = std::mem::take(&mut *memory.lake.lock().unwrap());
    let registered = memory.registered.lock().unwrap().iter().cloned().collect();
    Seen { report, lake, registered }
}

/// Tells what would become of a record of the quarantine.
pub fn retry(subject: &Subject, entries: &[Entry<'_>]) -> Vec<Retried> {
    let pipeline = pipeline(subject, Memory::default(), Way::default());
    let mut retry = pipeline.retry("retry".to_owned()).unwrap();
    entries.iter().map(|entry| retry.check(entry)).collect()
}

fn pipeline(subject: &Subject, memory: Memory, way: Way) -> Pipeline<Memory, Memory> {
    let defaults = Settings::new("lake");
    let settings = Settings {
        max_object_bytes: MAX_OBJECT_BYTES,
        max_record_bytes: MAX_RECORD_BYTES,
        buffer_bytes: way.buffer.unwrap_or(defaults.buffer_bytes),
        region: Some("us-east-1".to_owned()),
        ..defaults
    };
    let source = (subject.make)();
    let tables = source.tables().to_vec();
    Pipeline::new(source, tables, memory.clone(), memory, settings).unwrap()
}
