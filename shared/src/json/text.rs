//! JSON text as a whole: unescaped, compact, passed over.

use super::scan::special_byte;

/// Appends the unescaped form of a string's inside. Lone surrogates, which UTF-8 cannot hold, become U+FFFD.
pub fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(index) = rest.bytes().position(|byte| byte == b'\\') {
        out.push_str(&rest[..index]);
        let (unescaped, length) = escape(&rest[index..]);
        out.push(unescaped);
        rest = rest.get(index + length..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The character of the escape that begins `text`, and how many bytes of `text` the escape has.
fn escape(text: &str) -> (char, usize) {
    let unescaped = match text.as_bytes().get(1).copied().unwrap_or(b'\\') {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let (unescaped, digits) = unicode_escape(text.get(2..).unwrap_or_default());
            return (unescaped, 2 + digits);
        }
        other => char::from(other),
    };
    (unescaped, 2)
}

/// The character of a `\u` escape whose digits begin `rest`, and how many bytes of `rest` belong to it.
fn unicode_escape(rest: &str) -> (char, usize) {
    let hex = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(unit) = hex(rest) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if (0xD800..0xDC00).contains(&unit)
        && let Some(low) = rest[4..].strip_prefix("\\u").and_then(hex)
        && (0xDC00..0xE000).contains(&low)
    {
        let scalar = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

/// A buffer for strings that are documents themselves, such as the messages of log events: long and full of
/// escapes.
#[derive(Debug, Default)]
pub struct TextBuffer(Vec<u8>);

impl TextBuffer {
    /// The value's text, unescaped into the buffer if it is a string with escapes.
    pub fn decode<'a>(&'a mut self, value: super::Raw<'a>) -> &'a str {
        if value.plain || value.kind != super::Kind::String {
            return value.text;
        }
        let length = self.unescape(value.text);
        // Whole characters are copied or pushed, so it is UTF-8.
        simdutf8::basic::from_utf8(self.0.get(..length).unwrap_or_default()).unwrap_or_default()
    }

    /// Unescapes into the buffer; tells how long the result is. It is never longer than the text.
    fn unescape(&mut self, text: &str) -> usize {
        const STEP: usize = 8;
        let source = text.as_bytes();
        // Copying goes in steps, so it needs room for one behind the end; what is there is never looked at.
        if self.0.len() < source.len() + STEP {
            self.0.resize(source.len() + STEP, 0);
        }
        let target = self.0.as_mut_slice();
        let (mut from, mut to) = (0, 0);
        while let Some(chunk) = source.get(from..).and_then(|rest| rest.first_chunk::<STEP>())
            && let Some(place) = target.get_mut(to..).and_then(|rest| rest.first_chunk_mut::<STEP>())
        {
            *place = *chunk;
            let backslashes = backslash_bits(u64::from_le_bytes(*chunk));
            if backslashes == 0 {
                (from, to) = (from + STEP, to + STEP);
                continue;
            }
            let plain = (backslashes.trailing_zeros() / 8) as usize;
            (from, to) = (from + plain, to + plain);
            match (source.get(from + 1), target.get_mut(to)) {
                (Some(escaped @ (b'"' | b'\\' | b'/')), Some(place)) => {
                    *place = *escaped;
                    (from, to) = (from + 2, to + 1);
                }
                _ => {
                    let length = other_escape(text, from, target, &mut to);
                    from += length;
                }
            }
        }
        // The end, which is shorter than a step.
        while let Some(&byte) = source.get(from) {
            if byte == b'\\' {
                from += other_escape(text, from, target, &mut to);
            } else if let Some(place) = target.get_mut(to) {
                *place = byte;
                (from, to) = (from + 1, to + 1);
            } else {
                break;
            }
        }
        to
    }
}

/// Writes the character of the escape at `from` to `target` at `to`, which is moved; tells the escape's length.
fn other_escape(text: &str, from: usize, target: &mut [u8], to: &mut usize) -> usize {
    let (unescaped, length) = escape(text.get(from..).unwrap_or_default());
    let mut bytes = [0; 4];
    let bytes = unescaped.encode_utf8(&mut bytes).as_bytes();
    if let Some(place) = target.get_mut(*to..*to + bytes.len()) {
        place.copy_from_slice(bytes);
        *to += bytes.len();
    }
    length
}

/// The high bit of each byte that is a backslash; above the lowest of them there may be false ones.
#[inline(always)]
fn backslash_bits(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero = word ^ (ONES * b'\\' as u64);
    zero.wrapping_sub(ONES) & !zero & HIGHS
}

/// Appends valid JSON text without its insignificant white space.
pub(super) fn compact(text: &str, out: &mut String) {
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
    Balance::default().end(bytes)
}

/// Finds the end of a value by matching brackets outside strings only, piece by piece and without keeping any.
#[derive(Debug, Clone, Default)]
pub struct Balance {
    depth: u64,
    in_string: bool,
    /// A backslash was the last byte.
    escaped: bool,
    /// A line's end inside a string, where none may stand, ends the value: for values that have a line each.
    by_line: bool,
}

impl Balance {
    /// For a value that ends with its line, should the line end inside a string.
    pub fn by_line() -> Self {
        Self { by_line: true, ..Self::default() }
    }

    /// Looks through the next piece of the value's text. Answers how many bytes of it belong to the value if that
    /// ends in it.
    pub fn end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            if self.in_string {
                if std::mem::take(&mut self.escaped) {
                    at += 1;
                    continue;
                }
                let rest = &piece[at..];
                let found = match self.by_line {
                    true => memchr::memchr3(b'"', b'\\', b'\n', rest),
                    false => memchr::memchr2(b'"', b'\\', rest),
                };
                at += found?;
                match piece[at] {
                    b'"' => self.in_string = false,
                    b'\\' => self.escaped = true,
                    _ => return Some(at),
                }
                at += 1;
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    if self.depth == 0 {
                        return Some(at);
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                b',' if self.depth == 0 => return Some(at),
                _ => {}
            }
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Cursor, Kind, Raw};
    use super::*;

    proptest! {
        #[test]
        fn both_ways_to_unescape_agree(text in r#"([a-z "é€😀\\/\n\t\x00]|\\u){0,60}"#) {
            let mut buffer = TextBuffer::default();
            let quoted = serde_json::to_string(&text).unwrap();
            let document = serde_json::to_string(&quoted).unwrap(); // escapes of escapes
            for quoted in [quoted, document] {
                let value = Cursor::new(&quoted).value().unwrap();
                let mut expected = String::new();
                unescape(value.text, &mut expected);
                prop_assert_eq!(buffer.decode(value), &expected);
                prop_assert_eq!(&serde_json::from_str::<String>(&quoted).unwrap(), &expected);
            }
        }

        #[test]
        fn what_is_no_escape_never_panics(text in r#"(\\[uxé]?|[0-9aD8é"]){0,40}"#) {
            let value = Raw { text: &text, kind: Kind::String, plain: false };
            let mut expected = String::new();
            unescape(&text, &mut expected);
            let _text = TextBuffer::default().decode(value);
        }
    }

    proptest! {
        #[test]
        fn any_split_ends_alike(text in r#"[\[{]([\[\]{}",\\\n a]|\\"){0,40}"#, chunk in 1..9_usize) {
            for whole in [Balance::default(), Balance::by_line()] {
                let (mut pieces, mut passed) = (whole.clone(), 0);
                let ended = text.as_bytes().chunks(chunk).find_map(|piece| {
                    let end = pieces.end(piece).map(|end| passed + end);
                    passed += piece.len();
                    end
                });
                prop_assert_eq!(ended, whole.clone().end(text.as_bytes()));
            }
        }
    }

    #[test]
    fn a_value_ends_with_its_line_if_the_line_ends_inside_a_string() {
        let text = b"{\"a\":\"b\n{\"c\":1}";
        assert_eq!((Balance::by_line().end(text), balanced_length(text)), (Some(7), None));
        assert_eq!(Balance::by_line().end(b"{\n\"a\":1\n}x"), Some(9));
    }

    #[test]
    fn the_buffer_is_used_again() {
        let mut buffer = TextBuffer::default();
        for (text, expected) in
            [(r#""a\\b\"c\n0123456789\u00e9\\""#, "a\\b\"c\n0123456789é\\"), (r#""\t""#, "\t"), ("7", "7")]
        {
            let value = Cursor::new(text).value().unwrap();
            assert_eq!(buffer.decode(value), expected);
        }
    }
}
