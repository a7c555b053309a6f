use super::*;
use crate::table::definitions::{ALL, S3_DATA_2_0};

const LAKE: &str = "aws-security-data-lake-us-east-1-example";

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let get = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Config::from_vars(get, ALL)
}

fn problems(vars: &[(&str, &str)]) -> Vec<String> {
    read(vars).map_or_else(|error| error.problems, |config| panic!("accepted: {config:?}"))
}

#[test]
fn defaults() {
    let config =
        read(&[("LAKE_BUCKET", LAKE), ("AWS_REGION", "us-gov-west-1"), ("CODEC", ""), ("SOURCES", " ")])
            .unwrap();
    assert_eq!((config.lake_bucket.as_str(), config.region.as_str()), (LAKE, "us-gov-west-1"));
    assert!(config.sources.iter().all(|table| table.version == "2.0") && config.sources.len() == 8);
    assert_eq!((config.max_object_bytes, config.max_record_bytes), (4_294_967_296, 33_554_432));
    assert_eq!((config.max_depth, config.max_fields, config.drop_repeated_events), (512, 262_144, false));
    assert_eq!((config.buffer_bytes, config.fetch_concurrency), (50_331_648, 8));
    assert_eq!((config.max_group_bytes, config.stop_before.as_secs()), (67_108_864, 20));
    assert_eq!((config.codec, config.log_level), (Codec::Zstd, LevelFilter::INFO));
    assert!(config.memory_mb.is_none());
    assert!(config.raw_buckets.is_empty() && config.kms_key_id.is_none() && !config.path_style);
}

#[test]
fn every_variable() {
    let config = read(&[
        ("LAKE_BUCKET", LAKE),
        ("AWS_REGION", "eu-west-1"),
        ("RAW_BUCKETS", "logs-one, logs-two,"),
        ("SOURCES", "S3_DATA@2.0"),
        ("CODEC", "gzip"),
        ("MAX_OBJECT_BYTES", "1000000"),
        ("MAX_RECORD_BYTES", "65536"),
        ("MAX_DEPTH", "16"),
        ("MAX_FIELDS", "4194304"),
        ("DROP_REPEATED_EVENTS", "true"),
        ("BUFFER_BYTES", "1048576"),
        ("FETCH_CONCURRENCY", "64"),
        ("MAX_GROUP_BYTES", "4294967296"),
        ("STOP_BEFORE_SECONDS", "300"),
        ("KMS_KEY_ID", "alias/lake"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
        ("LOG_LEVEL", "DEBUG"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:5000"),
    ])
    .unwrap();
    assert_eq!(config.raw_buckets, ["logs-one", "logs-two"]);
    assert_eq!(config.sources, [&S3_DATA_2_0]);
    assert_eq!((config.max_object_bytes, config.max_record_bytes), (1_000_000, 65_536));
    assert_eq!((config.max_depth, config.max_fields, config.drop_repeated_events), (16, 4_194_304, true));
    assert_eq!((config.buffer_bytes, config.fetch_concurrency), (1_048_576, 64));
    assert_eq!((config.max_group_bytes, config.stop_before.as_secs()), (4 << 30, 300));
    assert_eq!((config.codec, config.log_level), (Codec::Gzip, LevelFilter::DEBUG));
    assert_eq!((config.kms_key_id.as_deref(), config.memory_mb), (Some("alias/lake"), Some(1769)));
    assert!(config.path_style);
}

#[test]
fn all_problems_are_reported_together() {
    let vars = [
        ("LAKE_BUCKET", "my-lake"),
        ("RAW_BUCKETS", "s3://logs,My_Logs,ab"),
        ("SOURCES", "CLOUD_TRAIL_MGMT@2.0,VPC_FLOW@3.0"),
        ("CODEC", "snappy"),
        ("MAX_OBJECT_BYTES", "4GB"),
        ("MAX_RECORD_BYTES", "1"),
        ("MAX_DEPTH", "513"),
        ("MAX_FIELDS", "255"),
        ("DROP_REPEATED_EVENTS", "yes"),
        ("BUFFER_BYTES", "1073741825"),
        ("FETCH_CONCURRENCY", "0"),
        ("MAX_GROUP_BYTES", "1048575"),
        ("STOP_BEFORE_SECONDS", "301"),
        ("LEDGER_TABLE", "my table"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1 GB"),
        ("LOG_LEVEL", "3"),
    ];
    let error = read(&vars).unwrap_err();
    let text = error.to_string();
    for name in vars.iter().map(|(name, _)| *name).chain(["AWS_REGION"]) {
        assert!(error.problems.iter().any(|problem| problem.starts_with(name)), "{name} in {text}");
    }
    assert_eq!(error.problems.len(), 18, "{text}"); // two of RAW_BUCKETS
    assert_eq!(text.lines().count(), 19, "{text}");
}

#[test]
fn a_lake_bucket_is_a_bucket() {
    for bucket in [
        "",
        "aws-security-data-lake-",
        "aws-security-data-lake-A",
        "lake",
        &format!("{LAKE}{}", "x".repeat(40)),
    ] {
        let problems = problems(&[("LAKE_BUCKET", bucket), ("AWS_REGION", "us-east-1")]);
        assert!(problems.len() == 1 && problems[0].starts_with("LAKE_BUCKET"), "{bucket}: {problems:?}");
    }
}

#[test]
fn a_record_fits_into_an_object() {
    let vars = [("LAKE_BUCKET", LAKE), ("AWS_REGION", "us-east-1"), ("MAX_OBJECT_BYTES", "33554431")];
    assert_eq!(problems(&vars).len(), 1);
}
