//! The distinct texts of one column, numbered in the order in which they came.
//!
//! A log's columns repeat themselves: a region, an event name, a caption is written once here and then stands as a
//! number, which is what Parquet's dictionary pages want in the end. So a value is hashed once on its whole way.

use std::hash::BuildHasher as _;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// A dictionary with more texts than this, or with texts for more than half of the values, saves nothing.
const MAX_TEXTS: usize = 1 << 16;

/// Below this many texts a column is not judged.
const MIN_TEXTS: usize = 4096;

/// Texts of more bytes than this are too many for a dictionary.
const MAX_BYTES: usize = 8 << 20;

/// Compares texts that are short as a rule, for which a call of the C library takes longer than the work.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let words = a_words.iter().zip(b_words).all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b));
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        // The last eight bytes overlap the words before them.
        (Some(a), Some(b)) => words && u64::from_le_bytes(*a) == u64::from_le_bytes(*b),
        _ => a_rest.iter().zip(b_rest).all(|(a, b)| a == b),
    }
}

#[derive(Debug)]
pub(crate) struct Dictionary {
    data: Vec<u8>,
    /// Text `i` is `data[ends[i]..ends[i + 1]]`.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The numbers that were given out last, by [`slot`].
    recent: [u32; RECENT],
}

/// Few texts alternate in most columns, so they are looked for here before they are hashed.
const RECENT: usize = 32;

/// A place among the recent numbers: length and ends tell the texts of a column apart as a rule.
#[inline]
fn slot(text: &[u8]) -> usize {
    let (Some(first), Some(last)) = (text.first(), text.last()) else { return 0 };
    (text.len() + 3 * usize::from(*first) + 5 * usize::from(*last)) % RECENT
}

impl Dictionary {
    pub(super) fn new() -> Self {
        Self {
            data: Vec::new(),
            ends: vec![0],
            numbers: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            recent: [0; RECENT],
        }
    }

    /// Texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// The text of that number.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        &self.data[self.ends[number] as usize..self.ends[number + 1] as usize]
    }

    /// The number of `text`, and true if it is new.
    #[inline]
    pub(super) fn number(&mut self, text: &str) -> (u32, bool) {
        let recent = self.recent[slot(text.as_bytes())];
        if self.len() > 0 && is_same(self.get(recent), text.as_bytes()) {
            return (recent, false);
        }
        self.find(text)
    }

    fn find(&mut self, text: &str) -> (u32, bool) {
        let Self { data, ends, numbers, hasher, recent } = self;
        let recent = &mut recent[slot(text.as_bytes())];
        let of = |number: u32| {
            let number = number as usize;
            &data[ends[number] as usize..ends[number + 1] as usize]
        };
        let entry = numbers.entry(
            hasher.hash_one(text.as_bytes()),
            |&number| of(number) == text.as_bytes(),
            |&number| hasher.hash_one(of(number)),
        );
        match entry {
            Entry::Occupied(entry) => {
                *recent = *entry.get();
                (*recent, false)
            }
            Entry::Vacant(entry) => {
                *recent = u32::try_from(ends.len() - 1).unwrap_or(u32::MAX);
                entry.insert(*recent);
                data.extend_from_slice(text.as_bytes());
                ends.push(u32::try_from(data.len()).unwrap_or(u32::MAX));
                (*recent, true)
            }
        }
    }

    /// True if a column of `values` values had better hold its texts themselves.
    pub(super) fn is_in_vain(&self, values: usize) -> bool {
        self.len() > MAX_TEXTS
            || self.data.len() > MAX_BYTES
            || (self.len() > MIN_TEXTS && self.len() > values / 2)
    }

    /// Forgets the texts and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.ends.truncate(1);
        self.numbers.clear();
        self.recent = [0; RECENT];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbered_in_their_order() {
        let mut dictionary = Dictionary::new();
        let numbers: Vec<(u32, bool)> =
            ["a", "a", "", "b", "a", ""].iter().map(|text| dictionary.number(text)).collect();
        assert_eq!(numbers, [(0, true), (0, false), (1, true), (2, true), (0, false), (1, false)]);
        assert_eq!((dictionary.len(), dictionary.get(1), dictionary.get(2)), (3, &b""[..], &b"b"[..]));
        dictionary.clear();
        assert_eq!(dictionary.number("b"), (0, true));
    }

    #[test]
    fn short_texts_are_compared_as_others() {
        let text = "0123456789abcdef0123456789";
        for length in 0..text.len() {
            assert!(is_same(&text.as_bytes()[..length], &text.as_bytes()[..length]));
            for other in 0..length {
                let mut changed = text.as_bytes()[..length].to_vec();
                changed[other] ^= 1;
                assert!(!is_same(&text.as_bytes()[..length], &changed) && !is_same(&changed, &changed[1..]));
            }
        }
    }

    #[test]
    fn a_dictionary_of_ids_is_in_vain() {
        let mut dictionary = Dictionary::new();
        for number in 0..=MIN_TEXTS {
            dictionary.number(&number.to_string());
        }
        assert!(dictionary.is_in_vain(2 * MIN_TEXTS) && !dictionary.is_in_vain(3 * MIN_TEXTS));
    }
}
