//! The Lambda function `waf`: each invocation is a batch of SQS messages that announce objects with AWS WAF logs.

// Two threads: one for the records, one that keeps the next objects coming.
#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    shared::function::run(waf::Waf).await
}
