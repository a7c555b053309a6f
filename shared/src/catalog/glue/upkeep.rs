//! Reading Glue's catalogue and mending it.

use std::collections::HashMap;

use aws_sdk_glue::types::builders::TableInputBuilder;
use aws_sdk_glue::types::{
    BatchUpdatePartitionRequestEntry, Column, Partition as GluePartition, PartitionInput, PartitionValueList,
    StorageDescriptor, Table, TableInput,
};

use super::failure::{Failure, is_retryable};
use super::{ATTEMPTS, BATCH, GlueCatalog, table, wait};
use crate::catalog::{FoundPartition, FoundTable, Upkeep, UpkeepError};
use crate::layout::{self, Partition};
use crate::table::{Standing, TableDefinition, standing};

/// Partitions that one `BatchDeletePartition` takes.
const DELETE_BATCH: usize = 25;

fn error(what: &'static str, table: &TableDefinition, failure: Failure) -> UpkeepError {
    let denied = failure.code.contains("AccessDenied");
    UpkeepError { what, table: table.id(), reason: failure.reason, denied }
}

fn columns(descriptor: Option<&StorageDescriptor>) -> impl Iterator<Item = (&str, &str)> {
    let columns = descriptor.map(StorageDescriptor::columns).unwrap_or_default();
    columns.iter().map(|column| (column.name(), column.r#type().unwrap_or_default()))
}

impl GlueCatalog {
    fn names(&self, table: &TableDefinition) -> (String, String) {
        (layout::database_name(&self.region), layout::table_name(&self.region, table))
    }

    async fn get_table(&self, table: &TableDefinition) -> Result<Option<Table>, Failure> {
        let (database, name) = self.names(table);
        match self.client.get_table().database_name(database).name(name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) => match Failure::of(&error) {
                failure if failure.code == "EntityNotFoundException" => Ok(None),
                failure => Err(failure),
            },
        }
    }

    /// How a table stands to its definition.
    fn stands(&self, table: &TableDefinition, found: &Table) -> Standing {
        if let Err(failure) = table::accept(found) {
            return Standing::Foreign(failure.reason);
        }
        let location = found.storage_descriptor().and_then(StorageDescriptor::location).unwrap_or_default();
        let wanted = self.location(&layout::table_prefix(table));
        if location.trim_end_matches('/') != wanted.trim_end_matches('/') {
            return Standing::Foreign(format!("it lies at {location}, expected {wanted}"));
        }
        standing(table, columns(found.storage_descriptor()))
    }

    fn found(&self, table: &'static TableDefinition, found: &GluePartition) -> FoundPartition {
        let location = found.storage_descriptor().and_then(StorageDescriptor::location).unwrap_or_default();
        let root = self.location("");
        let prefix = match location.strip_prefix(&root) {
            Some(prefix) => format!("{}/", prefix.trim_end_matches('/')),
            None => location.to_owned(),
        };
        let mut values = found.values().iter().cloned();
        let mut value = || values.next().unwrap_or_default();
        FoundPartition {
            partition: Partition { region: value(), account: value(), day: value() },
            prefix,
            is_behind: matches!(standing(table, columns(found.storage_descriptor())), Standing::Behind(_)),
        }
    }

    /// Shows every partition of a table to `each`, page by page: with their columns they are too large to be held
    /// together.
    async fn each_partition(
        &self,
        table: &TableDefinition,
        mut each: impl FnMut(&GluePartition) + Send,
    ) -> Result<(), Failure> {
        let (database, name) = self.names(table);
        let request = self.client.get_partitions().database_name(database).table_name(name);
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::of(&error))?;
            page.partitions().iter().for_each(&mut each);
        }
        Ok(())
    }

    /// Makes calls until `call` says that nothing is left for it, with waits where Glue asks to come back later.
    async fn update_batch(
        &self,
        table: &TableDefinition,
        mut entries: Vec<BatchUpdatePartitionRequestEntry>,
    ) -> Result<(), Failure> {
        let (database, name) = self.names(table);
        for attempt in 1..=ATTEMPTS {
            let request = self.client.batch_update_partition().database_name(&database).table_name(&name);
            let answer = request.set_entries(Some(entries.clone())).send().await;
            let answer = answer.map_err(|error| Failure::of(&error))?;
            let mut again = Vec::new();
            for failed in answer.errors() {
                let code = failed.error_detail().and_then(|detail| detail.error_code()).unwrap_or_default();
                let message = failed.error_detail().and_then(|detail| detail.error_message());
                let values = failed.partition_value_list();
                if !is_retryable(code) || attempt == ATTEMPTS {
                    let reason = format!("{code}: {} {values:?}", message.unwrap_or("no message"));
                    return Err(Failure { code: code.to_owned(), reason, retryable: false });
                }
                again.extend(entries.iter().filter(|entry| entry.partition_value_list() == values).cloned());
            }
            if again.is_empty() {
                return Ok(());
            }
            entries = again;
            tokio::time::sleep(wait(&name, attempt)).await;
        }
        Ok(())
    }
}

/// A table as it is, for an update that changes nothing of it yet. What Glue keeps by itself has no place in it.
fn as_it_is(table: Table) -> TableInputBuilder {
    TableInput::builder()
        .name(table.name)
        .set_description(table.description)
        .set_owner(table.owner)
        .set_last_access_time(table.last_access_time)
        .set_last_analyzed_time(table.last_analyzed_time)
        .retention(table.retention)
        .set_storage_descriptor(table.storage_descriptor)
        .set_partition_keys(table.partition_keys)
        .set_view_original_text(table.view_original_text)
        .set_view_expanded_text(table.view_expanded_text)
        .set_table_type(table.table_type)
        .set_parameters(table.parameters)
        .set_target_table(table.target_table)
}

/// The definition's columns, with the comments that the found ones have.
fn with_comments(wanted: &[Column], found: &[Column]) -> Vec<Column> {
    let comments: HashMap<String, &str> = found
        .iter()
        .filter_map(|column| Some((column.name().to_ascii_lowercase(), column.comment()?)))
        .collect();
    let column = |column: &Column| {
        let mut column = column.clone();
        column.comment = comments.get(&column.name).map(|comment| (*comment).to_owned());
        column
    };
    wanted.iter().map(column).collect()
}

impl Upkeep for GlueCatalog {
    async fn table(&self, table: &'static TableDefinition) -> Result<Option<FoundTable>, UpkeepError> {
        let found = Box::pin(self.get_table(table)).await;
        let found = found.map_err(|failure| error("read the table", table, failure))?;
        let (database, name) = self.names(table);
        let name = format!("{database}.{name}");
        Ok(found.map(|found| FoundTable { standing: self.stands(table, &found), name }))
    }

    async fn partitions(&self, table: &'static TableDefinition) -> Result<Vec<FoundPartition>, UpkeepError> {
        let mut found = Vec::new();
        let read = self.each_partition(table, |partition| found.push(self.found(table, partition)));
        Box::pin(read).await.map_err(|failure| error("read the partitions of", table, failure))?;
        found.sort();
        Ok(found)
    }

    async fn bring_up(&self, table: &'static TableDefinition) -> Result<(), UpkeepError> {
        let update = async {
            let Some(found) = self.get_table(table).await? else { return Ok(()) };
            if !matches!(self.stands(table, &found), Standing::Behind(_)) {
                return Ok(());
            }
            let (database, name) = self.names(table);
            let location = self.location(&layout::table_prefix(table));
            let wanted =
                table::input(table, &name, location).map_err(|error| Failure::ours(error.to_string()))?;
            let wanted = wanted.storage_descriptor().map(StorageDescriptor::columns).unwrap_or_default();
            let version = found.version_id.clone();
            let mut input = as_it_is(found).build().map_err(|error| Failure::ours(error.to_string()))?;
            if let Some(descriptor) = &mut input.storage_descriptor {
                descriptor.columns = Some(with_comments(wanted, descriptor.columns()));
            }
            let request = self.client.update_table().database_name(database).table_input(input);
            // The version that was read: somebody else's change in between is not overwritten.
            request.set_version_id(version).send().await.map(|_| ()).map_err(|error| Failure::of(&error))
        };
        Box::pin(update).await.map_err(|failure| error("bring up", table, failure))
    }

    async fn bring_up_partitions(
        &self,
        table: &'static TableDefinition,
        partitions: &[Partition],
    ) -> Result<(), UpkeepError> {
        let (database, name) = self.names(table);
        let update = async {
            let location = self.location(&layout::table_prefix(table));
            let wanted =
                table::input(table, &name, location).map_err(|error| Failure::ours(error.to_string()))?;
            let wanted = wanted.storage_descriptor().map(StorageDescriptor::columns).unwrap_or_default();
            for batch in partitions.chunks(BATCH) {
                let mut entries = Vec::new();
                for partition in batch {
                    let values = partition.values().map(str::to_owned).to_vec();
                    let request = self.client.get_partition().database_name(&database).table_name(&name);
                    let found = request.set_partition_values(Some(values.clone())).send().await;
                    let found = found.map_err(|error| Failure::of(&error))?.partition;
                    let Some(found) = found else { continue };
                    let mut descriptor = found.storage_descriptor;
                    if let Some(descriptor) = &mut descriptor {
                        descriptor.columns = Some(with_comments(wanted, descriptor.columns()));
                    }
                    let input = PartitionInput::builder()
                        .set_values(found.values)
                        .set_last_access_time(found.last_access_time)
                        .set_last_analyzed_time(found.last_analyzed_time)
                        .set_storage_descriptor(descriptor)
                        .set_parameters(found.parameters);
                    let entry = BatchUpdatePartitionRequestEntry::builder()
                        .set_partition_value_list(Some(values))
                        .partition_input(input.build());
                    entries.push(entry.build().map_err(|error| Failure::ours(error.to_string()))?);
                }
                if !entries.is_empty() {
                    self.update_batch(table, entries).await?;
                }
            }
            Ok(())
        };
        Box::pin(update).await.map_err(|failure| error("bring up the partitions of", table, failure))
    }

    async fn remove(
        &self,
        table: &'static TableDefinition,
        partitions: &[FoundPartition],
    ) -> Result<(), UpkeepError> {
        let (database, name) = self.names(table);
        let remove = async {
            for batch in partitions.chunks(DELETE_BATCH) {
                let mut lists = Vec::new();
                for found in batch {
                    let values = found.partition.values().map(str::to_owned).to_vec();
                    let list = PartitionValueList::builder().set_values(Some(values)).build();
                    lists.push(list.map_err(|error| Failure::ours(error.to_string()))?);
                }
                let request = self.client.batch_delete_partition().database_name(&database).table_name(&name);
                let answer = request.set_partitions_to_delete(Some(lists)).send().await;
                let answer = answer.map_err(|error| Failure::of(&error))?;
                for failed in answer.errors() {
                    let code =
                        failed.error_detail().and_then(|detail| detail.error_code()).unwrap_or_default();
                    if code != "EntityNotFoundException" {
                        let message = failed.error_detail().and_then(|detail| detail.error_message());
                        return Err(Failure::ours(format!("{code}: {}", message.unwrap_or("no message"))));
                    }
                }
            }
            Ok(())
        };
        Box::pin(remove).await.map_err(|failure| error("remove partitions of", table, failure))
    }
}
