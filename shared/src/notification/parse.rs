//! Which shape a body has, and the objects in it.
//!
//! The body is read into a [`Value`] and taken apart by path: it is at most a megabyte, once per message, and
//! a part of an unexpected type then reads as absent where it is not needed.

use serde_json::{Map, Value};

use super::key::form_decode;
use super::{
    Ignored, IgnoredReason, MAX_BODY_BYTES, MAX_ENVELOPES, Notification, NotificationError, ObjectRef,
};

/// The text that CloudTrail publishes to a topic to try its permission, without its full stop.
const VALIDATION_TEXT: &str = "CloudTrail validation message";

/// The longest piece of the message that goes into an error or a detail, in characters.
const MAX_QUOTED: usize = 200;

/// Reads the body of one SQS message.
///
/// # Errors
/// [`NotificationError`] where the body is no known notification, or where one of its records lacks a bucket
/// or a key: then the message fails as a whole and says which record.
pub fn parse(body: &str) -> Result<Notification, NotificationError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(NotificationError::TooLarge { bytes: body.len() });
    }
    let mut notification = Notification::default();
    read_text(body, &Around::default(), &mut notification)?;
    Ok(notification)
}

/// The SNS envelopes around a text.
#[derive(Default)]
struct Around<'a> {
    envelopes: usize,
    topic: Option<&'a str>,
}

impl Around<'_> {
    fn place(&self) -> &'static str {
        if self.envelopes == 0 { "message body" } else { "message in the sns envelope" }
    }
}

fn read_text(text: &str, around: &Around<'_>, into: &mut Notification) -> Result<(), NotificationError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let place = around.place();
    if text.is_empty() {
        return Err(NotificationError::Empty { place });
    }
    if text.starts_with(VALIDATION_TEXT) {
        let detail = around.topic.map_or_else(String::new, |topic| format!("topic {}", quoted(topic)));
        into.ignored.push(Ignored { reason: IgnoredReason::ValidationMessage, detail });
        return Ok(());
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| NotificationError::NotJson { place, reason: error.to_string() })?;
    read_value(&value, around, into)
}

fn read_value(value: &Value, around: &Around<'_>, into: &mut Notification) -> Result<(), NotificationError> {
    let Value::Object(members) = value else {
        return Err(NotificationError::UnknownShape { found: described(value) });
    };
    if let Some(message) = sns_message(members)? {
        if around.envelopes == MAX_ENVELOPES {
            return Err(NotificationError::NestedTooDeep);
        }
        let around = Around { envelopes: around.envelopes + 1, topic: text(value, "/TopicArn") };
        return match message {
            Value::String(message) => read_text(message, &around, into),
            // SNS writes a string; tools that replay messages often paste the object.
            message => read_value(message, &around, into),
        };
    }
    if let Some(Value::Array(records)) = members.get("Records") {
        return s3_event(records, into);
    }
    if let Some(Value::Object(_)) = members.get("detail") {
        return eventbridge(value, into);
    }
    if members.contains_key("s3Bucket") || members.contains_key("s3ObjectKey") {
        return cloudtrail_notice(value, into);
    }
    if text(value, "/Event") == Some("s3:TestEvent") {
        let detail =
            text(value, "/Bucket").map_or_else(String::new, |bucket| format!("bucket {}", quoted(bucket)));
        into.ignored.push(Ignored { reason: IgnoredReason::TestEvent, detail });
        return Ok(());
    }
    Err(NotificationError::UnknownShape { found: described(value) })
}

/// The message in an SNS envelope; none where the members are no envelope.
fn sns_message(members: &Map<String, Value>) -> Result<Option<&Value>, NotificationError> {
    let kind = members.get("Type").and_then(Value::as_str);
    let topic = members.get("TopicArn").and_then(Value::as_str);
    for subscription in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        if kind == Some(subscription) {
            let topic = quoted(topic.unwrap_or("(not named)"));
            return Err(NotificationError::Subscription { kind: subscription, topic });
        }
    }
    let envelope = kind == Some("Notification") || (kind.is_none() && topic.is_some());
    Ok(members.get("Message").filter(|_| envelope))
}

/// `{"Records":[{"eventName":…,"s3":{"bucket":{"name":…},"object":{"key":…,"size":…,"eTag":…}}}]}`
fn s3_event(records: &[Value], into: &mut Notification) -> Result<(), NotificationError> {
    if records.is_empty() {
        into.ignored
            .push(Ignored { reason: IgnoredReason::NoRecords, detail: "Records is empty".to_owned() });
    }
    for (index, record) in records.iter().enumerate() {
        let at = format!("Records[{index}]");
        // S3 writes `aws:s3`, other stores with S3's interface `minio:s3` and the like.
        let of_s3 = text(record, "/eventSource").map(|source| source.ends_with("s3"));
        if of_s3 == Some(false) || (of_s3.is_none() && record.get("s3").is_none()) {
            return Err(NotificationError::UnknownShape { found: format!("{at}: {}", described(record)) });
        }
        let event = text(record, "/eventName").map(|name| name.strip_prefix("s3:").unwrap_or(name));
        if let Some(event) =
            event.filter(|event| *event != "ObjectCreated" && !event.starts_with("ObjectCreated:"))
        {
            let key = text(record, "/s3/object/key").unwrap_or_default();
            into.ignored.push(not_created(event, text(record, "/s3/bucket/name"), key));
            continue;
        }
        let bucket = required(record, "/s3/bucket/name", &at, "s3.bucket.name")?;
        let key = required(record, "/s3/object/key", &at, "s3.object.key")?;
        let key = form_decode(key).map_err(|_| NotificationError::KeyNotUtf8 { at })?;
        into.objects.push(ObjectRef {
            version: text(record, "/s3/object/versionId").map(str::to_owned),
            etag: text(record, "/s3/object/eTag").map(str::to_owned),
            size: size(record, "/s3/object/size"),
            ..ObjectRef::new(bucket, key)
        });
    }
    Ok(())
}

/// `{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":…},"object":{"key":…}}}`;
/// Security Lake's subscriber message lacks `detail-type`.
fn eventbridge(event: &Value, into: &mut Notification) -> Result<(), NotificationError> {
    let kind = text(event, "/detail-type");
    let names_object = event.pointer("/detail/bucket").is_some() || event.pointer("/detail/object").is_some();
    match kind {
        Some("Object Created") => {}
        None if names_object => {}
        // S3's other events are all named so. Any other event means a rule that matches too much, or the old
        // "AWS API Call via CloudTrail": to ignore those could lose every object in silence.
        Some(kind)
            if kind.starts_with("Object ")
                && text(event, "/source").is_none_or(|source| source == "aws.s3") =>
        {
            let key = text(event, "/detail/object/key").unwrap_or_default();
            into.ignored.push(not_created(kind, text(event, "/detail/bucket/name"), key));
            return Ok(());
        }
        Some(kind) => {
            let source = quoted(text(event, "/source").unwrap_or("(no source)"));
            let found = format!("an eventbridge event \"{}\" of {source}", quoted(kind));
            return Err(NotificationError::UnknownShape { found });
        }
        None => return Err(NotificationError::UnknownShape { found: described(event) }),
    }
    let at = "the eventbridge event";
    let bucket = required(event, "/detail/bucket/name", at, "detail.bucket.name")?;
    let key = required(event, "/detail/object/key", at, "detail.object.key")?;
    into.objects.push(ObjectRef {
        version: text(event, "/detail/object/version-id").map(str::to_owned),
        etag: text(event, "/detail/object/etag").map(str::to_owned),
        size: size(event, "/detail/object/size"),
        ..ObjectRef::new(bucket, key)
    });
    Ok(())
}

/// `{"s3Bucket":"…","s3ObjectKey":["…","…"]}`
fn cloudtrail_notice(notice: &Value, into: &mut Notification) -> Result<(), NotificationError> {
    let at = "the cloudtrail notice";
    let bucket = required(notice, "/s3Bucket", at, "s3Bucket")?;
    let keys = match notice.get("s3ObjectKey") {
        Some(Value::Array(keys)) => keys.as_slice(),
        Some(key @ Value::String(_)) => std::slice::from_ref(key),
        _ => {
            return Err(NotificationError::Incomplete {
                at: at.to_owned(),
                expected: "s3ObjectKey, a list of keys",
            });
        }
    };
    if keys.is_empty() {
        let detail = format!("s3ObjectKey is empty, bucket {}", quoted(bucket));
        into.ignored.push(Ignored { reason: IgnoredReason::NoRecords, detail });
    }
    for (index, key) in keys.iter().enumerate() {
        let key = required(key, "", &format!("s3ObjectKey[{index}]"), "a key, a text that is not empty")?;
        into.objects.push(ObjectRef::new(bucket, key));
    }
    Ok(())
}

fn not_created(event: &str, bucket: Option<&str>, key: &str) -> Ignored {
    let detail = quoted(&format!("{event} of {}/{key}", bucket.unwrap_or_default()));
    Ignored { reason: IgnoredReason::NotObjectCreated, detail }
}

/// The text at a JSON pointer. Empty is as good as absent: no bucket, key, version or tag is empty.
fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn required<'a>(
    value: &'a Value,
    pointer: &str,
    at: &str,
    expected: &'static str,
) -> Result<&'a str, NotificationError> {
    text(value, pointer).ok_or_else(|| NotificationError::Incomplete { at: at.to_owned(), expected })
}

/// A size in bytes, as a number or as a text: both occur.
fn size(value: &Value, pointer: &str) -> Option<u64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// What stands there, by the names of its members; never by their values.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(members) if members.is_empty() => "an object without members".to_owned(),
        Value::Object(members) => {
            let mut names = String::new();
            for name in members.keys() {
                if names.len() > MAX_QUOTED {
                    break;
                }
                if !names.is_empty() {
                    names.push_str(", ");
                }
                names.push_str(name);
            }
            format!("an object of {} members: {}", members.len(), quoted(&names))
        }
    }
}

/// A piece of the message, shortened, on one line.
fn quoted(piece: &str) -> String {
    let mut short: String = piece
        .chars()
        .take(MAX_QUOTED)
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect();
    if piece.chars().nth(MAX_QUOTED).is_some() {
        short.push('…');
    }
    short
}
