//! Decoded bytes of one object in, raw records out, each borrowed from the window it stands in.
//!
//! The window holds what has been decoded and not yet read. A record is handed to the sink as a cursor at its
//! first character; the sink parses it in place, and where it runs out of text the frame waits for more and the
//! sink sees the record again from its start. So framing costs no pass of its own, and memory is bounded by one
//! decoding step plus the longest record.
//!
//! A record that is over a limit (its length, its nesting, its fields) costs its neighbours nothing, wherever its end
//! can be found: see [`Refused`].

mod checked;
mod error;
mod lines;
mod number;
mod read;
mod refused;

use self::checked::{Checked, is_damage};
pub use self::error::FrameError;
use self::refused::Skip;
pub use self::refused::{Cut, KEPT_BYTES, Refused, TOO_LARGE, UNREADABLE};
use crate::json::{self, Cursor, Limits};

/// How a source's objects hold their records. In an array of records a comma too many stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// JSON documents, one or several after each other, each an object whose member `records` is the array of
    /// records. A document with the member `marker` instead is a file of another kind and is skipped whole.
    Document {
        /// Name of the member that holds the records.
        records: &'static str,
        /// Name of a member that only files of another kind have.
        marker: &'static str,
    },
    /// JSON values, each an object, after each other: a line each, with blanks between, or with nothing between.
    /// Each is a record. An object whose first member is the array `list` stands for its elements, and so does an
    /// array before all other values. What cannot be read is passed over to the end of its line.
    Values {
        /// Name of the member that holds a list of records, where objects of the source may have one.
        list: Option<&'static str>,
    },
    /// Lines of text, each a record; blank lines are none. An object that begins with `{` or `[` holds JSON values
    /// instead, as logs do that came through CloudWatch Logs; rows of a Parquet file become lines.
    Lines,
}

/// Where a record stands in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Number of the record in its object, from 0.
    pub index: u64,
    /// Byte offset of the record's first character in the decoded object.
    pub offset: u64,
}

/// What takes the records.
pub trait RecordSink {
    /// Reads the record that starts at the cursor and leaves the cursor behind it.
    ///
    /// # Errors
    /// [`json::Error::Incomplete`] asks for the record again with more text; any other error sends the record's
    /// bytes to [`RecordSink::refused`]. Either way the sink has forgotten the record.
    fn record(&mut self, cursor: &mut Cursor<'_>, at: Position) -> Result<(), json::Error>;

    /// Takes a line of [`Framing::Lines`], without its line end.
    fn line(&mut self, line: &str, at: Position);

    /// Takes a record that is not read.
    fn refused(&mut self, refused: &Refused<'_>, at: Position);

    /// True if no further record is to be handed over by this call of [`Frames::drain`].
    fn is_full(&self) -> bool {
        false
    }
}

/// How an object that was read to its end turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// It held records (possibly none).
    Records,
    /// It is a file of another kind: see the `marker` of [`Framing::Document`].
    OtherKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a document, value or line, or after the last.
    Outside,
    /// Inside the document's object, before a member or the closing brace.
    Members { first: bool, found: bool },
    /// Inside the array of records; `bare` if that is not a document's member.
    Records { next: Next, bare: bool },
}

/// What may come next in an array of records, besides its end and a comma: one too many stands for no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Record,
    Separator,
}

/// The framing of one object.
#[derive(Debug)]
pub struct Frames {
    /// What the source says.
    configured: Framing,
    /// What this object turned out to be.
    framing: Framing,
    max_record: usize,
    limits: Limits,
    window: Vec<u8>,
    /// Bytes of the object before the window.
    passed: u64,
    /// A long record is not tried again before the window has grown to this, or trying would be quadratic.
    wake_at: usize,
    state: State,
    index: u64,
    /// Documents, values or lines that were read.
    documents: u64,
    /// Records that were passed over.
    unreadable: u64,
    /// A value or a line has stood by itself, so a list that comes later is none of records.
    singles: bool,
    other_kind: bool,
    started: bool,
    /// A record that is longer than a record may be and has not ended yet.
    skip: Option<Skip>,
    /// Records that are over a limit.
    over_limit: u64,
    /// Where the first of them stands, and which limit.
    first_over_limit: Option<(u64, String)>,
}

impl Frames {
    /// Framing for a new object. No record, and nothing else that has to be seen whole, may exceed
    /// `max_record` bytes or `limits`.
    pub fn new(framing: Framing, max_record: usize, limits: Limits) -> Self {
        Self {
            configured: framing,
            framing,
            max_record,
            limits,
            window: Vec::new(),
            passed: 0,
            wake_at: 0,
            state: State::Outside,
            index: 0,
            documents: 0,
            unreadable: 0,
            singles: false,
            other_kind: false,
            started: false,
            skip: None,
            over_limit: 0,
            first_over_limit: None,
        }
    }

    /// Makes ready for another object, keeping the window's memory.
    pub fn reset(&mut self) {
        let mut window = std::mem::take(&mut self.window);
        window.clear();
        *self = Self { window, ..Self::new(self.configured, self.max_record, self.limits) };
    }

    /// Where decoded bytes are to be appended.
    pub fn window(&mut self) -> &mut Vec<u8> {
        &mut self.window
    }

    /// Hands every complete record of the window to `sink`, as long as it is not full. `last` says that no more bytes will come.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn drain(&mut self, last: bool, sink: &mut impl RecordSink) -> Result<(), FrameError> {
        if self.window.len() < self.wake_at && !last {
            return Ok(());
        }
        let window = std::mem::take(&mut self.window);
        let mut start = 0;
        if !self.started && (window.len() >= 3 || last) {
            start = usize::from(window.starts_with(b"\xef\xbb\xbf")) * 3; // a byte order mark
            let is_long = window.len() > self.max_record;
            let begin = &window[start..window.len().min(self.max_record + 1)];
            let first = begin.iter().find(|byte| !byte.is_ascii_whitespace());
            self.started = first.is_some() || is_long || last || self.framing != Framing::Lines;
            if self.framing == Framing::Lines && matches!(first, Some(b'{' | b'[')) {
                self.framing = Framing::Values { list: None };
            }
            start *= usize::from(self.started);
        }
        let outcome = if self.started { self.drain_window(&window, &mut start, last, sink) } else { Ok(()) };
        self.window = window;
        self.window.drain(..start);
        self.passed += start as u64;
        self.wake_at = if sink.is_full() { 0 } else { (2 * self.window.len()).min(self.max_record + 1) };
        outcome?;
        if self.window.len() > self.max_record && !sink.is_full() {
            let reason = format!("expected at most {} bytes (MAX_RECORD_BYTES), found more", self.max_record);
            return Err(FrameError::OverLimit { offset: self.passed, reason });
        }
        Ok(())
    }

    /// To be called once, after the last [`Frames::drain`].
    ///
    /// # Errors
    /// [`FrameError::Truncated`] if a document is open; [`FrameError::Structure`] if there was none;
    /// [`FrameError::AllOverLimit`] if there was no record to be read: such an object is better sent again.
    pub fn finish(&self) -> Result<Framed, FrameError> {
        let inside = match self.state {
            State::Outside
                if self.over_limit == self.index
                    && let Some((offset, reason)) = &self.first_over_limit =>
            {
                return Err(FrameError::AllOverLimit { offset: *offset, reason: reason.clone() });
            }
            State::Outside if self.documents == 0 && self.is_document() => {
                return Err(FrameError::Structure { offset: 0, reason: self.wanted("an empty object") });
            }
            State::Outside if self.documents == 0 && self.unreadable > 0 => {
                return Err(FrameError::Structure { offset: 0, reason: self.wanted("nothing of the kind") });
            }
            State::Outside => {
                let is_other = self.other_kind && self.index == 0;
                return Ok(if is_other { Framed::OtherKind } else { Framed::Records });
            }
            State::Members { .. } => "the document",
            State::Records { .. } => "the array of records",
        };
        Err(FrameError::Truncated { offset: self.passed + self.window.len() as u64, inside })
    }

    fn is_document(&self) -> bool {
        matches!(self.framing, Framing::Document { .. })
    }

    fn wanted(&self, found: &str) -> String {
        match self.framing {
            Framing::Document { records, .. } => {
                format!("expected a JSON object with an array `{records}`, found {found}")
            }
            Framing::Values { .. } => format!("expected JSON objects, found {found}"),
            Framing::Lines => format!("expected lines of text, found {found}"),
        }
    }

    /// Reads on from `start`, which is left at the first byte that has to stay in the window.
    fn drain_window(
        &mut self,
        window: &[u8],
        start: &mut usize,
        last: bool,
        sink: &mut impl RecordSink,
    ) -> Result<(), FrameError> {
        let mut checked = Checked::default();
        while self.skip_on(window, start, last, sink)? && !sink.is_full() {
            let (text, damaged) = checked.text(window, *start);
            // The object ends inside a character.
            let pending = window.len() - *start;
            let cut = last && !damaged && text.len() < pending;
            let mut cursor = Cursor::with_limits(text, self.limits);
            let mut done = 0;
            let base = self.passed + *start as u64;
            let outcome = match self.framing {
                Framing::Lines => {
                    let length = if damaged { text.len() } else { pending };
                    done = self.lines(text, *start, length, last && !damaged && !cut, sink);
                    Ok(())
                }
                _ => self.read(&mut cursor, base, &mut done, sink),
            };
            *start += done;
            if self.skip.is_some() {
                continue;
            }
            let rest = &window[*start..];
            let offset = self.passed + *start as u64;
            let (reason, detail) = match outcome {
                Ok(()) if !(damaged || cut) || sink.is_full() => return Ok(()),
                // Damage behind the most that a record may have is not seen in time where the pieces are small.
                Err(json::Error::Incomplete) if !damaged || !self.shows_damage(rest, text.len() - done) => {
                    if self.is_at_record() && rest.len() > self.max_record {
                        self.begin_skip(*start, false);
                        continue;
                    }
                    if !last || rest.is_empty() || self.between_documents(rest) {
                        return Ok(());
                    }
                    if !self.passes_over_lines() {
                        let offset = self.passed + window.len() as u64;
                        return Err(FrameError::Truncated { offset, inside: "a value" });
                    }
                    (UNREADABLE, "the object ends inside it".to_owned())
                }
                Ok(()) | Err(json::Error::Incomplete) => (UNREADABLE, "bytes that are not UTF-8".to_owned()),
                Err(json::Error::Syntax { expected, .. }) if !self.is_at_record() => {
                    (UNREADABLE, format!("something else where {expected} belongs"))
                }
                Err(error) => (error.over_limit().unwrap_or(UNREADABLE), error.to_string()),
            };
            if !self.is_at_record() {
                return Err(match reason {
                    UNREADABLE => FrameError::Structure { offset, reason: self.wanted(&detail) },
                    _ => FrameError::OverLimit { offset, reason: detail },
                });
            }
            if !self.pass_over(window, start, last, (reason, &detail), sink)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// True if the bytes behind `length` bytes of text are damage within what is looked at of a record.
    fn shows_damage(&self, rest: &[u8], length: usize) -> bool {
        rest.get(length..rest.len().min(self.max_record + 1)).is_some_and(is_damage)
    }

    /// True where nothing is open and only white space remains.
    fn between_documents(&self, rest: &[u8]) -> bool {
        self.state == State::Outside && rest.iter().all(u8::is_ascii_whitespace)
    }
}

#[cfg(test)]
mod tests;
