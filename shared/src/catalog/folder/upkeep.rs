//! Reading and mending the catalogue of a folder. Its partitions have no columns of their own.

use std::io;

use super::{FolderCatalog, columns};
use crate::catalog::{FoundPartition, FoundTable, Upkeep, UpkeepError};
use crate::layout::{self, Partition};
use crate::table::{PARTITION_KEYS, Standing, TableDefinition, standing};

fn error(what: &'static str, table: &TableDefinition, error: &io::Error) -> UpkeepError {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    UpkeepError { what, table: table.id(), reason: error.to_string(), denied }
}

impl Upkeep for FolderCatalog {
    async fn table(&self, table: &'static TableDefinition) -> Result<Option<FoundTable>, UpkeepError> {
        let entry = self.read(table).map_err(|one| error("read the table", table, &one))?;
        Ok(entry.map(|entry| {
            let keys: Vec<&str> = entry.partition_keys.iter().map(|key| key.name.as_str()).collect();
            let standing = if keys == PARTITION_KEYS {
                standing(table, entry.columns.iter().map(|column| (&column.name, &column.kind)))
            } else {
                Standing::Foreign(format!("its partition keys are {}", keys.join(", ")))
            };
            FoundTable { name: format!("{}.{}", entry.database, entry.name), standing }
        }))
    }

    async fn partitions(&self, table: &'static TableDefinition) -> Result<Vec<FoundPartition>, UpkeepError> {
        let entry = self.read(table).map_err(|one| error("read the partitions of", table, &one))?;
        let unknown = || Partition { region: String::new(), account: String::new(), day: String::new() };
        let found = |prefix: String| FoundPartition {
            partition: layout::partition_of(table, &prefix).unwrap_or_else(unknown),
            prefix,
            is_behind: false,
        };
        Ok(entry.map(|entry| entry.partitions.into_iter().map(found).collect()).unwrap_or_default())
    }

    async fn bring_up(&self, table: &'static TableDefinition) -> Result<(), UpkeepError> {
        let mend = || -> io::Result<()> {
            let Some(mut entry) = self.read(table)? else { return Ok(()) };
            let found = entry.columns.iter().map(|column| (&column.name, &column.kind));
            if !matches!(standing(table, found), Standing::Behind(_)) {
                return Ok(());
            }
            entry.columns = columns(table);
            self.write(table, &entry)
        };
        mend().map_err(|one| error("bring up", table, &one))
    }

    async fn bring_up_partitions(
        &self,
        _table: &'static TableDefinition,
        _partitions: &[Partition],
    ) -> Result<(), UpkeepError> {
        Ok(())
    }

    async fn remove(
        &self,
        table: &'static TableDefinition,
        partitions: &[FoundPartition],
    ) -> Result<(), UpkeepError> {
        let remove = || -> io::Result<()> {
            let Some(mut entry) = self.read(table)? else { return Ok(()) };
            for partition in partitions {
                entry.partitions.remove(&partition.prefix);
            }
            self.write(table, &entry)
        };
        remove().map_err(|one| error("remove partitions of", table, &one))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::catalog::{Catalog as _, TablePartition};
    use crate::table::definitions::CLOUD_TRAIL_MGMT_2_0 as TABLE;

    #[test]
    fn a_table_of_an_older_version_is_brought_up() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = FolderCatalog::new(folder.path(), "us-east-1");
        assert_eq!(block_on(catalog.table(&TABLE)), Ok(None));
        let partition = Partition { region: "eu-west-1".into(), account: "1".into(), day: "20260314".into() };
        block_on(catalog.register(&[TablePartition { table: &TABLE, partition: partition.clone() }]));
        let standing = || block_on(catalog.table(&TABLE)).unwrap().unwrap().standing;
        assert_eq!(standing(), Standing::Same);

        let mut entry = catalog.read(&TABLE).unwrap().unwrap();
        let last = entry.columns.pop().unwrap();
        catalog.write(&TABLE, &entry).unwrap();
        assert_eq!(standing(), Standing::Behind(vec![last.name.clone()]));
        block_on(catalog.bring_up(&TABLE)).unwrap();
        assert_eq!(standing(), Standing::Same);

        entry.columns[0].name = "mine".to_owned();
        catalog.write(&TABLE, &entry).unwrap();
        block_on(catalog.bring_up(&TABLE)).unwrap();
        assert!(matches!(standing(), Standing::Foreign(_)), "somebody's own table is left alone");

        let found = block_on(catalog.partitions(&TABLE)).unwrap();
        assert_eq!((found.len(), &found[0].partition), (1, &partition));
        block_on(catalog.remove(&TABLE, &found)).unwrap();
        assert!(block_on(catalog.partitions(&TABLE)).unwrap().is_empty());
    }
}
