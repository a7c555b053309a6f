//! Lines of a flow log: headers, records with a header, records without one.
//!
//! Without a header nothing names the fields. A line of the default format is known by its shape; custom formats
//! often begin with the fields of the default one, and then what follows them is kept under its number. Any other
//! order cannot be told, and guessing would put one side's port into the other's column, so such a line goes to
//! quarantine.
//!
//! What is a header and what a record, [`crate::format`] says. Two forms leave no doubt: the rows of a Parquet file are
//! records all, since its columns have told the names, and so is a message of CloudWatch Logs or Firehose, where AWS
//! writes no header.

use shared::decode::{Columns, unescape};
use shared::source::Rejection;

use crate::format::{Bounds, DEFAULT_FIELDS, Field, Format, Record, Separator};
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
    /// A row of a Parquet file, without the escapes that made it one line.
    unescaped: String,
    is_first: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            named: None,
            unnamed: Format::default_and(0),
            bounds: Vec::new(),
            unescaped: String::new(),
            is_first: true,
        }
    }
}

impl Lines {
    /// Forgets the header: another object begins.
    pub fn begin(&mut self) {
        self.named = None;
        self.is_first = true;
    }

    /// Reads a line of an object.
    ///
    /// # Errors
    /// If it does not have the fields that the header names, or nothing names its fields.
    #[inline]
    pub fn read<'a>(&'a mut self, line: &'a str) -> Result<Line<'a>, Rejection> {
        let is_header = self.reads_header(line);
        self.is_first = false;
        if is_header {
            return Ok(Line::Header);
        }
        let Self { named, unnamed, bounds, unescaped, .. } = self;
        let Some(format) = named else { return without_header(line, unnamed, bounds) };
        if format.is_transit_gateway() {
            return Ok(Line::TransitGateway);
        }
        format.split(line, bounds);
        if bounds.len() != format.fields() {
            return Err(wrong_count(format.fields(), bounds.len()));
        }
        if format.separator() == Separator::Blanks {
            return Ok(Line::Record(Record { line, bounds, format }));
        }
        of_columns(line, bounds, format, unescaped)
    }

    /// Reads a line that stands by itself, under no header, and is none.
    ///
    /// # Errors
    /// If it is not of the default format.
    pub fn read_alone<'a>(&'a mut self, line: &'a str) -> Result<Line<'a>, Rejection> {
        without_header(line, &mut self.unnamed, &mut self.bounds)
    }

    /// True if the line is a header, which then holds.
    #[inline]
    fn reads_header(&mut self, line: &str) -> bool {
        if self.is_first
            && let Some(columns) = Columns::of_line(line)
        {
            self.named = Format::of_columns(columns);
            return self.named.is_some();
        }
        // Most records begin with a number, and no field's name does.
        let first = line.bytes().find(|byte| *byte > b' ');
        if !first.is_some_and(|byte| byte.is_ascii_lowercase()) {
            return false;
        }
        if self.named.as_ref().is_some_and(|format| format.separator() == Separator::Tab) {
            return false;
        }
        let Some(header) = Format::of_header(line, self.is_first) else { return false };
        let is_header = match &self.named {
            _ if self.is_first => true,
            Some(format) => format.rules_out(&header),
            // Of one word, it may be the only value of a record as well as the only name.
            None => header.fields() > 1,
        };
        if is_header {
            self.named = Some(header);
        }
        is_header
    }
}

/// A record whose values are not between blanks: of a Parquet file, where they may have escapes, or between commas.
fn of_columns<'a>(
    line: &'a str,
    bounds: &'a mut [Bounds],
    format: &'a Format,
    unescaped: &'a mut String,
) -> Result<Line<'a>, Rejection> {
    if format.separator() == Separator::Tab && format.is_unknown() {
        let detail = format!("none of the {} columns has the name of a flow log's field", format.fields());
        return Err(Rejection { reason: "unknown_format", detail });
    }
    if format.separator() != Separator::Tab || memchr::memchr(b'\\', line.as_bytes()).is_none() {
        return Ok(Line::Record(Record { line, bounds, format }));
    }
    unescaped.clear();
    for (from, to) in bounds.iter_mut() {
        let start = unescaped.len();
        unescape(line.get(*from..*to).unwrap_or_default(), unescaped);
        (*from, *to) = (start, unescaped.len());
    }
    Ok(Line::Record(Record { line: unescaped, bounds, format }))
}

fn without_header<'a>(
    line: &'a str,
    unnamed: &'a mut Format,
    bounds: &'a mut Vec<Bounds>,
) -> Result<Line<'a>, Rejection> {
    /// More values than any version of the format has fields, by far.
    const MAX: usize = 256;
    crate::format::split(line, Separator::Blanks, MAX, bounds);
    let found = bounds.len();
    let of_transit_gateway = transit_gateway(line, bounds);
    if of_transit_gateway == Some(1) {
        return Ok(Line::TransitGateway);
    }
    let more = found.saturating_sub(DEFAULT_FIELDS);
    if found <= MAX && unnamed.fields() != DEFAULT_FIELDS + more {
        *unnamed = Format::default_and(more);
    }
    let record = Record { line, bounds, format: unnamed };
    if !(DEFAULT_FIELDS..=MAX).contains(&found) || !has_default_shape(&record, more > 0) {
        if of_transit_gateway.is_some() {
            return Ok(Line::TransitGateway);
        }
        let detail = format!(
            "no header names the fields, and the line, of {found} values, does not begin with the fields of the \
             default format; deliver this flow log to Amazon S3 as text or Parquet, where the fields have names, or \
             let its format begin with the {DEFAULT_FIELDS} fields of the default one"
        );
        return Err(Rejection { reason: "unknown_format", detail });
    }
    Ok(Line::Record(record))
}

/// Where the values of a transit gateway say what they are of, if they are such: in the second field by default, else in
/// any.
fn transit_gateway(line: &str, bounds: &[Bounds]) -> Option<usize> {
    let mut words = bounds.iter().filter_map(|&(from, to)| line.get(from..to));
    let place = words.clone().position(|word| word == "TransitGateway")?;
    (place == 1 || words.any(|word| word.starts_with("tgw-"))).then_some(place)
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
    use crate::format::MAX_FIELDS;

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
        assert_eq!(read(&mut lines, "dstaddr bytes new"), "header");
        assert_eq!(read(&mut lines, "192.0.2.1 5 x"), "192.0.2.1 new=x");
        assert_eq!(read(&mut lines, "dstaddr bytes new"), "header");
        assert_eq!(read(&mut lines, "new 192.0.2.1 5 x"), "field_count");
        assert_eq!(read(&mut lines, "eni-1 5 y"), "eni-1 new=y");
        assert_eq!(read(&mut lines, "192.0.2.1"), "field_count");
        assert_eq!(read(&mut lines, "newer dstaddr bytes"), "header");
        assert_eq!(read(&mut lines, "7 192.0.2.1 5"), "192.0.2.1 newer=7");
        assert_eq!(read(&mut lines, "bytes,dstaddr"), "header");
        assert_eq!(read(&mut lines, "5,192.0.2.2"), "192.0.2.2 ");
        lines.begin();
        assert_eq!(read(&mut lines, "5 192.0.2.2"), "unknown_format");
        assert_eq!(read(&mut lines, "region"), "unknown_format");
        assert_eq!(read(&mut lines, "bytes dstaddr"), "header");
        assert_eq!(read(&mut lines, "5 192.0.2.2"), "192.0.2.2 ");
        lines.begin();
        assert_eq!(read(&mut lines, "new dstaddr srcaddr"), "header");
    }

    #[test]
    fn a_record_with_names_of_fields_is_a_record() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, "ecs-cluster-name ecs-service-name dstaddr"), "header");
        for name in ["region", "tgw-edge", "packets-lost", "account_id", "ecs-cluster-name"] {
            let expected = format!("192.0.2.1 ecs_cluster_name={name} ecs_service_name=start");
            assert_eq!(read(&mut lines, &format!("{name} start 192.0.2.1")), expected);
            assert_eq!(read(&mut lines, &format!("{name} start")), "field_count");
        }
    }

    #[test]
    fn a_header_and_records_in_one_line_are_no_header() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, "version dstaddr\r2 192.0.2.1"), "unknown_format");
        lines.begin();
        assert_eq!(read(&mut lines, "region type az-id\rhere it is"), "unknown_format");
    }

    #[test]
    fn rows_of_a_parquet_file_are_records() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, "#columns\tecs_cluster_name\tdstaddr"), "header");
        assert_eq!(read(&mut lines, "region\tversion"), "version ecs_cluster_name=region");
        assert_eq!(read(&mut lines, "my service\t192.0.2.1"), "192.0.2.1 ecs_cluster_name=my service");
        let escaped = "a\\nb\\\\n\\tc\t192.0.2.1";
        assert_eq!(read(&mut lines, escaped), "192.0.2.1 ecs_cluster_name=a\nb\\n\tc");
        assert_eq!(read(&mut lines, "#columns\tdstaddr"), "dstaddr ecs_cluster_name=#columns");
        assert_eq!(read(&mut lines, "192.0.2.1"), "field_count");
        lines.begin();
        assert_eq!(read(&mut lines, "#columns\tsome\tother"), "header");
        assert_eq!(read(&mut lines, "1\t2"), "unknown_format");
    }

    #[test]
    fn a_header_at_the_beginning_may_have_many_new_fields() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, "new-a dstaddr new-b new-c bytes new-d"), "header");
        assert!(read(&mut lines, "a 192.0.2.1 b c 5 d").starts_with("192.0.2.1 new_a=a"));
        assert_eq!(read(&mut lines, "newer dstaddr newer-b newer-c bytes newer-d newer-e"), "field_count");
    }

    #[test]
    fn more_columns_than_any_log_has_are_not_looked_through() {
        let names = format!("#columns{}", "\tdstaddr\tnew".repeat(MAX_FIELDS));
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, &names), "unknown_format");
        assert_eq!(read(&mut lines, &"1\t".repeat(2 * MAX_FIELDS)), "unknown_format");
    }

    #[test]
    fn blanks_that_fill_a_value_up_are_no_part_of_it() {
        let mut lines = Lines::default();
        assert_eq!(read(&mut lines, "#columns\tdstaddr\tnew"), "header");
        assert_eq!(read(&mut lines, "192.0.2.1   \tx "), "192.0.2.1 new=x ");
    }

    #[test]
    fn a_line_by_itself_is_no_header() {
        for line in ["version dstaddr", "#columns\tdstaddr"] {
            assert_eq!(Lines::default().read_alone(line).unwrap_err().reason, "unknown_format");
        }
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
        assert_eq!(read(&mut lines, "tgw-1 6 TransitGateway 111122223333"), "transit gateway");
        assert_eq!(read(&mut lines, "a 6 TransitGateway 111122223333"), "unknown_format");
        assert_eq!(read(&mut lines, "tgw-id version srcaddr"), "header");
        assert_eq!(read(&mut lines, "tgw-1 6 192.0.2.7"), "transit gateway");
        assert_eq!(read(&mut lines, "dstaddr srcaddr version"), "header");
        assert_eq!(read(&mut lines, "192.0.2.7 - 2"), "192.0.2.7 ");
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
