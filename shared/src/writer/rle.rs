//! Parquet's hybrid of run lengths and bit packing, by which levels and dictionary numbers are written.
//!
//! Runs of eight or more equal values are written as a count and the value; all else is packed in groups of eight
//! (Parquet format, "Run Length Encoding / Bit-Packing Hybrid").

/// Fewer equal values than this are packed: a run has to be worth its header.
const MIN_RUN: usize = 16;

/// Values that can be written: levels and dictionary numbers.
pub(super) trait Value: Copy + PartialEq {
    fn bits(self) -> u64;
}

impl Value for u8 {
    #[inline]
    fn bits(self) -> u64 {
        u64::from(self)
    }
}

impl Value for u32 {
    #[inline]
    fn bits(self) -> u64 {
        u64::from(self)
    }
}

/// Bits that a value up to `max` takes.
pub(super) fn width(max: u32) -> u32 {
    u32::BITS - max.leading_zeros()
}

/// Appends `values`, each below 2^`width`.
pub(super) fn encode<T: Value>(values: &[T], width: u32, out: &mut Vec<u8>) {
    let (mut at, mut packed) = (0, 0);
    while at < values.len() {
        let run = run_length(&values[at..]);
        if run >= MIN_RUN {
            pack(&values[packed..at], width, out);
            encode_run(values[at], run, width, out);
            at += run;
            packed = at;
        } else {
            at = values.len().min(at + 8);
        }
    }
    pack(&values[packed..], width, out);
}

/// Appends `count` times the same value.
pub(super) fn encode_run<T: Value>(value: T, count: usize, width: u32, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    out.extend_from_slice(&value.bits().to_le_bytes()[..width.div_ceil(8) as usize]);
}

#[inline]
fn run_length<T: Value>(values: &[T]) -> usize {
    values.iter().take_while(|&&value| value == values[0]).count()
}

/// Packs groups of eight; the last one is filled up with zeros.
fn pack<T: Value>(values: &[T], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    varint((values.len().div_ceil(8) as u64) << 1 | 1, out);
    out.reserve(values.len().div_ceil(8) * width as usize);
    if width <= 8 {
        for group in values.chunks(8) {
            let mut bits: u64 = 0;
            for (index, value) in group.iter().enumerate() {
                bits |= value.bits() << (index as u32 * width);
            }
            out.extend_from_slice(&bits.to_le_bytes()[..width as usize]);
        }
        return;
    }
    for group in values.chunks(8) {
        // Eight values of at most 16 bits: 128 bits at most.
        let mut bits: u128 = 0;
        for (index, value) in group.iter().enumerate() {
            bits |= u128::from(value.bits()) << (index as u32 * width);
        }
        out.extend_from_slice(&bits.to_le_bytes()[..width as usize]);
    }
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let take = if header & 1 == 1 {
                (header >> 1) as usize * width as usize
            } else {
                width.div_ceil(8) as usize
            };
            let (part, rest) = bytes.split_at(take);
            bytes = rest;
            let bit = |at: usize| u32::from(part[at / 8] >> (at % 8) & 1);
            let value =
                |at: usize| (0..width as usize).map(|i| bit(at * width as usize + i) << i).sum::<u32>();
            if header & 1 == 1 {
                values.extend((0..(header >> 1) as usize * 8).map(value));
            } else {
                values.extend(std::iter::repeat_n(value(0), (header >> 1) as usize));
            }
        }
        values.truncate(count);
        values
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(width in 1..=16_u32, runs in prop::collection::vec((any::<u32>(), 1..60_usize), 0..40)) {
            let values: Vec<u32> =
                runs.iter().flat_map(|(value, count)| std::iter::repeat_n(value % (1 << width), *count)).collect();
            let mut bytes = Vec::new();
            encode(&values, width, &mut bytes);
            prop_assert_eq!(decode(&bytes, width, values.len()), values);
        }
    }

    #[test]
    fn widths() {
        assert_eq!([0, 1, 2, 3, 4, 65_535].map(width), [0, 1, 2, 2, 3, 16]);
        let mut bytes = Vec::new();
        encode(&[0_u8; 1000], 0, &mut bytes);
        assert_eq!(bytes, [0xd0, 0x0f]);
    }
}
