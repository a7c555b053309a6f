//! A dead-letter queue, gone through once.

use std::collections::HashMap;

use anyhow::bail;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName,
};

use crate::deployment::{Queue, refused};

/// Messages of one call at most.
const BATCH: usize = 10;

/// Seconds that SQS may look for messages before it says that there are none.
const WAIT_SECONDS: i32 = 2;

/// A message of the queue.
#[derive(Debug)]
pub(super) struct DeadLetter {
    pub(super) id: String,
    receipt: String,
    pub(super) body: String,
    /// When it was first sent, in milliseconds since the epoch.
    pub(super) sent: Option<i64>,
    /// What EventBridge says of a message that it put here itself.
    pub(super) delivery_error: Option<String>,
}

/// The queue, and the messages of it that are hidden because we look at them.
#[derive(Debug)]
pub(super) struct Letters<'a> {
    client: &'a Client,
    queue: &'a Queue,
    hide_seconds: u16,
    /// Receipts by message id: of those that stay, to be given back.
    kept: HashMap<String, String>,
}

impl<'a> Letters<'a> {
    pub(super) fn new(client: &'a Client, queue: &'a Queue, hide_seconds: u16) -> Self {
        Self { client, queue, hide_seconds, kept: HashMap::new() }
    }

    /// The next messages that were not seen before; `None` if there are no more.
    pub(super) async fn receive(&mut self) -> anyhow::Result<Option<Vec<DeadLetter>>> {
        let request = self.client.receive_message().queue_url(&self.queue.url);
        let request = request.max_number_of_messages(BATCH as i32).wait_time_seconds(WAIT_SECONDS);
        let request = request.visibility_timeout(i32::from(self.hide_seconds)).message_attribute_names("All");
        let call = request.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp).send();
        let answer = Box::pin(call).await.map_err(|error| {
            refused("receive the dead letters", &format!("sqs:ReceiveMessage on {}", self.queue.arn), &error)
        })?;
        let mut fresh = Vec::new();
        for letter in answer.messages.unwrap_or_default().into_iter().filter_map(read) {
            match self.kept.get_mut(&letter.id) {
                // It came round: looking took longer than it was hidden.
                Some(receipt) => *receipt = letter.receipt,
                None => fresh.push(letter),
            }
        }
        Ok((!fresh.is_empty()).then_some(fresh))
    }

    /// Leaves a message in the queue, hidden until [`Letters::give_back`].
    pub(super) fn keep(&mut self, letter: DeadLetter) {
        self.kept.insert(letter.id, letter.receipt);
    }

    /// Deletes messages, up to ten.
    pub(super) async fn delete(&self, letters: &[DeadLetter]) -> anyhow::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let entry = |(place, letter): (usize, &DeadLetter)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(place.to_string());
            entry.receipt_handle(&letter.receipt).build()
        };
        let entries = letters.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let call =
            self.client.delete_message_batch().queue_url(&self.queue.url).set_entries(Some(entries)).send();
        let answer = Box::pin(call).await.map_err(|error| {
            refused("delete dead letters", &format!("sqs:DeleteMessage on {}", self.queue.arn), &error)
        })?;
        match answer.failed.into_iter().next() {
            Some(failed) => {
                let reason = failed.message.unwrap_or(failed.code);
                bail!("a dead letter was sent to its queue but not deleted from {}: {reason}", self.queue.arn)
            }
            None => Ok(()),
        }
    }

    /// Shows the kept messages to others again, which would happen by itself after a while.
    pub(super) async fn give_back(&mut self) -> anyhow::Result<()> {
        let receipts: Vec<String> = self.kept.drain().map(|(_, receipt)| receipt).collect();
        for receipts in receipts.chunks(BATCH) {
            let entry = |(place, receipt): (usize, &String)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(place.to_string());
                entry.receipt_handle(receipt).visibility_timeout(0).build()
            };
            let entries = receipts.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
            let request = self.client.change_message_visibility_batch().queue_url(&self.queue.url);
            let call = request.set_entries(Some(entries)).send();
            Box::pin(call).await.map_err(|error| {
                let permission = format!("sqs:ChangeMessageVisibility on {}", self.queue.arn);
                refused("give the dead letters back, which are hidden for a while now", &permission, &error)
            })?;
        }
        Ok(())
    }
}

fn read(message: Message) -> Option<DeadLetter> {
    let sent = message.attributes.unwrap_or_default().remove(&MessageSystemAttributeName::SentTimestamp);
    let attributes = message.message_attributes.unwrap_or_default();
    let attribute = |name: &str| attributes.get(name)?.string_value.clone();
    let code = attribute("ERROR_CODE");
    Some(DeadLetter {
        id: message.message_id?,
        receipt: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
        sent: sent.and_then(|millis| millis.parse().ok()),
        delivery_error: code.map(|code| match attribute("ERROR_MESSAGE") {
            Some(message) => format!("{code}: {message}"),
            None => code,
        }),
    })
}
