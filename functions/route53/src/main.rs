//! The Lambda function `route53`: each invocation is a batch of SQS messages that announce objects with Route 53 resolver query logs.

// Two threads: one for the records, one that keeps the next objects coming.
#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    shared::function::run(route53::Route53).await
}
