//! One value exactly as it stands in the input.

use std::borrow::Cow;

use super::Cursor;
use super::text::{compact, unescape};

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

    /// A string's text, unescaped where it has escapes; the value's own text for other kinds.
    #[inline]
    pub fn decoded(&self) -> Cow<'a, str> {
        if self.plain || self.kind != Kind::String {
            return Cow::Borrowed(self.text);
        }
        let mut text = String::new();
        unescape(self.text, &mut text);
        Cow::Owned(text)
    }

    /// True for strings, numbers, `true` and `false`.
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::String | Kind::Number | Kind::Bool)
    }

    /// A scalar's text; `None` for `null` and containers.
    #[inline]
    pub fn scalar(&self) -> Option<Cow<'a, str>> {
        self.is_scalar().then(|| self.decoded())
    }

    /// True if the string's text, unescaped, is `text`.
    #[inline]
    pub fn is(&self, text: &str) -> bool {
        if self.plain { self.text == text } else { self.decoded() == text }
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
            if key.is(name) {
                found = Some(value);
            }
        }
        found.filter(|value| value.kind != Kind::Null)
    }
}
