//! Rows of one partition in, the bytes of one Parquet object out, a row group at a time.
//!
//! Limits that Security Lake publishes for custom sources, and how they are kept: data pages of at most 1 MiB
//! uncompressed (pages are closed at half of that), row groups of at most
//! 256 MB compressed (a row group is one flush of the pipeline's buffer), rows ordered by time within it.

use std::fmt;
use std::sync::Arc;

use arrow_schema::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;

use crate::layout::Codec;
use crate::rows::Rows;
use crate::table::TableDefinition;

/// A page is closed once it holds this many uncompressed bytes.
const PAGE_BYTES: usize = 512 * 1024;

/// Rows that are turned into Arrow arrays at a time.
const CHUNK: usize = 8192;

/// The writer of one Parquet object.
pub struct ParquetWriter {
    file: SerializedFileWriter<Vec<u8>>,
    columns: ArrowRowGroupWriterFactory,
    row_groups: usize,
}

impl fmt::Debug for ParquetWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ParquetWriter").field("row_groups", &self.row_groups).finish_non_exhaustive()
    }
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
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options)?;
        let (file, columns) = writer.into_serialized_writer()?;
        Ok(Self { file, columns, row_groups: 0 })
    }

    /// Writes the rows of the given numbers, in that order, as a row group of its own.
    ///
    /// One column after the other is gathered, encoded and forgotten, so the Arrow form of a row group is never
    /// whole in memory.
    ///
    /// # Errors
    /// As Parquet's writer.
    pub fn write(&mut self, rows: &Rows, order: &[u32]) -> Result<(), ParquetError> {
        let mut leaf_writers = self.columns.create_column_writers(self.row_groups)?.into_iter();
        let mut row_group = self.file.next_row_group()?;
        for (index, field) in rows.schema().fields().iter().enumerate() {
            let mut writers: Vec<ArrowColumnWriter> = Vec::new();
            for chunk in order.chunks(CHUNK) {
                let leaves = compute_leaves(field, &rows.column(index, chunk)?)?;
                writers.extend(leaf_writers.by_ref().take(leaves.len() - writers.len()));
                for (writer, leaf) in writers.iter_mut().zip(&leaves) {
                    writer.write(leaf)?;
                }
            }
            for writer in writers {
                writer.close()?.append_to_row_group(&mut row_group)?;
            }
        }
        row_group.close()?;
        self.row_groups += 1;
        Ok(())
    }

    /// Bytes of the object since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(self.file.inner_mut())
    }

    /// Ends the object and returns its last bytes.
    ///
    /// # Errors
    /// As Parquet's writer.
    pub fn finish(mut self) -> Result<Vec<u8>, ParquetError> {
        self.file.finish()?;
        Ok(std::mem::take(self.file.inner_mut()))
    }
}

fn properties(
    table: &TableDefinition,
    schema: &Schema,
    codec: Codec,
) -> Result<WriterProperties, ParquetError> {
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
    let leaves = ArrowSchemaConverter::new().convert(schema)?;
    for (index, leaf) in leaves.columns().iter().enumerate() {
        let path = leaf.path();
        let is_unique = table.unique.contains(&path.string().as_str());
        if is_unique {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
        }
        if is_unique || leaf.max_rep_level() > 0 {
            // Bounds of ids, free text and list members exclude no page, and finding them takes time.
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if path.string() == "time" {
            let column_idx = i32::try_from(index).unwrap_or_default();
            let by_time = SortingColumn { column_idx, descending: false, nulls_first: false };
            builder = builder.set_sorting_columns(Some(vec![by_time]));
        }
    }
    Ok(builder.build())
}
