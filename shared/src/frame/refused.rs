//! Records that are not read: what is said of them, and the way to their end.
//!
//! A record that is not JSON, is nested too deep or has too many fields goes to the sink as it is, from the window. Of
//! one that is longer than a record may be the window holds no more than its beginning: it is followed to its end
//! piece by piece, and what is kept of it is its beginning, its length and its hash.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{FrameError, Frames, Next, Position, RecordSink, State};
use crate::json::{self, Balance};

/// Bytes that are kept of a record that is too large.
pub const KEPT_BYTES: usize = 64 << 10;

/// Why a record is refused that is longer than a record may be.
pub const TOO_LARGE: &str = "too_large";

/// Why a record is refused that is not JSON or not UTF-8.
pub const UNREADABLE: &str = "unreadable";

/// A record that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused<'a> {
    /// For counters: [`UNREADABLE`], [`TOO_LARGE`] or one of [`json::Error::over_limit`].
    pub reason: &'static str,
    /// For a person: what was expected, without the record's contents.
    pub detail: &'a str,
    /// The record; its beginning if it is cut.
    pub bytes: &'a [u8],
    /// What it was as a whole, if it is cut.
    pub cut: Option<Cut>,
}

/// What is known of a record that is not kept whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Its length, in bytes. A line counts without its line feed.
    pub length: u64,
    /// SHA-256 of its bytes, as 64 hex digits.
    pub sha256: String,
}

/// Where a record ends that is followed to its end.
#[derive(Debug)]
enum End {
    Value(Balance),
    Line,
}

/// A record that is being followed to its end.
#[derive(Debug)]
pub(super) struct Skip {
    at: Position,
    end: End,
    /// The end of the object ends the record too.
    ends_with_object: bool,
    head: Vec<u8>,
    hash: Sha256,
    length: u64,
}

impl Skip {
    /// Takes the next piece. Answers how many bytes of it belong to the record if that ends in it.
    fn take(&mut self, piece: &[u8]) -> Option<usize> {
        let end = match &mut self.end {
            End::Value(balance) => balance.end(piece),
            End::Line => memchr::memchr(b'\n', piece),
        };
        let taken = &piece[..end.unwrap_or(piece.len())];
        self.hash.update(taken);
        self.length += taken.len() as u64;
        self.head.extend_from_slice(&taken[..taken.len().min(KEPT_BYTES - self.head.len())]);
        end
    }

    fn cut(&mut self) -> Cut {
        // Half a character at the cut would make the whole beginning something else than text.
        if let Err(error) = std::str::from_utf8(&self.head)
            && error.error_len().is_none()
        {
            self.head.truncate(error.valid_up_to());
        }
        let mut sha256 = String::with_capacity(64);
        for byte in std::mem::take(&mut self.hash).finalize() {
            let _ = write!(sha256, "{byte:02x}"); // a String takes every character
        }
        Cut { length: self.length, sha256 }
    }
}

impl Frames {
    /// True where what comes next is a record.
    pub(super) fn is_at_record(&self) -> bool {
        match self.state {
            State::Records { .. } => true,
            State::Outside => !self.is_document(),
            State::Members { .. } => false,
        }
    }

    /// True where what cannot be read ends with its line.
    pub(super) fn passes_over_lines(&self) -> bool {
        !self.is_document() && self.state == State::Outside
    }

    /// Gets past one record that is not to be read. False if its end has not arrived yet.
    pub(super) fn pass_over(
        &mut self,
        window: &[u8],
        start: &mut usize,
        last: bool,
        (reason, detail): (&'static str, &str),
        sink: &mut impl RecordSink,
    ) -> Result<bool, FrameError> {
        let by_line = self.passes_over_lines();
        let rest = &window[*start..];
        let within = &rest[..rest.len().min(self.max_record + 1)];
        let line = || memchr::memchr(b'\n', within).or(last.then_some(within.len()));
        let end = match (by_line, reason == UNREADABLE) {
            (false, _) => json::balanced_length(within),
            (true, true) => line(),
            // What came before is JSON, so it is a value that may take several lines.
            (true, false) => Balance::by_line().end(within).or_else(|| if last { line() } else { None }),
        };
        match end {
            Some(length) if length <= self.max_record && (length > 0 || by_line) => {
                let bytes = &rest[..length];
                let bytes = if by_line { bytes.strip_suffix(b"\r").unwrap_or(bytes) } else { bytes };
                let at = self.position(*start);
                sink.refused(&Refused { reason, detail, bytes, cut: None }, at);
                self.refused(at, reason, detail);
                *start += length;
                Ok(true)
            }
            None | Some(1..) if rest.len() > self.max_record => {
                self.begin_skip(*start, by_line && reason == UNREADABLE);
                Ok(true)
            }
            None if !last => Ok(false),
            _ => Err(FrameError::Structure {
                offset: self.position(*start).offset,
                reason: format!("{detail}, and no record's end was found after it"),
            }),
        }
    }

    /// Begins to follow the record at `start` of the window to its end.
    pub(super) fn begin_skip(&mut self, start: usize, to_line_end: bool) {
        let by_line = self.passes_over_lines();
        self.skip = Some(Skip {
            at: self.position(start),
            end: match (to_line_end, by_line) {
                (true, _) => End::Line,
                (false, true) => End::Value(Balance::by_line()),
                (false, false) => End::Value(Balance::default()),
            },
            ends_with_object: by_line,
            head: Vec::new(),
            hash: Sha256::new(),
            length: 0,
        });
    }

    /// Follows a record that is too large. True once there is none, with `start` behind it.
    pub(super) fn skip_on(
        &mut self,
        window: &[u8],
        start: &mut usize,
        last: bool,
        sink: &mut impl RecordSink,
    ) -> Result<bool, FrameError> {
        let Some(mut skip) = self.skip.take() else { return Ok(true) };
        let end = skip.take(&window[*start..]);
        *start = end.map_or(window.len(), |length| *start + length);
        let limit = self.max_record;
        match end {
            None if !last => {
                self.skip = Some(skip);
                return Ok(false);
            }
            None if !skip.ends_with_object => {
                return Err(FrameError::EndlessRecord { offset: skip.at.offset, limit });
            }
            _ => {}
        }
        let cut = skip.cut();
        let detail = format!(
            "expected at most {limit} bytes (MAX_RECORD_BYTES), found {}; the first {} are kept",
            cut.length,
            skip.head.len()
        );
        let refused = Refused { reason: TOO_LARGE, detail: &detail, bytes: &skip.head, cut: Some(cut) };
        sink.refused(&refused, skip.at);
        self.refused(skip.at, TOO_LARGE, &detail);
        Ok(true)
    }

    /// Where the record stands that begins at `start` of the window.
    pub(super) fn position(&self, start: usize) -> Position {
        Position { index: self.index, offset: self.passed + start as u64 }
    }

    /// Counts a record that was refused.
    fn refused(&mut self, at: Position, reason: &'static str, detail: &str) {
        self.index += 1;
        self.unreadable += 1;
        match &mut self.state {
            State::Records { next, .. } => *next = Next::Separator,
            State::Outside | State::Members { .. } => self.singles = true,
        }
        if reason != UNREADABLE {
            self.over_limit += 1;
            self.first_over_limit.get_or_insert_with(|| (at.offset, detail.to_owned()));
        }
    }
}
