//! Columns of numbers.

use std::hash::{BuildHasher as _, Hash};

use bytes::Bytes;
use hashbrown::hash_table::{Entry, HashTable};
use parquet::basic::Encoding;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use rustc_hash::FxBuildHasher;

use super::{MAX_DICTIONARY, Places, Ranks, dictionary_pages};
use crate::writer::chunk::{Bounds, Chunk};

/// A number that Parquet stores.
pub(super) trait Number: Copy + Ord + Hash {
    const SIZE: usize;
    /// The lowest bits.
    fn low(self) -> usize;
    fn push(self, out: &mut Vec<u8>);
}

impl Number for i32 {
    const SIZE: usize = 4;
    fn low(self) -> usize {
        usize::from(self.to_le_bytes()[0])
    }
    fn push(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Number for i64 {
    const SIZE: usize = 8;
    fn low(self) -> usize {
        usize::from(self.to_le_bytes()[0])
    }
    fn push(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

/// Writes numbers.
pub(super) fn numbers<T: Number>(
    mut chunk: Chunk<'_>,
    places: &Places<'_>,
    values: &[T],
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let bytes = |min: T, max: T| {
        let mut bounds = Bounds { min: Vec::new(), max: Vec::new() };
        min.push(&mut bounds.min);
        max.push(&mut bounds.max);
        bounds
    };
    if let Some((distinct, of)) = number(values) {
        let ranks = chunk.is_bounded().then(|| Ranks::new(&distinct));
        let bounds = |of: &[u32]| {
            let (min, max) = ranks.as_ref()?.bounds(of)?;
            Some(bytes(distinct[min], distinct[max]))
        };
        let mut plain = Vec::with_capacity(distinct.len() * T::SIZE);
        distinct.iter().for_each(|value| value.push(&mut plain));
        dictionary_pages(&mut chunk, places, &plain, distinct.len(), &of, bounds)?;
        let ends = ranks.as_ref().and_then(Ranks::ends);
        return chunk.close(ends.map(|(min, max)| bytes(distinct[min], distinct[max])).as_ref());
    }
    let bounded = chunk.is_bounded();
    let bounds = |values: &[T]| {
        let (first, rest) = values.split_first().filter(|_| bounded)?;
        let (min, max) =
            rest.iter().fold((*first, *first), |(min, max), &value| (min.min(value), max.max(value)));
        Some(bytes(min, max))
    };
    places.pages(&mut chunk, Encoding::PLAIN, Some(T::SIZE), |range, body| {
        let values = &values[range];
        body.reserve(values.len() * T::SIZE);
        values.iter().for_each(|value| value.push(body));
        bounds(values)
    })?;
    chunk.close(bounds(values).as_ref())
}

/// The distinct values in the order in which they come, and the number of each value; `None` if they hardly repeat.
fn number<T: Number>(values: &[T]) -> Option<(Vec<T>, Vec<u32>)> {
    /// After this many values it is known whether they repeat.
    const JUDGED: usize = 2048;
    /// Few values alternate in most columns, so they are looked for among the recent ones before they are hashed.
    const RECENT: usize = 64;
    let (mut distinct, mut of): (Vec<T>, Vec<u32>) = (Vec::new(), Vec::with_capacity(values.len()));
    let mut known: HashTable<u32> = HashTable::new();
    let hasher = FxBuildHasher;
    let mut recent = [None; RECENT];
    for (index, &value) in values.iter().enumerate() {
        let slot = value.low() % RECENT;
        if let Some((recent_value, number)) = recent[slot]
            && recent_value == value
        {
            of.push(number);
            continue;
        }
        let entry = known.entry(
            hasher.hash_one(value),
            |&number| distinct[number as usize] == value,
            |&number| hasher.hash_one(distinct[number as usize]),
        );
        let number = match entry {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let number = distinct.len() as u32;
                entry.insert(number);
                distinct.push(value);
                let in_vain = index >= JUDGED && distinct.len() > index / 4;
                if in_vain || distinct.len() > MAX_DICTIONARY {
                    return None;
                }
                number
            }
        };
        recent[slot] = Some((value, number));
        of.push(number);
    }
    // Two bytes for a number at most.
    (distinct.len() <= values.len() / 2 + 1).then_some((distinct, of))
}
