//! The Parquet files of a table: where they lie, whether their footers can be read, and their columns.

use std::path::{Path, PathBuf};

use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use shared::layout;
use shared::store::folder;
use shared::table::TableDefinition;

use super::{Verdict, listing};

/// Files that are named in a verdict, at most.
const NAMED: usize = 3;

/// Examines every file of a table; `None` if it has none.
pub(super) fn examine(lake: &Path, table: &TableDefinition) -> Option<Verdict> {
    let root = lake.join(layout::table_prefix(table));
    let mut files = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for path in listing(&folder) {
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            // A folder in place of a file is told as one that cannot be read.
            if path.is_dir() && path.extension().is_none_or(|end| end != "parquet") {
                folders.push(path);
            } else if !is_hidden {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        return None;
    }
    files.sort();
    let (mut rows, mut bad) = (0_u64, Vec::new());
    for path in &files {
        match file(lake, path, table) {
            Ok(count) => rows += count,
            Err(reason) => bad.push((path.clone(), reason)),
        }
    }
    Some(judge(&table.id(), files.len(), rows, &bad))
}

/// Rows of a file, or what is amiss with it.
fn file(lake: &Path, path: &Path, table: &TableDefinition) -> Result<u64, String> {
    if path.extension().is_none_or(|end| end != "parquet") {
        return Err("is no Parquet file".to_owned());
    }
    let folder = path.parent().and_then(|folder| folder.strip_prefix(lake).ok()).unwrap_or(Path::new(""));
    let prefix = format!("{}/", folder.to_string_lossy());
    if layout::partition_of(table, &prefix).is_none() {
        return Err("lies in no partition".to_owned());
    }
    let opened = folder::open(path).map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(opened).map_err(|error| error.to_string())?;
    let metadata = reader.metadata().file_metadata();
    let schema = parquet_to_arrow_schema(metadata.schema_descr(), None).map_err(|error| error.to_string())?;
    // Columns that no row of the file fills may be left out, so only what is there is held against the definition.
    let wanted = table.arrow_schema().map_err(|error| error.to_string())?;
    for field in schema.fields() {
        match wanted.field_with_name(field.name()) {
            Err(_) => return Err(format!("has the column {}, which the definition has not", field.name())),
            Ok(known) if !fits(known.data_type(), field.data_type()) => {
                return Err(format!("has the column {} of another type than the definition's", field.name()));
            }
            Ok(_) => {}
        }
    }
    Ok(u64::try_from(metadata.num_rows()).unwrap_or_default())
}

/// True if a column of type `found` is read as `known`: the members of a struct are a prefix of the definition's, at
/// every level.
fn fits(known: &arrow_schema::DataType, found: &arrow_schema::DataType) -> bool {
    use arrow_schema::DataType::{List, Struct};

    match (known, found) {
        (List(known), List(found)) => fits(known.data_type(), found.data_type()),
        (Struct(known), Struct(found)) => {
            found.len() <= known.len()
                && known.iter().zip(found).all(|(known, found)| {
                    known.name() == found.name() && fits(known.data_type(), found.data_type())
                })
        }
        (known, found) => known == found,
    }
}

fn judge(table: &str, files: usize, rows: u64, bad: &[(PathBuf, String)]) -> Verdict {
    if bad.is_empty() {
        return Verdict::ok(format!("{files} files of {table}, {rows} rows"));
    }
    let named = bad.iter().take(NAMED).map(|(path, reason)| format!("{} {reason}", path.display()));
    let more = bad.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Verdict::problem(
        format!("{}{more}", named.collect::<Vec<_>>().join("; ")),
        "move them out of the lake; what a damaged file held is in the raw logs, and a new lake can be filled from those",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{DataType, Field};

    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn a_prefix_fits() {
        let strukt = |names: &[&str]| {
            DataType::Struct(names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect())
        };
        let list = |inner| DataType::List(Arc::new(Field::new("element", inner, true)));
        let known = list(strukt(&["a", "b"]));
        assert!(fits(&known, &known) && fits(&known, &list(strukt(&["a"]))));
        assert!(!fits(&known, &list(strukt(&["b"]))) && !fits(&known, &list(strukt(&["a", "b", "c"]))));
        assert!(!fits(&DataType::Int64, &DataType::Int32));
    }

    #[test]
    fn verdicts() {
        assert_eq!(judge("T@2.0", 3, 9, &[]).state, State::Ok);
        let bad: Vec<_> = (0..5).map(|n| (PathBuf::from(format!("f{n}")), "is bad".to_owned())).collect();
        assert!(judge("T@2.0", 5, 0, &bad).found.ends_with("f2 is bad, and 2 more"));
    }
}
