//! The configuration of a function: read from the environment once, at the start, with every problem reported
//! together. Nothing else reads the environment.
//!
//! | variable | default | meaning | bound |
//! |---|---|---|---|
//! | `LAKE_BUCKET` | required | bucket of the lake | a bucket name that begins with `aws-security-data-lake-` |
//! | `AWS_REGION` | required; Lambda sets it | region of the lake: names database and tables | `us-east-1` in form |
//! | `RAW_BUCKETS` | any bucket | comma list of the buckets that may be read | bucket names |
//! | `SOURCES` | the function's tables of source version 2.0 | comma list of the tables to write, as `CLOUD_TRAIL_MGMT@2.0` | tables of the function |
//! | `CODEC` | `zstd` | compression of the Parquet objects | `zstd`, `gzip` |
//! | `MAX_OBJECT_BYTES` | 4294967296 (4 GiB) | largest raw object, decompressed | at least `MAX_RECORD_BYTES` |
//! | `MAX_RECORD_BYTES` | 33554432 (32 MiB) | largest raw record | 64 KiB to 256 MiB |
//! | `MAX_DEPTH` | 512 | deepest nesting of a record | 16 to 512 |
//! | `MAX_FIELDS` | 262144 | members and elements of a record | 256 to 4194304 |
//! | `DROP_REPEATED_EVENTS` | `false` | skip events whose id occurred in the same group of objects | `true` or `false`; only for CloudTrail |
//! | `BUFFER_BYTES` | 50331648 (48 MiB) | rows held in memory before a row group is written | 1 MiB to 1 GiB |
//! | `FETCH_CONCURRENCY` | 8 | raw objects that are fetched at a time | 1 to 64 |
//! | `MAX_GROUP_BYTES` | 67108864 (64 MiB) | stored bytes of the raw objects that become Parquet objects together; one larger object is alone | 1 MiB to 4 GiB |
//! | `STOP_BEFORE_SECONDS` | 20 | no work is begun when less than this is left of an invocation | 1 to 300 |
//! | `KMS_KEY_ID` | the bucket's own encryption | KMS key for the lake's objects: id, alias or ARN | |
//! | `LEDGER_TABLE` | none: an object that is announced again is ingested again | DynamoDB table of the ledger | a table name |
//! | `AWS_LAMBDA_FUNCTION_NAME` | the source's name; Lambda sets it | the function in its metrics | |
//! | `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` | none: what a batch costs is not told; Lambda sets it | memory of the function in MB | 1 to 1048576 |
//! | `LOG_LEVEL` | `info` | least level that is logged | `off`, `error`, `warn`, `info`, `debug`, `trace` |
//! | `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3` | AWS | another endpoint, for an emulator; the bucket then stands in the path | |
//!
//! Sizes are bytes. A variable that is set to nothing counts as not set. Credentials are no part of the
//! configuration: the AWS clients find them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use tracing::level_filters::LevelFilter;

use crate::intake::MAX_GROUP_BYTES;
use crate::json::MAX_DEPTH;
use crate::layout::Codec;
use crate::pipeline::Settings;
use crate::table::TableDefinition;

/// How the name of a lake's bucket begins: the policies of Security Lake's readers rest on it.
const LAKE_BUCKET_PREFIX: &str = "aws-security-data-lake-";

/// Variables that name an S3 other than AWS's.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"];

/// The configuration of a function. See the [module](self) for what each field means.
#[derive(Debug, Clone)]
pub struct Config {
    /// `LAKE_BUCKET`
    pub lake_bucket: String,
    /// `AWS_REGION`
    pub region: String,
    /// `RAW_BUCKETS`; empty means any.
    pub raw_buckets: Vec<String>,
    /// `SOURCES`, in the order of the function's list.
    pub sources: Vec<&'static TableDefinition>,
    /// `CODEC`
    pub codec: Codec,
    /// `MAX_OBJECT_BYTES`
    pub max_object_bytes: u64,
    /// `MAX_RECORD_BYTES`
    pub max_record_bytes: usize,
    /// `MAX_DEPTH`
    pub max_depth: usize,
    /// `MAX_FIELDS`
    pub max_fields: usize,
    /// `DROP_REPEATED_EVENTS`
    pub drop_repeated_events: bool,
    /// `BUFFER_BYTES`
    pub buffer_bytes: usize,
    /// `FETCH_CONCURRENCY`
    pub fetch_concurrency: usize,
    /// `MAX_GROUP_BYTES`
    pub max_group_bytes: u64,
    /// `STOP_BEFORE_SECONDS`
    pub stop_before: Duration,
    /// `KMS_KEY_ID`
    pub kms_key_id: Option<String>,
    /// `LEDGER_TABLE`
    pub ledger_table: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_NAME`
    pub function_name: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`
    pub memory_mb: Option<u64>,
    /// `LOG_LEVEL`
    pub log_level: LevelFilter,
    /// True if S3 is not AWS's: its buckets then stand in the path instead of the host name.
    pub path_style: bool,
}

/// Every problem of a configuration, one a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of the configuration cannot be used:\n  {}", count(.problems.len()), .problems.join("\n  "))]
pub struct ConfigError {
    /// The problems. Each names its variable and says what is expected.
    pub problems: Vec<String>,
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 variable".to_owned() } else { format!("{problems} variables") }
}

impl Config {
    /// Reads the process's environment. `tables` are those that the function can fill.
    ///
    /// # Errors
    /// If a variable is missing or cannot be used. The error names all of them.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_env(tables: &[&'static TableDefinition]) -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok(), tables)
    }

    /// Reads variables by `get`, for tests and for callers with a configuration of their own.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_vars(
        get: impl Fn(&str) -> Option<String>,
        tables: &[&'static TableDefinition],
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader { get, problems: Vec::new() };
        let max_record_bytes = reader.number("MAX_RECORD_BYTES", 32 << 20, 64 << 10..=256 << 20);
        let config = Self {
            lake_bucket: reader.lake_bucket(),
            region: reader.region(),
            raw_buckets: reader.raw_buckets(),
            sources: reader.sources(tables),
            codec: reader.codec(),
            max_object_bytes: reader.number("MAX_OBJECT_BYTES", 4 << 30, max_record_bytes as u64..=u64::MAX),
            max_record_bytes,
            max_depth: reader.number("MAX_DEPTH", MAX_DEPTH, 16..=MAX_DEPTH),
            max_fields: reader.number("MAX_FIELDS", 256 << 10, 256..=4 << 20),
            drop_repeated_events: reader.flag("DROP_REPEATED_EVENTS"),
            buffer_bytes: reader.number("BUFFER_BYTES", 48 << 20, 1 << 20..=1 << 30),
            fetch_concurrency: reader.number("FETCH_CONCURRENCY", 8, 1..=64),
            max_group_bytes: reader.number("MAX_GROUP_BYTES", MAX_GROUP_BYTES, 1 << 20..=4 << 30),
            stop_before: Duration::from_secs(reader.number("STOP_BEFORE_SECONDS", 20, 1..=300)),
            kms_key_id: reader.value("KMS_KEY_ID"),
            ledger_table: reader.ledger_table(),
            function_name: reader.value("AWS_LAMBDA_FUNCTION_NAME"),
            memory_mb: reader.memory_mb(),
            log_level: reader.log_level(),
            path_style: ENDPOINTS.iter().any(|name| reader.value(name).is_some()),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: reader.problems }) }
    }

    /// What the AWS clients of a function are built from. See [`aws`].
    pub async fn aws(&self) -> SdkConfig {
        aws(Some(&self.region)).await
    }

    /// What the pipeline needs of it.
    pub fn settings(&self) -> Settings {
        Settings {
            lake_bucket: self.lake_bucket.clone(),
            raw_buckets: self.raw_buckets.clone(),
            codec: self.codec,
            max_object_bytes: self.max_object_bytes,
            max_record_bytes: self.max_record_bytes,
            max_depth: self.max_depth,
            max_fields: self.max_fields,
            drop_repeated_events: self.drop_repeated_events,
            buffer_bytes: self.buffer_bytes,
            fetch_concurrency: self.fetch_concurrency,
            region: Some(self.region.clone()),
        }
    }
}

/// What AWS clients are built from: credentials and endpoints as the AWS SDK finds them, the region too where none is
/// given; and bounds on waiting, so that one hanging connection does not use up the time of a whole invocation.
pub async fn aws(region: Option<&str>) -> SdkConfig {
    // An attempt is at most an 8 MiB part on its way out; the bodies on their way in have the SDK's own guard
    // against stalling.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build();
    let settings = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(timeouts);
    match region {
        Some(region) => settings.region(Region::new(region.to_owned())).load().await,
        None => settings.load().await,
    }
}

/// True if the environment names an S3 that is not AWS's, whose buckets stand in the path instead of the host name.
#[expect(clippy::disallowed_methods, reason = "this module is what reads the environment")]
pub fn is_path_style() -> bool {
    ENDPOINTS.iter().any(|name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty()))
}

/// Reads variables and keeps their problems. A method that reports one answers with any value: it is never seen.
struct Reader<G> {
    get: G,
    problems: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn value(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn problem(&mut self, name: &str, value: Option<&str>, expected: &str) {
        self.problems.push(match value {
            Some(value) => format!("{name} is `{value}`, expected {expected}"),
            None => format!("{name} is not set, expected {expected}"),
        });
    }

    fn number<T>(&mut self, name: &str, default: T, bounds: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let Some(text) = self.value(name) else { return default };
        match text.parse() {
            Ok(number) if bounds.contains(&number) => number,
            _ => {
                let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
                self.problem(name, Some(&text), &expected);
                default
            }
        }
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.value(name).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                self.problem(name, Some(other), "true or false");
                false
            }
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        let value = self.value(name).unwrap_or_default();
        value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn lake_bucket(&mut self) -> String {
        let bucket = self.value("LAKE_BUCKET");
        match bucket {
            Some(bucket) if bucket.starts_with(LAKE_BUCKET_PREFIX) && is_bucket_name(&bucket) => bucket,
            other => {
                let expected = format!("the name of a bucket that begins with {LAKE_BUCKET_PREFIX}");
                self.problem("LAKE_BUCKET", other.as_deref(), &expected);
                String::new()
            }
        }
    }

    fn region(&mut self) -> String {
        let is_region = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            text.split('-').count() >= 3
                && text.bytes().all(allowed)
                && text.split('-').all(|part| !part.is_empty())
        };
        match self.value("AWS_REGION") {
            Some(region) if is_region(&region) => region,
            other => {
                self.problem("AWS_REGION", other.as_deref(), "the name of a region like us-east-1");
                String::new()
            }
        }
    }

    fn raw_buckets(&mut self) -> Vec<String> {
        let buckets = self.list("RAW_BUCKETS");
        let wrong: Vec<&String> = buckets.iter().filter(|bucket| !is_old_bucket_name(bucket)).collect();
        for bucket in wrong {
            self.problem("RAW_BUCKETS", Some(bucket), "names of buckets, separated by commas");
        }
        buckets
    }

    fn sources(&mut self, tables: &[&'static TableDefinition]) -> Vec<&'static TableDefinition> {
        let wanted = self.list("SOURCES");
        let known: Vec<String> = tables.iter().map(|table| table.id()).collect();
        let unknown: Vec<&String> = wanted.iter().filter(|source| !known.contains(source)).collect();
        for source in unknown {
            self.problem(
                "SOURCES",
                Some(source),
                &format!("some of {}, separated by commas", known.join(",")),
            );
        }
        let is_wanted = |table: &&TableDefinition| match wanted.as_slice() {
            [] => table.is_default(),
            wanted => wanted.contains(&table.id()),
        };
        tables.iter().copied().filter(is_wanted).collect()
    }

    fn codec(&mut self) -> Codec {
        let Some(text) = self.value("CODEC") else { return Codec::default() };
        Codec::parse(&text).unwrap_or_else(|| {
            self.problem("CODEC", Some(&text), "zstd or gzip");
            Codec::default()
        })
    }

    fn ledger_table(&mut self) -> Option<String> {
        let name = self.value("LEDGER_TABLE")?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if !(3..=255).contains(&name.len()) || !name.bytes().all(allowed) {
            self.problem("LEDGER_TABLE", Some(&name), "the name of a DynamoDB table");
        }
        Some(name)
    }

    fn memory_mb(&mut self) -> Option<u64> {
        const NAME: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
        self.value(NAME).map(|_| self.number(NAME, 0, 1..=1 << 20))
    }

    fn log_level(&mut self) -> LevelFilter {
        let Some(text) = self.value("LOG_LEVEL") else { return LevelFilter::INFO };
        // The type reads numbers too, which no one would expect here.
        match text.parse() {
            Ok(level) if text.bytes().all(|byte| byte.is_ascii_alphabetic()) => level,
            _ => {
                self.problem("LOG_LEVEL", Some(&text), "off, error, warn, info, debug or trace");
                LevelFilter::INFO
            }
        }
    }
}

/// True if S3 takes `name` for a bucket: 3 to 63 of lower-case letters, digits, dots and hyphens, a letter or digit
/// at both ends, no two dots together.
fn is_bucket_name(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let allowed = name.bytes().all(|byte| alphanumeric(byte) || matches!(byte, b'.' | b'-'));
    let ends = [name.bytes().next(), name.bytes().next_back()];
    (3..=63).contains(&name.len())
        && allowed
        && ends.iter().all(|end| end.is_some_and(alphanumeric))
        && !name.contains("..")
}

/// True if `name` may be a bucket from before 2018, when us-east-1 took more names than today. Logs outlive rules.
fn is_old_bucket_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (3..=255).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
