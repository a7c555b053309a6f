//! The Lambda function `cloudtrail`: each invocation is a batch of SQS messages that announce CloudTrail log files.

// Two threads: one for the records, one that keeps the next objects coming.
#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    shared::function::run(cloudtrail::CloudTrail).await
}
