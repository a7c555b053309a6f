//! Reading whole values: each is checked once, to its end.

use super::scan::special_byte;
use super::{Cursor, Error, Kind, MAX_DEPTH, Raw};

impl<'a> Cursor<'a> {
    /// Reads one whole value of any type.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if the text ends first, otherwise what is wrong and where.
    #[inline(always)]
    pub fn value(&mut self) -> Result<Raw<'a>, Error> {
        let first = self.peek().ok_or(Error::Incomplete)?;
        let start = self.at;
        let (kind, plain) = match first {
            b'"' => return self.string("a string"),
            b'{' => (Kind::Object, self.container()?),
            b'[' => (Kind::Array, self.container()?),
            _ => (self.scalar()?, true),
        };
        Ok(Raw { text: &self.text[start..self.at], kind, plain })
    }

    /// Reads a string; the cursor may stand before white space.
    #[inline(always)]
    pub(super) fn string(&mut self, expected: &'static str) -> Result<Raw<'a>, Error> {
        self.expect(b'"', expected)?;
        let start = self.at;
        let plain = self.string_rest()?;
        Ok(Raw { text: &self.text[start..self.at - 1], kind: Kind::String, plain })
    }

    /// Consumes a string whose opening quote has been consumed; true if it holds no escape.
    #[inline(always)]
    fn string_rest(&mut self) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        self.at = special_byte(bytes, self.at).ok_or(Error::Incomplete)?;
        if bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(true);
        }
        self.escaped_string_rest()
    }

    /// [`Cursor::string_rest`] from the first character that is not plain text.
    fn escaped_string_rest(&mut self) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Ok(false);
                }
                b'\\' => self.escape()?,
                _ => {
                    return Err(Error::Syntax {
                        at: self.at,
                        expected: "no raw control character in a string",
                    });
                }
            }
            self.at = special_byte(bytes, self.at).ok_or(Error::Incomplete)?;
        }
    }

    /// Consumes one escape sequence; the cursor is at its backslash.
    fn escape(&mut self) -> Result<(), Error> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            None => Err(Error::Incomplete),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                for offset in 2..6 {
                    match bytes.get(self.at + offset) {
                        None => return Err(Error::Incomplete),
                        Some(byte) if byte.is_ascii_hexdigit() => {}
                        Some(_) => {
                            return Err(Error::Syntax {
                                at: self.at + offset,
                                expected: "four hexadecimal digits",
                            });
                        }
                    }
                }
                self.at += 6;
                Ok(())
            }
            Some(_) => Err(Error::Syntax { at: self.at + 1, expected: "an escape character" }),
        }
    }

    /// Consumes a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<Kind, Error> {
        let bytes = self.text.as_bytes();
        let (literal, kind) = match bytes[self.at] {
            b't' => ("true", Kind::Bool),
            b'f' => ("false", Kind::Bool),
            b'n' => ("null", Kind::Null),
            b'-' | b'0'..=b'9' => return self.number(),
            _ => return Err(Error::Syntax { at: self.at, expected: "a value" }),
        };
        let rest = &bytes[self.at..];
        let length = rest.len().min(literal.len());
        if rest[..length] != literal.as_bytes()[..length] {
            return Err(Error::Syntax { at: self.at, expected: "true, false or null" });
        }
        if length < literal.len() {
            return Err(Error::Incomplete);
        }
        self.at += literal.len();
        Ok(kind)
    }

    /// Consumes a number. At the very end of the text a number may go on, so that is [`Error::Incomplete`]
    /// unless the number is the whole text.
    fn number(&mut self) -> Result<Kind, Error> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let digits = |mut at: usize| -> Result<usize, Error> {
            let first = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            match (at == first, at == bytes.len()) {
                (true, true) => Err(Error::Incomplete),
                (true, false) => Err(Error::Syntax { at, expected: "a digit" }),
                (false, _) => Ok(at),
            }
        };
        let mut at = start + usize::from(bytes[start] == b'-');
        at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(at)? };
        if bytes.get(at) == Some(&b'.') {
            at = digits(at + 1)?;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            at = digits(at)?;
        }
        if at == bytes.len() && start > 0 {
            return Err(Error::Incomplete);
        }
        self.at = at;
        Ok(Kind::Number)
    }

    /// Consumes a whole container at the cursor; true if it holds no insignificant white space.
    fn container(&mut self) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        let mut objects = [0_u64; MAX_DEPTH / 64]; // one bit a level: set where the level is an object
        let (mut depth, mut compact) = (0_usize, true);
        let deepest = self.limits.depth - self.depth;
        // Each round reads one value (or the bracket that closes an empty container), then all that closes.
        'value: loop {
            compact &= !self.skip_space()?;
            match bytes[self.at] {
                open @ (b'{' | b'[') => {
                    if depth == deepest {
                        return Err(Error::TooDeep { at: self.at, limit: self.limits.depth });
                    }
                    let bit = 1 << (depth % 64);
                    let is_object = open == b'{';
                    if is_object {
                        objects[depth / 64] |= bit;
                    } else {
                        objects[depth / 64] &= !bit;
                    }
                    depth += 1;
                    self.at += 1;
                    compact &= !self.skip_space()?;
                    if bytes[self.at] != if is_object { b'}' } else { b']' } {
                        self.count()?;
                        if is_object {
                            compact &= self.member_name()?;
                        }
                        continue 'value;
                    }
                    // An empty container: its bracket is closed below like any other.
                }
                b'"' => {
                    self.at += 1;
                    self.string_rest()?;
                }
                _ => {
                    self.scalar()?;
                }
            }
            loop {
                if depth == 0 {
                    return Ok(compact);
                }
                let is_object = objects[(depth - 1) / 64] & (1 << ((depth - 1) % 64)) != 0;
                compact &= !self.skip_space()?;
                match (bytes[self.at], is_object) {
                    (b',', _) => {
                        self.at += 1;
                        self.count()?;
                        if is_object {
                            compact &= !self.skip_space()?;
                            compact &= self.member_name()?;
                        }
                        continue 'value;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        depth -= 1;
                    }
                    (_, true) => return Err(Error::Syntax { at: self.at, expected: "`,` or `}`" }),
                    (_, false) => return Err(Error::Syntax { at: self.at, expected: "`,` or `]`" }),
                }
            }
        }
    }

    /// Consumes `"name":` at the cursor; true if no white space stands around the colon.
    fn member_name(&mut self) -> Result<bool, Error> {
        if self.text.as_bytes()[self.at] != b'"' {
            return Err(Error::Syntax { at: self.at, expected: "a member's name" });
        }
        self.at += 1;
        self.string_rest()?;
        let spaced = self.skip_space()?;
        if self.text.as_bytes()[self.at] != b':' {
            return Err(Error::Syntax { at: self.at, expected: "`:`" });
        }
        self.at += 1;
        Ok(!spaced)
    }

    /// Skips white space; tells whether there was any. A byte follows where this is `Ok`.
    fn skip_space(&mut self) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(_) => return Ok(self.at > start),
                None => return Err(Error::Incomplete),
            }
        }
    }
}
