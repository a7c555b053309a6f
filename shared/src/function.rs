//! A Lambda function from start to end: everything is built once, at the cold start; then each invocation is a batch
//! of SQS messages.

use lambda_runtime::{Error, LambdaEvent, service_fn};

use crate::catalog::glue::GlueCatalog;
use crate::config::Config;
use crate::handler::Handler;
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
    let config = Config::from_env(source.tables())?;
    telemetry::init(config.log_level);
    let aws = config.aws().await;
    let store = S3Store::connect(&aws, &config);
    let catalog = GlueCatalog::connect(&aws, &config);
    let pipeline =
        Pipeline::new(Box::new(source), config.sources.clone(), store, catalog, config.settings())?;
    let handler = Handler::new(pipeline);
    let answer = service_fn(async |event: LambdaEvent<serde_json::Value>| {
        handler.handle_json(event.payload).await.map_err(Error::from)
    });
    lambda_runtime::run(answer).await.map_err(anyhow::Error::from_boxed)
}
