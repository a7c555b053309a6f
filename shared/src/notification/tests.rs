//! One test per shape, with fixtures beside it; the files of `events/` and of the corpus are in [`files`].

mod files;
mod properties;

use serde_json::{Value, json};

use super::*;

/// A record of an S3 event.
fn record(event: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": event,
        "s3": {"bucket": {"name": "raw"}, "object": {"key": key, "size": 12, "eTag": "e1"}},
    })
}

fn s3(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

fn sns(message: &str) -> String {
    let topic = "arn:aws:sns:us-east-1:111122223333:t";
    json!({"Type": "Notification", "MessageId": "m", "TopicArn": topic, "Message": message}).to_string()
}

fn eventbridge(key: &str) -> Value {
    json!({
        "version": "0", "detail-type": "Object Created", "source": "aws.s3",
        "detail": {"bucket": {"name": "raw"}, "object": {"key": key, "size": 12, "etag": "e1"}},
    })
}

fn notice(keys: &[&str]) -> String {
    json!({"s3Bucket": "raw", "s3ObjectKey": keys}).to_string()
}

/// The objects of a body that must be read without anything ignored.
fn objects(body: &str) -> Vec<ObjectRef> {
    let Notification { objects, ignored } = parse(body).unwrap();
    assert_eq!(ignored, [], "{body}");
    objects
}

fn keys(body: &str) -> Vec<String> {
    objects(body).into_iter().map(|object| object.key).collect()
}

/// What a body that asks for no object is ignored for.
fn ignored(body: &str) -> Vec<Ignored> {
    let Notification { objects, ignored } = parse(body).unwrap();
    assert_eq!(objects, [], "{body}");
    ignored
}

fn unknown(body: &Value) -> String {
    match parse(&body.to_string()) {
        Err(NotificationError::UnknownShape { found }) => found,
        other => panic!("{body}: {other:?}"),
    }
}

fn full(key: &str) -> ObjectRef {
    ObjectRef { etag: Some("e1".to_owned()), size: Some(12), ..ObjectRef::new("raw", key) }
}

#[test]
fn s3_event() {
    let body = s3(&[record("ObjectCreated:Put", "a+b%2Bc/%C3%BC.gz"), record("ObjectCreated:Copy", "d")]);
    assert_eq!(objects(&body), [full("a b+c/ü.gz"), full("d")]);
}

#[test]
fn s3_event_of_other_stores() {
    let mut minio = record("s3:ObjectCreated:Put", "a");
    minio["eventSource"] = json!("minio:s3");
    assert_eq!(objects(&s3(&[minio])), [full("a")]);
}

#[test]
fn bucket_and_key_are_all_that_an_s3_record_needs() {
    let bare = json!({"s3": {"bucket": {"name": "raw"}, "object": {"key": "a"}}});
    assert_eq!(objects(&s3(&[bare])), [ObjectRef::new("raw", "a")]);
    let odd = json!({
        "eventSource": 1, "eventName": [], "awsRegion": null,
        "s3": {
            "bucket": {"name": "raw", "arn": 7},
            "object": {"key": "a", "size": {}, "eTag": 5, "versionId": null},
        },
    });
    assert_eq!(objects(&s3(&[odd])), [ObjectRef::new("raw", "a")]);
}

#[test]
fn size_is_a_number_or_a_text() {
    for (size, read) in [
        (json!(35095), Some(35095)),
        (json!("35095"), Some(35095)),
        (json!(0), Some(0)),
        (json!("0"), Some(0)),
        (json!(-1), None),
        (json!(1.5), None),
        (json!(""), None),
        (json!("many"), None),
        (json!("99999999999999999999"), None),
        (json!(true), None),
    ] {
        let mut event = record("ObjectCreated:Put", "a");
        event["s3"]["object"]["size"] = size.clone();
        assert_eq!(objects(&s3(&[event]))[0].size, read, "{size}");
        let mut event = eventbridge("a");
        event["detail"]["object"]["size"] = size.clone();
        assert_eq!(objects(&event.to_string())[0].size, read, "{size}");
    }
}

#[test]
fn versions() {
    let mut event = record("ObjectCreated:Put", "a");
    event["s3"]["object"]["versionId"] = json!("v.1");
    assert_eq!(objects(&s3(&[event]))[0].version.as_deref(), Some("v.1"));
    let mut event = eventbridge("a");
    event["detail"]["object"]["version-id"] = json!("v.1");
    assert_eq!(objects(&event.to_string())[0].version.as_deref(), Some("v.1"));
    event["detail"]["object"]["version-id"] = json!("");
    assert_eq!(objects(&event.to_string())[0].version, None);
}

#[test]
fn sns_envelopes() {
    let body = s3(&[record("ObjectCreated:Put", "a+b")]);
    assert_eq!(objects(&sns(&body)), objects(&body));
    assert_eq!(objects(&sns(&sns(&body))), objects(&body));
    assert_eq!(objects(&sns(&sns(&sns(&body)))), objects(&body));
    assert_eq!(parse(&sns(&sns(&sns(&sns(&body))))), Err(NotificationError::NestedTooDeep));
    assert_eq!(keys(&sns(&eventbridge("a+b").to_string())), ["a+b"]);
    assert_eq!(keys(&sns(&notice(&["a+b"]))), ["a+b"]);
}

#[test]
fn sns_envelope_variants() {
    let message = s3(&[record("ObjectCreated:Put", "a")]);
    assert_eq!(keys(&json!({"Type": "Notification", "Message": message}).to_string()), ["a"]);
    assert_eq!(keys(&json!({"TopicArn": "t", "Message": message}).to_string()), ["a"]);
    assert_eq!(keys(&json!({"Type": "Notification", "Message": eventbridge("a")}).to_string()), ["a"]);
    assert_eq!(unknown(&json!({"Type": "Notification", "Message": 5})), "a number");
    assert_eq!(unknown(&json!({"Message": message})), "an object of 1 members: Message");
    assert_eq!(parse(&sns(" ")), Err(NotificationError::Empty { place: "message in the sns envelope" }));
    assert!(matches!(
        parse(&sns("hello")),
        Err(NotificationError::NotJson { place: "message in the sns envelope", .. })
    ));
}

#[test]
fn an_sns_subscription_that_waits_for_a_person_is_an_error() {
    for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        let body =
            json!({"Type": kind, "TopicArn": "arn:t", "Message": "You have chosen…", "Token": "secret"});
        let error = parse(&body.to_string()).unwrap_err();
        assert_eq!(error, NotificationError::Subscription { kind, topic: "arn:t".to_owned() });
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn eventbridge_keys_are_literal() {
    let key = "logs/a+b c/ü%20%zz.gz";
    assert_eq!(objects(&eventbridge(key).to_string()), [full(key)]);
}

#[test]
fn security_lake_subscriber_message() {
    let mut event = eventbridge("aws/region=x/a+b%20");
    event.as_object_mut().unwrap().remove("detail-type");
    assert_eq!(objects(&event.to_string()), [full("aws/region=x/a+b%20")]);
    event.as_object_mut().unwrap().remove("source");
    assert_eq!(objects(&event.to_string()), [full("aws/region=x/a+b%20")]);
}

#[test]
fn other_s3_events_of_eventbridge_are_ignored() {
    for kind in ["Object Deleted", "Object Restore Completed", "Object Tags Added", "Object ACL Updated"] {
        let mut event = eventbridge("a");
        event["detail-type"] = json!(kind);
        assert_eq!(
            ignored(&event.to_string()),
            [Ignored { reason: IgnoredReason::NotObjectCreated, detail: format!("{kind} of raw/a") }]
        );
    }
}

#[test]
fn events_of_other_services_are_unknown() {
    let found = unknown(&json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}));
    assert_eq!(found, "an eventbridge event \"Scheduled Event\" of aws.events");
    let mut through_cloudtrail = eventbridge("a");
    through_cloudtrail["detail-type"] = json!("AWS API Call via CloudTrail");
    assert!(unknown(&through_cloudtrail).contains("AWS API Call via CloudTrail"));
    let mut of_another = eventbridge("a");
    of_another["detail-type"] = json!("Object Scanned");
    of_another["source"] = json!("aws.guardduty");
    unknown(&of_another);
    assert_eq!(
        unknown(&json!({"source": "x", "detail": {"a": 1}})),
        "an object of 2 members: source, detail"
    );
}

#[test]
fn incomplete_eventbridge_event() {
    let mut event = eventbridge("a");
    event["detail"]["bucket"] = json!("raw");
    let error = parse(&event.to_string()).unwrap_err().to_string();
    assert_eq!(error, "the eventbridge event is incomplete: expected detail.bucket.name");
    let mut event = eventbridge("");
    event.as_object_mut().unwrap().remove("detail-type");
    let error = parse(&event.to_string()).unwrap_err().to_string();
    assert_eq!(error, "the eventbridge event is incomplete: expected detail.object.key");
}

#[test]
fn cloudtrail_notice() {
    let body = notice(&["a+b%20", "ü"]);
    assert_eq!(objects(&body), [ObjectRef::new("raw", "a+b%20"), ObjectRef::new("raw", "ü")]);
    assert_eq!(keys(r#"{"s3Bucket":"raw","s3ObjectKey":"a"}"#), ["a"]);
    assert_eq!(ignored(&notice(&[]))[0].reason, IgnoredReason::NoRecords);
    for (body, at) in [
        (r#"{"s3Bucket":"raw"}"#, "the cloudtrail notice"),
        (r#"{"s3ObjectKey":["a"]}"#, "the cloudtrail notice"),
        (r#"{"s3Bucket":"raw","s3ObjectKey":{}}"#, "the cloudtrail notice"),
        (r#"{"s3Bucket":"raw","s3ObjectKey":["a",7]}"#, "s3ObjectKey[1]"),
        (r#"{"s3Bucket":"raw","s3ObjectKey":[""]}"#, "s3ObjectKey[0]"),
    ] {
        match parse(body) {
            Err(NotificationError::Incomplete { at: found, .. }) => assert_eq!(found, at, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn test_event() {
    let body = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"raw"}"#;
    let expected = [Ignored { reason: IgnoredReason::TestEvent, detail: "bucket raw".to_owned() }];
    assert_eq!(ignored(body), expected);
    assert_eq!(ignored(&sns(body)), expected);
    assert_eq!(
        unknown(&json!({"Service": "Amazon S3", "Event": "other"})),
        "an object of 2 members: Service, Event"
    );
}

#[test]
fn validation_text() {
    for text in ["CloudTrail validation message.", "\u{feff} CloudTrail validation message\n"] {
        assert_eq!(
            ignored(text),
            [Ignored { reason: IgnoredReason::ValidationMessage, detail: String::new() }]
        );
        let in_envelope = ignored(&sns(text));
        assert_eq!(in_envelope[0].reason, IgnoredReason::ValidationMessage);
        assert_eq!(in_envelope[0].detail, "topic arn:aws:sns:us-east-1:111122223333:t");
    }
}

#[test]
fn other_s3_events_are_ignored_and_their_neighbours_are_not() {
    let removed = json!({
        "eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete", "s3": {"bucket": {"name": "raw"}},
    });
    let body = s3(&[removed, record("ObjectCreated:Put", "a"), record("ObjectTagging:Put", "b")]);
    let read = parse(&body).unwrap();
    assert_eq!(read.objects, [full("a")]);
    assert_eq!(
        read.ignored.iter().map(|ignored| (ignored.reason, ignored.detail.as_str())).collect::<Vec<_>>(),
        [
            (IgnoredReason::NotObjectCreated, "ObjectRemoved:Delete of raw/"),
            (IgnoredReason::NotObjectCreated, "ObjectTagging:Put of raw/b"),
        ]
    );
}

#[test]
fn no_records() {
    assert_eq!(ignored(&s3(&[]))[0].reason, IgnoredReason::NoRecords);
}

#[test]
fn records_of_other_services_are_unknown() {
    let good = record("ObjectCreated:Put", "a");
    for (other, names) in [
        (
            json!({"eventSource": "aws:ses", "eventVersion": "1.0", "ses": {}}),
            "eventSource, eventVersion, ses",
        ),
        (json!({"EventSource": "aws:sns", "Sns": {"Message": "x"}}), "EventSource, Sns"),
        (json!({"eventSource": "aws:sqs", "body": s3(std::slice::from_ref(&good))}), "eventSource, body"),
        (json!({"eventSource": "iam.amazonaws.com", "eventName": "ListRoles"}), "eventSource, eventName"),
    ] {
        let expected = format!("Records[1]: an object of {} members: {names}", names.split(", ").count());
        assert_eq!(unknown(&json!({"Records": [good, other]})), expected);
    }
    assert_eq!(unknown(&json!({"Records": [null]})), "Records[0]: null");
    assert_eq!(unknown(&json!({"Records": null})), "an object of 1 members: Records");
}

#[test]
fn a_malformed_record_fails_the_message_and_is_named() {
    for broken in [
        json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}),
        json!({"s3": null}),
        json!({"s3": {"bucket": {"name": "raw"}, "object": {"size": 1}}}),
        json!({"s3": {"bucket": {"name": "raw"}, "object": {"key": 7}}}),
        json!({"s3": {"bucket": {"name": ""}, "object": {"key": "a"}}}),
    ] {
        let body = s3(&[record("ObjectCreated:Put", "a"), broken, record("ObjectCreated:Put", "b")]);
        match parse(&body) {
            Err(NotificationError::Incomplete { at, .. }) => assert_eq!(at, "Records[1]", "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let body = s3(&[record("ObjectCreated:Put", "a"), record("ObjectCreated:Put", "%ff")]);
    assert_eq!(parse(&body), Err(NotificationError::KeyNotUtf8 { at: "Records[1]".to_owned() }));
}

#[test]
fn bodies_that_are_no_notification() {
    for body in ["", " \r\n", "\u{feff}"] {
        assert_eq!(parse(body), Err(NotificationError::Empty { place: "message body" }), "{body:?}");
    }
    for body in ["this is not json {", "{\"Records\":[", "{}{}", "\0"] {
        assert!(
            matches!(parse(body), Err(NotificationError::NotJson { place: "message body", .. })),
            "{body:?}"
        );
    }
    for (body, found) in [
        ("null", "null"),
        ("true", "true or false"),
        ("1", "a number"),
        ("\"CloudTrail\"", "a text"),
        ("[]", "a list"),
        ("{}", "an object without members"),
    ] {
        assert_eq!(unknown(&serde_json::from_str(body).unwrap()), found);
    }
    let nested = "[".repeat(500_000);
    assert!(matches!(parse(&nested), Err(NotificationError::NotJson { .. })));
    let long = format!("\"{}\"", "x".repeat(MAX_BODY_BYTES));
    assert_eq!(parse(&long), Err(NotificationError::TooLarge { bytes: long.len() }));
}

#[test]
fn an_error_carries_names_and_no_values_and_is_bounded() {
    let mut members = serde_json::Map::new();
    for index in 0..5_000 {
        members.insert(format!("né\n{index}"), json!("secret"));
    }
    let error = parse(&Value::Object(members).to_string()).unwrap_err().to_string();
    assert!(error.contains("5000 members: né\u{fffd}0, né\u{fffd}1"), "{error}");
    assert!(!error.contains("secret") && error.len() < 600, "{error}");
    let error = parse(&json!({"x".repeat(100_000): "secret"}).to_string()).unwrap_err().to_string();
    assert!(error.ends_with("xxx…") && error.len() < 400, "{error}");
}

#[test]
fn identity_tells_objects_and_contents_apart() {
    let plain = ObjectRef::new("raw", "a");
    let tagged = |etag: &str| ObjectRef { etag: Some(etag.to_owned()), ..plain.clone() };
    let versioned = |version: &str| ObjectRef { version: Some(version.to_owned()), ..tagged("e") };
    let all = [
        plain.clone(),
        ObjectRef::new("ra", "wa"),
        ObjectRef::new("raw", "a,etag=e"),
        ObjectRef::new("raw/a", ""),
        tagged("e"),
        tagged("f"),
        versioned("e"),
        versioned("v"),
    ];
    for (index, one) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            assert_ne!(one.identity(), other.identity());
        }
    }
    assert_eq!(plain.identity(), "3:raw,1:a,");
    assert_eq!(tagged("\"e\"").identity(), tagged("e").identity());
    assert_eq!(versioned("null").identity(), tagged("e").identity());
    assert_eq!(ObjectRef { size: Some(1), ..tagged("e") }.identity(), tagged("e").identity());
    let null_alone = ObjectRef { version: Some("null".to_owned()), ..plain };
    assert_eq!(null_alone.identity(), "3:raw,1:a,version=null");
}

#[test]
fn display_is_the_place() {
    let object = ObjectRef::new("raw", "a/b c");
    assert_eq!(object.to_string(), "raw/a/b c");
    assert_eq!(ObjectRef { version: Some("v".to_owned()), ..object }.to_string(), "raw/a/b c?versionId=v");
}
