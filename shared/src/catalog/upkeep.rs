//! What an operator's verbs need of a catalogue besides registering: reading it, and bringing it up to the definitions.

use std::future::Future;

use super::Catalog;
use crate::layout::Partition;
use crate::table::{Standing, TableDefinition};

/// A table as a catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTable {
    /// Its name.
    pub name: String,
    /// How its columns stand to the definition. [`Standing::Foreign`] too for a table of another format, with other
    /// partition keys or at another place, of which nothing may be changed.
    pub standing: Standing,
}

/// A partition as a catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundPartition {
    /// The values of its keys.
    pub partition: Partition,
    /// The key prefix that it is said to lie at, with the closing slash, or the whole location if that is not in the
    /// lake.
    pub prefix: String,
    /// True if the partition has columns of its own, as Glue's have, and they are a prefix of the definition but not
    /// all of it.
    pub is_behind: bool,
}

/// Why the catalogue could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {what} {table}: {reason}")]
pub struct UpkeepError {
    /// `read the partitions of`, …
    pub what: &'static str,
    /// The table, as `SOURCE@version`.
    pub table: String,
    /// What the catalogue said.
    pub reason: String,
    /// True if the caller lacks a permission.
    pub denied: bool,
}

/// Reads a catalogue and mends it.
pub trait Upkeep: Catalog {
    /// The table of a definition; `None` if the catalogue has none, which the first partition makes.
    fn table(
        &self,
        table: &'static TableDefinition,
    ) -> impl Future<Output = Result<Option<FoundTable>, UpkeepError>> + Send;

    /// Every partition of a table that exists, by the values of its keys.
    fn partitions(
        &self,
        table: &'static TableDefinition,
    ) -> impl Future<Output = Result<Vec<FoundPartition>, UpkeepError>> + Send;

    /// Gives a table that is [`Standing::Behind`] all columns of the definition. What else the table says stays. One
    /// that is not behind is left alone.
    fn bring_up(
        &self,
        table: &'static TableDefinition,
    ) -> impl Future<Output = Result<(), UpkeepError>> + Send;

    /// Gives partitions all columns of the definition, where partitions have columns. What else they say stays.
    fn bring_up_partitions(
        &self,
        table: &'static TableDefinition,
        partitions: &[Partition],
    ) -> impl Future<Output = Result<(), UpkeepError>> + Send;

    /// Takes partitions out of the catalogue; one that is not there is a success. No object is removed.
    fn remove(
        &self,
        table: &'static TableDefinition,
        partitions: &[FoundPartition],
    ) -> impl Future<Output = Result<(), UpkeepError>> + Send;
}
