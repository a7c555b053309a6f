//! The values of a flow log record, read without copying: numbers, times and addresses.

use shared::ocsf::{self, PLAUSIBLE_TIMES};

/// What a record shows for a field that does not apply to it or could not be computed.
pub const NOTHING: &str = "-";

/// True if the field has a value: the format has the field, and the record does not show [`NOTHING`] for it.
#[inline]
pub fn is_said(text: &str) -> bool {
    !text.is_empty() && text != NOTHING
}

/// A whole number of at most nineteen digits without a sign, up to `max`.
#[inline]
pub fn number(text: &str, max: u64) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut number = 0_u64;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    (number <= max).then_some(number)
}

/// A number that fits a `bigint` column.
#[inline]
pub fn long(text: &str) -> Option<i64> {
    number(text, i64::MAX.unsigned_abs()).map(u64::cast_signed)
}

/// A number up to `max` that fits an `int` column.
#[inline]
pub fn int(text: &str, max: u16) -> Option<i32> {
    number(text, u64::from(max)).and_then(|number| i32::try_from(number).ok())
}

/// Milliseconds since the epoch of a time in seconds, or in milliseconds, as some records have it; the two cannot
/// be taken for each other. `None` for what is no time of a log.
#[inline]
pub fn time(text: &str) -> Option<i64> {
    let number = long(text)?;
    let millis = if number < PLAUSIBLE_TIMES.start { number.checked_mul(1000)? } else { number };
    PLAUSIBLE_TIMES.contains(&millis).then_some(millis)
}

/// True if `text` is an IPv4 or IPv6 address, as [`ocsf::is_ip`] says; most are IPv4 and need no parser.
#[inline]
pub fn is_ip(text: &str) -> bool {
    is_ipv4(text.as_bytes()) || (text.contains(':') && ocsf::is_ip(text))
}

/// Four numbers up to 255 without leading zeros.
fn is_ipv4(text: &[u8]) -> bool {
    let (mut dots, mut digits, mut octet) = (0, 0, 0_u32);
    if text.len() > 15 {
        return false;
    }
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            if digits > 0 && octet == 0 {
                return false;
            }
            octet = octet * 10 + u32::from(digit);
            digits += 1;
            if octet > 255 {
                return false;
            }
        } else if byte == b'.' && digits > 0 && dots < 3 {
            (dots, digits, octet) = (dots + 1, 0, 0);
        } else {
            return false;
        }
    }
    dots == 3 && digits > 0
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_never_wrap() {
        assert_eq!(int("65535", u16::MAX), Some(65_535));
        assert_eq!(long("9223372036854775807"), Some(i64::MAX));
        for text in ["70000", "-1", "+1", "", "-", "1e3", "0x1", "４", "65536"] {
            assert_eq!(int(text, u16::MAX), None, "{text}");
        }
        for text in ["9223372036854775808", "18446744073709551616", "99999999999999999999", "1.0"] {
            assert_eq!(long(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_seconds_or_milliseconds() {
        assert_eq!(time("1773479100"), Some(1_773_479_100_000));
        assert_eq!(time("1773479100123"), Some(1_773_479_100_123));
        for text in ["0", "1", "99999999999", "1773479100123456", "9223372036854775807", "-", ""] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn addresses_are_those_of_the_standard_library(
            text in "[0-9]{1,4}(\\.[0-9]{0,4}){2,4}|[0-9a-f:.]{0,24}|\\PC{0,20}",
            v4 in any::<std::net::Ipv4Addr>(),
            v6 in any::<std::net::Ipv6Addr>(),
        ) {
            for text in [text, v4.to_string(), v6.to_string()] {
                prop_assert_eq!(is_ip(&text), text.parse::<IpAddr>().is_ok(), "{}", text);
            }
        }

        #[test]
        fn numbers_are_those_of_the_standard_library(text in "[0-9]{0,21}|\\PC{0,6}", any in any::<u64>()) {
            for text in [text, any.to_string()] {
                let expected = text.parse::<i64>().ok().filter(|_| text.len() < 20 && !text.starts_with(['+', '-']));
                prop_assert_eq!(long(&text), expected, "{}", text);
            }
        }
    }
}
