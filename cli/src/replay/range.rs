//! Which time an object belongs to, and whether that is in the range that was asked for.
//!
//! Most keys have the day of their records: `…/2026/03/14/…`, in the Hive form `…/year=2026/month=03/day=14/…`, or in
//! a file's name, `…_20260314T0905Z_…`. The day decides, as a whole: an object belongs to a range if any moment of its
//! day does. A key without a day belongs to when its object was last written.

use shared::time::{parse_rfc3339, to_rfc3339};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// From when to when, in milliseconds since the epoch, the end not included. A side that is absent is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TimeRange {
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
}

impl TimeRange {
    /// Whether an object is in the range, by its key and by when it was last written, in milliseconds.
    pub(crate) fn has(&self, key: &str, written: i64) -> bool {
        let (first, end) = match key_day(key) {
            Some(day) => (day, day + DAY),
            None => (written, written + 1),
        };
        self.from.is_none_or(|from| end > from) && self.to.is_none_or(|to| first < to)
    }
}

/// The begin of a range: a day, `2026-03-14`, or a moment, `2026-03-14T09:00:00Z`.
pub(crate) fn begin(text: &str) -> Result<i64, String> {
    moment(text).map(|(start, _)| start)
}

/// The end of a range: a day that still belongs to it, or the first moment that does not.
pub(crate) fn end(text: &str) -> Result<i64, String> {
    moment(text).map(|(_, end)| end)
}

/// Start and end of a day; of a moment both are itself.
fn moment(text: &str) -> Result<(i64, i64), String> {
    if let Some(day) = parse_rfc3339(&format!("{text}T00:00:00Z")) {
        return Ok((day, day + DAY));
    }
    let expected =
        || "expected a day such as 2026-03-14, or a moment such as 2026-03-14T09:00:00Z".to_owned();
    parse_rfc3339(text).map(|moment| (moment, moment)).ok_or_else(expected)
}

/// The day that a key names, in milliseconds since the epoch. The last one that it names, as folders in front may be
/// named for anything.
pub(crate) fn key_day(key: &str) -> Option<i64> {
    let segments: Vec<&str> = key.split('/').collect();
    let folders = segments.windows(3).rev().find_map(|three| match three {
        [year, month, day] => day_of(part(year, "year")?, part(month, "month")?, part(day, "day")?),
        _ => None,
    });
    folders.or_else(|| segments.last().and_then(|name| name.split('_').rev().find_map(stamp)))
}

/// A part of a date as a folder's name, alone or as `name=value`.
fn part<'a>(segment: &'a str, name: &str) -> Option<&'a str> {
    match segment.split_once('=') {
        Some((key, value)) => (key == name).then_some(value),
        None => Some(segment),
    }
}

/// The day of `20260314T0905Z`, as file names have it.
fn stamp(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    let is_time = time.starts_with(|first: char| first.is_ascii_digit());
    match (day.len(), day.is_ascii(), is_time) {
        (8, true, true) => day_of(&day[..4], &day[4..6], &day[6..]),
        _ => None,
    }
}

fn day_of(year: &str, month: &str, day: &str) -> Option<i64> {
    let has_digits =
        |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = has_digits(year, 4) && has_digits(month, 2) && has_digits(day, 2);
    is_date.then(|| parse_rfc3339(&format!("{year}-{month}-{day}T00:00:00Z"))).flatten()
}

/// A range as a person reads it.
impl std::fmt::Display for TimeRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |time: Option<i64>, open: &str| time.map_or_else(|| open.to_owned(), to_rfc3339);
        write!(formatter, "{} to {}", time(self.from, "the beginning"), time(self.to, "now"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        begin(text).unwrap()
    }

    #[test]
    fn the_day_of_a_key() {
        let march = Some(day("2026-03-14"));
        for (key, expected) in [
            (
                "AWSLogs/1/CloudTrail/us-east-1/2026/03/14/1_CloudTrail_us-east-1_20260315T0000Z_x.json.gz",
                march,
            ),
            (
                "AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/year=2026/month=03/day=14/hour=09/x.log.gz",
                march,
            ),
            ("security-hub/2026/03/14/09/findings-1.gz", march),
            ("2020/01/01/copy/2026/03/14/x", march),
            ("flat/1_vpcflowlogs_us-east-1_fl-0_20260314T0905Z_x.log.gz", march),
            ("2026/13/14/x", None),
            ("2026/02/30/x", None),
            ("26/03/14/x", None),
            ("notes.txt", None),
            ("a_20260314Tx_b", None),
            ("día_2026031éT0_b", None),
            ("", None),
        ] {
            assert_eq!(key_day(key), expected, "{key}");
        }
    }

    #[test]
    fn a_day_belongs_to_a_range_if_any_of_it_does() {
        let range =
            TimeRange { from: Some(day("2026-03-14T12:00:00Z")), to: Some(end("2026-03-15").unwrap()) };
        for (key, expected) in
            [("2026/03/13/x", false), ("2026/03/14/x", true), ("2026/03/15/x", true), ("2026/03/16/x", false)]
        {
            assert_eq!(range.has(key, 0), expected, "{key}");
        }
        let written = |text: &str| range.has("x", day(text));
        assert!(!written("2026-03-14T11:59:59Z") && written("2026-03-14T12:00:00Z"));
        assert!(written("2026-03-15T23:59:59Z") && !written("2026-03-16T00:00:00Z"));
        assert!(TimeRange::default().has("2026/03/13/x", 0));
    }

    #[test]
    fn the_end_has_its_day_but_not_its_moment() {
        let to = |text: &str| TimeRange { from: None, to: Some(end(text).unwrap()) };
        assert!(to("2026-03-14").has("2026/03/14/x", 0));
        assert!(!to("2026-03-14T00:00:00Z").has("2026/03/14/x", 0));
        for wrong in ["", "14.3.2026", "2026-03", "2026-02-30", "yesterday"] {
            assert!(begin(wrong).is_err(), "{wrong}");
        }
    }
}
