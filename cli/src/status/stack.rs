//! How a deployment is, from what its services say.

use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingError;
use aws_sdk_sqs::types::QueueAttributeName;
use shared::ledger::Ledger as _;
use shared::ledger::dynamodb::DynamoLedger;

use super::seen::Seen;
use super::{Report, SourceReport};
use crate::deployment::{DeployedSource, Deployment, Queue, StackName, refused};

/// Looks at the deployment.
pub(super) async fn report(name: &StackName) -> anyhow::Result<Report> {
    let deployment = Deployment::find(name).await?;
    let mut report = Report::default();
    for source in &deployment.sources {
        let one = look(&deployment, source).await?;
        problems(&one, source, &deployment.stack, &mut report.problems);
        report.sources.push(one);
        let ledger = DynamoLedger::connect(&deployment.clients.settings, &source.ledger);
        let seen = ledger.seen().await.map_err(|error| {
            anyhow::anyhow!(
                "{error}; your credentials need dynamodb:BatchGetItem on the table {}",
                source.ledger
            )
        })?;
        report.seen.extend(seen.into_iter().map(|(origin, noted)| Seen::new(origin, None, &noted)));
    }
    Ok(report)
}

async fn look(deployment: &Deployment, source: &DeployedSource) -> anyhow::Result<SourceReport> {
    let (mapping, last_result) = mapping(deployment, source).await?;
    let (waiting, in_flight) = depth(deployment, &source.queue).await?;
    let (dead, looked_at) = depth(deployment, &source.dead_letters).await?;
    Ok(SourceReport {
        source: source.name,
        mapping,
        last_result,
        waiting,
        in_flight,
        dead_letters: dead + looked_at,
        quarantine_objects: quarantine(deployment, source).await?,
    })
}

/// What needs a person.
fn problems(report: &SourceReport, source: &DeployedSource, stack: &str, problems: &mut Vec<String>) {
    let name = report.source;
    // On its way to being enabled, or changed while it is.
    if !["Enabled", "Enabling", "Creating", "Updating"].contains(&report.mapping.as_str()) {
        problems.push(format!(
            "{name}: the mapping is {}, so its messages wait; deploy with ProcessingEnabled=true, or `aws lambda \
             update-event-source-mapping --uuid {} --enabled`",
            report.mapping, source.mapping
        ));
    }
    if let Some(result) = report.last_result.as_deref().filter(|result| result.starts_with("PROBLEM")) {
        problems.push(format!("{name}: Lambda cannot work on the queue: {result}"));
    }
    if report.dead_letters > 0 {
        problems.push(format!(
            "{name}: {} dead letters; `lake redrive --stack {stack} --source {name}` tells why",
            report.dead_letters
        ));
    }
}

/// State of the event source mapping, and what Lambda said last.
async fn mapping(
    deployment: &Deployment,
    source: &DeployedSource,
) -> anyhow::Result<(String, Option<String>)> {
    let call = deployment.clients.lambda.get_event_source_mapping().uuid(&source.mapping).send();
    match Box::pin(call).await {
        Ok(mapping) => Ok((mapping.state.unwrap_or_default(), mapping.last_processing_result)),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetEventSourceMappingError::is_resource_not_found_exception) =>
        {
            Ok(("Missing".to_owned(), None))
        }
        Err(error) => {
            let what = format!("look at the event source mapping of {}", source.name);
            Err(refused(&what, "lambda:GetEventSourceMapping", &error))
        }
    }
}

/// Messages that wait, those that are delayed included, and messages in flight.
async fn depth(deployment: &Deployment, queue: &Queue) -> anyhow::Result<(u64, u64)> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesDelayed as Delayed,
        ApproximateNumberOfMessagesNotVisible as InFlight,
    };
    let request = deployment.clients.sqs.get_queue_attributes().queue_url(&queue.url);
    let call = request.set_attribute_names(Some(vec![Visible, Delayed, InFlight])).send();
    let answer = Box::pin(call).await.map_err(|error| {
        let permission = format!("sqs:GetQueueAttributes on {}", queue.arn);
        refused("look at a queue", &permission, &error)
    })?;
    let attributes = answer.attributes.unwrap_or_default();
    let number = |name| attributes.get(&name).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
    Ok((number(Visible) + number(Delayed), number(InFlight)))
}

/// Objects in the source's quarantine.
async fn quarantine(deployment: &Deployment, source: &DeployedSource) -> anyhow::Result<u64> {
    let bucket = &deployment.lake_bucket;
    let request = deployment.clients.s3.list_objects_v2().bucket(bucket);
    let mut pages = request.prefix(format!("quarantine/{}/", source.name)).into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            refused("list the quarantine", &format!("s3:ListBucket on the bucket {bucket}"), &error)
        })?;
        count += page.contents.unwrap_or_default().len() as u64;
    }
    Ok(count)
}
