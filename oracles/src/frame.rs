//! Framing, held against itself in other pieces and with a sink that is full after each record, and against the text:
//! a record is what stands at its offset, and nothing that could be a record lies between two of them.

use shared::frame::{FrameError, Framed, Frames, Framing, Position, RecordSink, Refused};
use shared::json::{Cursor, Error, Limits};

/// Longer records are refused: with the first of these some are in nearly every input, with the other none.
const MAX_RECORDS: [usize; 2] = [40, 64 << 10];

const FRAMINGS: [Framing; 4] = [
    Framing::Lines,
    Framing::Values { list: None },
    Framing::Values { list: Some("Findings") },
    Framing::Document { records: "Records", marker: "digestS3Object" },
];

/// Takes bytes for a decoded object, under every framing.
pub fn check(decoded: &[u8]) {
    for framing in FRAMINGS {
        for max_record in MAX_RECORDS {
            in_any_pieces(framing, max_record, decoded);
        }
    }
}

fn in_any_pieces(framing: Framing, max_record: usize, decoded: &[u8]) {
    let frame = |piece, one_by_one| {
        frame(Frames::new(framing, max_record, Limits::default()), decoded, piece, one_by_one)
    };
    let whole = frame(usize::MAX, false);
    for (piece, one_by_one) in [(1, false), (2 + decoded.len() % 11, true), (usize::MAX, true)] {
        let other = frame(piece, one_by_one);
        match (&whole, &other) {
            (Ok(whole), Ok(other)) => assert_eq!(whole, other, "{framing:?} in pieces of {piece}"),
            (Err(_), Err(_)) => {}
            _ => panic!("{framing:?} in pieces of {piece}: {other:?}, and whole: {whole:?}"),
        }
    }
    if let Ok((_, records)) = whole {
        is_all(framing, decoded, &records);
    }
}

/// A record that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    at: Position,
    /// All of them, or the first of one that is too large to be kept.
    bytes: Vec<u8>,
    length: usize,
    reason: Option<String>,
}

#[derive(Debug, Default)]
struct Sink {
    records: Vec<Record>,
    one_by_one: bool,
    is_full: bool,
}

impl Sink {
    fn push(&mut self, bytes: &[u8], length: usize, at: Position, reason: Option<&str>) {
        assert!(!self.is_full, "a record for a sink that is full");
        self.records.push(Record { at, bytes: bytes.to_vec(), length, reason: reason.map(str::to_owned) });
        self.is_full = self.one_by_one && reason.is_none();
    }
}

impl RecordSink for Sink {
    fn record(&mut self, cursor: &mut Cursor<'_>, at: Position) -> Result<(), Error> {
        let start = cursor.offset();
        cursor.value()?;
        let text = cursor.between(start, cursor.offset());
        self.push(text.as_bytes(), text.len(), at, None);
        Ok(())
    }

    fn line(&mut self, line: &str, at: Position) {
        self.push(line.as_bytes(), line.len(), at, None);
    }

    fn refused(&mut self, refused: &Refused<'_>, at: Position) {
        let length = refused.cut.as_ref().map_or(refused.bytes.len(), |cut| cut.length as usize);
        self.push(refused.bytes, length, at, Some(refused.detail));
    }

    fn is_full(&self) -> bool {
        self.is_full
    }
}

fn frame(
    mut frames: Frames,
    decoded: &[u8],
    piece: usize,
    one_by_one: bool,
) -> Result<(Framed, Vec<Record>), FrameError> {
    let mut sink = Sink { one_by_one, ..Sink::default() };
    for piece in decoded.chunks(piece) {
        frames.window().extend_from_slice(piece);
        drain(&mut frames, false, &mut sink)?;
    }
    drain(&mut frames, true, &mut sink)?;
    Ok((frames.finish()?, sink.records))
}

fn drain(frames: &mut Frames, last: bool, sink: &mut Sink) -> Result<(), FrameError> {
    loop {
        sink.is_full = false;
        frames.drain(last, sink)?;
        if !sink.is_full {
            return Ok(());
        }
    }
}

/// Every byte is of a record or separates records.
fn is_all(framing: Framing, decoded: &[u8], records: &[Record]) {
    let mut end = if decoded.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let begins_as_json = decoded[end..].trim_ascii_start().starts_with(b"{")
        || decoded[end..].trim_ascii_start().starts_with(b"[");
    let separates = |byte: &u8| match framing {
        Framing::Lines if !begins_as_json => byte.is_ascii_whitespace(),
        Framing::Lines | Framing::Values { list: None } => {
            byte.is_ascii_whitespace() || b"[],".contains(byte)
        }
        // The members of a document and of a list's object are between records too.
        Framing::Values { .. } | Framing::Document { .. } => true,
    };
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record.at.index, index as u64);
        let offset = usize::try_from(record.at.offset).unwrap();
        assert!(offset >= end, "{framing:?}: two records share bytes");
        assert!(
            decoded[offset..].starts_with(&record.bytes),
            "{framing:?}: another record stands at {offset}"
        );
        assert!(decoded[end..offset].iter().all(separates), "{framing:?}: bytes before {offset} are nowhere");
        end = offset + record.length;
    }
    assert!(decoded[end..].iter().all(separates), "{framing:?}: bytes behind {end} are nowhere");
}
