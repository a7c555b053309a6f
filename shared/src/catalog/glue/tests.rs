//! The catalogue against a server of our own, which answers what Glue answers.

use aws_sdk_glue::config::retry::RetryConfig;
use aws_sdk_glue::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_glue::types::Column;
use serde_json::{Value, json};

use super::table::outdated_columns;
use super::*;
use crate::layout::Partition;
use crate::store::s3::tests::{Answer, Request, serve};
use crate::table::PARTITION_KEYS;
use crate::table::definitions::{CLOUD_TRAIL_MGMT_2_0, S3_DATA_2_0};

const TABLE: &str = "amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0";

/// The calls that a server has answered: operation and request.
type Calls = std::sync::Arc<Mutex<Vec<(String, Value)>>>;

/// A catalogue on a server that answers by operation and request: status and body.
fn catalog(mut answer: impl FnMut(&str, &Value) -> (u16, Value) + Send + 'static) -> (GlueCatalog, Calls) {
    let calls = Calls::default();
    let seen = calls.clone();
    let (endpoint, _) = serve(move |request: &Request| {
        let target = request.header("x-amz-target").unwrap().rsplit('.').next().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let (status, reply) = answer(&target, &body);
        seen.lock().unwrap().push((target, body));
        Answer::new(status, reply.to_string())
    });
    let config = aws_sdk_glue::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "SECRETEXAMPLE", None, None, "test"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled());
    (GlueCatalog::new(Client::from_conf(config.build()), "aws-security-data-lake-x", "us-east-1"), calls)
}

fn error(code: &str) -> (u16, Value) {
    (400, json!({"__type": code, "Message": "about it"}))
}

/// The answer to `gettable` for a table whose only column is `time`.
fn table() -> (u16, Value) {
    let keys: Vec<Value> =
        PARTITION_KEYS.iter().map(|name| json!({"Name": name, "Type": "string"})).collect();
    let descriptor = json!({
        "Columns": [{"Name": "time", "Type": "bigint"}],
        "Location": "s3://aws-security-data-lake-x/aws/CLOUD_TRAIL_MGMT/2.0",
    });
    (200, json!({"Table": {"Name": TABLE, "PartitionKeys": keys, "StorageDescriptor": descriptor}}))
}

fn partition(table: &'static TableDefinition, day: &str) -> TablePartition {
    let partition = Partition { region: "eu-west-1".into(), account: "111122223333".into(), day: day.into() };
    TablePartition { table, partition }
}

fn mgmt(day: &str) -> TablePartition {
    partition(&CLOUD_TRAIL_MGMT_2_0, day)
}

fn days(request: &Value) -> Vec<String> {
    let inputs = request["PartitionInputList"].as_array().unwrap();
    inputs.iter().map(|input| input["Values"][2].as_str().unwrap().to_owned()).collect()
}

fn names(calls: &Calls) -> Vec<String> {
    calls.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn database_and_table_are_created_from_the_definition_once() {
    let mut created = Vec::new();
    let (catalog, calls) = catalog(move |operation, _| {
        created.push(operation.to_owned());
        let has = |name: &str| created.iter().filter(|operation| *operation == name).count();
        match operation {
            "gettable" if has("createtable") < 2 => error("EntityNotFoundException"),
            "gettable" => table(),
            "createtable" if has("createdatabase") == 0 => error("EntityNotFoundException"),
            "createdatabase" => error("AlreadyExistsException"), // another instance was faster
            _ => (200, json!({})),
        }
    });
    assert_eq!(catalog.register(&[mgmt("20260314")]).await, [Ok(())]);
    assert_eq!(catalog.register(&[mgmt("20260314")]).await, [Ok(())]);
    assert_eq!(catalog.register(&[mgmt("20260315")]).await, [Ok(())]);
    let expected = ["gettable", "createtable", "createdatabase", "createtable", "gettable"];
    let batches = ["batchcreatepartition"; 2];
    assert_eq!(names(&calls), [&expected[..], &batches[..]].concat());

    let calls = calls.lock().unwrap();
    assert_eq!(calls[2].1["DatabaseInput"]["Name"], "amazon_security_lake_glue_db_us_east_1");
    let input = &calls[3].1["TableInput"];
    assert_eq!((&input["Name"], &input["TableType"]), (&TABLE.into(), &"EXTERNAL_TABLE".into()));
    assert_eq!(input["Parameters"], json!({"EXTERNAL": "TRUE", "classification": "parquet"}));
    let keys: Vec<&Value> =
        input["PartitionKeys"].as_array().unwrap().iter().map(|key| &key["Name"]).collect();
    assert_eq!(keys, PARTITION_KEYS.as_slice());
    let columns = input["StorageDescriptor"]["Columns"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let columns: Vec<_> =
        columns.iter().map(|column| (text(&column["Name"]), text(&column["Type"]))).collect();
    let expected: Vec<_> = CLOUD_TRAIL_MGMT_2_0
        .columns
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()))
        .collect();
    assert_eq!(columns, expected);
    assert_eq!(
        input["StorageDescriptor"]["Location"],
        "s3://aws-security-data-lake-x/aws/CLOUD_TRAIL_MGMT/2.0/"
    );
    let partition = &calls[5].1["PartitionInputList"][0];
    assert_eq!(partition["Values"], json!(["eu-west-1", "111122223333", "20260314"]));
    let descriptor = json!({
        "Columns": [{"Name": "time", "Type": "bigint"}],
        "Location": "s3://aws-security-data-lake-x/aws/CLOUD_TRAIL_MGMT/2.0/region=eu-west-1/accountId=111122223333/eventDay=20260314/",
    });
    assert_eq!(partition["StorageDescriptor"], descriptor);
}

#[tokio::test]
async fn entries_fail_alone_inside_a_successful_answer() {
    let entry = |day: &str, code: &str| {
        let values = json!(["eu-west-1", "111122223333", day]);
        json!({"PartitionValues": values, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": "about it"}})
    };
    let mut batches = 0;
    let (catalog, calls) = catalog(move |operation, _| match operation {
        "gettable" => table(),
        _ => {
            batches += 1;
            let mut errors = vec![
                entry("1", "AlreadyExistsException"),
                entry("2", "InternalServiceException"),
                entry("3", "InvalidInputException"),
            ];
            if batches > 1 {
                errors.clear();
            }
            (200, json!({"Errors": errors}))
        }
    });
    // The first partition stands twice: one entry in the answer for each.
    let partitions = [mgmt("1"), mgmt("2"), mgmt("3"), mgmt("1"), mgmt("4")];
    let outcomes = catalog.register(&partitions).await;
    let wrong = outcomes[2].clone().unwrap_err();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(wrong.clone()), Ok(()), Ok(())]);
    assert_eq!((wrong.reason.as_str(), wrong.retryable), ("InvalidInputException: about it", false));
    assert_eq!(wrong.partition, partitions[2].prefix());
    let batches: Vec<Vec<String>> =
        calls.lock().unwrap()[1..].iter().map(|(_, request)| days(request)).collect();
    assert_eq!(batches, [vec!["1", "2", "3", "4"], vec!["2"]]);
    // Only what failed is asked for again.
    assert_eq!(catalog.register(&partitions).await, [Ok(()), Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!(days(&calls.lock().unwrap()[3].1), ["3"]);
}

#[tokio::test]
async fn a_call_holds_at_most_a_hundred_partitions() {
    let (catalog, calls) =
        catalog(|operation, _| if operation == "gettable" { table() } else { (200, json!({})) });
    let partitions: Vec<_> = (0..250).map(|day| mgmt(&format!("{day:08}"))).collect();
    assert!(catalog.register(&partitions).await.iter().all(Result::is_ok));
    let mut sizes: Vec<usize> =
        calls.lock().unwrap()[1..].iter().map(|(_, request)| days(request).len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 100, 100]);
}

#[tokio::test]
async fn a_wrong_entry_does_not_cost_its_neighbours_their_call() {
    let (catalog, calls) = catalog(|operation, request| match operation {
        "gettable" => table(),
        _ if days(request).contains(&"wrong".to_owned()) => error("InvalidInputException"),
        _ => (200, json!({})),
    });
    let partitions = [mgmt("1"), mgmt("2"), mgmt("wrong"), mgmt("4")];
    let outcomes = catalog.register(&partitions).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, true]);
    assert_eq!(names(&calls).len(), 1 + 5); // the table; four, two and two, one and one
}

#[tokio::test]
async fn a_throttle_is_waited_for_and_in_the_end_retryable() {
    let mut calls_left = 2;
    let (catalog, calls) = catalog(move |operation, request| match operation {
        "gettable" if request["Name"] == TABLE => table(),
        "gettable" => error("AccessDeniedException"),
        _ if calls_left > 0 => {
            calls_left -= 1;
            error("ThrottlingException")
        }
        _ if days(request) == ["1"] => (200, json!({})),
        _ => error("ThrottlingException"),
    });
    assert_eq!(catalog.register(&[mgmt("1")]).await, [Ok(())]);
    assert_eq!(names(&calls).len(), 1 + 3);
    // One table's trouble is not another's.
    let outcomes = catalog.register(&[mgmt("2"), partition(&S3_DATA_2_0, "2"), mgmt("1")]).await;
    let [Err(throttled), Err(denied), Ok(())] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(throttled.is_retryable() && throttled.reason.starts_with("ThrottlingException"), "{throttled}");
    assert!(!denied.is_retryable() && denied.reason.starts_with("AccessDeniedException"), "{denied}");
    assert_eq!(
        names(&calls).iter().filter(|name| *name == "batchcreatepartition").count(),
        3 + ATTEMPTS as usize
    );
}

#[tokio::test]
async fn a_dropped_table_is_created_by_the_next_attempt() {
    let mut batches = 0;
    let (catalog, calls) = catalog(move |operation, _| {
        batches += usize::from(operation == "batchcreatepartition");
        match (operation, batches) {
            ("gettable", _) => table(),
            (_, 2) => error("EntityNotFoundException"),
            _ => (200, json!({})),
        }
    });
    assert_eq!(catalog.register(&[mgmt("1")]).await, [Ok(())]);
    assert!(catalog.register(&[mgmt("2")]).await[0].is_err());
    // The partitions went with the table, so what was known before is registered again.
    assert_eq!(catalog.register(&[mgmt("1"), mgmt("2")]).await, [Ok(()), Ok(())]);
    assert_eq!(names(&calls).iter().filter(|name| *name == "gettable").count(), 2);
    assert_eq!(days(&calls.lock().unwrap().last().unwrap().1), ["1", "2"]);
}

#[tokio::test]
async fn a_table_of_another_kind_is_refused() {
    let (catalog, _) = catalog(|_, _| {
        let (status, mut answer) = table();
        answer["Table"]["Parameters"] = json!({"table_type": "ICEBERG"});
        (status, answer)
    });
    let error = catalog.register(&[mgmt("1")]).await[0].clone().unwrap_err();
    assert!(!error.retryable && error.reason.contains("Iceberg"), "{error}");
}

#[test]
fn columns_that_a_table_lacks_are_found() {
    let columns = |columns: &[(&str, &str)]| -> Vec<Column> {
        columns
            .iter()
            .map(|(name, kind)| Column::builder().name(*name).r#type(*kind).build().unwrap())
            .collect()
    };
    let wanted = columns(&[("a", "string"), ("b", "struct<x:int,y:int>"), ("c", "int")]);
    assert_eq!(outdated_columns(&wanted, &columns(&[("A", "string"), ("b", "struct<x:int>")])), ["b", "c"]);
    assert!(outdated_columns(&wanted, &wanted).is_empty());
}

#[test]
fn waits_grow_and_differ() {
    for attempt in 1..ATTEMPTS {
        let base = WAIT * 2_u32.pow(attempt - 1);
        assert!((base..base * 2).contains(&wait("a", attempt)));
    }
    assert_eq!(wait("a", 1), wait("a", 1));
    assert_ne!(wait("a", 1), wait("b", 1));
}
