//! `lake rows`: rows of a table as JSON lines.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float32Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;
use shared::store::folder::open;
use shared::time::to_rfc3339;

use crate::lake::{self, LakeFile, Table};

/// Rows that are read and printed at a time.
const BATCH: usize = 256;

/// Print rows of a table as JSON lines.
///
/// Columns stand in the order of Security Lake's table, the partition keys included. What is null is left
/// out. Timestamps are ISO 8601 in UTC.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RowsArgs {
    /// The table: cloud_trail_mgmt_2_0, CLOUD_TRAIL_MGMT@2.0, CLOUD_TRAIL_MGMT or its full name
    table: String,

    /// Folder of the lake
    #[arg(long, value_name = "DIR", value_parser = lake::existing)]
    lake: PathBuf,

    /// How many rows at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
}

const EXAMPLES: &str = "\
Examples:
  lake rows cloud_trail_mgmt_2_0 --lake ./lake --limit 3
  lake rows S3_DATA --lake ./lake --limit 1000000 | head -n 1";

/// Runs the command.
///
/// # Errors
/// If there is no such table or it cannot be read.
pub(crate) fn run(args: &RowsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let table = lake::find(&args.lake, &args.table)?;
    let mut left = args.limit;
    for file in table.files()? {
        if left == 0 {
            break;
        }
        print_file(&table, &file, &mut left, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print_file(table: &Table, file: &LakeFile, left: &mut usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let cannot_read = || format!("cannot read the Parquet file {}", file.path.display());
    let reader = open(&file.path).map_err(anyhow::Error::from).and_then(|opened| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(opened)?;
        Ok(builder.with_batch_size(BATCH.min(*left)).with_limit(*left).build()?)
    });
    let mut line = Vec::new();
    for batch in reader.with_context(cannot_read)? {
        let batch = batch.with_context(cannot_read)?;
        let columns = columns(table, file, &batch);
        for row in 0..batch.num_rows() {
            line.clear();
            write_row(&columns, row, &mut line)?;
            line.push(b'\n');
            out.write_all(&line)?;
        }
        *left = left.saturating_sub(batch.num_rows());
    }
    Ok(())
}

/// A column of the table in one file.
enum Column<'a> {
    Stored(&'a ArrayRef),
    Partition(&'a str),
}

/// The file's columns in the table's order. A file that is older than a column does not have it.
fn columns<'a>(table: &'a Table, file: &'a LakeFile, batch: &'a RecordBatch) -> Vec<(&'a str, Column<'a>)> {
    let schema = batch.schema_ref().fields().iter().map(|field| field.name().as_str());
    let mut stored: HashMap<&str, &ArrayRef> = schema.zip(batch.columns()).collect();
    let column = |name: &'a str| {
        let column = stored.remove(name).map(Column::Stored);
        Some((name, column.or_else(|| file.value(name).map(Column::Partition))?))
    };
    table.column_order().into_iter().filter_map(column).collect()
}

fn write_row(columns: &[(&str, Column<'_>)], row: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut members = Members::new(out);
    for (name, column) in columns {
        match column {
            Column::Stored(values) if values.is_null(row) => {}
            Column::Stored(values) => write_value(*values, row, members.member(name)?)?,
            Column::Partition(value) => write_json(value, members.member(name)?)?,
        }
    }
    members.end();
    Ok(())
}

/// The members of a JSON object that is being written.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Members<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Writes a member's name and says where its value goes.
    fn member(&mut self, name: &str) -> anyhow::Result<&mut Vec<u8>> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        write_json(name, self.out)?;
        self.out.push(b':');
        Ok(self.out)
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

/// Writes a value that is not null, of one of the types that a table's columns can have.
fn write_value(values: &dyn Array, row: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
    match values.data_type() {
        DataType::Utf8 => write_json(values.as_string::<i32>().value(row), out),
        DataType::Int32 => write_json(&values.as_primitive::<Int32Type>().value(row), out),
        DataType::Int64 => write_json(&values.as_primitive::<Int64Type>().value(row), out),
        DataType::Float32 => write_json(&values.as_primitive::<Float32Type>().value(row), out),
        DataType::Decimal128(..) => {
            out.extend(values.as_primitive::<Decimal128Type>().value_as_string(row).as_bytes());
            Ok(())
        }
        DataType::Boolean => write_json(&values.as_boolean().value(row), out),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            write_json(&timestamp(values.as_primitive::<TimestampMillisecondType>().value(row)), out)
        }
        DataType::List(_) => {
            let elements = values.as_list::<i32>().value(row);
            out.push(b'[');
            for element in 0..elements.len() {
                if element > 0 {
                    out.push(b',');
                }
                if elements.is_null(element) {
                    out.extend(b"null");
                } else {
                    write_value(&elements, element, out)?;
                }
            }
            out.push(b']');
            Ok(())
        }
        DataType::Struct(fields) => {
            let mut members = Members::new(out);
            for (field, column) in fields.iter().zip(values.as_struct().columns()) {
                if !column.is_null(row) {
                    write_value(column, row, members.member(field.name())?)?;
                }
            }
            members.end();
            Ok(())
        }
        DataType::Map(..) => {
            let entries = values.as_map().value(row);
            let (keys, texts) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
            let mut members = Members::new(out);
            for entry in (0..entries.len()).filter(|entry| !texts.is_null(*entry)) {
                write_json(texts.value(entry), members.member(keys.value(entry))?)?;
            }
            members.end();
            Ok(())
        }
        other => bail!("a column has the type {other}, which no table of the lake has"),
    }
}

fn write_json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> anyhow::Result<()> {
    Ok(serde_json::to_writer(out, value)?)
}

/// `2026-03-14T09:05:00Z`, with milliseconds where there are any.
fn timestamp(millis: i64) -> String {
    let seconds = to_rfc3339(millis);
    match (millis.rem_euclid(1000), seconds.strip_suffix('Z')) {
        (fraction @ 1.., Some(seconds)) => format!("{seconds}.{fraction:03}Z"),
        _ => seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        assert_eq!(timestamp(1_709_251_199_000), "2024-02-29T23:59:59Z");
        assert_eq!(timestamp(1_709_251_199_007), "2024-02-29T23:59:59.007Z");
        assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999Z");
    }
}
