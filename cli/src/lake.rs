//! The lake as its readers see it: tables from the catalogue, Parquet files from the registered partitions.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use shared::catalog::folder::{FolderCatalog, TableEntry};

use crate::Usage;

/// How the name of a database begins; its region follows.
const DATABASE: &str = "amazon_security_lake_glue_db_";

/// The folder of an existing lake, absolute.
pub(crate) fn existing(text: &str) -> Result<PathBuf, String> {
    match fs::canonicalize(text) {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(_) => Err("this is a file; a lake is a folder".to_owned()),
        Err(_) => Err("there is no such folder; `lake ingest` makes one".to_owned()),
    }
}

/// A table and where its files are.
#[derive(Debug)]
pub(crate) struct Table {
    /// The catalogue's entry.
    pub(crate) entry: TableEntry,
    /// `CLOUD_TRAIL_MGMT`
    pub(crate) source: String,
    /// `2.0`
    pub(crate) version: String,
    root: PathBuf,
}

/// A Parquet file of a table.
#[derive(Debug)]
pub(crate) struct LakeFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size.
    pub(crate) bytes: u64,
    /// Values of the partition keys, by name in lower case.
    pub(crate) partition: Vec<(String, String)>,
}

/// Every table of the lake in `root`, by database and name.
///
/// # Errors
/// If the catalogue cannot be read.
pub(crate) fn tables(root: &Path) -> anyhow::Result<Vec<Table>> {
    let table = |entry: TableEntry| {
        let mut parts = entry.location.trim_end_matches('/').rsplit('/');
        let version = parts.next().unwrap_or_default().to_owned();
        let source = parts.next().unwrap_or_default().to_owned();
        Table { source, version, root: root.to_owned(), entry }
    };
    Ok(entries(root)?.into_iter().map(table).collect())
}

/// The region of the lake in `root`, as [`region_of`] has it.
///
/// # Errors
/// [`Usage`] if it has tables of several regions; or if the catalogue cannot be read.
pub(crate) fn region(root: &Path) -> anyhow::Result<String> {
    region_of(&entries(root)?, "bring files in with `lake ingest --region`")
}

fn entries(root: &Path) -> anyhow::Result<Vec<TableEntry>> {
    FolderCatalog::tables(root)
        .with_context(|| format!("cannot read the catalogue in {}", root.join("catalog").display()))
}

/// The region whose database the catalogue's tables are in; the default of `lake ingest` if there is none yet. `several`
/// says what to do where there are several.
///
/// # Errors
/// [`Usage`] if there are several.
pub(crate) fn region_of(entries: &[TableEntry], several: &str) -> anyhow::Result<String> {
    let region = |entry: &TableEntry| {
        entry.database.strip_prefix(DATABASE).unwrap_or(&entry.database).replace('_', "-")
    };
    let mut regions: Vec<String> = entries.iter().map(region).collect();
    regions.dedup();
    match regions.as_slice() {
        [] => Ok("us-east-1".to_owned()),
        [region] => Ok(region.clone()),
        all => {
            Err(Usage(format!("the lake has tables of several regions ({}); {several}", all.join(", ")))
                .into())
        }
    }
}

/// The one table that `name` means: a full name, with or without its database; the short name without region
/// (`cloud_trail_mgmt_2_0`); `CLOUD_TRAIL_MGMT@2.0`; or the source alone. Case does not matter.
///
/// # Errors
/// If no table or more than one answers to the name.
pub(crate) fn find(root: &Path, name: &str) -> anyhow::Result<Table> {
    let mut tables = tables(root)?;
    if tables.is_empty() {
        bail!("the lake {} has no tables yet; `lake ingest` fills it", root.display());
    }
    let all: Vec<String> = tables.iter().map(Table::qualified_name).collect();
    tables.retain(|table| table.answers_to(name));
    match (tables.pop(), tables.is_empty()) {
        (Some(table), true) => Ok(table),
        (None, _) => Err(Usage(format!("no table is named `{name}`; there are: {}", all.join(", "))).into()),
        (Some(last), false) => {
            tables.push(last);
            let names: Vec<String> = tables.iter().map(Table::qualified_name).collect();
            Err(Usage(format!("`{name}` may be any of: {}", names.join(", "))).into())
        }
    }
}

impl Table {
    /// `database.table`
    pub(crate) fn qualified_name(&self) -> String {
        format!("{}.{}", self.entry.database, self.entry.name)
    }

    /// The region in the table's names, with underscores.
    pub(crate) fn region(&self) -> &str {
        self.entry.database.strip_prefix(DATABASE).unwrap_or_default()
    }

    /// `cloud_trail_mgmt_2_0`
    pub(crate) fn short_name(&self) -> &str {
        let prefix = format!("amazon_security_lake_table_{}_", self.region());
        self.entry.name.strip_prefix(prefix.as_str()).unwrap_or(&self.entry.name)
    }

    /// `CLOUD_TRAIL_MGMT@2.0`
    pub(crate) fn id(&self) -> String {
        format!("{}@{}", self.source, self.version)
    }

    fn answers_to(&self, name: &str) -> bool {
        let id = self.id();
        let names = [&self.qualified_name(), &self.entry.name, self.short_name(), &id, &self.source];
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Names of all columns in the order of AWS's table. Tables of source version 2.0 have `accountid` and
    /// `region` in front of `asl_version`; the other partition keys stand at the end.
    pub(crate) fn column_order(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entry.columns.iter().map(|column| column.name.as_str()).collect();
        if let Some(at) = names.iter().position(|name| *name == "asl_version") {
            names.splice(at..at, ["accountid", "region"]);
        }
        for key in &self.entry.partition_keys {
            if !names.contains(&key.name.as_str()) {
                names.push(&key.name);
            }
        }
        names
    }

    /// The table's files: those in its registered partitions, by partition and name.
    ///
    /// # Errors
    /// If a partition's folder cannot be read.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<LakeFile>> {
        let mut files = Vec::new();
        for prefix in &self.entry.partitions {
            let folder = self.root.join(prefix);
            let partition = partition(prefix);
            let mut found = Vec::new();
            let cannot_read = || format!("cannot read the partition {}", folder.display());
            let listing = match fs::read_dir(&folder) {
                Ok(listing) => listing,
                // A registered partition whose folder was removed is empty, as it is for Glue's readers.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(cannot_read),
            };
            for file in listing {
                let file = file.with_context(cannot_read)?;
                let (name, path) = (file.file_name(), file.path());
                // A hidden file is one that is being written.
                if path.extension().is_some_and(|end| end == "parquet")
                    && !name.as_encoded_bytes().starts_with(b".")
                {
                    let bytes = file.metadata().with_context(cannot_read)?.len();
                    found.push(LakeFile { path, bytes, partition: partition.clone() });
                }
            }
            found.sort_by(|a, b| a.path.cmp(&b.path));
            files.append(&mut found);
        }
        Ok(files)
    }
}

impl LakeFile {
    /// The value of a partition key.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.partition.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Keys and values of a partition's prefix: `…/region=us-east-1/accountId=1/eventDay=20260314/`.
fn partition(prefix: &str) -> Vec<(String, String)> {
    let pair =
        |segment: &str| segment.split_once('=').map(|(name, value)| (name.to_lowercase(), unescape(value)));
    prefix.split('/').filter_map(pair).collect()
}

/// Undoes Hive's escaping of partition values.
fn unescape(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code =
            (first == b'%').then(|| after.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use shared::layout::{self, Partition};
    use shared::table::definitions::CLOUD_TRAIL_MGMT_2_0;

    use super::*;

    #[test]
    fn partition_values_come_back_as_they_were() {
        let values =
            Partition { region: "us-east-1".into(), account: "700***/é%".into(), day: "20260314".into() };
        let pairs = partition(&layout::partition_prefix(&CLOUD_TRAIL_MGMT_2_0, &values));
        let expected = [("region", "us-east-1"), ("accountid", "700***/é%"), ("eventday", "20260314")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(unescape("a%2"), "a%2");
        assert_eq!(unescape("a%zz%C3%A9"), "a%zzé");
    }
}
