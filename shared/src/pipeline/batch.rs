//! The rows of one invocation while they are in memory: everything between the bytes of a raw object and the
//! rows that the writer takes. No input or output happens here.
//!
//! An object joins whole or not at all: [`Batch::begin`] remembers where it starts, [`Batch::abandon`] takes
//! back all that came of it.

mod again;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::again::{Again, NOT_ENABLED};
use super::Settings;
use crate::decode::{self, DecodeError, Decoder};
use crate::frame::{FrameError, Framed, Frames, Framing, Position, RecordSink, Refused, UNREADABLE};
use crate::json::{self, Cursor, Limits};
use crate::notification::ObjectRef;
use crate::quarantine::{self, Form, Kept, PartForms, Provenance};
use crate::rows::{Rows, RowsError};
use crate::source::{
    EventIds, KeyFacts, MAX_EVENT_IDS, Mark, Normalizer, Outcome, Output, Part, Partitions, Parts,
    RecordError, Source, TableRows,
};
use crate::table::TableDefinition;

/// What became of the records of the objects that joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) records: u64,
    pub(super) skipped: BTreeMap<&'static str, u64>,
    pub(super) quarantined: BTreeMap<&'static str, u64>,
    pub(super) bytes_decoded: u64,
}

/// Why the bytes of an object are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// What [`Batch::feed`] wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fed {
    /// More bytes of the object.
    Hungry,
    /// To be flushed, and then fed the rest of the same bytes.
    Full,
}

#[derive(Debug, Default)]
struct Checkpoint {
    rows: Vec<usize>,
    quarantine: usize,
    counts: Counts,
    partitions: usize,
    event_ids: Mark,
}

pub(super) struct Batch {
    function: &'static str,
    /// Id of the group that is read, if it is known.
    group: Option<String>,
    /// Ids of the tables.
    table_ids: Vec<String>,
    normalizer: Box<dyn Normalizer>,
    tables: Vec<TableRows>,
    partitions: Partitions,
    quarantine: Vec<u8>,
    counts: Counts,
    checkpoint: Checkpoint,
    parts: Parts,
    marks: Vec<usize>,
    /// The header that holds for the next line, so that a line in quarantine can be read by itself.
    header: String,
    frames: Frames,
    decoder: Decoder,
    buffer_bytes: usize,
    max_object_bytes: u64,
    limits: Limits,
    /// Ids of all events, if repeated ones are to be dropped.
    event_ids: Option<EventIds>,
    reads_tables: bool,
}

impl Batch {
    pub(super) fn new(
        source: &dyn Source,
        tables: &[&'static TableDefinition],
        settings: &Settings,
        group: Option<String>,
    ) -> Result<Self, RowsError> {
        Ok(Self {
            function: source.name(),
            group,
            table_ids: tables.iter().map(|table| table.id()).collect(),
            normalizer: source.normalizer(tables)?,
            tables: tables.iter().map(|table| TableRows::new(source, table)).collect::<Result<_, _>>()?,
            partitions: Partitions::default(),
            quarantine: Vec::new(),
            counts: Counts::default(),
            checkpoint: Checkpoint::default(),
            parts: Parts::default(),
            marks: Vec::new(),
            header: String::new(),
            frames: Frames::new(source.framing(), settings.max_record_bytes, settings.limits()),
            limits: settings.limits(),
            event_ids: settings.drop_repeated_events.then(|| EventIds::new(MAX_EVENT_IDS)),
            decoder: Decoder::new(settings.max_object_bytes),
            buffer_bytes: settings.buffer_bytes,
            max_object_bytes: settings.max_object_bytes,
            reads_tables: source.framing() == Framing::Lines,
        })
    }

    /// Events whose id was not looked up, since no more were remembered.
    pub(super) fn events_unchecked(&self) -> u64 {
        self.event_ids.as_ref().map_or(0, EventIds::unchecked)
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn partitions(&self) -> &Partitions {
        &self.partitions
    }

    /// Bytes that the rows and the quarantine take in memory.
    pub(super) fn bytes(&self) -> usize {
        bytes(&self.tables, &self.quarantine)
    }

    /// True if nothing is held, so an object that begins now has the batch to itself.
    pub(super) fn is_empty(&self) -> bool {
        self.quarantine.is_empty() && self.tables.iter().all(TableRows::is_empty)
    }

    /// Begins an object.
    pub(super) fn begin(&mut self) {
        self.frames.reset();
        self.normalizer.begin();
        self.parts = Parts::default();
        self.header.clear();
        self.decoder = Decoder::new(self.max_object_bytes).reading_tables(self.reads_tables);
        self.checkpoint = Checkpoint {
            rows: self.tables.iter().map(TableRows::len).collect(),
            quarantine: self.quarantine.len(),
            counts: self.counts.clone(),
            partitions: self.partitions.len(),
            event_ids: self.event_ids.as_ref().map(EventIds::mark).unwrap_or_default(),
        };
    }

    /// Takes back everything that came of the object since it began. (What was flushed since then is in outputs of its
    /// own, which are given up.)
    pub(super) fn abandon(&mut self) {
        for (table, rows) in self.tables.iter_mut().zip(&self.checkpoint.rows) {
            table.truncate(*rows);
        }
        self.quarantine.truncate(self.checkpoint.quarantine);
        self.counts = self.checkpoint.counts.clone();
        self.partitions.truncate(self.checkpoint.partitions);
        if let Some(ids) = &mut self.event_ids {
            ids.take_back(self.checkpoint.event_ids);
        }
    }

    /// Reads bytes of the object from the front of `input`.
    pub(super) fn feed(
        &mut self,
        object: &ObjectRef,
        facts: &KeyFacts,
        input: &mut &[u8],
    ) -> Result<Fed, ReadError> {
        loop {
            let more = self.decoder.decode(input, self.frames.window())?;
            self.drain(false, object, facts)?;
            if self.bytes() > self.buffer_bytes {
                return Ok(Fed::Full);
            }
            if !more && input.is_empty() {
                return Ok(Fed::Hungry);
            }
        }
    }

    /// Decodes an object that has arrived whole; it is then to be fed with nothing. False if it has to be fed
    /// itself: see [`decode::decode_whole`].
    pub(super) fn decode_whole(&mut self, input: &[u8]) -> bool {
        let decoded = decode::decode_whole(input, self.max_object_bytes, self.frames.window());
        self.counts.bytes_decoded += self.frames.window().len() as u64;
        decoded
    }

    /// Ends the object: it has joined, unless the answer is `None`; then the batch is full and has to be flushed
    /// before this is called again.
    pub(super) fn end(&mut self, object: &ObjectRef, facts: &KeyFacts) -> Result<Option<Framed>, ReadError> {
        loop {
            let more = self.decoder.finish(self.frames.window())?;
            self.drain(!more, object, facts)?;
            if self.bytes() > self.buffer_bytes {
                return Ok(None);
            }
            if !more {
                break;
            }
        }
        let framed = self.frames.finish()?;
        self.counts.bytes_decoded += self.decoder.decoded();
        Ok(Some(framed))
    }

    /// The partitions that rows of the object went to since it began, as table and partition.
    pub(super) fn touched(&self) -> BTreeSet<(usize, u32)> {
        let mut touched = BTreeSet::new();
        for (index, table) in self.tables.iter().enumerate() {
            let start = self.checkpoint.rows.get(index).copied().unwrap_or_default();
            let mut latest = None;
            for partition in table.partitions().get(start..).unwrap_or_default() {
                if latest.replace(*partition) != Some(*partition) {
                    touched.insert((index, *partition));
                }
            }
        }
        touched
    }

    /// True if the object has put something into quarantine since it began.
    pub(super) fn touched_quarantine(&self) -> bool {
        self.quarantine.len() > self.checkpoint.quarantine
    }

    /// All rows, by table and partition.
    pub(super) fn parts(&mut self) -> Vec<(usize, Part)> {
        let of_table = |(index, table): (usize, &mut TableRows)| -> Vec<_> {
            table.parts().into_iter().map(|part| (index, part)).collect()
        };
        self.tables.iter_mut().enumerate().flat_map(of_table).collect()
    }

    /// The rows of a table.
    pub(super) fn rows(&self, table: usize) -> &Rows {
        self.tables[table].rows()
    }

    /// The quarantine's lines.
    pub(super) fn quarantine(&self) -> &[u8] {
        &self.quarantine
    }

    /// Forgets all rows and the quarantine, which have been written.
    pub(super) fn clear(&mut self) {
        for table in &mut self.tables {
            table.truncate(0);
        }
        self.quarantine.clear();
        self.checkpoint.rows.iter_mut().for_each(|rows| *rows = 0);
        self.checkpoint.quarantine = 0;
    }

    fn drain(&mut self, last: bool, object: &ObjectRef, facts: &KeyFacts) -> Result<(), FrameError> {
        let (frames, mut sink) = self.sink(object, facts);
        frames.drain(last, &mut sink)
    }

    fn sink<'a>(&'a mut self, object: &'a ObjectRef, facts: &'a KeyFacts) -> (&'a mut Frames, Sink<'a>) {
        let (group, tables) = (self.group.as_deref(), self.table_ids.as_slice());
        let from = Provenance { function: self.function, group, tables, object };
        let sink = Sink {
            from,
            normalizer: self.normalizer.as_mut(),
            tables: &mut self.tables,
            partitions: &mut self.partitions,
            quarantine: &mut self.quarantine,
            counts: &mut self.counts,
            parts: &mut self.parts,
            marks: &mut self.marks,
            header: &mut self.header,
            buffer_bytes: self.buffer_bytes,
            limits: self.limits,
            event_ids: self.event_ids.as_mut(),
            facts,
        };
        (&mut self.frames, sink)
    }
}

fn bytes(tables: &[TableRows], quarantine: &[u8]) -> usize {
    tables.iter().map(TableRows::bytes).sum::<usize>() + quarantine.len()
}

/// Takes the records of one object.
struct Sink<'a> {
    from: Provenance<'a>,
    normalizer: &'a mut dyn Normalizer,
    tables: &'a mut [TableRows],
    partitions: &'a mut Partitions,
    quarantine: &'a mut Vec<u8>,
    counts: &'a mut Counts,
    parts: &'a mut Parts,
    marks: &'a mut Vec<usize>,
    header: &'a mut String,
    buffer_bytes: usize,
    limits: Limits,
    event_ids: Option<&'a mut EventIds>,
    facts: &'a KeyFacts,
}

impl Sink<'_> {
    fn quarantine(&mut self, kept: Kept<'_>, at: Position, reason: &'static str, detail: &str) {
        quarantine::write_entry(self.quarantine, self.from, at, reason, detail, kept);
        self.counts.records += 1;
        *self.counts.quarantined.entry(reason).or_default() += 1;
    }

    /// Counts what became of `record`.
    fn count(&mut self, outcome: Outcome, record: &str, at: Position) {
        match outcome {
            Outcome::Landed => self.counts.records += 1,
            Outcome::Skipped(reason) => self.skip(reason),
            Outcome::Parts => {
                let parts = std::mem::take(self.parts);
                self.counts.records += parts.landed;
                parts.skipped.into_iter().for_each(|reason| self.skip(reason));
                if parts.rejected.is_empty() {
                    return;
                }
                let forms = PartForms::of(record);
                for (rejection, raw) in &parts.rejected {
                    self.quarantine(forms.part(raw), at, rejection.reason, &rejection.detail);
                }
            }
        }
    }

    fn skip(&mut self, reason: &'static str) {
        self.counts.records += 1;
        *self.counts.skipped.entry(reason).or_default() += 1;
    }
}

/// The output of a record. (A method would borrow the whole sink.)
macro_rules! output {
    ($sink:ident) => {
        Output::new(
            $sink.tables,
            $sink.partitions,
            $sink.parts,
            $sink.marks,
            $sink.limits,
            $sink.event_ids.as_deref_mut(),
        )
    };
}

impl RecordSink for Sink<'_> {
    fn record(&mut self, cursor: &mut Cursor<'_>, at: Position) -> Result<(), json::Error> {
        let start = cursor.offset();
        let mut out = output!(self);
        let outcome = self.normalizer.normalize(cursor, self.facts, &mut out);
        let outcome = out.settle(outcome);
        if outcome.is_err() {
            out.take_back();
        }
        match outcome {
            Ok(outcome) => self.count(outcome, cursor.between(start, cursor.offset()), at),
            Err(RecordError::Json(error)) => return Err(error),
            Err(RecordError::Rejected(rejection)) => {
                let raw = cursor.between(start, cursor.offset());
                let kept = Kept::new(Form::Record, raw.as_bytes());
                self.quarantine(kept, at, rejection.reason, &rejection.detail);
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str, at: Position) {
        let mut out = output!(self);
        let outcome = self.normalizer.normalize_line(line, self.facts, &mut out);
        let outcome = out.settle(outcome);
        if outcome.is_err() {
            out.take_back();
        }
        match outcome {
            Ok(Outcome::Parts) if self.parts.is_empty() => {
                self.header.clear();
                self.header.push_str(line);
            }
            Ok(outcome) => self.count(outcome, line, at),
            Err(rejection) => {
                let header = std::mem::take(self.header);
                self.quarantine(Kept::line(line, &header), at, rejection.reason, &rejection.detail);
                *self.header = header;
            }
        }
    }

    fn refused(&mut self, refused: &Refused<'_>, at: Position) {
        let Refused { reason, detail, bytes, cut } = refused;
        let is_whole = *reason != UNREADABLE && cut.is_none();
        let form = if is_whole { Form::Record } else { Form::Unreadable };
        self.quarantine(Kept { cut: cut.as_ref(), ..Kept::new(form, bytes) }, at, reason, detail);
    }

    fn is_full(&self) -> bool {
        bytes(self.tables, self.quarantine) > self.buffer_bytes
    }
}
