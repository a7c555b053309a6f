//! Times of findings: RFC 3339, and with an offset without a colon (Security Hub user guide, "Required top-level
//! ASFF attributes": `+hhmm` is as good as `+hh:mm`).

use shared::json::Raw;
use shared::ocsf::PLAUSIBLE_TIMES;
use shared::time::parse_rfc3339;

/// Milliseconds since the epoch; `None` for what is no time or no plausible one.
pub(crate) fn of(value: Raw<'_>) -> Option<i64> {
    parse(&value.scalar()?).filter(|millis| PLAUSIBLE_TIMES.contains(millis))
}

/// Milliseconds since the epoch, however long ago.
pub(crate) fn parse(text: &str) -> Option<i64> {
    parse_rfc3339(text).or_else(|| {
        let at = text.len().checked_sub(5)?;
        let (time, offset) = text.split_at_checked(at)?;
        let is_short =
            offset.starts_with(['+', '-']) && offset[1..].bytes().all(|byte| byte.is_ascii_digit());
        let (hours, minutes) = is_short.then(|| offset.split_at(3))?;
        parse_rfc3339(&[time, hours, ":", minutes].concat())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn offsets_with_and_without_a_colon() {
        let instant = parse("2026-03-14T09:05:00Z");
        assert!(instant.is_some());
        for text in
            ["2026-03-14T10:35:00+01:30", "2026-03-14T10:35:00+0130", "2026-03-14T08:05:00.000000000-0100"]
        {
            assert_eq!(parse(text), instant, "{text}");
        }
        for text in
            ["2026-03-14T10:35:00+013", "2026-03-14T10:35:00 0130", "2026-03-14", "+0130", "é+013", ""]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn noise_never_panics(text in ".{0,40}") {
            let _time = parse(&text);
        }
    }
}
