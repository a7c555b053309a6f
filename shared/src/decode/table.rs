//! A Parquet file as lines of text: the names of its columns, then a line for each row, with a tab between values and
//! `-` for what is null or empty. So a source whose logs come as text and as Parquet reads both alike.
//!
//! ```text
//! #columns ↹ srcaddr ↹ bytes ↹ ecs_service_name
//! 192.0.2.7 ↹ 840 ↹ my service
//! ```
//!
//! A row is one line whatever its values hold: in them `\\`, `\t`, `\n` and `\r` stand for a backslash, a tab and line
//! ends, and a blank that a value begins with has a backslash before it, so no line is blank.
//!
//! A Parquet file begins at its end, so it is held whole, as it is stored; its rows are decoded a few at a time.

use std::fmt;
use std::panic::AssertUnwindSafe;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::DecodeError;

/// The four bytes that a Parquet file begins with.
pub(super) const MAGIC: [u8; 4] = *b"PAR1";

/// Larger files are not held in memory.
const MAX_STORED: usize = 64 << 20;

/// Rows that are decoded at a time.
const ROWS: usize = 1024;

/// What the line of names begins with. No text that a log holds does.
const MARK: &str = "#columns";

/// The line with the names of a Parquet file's columns, which the lines that follow are rows of.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a>(&'a str);

impl<'a> Columns<'a> {
    /// `None` if the line is another.
    #[inline]
    pub fn of_line(line: &'a str) -> Option<Self> {
        line.strip_prefix(MARK)?.strip_prefix('\t').map(Self)
    }

    /// The names, in the order of the values.
    pub fn names(&self) -> Vec<String> {
        let unescaped = |name| {
            let mut text = String::new();
            unescape(name, &mut text);
            text
        };
        self.0.split('\t').map(unescaped).collect()
    }
}

/// Appends a value, or a name, of a line of a Parquet file as the file has it.
pub fn unescape(value: &str, out: &mut String) {
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = after.chars();
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Escapes what was written to `out` from `start` on.
fn escape(out: &mut Vec<u8>, start: usize) {
    let is_plain = |byte: &u8| !matches!(byte, b'\\' | b'\t' | b'\n' | b'\r');
    let written = &out[start..];
    let begins_blank = written.first().is_some_and(u8::is_ascii_whitespace);
    if !begins_blank && written.iter().all(is_plain) {
        return;
    }
    let written = out.split_off(start);
    if begins_blank && is_plain(&written[0]) {
        out.push(b'\\');
    }
    for byte in written {
        match byte {
            b'\\' => out.extend_from_slice(br"\\"),
            b'\t' => out.extend_from_slice(br"\t"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            other => out.push(other),
        }
    }
}

/// A Parquet file on its way.
pub(super) struct Table {
    stored: Vec<u8>,
    rows: Option<ParquetRecordBatchReader>,
    limit: u64,
}

impl fmt::Debug for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Table").field("stored", &self.stored.len()).finish_non_exhaustive()
    }
}

impl Table {
    /// A table that decodes to `limit` bytes at most.
    pub(super) fn new(limit: u64) -> Self {
        Self { stored: Vec::new(), rows: None, limit }
    }

    /// Takes bytes of the file.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        if self.stored.len() + bytes.len() > MAX_STORED {
            return Err(DecodeError::TableTooLarge { limit: MAX_STORED });
        }
        self.stored.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends the lines of some rows. False after the last.
    pub(super) fn lines(&mut self, out: &mut Vec<u8>) -> Result<bool, DecodeError> {
        // The reader panics over some damages that a footer can have.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| self.some_lines(out)));
        outcome.unwrap_or_else(|_| Err(damaged("the file contradicts itself")))
    }

    fn some_lines(&mut self, out: &mut Vec<u8>) -> Result<bool, DecodeError> {
        if self.rows.is_none() {
            self.rows = Some(self.open(out)?);
            return Ok(true);
        }
        match self.rows.as_mut().and_then(Iterator::next) {
            Some(rows) => write_rows(&rows.map_err(damaged)?, out).map(|()| true),
            None => Ok(false),
        }
    }

    /// Reads the footer and writes the line of names.
    fn open(&mut self, out: &mut Vec<u8>) -> Result<ParquetRecordBatchReader, DecodeError> {
        // What the file says of Arrow's types (dictionaries, views) matters to its writer only.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let stored = Bytes::from(std::mem::take(&mut self.stored));
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(stored.clone(), options)
            .map_err(damaged)?;
        if is_second_file(&stored, builder.metadata()) {
            return Err(damaged("another Parquet file stands before it, and only one is read of an object"));
        }
        let groups = builder.metadata().row_groups().iter();
        let bytes = groups.map(|group| u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX));
        if bytes.fold(0, u64::saturating_add) > self.limit {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        if builder.schema().fields().is_empty() {
            return Err(damaged("expected columns, found none"));
        }
        out.extend_from_slice(MARK.as_bytes());
        for field in builder.schema().fields() {
            if !is_flat(field.data_type()) {
                return Err(damaged(format!(
                    "expected columns of text and numbers, found `{}`, which is {}",
                    field.name(),
                    field.data_type()
                )));
            }
            out.push(b'\t');
            let start = out.len();
            out.extend_from_slice(if field.name().is_empty() { "-" } else { field.name() }.as_bytes());
            escape(out, start);
        }
        out.push(b'\n');
        builder.with_batch_size(ROWS).build().map_err(damaged)
    }
}

/// True if another file ends where the one that the footer tells of begins. Only the last footer of several would be
/// read, and places in it count from the beginning of its own file.
fn is_second_file(stored: &[u8], footer: &ParquetMetaData) -> bool {
    let Some((rest, end)) = stored.split_last_chunk::<8>() else { return false };
    let [a, b, c, d, ..] = *end;
    let footer_length = u32::from_le_bytes([a, b, c, d]) as usize;
    let place = |from: Option<i64>, length: Option<i32>| -> u64 {
        let from = from.and_then(|from| u64::try_from(from).ok()).unwrap_or_default();
        from + length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default()
    };
    let columns = footer.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let ends = columns.map(|column| {
        let (from, length) = column.byte_range();
        from.saturating_add(length)
            .max(place(column.column_index_offset(), column.column_index_length()))
            .max(place(column.offset_index_offset(), column.offset_index_length()))
            .max(place(column.bloom_filter_offset(), column.bloom_filter_length()))
    });
    // Without rows there is nothing between the first four bytes and the footer.
    let contents = usize::try_from(ends.max().unwrap_or(MAGIC.len() as u64)).unwrap_or(usize::MAX);
    let start = rest.len().checked_sub(footer_length).and_then(|footer| footer.checked_sub(contents));
    start.is_some_and(|start| start > 0 && stored[start..].starts_with(&MAGIC))
}

fn damaged(reason: impl fmt::Display) -> DecodeError {
    DecodeError::Damaged { format: "Parquet", decoded: 0, reason: reason.to_string() }
}

fn is_flat(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Utf8
                | DataType::Binary
                | DataType::Boolean
                | DataType::Float32
                | DataType::Float64
                | DataType::Date32
                | DataType::Timestamp(_, _)
        )
}

/// The values of a column, nulls aside.
enum Values<'a> {
    Text(&'a arrow_array::StringArray),
    Bytes(&'a arrow_array::BinaryArray),
    Flag(&'a arrow_array::BooleanArray),
    Whole(Vec<i128>),
    Fraction(Vec<f64>),
    Day(&'a [i32]),
}

fn whole<T: ArrowPrimitiveType<Native: Into<i128>>>(column: &ArrayRef) -> Values<'_> {
    Values::Whole(column.as_primitive::<T>().values().iter().map(|value| (*value).into()).collect())
}

fn fraction<T: ArrowPrimitiveType<Native: Into<f64>>>(column: &ArrayRef) -> Values<'_> {
    Values::Fraction(column.as_primitive::<T>().values().iter().map(|value| (*value).into()).collect())
}

/// Times become milliseconds since the epoch, whatever their unit.
fn millis<'a>(values: &[i64], per_milli: i64) -> Values<'a> {
    Values::Whole(values.iter().map(|value| value.div_euclid(per_milli).into()).collect())
}

impl<'a> Values<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self, DecodeError> {
        Ok(match column.data_type() {
            DataType::Utf8 => Self::Text(column.as_string()),
            DataType::Binary => Self::Bytes(column.as_binary()),
            DataType::Boolean => Self::Flag(column.as_boolean()),
            DataType::Int8 => whole::<Int8Type>(column),
            DataType::Int16 => whole::<Int16Type>(column),
            DataType::Int32 => whole::<Int32Type>(column),
            DataType::Int64 => whole::<Int64Type>(column),
            DataType::UInt8 => whole::<UInt8Type>(column),
            DataType::UInt16 => whole::<UInt16Type>(column),
            DataType::UInt32 => whole::<UInt32Type>(column),
            DataType::UInt64 => whole::<UInt64Type>(column),
            DataType::Float32 => fraction::<Float32Type>(column),
            DataType::Float64 => fraction::<Float64Type>(column),
            DataType::Date32 => Self::Day(column.as_primitive::<Date32Type>().values()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                millis(column.as_primitive::<TimestampMillisecondType>().values(), 1)
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                millis(column.as_primitive::<TimestampMicrosecondType>().values(), 1_000)
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                millis(column.as_primitive::<TimestampNanosecondType>().values(), 1_000_000)
            }
            other => return Err(damaged(format!("a column of type {other}"))),
        })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        use std::io::Write as _;

        let start = out.len();
        // Writing to a Vec cannot fail.
        let _ = match self {
            Self::Text(values) => out.write_all(values.value(row).as_bytes()),
            Self::Bytes(values) => out.write_all(values.value(row)),
            Self::Flag(values) => write!(out, "{}", values.value(row)),
            Self::Whole(values) => write!(out, "{}", values[row]),
            // Whole numbers beside nulls often have become such.
            Self::Fraction(values) if values[row].is_nan() => Ok(()),
            Self::Fraction(values) => write!(out, "{}", values[row]),
            Self::Day(values) => write!(out, "{}", crate::time::day(i64::from(values[row]) * 86_400_000)),
        };
        if out.len() == start {
            out.push(b'-');
        } else if matches!(self, Self::Text(_) | Self::Bytes(_)) {
            escape(out, start);
        }
    }
}

fn write_rows(rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let columns = rows
        .columns()
        .iter()
        .map(|column| Ok((column, Values::of(column)?)))
        .collect::<Result<Vec<_>, _>>()?;
    for row in 0..rows.num_rows() {
        for (place, (column, values)) in columns.iter().enumerate() {
            if place > 0 {
                out.push(b'\t');
            }
            if column.is_null(row) {
                out.push(b'-');
            } else {
                values.write(row, out);
            }
        }
        out.push(b'\n');
    }
    Ok(())
}

#[cfg(test)]
mod tests;
