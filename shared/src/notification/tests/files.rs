//! The events in `events/`, which people invoke a function with, and the odd messages of the corpus.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;

/// What comes of one message: how many objects, and the reasons for what is ignored; none where it fails.
type Outcome = Option<(usize, &'static [IgnoredReason])>;

/// The shapes in `events/`, each with what comes of its messages in turn.
const SHAPES: [(&str, &[Outcome]); 10] = [
    ("s3", &[Some((1, &[]))]),
    ("sns", &[Some((1, &[]))]),
    ("sns-raw", &[Some((1, &[]))]),
    ("eventbridge", &[Some((1, &[]))]),
    ("cloudtrail-notice", &[Some((1, &[]))]),
    ("security-lake-subscriber", &[Some((1, &[]))]),
    ("test-event", &[Some((0, &[IgnoredReason::TestEvent]))]),
    ("validation-message", &[Some((0, &[IgnoredReason::ValidationMessage]))]),
    ("several-records", &[Some((2, &[]))]),
    ("batch-mixed", &[Some((1, &[])), None, Some((0, &[IgnoredReason::TestEvent]))]),
];

const FOLDER: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/";
const FIRST: &str = "111122223333_CloudTrail_us-east-1_20260314T0905Z_Qd3xkT9mWc2LrV7b.json.gz";
const SECOND: &str = "111122223333_CloudTrail_us-east-1_20260314T0910Z_Zp8nYh4sJt6KfB1u.json.gz";

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn json_file(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bodies in a Lambda event, after a look at what `sam local invoke` and the runtime need of it.
fn lambda_bodies(path: &Path) -> Vec<String> {
    let event = json_file(path);
    let records = event["Records"].as_array().unwrap();
    for record in records {
        for member in ["messageId", "receiptHandle", "md5OfBody", "eventSourceARN", "awsRegion"] {
            assert!(record[member].is_string(), "{}: {member}", path.display());
        }
        assert_eq!(record["eventSource"], "aws:sqs", "{}", path.display());
        assert!(
            record["attributes"].is_object() && record["messageAttributes"].is_object(),
            "{}",
            path.display()
        );
    }
    records.iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_event_file_gives_what_its_name_says() {
    let mut cloudtrail = 0;
    for entry in fs::read_dir(crate_root().join("../events")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        // `<source>-<shape>`; both may hold hyphens, so the longest shape wins.
        let (shape, outcomes) = SHAPES
            .iter()
            .filter(|(shape, _)| name.strip_suffix(shape).is_some_and(|source| source.ends_with('-')))
            .max_by_key(|(shape, _)| shape.len())
            .unwrap_or_else(|| panic!("events/{name}.json is of no shape that this test knows"));
        let of_cloudtrail = name.strip_suffix(shape) == Some("cloudtrail-");
        cloudtrail += usize::from(of_cloudtrail);
        let bodies = lambda_bodies(&path);
        assert_eq!(bodies.len(), outcomes.len(), "{name}");
        for (body, outcome) in bodies.iter().zip(*outcomes) {
            let read = parse(body).ok();
            let found = read.as_ref().map(|read| {
                (read.objects.len(), read.ignored.iter().map(|ignored| ignored.reason).collect::<Vec<_>>())
            });
            assert_eq!(found, outcome.map(|(objects, reasons)| (objects, reasons.to_vec())), "{name}");
            let objects = read.map(|read| read.objects).unwrap_or_default();
            assert!(objects.iter().all(|object| object.bucket == "raw-logs"), "{name}");
            if of_cloudtrail {
                for (object, file) in objects.iter().zip([FIRST, SECOND]) {
                    assert_eq!(object.key, format!("{FOLDER}{file}"), "{name}");
                }
            }
        }
    }
    assert_eq!(cloudtrail, SHAPES.len(), "one file of cloudtrail for each shape");
}

#[test]
fn one_object_has_one_identity_in_all_shapes_that_tag_it() {
    let identities: Vec<_> = ["s3", "sns", "sns-raw", "eventbridge", "security-lake-subscriber"]
        .iter()
        .map(|shape| {
            let path = crate_root().join(format!("../events/cloudtrail-{shape}.json"));
            objects(&lambda_bodies(&path)[0])[0].identity()
        })
        .collect();
    assert!(identities.windows(2).all(|pair| pair[0] == pair[1]), "{identities:?}");
}

/// A folder beside the repository that not everyone has.
fn beside_the_repository(folder: &str) -> Option<PathBuf> {
    let path = crate_root().join("../../shared").join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

#[test]
fn corpus() {
    let Some(bad) = beside_the_repository("corpus/bad") else { return };
    let expectations = json_file(&bad.join("expect.json"));
    let expectations = expectations["sqs"].as_array().unwrap();
    let on_disk = fs::read_dir(bad.join("sqs")).unwrap().count();
    assert_eq!(expectations.len(), on_disk, "each file has an expectation");
    assert_ne!(on_disk, 0);
    for expectation in expectations {
        let file = expectation["file"].as_str().unwrap();
        let body = fs::read_to_string(bad.join(file)).unwrap();
        let expected: Vec<&str> =
            expectation["objects"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        let read = parse(&body);
        let found: Vec<&str> =
            read.iter().flat_map(|read| &read.objects).map(|object| object.key.as_str()).collect();
        match (expectation["expect"].as_str().unwrap(), file) {
            ("fail", _) => assert!(read.is_err(), "{file}: {read:?}"),
            // Which keys are logs is the source's to say; here a folder marker is an object like any other.
            ("skip", _) => {
                assert!(read.is_ok() && found.iter().all(|key| key.ends_with('/')), "{file}: {read:?}");
            }
            // Whole Lambda events: their envelope is no message body.
            (_, "sqs/300-lambda-batch-mixed.json") => {
                assert!(matches!(read, Err(NotificationError::UnknownShape { .. })), "{file}: {read:?}");
                let failed: Vec<bool> =
                    lambda_bodies(&bad.join(file)).iter().map(|body| parse(body).is_err()).collect();
                assert_eq!(failed, [false, true, false, false, false], "{file}");
            }
            (_, "sqs/301-lambda-empty-batch.json") => assert_eq!(found, [""; 0], "{file}"),
            (
                _,
                "sqs/302-lambda-direct-s3-event.json"
                | "sqs/217-double-sns.json"
                | "sqs/218-other-bucket.json",
            ) => {
                assert_eq!(found.len(), 1, "{file}: {read:?}");
            }
            (_, "sqs/212-multi-object.json") => {
                assert_eq!(found.len(), 4, "{file}: {read:?}");
                assert_eq!(found[..1], expected, "{file}");
            }
            (_, "sqs/215-bad-percent.json") => assert_eq!(found, ["logs/100%/x%ZZ.json.gz"], "{file}"),
            (_, "sqs/219-huge-body.json") => assert_eq!(found.len(), 450, "{file}"),
            ("ok" | "either" | "partial", _) => {
                assert!(!expected.is_empty(), "{file}: no test holds it");
                assert_eq!(found, expected, "{file}: {read:?}");
            }
            (other, _) => panic!("{file}: unknown expectation {other}"),
        }
    }
}

#[test]
fn published_notifications() {
    let Some(folder) = beside_the_repository("contract/notifications") else { return };
    // The published sample shows the body as an object; SQS carries it as a text.
    let queue = json_file(&folder.join("main-queue-s3-event-v1.json"));
    let read = objects(&queue["Records"][0]["body"].to_string());
    let event = json_file(&folder.join("subscriber-queue-eventbridge-CONSTRUCTED.json"));
    for object in read.iter().chain(&objects(&event.to_string())) {
        assert!(object.bucket.starts_with("aws-security-data-lake-us-east-1-"), "{object}");
        assert!(object.key.starts_with("aws/VPC_FLOW/"), "{object}");
        assert_eq!(object.size, Some(35095));
        assert_eq!(object.etag.as_deref(), Some("b68171d372a75300fe69a0cf327f33f3"));
    }
    assert_eq!(read.len(), 1);
}
