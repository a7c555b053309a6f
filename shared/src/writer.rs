//! Rows of one partition in, the bytes of one Parquet object out, a row group at a time.
//!
//! Limits that Security Lake publishes for custom sources, and how they are kept: data pages of at most 1 MiB
//! uncompressed (pages are closed at half of that), row groups of at most 256 MB compressed (a row group is one
//! flush of the pipeline's buffer), rows ordered by time within it.
//!
//! The `parquet` crate lays down pages, footers and indexes. Levels and values are encoded here, straight from the
//! rows: they come with their texts numbered and their lists counted, and building Arrow arrays first, which the
//! crate would number again, costs more than all else that is done to a row.

mod chunk;
mod leaf;
mod levels;
mod rle;

use std::fmt;
use std::sync::Arc;

use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use self::chunk::{Chunk, Compressor};
use self::levels::Entries;
use crate::layout::Codec;
use crate::rows::Rows;
use crate::rows::column::Values;
use crate::table::TableDefinition;

/// The writer of one Parquet object.
pub struct ParquetWriter {
    file: SerializedFileWriter<Vec<u8>>,
    schema: SchemaDescriptor,
    unique: &'static [&'static str],
    compressor: Compressor,
    row_groups: usize,
}

impl fmt::Debug for ParquetWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ParquetWriter").field("row_groups", &self.row_groups).finish_non_exhaustive()
    }
}

impl ParquetWriter {
    /// A writer of rows of `table`, of which `rows` are some.
    ///
    /// # Errors
    /// If Parquet refuses the schema, which only a mistaken definition can cause.
    pub fn new(table: &TableDefinition, rows: &Rows, codec: Codec) -> Result<Self, ParquetError> {
        let schema = ArrowSchemaConverter::new().schema_root("schema").convert(rows.schema())?;
        let root = schema.root_schema_ptr();
        let file = SerializedFileWriter::new(Vec::new(), root, Arc::new(properties(&schema)))?;
        let compressor = Compressor::new(codec)?;
        Ok(Self { file, schema, unique: table.unique, compressor, row_groups: 0 })
    }

    /// Writes the rows of the given numbers, in that order, as a row group of its own.
    ///
    /// One leaf after the other is encoded and compressed, so the row group is never whole in memory but as it is
    /// written.
    ///
    /// # Errors
    /// As Parquet's writer.
    pub fn write(&mut self, rows: &Rows, order: &[u32]) -> Result<(), ParquetError> {
        let Self { file, schema, unique, compressor, .. } = self;
        let mut row_group = file.next_row_group()?;
        let mut leaves = schema.columns().iter();
        for node in &rows.nodes {
            levels::walk(rows, node, &Entries::rows(order), &mut |leaf, entries| {
                let descriptor = leaves.next().ok_or_else(|| {
                    ParquetError::General("the rows have more leaves than the schema".to_owned())
                })?;
                let chunk =
                    Chunk::new(Arc::clone(descriptor), compressor, is_bounded(leaf, descriptor, unique));
                let (bytes, close) = leaf::write(chunk, leaf, entries)?;
                row_group.append_column(&bytes, close)
            })?;
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

/// Bounds of ids, free text and list members exclude no page, and finding them takes time.
fn is_bounded(leaf: levels::Leaf<'_>, descriptor: &ColumnDescriptor, unique: &[&str]) -> bool {
    let orderly = match leaf {
        levels::Leaf::Column(column, _) => !matches!(column.values, Values::Text { .. } | Values::Float(_)),
        levels::Leaf::Texts(_) => false,
    };
    orderly && descriptor.max_rep_level() == 0 && !unique.contains(&descriptor.path().string().as_str())
}

fn properties(schema: &SchemaDescriptor) -> WriterProperties {
    let by_time = schema.columns().iter().position(|leaf| leaf.path().string() == "time").map(|index| {
        let column_idx = i32::try_from(index).unwrap_or_default();
        vec![SortingColumn { column_idx, descending: false, nulls_first: false }]
    });
    WriterProperties::builder()
        .set_created_by(concat!("open-security-lake ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_sorting_columns(by_time)
        .build()
}

#[cfg(test)]
mod tests;
