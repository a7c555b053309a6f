//! The form-encoding of keys in S3 event notifications.

use std::string::FromUtf8Error;

/// Decodes a key as S3 event notifications write it: `+` is a space, `%XX` a byte.
///
/// A `%` without two hexadecimal digits after it stands for itself: S3 never writes one, others that send
/// S3's shape do, and a key that does not exist is found out by the fetch.
pub(super) fn form_decode(encoded: &str) -> Result<String, FromUtf8Error> {
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => match after {
                [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    decoded.push(hex(*high) << 4 | hex(*low));
                    rest = tail;
                }
                _ => decoded.push(b'%'),
            },
            _ => decoded.push(byte),
        }
    }
    String::from_utf8(decoded)
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Encodes as S3 does: letters, digits and a few marks stay, a space becomes `+`, the rest `%XX`.
    fn form_encode(key: &str, upper: bool) -> String {
        key.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'*' => {
                    char::from(byte).to_string()
                }
                b' ' => "+".to_owned(),
                _ if upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            })
            .collect()
    }

    #[test]
    fn spaces_pluses_and_bytes() {
        for (encoded, decoded) in [
            ("a+b", "a b"),
            ("a%2Bb", "a+b"),
            ("a b", "a b"),
            ("a%20b", "a b"),
            ("%E3%81%82", "あ"),
            ("%e3%81%82", "あ"),
            ("あ", "あ"),
            ("region%3Dus-east-1/x=y", "region=us-east-1/x=y"),
            ("%2541", "%41"),
            ("a%00b", "a\0b"),
            ("", ""),
        ] {
            assert_eq!(form_decode(encoded).as_deref(), Ok(decoded), "{encoded}");
        }
    }

    #[test]
    fn a_broken_escape_stands_for_itself() {
        for (encoded, decoded) in [
            ("100%/x%ZZ.gz", "100%/x%ZZ.gz"),
            ("%", "%"),
            ("a%4", "a%4"),
            ("%%41", "%A"),
            ("%4あ", "%4あ"),
            ("%+1", "% 1"),
            ("%-1", "%-1"),
        ] {
            assert_eq!(form_decode(encoded).as_deref(), Ok(decoded), "{encoded}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(form_decode("a%FFb").is_err());
        assert!(form_decode("%C3").is_err());
        assert!(form_decode("%ED%A0%80").is_err(), "half of a surrogate pair");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(key in any::<String>(), upper in any::<bool>()) {
            prop_assert_eq!(form_decode(&form_encode(&key, upper)), Ok(key));
        }

        #[test]
        fn decoding_never_panics(encoded in "[%+0-9A-Fa-f/é\u{3042}]{0,40}") {
            let decoded = form_decode(&encoded).unwrap_or_default();
            prop_assert!(decoded.len() <= encoded.len());
        }
    }
}
