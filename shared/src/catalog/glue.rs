//! The catalogue in Glue.
//!
//! Database and tables are created from the definition where they are absent. A table that is there already keeps
//! its columns: changing a table while its readers run is an operator's decision. If it lacks columns that the
//! files have, one warning says so; nothing is lost, the columns only stay invisible until the table has them.
//!
//! An instance remembers what it has registered, so a warm function calls Glue for new partitions alone. A
//! partition that someone deletes meanwhile is registered again by the next instance.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_glue::Client;
use aws_sdk_glue::config::http::HttpResponse;
use aws_sdk_glue::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_glue::types::{
    Column, DatabaseInput, PartitionError, PartitionInput, SerDeInfo, StorageDescriptor, Table, TableInput,
};
use rustc_hash::FxHashSet;

use super::{Catalog, CatalogError, TablePartition};
use crate::config::Config;
use crate::layout;
use crate::store::s3::explain;
use crate::table::{PARTITION_KEYS, TableDefinition};

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

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    /// Glue's error code, or empty where Glue did not answer.
    code: String,
    reason: String,
    retryable: bool,
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
                        // Dropped while this instance was warm: the next attempt creates it.
                        self.known().tables.remove(&layout::table_name(&self.region, first.table));
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
        let input = self.table_input(table).map_err(|error| Failure::ours(error.to_string()))?;
        let mut last = Failure::ours(format!("table {name} is neither found nor created"));
        for attempt in 1..=ATTEMPTS {
            // Whatever is created here is looked up again: another instance may have been faster, with an older
            // definition.
            let request = self.client.get_table().database_name(&database).name(&name);
            last = match request.send().await {
                Ok(answer) => {
                    let descriptor = check_table(&input, answer.table)?;
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

    fn table_input(&self, table: &TableDefinition) -> Result<TableInput, BuildError> {
        let column = |name: &str, kind: &str| Column::builder().name(name).r#type(kind).build();
        let columns =
            table.columns.iter().map(|(name, kind)| column(name, kind)).collect::<Result<Vec<_>, _>>()?;
        let keys = PARTITION_KEYS.iter().map(|name| column(name, "string")).collect::<Result<Vec<_>, _>>()?;
        let serde = SerDeInfo::builder()
            .serialization_library("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")
            .parameters("serialization.format", "1");
        let descriptor = StorageDescriptor::builder()
            .set_columns(Some(columns))
            .location(self.location(&layout::table_prefix(table)))
            .input_format("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat")
            .output_format("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat")
            .serde_info(serde.build());
        TableInput::builder()
            .name(layout::table_name(&self.region, table))
            .description(format!("{} {}, OCSF {}", table.source, table.version, table.ocsf))
            .table_type("EXTERNAL_TABLE")
            .parameters("EXTERNAL", "TRUE")
            .parameters("classification", "parquet")
            .set_partition_keys(Some(keys))
            .storage_descriptor(descriptor.build())
            .build()
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

impl Failure {
    fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let code =
            error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
        let status = error.raw_response().map(|response| response.status().as_u16());
        let answered = matches!(error, SdkError::ServiceError(_));
        let built = !matches!(error, SdkError::ConstructionFailure(_));
        let retryable =
            is_retryable(&code) || status.is_some_and(|status| status >= 500) || (built && !answered);
        Self { code, reason: explain(error), retryable }
    }

    /// A failure that Glue has no part in, and that trying again does not mend.
    fn ours(reason: String) -> Self {
        Self { code: String::new(), reason, retryable: false }
    }

    /// Creating what exists is a success.
    fn is_success(&self) -> bool {
        self.code == "AlreadyExistsException"
    }

    /// True if one entry can be to blame for the whole call.
    fn is_about_an_entry(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AlreadyExistsException" | "InvalidInputException" | "ValidationException"
        )
    }
}

/// The outcome of a call that creates something.
fn succeeded<T, E>(outcome: Result<T, SdkError<E, HttpResponse>>) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match outcome.map_err(|error| Failure::of(&error)) {
        Err(failure) if !failure.is_success() => Err(failure),
        _ => Ok(()),
    }
}

/// Error codes that time alone mends.
fn is_retryable(code: &str) -> bool {
    matches!(
        code,
        "ConcurrentModificationException"
            | "InternalServerException"
            | "InternalServiceException"
            | "OperationTimeoutException"
            | "RequestLimitExceeded"
            | "ResourceNotReadyException"
            | "ServiceUnavailableException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
    )
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

/// Holds a table that exists against the one that we would create; answers how its partitions are described.
fn check_table(wanted: &TableInput, found: Option<Table>) -> Result<StorageDescriptor, Failure> {
    let name = wanted.name();
    let found = found.ok_or_else(|| Failure::ours(format!("glue answers nothing about table {name}")))?;
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

/// Columns that `found` lacks or has another type for.
fn outdated_columns<'a>(wanted: &'a [Column], found: &[Column]) -> Vec<&'a str> {
    let same = |a: &Column, b: &Column| {
        a.name().eq_ignore_ascii_case(b.name())
            && a.r#type().unwrap_or_default() == b.r#type().unwrap_or_default()
    };
    wanted.iter().filter(|column| !found.iter().any(|other| same(column, other))).map(Column::name).collect()
}

/// The wait before the next attempt: doubled each time, and up to as much again by what is written, so that
/// instances that were refused together do not come back together.
fn wait(seed: &str, attempt: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (seed, attempt).hash(&mut hasher);
    let base = WAIT * (1 << attempt.min(8).saturating_sub(1));
    base + base.mul_f64((hasher.finish() % 1000) as f64 / 1000.0)
}
