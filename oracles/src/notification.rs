//! Bodies of messages: what they announce is told for sure, and is the same in every shape.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use shared::notification::{MAX_BODY_BYTES, Notification, ObjectRef, parse};

/// Takes bytes for the body of a message.
pub fn check(body: &[u8]) {
    let Ok(body) = std::str::from_utf8(body) else { return };
    let read = parse(body);
    assert_eq!(read, parse(body), "read again");
    match &read {
        Ok(notification) => {
            let is_empty = notification.objects.is_empty() && notification.ignored.is_empty();
            assert!(!is_empty, "nothing to do, and no reason");
            for object in &notification.objects {
                in_other_shapes(object);
            }
            if let Some(keys) = keys(body) {
                let ours: Vec<&str> = notification.objects.iter().map(|object| object.key.as_str()).collect();
                assert_eq!(ours, keys, "other keys");
            }
        }
        Err(error) => {
            let length = error.to_string().len();
            assert!(length < 2_000, "an error of {length} bytes");
        }
    }
    in_an_envelope(body, read.ok());
}

/// The object's place stays what it is when it is announced in another way.
fn in_other_shapes(object: &ObjectRef) {
    let (bucket, key) = (&object.bucket, &object.key);
    assert!(!bucket.is_empty() && !key.is_empty(), "an object without a place: {object:?}");
    let encoded: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let bodies = [
        json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket}, "object": {"key": encoded}}}]}),
        json!({"source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key}}}),
        json!({"s3Bucket": bucket, "s3ObjectKey": [key]}),
    ];
    for body in bodies {
        let body = body.to_string();
        if body.len() <= MAX_BODY_BYTES {
            let read = parse(&body).unwrap();
            assert_eq!(read.objects, [ObjectRef::new(bucket, key)], "{body}");
        }
    }
}

/// The same in an envelope of SNS.
fn in_an_envelope(body: &str, read: Option<Notification>) {
    let envelope =
        json!({"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t", "Message": body});
    let envelope = envelope.to_string();
    if envelope.len() > MAX_BODY_BYTES || body.contains("Notification") || body.contains("TopicArn") {
        return; // envelopes may be nested so deep and no deeper
    }
    let inside = parse(&envelope).ok();
    assert_eq!(inside.map(|inside| inside.objects), read.map(|read| read.objects), "in an envelope");
}

/// The keys of an S3 event of which every record is a created object, decoded by another decoder.
fn keys(body: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(body).ok()?;
    if value.get("Type").is_some() || value.get("TopicArn").is_some() {
        return None;
    }
    value.get("Records")?.as_array()?.iter().map(key).collect()
}

fn key(record: &Value) -> Option<String> {
    let event = record.get("eventName").and_then(Value::as_str)?;
    if !event.starts_with("ObjectCreated:") {
        return None;
    }
    let key = record.pointer("/s3/object/key")?.as_str()?.replace('+', " ");
    percent_decode_str(&key).decode_utf8().ok().map(Into::into)
}
