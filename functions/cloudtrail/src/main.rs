//! The Lambda function `cloudtrail`: everything is built once, at the cold start; then each invocation is a batch
//! of SQS messages that announce CloudTrail log files.

use cloudtrail::CloudTrail;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use shared::catalog::glue::GlueCatalog;
use shared::config::Config;
use shared::handler::Handler;
use shared::pipeline::Pipeline;
use shared::source::Source as _;
use shared::store::s3::S3Store;
use shared::telemetry;

// Two threads: one for the records, one that keeps the next objects coming.
#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let source = CloudTrail;
    // An error names every problem of the configuration and ends the process, which Lambda reports as a failed
    // start; no message is lost by it.
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
    run(answer).await.map_err(anyhow::Error::from_boxed)
}
