//! The Lambda event in, the answer out: which messages the queue is to deliver again.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::catalog::Catalog;
use crate::cost;
use crate::deadline::Deadline;
use crate::intake::Intake;
use crate::ledger::{Lease, Ledger};
use crate::metrics::{self, Batch};
use crate::notification::{self, ObjectRef};
use crate::pipeline::Report;
use crate::store::Store;

/// An SQS event as Lambda delivers it. Only what is needed is read, so nothing else can be refused.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SqsEvent {
    /// The batch's messages.
    #[serde(rename = "Records", default)]
    pub records: Vec<SqsMessage>,
}

/// One message of a batch.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsMessage {
    /// The id to answer with if the message fails.
    pub message_id: String,
    /// The notification.
    #[serde(default)]
    pub body: String,
    /// What SQS tells of it; see [`SqsMessage::receives`].
    #[serde(default)]
    pub attributes: serde_json::Value,
}

impl SqsMessage {
    /// How often it has been received, this time included.
    pub fn receives(&self) -> u64 {
        let count = self.attributes.get("ApproximateReceiveCount").and_then(serde_json::Value::as_str);
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }
}

/// The answer to an SQS event: with `ReportBatchItemFailures` on the event source mapping, exactly these
/// messages are delivered again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsBatchResponse {
    /// Messages that failed.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One failed message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its message id.
    pub item_identifier: String,
}

/// An event that is no SQS event. The invocation fails as a whole and Lambda treats it by its own retry rules.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected an SQS event with `Records[].messageId` and `Records[].body`: {0}; connect the bucket to the function through a queue"
)]
pub struct EventError(#[from] serde_json::Error);

/// A function's name and memory in MB, and what takes its metrics.
type Metrics = (String, Option<u64>, fn(&str));

/// Handles the events of one function.
#[derive(Debug)]
pub struct Handler<S, C, L> {
    intake: Intake<S, C, L>,
    metrics: Option<Metrics>,
}

impl<S: Store, C: Catalog, L: Ledger> Handler<S, C, L> {
    /// A handler that feeds `intake`.
    pub fn new(intake: Intake<S, C, L>) -> Self {
        Self { intake, metrics: None }
    }

    /// The same handler, which gives the [metrics] of each batch to `out`, under the name `function`. What a batch costs
    /// is told if it is known how many MB of memory the function has.
    #[must_use]
    pub fn with_metrics(self, function: String, memory_mb: Option<u64>, out: fn(&str)) -> Self {
        Self { metrics: Some((function, memory_mb, out)), ..self }
    }

    /// Handles an event as Lambda delivers it. `lease` and `deadline` are the invocation's.
    ///
    /// # Errors
    /// If it is no SQS event.
    pub async fn handle_json(
        &self,
        event: serde_json::Value,
        lease: &Lease,
        deadline: &Deadline<'_>,
    ) -> Result<SqsBatchResponse, EventError> {
        Ok(self.handle(serde_json::from_value(event)?, lease, deadline).await)
    }

    /// Handles a batch. A message fails if its notification is not understood, or if any of its objects fails or is left
    /// for lack of time; an object that several messages name is read once. What was received most often comes first,
    /// so that what was left before is not left again.
    pub async fn handle(&self, event: SqsEvent, lease: &Lease, deadline: &Deadline<'_>) -> SqsBatchResponse {
        let mut objects: Vec<ObjectRef> = Vec::new();
        let mut askers: Vec<Vec<usize>> = Vec::new(); // for each object, the messages that name it
        // By what tells the content too: a key that was written again is announced again, and is another object.
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut failed = vec![false; event.records.len()];
        let mut ignored = 0;
        let mut panics = 0;
        let mut order: Vec<usize> = (0..event.records.len()).collect();
        order.sort_by_key(|&index| Reverse(event.records[index].receives()));
        for index in order {
            let message = &event.records[index];
            match catch_unwind(|| notification::parse(&message.body)) {
                Ok(Ok(notification)) => {
                    ignored += notification.ignored.len();
                    for object in notification.objects {
                        let place = *known.entry(object.identity()).or_insert(objects.len());
                        if place == objects.len() {
                            objects.push(object);
                            askers.push(Vec::new());
                        }
                        askers[place].push(index);
                    }
                }
                Ok(Err(error)) => {
                    warn!(message_id = message.message_id, %error, "message not understood, left to the queue");
                    failed[index] = true;
                }
                Err(_panic) => {
                    warn!(
                        message_id = message.message_id,
                        "the function panicked, message left to the queue"
                    );
                    failed[index] = true;
                    panics += 1;
                }
            }
        }
        let asked = objects.len();
        // What goes wrong with one group stays there; this is for what goes wrong around them.
        let ingest = AssertUnwindSafe(self.intake.ingest(objects, lease, deadline)).catch_unwind();
        let mut report = ingest.await.unwrap_or_else(|_panic| {
            warn!("the function panicked, the batch is left to the queue");
            failed.fill(true);
            Report { panics: 1, ..Report::default() }
        });
        report.panics += panics;
        for failure in &report.failures {
            warn!(reason = failure.reason, "object failed, its message is left to the queue");
            for &message in &askers[failure.index] {
                failed[message] = true;
            }
        }
        if !report.left.is_empty() {
            warn!(objects = report.left.len(), "time is up, objects left to the queue");
            for &index in &report.left {
                askers[index].iter().for_each(|&message| failed[message] = true);
            }
        }
        log(self.intake.source_name(), event.records.len(), asked, ignored, &report);
        if let Some((function, memory_mb, out)) = &self.metrics {
            let messages = event.records.len();
            let took = deadline.now().saturating_sub(lease.now);
            let cost = memory_mb.map(|memory| cost::of_batch(memory, took, messages, report.requests));
            let failed = failed.iter().filter(|failed| **failed).count();
            let redelivered = event.records.iter().filter(|message| message.receives() > 1).count();
            let batch = Batch { function, messages, failed, redelivered, start: lease.now, cost };
            out(&metrics::lines(batch, &report));
        }
        let failures = event.records.iter().zip(failed).filter(|(_, failed)| *failed);
        let failure = |(message, _): (&SqsMessage, bool)| BatchItemFailure {
            item_identifier: message.message_id.clone(),
        };
        SqsBatchResponse { batch_item_failures: failures.map(failure).collect() }
    }
}

/// One line a batch, not one an object: log lines cost more than the work.
fn log(source: &str, messages: usize, objects: usize, ignored: usize, report: &Report) {
    info!(
        source,
        messages,
        objects,
        notices_ignored = ignored,
        objects_ingested = report.objects_ingested,
        objects_known = report.objects_known,
        objects_failed = report.failures.len(),
        objects_left = report.left.len(),
        objects_skipped = ?report.objects_skipped,
        records = report.records,
        rows = ?report.rows,
        skipped = ?report.skipped,
        quarantined = ?report.quarantined,
        events_unchecked = report.events_unchecked,
        bytes_in = report.bytes_in,
        bytes_decoded = report.bytes_decoded,
        bytes_out = report.bytes_out,
        objects_written = report.objects_written.len(),
        partitions = report.partitions,
        "batch done",
    );
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_line_of_a_batch_tells_what_became_of_it() {
        let written = Arc::new(tempfile::tempfile().unwrap());
        let subscriber = tracing_subscriber::fmt().json().with_writer(written.clone()).finish();
        let report = Report {
            records: 9,
            rows: [("A@2.0".to_owned(), 7)].into(),
            skipped: [("repeated_event", 2)].into(),
            events_unchecked: 3,
            ..Report::default()
        };
        tracing::subscriber::with_default(subscriber, || log("cloudtrail", 2, 1, 0, &report));
        let (mut text, mut written) = (String::new(), written.as_ref());
        written.rewind().unwrap();
        written.read_to_string(&mut text).unwrap();
        let line: Value = serde_json::from_str(&text).unwrap();
        let fields = ["message", "source", "messages", "records", "skipped", "events_unchecked"];
        let expected = json!(["batch done", "cloudtrail", 2, 9, r#"{"repeated_event": 2}"#, 3]);
        assert_eq!(json!(fields.map(|name| &line["fields"][name])), expected, "{line}");
    }
}
