//! Lines of a flow log: headers, records with a header, records without one.
//!
//! Without a header nothing names the fields. A line of the default format is known by its shape; custom formats
//! often begin with the fields of the default one, and then what follows them is kept under its number. Any other
//! order cannot be told, and guessing would put one side's port into the other's column, so such a line goes to
//! quarantine.

use shared::source::Rejection;

use crate::format::{Bounds, DEFAULT_FIELDS, Field, Format, Record};
use crate::value::{NOTHING, int, is_ip, is_said, long, time};

/// What a line is.
#[derive(Debug)]
pub enum Line<'a> {
    /// The names of the fields of the lines that follow.
    Header,
    /// A record.
    Record(Record<'a>),
    /// A record of a transit gateway's flow log.
    TransitGateway,
}

/// Reads the lines of one object after the other.
#[derive(Debug)]
pub struct Lines {
    /// What the object's header says.
    named: Option<Format>,
    /// The default format, with as many unnamed fields as the last line without a header had.
    unnamed: Format,
    bounds: Vec<Bounds>,
    is_first: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self { named: None, unnamed: Format::default_and(0), bounds: Vec::new(), is_first: true }
    }
}

impl Lines {
    /// Forgets the header: another object begins.
    pub fn begin(&mut self) {
        self.named = None;
        self.is_first = true;
    }

    /// Reads a line.
    ///
    /// # Errors
    /// If it does not have the fields that the header names, or nothing names its fields.
    #[inline]
    pub fn read<'a>(&'a mut self, line: &'a str) -> Result<Line<'a>, Rejection> {
        if self.reads_header(line) {
            return Ok(Line::Header);
        }
        self.is_first = false;
        let Self { named, unnamed, bounds, .. } = self;
        let Some(format) = named else { return without_header(line, unnamed, bounds) };
        if format.is_transit_gateway() {
            return Ok(Line::TransitGateway);
        }
        format.split(line, bounds);
        if bounds.len() != format.fields() {
            return Err(wrong_count(format.fields(), bounds.len()));
        }
        Ok(Line::Record(Record { line, bounds, format }))
    }

    /// True if the line is a header, which then holds.
    #[inline]
    fn reads_header(&mut self, line: &str) -> bool {
        // Most records begin with a number, and no field's name does.
        let first = line.bytes().find(|byte| *byte > b' ');
        if !first.is_some_and(|byte| byte.is_ascii_alphabetic()) {
            return false;
        }
        if self.named.as_ref().is_some_and(|format| format.is_header(line)) {
            return true;
        }
        let word = line.trim_ascii_start();
        let word = word.split(|c: char| c <= ' ' || c == ',').next().unwrap_or_default();
        if !self.is_first && !crate::format::is_field(word) {
            return false;
        }
        let Some(format) = Format::of_header(line, self.is_first) else { return false };
        self.named = Some(format);
        self.is_first = false;
        true
    }
}

fn without_header<'a>(
    line: &'a str,
    unnamed: &'a mut Format,
    bounds: &'a mut Vec<Bounds>,
) -> Result<Line<'a>, Rejection> {
    /// More values than any version of the format has fields, by far.
    const MAX: usize = 256;
    crate::format::split(line, false, MAX, bounds);
    let found = bounds.len();
    if bounds.get(1).and_then(|&(from, to)| line.get(from..to)) == Some("TransitGateway") {
        return Ok(Line::TransitGateway);
    }
    let more = found.saturating_sub(DEFAULT_FIELDS);
    if found <= MAX && unnamed.fields() != DEFAULT_FIELDS + more {
        *unnamed = Format::default_and(more);
    }
    let record = Record { line, bounds, format: unnamed };
    if !(DEFAULT_FIELDS..=MAX).contains(&found) || !has_default_shape(&record, more > 0) {
        let detail = format!(
            "no header names the fields, and the line, of {found} values, does not begin with the fields of the \
             default format; deliver this flow log to Amazon S3 as text or Parquet, where the fields have names, or \
             let its format begin with the {DEFAULT_FIELDS} fields of the default one"
        );
        return Err(Rejection { reason: "unknown_format", detail });
    }
    Ok(Line::Record(record))
}

fn wrong_count(expected: usize, found: usize) -> Rejection {
    let more = if found > expected { "more" } else { &found.to_string() };
    let detail =
        format!("expected a value for each of the {expected} fields that the header names, found {more}");
    Rejection { reason: "field_count", detail }
}

/// True if the values of the default format's fields are such values. A `strict` look also wants every number to be
/// one, since the line may as well be of another format.
fn has_default_shape(record: &Record<'_>, strict: bool) -> bool {
    let get = |field| record.get(field);
    let is_address = |field| get(field) == NOTHING || is_ip(get(field));
    let is_number = |field, max| get(field) == NOTHING || int(get(field), max).is_some();
    let is_time = |field| time(get(field)).is_some();
    let certain = int(get(Field::Version), 99).is_some()
        && is_address(Field::SrcAddr)
        && is_address(Field::DstAddr)
        && is_time(Field::Start)
        && is_time(Field::End)
        && matches!(get(Field::Action), "ACCEPT" | "REJECT" | NOTHING)
        && matches!(get(Field::LogStatus), "OK" | "NODATA" | "SKIPDATA");
    // A packet has many bytes, so the two cannot have changed places.
    let is_counted = match (long(get(Field::Packets)), long(get(Field::Bytes))) {
        (Some(packets), Some(bytes)) => packets <= bytes,
        _ => !strict || !is_said(get(Field::Packets)) && !is_said(get(Field::Bytes)),
    };
    let is_exact = || {
        is_number(Field::SrcPort, u16::MAX)
            && is_number(Field::DstPort, u16::MAX)
            && is_number(Field::Protocol, 255)
            && matches!(get(Field::InterfaceId), NOTHING) | get(Field::InterfaceId).starts_with("eni-")
    };
    certain && is_counted && (!strict || is_exact())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULT: &str =
        "2 111122223333 eni-0a 192.0.2.7 198.51.100.4 49152 443 6 10 840 1773479100 1773479160 ACCEPT OK";

    fn read(lines: &mut Lines, line: &str) -> String {
        match lines.read(line) {
            Ok(Line::Header) => "header".to_owned(),
            Ok(Line::TransitGateway) => "transit gateway".to_owned(),
            Ok(Line::Record(record)) => {
                let rest: Vec<String> = record.rest().map(|(name, text)| format!("{name}={text}")).collect();
                format!("{} {}", record.get(Field::DstAddr), rest.join(" "))
            }
            Err(rejection) => rejection.reason.to_owned(),
        }
    }

    #[test]
    fn a_header_holds_until_another_or_the_next_object() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, "dstaddr new"), "header");
        assert_eq!(read(&mut lines, "192.0.2.1 x"), "192.0.2.1 new=x");
        assert_eq!(read(&mut lines, "dstaddr new"), "header");
        assert_eq!(read(&mut lines, "new 192.0.2.1 x"), "field_count");
        assert_eq!(read(&mut lines, "eni-1 y"), "eni-1 new=y");
        assert_eq!(read(&mut lines, "192.0.2.1"), "field_count");
        assert_eq!(read(&mut lines, "bytes dstaddr"), "header");
        assert_eq!(read(&mut lines, "5  192.0.2.2 "), "192.0.2.2 ");
        lines.begin();
        assert_eq!(read(&mut lines, "5 192.0.2.2"), "unknown_format");
        lines.begin();
        assert_eq!(read(&mut lines, "new dstaddr srcaddr"), "header");
    }

    #[test]
    fn without_a_header_the_shape_decides() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, DEFAULT), "198.51.100.4 ");
        assert_eq!(read(&mut lines, &format!("{DEFAULT} vpc-1 -")), "198.51.100.4 field_15=vpc-1 field_16=-");
        let nodata = "2 unknown eni-0a - - - - - - - 1773479100 1773479160 - NODATA";
        assert_eq!(read(&mut lines, nodata), "- ");
        // One bad number does not make it another format, unless there are more fields.
        let bad = DEFAULT.replace("49152", "70000");
        assert_eq!(read(&mut lines, &bad), "198.51.100.4 ");
        assert_eq!(read(&mut lines, &format!("{bad} x")), "unknown_format");
        let words: Vec<&str> = DEFAULT.split(' ').collect();
        for (a, b) in [(8, 9), (0, 2), (3, 5), (10, 12), (12, 13), (9, 10)] {
            let mut words = words.clone();
            words.swap(a, b);
            assert_eq!(read(&mut lines, &words.join(" ")), "unknown_format", "{a} and {b}");
        }
        assert_eq!(read(&mut lines, &words[..13].join(" ")), "unknown_format");
        assert_eq!(read(&mut lines, &"x ".repeat(100_000)), "unknown_format");
    }

    #[test]
    fn transit_gateways_are_told_apart() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, "6 TransitGateway 111122223333 tgw-1"), "transit gateway");
        assert_eq!(read(&mut lines, "version tgw-id srcaddr"), "header");
        assert_eq!(read(&mut lines, "6 tgw-1"), "transit gateway");
    }

    proptest! {
        #[test]
        fn any_text_is_read(texts in prop::collection::vec("\\PC{0,60}|[a-z2 ,.-]{0,60}", 0..6)) {
            let mut lines = Lines::default();
            for text in &texts {
                let _outcome = read(&mut lines, text);
            }
        }
    }
}
