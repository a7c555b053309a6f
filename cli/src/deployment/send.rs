//! Messages to a queue, at a rate.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Queue, refused};

/// Messages of one call at most: SQS takes no more.
pub(crate) const MAX_MESSAGES: usize = 10;

/// Bytes of one call at most, so that it fits queues with the old limit of 256 KiB; one longer message goes by itself.
pub(crate) const MAX_BYTES: usize = 240 * 1024;

/// How often messages are sent that the queue did not take for a reason of its own.
const TRIES: u32 = 4;

/// Holds work to a rate. Time in which there was nothing to do is not made up for.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: u32,
    /// When more may be done.
    next: Instant,
}

impl Pace {
    /// A pace that begins now.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), next: Instant::now() }
    }

    /// Waits until `count` more may be done.
    pub(crate) async fn wait(&mut self, count: usize) {
        sleep_until(self.next).await;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.next = Instant::now() + Duration::from_secs(1) * count / self.per_second;
    }
}

/// What became of the messages of one call.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Places of the messages that the queue has taken.
    pub(crate) taken: Vec<usize>,
    /// Why it has not taken the others, if there are any.
    pub(crate) refused: Option<String>,
}

/// Sends up to [`MAX_MESSAGES`] messages.
///
/// # Errors
/// If the call is refused as a whole. Some messages may have been taken all the same.
pub(crate) async fn send(client: &Client, queue: &Queue, bodies: &[&str]) -> anyhow::Result<Sent> {
    let mut sent = Sent::default();
    let mut waiting: Vec<usize> = (0..bodies.len()).collect();
    let mut wait = Duration::from_millis(200);
    for attempt in 1..=TRIES {
        let entry = |&place: &usize| {
            let entry = SendMessageBatchRequestEntry::builder().id(place.to_string());
            entry.message_body(bodies[place]).build()
        };
        let entries = waiting.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let call = client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries)).send();
        let answer = Box::pin(call).await.map_err(|error| {
            refused("send to the queue", &format!("sqs:SendMessage on {}", queue.arn), &error)
        })?;
        waiting.clear();
        sent.refused = None;
        sent.taken.extend(answer.successful.iter().filter_map(|entry| entry.id.parse::<usize>().ok()));
        for entry in answer.failed {
            let reason = entry.message.unwrap_or(entry.code);
            sent.refused = Some(format!("the queue {} has not taken a message: {reason}", queue.arn));
            if let (false, Ok(place)) = (entry.sender_fault, entry.id.parse()) {
                waiting.push(place);
            }
        }
        if waiting.is_empty() || attempt == TRIES {
            break;
        }
        sleep(wait).await;
        wait *= 2;
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_spreads_work_over_time() {
        let took = crate::deployment::block_on(async {
            let mut pace = Pace::new(100);
            sleep(Duration::from_millis(150)).await;
            let began = Instant::now();
            for _ in 0..3 {
                pace.wait(10).await;
            }
            Ok(began.elapsed())
        });
        // The first ten go at once, each further ten a tenth of a second later, however long nothing was to do.
        assert!(took.unwrap() >= Duration::from_millis(200));
    }
}
