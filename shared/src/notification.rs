//! The body of one SQS message in, references to the raw objects that it announces out.
//!
//! AWS announces an object in several shapes, and a queue may carry more than one of them. All are told apart
//! by their members, never by a setting:
//!
//! | shape | recognised by | keys |
//! |---|---|---|
//! | S3 event notification | `Records[]`, `s3.bucket.name`, `s3.object.key` | form-encoded (`+`, `%XX`) |
//! | EventBridge, S3 "Object Created" | `detail.bucket.name`, `detail.object.key`, `detail-type` | literal |
//! | Security Lake's subscriber message | as EventBridge, without `detail-type` | literal |
//! | CloudTrail's own SNS notice | `s3Bucket` and `s3ObjectKey[]` | literal |
//! | `s3:TestEvent` | `Event` is `s3:TestEvent` | none: nothing to do |
//! | CloudTrail's validation text | plain text, `CloudTrail validation message.` | none: nothing to do |
//!
//! Each of them may stand in an SNS envelope (`Type`, `TopicArn`, `Message`), and envelopes may be nested up
//! to [`MAX_ENVELOPES`] deep; with raw delivery SNS sends the inner message as it is.
//!
//! Bucket and key are all that is required. Whatever else is missing or of another type is read as absent.
//! What is no announcement of a created object (a deletion, a tag) is [`Ignored`] with its reason. What is
//! none of these shapes is an error, so that the message comes back and ends in the dead-letter queue where
//! someone sees it.
//!
//! Sources: "Event message structure" and "EventBridge event message structure" of the Amazon S3 user guide,
//! "Configuring Amazon SNS notifications for CloudTrail", "Amazon SNS message and JSON formats".

mod key;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

pub use parse::parse;
pub use write::announce;

/// The longest body that is read, in bytes: the most that SQS carries.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How many SNS envelopes may stand around a message.
pub const MAX_ENVELOPES: usize = 3;

/// One raw object to fetch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ObjectRef {
    /// Name of the bucket.
    pub bucket: String,
    /// Key of the object, decoded.
    pub key: String,
    /// Version of the object, where the bucket keeps versions and the notification names it.
    pub version: Option<String>,
    /// Entity tag as the notification writes it.
    pub etag: Option<String>,
    /// Size of the stored object in bytes, as announced.
    pub size: Option<u64>,
}

impl ObjectRef {
    /// An object of which nothing but its place is known.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), key: key.into(), version: None, etag: None, size: None }
    }

    /// True if it is known which content of its place it is: by a version or an entity tag.
    pub fn is_identified(&self) -> bool {
        self.etag.is_some() || self.version.as_deref().is_some_and(|version| version != "null")
    }

    /// The text that names this object and its content: bucket, key, and the version or else the entity tag.
    ///
    /// Output names derive from it: the same object announced again gives the same text, two objects never
    /// do. The version `null` names no content (each overwrite in an unversioned bucket reuses it), so the
    /// entity tag is preferred there. A CloudTrail notice carries neither; its identity is the place alone, and
    /// differs from that of the same object in another shape.
    pub fn identity(&self) -> String {
        let content = match (self.version.as_deref(), self.etag.as_deref()) {
            (Some(version), None) => format!("version={version}"),
            (Some(version), Some(_)) if version != "null" => format!("version={version}"),
            (_, Some(etag)) => format!("etag={}", etag.trim_matches('"')),
            (None, None) => String::new(),
        };
        // The lengths keep "a" + "b,c" and "a,b" + "c" apart.
        format!("{}:{},{}:{},{content}", self.bucket.len(), self.bucket, self.key.len(), self.key)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.key)?;
        match &self.version {
            Some(version) => write!(f, "?versionId={version}"),
            None => Ok(()),
        }
    }
}

/// What one message asks for. Without objects it is settled as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// The objects to fetch, in the message's order.
    pub objects: Vec<ObjectRef>,
    /// What the message holds besides, and why it is left alone.
    pub ignored: Vec<Ignored>,
}

/// A part of a message that asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Why there is nothing to do.
    pub reason: IgnoredReason,
    /// What it was about (event name, bucket, key), for the log line.
    pub detail: String,
}

/// Why a part of a message asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IgnoredReason {
    /// S3's test message, sent once when a bucket's notifications are configured.
    TestEvent,
    /// CloudTrail's test text, sent once when a trail is given its SNS topic.
    ValidationMessage,
    /// An S3 event of another kind: a deletion, a restore, a tag.
    NotObjectCreated,
    /// The message's list of records or keys is empty.
    NoRecords,
}

impl IgnoredReason {
    /// The name under which it is counted.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::TestEvent => "test_event",
            Self::ValidationMessage => "validation_message",
            Self::NotObjectCreated => "not_object_created",
            Self::NoRecords => "no_records",
        }
    }
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a message could not be read. The whole message fails; none of its objects is fetched.
///
/// No text carries values of the payload, except names of places (a topic) and of kinds (a `detail-type`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// Nothing but white space.
    #[error("the {place} is empty, expected json")]
    Empty {
        /// The message body, or the message in an SNS envelope.
        place: &'static str,
    },
    /// Longer than any message that SQS carries.
    #[error("the message body has {bytes} bytes, more than the {MAX_BODY_BYTES} that sqs carries")]
    TooLarge {
        /// Length of the body, in bytes.
        bytes: usize,
    },
    /// Not a JSON text.
    #[error("the {place} is not json: {reason}")]
    NotJson {
        /// The message body, or the message in an SNS envelope.
        place: &'static str,
        /// What the JSON reader found, with line and column.
        reason: String,
    },
    /// JSON, but no announcement of an object that AWS sends.
    #[error(
        "unknown notification shape, expected an s3 event, an sns envelope, an eventbridge s3 event or a \
         cloudtrail notice, found {found}"
    )]
    UnknownShape {
        /// The names of its members, shortened, or the kind of event that it says it is.
        found: String,
    },
    /// A known shape with a required part missing or of another type.
    #[error("{at} is incomplete: expected {expected}")]
    Incomplete {
        /// Which part of the message, with its index in its list.
        at: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// The decoded key of an S3 event is no text; S3 keys are UTF-8.
    #[error("{at} has a key that is not utf-8 after decoding")]
    KeyNotUtf8 {
        /// Which record of the message.
        at: String,
    },
    /// More SNS envelopes than [`MAX_ENVELOPES`] around each other.
    #[error("sns envelopes are nested more than {MAX_ENVELOPES} deep")]
    NestedTooDeep,
    /// SNS asks for a confirmation or reports the end of a subscription: until a person acts, the topic's
    /// notifications do not arrive.
    #[error("sns sent {kind} for topic {topic}: confirm or renew the queue's subscription")]
    Subscription {
        /// `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
        kind: &'static str,
        /// ARN of the topic.
        topic: String,
    },
}

impl NotificationError {
    /// Whether reading the same message again can succeed: never, the body is all there is to read.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
