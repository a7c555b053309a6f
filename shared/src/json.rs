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
//! The grammar is RFC 8259's, checked in full; nesting is bounded by [`MAX_DEPTH`]. A property test holds the
//! cursor against `serde_json` on arbitrary values and arbitrary text.

/// Containers nested deeper than this are refused. AWS records stay below 30; the bound keeps hostile input cheap.
pub const MAX_DEPTH: usize = 512;

/// Why the text at the cursor could not be read. Offsets are bytes from the start of the cursor's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text ends inside a value: more input may complete it.
    #[error("the JSON text ends inside a value")]
    Incomplete,
    /// The text is not JSON here.
    #[error("not JSON at byte {at}: expected {expected}")]
    Syntax {
        /// Byte offset of the offending character.
        at: usize,
        /// What the grammar allows there.
        expected: &'static str,
    },
    /// Containers are nested deeper than [`MAX_DEPTH`].
    #[error("JSON nested deeper than {MAX_DEPTH} levels at byte {at}")]
    TooDeep {
        /// Byte offset of the container that is one too deep.
        at: usize,
    },
}

/// The type of a value, from its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, as written.
    Number,
    /// A string; [`Raw::text`] is what stands between the quotes.
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// One value exactly as it stands in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The value's text; for a string without its quotes and still escaped.
    pub text: &'a str,
    /// The value's type.
    pub kind: Kind,
    /// A string without escapes; a container without insignificant white space; true for other scalars.
    pub plain: bool,
}

impl<'a> Raw<'a> {
    /// True for `null`, `{}` and `[]`: what leaves no trace in a row (AWS's rows drop all three).
    pub fn is_nothing(&self) -> bool {
        match self.kind {
            Kind::Null => true,
            Kind::Array | Kind::Object => {
                self.text[1..self.text.len() - 1].bytes().all(|byte| byte.is_ascii_whitespace())
            }
            Kind::Bool | Kind::Number | Kind::String => false,
        }
    }

    /// The scalar as text: a string unescaped, a number or boolean as written, a container as its JSON text.
    /// `null` is `None`. `scratch` is used, after being cleared, only where escapes force a copy.
    pub fn as_text<'s>(&self, scratch: &'s mut String) -> Option<&'s str>
    where
        'a: 's,
    {
        match self.kind {
            Kind::Null => None,
            Kind::String if !self.plain => {
                scratch.clear();
                unescape(self.text, scratch);
                Some(scratch)
            }
            _ => Some(self.text),
        }
    }

    /// Appends the value as compact JSON: the input's own tokens in their order, without white space between.
    pub fn write_compact(&self, out: &mut String) {
        match self.kind {
            Kind::String => {
                out.push('"');
                out.push_str(self.text);
                out.push('"');
            }
            _ if self.plain => out.push_str(self.text),
            _ => compact(self.text, out),
        }
    }

    /// A cursor over the inside of this value, for reading a container's members.
    pub fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.text)
    }

    /// The member `name` of an object; `None` for other kinds, absent members and `null`. The last of equal
    /// names wins.
    pub fn member(&self, name: &str) -> Option<Raw<'a>> {
        if self.kind != Kind::Object {
            return None;
        }
        let (mut cursor, mut found, mut first) = (self.cursor(), None, true);
        while let Ok(Some(key)) = cursor.next_member(&mut first) {
            let value = cursor.value().ok()?;
            if key.plain && key.text == name {
                found = Some(value);
            }
        }
        found.filter(|value| value.kind != Kind::Null)
    }
}

/// A position in JSON text. Cheap to copy, so a caller can remember where a value began.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
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
    pub fn next_member(&mut self, first: &mut bool) -> Result<Option<Raw<'a>>, Error> {
        if *first {
            self.expect(b'{', "an object")?;
        }
        match (self.peek().ok_or(Error::Incomplete)?, *first) {
            (b'}', _) => {
                self.at += 1;
                return Ok(None);
            }
            (b',', false) => {
                self.at += 1;
                self.peek();
            }
            (_, true) => {}
            _ => return Err(Error::Syntax { at: self.at, expected: "`,` or `}`" }),
        }
        *first = false;
        let name = self.string("a member's name")?;
        self.expect(b':', "`:`")?;
        Ok(Some(name))
    }

    /// True if another element follows, with the cursor at it; false after the closing bracket. `first` as in
    /// [`Cursor::next_member`].
    ///
    /// # Errors
    /// As [`Cursor::value`].
    pub fn next_element(&mut self, first: &mut bool) -> Result<bool, Error> {
        if *first {
            self.expect(b'[', "an array")?;
            *first = false;
            if self.peek().ok_or(Error::Incomplete)? == b']' {
                self.at += 1;
                return Ok(false);
            }
            return Ok(true);
        }
        match self.peek().ok_or(Error::Incomplete)? {
            b']' => {
                self.at += 1;
                Ok(false)
            }
            b',' => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(Error::Syntax { at: self.at, expected: "`,` or `]`" }),
        }
    }

    /// Reads one whole value of any type.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if the text ends first, otherwise what is wrong and where.
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
    fn string(&mut self, expected: &'static str) -> Result<Raw<'a>, Error> {
        self.expect(b'"', expected)?;
        let start = self.at;
        let plain = self.string_rest()?;
        Ok(Raw { text: &self.text[start..self.at - 1], kind: Kind::String, plain })
    }

    /// Consumes a string whose opening quote has been consumed; true if it holds no escape.
    #[inline]
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
        // Each round reads one value (or the bracket that closes an empty container), then all that closes.
        'value: loop {
            compact &= !self.skip_space()?;
            match bytes[self.at] {
                open @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return Err(Error::TooDeep { at: self.at });
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

/// Index of the first quote, backslash or control character at or after `at`.
#[inline]
fn special_byte(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Most strings end within two steps; long ones (tokens, documents) are passed in strides that the compiler
    // turns into vector instructions.
    for _ in 0..2 {
        let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            return in_tail(bytes, at);
        };
        let hits = special_bits(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return Some(at + (hits.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    in_long(bytes, at)
}

fn in_long(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
        let special = chunk.iter().fold(0, |special, &byte| {
            special | u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20)
        });
        if special != 0 {
            break;
        }
        at += 32;
    }
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let hits = special_bits(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return Some(at + (hits.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    in_tail(bytes, at)
}

fn in_tail(bytes: &[u8], at: usize) -> Option<usize> {
    let tail = bytes.get(at..)?;
    tail.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20).map(|index| at + index)
}

/// The high bit of each byte that is special; above the lowest of them there may be false ones.
#[inline]
fn special_bits(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    // The classic zero-byte test, thrice; a borrow can only flag bytes above a true hit, so the lowest is exact.
    let hits = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    hits & HIGHS
}

/// Appends the unescaped form of a string's inside. Lone surrogates, which UTF-8 cannot hold, become U+FFFD.
pub fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(index) = rest.find('\\') {
        out.push_str(&rest[..index]);
        let code = rest.as_bytes().get(index + 1).copied().unwrap_or(b'\\');
        rest = rest.get(index + 2..).unwrap_or_default();
        match code {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => rest = unescape_unicode(rest, out),
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
}

/// Appends the character of a `\u` escape whose digits begin `rest`; returns what follows it.
fn unescape_unicode<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let hex = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(unit) = hex(rest) else {
        out.push(char::REPLACEMENT_CHARACTER);
        return rest;
    };
    let after = &rest[4..];
    if (0xD800..0xDC00).contains(&unit)
        && let Some(low) = after.strip_prefix("\\u").and_then(hex)
        && (0xDC00..0xE000).contains(&low)
    {
        let scalar = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
        return &after[6..];
    }
    out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

/// Appends valid JSON text without its insignificant white space.
fn compact(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while let Some(found) = special_byte(bytes, at) {
                    at = found + if bytes[found] == b'\\' { 2 } else { 1 };
                    if bytes[found] == b'"' {
                        break;
                    }
                }
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&text[copied..at]);
                at += 1;
                copied = at;
            }
            _ => at += 1,
        }
    }
    out.push_str(&text[copied..]);
}

/// Length of the value that starts `bytes`, found by matching brackets outside strings only: the way past a
/// value that is not valid JSON or UTF-8. `None` if it does not end within `bytes`.
pub fn balanced_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += 1;
                loop {
                    match bytes.get(at)? {
                        b'"' => break,
                        b'\\' => at += 2,
                        _ => at += 1,
                    }
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn whole(text: &str) -> Result<Raw<'_>, Error> {
        let mut cursor = Cursor::new(text);
        let value = cursor.value()?;
        match cursor.peek() {
            None => Ok(value),
            Some(_) => Err(Error::Syntax { at: cursor.offset(), expected: "the end" }),
        }
    }

    fn arbitrary_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e300_f64..1e300).prop_map(Value::from),
            ".{0,24}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".{0,12}", inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_values(value in arbitrary_json()) {
            for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
                let raw = whole(&text).unwrap();
                let mut compacted = String::new();
                raw.write_compact(&mut compacted);
                prop_assert_eq!(&compacted, &serde_json::to_string(&value).unwrap());
                let is_container = matches!(raw.kind, Kind::Array | Kind::Object);
                prop_assert!(!is_container || raw.plain == (text == compacted));
                prop_assert_eq!(balanced_length(text.as_bytes()), is_container.then_some(text.len()));
            }
        }

        #[test]
        fn agrees_with_serde_json_on_text(text in r#"[\[\]{}",:\\ 0-9a-fntrulse.+Ee-]{0,24}"#) {
            let text = format!("[{text}]");
            prop_assert_eq!(whole(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        }

        #[test]
        fn a_prefix_is_incomplete_never_wrong(value in arbitrary_json(), cut in 0.0..1.0_f64) {
            let text = serde_json::to_string(&serde_json::json!([value])).unwrap();
            let mut end = (text.len() as f64 * cut) as usize;
            while !text.is_char_boundary(end) { end -= 1; }
            prop_assert_eq!(whole(&text[..end]), Err(Error::Incomplete));
        }

        #[test]
        fn strings_unescape_as_serde_json_does(text in ".{0,40}") {
            let quoted = serde_json::to_string(&text).unwrap();
            let raw = whole(&quoted).unwrap();
            let mut scratch = String::new();
            prop_assert_eq!(raw.as_text(&mut scratch), Some(text.as_str()));
        }
    }

    #[test]
    fn surrogates() {
        let mut scratch = String::new();
        for (text, expected) in
            [(r#""\ud83d\ude00""#, "😀"), (r#""a\ud800b""#, "a\u{fffd}b"), (r#""\u0000""#, "\0")]
        {
            assert_eq!(whole(text).unwrap().as_text(&mut scratch), Some(expected));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(whole(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(whole(&nested(MAX_DEPTH + 1)), Err(Error::TooDeep { at: MAX_DEPTH }));
        assert_eq!(balanced_length(nested(100_000).as_bytes()), Some(200_000));
    }

    #[test]
    fn members() {
        let raw = whole(r#"{"a":1,"b":{"c":"x"},"n":null,"a":2}"#).unwrap();
        assert_eq!(raw.member("a").map(|value| value.text), Some("2"));
        assert_eq!(raw.member("b").and_then(|value| value.member("c")).map(|value| value.text), Some("x"));
        assert_eq!(raw.member("n"), None);
        assert!(whole("{ }").unwrap().is_nothing() && whole("[]").unwrap().is_nothing());
    }

    #[test]
    fn errors_say_where_and_what() {
        let message = |text: &str| whole(text).unwrap_err().to_string();
        assert_eq!(message(r#"{"a" 1}"#), "not JSON at byte 5: expected `:`");
        assert_eq!(message("[1 2]"), "not JSON at byte 3: expected `,` or `]`");
        assert_eq!(
            message("{\"a\":\"\n\"}"),
            "not JSON at byte 6: expected no raw control character in a string"
        );
        assert_eq!(message(r#"["\x"]"#), "not JSON at byte 3: expected an escape character");
    }
}
