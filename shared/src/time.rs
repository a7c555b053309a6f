//! Times as logs write them, and the day that a time falls on. Only the proleptic Gregorian calendar in UTC is
//! needed, so no calendar library is.

/// Milliseconds since the epoch of an RFC 3339 date-time: `2026-03-14T09:05:00Z`, a fraction and an offset
/// allowed, digits below the millisecond dropped. `None` for anything else, including days that do not exist.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    match text.as_bytes().first_chunk() {
        Some(bytes) if text.len() == 20 => parse_plain(bytes).or_else(|| parse_any(text)),
        _ => parse_any(text),
    }
}

/// `2026-03-14T09:05:00Z` to the letter, which is how AWS writes most times. `None` for all else, leap seconds
/// included.
fn parse_plain(bytes: &[u8; 20]) -> Option<i64> {
    const SHAPE: &[u8; 20] = b"0000-00-00T00:00:00Z";
    let mut wrong = 0;
    for (&byte, &shape) in bytes.iter().zip(SHAPE) {
        // A digit minus `0` is at most 9; anything else has to be what the shape has.
        wrong |= if shape == b'0' { u8::from(byte.wrapping_sub(b'0') > 9) } else { byte ^ shape };
    }
    if wrong != 0 {
        return None;
    }
    let two = |at: usize| i64::from(bytes[at] - b'0') * 10 + i64::from(bytes[at + 1] - b'0');
    let (year, month, day) = (two(0) * 100 + two(2), two(5), two(8));
    let (hour, minute, second) = (two(11), two(14), two(17));
    let is_time = hour < 24 && minute < 60 && second < 60;
    // Days that not every month has are left to the slow way.
    if !is_time || !(1..=12).contains(&month) || !(1..=28).contains(&day) {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000)
}

fn parse_any(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        bytes.get(from..to)?.iter().try_fold(0_i64, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let separators = [(4, b"-"), (7, b"-"), (10, b"Tt"), (13, b":"), (16, b":")] as [(usize, &[u8]); 5];
    if !separators.iter().all(|(at, allowed)| bytes.get(*at).is_some_and(|byte| allowed.contains(byte))) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (mut millis, mut at) = (0, 19);
    if bytes.get(at) == Some(&b'.') {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let kept = digits.min(3);
        millis = number(at + 1, at + 1 + kept)? * [0, 100, 10, 1][kept];
        at += 1 + digits;
        if digits == 0 {
            return None;
        }
    }
    let offset = match bytes.get(at..)? {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'+' { 60_000 } else { -60_000 }
        }
        _ => return None,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second.min(59);
    Some(seconds * 1_000 + millis - offset)
}

/// The UTC day of a time in milliseconds since the epoch, as `YYYYMMDD`.
pub fn day(millis: i64) -> String {
    let (year, month, day) = civil_from_days(millis.div_euclid(86_400_000));
    format!("{year:04}{month:02}{day:02}")
}

/// A time in milliseconds since the epoch as `YYYY-MM-DDThh:mm:ssZ`.
pub fn to_rfc3339(millis: i64) -> String {
    let (year, month, day) = civil_from_days(millis.div_euclid(86_400_000));
    let second = millis.rem_euclid(86_400_000) / 1_000;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01. Years are counted from March, so that the leap day is a year's last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`]: year, month and day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn days_round_trip(days in -1_000_000..1_000_000_i64) {
            let (year, month, day) = civil_from_days(days);
            prop_assert_eq!(days_from_civil(year, month, day), days);
        }

        #[test]
        fn text_round_trips(seconds in 0..4_102_444_800_i64) {
            prop_assert_eq!(parse_rfc3339(&to_rfc3339(seconds * 1_000)), Some(seconds * 1_000));
        }

        #[test]
        fn noise_never_panics(text in ".{0,30}") {
            let _time = parse_rfc3339(&text);
        }

        #[test]
        fn both_ways_agree(text in "[0-2][0-9]{3}[-:][0-1][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9][Zz+]") {
            let plain = text.as_bytes().first_chunk().and_then(parse_plain);
            prop_assert!(plain.is_none() || plain == parse_any(&text), "{}", text);
            prop_assert_eq!(parse_rfc3339(&text), parse_any(&text));
        }
    }

    #[test]
    fn known_times() {
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_rfc3339("2014-07-18T15:07:39Z"), Some(1_405_696_059_000));
        assert_eq!(parse_rfc3339("2024-02-29T23:59:59.1239+01:30"), Some(1_709_245_799_123));
        assert_eq!(day(1_709_251_199_999), "20240229");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00.Z",
            "1709251199",
            "2024-1-1T0:0:0Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
