//! Reading JSON: from document to member to record.

use super::number::is_cut_number;
use super::{Frames, Framing, Next, Position, RecordSink, State};
use crate::json::{self, Cursor, Kind};

impl Frames {
    /// Reads as far as the text goes, which begins `base` bytes into the object. `done` is left behind the last thing that was read whole.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'_>,
        base: u64,
        done: &mut usize,
        sink: &mut impl RecordSink,
    ) -> Result<(), json::Error> {
        let (records, marker) = match self.framing {
            Framing::Document { records, marker } => (records, marker),
            Framing::Values { list } => (list.unwrap_or_default(), ""),
            Framing::Lines => ("", ""),
        };
        loop {
            match self.state {
                State::Outside => {
                    cursor.begin();
                    let next = cursor.peek();
                    *done = cursor.offset();
                    let Some(next) = next else { return Ok(()) };
                    if self.is_document() {
                        cursor.expect(b'{', "an object")?;
                        *done = cursor.offset();
                        self.state = State::Members { first: true, found: false };
                    } else if self.begins_list(cursor, next).map_err(|error| error.from(*done))? {
                        *done = cursor.offset();
                        self.state = State::Records { next: Next::Record, bare: next == b'[' };
                    } else if !self.record(cursor, base, done, sink)? {
                        return Ok(());
                    }
                }
                State::Members { first, found } => {
                    // A member is no longer than a record may be, wherever a piece ends.
                    let mut member = cursor.record(self.max_record);
                    let Some(name) = next_member(&mut member, first)? else {
                        if !found {
                            return Err(json::Error::Syntax {
                                at: *done,
                                expected: "that array, before the closing brace",
                            });
                        }
                        cursor.follow(&member);
                        *done = cursor.offset();
                        self.documents += 1;
                        self.state = State::Outside;
                        continue;
                    };
                    // A name that stands there twice holds records twice.
                    if !records.is_empty() && name.is(records) {
                        member.expect(b'[', "an array of records")?;
                        cursor.follow(&member);
                        *done = cursor.offset();
                        self.state = State::Records { next: Next::Record, bare: false };
                        continue;
                    }
                    let is_marker = self.is_document() && name.is(marker);
                    let value = member.value()?;
                    if member.peek().is_none() && value.kind == Kind::Number {
                        return Err(json::Error::Incomplete);
                    }
                    cursor.follow(&member);
                    *done = cursor.offset();
                    self.other_kind |= is_marker;
                    self.state = State::Members { first: false, found: found || is_marker };
                }
                State::Records { next, bare } => {
                    let byte = cursor.peek();
                    *done = cursor.offset(); // blanks need not stay in the window
                    match (byte.ok_or(json::Error::Incomplete)?, next) {
                        (b']', _) => {
                            cursor.expect(b']', "`]`")?;
                            *done = cursor.offset();
                            self.documents += u64::from(bare);
                            self.state = match bare {
                                true => State::Outside,
                                false => State::Members { first: false, found: true },
                            };
                        }
                        (b',', _) => {
                            cursor.expect(b',', "`,`")?;
                            *done = cursor.offset();
                            self.state = State::Records { next: Next::Record, bare };
                        }
                        (_, Next::Record) => {
                            if !self.record(cursor, base, done, sink)? {
                                return Ok(());
                            }
                        }
                        (_, Next::Separator) => {
                            return Err(json::Error::Syntax { at: 0, expected: "`,` or `]`" });
                        }
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
        let start = cursor.offset();
        if is_cut_number(cursor.record(self.max_record + 1)).map_err(|error| error.from(start))? {
            return Err(json::Error::Incomplete);
        }
        let at = Position { index: self.index, offset: base + start as u64 };
        // Its text ends where it would be too large, so that it is incomplete then and nothing has come of it.
        let mut record = cursor.record(self.max_record);
        sink.record(&mut record, at).map_err(|error| error.from(start))?;
        cursor.follow(&record);
        self.index += 1;
        *done = cursor.offset();
        match &mut self.state {
            State::Records { next, .. } => *next = Next::Separator,
            State::Outside | State::Members { .. } => {
                self.documents += 1;
                self.singles = true;
            }
        }
        Ok(!sink.is_full())
    }

    /// True if a list of records begins at the cursor, which is then behind its bracket.
    fn begins_list(&self, cursor: &mut Cursor<'_>, next: u8) -> Result<bool, json::Error> {
        match (next, self.framing) {
            (b'[', _) if !self.singles => cursor.expect(b'[', "an array").map(|()| true),
            (b'{', Framing::Values { list: Some(list) }) => {
                let mut ahead = cursor.record(self.max_record);
                if let Some(name) = ahead.next_member(&mut true)?
                    && name.is(list)
                    && ahead.peek().ok_or(json::Error::Incomplete)? == b'['
                {
                    ahead.expect(b'[', "an array")?;
                    cursor.follow(&ahead);
                    return Ok(true);
                }
                Ok(false)
            }
            (b'{', _) => Ok(false),
            _ => Err(json::Error::Syntax { at: 0, expected: "an object or an array" }),
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
