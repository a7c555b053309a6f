//! One raw object of a source, through the whole road:
//!
//! * nothing panics, and an object that fails leaves nothing behind;
//! * records are the sum of rows, skipped and quarantined, in each source version;
//! * what is well-formed does not fail, has as many records as another reader counts, and all their marked leaves;
//! * the same object gives the same lake, also when it arrives in other pieces;
//! * with little memory and beside another object it gives the same rows, and costs the other none of its own;
//! * the files are read by the `parquet` crate; times, days and paths are such, and every partition is registered;
//! * an entry of the quarantine is what stands at its offset, and stays there when it is read again.

use shared::ocsf::PLAUSIBLE_TIMES;
use shared::pipeline::{Report, Retried};
use shared::quarantine::{Entry, Form};
use shared::time;

use crate::decode;
use crate::output::{Contents, prefix};
use crate::panics;
use crate::road::{self, MAX_OBJECT_BYTES, Seen, Way};
use crate::subject::Subject;

/// Holds all that this module says against an object.
pub fn check(subject: &Subject, object: &[u8]) {
    look(subject, object, number(object), Looks { rows: true, pieces: true, beside: true });
}

/// The same for a fuzzer, to which speed matters: files are read, and objects ingested again, for some objects only,
/// and always for the same.
pub fn check_some(subject: &Subject, object: &[u8]) {
    let number = number(object);
    let beside = number.is_multiple_of(32);
    look(subject, object, number, Looks { rows: beside || number % 8 == 1, pieces: number % 4 == 2, beside });
}

/// What costs time.
#[derive(Debug, Clone, Copy)]
struct Looks {
    rows: bool,
    pieces: bool,
    beside: bool,
}

/// Another number for each object, and always the same for it.
fn number(object: &[u8]) -> usize {
    let number = object
        .iter()
        .fold(object.len(), |number, byte| (number ^ usize::from(*byte)).wrapping_mul(0x0100_0193));
    number ^ (number >> 15)
}

fn look(subject: &Subject, object: &[u8], number: usize, looks: Looks) {
    let whole = road::ingest(subject, &[(subject.key, object)], Way::default());
    is_sound(&whole);
    adds_up(&whole);
    let decoded = decode::reference(object, MAX_OBJECT_BYTES).ok();
    let contents = looks.rows.then(|| Contents::of(&whole));
    if let Some(decoded) = &decoded {
        is_expected(subject, decoded, &whole.report, contents.as_ref());
    }
    is_quarantined_rightly(subject, decoded.as_deref(), &whole);
    if looks.pieces {
        in_pieces(subject, object, &whole, 1 + number % 61);
    }
    if let Some(contents) = contents.filter(|_| looks.beside) {
        beside_another(subject, object, &whole, contents, 1 + number % 3_001);
    }
}

/// What holds of every lake.
fn is_sound(seen: &Seen) {
    let report = &seen.report;
    assert_eq!(report.panics, 0, "{}: {report:?}", panics::last());
    if !report.failures.is_empty() {
        assert!(seen.lake.is_empty(), "an object that failed has left something behind: {report:?}");
    }
    let mut prefixes: Vec<&str> =
        seen.lake.keys().filter(|key| key.starts_with("aws/")).map(|key| prefix(key)).collect();
    prefixes.dedup();
    assert_eq!(prefixes, seen.registered, "partitions with rows, and those that were registered");
    let days = [PLAUSIBLE_TIMES.start, PLAUSIBLE_TIMES.end - 1].map(time::day);
    for prefix in prefixes {
        let segments: Vec<&str> = prefix.trim_end_matches('/').split('/').collect();
        let [_, _, _, region, account, day] = segments[..] else { panic!("{prefix} is no partition") };
        for (segment, name) in [(region, "region="), (account, "accountId="), (day, "eventDay=")] {
            let value = segment.strip_prefix(name).unwrap();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.%".contains(&byte);
            assert!(!value.is_empty() && value.bytes().all(is_plain), "{segment} is no path segment");
            if segment == day {
                assert!(value >= days[0].as_str() && value <= days[1].as_str(), "{day} is no day of a log");
            }
        }
    }
}

/// Records are rows, skipped or quarantined.
fn adds_up(seen: &Seen) {
    let report = &seen.report;
    let [skipped, quarantined] =
        [&report.skipped, &report.quarantined].map(|counts| counts.values().sum::<u64>());
    assert_eq!(quarantined, seen.quarantine().len() as u64, "{report:?}");
    let landed = report.records.checked_sub(skipped + quarantined);
    for version in ["1.0", "2.0"] {
        let of_version = report.rows.iter().filter(|(table, _)| table.ends_with(version));
        let rows = of_version.map(|(_, rows)| rows).sum();
        // AWS has no tables of version 1.0 for some sources.
        if version == "2.0" || rows > 0 {
            assert_eq!(landed, Some(rows), "rows of {version} do not add up: {report:?}");
        }
    }
}

/// Another reader has counted the records and looked for marks in them.
fn is_expected(subject: &Subject, decoded: &[u8], report: &Report, contents: Option<&Contents>) {
    let Some(expected) = subject.reading.expect(decoded) else { return };
    if decoded.is_empty() {
        return;
    }
    assert!(report.failures.is_empty(), "it is well-formed and yet failed: {report:?}");
    let counts = expected.at_least..=expected.at_most;
    assert!(counts.contains(&report.records), "expected {counts:?} records: {report:?}");
    let Some(contents) = contents.filter(|_| report.skipped.is_empty()) else { return };
    for mark in &expected.marks {
        let is_kept = contents.rows_of("2.0").chain(&contents.quarantine).any(|row| row.contains(mark));
        assert!(is_kept, "{mark} is nowhere: {report:?}");
    }
}

/// Entries say where their records are, and reading them again changes nothing.
fn is_quarantined_rightly(subject: &Subject, decoded: Option<&[u8]>, seen: &Seen) {
    let lines = seen.quarantine();
    let entries: Vec<Entry<'_>> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    if entries.is_empty() {
        return;
    }
    for entry in &entries {
        let raw = entry.raw().unwrap();
        if let Some(decoded) = decoded
            && matches!(entry.form, Some(Form::Record | Form::Line | Form::Unreadable))
        {
            let offset = usize::try_from(entry.offset).unwrap();
            let there = decoded.get(offset..).unwrap_or_default();
            // A message of a log event is the record, and stands there in quotes.
            let is_inside = entry.form == Some(Form::Record);
            assert!(there.starts_with(&raw) || is_inside, "another record stands at {offset}: {entry:?}");
        }
    }
    for (entry, retried) in entries.iter().zip(road::retry(subject, &entries)) {
        match retried {
            Retried::NotAlone => {}
            Retried::Stays { reason, .. } if reason == entry.reason => {}
            other => panic!("read again: {other:?}, and before: {entry:?}"),
        }
    }
}

/// The same object in pieces.
fn in_pieces(subject: &Subject, object: &[u8], whole: &Seen, piece: usize) {
    let way = Way { piece: Some(piece), ..Way::default() };
    let pieces = road::ingest(subject, &[(subject.key, object)], way);
    assert_eq!(pieces.report.failures.len(), whole.report.failures.len(), "in pieces of {piece}");
    if whole.report.failures.is_empty() {
        assert_eq!(pieces.report, whole.report, "in pieces of {piece}");
        assert!(pieces.lake == whole.lake, "in pieces of {piece} it gives another lake");
    }
}

/// The same object behind another one, with room for few rows.
fn beside_another(subject: &Subject, object: &[u8], whole: &Seen, contents: Contents, buffer: usize) {
    let neighbour = ("neighbour", subject.neighbour.as_bytes());
    let alone = road::ingest(subject, &[neighbour], Way::default());
    let mut expected = Contents::of(&alone);
    assert!(!expected.rows.is_empty() && expected.quarantine.is_empty(), "the neighbour is no good object");
    expected.add(contents);
    let way = Way { buffer: Some(buffer), ..Way::default() };
    let both = road::ingest(subject, &[neighbour, (subject.key, object)], way);
    assert_eq!(both.report.failures.len(), whole.report.failures.len(), "beside another: {:?}", both.report);
    assert!(Contents::of(&both) == expected, "beside another and with {buffer} bytes it gives other rows");
}
