//! What one batch has come to, as metrics: JSON lines that CloudWatch takes out of the function's log by itself
//! (CloudWatch user guide, "Specification: Embedded metric format"). No call is made and no permission is needed.
//!
//! Namespace `OpenSecurityLake`, dimension `Function`:
//!
//! | metric | unit | meaning |
//! |---|---|---|
//! | `Messages`, `MessagesFailed` | count | of the batch; those that go back to the queue |
//! | `ObjectsIngested`, `ObjectsKnown`, `ObjectsSkipped`, `ObjectsFailed` | count | raw objects: now in the lake, in it before, no logs, left to the queue |
//! | `Records`, `Rows`, `RecordsSkipped`, `RecordsQuarantined` | count | records read, rows written, records of no table, records that cannot become a row |
//! | `BytesIn`, `BytesDecoded`, `BytesOut` | bytes | raw objects as stored and decompressed, Parquet objects |
//! | `Lag` | milliseconds | from the latest event of the batch to the start of the invocation |
//! | `Panics` | count | mistakes of ours that cost an object its turn |
//!
//! Dimensions `Function`, `Reason`: `Quarantined` and `Skipped` by reason.

use serde_json::{Map, Value, json};

use crate::pipeline::Report;

const NAMESPACE: &str = "OpenSecurityLake";

/// The lines of one batch, each with its line end. `now` is the start of the invocation, in milliseconds since the
/// epoch.
pub fn lines(function: &str, messages: usize, failed: usize, report: &Report, now: i64) -> String {
    let count = |number: usize| (number as u64, "Count");
    let mut metrics = vec![
        ("Messages", count(messages)),
        ("MessagesFailed", count(failed)),
        ("ObjectsIngested", (report.objects_ingested, "Count")),
        ("ObjectsKnown", (report.objects_known, "Count")),
        ("ObjectsSkipped", (report.objects_skipped.values().sum(), "Count")),
        ("ObjectsFailed", count(report.failures.len())),
        ("Records", (report.records, "Count")),
        ("Rows", (report.rows.values().sum(), "Count")),
        ("RecordsSkipped", (report.skipped.values().sum(), "Count")),
        ("RecordsQuarantined", (report.quarantined.values().sum(), "Count")),
        ("BytesIn", (report.bytes_in, "Bytes")),
        ("BytesDecoded", (report.bytes_decoded, "Bytes")),
        ("BytesOut", (report.bytes_out, "Bytes")),
        ("Panics", (report.panics, "Count")),
    ];
    // Replayed logs of last year say nothing of how the function keeps up; neither do events from the future.
    if let Some(lag) = report.latest_event.and_then(|event| u64::try_from(now - event).ok()) {
        metrics.push(("Lag", (lag, "Milliseconds")));
    }
    let mut lines = line(&[("Function", function)], &metrics, now);
    for (name, reasons) in [("Quarantined", &report.quarantined), ("Skipped", &report.skipped)] {
        for (reason, number) in reasons {
            let dimensions = [("Function", function), ("Reason", *reason)];
            lines.push_str(&line(&dimensions, &[(name, (*number, "Count"))], now));
        }
    }
    lines
}

fn line(dimensions: &[(&str, &str)], metrics: &[(&str, (u64, &str))], now: i64) -> String {
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
            ..Report::default()
        };
        let text = lines("vpc-flow", 2, 1, &report, 61_000);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let directive = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Function"]]));
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(lines[0][metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
        }
        assert_eq!(
            (&lines[0]["Rows"], &lines[0]["Lag"], &lines[0]["MessagesFailed"]),
            (&json!(4), &json!(60_000), &json!(1))
        );
        assert_eq!((&lines[1]["Reason"], &lines[1]["Quarantined"]), (&json!("unreadable"), &json!(1)));
    }

    #[test]
    fn there_is_no_lag_without_events_or_before_them() {
        for latest_event in [None, Some(100)] {
            let report = Report { latest_event, ..Report::default() };
            assert!(!lines("waf", 1, 0, &report, 50).contains("Lag"));
        }
    }
}
