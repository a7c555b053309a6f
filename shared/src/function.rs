//! A Lambda function from start to end: everything is built once, at the cold start; then each invocation is a batch
//! of SQS messages.

use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Context, Error, LambdaEvent, service_fn};

use crate::catalog::glue::GlueCatalog;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::handler::Handler;
use crate::intake::Intake;
use crate::ledger::Lease;
use crate::ledger::dynamodb::DynamoLedger;
use crate::pipeline::Pipeline;
use crate::source::Source;
use crate::store::s3::S3Store;
use crate::telemetry;

/// Serves invocations of the function of `source` until Lambda ends the process.
///
/// # Errors
/// If the function cannot start. An error of the configuration names every problem; Lambda reports a failed start,
/// and no message is lost by it.
pub async fn run(source: impl Source + 'static) -> anyhow::Result<()> {
    let name = source.name().to_owned();
    let config = Config::from_env(source.tables())?;
    telemetry::init(config.log_level);
    let aws = config.aws().await;
    let store = S3Store::connect(&aws, &config);
    let catalog = GlueCatalog::connect(&aws, &config);
    let pipeline =
        Pipeline::new(Box::new(source), config.sources.clone(), store, catalog, config.settings())?;
    let ledger = config.ledger_table.as_ref().map(|table| DynamoLedger::connect(&aws, table));
    let function = config.function_name.clone().unwrap_or(name);
    let intake = Intake::new(pipeline, ledger).with_max_group_bytes(config.max_group_bytes);
    let handler = Handler::new(intake).with_metrics(function, config.memory_mb, |lines| {
        let _ = std::io::stdout().lock().write_all(lines.as_bytes()); // without a log there is no one to tell
    });
    let answer = service_fn(async |event: LambdaEvent<serde_json::Value>| {
        let (lease, deadline) = (lease(&event.context), deadline(&event.context, config.stop_before));
        // Boxed: the compiler gives up on futures that are nested as deep as this one is.
        let handled = handler.handle_json(event.payload, &lease, &deadline);
        Box::pin(handled).await.map_err(Error::from)
    });
    lambda_runtime::run(answer).await.map_err(anyhow::Error::from_boxed)
}

fn millis(time: SystemTime) -> i64 {
    let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "leases, deadlines and metrics are times by the clock; no row and no name depends on it"
)]
fn now() -> i64 {
    millis(SystemTime::now())
}

/// The invocation as the ledger knows it. Lambda ends it at its deadline; clocks of two hosts may differ a little.
fn lease(context: &Context) -> Lease {
    const CLOCKS_DIFFER: i64 = 30_000;
    let now = now();
    Lease {
        owner: context.request_id.clone(),
        now,
        until: millis(context.deadline()).max(now) + CLOCKS_DIFFER,
    }
}

/// When the invocation begins no more work. A deadline that is over at the start is none: an emulator's.
fn deadline(context: &Context, stop_before: Duration) -> Deadline<'static> {
    let end = millis(context.deadline());
    let reserve = i64::try_from(stop_before.as_millis()).unwrap_or(i64::MAX);
    if end > now() { Deadline::before(&now, end, reserve) } else { Deadline::never(&now) }
}
