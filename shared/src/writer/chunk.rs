//! One column chunk: pages in, compressed bytes and their metadata out.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression as Level, write::GzEncoder};
use parquet::basic::{
    BoundaryOrder, Compression, Encoding, EncodingMask, GzipLevel, PageType, Type, ZstdLevel,
};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor as Zstd;

use crate::layout::Codec;

/// Bounds are cut to this many bytes.
const MAX_BOUND: usize = 64;

/// Compresses pages, with memory that is used again.
pub(super) enum Compressor {
    Zstd(Zstd<'static>),
    Gzip,
}

impl Compressor {
    /// zstd at level 1: level 3 is 2 % smaller and takes 30 % longer to write.
    const ZSTD_LEVEL: i32 = 1;
    const GZIP_LEVEL: u32 = 6;

    pub(super) fn new(codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::Zstd => Self::Zstd(Zstd::new(Self::ZSTD_LEVEL)?),
            Codec::Gzip => Self::Gzip,
        })
    }

    fn compression(&self) -> Result<Compression, ParquetError> {
        Ok(match self {
            Self::Zstd(_) => Compression::ZSTD(ZstdLevel::try_new(Self::ZSTD_LEVEL)?),
            Self::Gzip => Compression::GZIP(GzipLevel::try_new(Self::GZIP_LEVEL)?),
        })
    }

    fn compress(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd(zstd) => zstd.compress(bytes),
            Self::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), Level::new(Self::GZIP_LEVEL));
                gzip.write_all(bytes)?;
                gzip.finish()
            }
        }
    }
}

/// Least and greatest value, as Parquet's PLAIN encoding writes them, a text without its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: Vec<u8>,
    pub(super) max: Vec<u8>,
}

/// What is known of a data page.
#[derive(Debug)]
pub(super) struct PageFacts {
    /// Values, nulls and empty lists included.
    pub(super) entries: usize,
    pub(super) rows: usize,
    pub(super) nulls: usize,
    pub(super) encoding: Encoding,
    /// `None` if there are only nulls, or none are wanted.
    pub(super) bounds: Option<Bounds>,
}

/// The chunk of one leaf in one row group.
pub(super) struct Chunk<'a> {
    leaf: ColumnDescPtr,
    compressor: &'a mut Compressor,
    sink: TrackedWrite<Vec<u8>>,
    dictionary: Option<i64>,
    data: Option<i64>,
    uncompressed: usize,
    entries: usize,
    rows: usize,
    nulls: usize,
    encodings: Vec<PageEncodingStats>,
    index: Option<ColumnIndexBuilder>,
    offsets: OffsetIndexBuilder,
    /// Bounds of each page with any, to see whether they ascend.
    ascending: Option<Vec<Bounds>>,
}

impl<'a> Chunk<'a> {
    /// A chunk of `leaf`, with an index of its pages' bounds if they are `bounded`.
    pub(super) fn new(leaf: ColumnDescPtr, compressor: &'a mut Compressor, bounded: bool) -> Self {
        Self {
            index: bounded.then(|| ColumnIndexBuilder::new(leaf.physical_type())),
            leaf,
            compressor,
            sink: TrackedWrite::new(Vec::new()),
            dictionary: None,
            data: None,
            uncompressed: 0,
            entries: 0,
            rows: 0,
            nulls: 0,
            encodings: Vec::new(),
            offsets: OffsetIndexBuilder::new(),
            ascending: bounded.then(Vec::new),
        }
    }

    pub(super) fn leaf(&self) -> &ColumnDescPtr {
        &self.leaf
    }

    /// True if pages are to come with bounds.
    pub(super) fn is_bounded(&self) -> bool {
        self.index.is_some()
    }

    /// Writes the dictionary page, which comes before all others.
    pub(super) fn dictionary(&mut self, plain: &[u8], count: usize) -> Result<(), ParquetError> {
        let page = Page::DictionaryPage {
            buf: Bytes::from(self.compressor.compress(plain)?),
            num_values: u32::try_from(count).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let (offset, _) = self.write(page, plain.len(), Encoding::PLAIN, PageType::DICTIONARY_PAGE)?;
        self.dictionary = Some(offset);
        Ok(())
    }

    /// Writes a data page: levels and values as they are in the page.
    pub(super) fn page(&mut self, body: &[u8], facts: PageFacts) -> Result<(), ParquetError> {
        let page = Page::DataPage {
            buf: Bytes::from(self.compressor.compress(body)?),
            num_values: u32::try_from(facts.entries).unwrap_or(u32::MAX),
            encoding: facts.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let (offset, size) = self.write(page, body.len(), facts.encoding, PageType::DATA_PAGE)?;
        self.data.get_or_insert(offset);
        self.entries += facts.entries;
        self.rows += facts.rows;
        self.nulls += facts.nulls;
        self.offsets.append_offset_and_size(offset, size);
        self.offsets.append_row_count(facts.rows as i64);
        if let Some(index) = &mut self.index {
            let nulls = facts.nulls as i64;
            match &facts.bounds {
                Some(bounds) => {
                    let bounds = cut(bounds);
                    index.append(false, bounds.0, bounds.1, nulls, None);
                }
                None => index.append(true, Vec::new(), Vec::new(), nulls, None),
            }
            self.ascending.get_or_insert_default().extend(facts.bounds);
        }
        Ok(())
    }

    fn write(
        &mut self,
        page: Page,
        uncompressed: usize,
        encoding: Encoding,
        page_type: PageType,
    ) -> Result<(i64, i32), ParquetError> {
        let page = CompressedPage::new(page, uncompressed);
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed += written.uncompressed_size;
        match self.encodings.last_mut() {
            Some(last) if last.page_type == page_type && last.encoding == encoding => last.count += 1,
            _ => self.encodings.push(PageEncodingStats { page_type, encoding, count: 1 }),
        }
        Ok((written.offset as i64, i32::try_from(written.compressed_size).unwrap_or(i32::MAX)))
    }

    /// Ends the chunk. `bounds` are those of all values, if they are wanted and there are any.
    pub(super) fn close(self, bounds: Option<&Bounds>) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let order = self.boundary_order();
        let compressed = self.sink.bytes_written();
        let encodings =
            self.encodings.iter().map(|page| page.encoding).chain([Encoding::RLE]).collect::<Vec<_>>();
        let mut metadata = ColumnChunkMetaData::builder(self.leaf.clone())
            .set_compression(self.compressor.compression()?)
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(self.encodings)
            .set_total_compressed_size(compressed as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.entries as i64)
            .set_data_page_offset(self.data.unwrap_or_default())
            .set_dictionary_page_offset(self.dictionary);
        if self.index.is_some() {
            metadata =
                metadata.set_statistics(statistics(self.leaf.physical_type(), bounds, self.nulls as u64));
        }
        let column_index = match self.index {
            Some(mut index) => {
                index.set_boundary_order(order);
                Some(index.build()?)
            }
            None => None,
        };
        let close = ColumnCloseResult {
            bytes_written: compressed as u64,
            rows_written: self.rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index,
            offset_index: Some(self.offsets.build()),
        };
        Ok((Bytes::from(self.sink.into_inner()?), close))
    }

    fn boundary_order(&self) -> BoundaryOrder {
        let number = |bytes: &[u8]| match self.leaf.physical_type() {
            Type::INT32 => bytes.try_into().map(i32::from_le_bytes).ok().map(i64::from),
            Type::INT64 => bytes.try_into().map(i64::from_le_bytes).ok(),
            _ => None,
        };
        let ascends = |pair: &[Bounds]| {
            let [a, b] = pair else { return false };
            let not_less = |a: &[u8], b: &[u8]| number(a).zip(number(b)).is_some_and(|(a, b)| a <= b);
            not_less(&a.min, &b.min) && not_less(&a.max, &b.max)
        };
        match &self.ascending {
            Some(pages) if pages.windows(2).all(ascends) => BoundaryOrder::ASCENDING,
            _ => BoundaryOrder::UNORDERED,
        }
    }
}

/// Bounds of at most [`MAX_BOUND`] bytes that still hold: a shorter text is less, so the greatest one is cut and
/// its last character made greater. Says of both whether they are exact.
fn cut(bounds: &Bounds) -> (Vec<u8>, Vec<u8>, bool, bool) {
    let shorter = |bytes: &[u8]| -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?;
        let end = (0..=MAX_BOUND).rev().find(|&end| text.is_char_boundary(end))?;
        Some(text[..end].to_owned())
    };
    let (mut min, mut max) = (bounds.min.clone(), bounds.max.clone());
    let (exact_min, exact_max) = (min.len() <= MAX_BOUND, max.len() <= MAX_BOUND);
    if !exact_min && let Some(text) = shorter(&min) {
        min = text.into_bytes();
    }
    if !exact_max && let Some(text) = shorter(&max).and_then(greater) {
        max = text.into_bytes();
    }
    let exact_max = exact_max || max == bounds.max;
    (min, max, exact_min, exact_max)
}

/// The shortest text that is greater than every text that begins with `text`; `None` if there is none.
fn greater(mut text: String) -> Option<String> {
    while let Some(last) = text.pop() {
        let next = (last as u32 + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

fn statistics(kind: Type, bounds: Option<&Bounds>, nulls: u64) -> Statistics {
    macro_rules! of_numbers {
        ($number:ty) => {{
            let read = |bytes: &Vec<u8>| bytes.as_slice().try_into().ok().map(<$number>::from_le_bytes);
            let (min, max) =
                (bounds.and_then(|bounds| read(&bounds.min)), bounds.and_then(|bounds| read(&bounds.max)));
            Statistics::from(
                ValueStatistics::new(min, max, None, Some(nulls), false)
                    .with_backwards_compatible_min_max(true),
            )
        }};
    }
    match kind {
        Type::INT32 => of_numbers!(i32),
        Type::INT64 => of_numbers!(i64),
        Type::BOOLEAN => {
            let read = |bytes: &Vec<u8>| bytes.first().map(|byte| *byte != 0);
            let (min, max) =
                (bounds.and_then(|bounds| read(&bounds.min)), bounds.and_then(|bounds| read(&bounds.max)));
            Statistics::boolean(min, max, None, Some(nulls), false)
        }
        _ => match bounds.map(cut) {
            Some((min, max, exact_min, exact_max)) => Statistics::from(
                ValueStatistics::new(
                    Some(ByteArray::from(min)),
                    Some(ByteArray::from(max)),
                    None,
                    Some(nulls),
                    false,
                )
                .with_min_is_exact(exact_min)
                .with_max_is_exact(exact_max),
            ),
            None => Statistics::byte_array(None, None, None, Some(nulls), false),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bounds_are_cut_and_still_hold() {
        let long = "é".repeat(50);
        let bounds = Bounds { min: long.clone().into_bytes(), max: long.clone().into_bytes() };
        let (min, max, exact_min, exact_max) = cut(&bounds);
        assert!(min.len() <= MAX_BOUND && max.len() <= MAX_BOUND && !exact_min && !exact_max);
        assert!(min.as_slice() < long.as_bytes() && max.as_slice() > long.as_bytes());
        let short = Bounds { min: b"a".to_vec(), max: b"b".to_vec() };
        assert_eq!(cut(&short), (b"a".to_vec(), b"b".to_vec(), true, true));
        assert_eq!(greater("a\u{10ffff}".to_owned()).as_deref(), Some("b"));
        assert_eq!(greater("\u{d7ff}".to_owned()).as_deref(), Some("\u{e000}"));
        assert_eq!(greater("\u{10ffff}".to_owned()), None);
    }
}
