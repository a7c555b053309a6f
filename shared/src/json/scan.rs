//! Finding what is special in a string, many bytes at a time.

/// Index of the first quote, backslash or control character at or after `at`.
#[inline(always)]
pub(super) fn special_byte(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Most strings end within two steps, nearly all others (ARNs, user agents) within a few more; long ones (tokens,
    // documents) are passed in strides that the compiler turns into vector instructions.
    for _ in 0..2 {
        let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            return in_tail(bytes, at);
        };
        let hits = special_bits(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return Some(at + (hits.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    in_long(bytes, at)
}

fn in_long(bytes: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..6 {
        let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            return in_tail(bytes, at);
        };
        let hits = special_bits(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return Some(at + (hits.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
        let special = chunk.iter().fold(0, |special, &byte| {
            special | u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20)
        });
        if special != 0 {
            break;
        }
        at += 32;
    }
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let hits = special_bits(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return Some(at + (hits.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    in_tail(bytes, at)
}

fn in_tail(bytes: &[u8], at: usize) -> Option<usize> {
    let tail = bytes.get(at..)?;
    tail.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20).map(|index| at + index)
}

/// The high bit of each byte that is special; above the lowest of them there may be false ones.
#[inline(always)]
fn special_bits(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    // The classic zero-byte test, thrice, with one mask: none of the three flips a byte's high bit. A borrow can only
    // flag bytes above a true hit, so the lowest is exact.
    let hits =
        (quote.wrapping_sub(ONES) | backslash.wrapping_sub(ONES) | word.wrapping_sub(ONES * 0x20)) & !word;
    hits & HIGHS
}

#[cfg(test)]
mod tests {
    use super::special_byte;

    #[test]
    fn every_place_and_every_byte() {
        for length in 0..130 {
            for start in [0, 1, 7] {
                let plain = vec![b'a'; length];
                assert_eq!(special_byte(&plain, start), None);
                for place in start..length {
                    for byte in [0, 0x1F, b'"', b'\\'] {
                        let mut text = plain.clone();
                        text[place] = byte;
                        if place + 1 < length {
                            text[length - 1] = b'"';
                        }
                        assert_eq!(special_byte(&text, start), Some(place), "{length} {place} {byte}");
                    }
                }
            }
        }
        for byte in 0x20..=u8::MAX {
            let is_special = byte == b'"' || byte == b'\\';
            assert_eq!(special_byte(&[byte; 40], 0), is_special.then_some(0), "{byte}");
        }
    }
}
