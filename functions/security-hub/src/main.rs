//! The Lambda function `security-hub`: each invocation is a batch of SQS messages that announce objects with Security Hub findings.

// Two threads: one for the records, one that keeps the next objects coming.
#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    shared::function::run(security_hub::SecurityHub).await
}
