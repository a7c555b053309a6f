//! A table of ours as Glue holds it.

use aws_sdk_glue::error::BuildError;
use aws_sdk_glue::types::{Column, SerDeInfo, StorageDescriptor, Table, TableInput};

use super::failure::Failure;
use crate::table::{PARTITION_KEYS, TableDefinition};

/// The table as Glue is to hold it: Hive partitions over Parquet at `location`.
pub(super) fn input(table: &TableDefinition, name: &str, location: String) -> Result<TableInput, BuildError> {
    let column = |name: &str, kind: &str| Column::builder().name(name).r#type(kind).build();
    let columns =
        table.columns.iter().map(|(name, kind)| column(name, kind)).collect::<Result<Vec<_>, _>>()?;
    let keys = PARTITION_KEYS.iter().map(|name| column(name, "string")).collect::<Result<Vec<_>, _>>()?;
    let serde = SerDeInfo::builder()
        .serialization_library("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")
        .parameters("serialization.format", "1");
    let descriptor = StorageDescriptor::builder()
        .set_columns(Some(columns))
        .location(location)
        .input_format("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat")
        .output_format("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat")
        .serde_info(serde.build());
    TableInput::builder()
        .name(name)
        .description(format!("{} {}, OCSF {}", table.source, table.version, table.ocsf))
        .table_type("EXTERNAL_TABLE")
        .parameters("EXTERNAL", "TRUE")
        .parameters("classification", "parquet")
        .set_partition_keys(Some(keys))
        .storage_descriptor(descriptor.build())
        .build()
}

/// Holds a table that exists against the one that we would create; answers how its partitions are described.
pub(super) fn check(wanted: &TableInput, found: Option<Table>) -> Result<StorageDescriptor, Failure> {
    let name = wanted.name();
    let found = found.ok_or_else(|| Failure::ours(format!("glue answers nothing about table {name}")))?;
    accept(&found)?;
    let descriptor = found.storage_descriptor.ok_or_else(|| {
        Failure::ours(format!(
            "table {name} has no storage descriptor, so no partition of it can be described"
        ))
    })?;
    let wanted = wanted.storage_descriptor();
    let outdated =
        outdated_columns(wanted.map(StorageDescriptor::columns).unwrap_or_default(), descriptor.columns());
    if !outdated.is_empty() {
        let columns = outdated.join(",");
        tracing::warn!(
            table = name,
            columns,
            "table in glue lacks columns or has older types: the files hold them, queries do not see them until \
             the table's columns are updated"
        );
    }
    let (expected, location) = (wanted.and_then(StorageDescriptor::location), descriptor.location());
    if location.map(|location| location.trim_end_matches('/'))
        != expected.map(|wanted| wanted.trim_end_matches('/'))
    {
        tracing::warn!(
            table = name,
            location,
            expected,
            "table in glue lies elsewhere: its partitions will lie here"
        );
    }
    Ok(descriptor)
}

/// Refuses a table of another format.
pub(super) fn accept(found: &Table) -> Result<(), Failure> {
    let name = found.name();
    let parameter =
        |key: &str| found.parameters().and_then(|parameters| parameters.get(key)).map(String::as_str);
    if parameter("table_type").is_some_and(|kind| kind.eq_ignore_ascii_case("iceberg")) {
        let advice = "drop it or give the lake a region of its own";
        return Err(Failure::ours(format!(
            "table {name} exists as an Iceberg table, expected Hive partitions: {advice}"
        )));
    }
    let keys: Vec<&str> = found.partition_keys().iter().map(Column::name).collect();
    if keys != PARTITION_KEYS {
        let expected = PARTITION_KEYS.join(", ");
        return Err(Failure::ours(format!(
            "table {name} has the partition keys {keys:?}, expected {expected}"
        )));
    }
    Ok(())
}

/// Columns that `found` lacks or has another type for.
pub(super) fn outdated_columns<'a>(wanted: &'a [Column], found: &[Column]) -> Vec<&'a str> {
    let same = |a: &Column, b: &Column| {
        a.name().eq_ignore_ascii_case(b.name())
            && a.r#type().unwrap_or_default() == b.r#type().unwrap_or_default()
    };
    wanted.iter().filter(|column| !found.iter().any(|other| same(column, other))).map(Column::name).collect()
}
