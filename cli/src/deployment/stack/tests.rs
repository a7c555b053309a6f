use super::*;

const ID: &str =
    "arn:aws:cloudformation:eu-west-1:111122223333:stack/lake/11111111-2222-3333-4444-555555555555";

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A stack with the source of that prefix.
fn stack(prefix: &str) -> Stack {
    let named = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (format!("{prefix}{name}"), (*value).to_owned())).collect()
    };
    let mut stack = Stack {
        name: "lake".to_owned(),
        id: ID.to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
        outputs: named(&[
            ("FunctionName", "function"),
            ("RoleArn", "arn:aws:iam::111122223333:role/function"),
            ("QueueUrl", "https://sqs.eu-west-1.amazonaws.com/111122223333/q"),
            ("QueueArn", "arn:aws:sqs:eu-west-1:111122223333:q"),
            ("DeadLetterQueueUrl", "https://sqs.eu-west-1.amazonaws.com/111122223333/d"),
            ("DeadLetterQueueArn", "arn:aws:sqs:eu-west-1:111122223333:d"),
        ]),
        parameters: named(&[("BucketName", ""), ("Keys", "logs/AWSLogs/*/x/*")]),
        resources: named(&[("Ledger", "table"), ("EventSourceMapping", "mapping")]),
    };
    stack
        .outputs
        .extend(map(&[("LakeBucketName", "aws-security-data-lake-eu-west-1-x"), ("DatabaseName", "db")]));
    stack.parameters.extend(map(&[("RawBucketName", "raw"), ("RawBucketAccountId", "")]));
    stack
}

#[test]
fn a_source_is_read_with_its_defaults() {
    let stack = stack("VpcFlow");
    let sources = stack.sources().unwrap();
    let [source] = sources.as_slice() else { panic!("{sources:?}") };
    assert_eq!((source.name, source.prefix.as_str()), ("vpc-flow", "VpcFlow"));
    assert_eq!((source.ledger.as_str(), source.mapping.as_str()), ("table", "mapping"));
    assert_eq!((source.raw_bucket.as_str(), source.raw_account.as_deref()), ("raw", None));
    assert_eq!(source.key_prefix(), "logs/AWSLogs/");
    assert!(source.dead_letters.arn.ends_with(":d") && source.queue.url.ends_with("/q"));
    let tables: Vec<String> = source.tables.iter().map(|table| table.id()).collect();
    assert_eq!(tables, ["VPC_FLOW@2.0"]);
    assert_eq!((stack.account().unwrap(), stack.partition().unwrap()), ("111122223333", "aws"));
}

#[test]
fn what_is_given_for_a_source_counts() {
    let mut stack = stack("CloudTrail");
    stack.parameters.extend(map(&[
        ("CloudTrailBucketName", "trail"),
        ("RawBucketAccountId", "444455556666"),
        ("CloudTrailTables", "S3_DATA@1.0,S3_DATA@2.0"),
    ]));
    let sources = stack.sources().unwrap();
    let source = &sources[0];
    assert_eq!((source.name, source.raw_bucket.as_str()), ("cloudtrail", "trail"));
    assert_eq!(source.raw_account.as_deref(), Some("444455556666"));
    let tables: Vec<String> = source.tables.iter().map(|table| table.id()).collect();
    assert_eq!(tables, ["S3_DATA@1.0", "S3_DATA@2.0"]);
}

#[test]
fn every_source_is_known_by_its_prefix() {
    for (prefix, name) in [
        ("CloudTrail", "cloudtrail"),
        ("VpcFlow", "vpc-flow"),
        ("Route53", "route53"),
        ("SecurityHub", "security-hub"),
        ("EksAudit", "eks-audit"),
        ("Waf", "waf"),
    ] {
        assert_eq!(stack(prefix).sources().unwrap()[0].name, name);
    }
}

#[test]
fn a_stack_of_another_template_is_refused_with_what_it_lacks() {
    let reason = |change: &dyn Fn(&mut Stack)| {
        let mut stack = stack("Waf");
        change(&mut stack);
        stack.sources().unwrap_err().to_string()
    };
    let without_output = |stack: &mut Stack| drop(stack.outputs.remove("WafDeadLetterQueueUrl"));
    assert_eq!(reason(&without_output), "it has no output WafDeadLetterQueueUrl");
    let without_resource = |stack: &mut Stack| drop(stack.resources.remove("WafLedger"));
    assert_eq!(reason(&without_resource), "it has no resource WafLedger");
    let without_parameter = |stack: &mut Stack| drop(stack.parameters.remove("WafKeys"));
    assert_eq!(reason(&without_parameter), "it has no parameter WafKeys");
    let other_table =
        |stack: &mut Stack| drop(stack.parameters.insert("WafTables".into(), "S3_DATA@2.0".into()));
    assert!(reason(&other_table).contains("a table that is unknown here: S3_DATA@2.0"));
    let other_source = |stack: &mut Stack| drop(stack.outputs.insert("ShopFunctionName".into(), "f".into()));
    assert!(reason(&other_source).contains("ShopFunctionName"));
    assert!(reason(&|stack| stack.outputs.clear()).contains("no function of any source"));
    assert!(Stack { id: "lake".to_owned(), ..Stack::default() }.account().is_err());
}
