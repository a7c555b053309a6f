//! The catalogue in Glue.
//!
//! Database and tables are created from the definition where they are absent. A table that is there already keeps
//! its columns: changing a table while its readers run is an operator's decision. If it lacks columns that the
//! files have, one warning says so; nothing is lost, the columns only stay invisible until the table has them.
//!
//! An instance remembers what it has registered, so a warm function calls Glue for new partitions alone. A
//! partition that someone deletes meanwhile is registered again by the next instance.

mod failure;
mod table;
#[cfg(test)]
mod tests;
mod upkeep;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_glue::Client;
use aws_sdk_glue::types::{DatabaseInput, PartitionError, PartitionInput, StorageDescriptor, TableInput};
use rustc_hash::FxHashSet;

use self::failure::{Failure, is_retryable, succeeded};
use super::{Catalog, CatalogError, TablePartition};
use crate::config::Config;
use crate::layout;
use crate::table::TableDefinition;

/// Partitions in one `BatchCreatePartition`; Glue takes no more.
const BATCH: usize = 100;

/// Partitions that an instance remembers, at about 100 bytes each. Beyond that it forgets them all and asks Glue
/// again.
const REMEMBERED: usize = 20_000;

/// How often a call is made before its partitions count as failed. The AWS SDK repeats throttled calls inside each.
const ATTEMPTS: u32 = 4;

/// Least wait before the second attempt; doubled before each further one.
const WAIT: Duration = Duration::from_millis(100);

/// The catalogue of a lake in Glue.
#[derive(Debug)]
pub struct GlueCatalog {
    client: Client,
    lake_bucket: String,
    region: String,
    known: Mutex<Known>,
}

/// What this instance knows to be in Glue.
#[derive(Debug, Default)]
struct Known {
    /// How each table's partitions are described, by the table's name.
    tables: HashMap<String, StorageDescriptor>,
    /// The key prefixes of registered partitions.
    partitions: FxHashSet<String>,
}

/// Failures by the key prefix of their partition.
type Failures = HashMap<String, Failure>;

impl GlueCatalog {
    /// The catalogue whose tables lie in `lake_bucket` and are named for `region`.
    pub fn new(client: Client, lake_bucket: &str, region: &str) -> Self {
        let known = Mutex::new(Known::default());
        Self { client, lake_bucket: lake_bucket.to_owned(), region: region.to_owned(), known }
    }

    /// The catalogue of a function: a client of its own from the settings of `aws`.
    pub fn connect(aws: &SdkConfig, config: &Config) -> Self {
        Self::new(Client::new(aws), &config.lake_bucket, &config.region)
    }

    /// Held for a look only, never across a call.
    fn known(&self) -> MutexGuard<'_, Known> {
        // What a panicking holder left is a set of true facts all the same.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The partitions that this instance has not registered yet, each once, by table.
    fn unknown<'a>(&self, partitions: &'a [TablePartition]) -> Vec<Vec<&'a TablePartition>> {
        let known = self.known();
        let mut seen = FxHashSet::default();
        let mut tables: Vec<Vec<&TablePartition>> = Vec::new();
        for partition in partitions {
            let prefix = partition.prefix();
            if known.partitions.contains(&prefix) || !seen.insert(prefix) {
                continue;
            }
            match tables.iter_mut().find(|group| group.iter().any(|other| other.table == partition.table)) {
                Some(group) => group.push(partition),
                None => tables.push(vec![partition]),
            }
        }
        tables
    }

    async fn register_table(&self, partitions: &[&TablePartition]) -> Failures {
        let Some(first) = partitions.first() else { return Failures::new() };
        let descriptor = match self.ensure_table(first.table).await {
            Ok(descriptor) => descriptor,
            Err(failure) => return fail_all(partitions, &failure),
        };
        let mut failures = Failures::new();
        let mut batches: Vec<&[&TablePartition]> = partitions.chunks(BATCH).collect();
        while let Some(batch) = batches.pop() {
            match self.create_partitions(first.table, &descriptor, batch).await {
                Ok(failed) => failures.extend(failed),
                // Glue refuses a whole call for one wrong entry: halve it until that entry stands alone.
                Err(failure) if batch.len() > 1 && failure.is_about_an_entry() => {
                    let (left, right) = batch.split_at(batch.len() / 2);
                    batches.extend([left, right]);
                }
                Err(failure) if failure.is_success() => {}
                Err(failure) => {
                    if failure.code == "EntityNotFoundException" {
                        // Dropped while this instance was warm, with all its partitions: the next attempt begins
                        // anew.
                        *self.known() = Known::default();
                    }
                    failures.extend(fail_all(batch, &failure));
                }
            }
        }
        let mut known = self.known();
        for partition in partitions.iter().map(|partition| partition.prefix()) {
            if known.partitions.len() >= REMEMBERED {
                known.partitions.clear();
            }
            if !failures.contains_key(&partition) {
                known.partitions.insert(partition);
            }
        }
        failures
    }

    /// Creates partitions by one call, and by further ones for entries that Glue asks to repeat. The failures of
    /// single entries are inside a successful answer.
    async fn create_partitions(
        &self,
        table: &TableDefinition,
        descriptor: &StorageDescriptor,
        batch: &[&TablePartition],
    ) -> Result<Failures, Failure> {
        let database = layout::database_name(&self.region);
        let name = layout::table_name(&self.region, table);
        let seed = batch.first().map(|partition| partition.prefix()).unwrap_or_default();
        let mut batch = batch.to_vec();
        let mut failures = Failures::new();
        for attempt in 1..=ATTEMPTS {
            let inputs = batch.iter().map(|partition| self.partition_input(descriptor, partition)).collect();
            let request = self.client.batch_create_partition().database_name(&database).table_name(&name);
            let failed = match request.set_partition_input_list(Some(inputs)).send().await {
                Ok(answer) => entry_failures(&batch, answer.errors.unwrap_or_default()),
                Err(error) => {
                    let failure = Failure::of(&error);
                    if !failure.retryable || attempt == ATTEMPTS {
                        return Err(failure);
                    }
                    fail_all(&batch, &failure)
                }
            };
            batch
                .retain(|partition| failed.get(&partition.prefix()).is_some_and(|failure| failure.retryable));
            if batch.is_empty() || attempt == ATTEMPTS {
                failures.extend(failed);
                break;
            }
            failures.extend(failed.into_iter().filter(|(_, failure)| !failure.retryable));
            tracing::debug!(
                table = name,
                partitions = batch.len(),
                attempt,
                "partitions not registered, trying again"
            );
            tokio::time::sleep(wait(&seed, attempt)).await;
        }
        Ok(failures)
    }

    fn partition_input(&self, table: &StorageDescriptor, partition: &TablePartition) -> PartitionInput {
        let mut descriptor = table.clone();
        descriptor.location = Some(self.location(&partition.prefix()));
        let values = partition.partition.values().map(str::to_owned).to_vec();
        PartitionInput::builder().set_values(Some(values)).storage_descriptor(descriptor).build()
    }

    fn location(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}", self.lake_bucket)
    }

    /// Makes sure, once per instance, that the table exists; answers how its partitions are described.
    async fn ensure_table(&self, table: &TableDefinition) -> Result<StorageDescriptor, Failure> {
        let database = layout::database_name(&self.region);
        let name = layout::table_name(&self.region, table);
        if let Some(descriptor) = self.known().tables.get(&name) {
            return Ok(descriptor.clone());
        }
        let location = self.location(&layout::table_prefix(table));
        let input = table::input(table, &name, location).map_err(|error| Failure::ours(error.to_string()))?;
        let mut last = Failure::ours(format!("table {name} is neither found nor created"));
        for attempt in 1..=ATTEMPTS {
            // Whatever is created here is looked up again: another instance may have been faster, with an older
            // definition.
            let request = self.client.get_table().database_name(&database).name(&name);
            last = match request.send().await {
                Ok(answer) => {
                    let descriptor = table::check(&input, answer.table)?;
                    self.known().tables.insert(name, descriptor.clone());
                    return Ok(descriptor);
                }
                Err(error) => Failure::of(&error),
            };
            if last.code == "EntityNotFoundException" {
                match self.create_table(&database, &input).await {
                    Ok(()) => continue,
                    Err(failure) => last = failure,
                }
            }
            if !last.retryable {
                break;
            }
            tokio::time::sleep(wait(&name, attempt)).await;
        }
        Err(last)
    }

    /// Creates the table, and the database where that is what is missing.
    async fn create_table(&self, database: &str, input: &TableInput) -> Result<(), Failure> {
        let created =
            self.client.create_table().database_name(database).table_input(input.clone()).send().await;
        match succeeded(created) {
            Err(failure) if failure.code == "EntityNotFoundException" => {}
            outcome => return outcome,
        }
        let description = "Security data lake: OCSF tables over Parquet";
        let new = DatabaseInput::builder().name(database).description(description).build();
        let new = new.map_err(|error| Failure::ours(error.to_string()))?;
        succeeded(self.client.create_database().database_input(new).send().await)?;
        succeeded(self.client.create_table().database_name(database).table_input(input.clone()).send().await)
    }
}

impl Catalog for GlueCatalog {
    async fn register(&self, partitions: &[TablePartition]) -> Vec<Result<(), CatalogError>> {
        let mut failures = Failures::new();
        for table in self.unknown(partitions) {
            // Boxed, because the futures of the AWS SDK are large and deeply nested.
            failures.extend(Box::pin(self.register_table(&table)).await);
        }
        let outcome = |partition: &TablePartition| match failures.get(&partition.prefix()) {
            None => Ok(()),
            Some(failure) => Err(CatalogError {
                table: partition.table.id(),
                partition: partition.prefix(),
                reason: failure.reason.clone(),
                retryable: failure.retryable,
            }),
        };
        partitions.iter().map(outcome).collect()
    }
}

fn fail_all(partitions: &[&TablePartition], failure: &Failure) -> Failures {
    partitions.iter().map(|partition| (partition.prefix(), failure.clone())).collect()
}

/// The entries of a batch that a successful answer reports as failed. Errors are matched by their partition's
/// values; one that names none of the batch is held against every entry, since no one can say which it means.
fn entry_failures(batch: &[&TablePartition], errors: Vec<PartitionError>) -> Failures {
    let mut failures = Failures::new();
    for error in errors {
        let detail =
            error.error_detail.unwrap_or_else(|| aws_sdk_glue::types::ErrorDetail::builder().build());
        let code = detail.error_code.unwrap_or_default();
        let message = detail.error_message.unwrap_or_else(|| "no message".to_owned());
        let failure = Failure { reason: format!("{code}: {message}"), retryable: is_retryable(&code), code };
        if failure.is_success() {
            continue;
        }
        let values = error.partition_values.unwrap_or_default();
        match batch.iter().find(|partition| partition.partition.values()[..] == values[..]) {
            Some(partition) => drop(failures.insert(partition.prefix(), failure)),
            None => failures.extend(fail_all(batch, &failure)),
        }
    }
    failures
}

/// The wait before the next attempt: doubled each time, and up to as much again by what is written, so that
/// instances that were refused together do not come back together.
fn wait(seed: &str, attempt: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (seed, attempt).hash(&mut hasher);
    let base = WAIT * (1 << attempt.min(8).saturating_sub(1));
    base + base.mul_f64((hasher.finish() % 1000) as f64 / 1000.0)
}
