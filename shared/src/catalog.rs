//! The catalogue: which tables there are and which partitions they have. The only room that knows the table
//! format (Hive partitions today).
//!
//! A trait with two homes: Glue ([`glue`], behind the feature `aws`) and a folder of JSON files ([`folder`]).

pub mod folder;
#[cfg(feature = "aws")]
pub mod glue;
mod upkeep;

use std::future::Future;

pub use self::upkeep::{FoundPartition, FoundTable, Upkeep, UpkeepError};
use crate::layout::{self, Partition};
use crate::table::TableDefinition;

/// One partition of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePartition {
    /// The table.
    pub table: &'static TableDefinition,
    /// The values of its partition keys.
    pub partition: Partition,
}

impl TablePartition {
    /// Where the partition's objects are: a key prefix in the lake's bucket, with the closing slash.
    pub fn prefix(&self) -> String {
        layout::partition_prefix(self.table, &self.partition)
    }
}

/// Why a partition could not be registered. The rows are in the lake already; registering again is harmless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("registering partition {partition} of {table} failed: {reason}")]
pub struct CatalogError {
    /// The table, as `SOURCE@version`.
    pub table: String,
    /// The partition's key prefix.
    pub partition: String,
    /// What the catalogue said.
    pub reason: String,
    /// True if the same call may succeed later without anyone's doing.
    pub retryable: bool,
}

impl CatalogError {
    /// See [`CatalogError::retryable`].
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }
}

/// Registers partitions, creating database and tables where they are absent.
pub trait Catalog: Send + Sync {
    /// Makes every partition known; one that is known already is a success. The answer has one entry for each
    /// partition, in order.
    fn register(
        &self,
        partitions: &[TablePartition],
    ) -> impl Future<Output = Vec<Result<(), CatalogError>>> + Send;
}
