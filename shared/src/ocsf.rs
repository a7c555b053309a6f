//! What all sources share of OCSF: `unmapped`, observables, enum ids that come with a caption, and the bounds of
//! OCSF's types.

mod unmapped;

pub use unmapped::Unmapped;

use std::net::Ipv6Addr;

use crate::rows::{Leaf, List, Rows, RowsError};

/// OCSF's `string_t` holds at most this many characters.
pub const MAX_STRING: usize = 65_535;

/// Times outside 1990 to 2100 (milliseconds since the epoch) are no times of a log: seconds or microseconds
/// taken for milliseconds fall outside.
pub const PLAUSIBLE_TIMES: std::ops::Range<i64> = 631_152_000_000..4_102_444_800_000;

/// The longest beginning of `text` that a `string_t` can hold; all of it as a rule.
pub fn bounded(text: &str) -> &str {
    if text.len() <= MAX_STRING {
        return text;
    }
    text.char_indices().nth(MAX_STRING).map_or(text, |(end, _)| &text[..end])
}

/// True if `text` is an IPv4 or IPv6 address as OCSF's `ip_t` wants it, which has 40 characters at most.
pub fn is_ip(text: &str) -> bool {
    is_ipv4(text.as_bytes()) || (text.len() <= 40 && text.parse::<Ipv6Addr>().is_ok())
}

/// True for four numbers up to 255 without leading zeros: most addresses of a log, told in one short pass.
fn is_ipv4(text: &[u8]) -> bool {
    let (mut dots, mut digits, mut number) = (0, 0, 0_u32);
    for &byte in text {
        match byte {
            b'0'..=b'9' if digits == 0 || number > 0 => {
                number = number * 10 + u32::from(byte - b'0');
                digits += 1;
                if number > 255 {
                    return false;
                }
            }
            b'.' if digits > 0 && dots < 3 => (dots, digits, number) = (dots + 1, 0, 0),
            _ => return false,
        }
    }
    dots == 3 && digits > 0
}

/// True if `text` could be a host name: letters, digits, `-`, `.`, `_` and at least one dot.
pub fn is_hostname(text: &str) -> bool {
    text.contains('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Types of observables that sources use, as OCSF 1.1.0 numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservableType {
    /// 1
    Hostname,
    /// 2
    IpAddress,
    /// 4
    UserName,
    /// 6
    UrlString,
    /// 8
    Hash,
    /// 9
    ProcessName,
    /// 10
    ResourceUid,
}

impl ObservableType {
    /// `type_id` and its caption.
    fn id_and_caption(self) -> (i32, &'static str) {
        match self {
            Self::Hostname => (1, "Hostname"),
            Self::IpAddress => (2, "IP Address"),
            Self::UserName => (4, "User Name"),
            Self::UrlString => (6, "URL String"),
            Self::Hash => (8, "Hash"),
            Self::ProcessName => (9, "Process Name"),
            Self::ResourceUid => (10, "Resource UID"),
        }
    }
}

/// The leaves of the column `observables`.
#[derive(Debug, Clone, Copy)]
pub struct Observables {
    list: List,
    name: Leaf<str>,
    value: Leaf<str>,
    caption: Leaf<str>,
    type_id: Leaf<i32>,
}

impl Observables {
    /// Finds the leaves.
    ///
    /// # Errors
    /// If the table has no `observables`.
    pub fn new(rows: &Rows) -> Result<Self, RowsError> {
        Ok(Self {
            list: rows.list("observables")?,
            name: rows.leaf("observables[].name")?,
            value: rows.leaf("observables[].value")?,
            caption: rows.leaf("observables[].type")?,
            type_id: rows.leaf("observables[].type_id")?,
        })
    }

    /// Adds an observable to the current row: `name` is the path of the attribute that has `value`.
    pub fn push(&self, rows: &mut Rows, name: &str, kind: ObservableType, value: &str) {
        let (type_id, caption) = kind.id_and_caption();
        rows.element(self.list);
        rows.text(self.name, name);
        rows.text(self.value, value);
        rows.text(self.caption, caption);
        rows.int(self.type_id, type_id);
    }
}

/// `user.type_id` for a raw type that stands in `user.type`: OCSF's own captions keep their id, all else is 99.
pub fn user_type_id(caption: &str) -> i32 {
    match caption {
        "Unknown" => 0,
        "User" => 1,
        "Admin" => 2,
        "System" => 3,
        _ => 99,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn addresses_are_those_of_the_standard_library(text in "[0-9]{0,3}(\\.[0-9]{0,3}){2,4}|[0-9.]{0,16}|[0-9a-f:.]{0,24}") {
            prop_assert_eq!(is_ip(&text), text.parse::<IpAddr>().is_ok());
        }
    }

    #[test]
    fn strings_are_bounded_by_characters() {
        let long = "é".repeat(MAX_STRING + 5);
        assert_eq!(bounded(&long).chars().count(), MAX_STRING);
        assert_eq!(bounded("short"), "short");
        let wide_but_short = "é".repeat(MAX_STRING - 1);
        assert_eq!(bounded(&wide_but_short), wide_but_short);
    }

    #[test]
    fn addresses_and_names() {
        assert!(is_ip("192.0.2.1") && is_ip("2001:db8::1"));
        assert!(!is_ip("192.0.2.01") && !is_ip("AWS Internal") && !is_ip(""));
        assert!(!is_ip("0000:0000:0000:0000:0000:ffff:203.0.113.201"));
        assert!(is_hostname("ecs.amazonaws.com"));
        assert!(!is_hostname("AWS Internal") && !is_hostname("192.0.2.01") && !is_hostname("host"));
    }
}
