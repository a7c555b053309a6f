//! What one batch has come to, as metrics: JSON lines that CloudWatch takes out of the function's log by itself
//! (CloudWatch user guide, "Specification: Embedded metric format"). No call is made and no permission is needed.
//!
//! Namespace `OpenSecurityLake`, dimension `Function`:
//!
//! | metric | unit | meaning |
//! |---|---|---|
//! | `Messages`, `MessagesFailed` | count | of the batch; those that go back to the queue |
//! | `Redelivered` | count | messages of the batch that were received before |
//! | `ObjectsIngested`, `ObjectsKnown`, `ObjectsSkipped`, `ObjectsFailed` | count | raw objects: now in the lake, in it before, no logs, failed and so left to the queue |
//! | `ObjectsLeft` | count | raw objects that were left to the queue for lack of time |
//! | `Records`, `Rows`, `RecordsSkipped`, `RecordsQuarantined` | count | records read, rows written, records of no table, records that cannot become a row |
//! | `BytesIn`, `BytesDecoded`, `BytesOut` | bytes | raw objects as stored and decompressed, Parquet objects |
//! | `Lag` | milliseconds | from the latest event of the batch to the start of the invocation |
//! | `EstimatedCost` | none | micro US dollars: see [`cost`](crate::cost). A thousand times it by `BytesDecoded` is dollars a GB of raw text, by `BytesIn` a GB as stored |
//! | `Panics` | count | mistakes of ours that cost an object its turn |
//!
//! Dimensions `Function`, `Reason`: `Quarantined` and `Skipped` by reason.

use serde_json::{Map, Value, json};

use crate::pipeline::Report;

const NAMESPACE: &str = "OpenSecurityLake";

/// What is told of a batch beside its report.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The function's name.
    pub function: &'a str,
    /// Messages.
    pub messages: usize,
    /// Messages that go back to the queue.
    pub failed: usize,
    /// Messages that were received before.
    pub redelivered: usize,
    /// Start of the invocation, in milliseconds since the epoch.
    pub start: i64,
    /// What it costs, in micro US dollars, where that can be told.
    pub cost: Option<f64>,
}

/// The lines of one batch, each with its line end.
pub fn lines(batch: Batch<'_>, report: &Report) -> String {
    let Batch { function, start, .. } = batch;
    let count = |number: usize| (json!(number), "Count");
    let sum = |number: u64, unit| (json!(number), unit);
    let mut metrics = vec![
        ("Messages", count(batch.messages)),
        ("MessagesFailed", count(batch.failed)),
        ("Redelivered", count(batch.redelivered)),
        ("ObjectsIngested", sum(report.objects_ingested, "Count")),
        ("ObjectsKnown", sum(report.objects_known, "Count")),
        ("ObjectsSkipped", sum(report.objects_skipped.values().sum(), "Count")),
        ("ObjectsFailed", count(report.failures.len())),
        ("ObjectsLeft", count(report.left.len())),
        ("Records", sum(report.records, "Count")),
        ("Rows", sum(report.rows.values().sum(), "Count")),
        ("RecordsSkipped", sum(report.skipped.values().sum(), "Count")),
        ("RecordsQuarantined", sum(report.quarantined.values().sum(), "Count")),
        ("BytesIn", sum(report.bytes_in, "Bytes")),
        ("BytesDecoded", sum(report.bytes_decoded, "Bytes")),
        ("BytesOut", sum(report.bytes_out, "Bytes")),
        ("Panics", sum(report.panics, "Count")),
    ];
    // Replayed logs of last year say nothing of how the function keeps up; neither do events from the future.
    if let Some(lag) = report.latest_event.and_then(|event| u64::try_from(start - event).ok()) {
        metrics.push(("Lag", sum(lag, "Milliseconds")));
    }
    if let Some(cost) = batch.cost {
        metrics.push(("EstimatedCost", (json!((cost * 1000.0).round() / 1000.0), "None")));
    }
    let mut lines = line(&[("Function", function)], &metrics, start);
    for (name, reasons) in [("Quarantined", &report.quarantined), ("Skipped", &report.skipped)] {
        for (reason, number) in reasons {
            let dimensions = [("Function", function), ("Reason", *reason)];
            lines.push_str(&line(&dimensions, &[(name, sum(*number, "Count"))], start));
        }
    }
    lines
}

fn line(dimensions: &[(&str, &str)], metrics: &[(&str, (Value, &str))], now: i64) -> String {
    let mut members = Map::new();
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, (_, unit))| json!({"Name": name, "Unit": unit})).collect();
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions});
    members.insert("_aws".to_owned(), json!({"Timestamp": now, "CloudWatchMetrics": [directive]}));
    members.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    members.extend(metrics.iter().map(|(name, (value, _))| ((*name).to_owned(), json!(value))));
    format!("{}\n", Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_and_holds_each_metric() {
        let report = Report {
            records: 5,
            rows: [("A@2.0".to_owned(), 3), ("B@2.0".to_owned(), 1)].into(),
            quarantined: [("unreadable", 1)].into(),
            latest_event: Some(1_000),
            left: vec![0, 4],
            ..Report::default()
        };
        let batch = Batch {
            function: "vpc-flow",
            messages: 2,
            failed: 1,
            redelivered: 1,
            start: 61_000,
            cost: Some(12.345_67),
        };
        let text = lines(batch, &report);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let directive = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Function"]]));
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(lines[0][metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert_eq!(
            (&lines[0]["Rows"], &lines[0]["Lag"], &lines[0]["MessagesFailed"]),
            (&json!(4), &json!(60_000), &json!(1))
        );
        assert_eq!((&lines[0]["Redelivered"], &lines[0]["EstimatedCost"]), (&json!(1), &json!(12.346)));
        assert_eq!((&lines[0]["ObjectsLeft"], &lines[0]["ObjectsFailed"]), (&json!(2), &json!(0)));
        assert_eq!((&lines[1]["Reason"], &lines[1]["Quarantined"]), (&json!("unreadable"), &json!(1)));
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        for latest_event in [None, Some(100)] {
            let report = Report { latest_event, ..Report::default() };
            let batch =
                Batch { function: "waf", messages: 1, failed: 0, redelivered: 0, start: 50, cost: None };
            let text = lines(batch, &report);
            assert!(!text.contains("Lag") && !text.contains("EstimatedCost"));
        }
    }
}
