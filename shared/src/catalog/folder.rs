//! The catalogue on a folder: one JSON file a table, `catalog/<database>/<table>.json` in the lake, with columns
//! and partitions as Glue would hold them. `lake tables` and `lake views` read it.

mod upkeep;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Catalog, CatalogError, TablePartition};
use crate::durable;
use crate::layout;
use crate::table::{PARTITION_KEYS, TableDefinition};

/// A column as Glue describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in Hive notation.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A table as the folder catalogue holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// `amazon_security_lake_glue_db_<region>`
    pub database: String,
    /// `amazon_security_lake_table_<region>_<source>_<version>`
    pub name: String,
    /// Key prefix of the table's objects in the lake.
    pub location: String,
    /// Columns of the files.
    pub columns: Vec<Column>,
    /// Partition keys, which the paths hold.
    pub partition_keys: Vec<Column>,
    /// Key prefixes of the registered partitions.
    pub partitions: BTreeSet<String>,
}

/// The catalogue of a lake in a folder.
#[derive(Debug, Clone)]
pub struct FolderCatalog {
    root: PathBuf,
    region: String,
}

impl FolderCatalog {
    /// The catalogue of the lake in `lake`, whose database and tables are named for `region`.
    pub fn new(lake: &Path, region: &str) -> Self {
        Self { root: lake.join("catalog"), region: region.to_owned() }
    }

    fn path(&self, table: &TableDefinition) -> PathBuf {
        let database = self.root.join(layout::database_name(&self.region));
        database.join(format!("{}.json", layout::table_name(&self.region, table)))
    }

    /// Every table of every database in the catalogue, by name.
    ///
    /// # Errors
    /// If a file cannot be read or is not a table's description.
    pub fn tables(lake: &Path) -> std::io::Result<Vec<TableEntry>> {
        let mut tables = Vec::new();
        let root = lake.join("catalog");
        let databases = match std::fs::read_dir(&root) {
            Ok(databases) => databases,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(tables),
            Err(error) => return Err(named(&root, &error)),
        };
        for database in databases {
            let folder = database?.path();
            for file in std::fs::read_dir(&folder).map_err(|error| named(&folder, &error))? {
                let path = file?.path();
                if path.extension().is_some_and(|extension| extension == "json") {
                    tables.extend(entry_at(&path)?);
                }
            }
        }
        tables.sort_by(|a: &TableEntry, b: &TableEntry| (&a.database, &a.name).cmp(&(&b.database, &b.name)));
        Ok(tables)
    }

    /// Adds partitions of one table to its file.
    fn add(&self, table: &'static TableDefinition, prefixes: Vec<String>) -> std::io::Result<()> {
        let found = self.read(table)?;
        let before = found.as_ref().map(|entry| (entry.columns.clone(), entry.partitions.len()));
        let mut entry = found.unwrap_or_else(|| self.entry(table));
        entry.columns = columns(table); // a lake that an older version wrote learns the new columns
        entry.partitions.extend(prefixes);
        if before.is_some_and(|(columns, known)| columns == entry.columns && known == entry.partitions.len())
        {
            return Ok(());
        }
        self.write(table, &entry)
    }

    /// The entry of a table; nothing if there is none.
    fn read(&self, table: &TableDefinition) -> std::io::Result<Option<TableEntry>> {
        entry_at(&self.path(table))
    }

    fn write(&self, table: &TableDefinition, entry: &TableEntry) -> std::io::Result<()> {
        let path = self.path(table);
        if let Some(folder) = path.parent() {
            durable::create_folders(folder)?;
        }
        durable::replace(&path, &serde_json::to_vec_pretty(entry)?)
    }

    fn entry(&self, table: &TableDefinition) -> TableEntry {
        TableEntry {
            database: layout::database_name(&self.region),
            name: layout::table_name(&self.region, table),
            location: layout::table_prefix(table),
            columns: columns(table),
            partition_keys: PARTITION_KEYS
                .map(|name| Column { name: name.to_owned(), kind: "string".to_owned() })
                .to_vec(),
            partitions: BTreeSet::new(),
        }
    }
}

/// The entry in a file; nothing if there is none. Errors name the file.
fn entry_at(path: &Path) -> std::io::Result<Option<TableEntry>> {
    match std::fs::read(path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?)) {
        Ok(entry) => Ok(Some(entry)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(path, &error)),
    }
}

fn named(path: &Path, error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn columns(table: &TableDefinition) -> Vec<Column> {
    table
        .columns
        .iter()
        .map(|(name, kind)| Column { name: (*name).to_owned(), kind: (*kind).to_owned() })
        .collect()
}

impl Catalog for FolderCatalog {
    async fn register(&self, partitions: &[TablePartition]) -> Vec<Result<(), CatalogError>> {
        let mut tables: BTreeMap<String, (&'static TableDefinition, Vec<String>)> = BTreeMap::new();
        for partition in partitions {
            let (_, prefixes) =
                tables.entry(partition.table.id()).or_insert_with(|| (partition.table, Vec::new()));
            prefixes.push(partition.prefix());
        }
        let add =
            |(id, (table, prefixes))| (id, self.add(table, prefixes).map_err(|error| error.to_string()));
        let outcomes: BTreeMap<String, Result<(), String>> = tables.into_iter().map(add).collect();
        let outcome = |partition: &TablePartition| match outcomes.get(&partition.table.id()) {
            Some(Err(reason)) => Err(CatalogError {
                table: partition.table.id(),
                partition: partition.prefix(),
                reason: reason.clone(),
                retryable: false,
            }),
            _ => Ok(()),
        };
        partitions.iter().map(outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::layout::Partition;
    use crate::table::definitions::CLOUD_TRAIL_MGMT_2_0;

    #[test]
    fn registering_twice_is_registering_once() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = FolderCatalog::new(folder.path(), "us-east-1");
        let partition = |day: &str| TablePartition {
            table: &CLOUD_TRAIL_MGMT_2_0,
            partition: Partition { region: "eu-west-1".into(), account: "1".into(), day: day.into() },
        };
        assert!(FolderCatalog::tables(folder.path()).unwrap().is_empty());
        for _ in 0..2 {
            let outcome = block_on(catalog.register(&[partition("20260314"), partition("20260315")]));
            assert_eq!(outcome, [Ok(()), Ok(())]);
        }
        let tables = FolderCatalog::tables(folder.path()).unwrap();
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].name, "amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0");
        assert_eq!(tables[0].partitions.len(), 2);
        assert_eq!(tables[0].columns[1], Column { name: "time".into(), kind: "bigint".into() });
    }
}
