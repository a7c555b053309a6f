//! A cursor over JSON text: one pass, borrowed, no recursion, nothing copied.
//!
//! The records of most sources are JSON documents whose free-form parts must survive to the letter, inside a
//! document that may still be arriving. Three needs decide for a cursor of our own over a general parser:
//!
//! * a record is parsed where it stands in the window and the cursor tells where it ended, so framing costs no
//!   pass of its own, and *incomplete* is told apart from *wrong*, so the caller can fetch more and try again;
//! * every scalar keeps the token it was written as (numbers as written, strings unescaped only when needed);
//! * a container knows whether it is compact already, so copying it as compact JSON is a plain copy.
//!
//! The grammar is RFC 8259's, checked in full. [`Limits`] bound nesting, and members and elements, which are counted
//! as they are read. A property test holds the cursor against `serde_json` on arbitrary values and arbitrary text.

mod error;
mod raw;
mod scan;
mod text;
mod value;

pub use self::error::{Error, Limits, MAX_DEPTH};
pub use self::raw::{Kind, Raw};
pub use self::text::{Balance, TextBuffer, balanced_length, unescape};

/// A position in JSON text. Cheap to copy, so a caller can remember where a value began.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    limits: Limits,
    /// Containers that are open around the cursor.
    depth: usize,
    /// Members and elements that may still come.
    fields: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `text`, which only the depth bounds.
    pub fn new(text: &'a str) -> Self {
        Self::with_limits(text, Limits::default())
    }

    /// A cursor at the start of `text` that reads no more than `limits` allow.
    pub fn with_limits(text: &'a str, limits: Limits) -> Self {
        let limits = Limits { depth: limits.depth.min(MAX_DEPTH), ..limits };
        Self { text, at: 0, limits, depth: 0, fields: limits.fields }
    }

    /// A cursor at the same place for the record that starts there: nothing of it counts yet, and the text ends after
    /// `length` bytes of it.
    pub(crate) fn record(&self, length: usize) -> Self {
        let end = self.text.floor_char_boundary(self.at.saturating_add(length));
        Self { text: &self.text[..end], depth: 0, fields: self.limits.fields, ..*self }
    }

    /// Counts from here on: what was read before is no part of what comes.
    pub(crate) fn begin(&mut self) {
        (self.depth, self.fields) = (0, self.limits.fields);
    }

    /// Goes to where `other` is, a cursor over the beginning of the same text.
    pub(crate) fn follow(&mut self, other: &Cursor<'_>) {
        self.at = other.at;
    }

    /// Bytes from the start of the text to the cursor.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The text between two offsets that this cursor has been at; empty if they are not in order.
    pub fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Skips white space and tells the next character without consuming it; `None` at the end of the text.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        let &byte = self.text.as_bytes().get(self.at)?;
        if byte > b' ' { Some(byte) } else { self.peek_behind_space() }
    }

    #[cold]
    fn peek_behind_space(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => return Some(byte),
            }
        }
        None
    }

    /// Consumes `wanted`, after white space.
    ///
    /// # Errors
    /// [`Error::Incomplete`] at the end of the text, [`Error::Syntax`] on any other character.
    #[inline(always)]
    pub fn expect(&mut self, wanted: u8, expected: &'static str) -> Result<(), Error> {
        match self.peek() {
            Some(byte) if byte == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(Error::Syntax { at: self.at, expected }),
            None => Err(Error::Incomplete),
        }
    }

    /// The next member's name, with the cursor left at its value; `None` after the closing brace. `first` is
    /// true before the first call of an object and is kept by this function.
    ///
    /// # Errors
    /// As [`Cursor::value`].
    #[inline(always)]
    pub fn next_member(&mut self, first: &mut bool) -> Result<Option<Raw<'a>>, Error> {
        if self.has_member(first)? { self.name().map(Some) } else { Ok(None) }
    }

    /// True if another member follows, with the cursor at its name; false after the closing brace. `first` as in
    /// [`Cursor::next_member`].
    ///
    /// # Errors
    /// As [`Cursor::value`].
    #[inline(always)]
    pub fn has_member(&mut self, first: &mut bool) -> Result<bool, Error> {
        if *first {
            self.expect(b'{', "an object")?;
            self.enter()?;
        }
        match (self.peek().ok_or(Error::Incomplete)?, *first) {
            (b'}', _) => {
                self.leave();
                return Ok(false);
            }
            (b',', false) => {
                self.at += 1;
                self.peek();
            }
            (_, true) => {}
            _ => return Err(Error::Syntax { at: self.at, expected: "`,` or `}`" }),
        }
        *first = false;
        self.count()?;
        Ok(true)
    }

    /// The member's name at the cursor, which is left at the value.
    ///
    /// # Errors
    /// As [`Cursor::value`].
    #[inline(always)]
    pub fn name(&mut self) -> Result<Raw<'a>, Error> {
        let name = self.string("a member's name")?;
        self.expect(b':', "`:`")?;
        Ok(name)
    }

    /// Consumes a member's name if it is the expected one; `quoted` is the name in its quotes, with the colon.
    /// False says nothing: the same name may stand there in another notation.
    #[inline(always)]
    pub fn skip_name(&mut self, quoted: &str) -> bool {
        let is_there =
            self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(quoted.as_bytes()));
        self.at += if is_there { quoted.len() } else { 0 };
        is_there
    }

    /// True if another element follows, with the cursor at it; false after the closing bracket. `first` as in
    /// [`Cursor::next_member`].
    ///
    /// # Errors
    /// As [`Cursor::value`].
    #[inline(always)]
    pub fn next_element(&mut self, first: &mut bool) -> Result<bool, Error> {
        if *first {
            self.expect(b'[', "an array")?;
            self.enter()?;
            *first = false;
            if self.peek().ok_or(Error::Incomplete)? == b']' {
                self.leave();
                return Ok(false);
            }
            return self.count().map(|()| true);
        }
        match self.peek().ok_or(Error::Incomplete)? {
            b']' => {
                self.leave();
                Ok(false)
            }
            b',' => {
                self.at += 1;
                self.count().map(|()| true)
            }
            _ => Err(Error::Syntax { at: self.at, expected: "`,` or `]`" }),
        }
    }

    /// Enters the container whose bracket has just been consumed.
    #[inline(always)]
    fn enter(&mut self) -> Result<(), Error> {
        if self.depth == self.limits.depth {
            return Err(Error::TooDeep { at: self.at - 1, limit: self.limits.depth });
        }
        self.depth += 1;
        Ok(())
    }

    /// Consumes a closing bracket. That of a container which the cursor did not enter counts for nothing.
    #[inline(always)]
    fn leave(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
    }

    /// Counts a member or an element.
    #[inline(always)]
    fn count(&mut self) -> Result<(), Error> {
        match self.fields.checked_sub(1) {
            Some(left) => {
                self.fields = left;
                Ok(())
            }
            None => Err(Error::TooManyFields { at: self.at, limit: self.limits.fields }),
        }
    }
}

#[cfg(test)]
mod tests;
