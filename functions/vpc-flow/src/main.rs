//! The Lambda function `vpc-flow`: each invocation is a batch of SQS messages that announce objects with VPC Flow Logs.

// Two threads: one for the records, one that keeps the next objects coming.
#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    shared::function::run(vpc_flow::VpcFlow).await
}
