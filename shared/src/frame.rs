//! Decoded bytes of one object in, raw records out, each borrowed from the window it stands in.
//!
//! The window holds what has been decoded and not yet read. A record is handed to the sink as a cursor at its
//! first character; the sink parses it in place, and where it runs out of text the frame waits for more and the
//! sink sees the record again from its start. So framing costs no pass of its own, and memory is bounded by one
//! decoding step plus the longest record.

mod error;
mod lines;
mod text;

pub use self::error::FrameError;
use self::text::{blanks, is_cut_number, is_damaged, within_record};
use crate::json::{self, Cursor, Kind};

/// How a source's objects hold their records.
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
    /// bytes to [`RecordSink::unreadable`]. Either way the sink has forgotten the record.
    fn record(&mut self, cursor: &mut Cursor<'_>, at: Position) -> Result<(), json::Error>;

    /// Takes a line of [`Framing::Lines`], without its line end.
    fn line(&mut self, line: &str, at: Position);

    /// Takes the bytes of a record that is not valid JSON or not UTF-8.
    fn unreadable(&mut self, bytes: &[u8], at: Position, reason: &str);

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
    Records { first: bool, bare: bool },
}

/// The framing of one object.
#[derive(Debug)]
pub struct Frames {
    /// What the source says.
    configured: Framing,
    /// What this object turned out to be.
    framing: Framing,
    max_record: usize,
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
    /// Offset of a record that was read and is longer than it may be.
    too_long: Option<u64>,
}

impl Frames {
    /// Framing for a new object. No record, and nothing else that has to be seen whole, may exceed
    /// `max_record` bytes.
    pub fn new(framing: Framing, max_record: usize) -> Self {
        Self {
            configured: framing,
            framing,
            max_record,
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
            too_long: None,
        }
    }

    /// Makes ready for another object, keeping the window's memory.
    pub fn reset(&mut self) {
        let mut window = std::mem::take(&mut self.window);
        window.clear();
        *self = Self { window, ..Self::new(self.configured, self.max_record) };
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
            let first = window[start..].iter().find(|byte| !byte.is_ascii_whitespace());
            self.started = first.is_some() || last || self.framing != Framing::Lines;
            if self.framing == Framing::Lines && matches!(first, Some(b'{' | b'[')) {
                self.framing = Framing::Values { list: None };
            }
            start *= usize::from(self.started);
        }
        let outcome = if self.started { self.drain_window(&window, &mut start, last, sink) } else { Ok(()) };
        self.window = window;
        self.window.drain(..start);
        self.passed += start as u64;
        self.wake_at = if sink.is_full() { 0 } else { 2 * self.window.len() };
        outcome?;
        let unread = self.window.len() > self.max_record && !sink.is_full();
        match self.too_long.or(unread.then_some(self.passed)) {
            Some(offset) => Err(FrameError::RecordTooLong { offset, limit: self.max_record }),
            None => Ok(()),
        }
    }

    /// To be called once, after the last [`Frames::drain`].
    ///
    /// # Errors
    /// [`FrameError::Truncated`] if a document is open; [`FrameError::Structure`] if there was none.
    pub fn finish(&self) -> Result<Framed, FrameError> {
        let inside = match self.state {
            State::Outside if self.documents == 0 && self.is_document() => {
                return Err(FrameError::Structure { offset: 0, reason: self.wanted("an empty object") });
            }
            State::Outside if self.documents == 0 && self.unreadable > 0 => {
                return Err(FrameError::Structure { offset: 0, reason: self.wanted("nothing of the kind") });
            }
            State::Outside => {
                return Ok(if self.other_kind { Framed::OtherKind } else { Framed::Records });
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
        loop {
            // The one UTF-8 check: everything up to `valid` may be read as text.
            let pending = &window[*start..];
            let text = match simdutf8::compat::from_utf8(pending) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&pending[..error.valid_up_to()]).unwrap_or_default(),
            };
            let damaged = is_damaged(pending, text.len());
            // The object ends inside a character.
            let cut = last && !damaged && text.len() < pending.len();
            let mut cursor = Cursor::new(text);
            let mut done = 0;
            let base = self.passed + *start as u64;
            let outcome = match self.framing {
                Framing::Lines => {
                    done = self.lines(text, base, last && !damaged && !cut, sink);
                    Ok(())
                }
                _ => self.read(&mut cursor, base, &mut done, sink),
            };
            *start += done;
            let offset = self.passed + *start as u64;
            match outcome {
                Ok(()) if !(damaged || cut) || sink.is_full() => return Ok(()),
                Err(json::Error::Incomplete) if !damaged => {
                    let open =
                        last && !window[*start..].is_empty() && !self.between_documents(&window[*start..]);
                    if open && self.passes_over_lines() {
                        self.pass_over_line(window, start, last, "the object ends inside it", sink);
                        continue;
                    }
                    return if open {
                        Err(FrameError::Truncated {
                            offset: self.passed + window.len() as u64,
                            inside: "a value",
                        })
                    } else {
                        Ok(())
                    };
                }
                Err(json::Error::TooDeep { .. }) => return Err(FrameError::TooDeep { offset }),
                outcome => {
                    let in_records = matches!(self.state, State::Records { .. });
                    let by_line = self.passes_over_lines();
                    let reason = match outcome {
                        Ok(()) | Err(json::Error::Incomplete) => "bytes that are not UTF-8".to_owned(),
                        Err(json::Error::Syntax { expected, .. }) if !in_records && !by_line => {
                            format!("something else where {expected} belongs")
                        }
                        Err(other) => within_record(other, done + blanks(&window[*start..])).to_string(),
                    };
                    if by_line {
                        if !self.pass_over_line(window, start, last, &reason, sink) {
                            return Ok(());
                        }
                        continue;
                    }
                    if !in_records {
                        let reason = self.wanted(&reason);
                        return Err(FrameError::Structure { offset, reason });
                    }
                    if !self.pass_over(window, start, last, &reason, sink)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Gets past one record that cannot be read, by matching brackets. False if its end has not arrived yet.
    fn pass_over(
        &mut self,
        window: &[u8],
        start: &mut usize,
        last: bool,
        reason: &str,
        sink: &mut impl RecordSink,
    ) -> Result<bool, FrameError> {
        // The window stands at the separator before the record, or at its first character.
        let lead = blanks(&window[*start..]);
        let record = &window[*start + lead..];
        match json::balanced_length(record) {
            Some(length) if length > 0 => {
                let at = Position { index: self.index, offset: self.passed + (*start + lead) as u64 };
                sink.unreadable(&record[..length], at, reason);
                self.index += 1;
                self.unreadable += 1;
                if let State::Records { first, .. } = &mut self.state {
                    *first = false;
                }
                *start += lead + length;
                Ok(true)
            }
            None if !last => Ok(false),
            _ => {
                let offset = self.passed + (*start + lead) as u64;
                Err(FrameError::Structure {
                    offset,
                    reason: format!("{reason}, and no record's end was found after it"),
                })
            }
        }
    }

    /// True where nothing is open and only white space remains.
    fn between_documents(&self, rest: &[u8]) -> bool {
        self.state == State::Outside && rest.iter().all(u8::is_ascii_whitespace)
    }

    /// Reads as far as the text goes, which begins `base` bytes into the object. `done` is left behind the last thing that was read whole.
    fn read(
        &mut self,
        cursor: &mut Cursor<'_>,
        base: u64,
        done: &mut usize,
        sink: &mut impl RecordSink,
    ) -> Result<(), json::Error> {
        let (records, marker) = match self.framing {
            Framing::Document { records, marker } => (records, marker),
            Framing::Values { .. } | Framing::Lines => ("", ""),
        };
        loop {
            match self.state {
                State::Outside => {
                    let next = cursor.peek();
                    *done = cursor.offset();
                    let Some(next) = next else { return Ok(()) };
                    if self.is_document() {
                        cursor.expect(b'{', "an object")?;
                        *done = cursor.offset();
                        self.state = State::Members { first: true, found: false };
                    } else if self.begins_list(cursor, next)? {
                        *done = cursor.offset();
                        self.state = State::Records { first: true, bare: next == b'[' };
                    } else if !self.record(cursor, base, done, sink)? {
                        return Ok(());
                    }
                }
                State::Members { first, found } => {
                    let Some(name) = next_member(cursor, first)? else {
                        if !found {
                            return Err(json::Error::Syntax {
                                at: *done,
                                expected: "that array, before the closing brace",
                            });
                        }
                        *done = cursor.offset();
                        self.documents += 1;
                        self.state = State::Outside;
                        continue;
                    };
                    if name.is(records) {
                        cursor.expect(b'[', "an array of records")?;
                        *done = cursor.offset();
                        self.state = State::Records { first: true, bare: false };
                        continue;
                    }
                    let is_marker = name.is(marker);
                    let value = cursor.value()?;
                    if cursor.peek().is_none() && value.kind == Kind::Number {
                        return Err(json::Error::Incomplete);
                    }
                    *done = cursor.offset();
                    self.other_kind |= is_marker;
                    self.state = State::Members { first: false, found: found || is_marker };
                }
                State::Records { first, bare } => {
                    let next = cursor.peek();
                    *done = cursor.offset(); // blanks need not stay in the window
                    match next.ok_or(json::Error::Incomplete)? {
                        b']' => {
                            cursor.expect(b']', "`]`")?;
                            *done = cursor.offset();
                            self.documents += u64::from(bare);
                            self.state = match bare {
                                true => State::Outside,
                                false => State::Members { first: false, found: true },
                            };
                            continue;
                        }
                        b',' if !first => {
                            cursor.expect(b',', "`,`")?;
                            cursor.peek();
                        }
                        _ if first => {}
                        _ => return Err(json::Error::Syntax { at: cursor.offset(), expected: "`,` or `]`" }),
                    }
                    if !self.record(cursor, base, done, sink)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Hands over the record at the cursor. False if no other is to follow now.
    fn record(
        &mut self,
        cursor: &mut Cursor<'_>,
        base: u64,
        done: &mut usize,
        sink: &mut impl RecordSink,
    ) -> Result<bool, json::Error> {
        if is_cut_number(cursor)? {
            return Err(json::Error::Incomplete);
        }
        let start = cursor.offset();
        let at = Position { index: self.index, offset: base + start as u64 };
        sink.record(cursor, at)?;
        self.index += 1;
        *done = cursor.offset();
        match &mut self.state {
            State::Records { first, .. } => *first = false,
            State::Outside | State::Members { .. } => {
                self.documents += 1;
                self.singles = true;
            }
        }
        if *done - start > self.max_record {
            self.too_long = Some(at.offset);
            return Ok(false);
        }
        Ok(!sink.is_full())
    }

    /// True if a list of records begins at the cursor, which is then behind its bracket.
    fn begins_list(&self, cursor: &mut Cursor<'_>, next: u8) -> Result<bool, json::Error> {
        match (next, self.framing) {
            (b'[', _) if !self.singles => cursor.expect(b'[', "an array").map(|()| true),
            (b'{', Framing::Values { list: Some(list) }) => {
                let mut ahead = *cursor;
                if let Some(name) = ahead.next_member(&mut true)?
                    && name.is(list)
                    && ahead.peek().ok_or(json::Error::Incomplete)? == b'['
                {
                    ahead.expect(b'[', "an array")?;
                    *cursor = ahead;
                    return Ok(true);
                }
                Ok(false)
            }
            (b'{', _) => Ok(false),
            _ => Err(json::Error::Syntax { at: cursor.offset(), expected: "an object or an array" }),
        }
    }
}

/// The next member of an object whose opening brace has been consumed.
fn next_member<'a>(cursor: &mut Cursor<'a>, first: bool) -> Result<Option<json::Raw<'a>>, json::Error> {
    if first && cursor.peek().ok_or(json::Error::Incomplete)? != b'}' {
        let name = cursor.value()?;
        if name.kind != Kind::String {
            return Err(json::Error::Syntax { at: cursor.offset(), expected: "a member's name" });
        }
        cursor.expect(b':', "`:`")?;
        return Ok(Some(name));
    }
    cursor.next_member(&mut false)
}

#[cfg(test)]
mod tests;
