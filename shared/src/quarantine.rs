//! Records that cannot be normalised, kept with the reason: JSON lines, one entry a record.
//!
//! | member | meaning |
//! |---|---|
//! | `bucket`, `key`, `version` | the raw object |
//! | `record`, `offset` | the record's number from 0 and its byte offset in the decoded object |
//! | `group` | the [group](crate::ledger::Group) of raw objects that it was read with |
//! | `tables` | ids of the tables that it was read for; it is missing from each that it belongs to, and from no other |
//! | `reason`, `detail` | why, for counters and for a person |
//! | `function`, `function_version` | who decided it |
//! | `form` | what `raw` is: see [`Form`] |
//! | `header` | of a line: the header above it, empty without one |
//! | `envelope` | of a log event: what CloudWatch Logs said of all events around it |
//! | `length`, `sha256` | of a record that is cut: its length in bytes and the hash of all of them |
//! | `raw` or `raw_base64` | the record as it came, or its beginning if it is cut; the latter where it is not UTF-8 |
//!
//! A record that is too large is cut to its first [`KEPT_BYTES`](crate::frame::KEPT_BYTES). Offset and length say where
//! it stands in the decoded object, the hash tells whether it is still the same. Form, header and envelope are there so
//! that the record can be read again by itself. Entries of functions that did not write them yet are read too.
//!
//! A group that is not done is run again and then writes its file anew, also with what somebody has brought into the
//! lake meanwhile. So whoever takes entries out asks the ledger first whether their group is open.

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::cloudwatch::LogEvents;
use crate::frame::{Cut, Position};
use crate::json::Cursor;
use crate::notification::ObjectRef;

/// What the raw text of an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A JSON record as a source's objects hold it.
    Record,
    /// A line of text.
    Line,
    /// A log event out of an envelope of CloudWatch Logs.
    LogEvent,
    /// Part of another record, which it cannot be understood without.
    Part,
    /// Bytes that could not be read; where they end was guessed.
    Unreadable,
}

/// What CloudWatch Logs says of the log events in an envelope, under its own names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a> {
    /// The account whose log group it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Cow<'a, str>>,
    /// The log group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_group: Option<Cow<'a, str>>,
    /// The log stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_stream: Option<Cow<'a, str>>,
}

impl Envelope<'_> {
    /// The envelope with this log event alone in it.
    pub fn around(&self, event: &str) -> String {
        // Names and texts always serialise.
        let head = serde_json::to_string(self).unwrap_or_default();
        let more = head.strip_prefix('{').and_then(|head| head.strip_suffix('}')).unwrap_or_default();
        let comma = if more.is_empty() { "" } else { "," };
        format!("{{\"messageType\":\"DATA_MESSAGE\",{more}{comma}\"logEvents\":[{event}]}}")
    }
}

/// A record, and what it has to be read with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<'a> {
    /// What it is.
    pub form: Form,
    /// Of a line.
    pub header: Option<&'a str>,
    /// Of a log event.
    pub envelope: Option<Envelope<'a>>,
    /// Of a record that is cut.
    pub cut: Option<&'a Cut>,
    /// The record, or its beginning.
    pub raw: &'a [u8],
}

impl<'a> Kept<'a> {
    /// A record that needs nothing around it.
    pub fn new(form: Form, raw: &'a [u8]) -> Self {
        Self { form, header: None, envelope: None, cut: None, raw }
    }

    /// A line, and the header above it or nothing.
    pub fn line(line: &'a str, header: &'a str) -> Self {
        Self { header: Some(header), ..Self::new(Form::Line, line.as_bytes()) }
    }
}

/// Tells what the parts of a record are.
#[derive(Debug)]
pub struct PartForms<'a> {
    record: &'a str,
    envelope: Envelope<'a>,
    events: HashSet<&'a str>,
}

impl<'a> PartForms<'a> {
    /// For the parts of that record.
    pub fn of(record: &'a str) -> Self {
        let events = LogEvents::read_next(&mut Cursor::new(record)).ok().flatten();
        let Some(events) = events else {
            return Self { record, envelope: Envelope::default(), events: HashSet::new() };
        };
        let envelope = Envelope {
            owner: events.owner.clone(),
            log_group: events.log_group.clone(),
            log_stream: events.log_stream.clone(),
        };
        // Anything else between them is no log event, and may be equal to a part of one.
        let objects = events.map(|event| event.raw.text).filter(|event| event.starts_with('{'));
        Self { record, envelope, events: objects.collect() }
    }

    /// One of the parts, as it is to be kept.
    pub fn part<'b>(&self, raw: &'b [u8]) -> Kept<'b>
    where
        'a: 'b,
    {
        if raw == self.record.trim_ascii().as_bytes() {
            return Kept::new(Form::Record, raw);
        }
        match std::str::from_utf8(raw) {
            Ok(text) if self.events.contains(text) => {
                Kept { envelope: Some(self.envelope.clone()), ..Kept::new(Form::LogEvent, raw) }
            }
            _ => Kept::new(Form::Part, raw),
        }
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// Bucket of the raw object.
    pub bucket: Cow<'a, str>,
    /// Its key.
    pub key: Cow<'a, str>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Cow<'a, str>>,
    /// Id of the group that it was read with; absent in old entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Cow<'a, str>>,
    /// Ids of the tables that it was read for; absent in old entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<Cow<'a, str>>>,
    /// See [`Position`].
    pub record: u64,
    /// See [`Position`].
    pub offset: u64,
    /// For counters.
    pub reason: Cow<'a, str>,
    /// For a person.
    pub detail: Cow<'a, str>,
    /// Who decided it.
    pub function: Cow<'a, str>,
    /// Which version of it.
    pub function_version: Cow<'a, str>,
    /// What the record is; absent in old entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// Of a line: the header above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Cow<'a, str>>,
    /// Of a log event: what stood around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope<'a>>,
    /// Of a record that is cut: how many bytes it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Of a record that is cut: the hash of its bytes, as 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw_base64: Option<Cow<'a, str>>,
}

impl Entry<'_> {
    /// True if the entry holds no more than the beginning of its record.
    pub fn is_cut(&self) -> bool {
        self.length.is_some()
    }

    /// The record as it came, or its beginning; nothing if the entry does not hold it, or not as it should.
    pub fn raw(&self) -> Option<Cow<'_, [u8]>> {
        match (&self.raw, &self.raw_base64) {
            (Some(raw), _) => Some(Cow::Borrowed(raw.as_bytes())),
            (None, Some(encoded)) => STANDARD.decode(encoded.as_bytes()).ok().map(Cow::Owned),
            (None, None) => None,
        }
    }

    /// The raw object.
    pub fn object(&self) -> ObjectRef {
        ObjectRef {
            version: self.version.as_deref().map(str::to_owned),
            ..ObjectRef::new(&*self.bucket, &*self.key)
        }
    }
}

/// Where a record comes from.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    /// Who reads it.
    pub function: &'a str,
    /// Id of the group that it is read with, if it is known.
    pub group: Option<&'a str>,
    /// Ids of the tables that it is read for.
    pub tables: &'a [String],
    /// The raw object.
    pub object: &'a ObjectRef,
}

/// Appends one entry, with its line end, to `out`.
pub fn write_entry(
    out: &mut Vec<u8>,
    from: Provenance<'_>,
    at: Position,
    reason: &str,
    detail: &str,
    kept: Kept<'_>,
) {
    let Provenance { function, group, tables, object } = from;
    let text = std::str::from_utf8(kept.raw).ok();
    let entry = Entry {
        bucket: object.bucket.as_str().into(),
        key: object.key.as_str().into(),
        version: object.version.as_deref().map(Cow::Borrowed),
        group: group.map(Cow::Borrowed),
        tables: Some(tables.iter().map(|table| table.as_str().into()).collect()),
        record: at.index,
        offset: at.offset,
        reason: reason.into(),
        detail: detail.into(),
        function: function.into(),
        function_version: env!("CARGO_PKG_VERSION").into(),
        form: Some(kept.form),
        header: kept.header.map(Cow::Borrowed),
        envelope: kept.envelope,
        length: kept.cut.map(|cut| cut.length),
        sha256: kept.cut.map(|cut| cut.sha256.as_str().into()),
        raw: text.map(Cow::Borrowed),
        raw_base64: text.is_none().then(|| STANDARD.encode(kept.raw).into()),
    };
    // Strings and numbers always serialise, and a Vec takes every byte.
    if serde_json::to_writer(&mut *out, &entry).is_ok() {
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Position = Position { index: 3, offset: 77 };

    fn written(kept: Kept<'_>) -> String {
        let mut out = Vec::new();
        let object = ObjectRef::new("raw-logs", "a.json.gz");
        let tables = ["A@2.0".to_owned()];
        let from = Provenance { function: "f", group: Some("g"), tables: &tables, object: &object };
        write_entry(&mut out, from, AT, "why", "in words", kept);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_entry_says_where_why_and_what() {
        let lines = [b"{\"a\":1}".as_slice(), b"\xff"].map(|raw| written(Kept::new(Form::Record, raw)));
        let values = lines.each_ref().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        assert_eq!(values[0]["raw"], "{\"a\":1}");
        assert_eq!((&values[0]["record"], &values[0]["offset"]), (&3.into(), &77.into()));
        assert_eq!((&values[0]["form"], values[0].get("header")), (&"record".into(), None));
        assert_eq!((&values[0]["group"], &values[0]["tables"][0]), (&"g".into(), &"A@2.0".into()));
        assert_eq!((&values[1]["raw_base64"], values[1].get("raw")), (&"/w==".into(), None));
        let entry: Entry<'_> = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!((entry.raw().as_deref(), entry.object().key.as_str()), (Some(&b"\xff"[..]), "a.json.gz"));
    }

    #[test]
    fn an_entry_says_that_it_is_cut() {
        let cut = Cut { length: 70_000, sha256: "ab".repeat(32) };
        let line = written(Kept { cut: Some(&cut), ..Kept::new(Form::Unreadable, b"{\"a\":") });
        let entry: Entry<'_> = serde_json::from_str(&line).unwrap();
        assert!(entry.is_cut() && entry.raw().as_deref() == Some(b"{\"a\":"));
        assert_eq!((entry.length, entry.sha256.as_deref()), (Some(70_000), Some(cut.sha256.as_str())));
        let whole = written(Kept::new(Form::Record, b"{}"));
        assert!(!whole.contains("length") && !serde_json::from_str::<Entry<'_>>(&whole).unwrap().is_cut());
    }

    #[test]
    fn a_line_has_its_header() {
        let line = written(Kept::line("1 2", "start end"));
        let entry: Entry<'_> = serde_json::from_str(&line).unwrap();
        assert_eq!((entry.form, entry.header.as_deref()), (Some(Form::Line), Some("start end")));
        assert!(written(Kept::line("1 2", "")).contains(r#""header":"""#));
    }

    #[test]
    fn an_entry_from_before_there_were_forms() {
        let line = r#"{"bucket":"b","key":"k","record":0,"offset":0,"reason":"r","detail":"d","function":"f",
            "function_version":"0.0.1","raw":"x"}"#;
        let entry: Entry<'_> = serde_json::from_str(line).unwrap();
        assert_eq!((entry.form, entry.raw().as_deref()), (None, Some(&b"x"[..])));
        assert_eq!((entry.group, entry.tables), (None, None));
    }

    #[test]
    fn parts() {
        let record = r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logEvents":[{"message":"x"}]}"#;
        let forms = PartForms::of(record);
        let event = forms.part(br#"{"message":"x"}"#);
        assert_eq!(event.form, Form::LogEvent);
        assert_eq!(event.envelope.unwrap().owner.as_deref(), Some("111122223333"));
        assert_eq!(forms.part(b"{}").form, Form::Part);
        let record = r#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{\"items\":[7]}"},7]}"#;
        assert_eq!(PartForms::of(record).part(b"7").form, Form::Part);
        let single = r#"{"logStreamName":"s","message":"x"}"#;
        assert_eq!(PartForms::of(single).part(single.as_bytes()).form, Form::Record);
        assert_eq!(PartForms::of(r#"{"Findings":[{}]}"#).part(b"{}").form, Form::Part);
    }
}
