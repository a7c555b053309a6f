//! The values of one leaf in the order of its rows, as the pages of a column chunk.
//!
//! Values that repeat are written as numbers of a dictionary page, others as they are. Texts come numbered from the
//! rows already; numbers are numbered here.

mod number;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;

use self::number::numbers;
use super::chunk::{Bounds, Chunk, PageFacts};
use super::levels::{EncodedLevels, Entries, Leaf, Levels};
use super::rle;
use crate::rows::column::{Column, Constant, NULL, Values};

/// A page is closed once it holds this many uncompressed bytes.
const PAGE_BYTES: usize = 512 * 1024;

/// A page is closed once it holds this many rows, so that a reader that looks for few rows reads few.
const PAGE_ROWS: usize = 20_000;

/// A page of list elements is closed once it holds this many.
const PAGE_ENTRIES: usize = 1 << 17;

/// Dictionary pages are as small as data pages.
const MAX_DICTIONARY_BYTES: usize = 2 * PAGE_BYTES - 1024;

/// Numbers of a dictionary fit 16 bits.
const MAX_DICTIONARY: usize = 1 << 16;

/// Writes the leaf whose places are `entries`.
pub(super) fn write(
    mut chunk: Chunk<'_>,
    leaf: Leaf<'_>,
    entries: &Entries<'_>,
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let places = Places::new(leaf, entries);
    let owners = places.owners.as_ref();
    match leaf {
        Leaf::Texts(texts) => {
            let plain = texts.iter().map(|text| text.as_bytes());
            numbered(chunk, &places, &Numbers { of: Cow::Borrowed(owners), texts: plain.collect() })
        }
        Leaf::Column(Column { constant: Some(Constant::Text(text)), .. }, _) => {
            let of = Cow::Owned(vec![0; owners.len()]);
            numbered(chunk, &places, &Numbers { of, texts: vec![text.as_bytes()] })
        }
        Leaf::Column(Column { constant: Some(Constant::Int(value)), .. }, _) => {
            numbers(chunk, &places, &vec![*value; owners.len()])
        }
        Leaf::Column(column, _) => match &column.values {
            Values::Numbered { numbers, dictionary } => {
                let mut renumbered = vec![NULL; dictionary.len()];
                let mut texts = Vec::new();
                let renumber = |&owner: &u32| {
                    let number = numbers[owner as usize];
                    let new = &mut renumbered[number as usize];
                    if *new == NULL {
                        *new = texts.len() as u32;
                        texts.push(dictionary.get(number));
                    }
                    *new
                };
                let of: Vec<u32> = owners.iter().map(renumber).collect();
                numbered(chunk, &places, &Numbers { of: Cow::Owned(of), texts })
            }
            Values::Text { data, offsets } => {
                let text = |value: usize| {
                    let owner = owners[value] as usize;
                    &data[offsets[owner] as usize..offsets[owner + 1] as usize]
                };
                plain_texts(&mut chunk, &places, text, |_| None)?;
                chunk.close(None)
            }
            Values::Int(values) => numbers(chunk, &places, &pick(values, owners)),
            Values::Long(values) => numbers(chunk, &places, &pick(values, owners)),
            Values::Decimal { unscaled, .. } if chunk.leaf().physical_type() == Type::INT32 => {
                let values: Vec<i32> = owners
                    .iter()
                    .map(|&owner| i32::try_from(unscaled[owner as usize]).unwrap_or_default())
                    .collect();
                numbers(chunk, &places, &values)
            }
            Values::Decimal { unscaled, .. } => numbers(chunk, &places, &pick(unscaled, owners)),
            Values::Bool(values) => booleans(chunk, &places, &pick(values, owners)),
            Values::Float(values) => {
                let values = pick(values, owners);
                places.pages(&mut chunk, Encoding::PLAIN, Some(4), |range, body| {
                    values[range].iter().for_each(|value| body.extend_from_slice(&value.to_le_bytes()));
                    None
                })?;
                chunk.close(None)
            }
        },
    }
}

fn pick<T: Copy>(values: &[T], owners: &[u32]) -> Vec<T> {
    owners.iter().map(|&owner| values[owner as usize]).collect()
}

/// The entries of a leaf: which of them have a value, and the levels of all.
struct Places<'a> {
    /// Owners with a value.
    owners: Cow<'a, [u32]>,
    /// `None`: every entry has a value.
    levels: Option<Cow<'a, Levels>>,
    max_def: u8,
    max_rep: u8,
    entries: usize,
    /// Encoded levels that other leaves have, too.
    shared: Option<&'a EncodedLevels>,
}

impl<'a> Places<'a> {
    fn new(leaf: Leaf<'_>, entries: &'a Entries<'_>) -> Self {
        let all = Cow::Borrowed(entries.owners.as_ref());
        // The element of a constant list and every leaf but a map's key can be null, one level deeper.
        let (column, nullable) = match leaf {
            Leaf::Column(column, nullable) => (Some(column), nullable),
            Leaf::Texts(_) => (None, true),
        };
        let has_nulls = column.is_some_and(|column| column.constant.is_none() && column.present < column.len);
        let (owners, levels, shared) = if has_nulls {
            let column = column.filter(|column| column.present > 0);
            let present: Vec<bool> = entries
                .owners
                .iter()
                .map(|&owner| column.is_some_and(|column| column.is_valid(owner as usize)))
                .collect();
            let with_value = entries.owners.iter().zip(&present).filter(|(_, present)| **present);
            let owners: Vec<u32> = with_value.map(|(&owner, _)| owner).collect();
            (Cow::Owned(owners), Some(Cow::Owned(entries.levels_where(&present))), None)
        } else if nullable {
            (all, entries.full().map(Cow::Borrowed), Some(&entries.pages))
        } else {
            (all, entries.levels.as_ref().map(Cow::Borrowed), None)
        };
        let max_def = entries.def + u8::from(nullable);
        Self { owners, levels, max_def, max_rep: entries.rep, entries: entries.len(), shared }
    }

    /// Writes all values as pages: `body` appends values of a range and tells their bounds. `size` is the size of a
    /// value in bytes; without it, `body` is called for one value after the other.
    fn pages(
        &self,
        chunk: &mut Chunk<'_>,
        encoding: Encoding,
        size: Option<usize>,
        mut body: impl FnMut(Range<usize>, &mut Vec<u8>) -> Option<Bounds>,
    ) -> Result<(), ParquetError> {
        let (mut start, mut first_value) = (0, 0);
        let (mut page, mut values) = (Vec::new(), Vec::new());
        while start < self.entries {
            page.clear();
            values.clear();
            let (end, next_value, rows, bounds) = match (&self.levels, size) {
                (None, Some(size)) => {
                    let rows = PAGE_ROWS.min(PAGE_BYTES / size.max(1));
                    let end = self.entries.min(start + rows);
                    (end, end, end - start, body(start..end, &mut values))
                }
                (levels, size) => {
                    let (mut entry, mut value, mut rows) = (start, first_value, 0);
                    let starts_row = |entry: usize| match levels {
                        Some(levels) if self.max_rep > 0 => levels.rep[entry] == 0,
                        _ => true,
                    };
                    while entry < self.entries {
                        if starts_row(entry) {
                            let bytes = size.map_or(values.len(), |size| (value - first_value) * size);
                            if rows >= PAGE_ROWS || bytes >= PAGE_BYTES || entry - start >= PAGE_ENTRIES {
                                break;
                            }
                            rows += 1;
                        }
                        if levels.as_ref().is_none_or(|levels| levels.def[entry] == self.max_def) {
                            if size.is_none() {
                                body(value..value + 1, &mut values);
                            }
                            value += 1;
                        }
                        entry += 1;
                    }
                    let bounds = size.and_then(|_| body(first_value..value, &mut values));
                    (entry, value, rows, bounds)
                }
            };
            self.levels_of(start..end, &mut page);
            page.extend_from_slice(&values);
            let nulls = end - start - (next_value - first_value);
            chunk.page(&page, PageFacts { entries: end - start, rows, nulls, encoding, bounds })?;
            (start, first_value) = (end, next_value);
        }
        Ok(())
    }

    /// Levels of a page, encoded once for all leaves that have the same.
    fn levels_of(&self, entries: Range<usize>, page: &mut Vec<u8>) {
        let Some(shared) = self.shared.filter(|_| self.levels.is_some()) else {
            return self.write_levels(entries, page);
        };
        let mut shared = shared.borrow_mut();
        if let Some((_, levels)) = shared.iter().find(|(range, _)| *range == entries) {
            page.extend_from_slice(levels);
            return;
        }
        self.write_levels(entries.clone(), page);
        shared.push((entries, page.clone()));
    }

    /// Both kinds of levels, each behind its length.
    fn write_levels(&self, entries: Range<usize>, page: &mut Vec<u8>) {
        let mut behind_length = |write: &dyn Fn(&mut Vec<u8>)| {
            let start = page.len();
            page.extend_from_slice(&[0; 4]);
            write(page);
            let length = u32::try_from(page.len() - start - 4).unwrap_or(u32::MAX);
            page[start..start + 4].copy_from_slice(&length.to_le_bytes());
        };
        let (def, rep) = (rle::width(u32::from(self.max_def)), rle::width(u32::from(self.max_rep)));
        match &self.levels {
            Some(levels) => {
                if self.max_rep > 0 {
                    behind_length(&|page| rle::encode(&levels.rep[entries.clone()], rep, page));
                }
                behind_length(&|page| rle::encode(&levels.def[entries.clone()], def, page));
            }
            None => behind_length(&|page| rle::encode_run(self.max_def, entries.len(), def, page)),
        }
    }
}

/// Values as numbers of distinct ones.
struct Numbers<'a> {
    of: Cow<'a, [u32]>,
    texts: Vec<&'a [u8]>,
}

/// Writes texts that are numbered.
fn numbered(
    mut chunk: Chunk<'_>,
    places: &Places<'_>,
    numbers: &Numbers<'_>,
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let ranks = chunk.is_bounded().then(|| Ranks::new(&numbers.texts));
    let bounds = |of: &[u32]| {
        let (min, max) = ranks.as_ref()?.bounds(of)?;
        Some(Bounds { min: numbers.texts[min].to_vec(), max: numbers.texts[max].to_vec() })
    };
    let bytes: usize = numbers.texts.iter().map(|text| text.len() + 4).sum();
    let repeats = numbers.texts.len() <= MAX_DICTIONARY && numbers.texts.len() <= numbers.of.len() / 2 + 1;
    if repeats && bytes <= MAX_DICTIONARY_BYTES {
        let mut plain = Vec::with_capacity(bytes);
        numbers.texts.iter().for_each(|text| push_text(text, &mut plain));
        dictionary_pages(&mut chunk, places, &plain, numbers.texts.len(), &numbers.of, bounds)?;
    } else {
        plain_texts(
            &mut chunk,
            places,
            |value| numbers.texts[numbers.of[value] as usize],
            |range| bounds(&numbers.of[range]),
        )?;
    }
    let ends = ranks.as_ref().and_then(Ranks::ends);
    let ends =
        ends.map(|(min, max)| Bounds { min: numbers.texts[min].to_vec(), max: numbers.texts[max].to_vec() });
    chunk.close(ends.as_ref())
}

fn push_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(text);
}

/// Writes texts as they are.
fn plain_texts<'t>(
    chunk: &mut Chunk<'_>,
    places: &Places<'_>,
    text: impl Fn(usize) -> &'t [u8],
    bounds: impl Fn(Range<usize>) -> Option<Bounds>,
) -> Result<(), ParquetError> {
    if chunk.is_bounded() {
        // Few, or they would not be numbered: pages by their number alone.
        let longest = (0..places.owners.len()).map(|value| text(value).len() + 4).max().unwrap_or_default();
        return places.pages(chunk, Encoding::PLAIN, Some(longest), |range, body| {
            range.clone().for_each(|value| push_text(text(value), body));
            bounds(range)
        });
    }
    places.pages(chunk, Encoding::PLAIN, None, |range, body| {
        range.for_each(|value| push_text(text(value), body));
        None
    })
}

fn dictionary_pages(
    chunk: &mut Chunk<'_>,
    places: &Places<'_>,
    plain: &[u8],
    count: usize,
    of: &[u32],
    bounds: impl Fn(&[u32]) -> Option<Bounds>,
) -> Result<(), ParquetError> {
    chunk.dictionary(plain, count)?;
    let width = rle::width(u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX)).max(1);
    places.pages(chunk, Encoding::RLE_DICTIONARY, Some(2), |range, body| {
        body.push(width as u8);
        rle::encode(&of[range.clone()], width, body);
        bounds(&of[range])
    })
}

fn booleans(
    mut chunk: Chunk<'_>,
    places: &Places<'_>,
    values: &[bool],
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let bounded = chunk.is_bounded();
    let bounds = |values: &[bool]| {
        (bounded && !values.is_empty()).then(|| Bounds {
            min: vec![u8::from(!values.contains(&false))],
            max: vec![u8::from(values.contains(&true))],
        })
    };
    places.pages(&mut chunk, Encoding::PLAIN, Some(1), |range, body| {
        for group in values[range.clone()].chunks(8) {
            body.push(group.iter().enumerate().fold(0, |byte, (bit, &value)| byte | u8::from(value) << bit));
        }
        bounds(&values[range])
    })?;
    chunk.close(bounds(values).as_ref())
}

/// The order of distinct values, to find the least and the greatest of many by their numbers.
struct Ranks {
    /// The rank of each number.
    of: Vec<u32>,
    /// The number of each rank.
    numbers: Vec<u32>,
}

impl Ranks {
    fn new<T: Ord>(values: &[T]) -> Self {
        let mut numbers: Vec<u32> = (0..values.len() as u32).collect();
        numbers.sort_unstable_by(|&a, &b| values[a as usize].cmp(&values[b as usize]));
        let mut of = vec![0; values.len()];
        for (rank, &number) in numbers.iter().enumerate() {
            of[number as usize] = rank as u32;
        }
        Self { of, numbers }
    }

    /// The numbers of the least and the greatest value of all.
    fn ends(&self) -> Option<(usize, usize)> {
        Some((*self.numbers.first()? as usize, *self.numbers.last()? as usize))
    }

    /// The numbers of the least and the greatest of those values.
    fn bounds(&self, numbers: &[u32]) -> Option<(usize, usize)> {
        if self.numbers.len() == 1 {
            return numbers.first().and(self.ends());
        }
        let rank = |number: &u32| self.of[*number as usize];
        let (first, rest) = numbers.split_first()?;
        let (min, max) = rest
            .iter()
            .map(rank)
            .fold((rank(first), rank(first)), |(min, max), rank| (min.min(rank), max.max(rank)));
        Some((self.numbers[min as usize] as usize, self.numbers[max as usize] as usize))
    }
}
