//! How many records there are in a text and what they hold, by another reader than ours: `serde_json`. It has an
//! opinion only where the text is what its source writes; what to make of the rest is for ours to decide.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// How the records of a source are counted.
#[derive(Debug, Clone, Copy)]
pub enum Reading {
    /// CloudTrail's documents.
    Documents,
    /// JSON values, each a record unless it has one of the members `wrapped`, which may hold several.
    Values {
        /// Names of members.
        wrapped: &'static [&'static str],
    },
    /// Lines, which may be headers.
    Lines,
}

/// What another reader has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// At least so many records.
    pub at_least: u64,
    /// At most so many.
    pub at_most: u64,
    /// Texts in the records that cannot be anywhere by chance.
    pub marks: Vec<String>,
}

impl Reading {
    /// Reads a decoded object. `None` if it has no opinion.
    pub fn expect(self, decoded: &[u8]) -> Option<Expected> {
        let text = std::str::from_utf8(decoded).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let begins_as_json = text.trim_ascii_start().starts_with(['{', '[']);
        match self {
            Self::Documents => documents(text),
            Self::Values { wrapped } if begins_as_json => values(text, wrapped),
            Self::Lines if !begins_as_json => Some(lines(text)),
            Self::Values { .. } | Self::Lines => None,
        }
    }
}

fn documents(text: &str) -> Option<Expected> {
    let mut expected = Expected::default();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Document>() {
        let document = document.ok()?;
        if document.lists == 0 || document.is_other {
            return None;
        }
        expected.at_least += document.records;
    }
    if expected.at_least == 0 {
        return None;
    }
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        marks(&document.ok()?["Records"], &mut expected.marks);
    }
    Some(Expected { at_most: expected.at_least, ..expected })
}

/// A document of CloudTrail: how many records it has.
#[derive(Default)]
struct Document {
    lists: usize,
    records: u64,
    is_other: bool,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Document;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a document of CloudTrail")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut document = Document::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "Records" {
                        document.lists += 1;
                        document.records += map.next_value::<Vec<IgnoredAny>>()?.len() as u64;
                    } else {
                        document.is_other |= name == "digestS3Object";
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(document)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn values(text: &str, wrapped: &[&str]) -> Option<Expected> {
    let (mut expected, mut singles, mut is_counted) = (Expected::default(), false, true);
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.ok()?;
        let records = match &value {
            Value::Array(records) if !singles => records.as_slice(),
            Value::Object(_) => std::slice::from_ref(&value),
            _ => return None,
        };
        singles |= value.is_object();
        for record in records {
            if wrapped.iter().any(|name| record.get(name).is_some()) {
                is_counted = false;
                messages(record, &mut expected.marks);
            } else {
                expected.at_least += 1;
                marks(record, &mut expected.marks);
            }
        }
    }
    let at_most = if is_counted { expected.at_least } else { u64::MAX };
    Some(Expected { at_most, ..expected })
}

/// Adds the marks in the messages of log events, which are texts that hold records.
fn messages(record: &Value, found: &mut Vec<String>) {
    let is_envelope = record.get("messageType").is_some_and(|kind| !kind.is_null());
    let events = record.get("logEvents").and_then(Value::as_array).filter(|_| is_envelope);
    for event in events.into_iter().flatten() {
        let message = event.get("message").and_then(Value::as_str).unwrap_or_default();
        let words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        found.extend(words.filter(|word| is_mark(word)).map(str::to_owned));
    }
}

/// No field's name begins with a digit, so lines with a word that does are records. (The columns of a Parquet file may
/// have any name.)
fn lines(text: &str) -> Expected {
    let lines = || text.split('\n').map(str::trim_ascii).filter(|line| !line.is_empty());
    let is_record = |line: &&str| {
        let mut words = line.split([' ', '\t', ',']);
        !line.starts_with("#columns") && words.any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    };
    Expected {
        at_least: lines().filter(is_record).count() as u64,
        at_most: lines().count() as u64,
        marks: Vec::new(),
    }
}

/// Adds the texts that begin with `leaf-`; the dictionaries of the fuzz targets have some.
fn marks(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| marks(element, found)),
        Value::Object(members) => members.values().for_each(|member| marks(member, found)),
        Value::String(text) if is_mark(text) => found.push(text.clone()),
        _ => {}
    }
}

fn is_mark(text: &str) -> bool {
    let number = text.strip_prefix("leaf-").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
