//! The other direction: the announcement of objects, for those who announce them again.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::ObjectRef;

/// The body of a message that announces objects as S3 does in its event notifications. [`parse`](super::parse) reads
/// from it what it was given, so an object that is announced again is the object that S3 has announced.
pub fn announce(objects: &[ObjectRef], region: &str) -> String {
    let record = |object: &ObjectRef| {
        let mut described = json!({ "key": form_encode(&object.key) });
        let members = [
            ("size", object.size.map(Value::from)),
            ("eTag", object.etag.as_deref().map(|etag| Value::from(etag.trim_matches('"')))),
            ("versionId", object.version.as_deref().map(Value::from)),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                described[name] = value;
            }
        }
        json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": region,
            "eventName": "ObjectCreated:Put",
            "s3": { "s3SchemaVersion": "1.0", "bucket": { "name": object.bucket }, "object": described },
        })
    };
    json!({ "Records": objects.iter().map(record).collect::<Vec<_>>() }).to_string()
}

/// A key as S3 writes it in its notifications: letters, digits and a few marks stay, a space is `+`, the rest `%XX`.
fn form_encode(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => {
                let _ = write!(encoded, "%{byte:02X}"); // a String takes everything
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse;
    use super::*;

    proptest! {
        #[test]
        fn what_is_announced_is_read(
            keys in prop::collection::vec(("\\PC{1,40}", any::<Option<u64>>(), any::<bool>(), any::<bool>()), 1..5)
        ) {
            let object = |(key, size, version, etag): (String, Option<u64>, bool, bool)| ObjectRef {
                size,
                version: version.then(|| "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH".to_owned()),
                etag: etag.then(|| "d41d8cd98f00b204e9800998ecf8427e-2".to_owned()),
                ..ObjectRef::new("raw-logs", key)
            };
            let objects: Vec<ObjectRef> = keys.into_iter().map(object).collect();
            prop_assert_eq!(parse(&announce(&objects, "us-east-1")).unwrap().objects, objects);
        }
    }

    #[test]
    fn an_entity_tag_is_written_without_its_quotes() {
        let object = ObjectRef { etag: Some("\"abc\"".to_owned()), ..ObjectRef::new("b", "a b+c") };
        let body = announce(std::slice::from_ref(&object), "us-east-1");
        assert!(body.contains(r#""eTag":"abc""#) && body.contains(r#""key":"a+b%2Bc""#), "{body}");
        assert_eq!(parse(&body).unwrap().objects[0].identity(), object.identity());
    }
}
