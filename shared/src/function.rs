//! A Lambda function from start to end: everything is built once, at the cold start; then each invocation is a batch
//! of SQS messages.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::{Context, Error, LambdaEvent, service_fn};

use crate::catalog::glue::GlueCatalog;
use crate::config::Config;
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
    let handler = Handler::new(Intake::new(pipeline, ledger)).with_metrics(function, |lines| {
        let _ = std::io::stdout().lock().write_all(lines.as_bytes()); // without a log there is no one to tell
    });
    let answer = service_fn(async |event: LambdaEvent<serde_json::Value>| {
        // Boxed: the compiler gives up on futures that are nested as deep as this one is.
        Box::pin(handler.handle_json(event.payload, &lease(&event.context))).await.map_err(Error::from)
    });
    lambda_runtime::run(answer).await.map_err(anyhow::Error::from_boxed)
}

/// The invocation as the ledger knows it. Lambda ends it at its deadline; clocks of two hosts may differ a little.
#[expect(
    clippy::disallowed_methods,
    reason = "a lease is a time by the clock; no row and no name depends on it"
)]
fn lease(context: &Context) -> Lease {
    const CLOCKS_DIFFER: i64 = 30_000;
    let millis = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let now = i64::try_from(millis(SystemTime::now())).unwrap_or(i64::MAX);
    let deadline = i64::try_from(millis(context.deadline())).unwrap_or(i64::MAX).max(now);
    Lease { owner: context.request_id.clone(), now, until: deadline + CLOCKS_DIFFER }
}
