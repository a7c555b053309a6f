//! Finding what is special in a string, many bytes at a time.

/// Index of the first quote, backslash or control character at or after `at`.
#[inline(always)]
pub(super) fn special_byte(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Most strings end within two steps; long ones (tokens, documents) are passed in strides that the compiler
    // turns into vector instructions.
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
    // The classic zero-byte test, thrice; a borrow can only flag bytes above a true hit, so the lowest is exact.
    let hits = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    hits & HIGHS
}
