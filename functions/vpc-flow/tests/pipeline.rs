//! Flow logs in all their forms, from an object to the rows of the lake.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use futures::executor::block_on;
use parquet::arrow::ArrowWriter;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;
use shared::catalog::folder::FolderCatalog;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Retried, Settings};
use shared::quarantine::Entry;
use shared::source::Source as _;
use shared::store::folder::FolderStore;
use vpc_flow::VpcFlow;

const KEY: &str = "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/03/14/111122223333_vpcflowlogs_eu-west-1_fl-0123456789abcdef0_20260314T0905Z_0a1b2c3d.log.gz";
const HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
const LINE: &str =
    "2 111122223333 eni-0a 192.0.2.7 198.51.100.4 49152 443 6 10 840 1773479100 1773479160 ACCEPT OK";
const NODATA: &str = "2 111122223333 eni-0a - - - - - - - 1773479100 1773479160 - NODATA";

/// What came of one object.
struct Ingested {
    report: Report,
    /// Rows of each table, with the file's path before each.
    v1: Vec<String>,
    v2: Vec<String>,
    quarantine: String,
}

fn ingest(key: &str, contents: &[u8]) -> Ingested {
    ingest_with(key, contents, |_| {})
}

fn ingest_with(key: &str, contents: &[u8], change: impl FnOnce(&mut Settings)) -> Ingested {
    let folder = tempfile::tempdir().unwrap();
    let (raw, lake) = (folder.path().join("raw"), folder.path().join("lake"));
    let path = raw.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, contents).unwrap();
    let mut settings = Settings::new(lake.to_str().unwrap());
    settings.region = Some("us-east-1".to_owned());
    change(&mut settings);
    let catalog = FolderCatalog::new(&lake, "us-east-1");
    let tables = VpcFlow.tables().to_vec();
    let pipeline = Pipeline::new(Box::new(VpcFlow), tables, FolderStore, catalog, settings).unwrap();
    let object = ObjectRef::new(raw.to_str().unwrap(), key);
    let report = block_on(pipeline.ingest(vec![object], &|_| {}));
    let rows = |version: &str| {
        let mut found = Vec::new();
        files(&lake.join("aws/VPC_FLOW").join(version), &mut |path| {
            let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
            let place = path.strip_prefix(&lake).unwrap().to_str().unwrap();
            found.extend(reader.get_row_iter(None).unwrap().map(|row| format!("{place} {}", row.unwrap())));
        });
        found.sort();
        found
    };
    let mut quarantine = String::new();
    files(&lake.join("quarantine"), &mut |path| {
        let mut text = Vec::new();
        std::io::copy(&mut flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()), &mut text)
            .unwrap();
        quarantine.push_str(&String::from_utf8(text).unwrap());
    });
    Ingested { v1: rows("1.0"), v2: rows("2.0"), report, quarantine }
}

fn files(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files(&path, visit) } else { visit(&path) }
    }
}

fn lines(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line, "\n"].concat().into_bytes()).collect()
}

fn assert_has(row: &str, parts: &[&str]) {
    for part in parts {
        assert!(row.contains(part), "{part} is not in {row}");
    }
}

/// The struct of that name in a row.
fn member<'r>(row: &'r str, name: &str) -> &'r str {
    let start = row.find(&format!("{name}: {{")).unwrap();
    &row[start..start + row[start..].find('}').unwrap()]
}

#[test]
fn the_default_format() {
    let found = ingest(KEY, &lines(&[HEADER, LINE]));
    assert_eq!((found.report.records, found.v1.len(), found.v2.len()), (1, 1, 1));
    let place = "region=eu-west-1/accountId=111122223333/eventDay=20260314/";
    for row in [&found.v1[0], &found.v2[0]] {
        assert_has(
            row,
            &[
                place,
                "activity_name: \"Traffic\"",
                "traffic: {packets: 10, bytes: 840}",
                "interface_id\" -> \"eni-0a\"",
                "time: 1773479100000",
                "disposition_id: 1",
                "direction_id: 0, direction: \"Unknown\"",
                "region: \"eu-west-1\"",
            ],
        );
        assert_has(member(row, "src_endpoint"), &["port: 49152", "ip: \"192.0.2.7\"", "interface_uid: null"]);
        assert_has(
            member(row, "dst_endpoint"),
            &["port: 443", "ip: \"198.51.100.4\"", "interface_uid: null"],
        );
    }
    assert_has(&found.v2[0], &["action: \"Allowed\"", "{name: \"src_endpoint.ip\", value: \"192.0.2.7\""]);
    assert_has(&found.v1[0], &["account_uid: \"111122223333\"", "start_time: 1773479100000"]);
}

#[test]
fn any_order_and_all_fields() {
    let header = "flow-direction traffic-path pkt-srcaddr srcaddr dstaddr pkt-dstaddr end start instance-id subnet-id vpc-id interface-id region az-id account-id type tcp-flags action new-field reject-reason ecs-task-id sublocation-id pkt-src-aws-service log-status version";
    let row = "egress 8 2001:db8::7 192.0.2.7 198.51.100.4 198.51.100.4 1773479160 1773479100 i-0a subnet-0a vpc-0a eni-0a us-west-2 usw2-az1 444455556666 IPv4 19 REJECT later BPA - - S3 OK 10";
    let found = ingest(KEY, &lines(&[header, row]));
    for row in [&found.v1[0], &found.v2[0]] {
        assert_has(
            row,
            &[
                "region=us-west-2/accountId=444455556666",
                "boundary_id: 11, boundary: \"Internet Gateway\", direction_id: 2, direction: \"Outbound\"",
                "activity_name: \"Refuse\"",
                "zone: \"usw2-az1\"",
                "new_field\" -> \"later\"",
                "reject_reason\" -> \"BPA\"",
                "ecs_task_id\" -> \"-\"",
            ],
        );
        assert_has(
            member(row, "src_endpoint"),
            &[
                "svc_name: \"S3\", ip: \"2001:db8::7\", intermediate_ips: [\"192.0.2.7\"]",
                "interface_uid: \"eni-0a\", vpc_uid: \"vpc-0a\", instance_uid: \"i-0a\", subnet_uid: \"subnet-0a\"",
            ],
        );
        assert_has(
            member(row, "dst_endpoint"),
            &["svc_name: null, ip: \"198.51.100.4\", intermediate_ips: null"],
        );
    }
    assert_has(
        &found.v2[0],
        &[
            "action: \"Denied\", action_id: 2, disposition: \"Blocked\"",
            "{name: \"src_endpoint.instance_uid\", value: \"i-0a\", type: \"Resource UID\", type_id: 10}",
            "{name: \"src_endpoint.intermediate_ips[]\", value: \"192.0.2.7\"",
        ],
    );
}

#[test]
fn no_data_is_a_row_without_addresses() {
    let found = ingest(KEY, &lines(&[HEADER, NODATA]));
    for row in [&found.v1[0], &found.v2[0]] {
        assert_has(
            row,
            &["activity_id: 0", "disposition: \"-\"", "status_code: \"NODATA\"", "traffic: null"],
        );
        assert_has(member(row, "src_endpoint"), &["ip: null", "port: null", "interface_uid: \"eni-0a\""]);
        assert_has(member(row, "dst_endpoint"), &["ip: null", "svc_name: \"-\""]);
    }
    assert_has(&found.v2[0], &["observables: null", "action: \"-\", action_id: 99"]);
}

#[test]
fn numbers_that_do_not_fit_are_kept_aside() {
    let bad = "2 111122223333 eni-0a 192.0.2.300 host 70000 -1 256 18446744073709551616 1e3 1773479100 never ACCEPT OK";
    let found = ingest(KEY, &lines(&[HEADER, bad]));
    let row = &found.v2[0];
    for (name, text) in [
        ("srcaddr", "192.0.2.300"),
        ("dstaddr", "host"),
        ("srcport", "70000"),
        ("dstport", "-1"),
        ("protocol", "256"),
        ("packets", "18446744073709551616"),
        ("bytes", "1e3"),
        ("end", "never"),
    ] {
        assert_has(row, &[&format!("{name}\" -> \"{text}\"")]);
    }
    assert_has(row, &["traffic: null", "protocol_num: null", "end_time_dt: null", "observables: null"]);
    assert_has(member(row, "src_endpoint"), &["port: null", "ip: null", "svc_name: \"-\""]);
}

#[test]
fn a_field_that_is_named_twice_is_kept_twice() {
    let header = HEADER.replace("srcaddr", "srcaddr srcaddr");
    let line = LINE.replace("192.0.2.7", "nowhere 203.0.113.9");
    let found = ingest(KEY, &lines(&[&header, &line]));
    assert_has(&found.v2[0], &["srcaddr\" -> \"nowhere,203.0.113.9\"", "interface_id\" -> \"eni-0a\""]);
}

#[test]
fn what_cannot_be_a_row_goes_to_quarantine_alone() {
    let text = lines(&[
        HEADER,
        LINE,
        "2 111122223333 eni-0a",
        &format!("{LINE} more"),
        "- - - - - - - - - - - - - -",
        &LINE.replace("1773479100 1773479160", "7 8"),
        &"A".repeat(5 << 20),
        HEADER,
        &LINE.replace(' ', "\t"),
    ]);
    let found = ingest(KEY, &text);
    assert_eq!((found.v1.len(), found.v2.len(), found.report.records), (2, 2, 7));
    assert_eq!(
        found.report.quarantined.into_iter().collect::<Vec<_>>(),
        [("field_count", 3), ("implausible_time", 1), ("missing_time", 1)]
    );
}

#[test]
fn without_a_header() {
    let found = ingest(KEY, &lines(&[LINE, NODATA, "eni-0a 192.0.2.7 OK", &format!("{LINE} vpc-0a")]));
    assert_eq!(found.v2.len(), 3);
    assert_eq!(found.report.quarantined.into_iter().collect::<Vec<_>>(), [("unknown_format", 1)]);
    assert_has(&found.quarantine, &["deliver this flow log to Amazon S3", "eni-0a 192.0.2.7 OK"]);
    assert!(found.v2.iter().any(|row| row.contains("field_15\" -> \"vpc-0a\"")));
}

#[test]
fn without_a_time_the_object_s_name_has_it() {
    let found = ingest(KEY, &lines(&["srcaddr dstaddr", "192.0.2.7 198.51.100.4"]));
    assert_has(&found.v2[0], &["eventDay=20260314", "time: 1773479100000", "start_time_dt: null"]);
    let found = ingest("flows.log", &lines(&["srcaddr dstaddr", "192.0.2.7 198.51.100.4"]));
    assert_eq!(found.report.quarantined.into_iter().collect::<Vec<_>>(), [("missing_time", 1)]);
}

#[test]
fn through_cloudwatch_logs() {
    let event = |message: &str| format!(r#"{{"id":"0","timestamp":1773479100000,"message":"{message}"}}"#);
    let envelope = |kind: &str, events: &[String]| {
        format!(
            r#"{{"messageType":"{kind}","owner":"444455556666","logGroup":"flows","logStream":"eni-0a-all","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
            events.join(",")
        )
    };
    let of_service = NODATA.replace("111122223333", "unknown");
    let text = [
        envelope("CONTROL_MESSAGE", &[event("CWL CONTROL MESSAGE")]),
        envelope("DATA_MESSAGE", &[event(LINE), event("1 2 3"), event(&of_service), "{}".to_owned()]),
        envelope("DATA_MESSAGE", &[event("6 TransitGateway 111122223333 tgw-1")]),
        format!(
            r#"{{"logStreamName":"eni-0a-all","timestamp":1773479100000,"message":"{LINE}","eventId":"1"}}"#
        ),
    ]
    .concat();
    let found = ingest("flows/2026/03/14/09/to-lake.gz", text.as_bytes());
    assert_eq!((found.report.records, found.v1.len(), found.v2.len()), (7, 3, 3));
    let places: Vec<&str> = found.v2.iter().map(|row| row.split('/').nth(4).unwrap()).collect();
    assert_eq!(places, ["accountId=111122223333", "accountId=111122223333", "accountId=444455556666"]);
    assert!(found.v2.iter().all(|row| row.contains("region=us-east-1")));
    assert_eq!(
        found.report.skipped.into_iter().collect::<Vec<_>>(),
        [("control_message", 1), ("transit_gateway", 1)]
    );
    assert_eq!(
        found.report.quarantined.into_iter().collect::<Vec<_>>(),
        [("missing_message", 1), ("unknown_format", 1)]
    );
    assert_has(&found.quarantine, &[r#"\"message\":\"1 2 3\""#]);
}

#[test]
fn as_json() {
    let record = r#"{"version":5,"account_id":"111122223333","srcaddr":"192.0.2.7","dstaddr":"198.51.100.4","srcport":49152,"bytes":9223372036854775807,"start":1773479100,"traffic_path":null,"log_status":"OK"}"#;
    let text = [
        r#"{"tgw_id":"tgw-1","start":1773479100}"#,
        record,
        &format!(r#"{{"message":"{LINE}"}}"#),
        r#"{"message":"version srcaddr"}"#,
        &format!(r#"{{"message":"{LINE}\n{LINE}"}}"#),
        r#"{"other":1}"#,
        "7",
    ]
    .join("\n");
    let found = ingest(KEY, text.as_bytes());
    assert_eq!(found.v2.len(), 2);
    assert_has(&found.v2[1], &["bytes: 9223372036854775807", "boundary_id: 99, boundary: \"-\""]);
    assert_eq!(found.report.skipped.into_iter().collect::<Vec<_>>(), [("transit_gateway", 1)]);
    let reasons: Vec<_> = found.report.quarantined.into_keys().collect();
    assert_eq!(reasons, ["not_a_flow_log", "several_lines", "unknown_format", "unreadable"]);
    assert_eq!(ingest(KEY, format!("[{record},7,{record}]").as_bytes()).v2.len(), 2);
}

#[test]
fn transit_gateway_logs_are_skipped() {
    let text =
        lines(&["version resource-type tgw-id srcaddr start", "6 TransitGateway tgw-1 192.0.2.7 1773479100"]);
    let found = ingest(KEY, &text);
    assert_eq!(
        (found.v2.len(), found.report.records, found.report.skipped.get("transit_gateway")),
        (0, 1, Some(&1))
    );
    let found = ingest(&KEY.replace("_0a1b2c3d", "_transitgateway"), &text);
    assert_eq!(found.report.objects_skipped.get("transit_gateway"), Some(&1));
}

/// How many records became rows, were skipped and went to quarantine; nothing else became of any.
fn fates(found: &Ingested) -> (usize, u64, u64) {
    let skipped = found.report.skipped.values().sum();
    let quarantined = found.report.quarantined.values().sum();
    assert_eq!(found.report.records, found.v2.len() as u64 + skipped + quarantined);
    (found.v2.len(), skipped, quarantined)
}

#[test]
fn every_record_counts_whatever_its_values_look_like() {
    let header = "ecs-cluster-name srcaddr dstaddr start end bytes";
    let record = |cluster: &str| format!("{cluster} 192.0.2.7 198.51.100.4 1773479100 1773479160 840");
    for cluster in ["tgw-edge", "region", "packets-lost", "account_id", "ecs-cluster-name"] {
        let found = ingest(KEY, &lines(&[header, &record("prod"), &record(cluster), &record("prod")]));
        assert_eq!(fates(&found), (3, 0, 0), "{cluster}");
        assert!(found.v2.iter().any(|row| row.contains(&format!("ecs_cluster_name\" -> \"{cluster}\""))));
    }
    let carriage_returns = format!("{HEADER}\r{LINE}\r{LINE}\r");
    assert_eq!(fates(&ingest(KEY, carriage_returns.as_bytes())), (0, 0, 1));
    let one_line = format!("{HEADER} {LINE}\n{LINE}\n");
    assert_eq!(fates(&ingest(KEY, one_line.as_bytes())), (1, 0, 1));
    let messages = r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"flows","logStream":"eni-1-all","logEvents":[{"id":"1","timestamp":1773479100000,"message":"start 2 111122223333 eni-1"},{"id":"2","timestamp":1773479100000,"message":"tgw-0a 6 TransitGateway 111122223333"},{"id":"3","timestamp":1773479100000,"message":"version srcaddr"}]}"#;
    assert_eq!(fates(&ingest("flows/to-lake.gz", messages.as_bytes())), (0, 1, 2));
    let transit_gateway = lines(&[
        "tgw-id version resource-type account-id",
        "tgw-0a 6 TransitGateway 111122223333",
        "tgw-0a 6 TransitGateway 111122223333",
    ]);
    assert_eq!(fates(&ingest(KEY, &transit_gateway)), (0, 2, 0));
}

#[test]
fn files_that_were_put_together_keep_their_headers() {
    let found = ingest(
        KEY,
        &lines(&[
            HEADER,
            LINE,
            "start dstaddr srcaddr new-field",
            "1773479100 192.0.2.7 198.51.100.4 x",
            "version tgw-id",
            "6 tgw-0a",
            HEADER,
            LINE,
        ]),
    );
    assert_eq!(fates(&found), (3, 1, 0));
    let is_from = |row: &&String| member(row, "src_endpoint").contains("ip: \"198.51.100.4\"");
    assert_eq!(found.v2.iter().filter(is_from).count(), 1);
}

fn file_of(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn a_row_of_a_parquet_file_is_one_record_whatever_it_holds() {
    let clusters = [
        "prod",
        "tgw-edge",
        "my service",
        "x\n2 192.0.2.66 198.51.100.4 1773479100 1773479160 666",
        " \t\\n\r",
        "ecs_cluster_name",
    ];
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; clusters.len()])) };
    let starts = Int64Array::from_iter_values((1_773_479_100..).take(clusters.len()));
    let file = file_of(vec![
        ("ecs_cluster_name", Arc::new(StringArray::from(clusters.to_vec()))),
        ("srcaddr", text("192.0.2.7")),
        ("dstaddr", text("198.51.100.4")),
        ("start", Arc::new(starts)),
    ]);
    let key = KEY.replace(".log.gz", ".log.parquet");
    let found = ingest(&key, &file);
    assert_eq!(fates(&found), (6, 0, 0));
    for cluster in clusters {
        let kept = format!("ecs_cluster_name\" -> {cluster:?}");
        let raw = format!("ecs_cluster_name\" -> \"{cluster}\"");
        assert!(
            found.v2.iter().any(|row| row.contains(&kept) || row.contains(&raw)),
            "{kept} {:?}",
            found.v2
        );
    }
    let found = ingest(&key, &[file.as_slice(), &file].concat());
    assert_has(&found.report.failures[0].reason, &["another Parquet file stands before it"]);
    let found = ingest(&key, &file_of(vec![("other", text("x")), ("more", text("y"))]));
    assert_eq!(fates(&found), (0, 0, 6));
}

#[test]
fn a_row_in_quarantine_is_read_again_under_its_columns() {
    let text = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let key = KEY.replace(".log.gz", ".log.parquet");
    let found = ingest(
        &key,
        &file_of(vec![
            ("ecs_cluster_name", text(["a b\nc", "region"])),
            ("start", text(["never", "0"])),
            ("srcaddr", text(["192.0.2.7", "version"])),
        ]),
    );
    assert_eq!(fates(&found), (0, 0, 2));
    let lake = tempfile::tempdir().unwrap();
    let catalog = FolderCatalog::new(lake.path(), "us-east-1");
    let settings = Settings::new(lake.path().to_str().unwrap());
    let tables = VpcFlow.tables().to_vec();
    let pipeline = Pipeline::new(Box::new(VpcFlow), tables, FolderStore, catalog, settings).unwrap();
    let mut retry = pipeline.retry("retry".to_owned()).unwrap();
    let entries: Vec<&str> = found.quarantine.lines().collect();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_has(entry, &[r##""header":"#columns\tecs_cluster_name\tstart\tsrcaddr""##]);
        let same: Entry<'_> = serde_json::from_str(entry).unwrap();
        assert!(matches!(
            block_on(retry.entry(&same)),
            Retried::Stays { reason, rows: false, .. } if reason == "implausible_time"
        ));
        // As after a mending by hand.
        let mended = entry.replace(r"\tnever\t", r"\t1773479100\t").replace(r"\t0\t", r"\t1773479160\t");
        let mended: Entry<'_> = serde_json::from_str(&mended).unwrap();
        assert_eq!(block_on(retry.entry(&mended)), Retried::Landed);
    }
}

fn parquet(rows: usize) -> Vec<u8> {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![Some(value); rows])) };
    let int = |value: i32| -> ArrayRef { Arc::new(Int32Array::from(vec![value; rows])) };
    let long = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value; rows])) };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("version", int(5)),
        ("account_id", text("111122223333")),
        ("interface_id", text("eni-0a")),
        ("srcaddr", text("192.0.2.7")),
        ("dstaddr", text("198.51.100.4")),
        ("srcport", int(49152)),
        ("bytes", Arc::new(Int64Array::from_iter_values(0..i64::try_from(rows).unwrap()))),
        ("start", long(1_773_479_100)),
        ("traffic_path", Arc::new(Int32Array::from(vec![None::<i32>; rows]))),
        ("flow_direction", text("ingress")),
        ("new_field", text("later")),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_files() {
    let key = KEY.replace(".log.gz", ".log.parquet");
    let found = ingest(&key, &parquet(3));
    assert_eq!((found.report.records, found.v1.len(), found.v2.len()), (3, 3, 3));
    for row in &found.v2 {
        assert_has(
            row,
            &["boundary_id: 99, boundary: \"-\"", "new_field\" -> \"later\"", "time: 1773479100000"],
        );
        assert_has(member(row, "dst_endpoint"), &["interface_uid: \"eni-0a\""]);
    }
    // A buffer that runs full in the middle of the file loses and repeats nothing.
    let found = ingest_with(&key, &parquet(20_000), |settings| settings.buffer_bytes = 1 << 20);
    assert_eq!((found.report.records, found.v1.len(), found.v2.len()), (20_000, 20_000, 20_000));
    let sum: usize = found
        .v2
        .iter()
        .map(|row| {
            row.split(", bytes: ").nth(1).unwrap().split('}').next().unwrap().parse::<usize>().unwrap()
        })
        .sum();
    assert_eq!(sum, 19_999 * 10_000);
    let cut = parquet(3);
    let found = ingest(&key, &cut[..cut.len() - 20]);
    assert_has(&found.report.failures[0].reason, &["damaged Parquet data"]);
}

/// A field with a value that a record may have for it, good or bad.
fn field() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        Just("srcaddr"),
        Just("dstaddr"),
        Just("pkt-srcaddr"),
        Just("pkt-dstaddr"),
        Just("srcport"),
        Just("dstport"),
        Just("protocol"),
        Just("packets"),
        Just("bytes"),
        Just("tcp-flags"),
        Just("interface-id"),
        Just("vpc-id"),
        Just("subnet-id"),
        Just("instance-id"),
        Just("type"),
        Just("az-id"),
        Just("pkt-src-aws-service"),
        Just("pkt-dst-aws-service"),
        Just("log-status"),
        Just("version"),
        Just("account-id"),
        Just("region"),
        Just("future-field"),
        Just("ecs-task-id"),
    ];
    let value = prop_oneof![
        "[a-z0-9]{1,12}",
        "[0-9]{1,21}",
        "(25[0-9]|[0-9]{1,2})(\\.[0-9]{1,3}){3}",
        "[0-9a-f]{1,4}(::?[0-9a-f]{1,4}){1,6}",
        Just("-".to_owned()),
    ];
    (name.prop_map(str::to_owned), value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_value_is_in_its_row(
        fields in prop::collection::vec(field(), 0..20),
        direction in prop_oneof![Just("ingress"), Just("egress"), Just("-"), Just("sideways")],
        at in any::<prop::sample::Index>(),
    ) {
        let mut fields = fields;
        fields.insert(at.index(fields.len() + 1), ("start".to_owned(), "1773479100".to_owned()));
        fields.push(("flow-direction".to_owned(), direction.to_owned()));
        let (names, values): (Vec<String>, Vec<String>) = fields.iter().cloned().unzip();
        let found = ingest(KEY, &lines(&[&format!("start {}", names.join(" ")), &format!("1773479100 {}", values.join(" "))]));
        prop_assert_eq!((found.v1.len(), found.v2.len()), (1, 1), "{}", found.quarantine);
        for row in [&found.v1[0], &found.v2[0]] {
            for (name, value) in fields.iter().filter(|(name, value)| value != "-" && name != "flow-direction") {
                // Numbers lose leading zeros.
                let number = match value.trim_start_matches('0') {
                    "" => "0",
                    number => number,
                };
                prop_assert!(row.contains(value.as_str()) || row.contains(&format!(": {number}")), "{} {} {}", name, value, row);
            }
        }
    }

    #[test]
    fn any_bytes_are_read(text in "\\PC{0,200}|[\\[{]?[a-z0-9:\"{},. \\n\\[\\]-]{0,200}") {
        let found = ingest(KEY, text.as_bytes());
        let quarantined: u64 = found.report.quarantined.values().sum();
        let skipped: u64 = found.report.skipped.values().sum();
        let is_whole = found.report.records == quarantined + skipped + found.v2.len() as u64;
        prop_assert!(is_whole || !found.report.failures.is_empty());
    }
}
