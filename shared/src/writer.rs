//! Rows of one partition in, the bytes of one Parquet object out, a row group at a time.
//!
//! Limits that Security Lake publishes for custom sources, and how they are kept: data pages of at most 1 MiB
//! uncompressed (pages are closed at [`PAGE_BYTES`]), row groups of at most
//! 256 MB compressed (a row group is one flush of the pipeline's buffer), rows ordered by time within it.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::metadata::SortingColumn;
use parquet::schema::types::ColumnPath;

use crate::layout::Codec;
use crate::table::TableDefinition;

/// A page is closed once it holds this many uncompressed bytes.
const PAGE_BYTES: usize = 512 * 1024;

/// The writer of one Parquet object.
#[derive(Debug)]
pub struct ParquetWriter {
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetWriter {
    /// A writer of rows of `table`, whose Arrow schema is `schema`.
    ///
    /// # Errors
    /// If Parquet refuses the schema, which only a mistaken definition can cause.
    pub fn new(table: &TableDefinition, schema: Arc<Schema>, codec: Codec) -> Result<Self, ParquetError> {
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table, &schema, codec)?)
            // Readers go by Parquet's own types; an embedded Arrow schema could only disagree with them.
            .with_skip_arrow_metadata(true);
        Ok(Self { writer: ArrowWriter::try_new_with_options(Vec::new(), schema, options)? })
    }

    /// Writes the batch as a row group of its own.
    ///
    /// # Errors
    /// As Parquet's writer.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.writer.write(batch)?;
        self.writer.flush()
    }

    /// Bytes of the object since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }

    /// Ends the object and returns its last bytes.
    ///
    /// # Errors
    /// As Parquet's writer.
    pub fn finish(mut self) -> Result<Vec<u8>, ParquetError> {
        self.writer.finish()?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }
}

fn properties(table: &TableDefinition, schema: &Schema, codec: Codec) -> Result<WriterProperties, ParquetError> {
    let compression = match codec {
        // Level 3 is 2 % smaller and takes 30 % longer to write.
        Codec::Zstd => Compression::ZSTD(ZstdLevel::try_new(1)?),
        Codec::Gzip => Compression::GZIP(GzipLevel::try_new(6)?),
    };
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("open-security-lake ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(compression)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_max_row_group_row_count(None);
    for path in table.unique {
        let path = ColumnPath::new(path.split('.').map(str::to_owned).collect());
        builder = builder.set_column_dictionary_enabled(path.clone(), false).set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    builder = builder.set_column_statistics_enabled(ColumnPath::new("unmapped.key_value.key".split('.').map(str::to_owned).collect()), EnabledStatistics::None);
    if let Some(time) = leaf_index(schema, "time") {
        let by_time = SortingColumn { column_idx: time, descending: false, nulls_first: false };
        builder = builder.set_sorting_columns(Some(vec![by_time]));
    }
    Ok(builder.build())
}

/// Number of the leaf of a top-level scalar column.
fn leaf_index(schema: &Schema, name: &str) -> Option<i32> {
    fn leaves(kind: &arrow_schema::DataType) -> i32 {
        match kind {
            arrow_schema::DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
            arrow_schema::DataType::List(field) | arrow_schema::DataType::Map(field, _) => leaves(field.data_type()),
            _ => 1,
        }
    }
    let position = schema.fields().iter().position(|field| field.name() == name)?;
    Some(schema.fields()[..position].iter().map(|field| leaves(field.data_type())).sum())
}
