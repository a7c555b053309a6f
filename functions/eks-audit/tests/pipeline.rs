//! Raw objects of every form on the whole road to a lake on a folder.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod properties;

use std::collections::BTreeMap;

use common::{AUDIT, envelope, event, ingest};

const KEY: &str = "eks-audit/2026/03/14/09/to-lake-1-2026-03-14-09-05-00-0b5f7f5c";

#[test]
fn envelopes_with_other_streams_between_and_nothing() {
    let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1773479100000,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
    let text = |text: &str| vec![text.to_owned(), text.to_owned()];
    let object = [
        control.to_owned(),
        envelope(AUDIT, &[event("1", ""), event("2", "")]),
        envelope("authenticator-0123456789abcdef", &text("time=\"2026-03-14T09:05:00Z\" level=info")),
        envelope("kube-apiserver-0123456789abcdef", &text("I0314 09:05:00.000000 1 controller.go:1]")),
        envelope("kube-controller-manager-01", &text("{}")),
        envelope("cloud-controller-manager-01", &text("{}")),
        envelope("kube-scheduler-01", &text("")),
        envelope("my-app", &[event("3", ""), "{\"kind\":\"Event\"}".to_owned()]),
        envelope(AUDIT, &[]),
        envelope(AUDIT, &[event("4", "")]),
    ];
    for separator in ["", "\n", " \r\n "] {
        let ingested = ingest(KEY, &object.join(separator));
        assert_eq!(ingested.report.failures.len(), 0);
        assert_eq!(ingested.rows.len(), 4);
        for id in ["1", "2", "3", "4"] {
            let (path, row) = ingested.row(id);
            assert!(path.starts_with(
                "aws/EKS_AUDIT/2.0/region=eu-central-1/accountId=444455556666/eventDay=20260314/"
            ));
            assert!(row.contains("cloud: {account: {uid: \"444455556666\"}"), "{row}");
            assert!(row.contains("log_name: \"/aws/eks/shop/cluster\""), "{row}");
        }
        let expected = [
            ("api_log", 2),
            ("authenticator_log", 2),
            ("control_message", 1),
            ("controller_manager_log", 4),
            ("other_log_stream", 1),
            ("scheduler_log", 2),
        ];
        assert_eq!(ingested.reasons(), BTreeMap::from(expected));
    }
}

#[test]
fn messages_that_cannot_be_read_cost_only_themselves() {
    let cut = event("x", "");
    let deep = event("x", &format!(r#","annotations":{}"#, "[".repeat(600) + &"]".repeat(600)));
    let messages = [
        event("1", r#","userAgent":"a \"b\" \\ \u00e9 é 😀""#),
        cut[..cut.len() / 2].to_owned(),
        format!("{}[Truncated...]", &cut[..cut.len() - 1]),
        "not json".to_owned(),
        format!("{cut} {cut}"),
        deep,
        r#"{"kind":"Event","apiVersion":"v1","metadata":{}}"#.to_owned(),
        "[1]".to_owned(),
        " \n".to_owned(),
        event("2", ""),
    ];
    let ingested = ingest(KEY, &envelope(AUDIT, &messages));
    assert_eq!((ingested.rows.len(), ingested.report.records), (2, 10));
    assert!(ingested.row("1").1.contains("user_agent: \"a \"b\" \\ é é 😀\""), "{}", ingested.row("1").1);
    ingested.row("2");
    let expected = [
        ("empty_message", 1),
        ("not_an_audit_event", 1),
        ("too_deep", 1),
        ("truncated_message", 2),
        ("unreadable_message", 3),
    ];
    assert_eq!(ingested.reasons(), BTreeMap::from(expected));
    let entries: Vec<serde_json::Value> = {
        let text = decompressed(&ingested.quarantine);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(entries.len(), 7);
    // The log event as it came.
    assert!(
        entries.iter().all(|entry| entry["raw"].as_str().unwrap().starts_with(r#"{"id":"1","timestamp":"#))
    );
}

#[test]
fn log_events_without_a_message_or_with_an_object_as_such() {
    let object = envelope(AUDIT, &[]).replace(
        "\"logEvents\":[]",
        &format!(r#""logEvents":[{{"id":"1"}},7,{{"message":{}}},{{"message":null}}]"#, event("1", "")),
    );
    let ingested = ingest(KEY, &object);
    ingested.row("1");
    assert_eq!(ingested.reasons(), BTreeMap::from([("empty_message", 3)]));
}

#[test]
fn an_envelope_that_ends_early_leaves_nothing() {
    let whole = envelope(AUDIT, &[event("1", "")]);
    let second = envelope(AUDIT, &[event("2", ""), event("3", "")]);
    let ingested = ingest(KEY, &format!("{whole}\n{}", &second[..second.len() - 3]));
    ingested.row("1");
    assert_eq!(ingested.rows.len(), 1);
    assert_eq!(ingested.reasons(), BTreeMap::from([("unreadable", 1)]));
}

#[test]
fn log_events_exported_one_by_one() {
    let one = |id: &str, stream: &str| {
        let message = serde_json::json!(event(id, ""));
        format!(
            r#"{{"logStreamName":"{stream}","timestamp":1773479100000,"message":{message},"ingestionTime":1773479101000,"eventId":"7"}}"#
        )
    };
    let other = one("3", "kube-scheduler-0123456789abcdef");
    let ingested = ingest(KEY, &format!("{}\n{}\n{other}", one("1", AUDIT), one("2", "exported")));
    assert_eq!(ingested.rows.len(), 2);
    assert_eq!(ingested.reasons(), BTreeMap::from([("scheduler_log", 1)]));
}

#[test]
fn events_by_themselves_in_lists_and_in_arrays() {
    let bare = |id: &str| event(id, "").replace(r#""kind":"Event","apiVersion":"audit.k8s.io/v1","#, "");
    let list = format!(
        r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1beta1","metadata":{{}},"items":[{},{},7,{{"kind":"Pod","apiVersion":"v1"}},{{"kind":"EventList","items":[]}}]}}"#,
        bare("1"),
        event("2", "")
    );
    let reasons = BTreeMap::from([("not_an_audit_event", 2), ("not_an_object", 1)]);
    for object in [format!("{list}\n"), envelope(AUDIT, std::slice::from_ref(&list)), format!("[{list}]")] {
        let ingested = ingest(KEY, &object);
        assert_eq!(ingested.rows.len(), 2);
        assert!(ingested.row("1").1.contains("product: {version: \"audit.k8s.io/v1beta1\""));
        assert!(ingested.row("2").1.contains("product: {version: \"audit.k8s.io/v1\""));
        assert_eq!(ingested.reasons().get("not_an_audit_event"), reasons.get("not_an_audit_event"));
        assert_eq!(ingested.reasons().get("not_an_object"), reasons.get("not_an_object"));
    }
    let ingested = ingest(KEY, &format!("{}{}{}", event("1", ""), event("2", ""), bare("3")));
    assert_eq!((ingested.rows.len(), ingested.reasons().len()), (3, 0));
    let ingested = ingest(KEY, &format!("[\n{},\n{}\n]", event("1", ""), bare("3")));
    assert_eq!((ingested.rows.len(), ingested.reasons().len()), (2, 0));
}

#[test]
fn times() {
    let times = r#""requestReceivedTimestamp":"2026-03-14T09:05:00.000001Z","stageTimestamp":"2026-03-14T09:05:00.250999Z""#;
    let with = |id: &str, members: &str| event(id, "").replace(times, members);
    let without = event("6", "").replace(&format!(",{times}"), "");
    let object = [
        with("1", r#""requestReceivedTimestamp":"nonsense","stageTimestamp":"2026-03-14T09:05:00.25Z""#),
        with("2", r#""requestReceivedTimestamp":"2026-03-14T09:05:01Z","stageTimestamp":7"#),
        with("3", r#""timestamp":"2026-03-14T09:05:02Z""#),
        with("4", r#""stageTimestamp":"1970-01-01T00:00:00Z""#),
        with("5", r#""stageTimestamp":null,"requestReceivedTimestamp":[]"#),
        without.clone(),
        with(
            "7",
            r#""stageTimestamp":"2026-03-14T09:05:07Z","requestReceivedTimestamp":"2026-03-14T09:05:06Z","timestamp":"2026-03-14T09:05:05Z""#,
        ),
    ];
    let ingested = ingest(KEY, &object.join("\n"));
    for (id, expected) in [
        (
            "1",
            vec![
                "time: 1773479100250,",
                "start_time_dt: null",
                "\"requestReceivedTimestamp\" -> \"nonsense\"",
            ],
        ),
        (
            "2",
            vec![
                "time: 1773479101000,",
                "start_time_dt: 2026-03-14 09:05:01.000",
                "\"stageTimestamp\" -> \"7\"",
            ],
        ),
        ("3", vec!["time: 1773479102000,", "start_time_dt: 2026-03-14 09:05:02.000"]),
        (
            "7",
            vec![
                "time: 1773479107000,",
                "start_time_dt: 2026-03-14 09:05:06.000",
                "\"timestamp\" -> \"2026-03-14T09:05:05Z\"",
            ],
        ),
    ] {
        let (_, row) = ingested.row(id);
        for text in expected {
            assert!(row.contains(text), "{text} in {row}");
        }
    }
    assert_eq!(ingested.reasons(), BTreeMap::from([("bad_event_time", 2), ("missing_event_time", 1)]));
    // CloudWatch Logs knows when it was given the event.
    let ingested = ingest(KEY, &envelope(AUDIT, &[without]));
    assert!(ingested.row("6").1.contains("time: 1773479100000,"));
}

#[test]
fn accounts_and_regions() {
    let arn =
        r#","user":{"username":"sam","extra":{"arn":["arn:aws:sts::111122223333:assumed-role/ops/sam"]}}"#;
    let event = event("1", "").replace(r#","user":{"username":"alex"}"#, arn);
    let place = |key: &str, object: &str| ingest(key, object).row("1").0.clone();
    let at = |region: &str, account: &str| format!("aws/EKS_AUDIT/2.0/region={region}/accountId={account}/");
    let full = "AWSLogs/777788889999/eks/us-west-2/2026/03/14/x.gz";
    assert!(place(KEY, &event).starts_with(&at("eu-central-1", "111122223333")));
    assert!(place(full, &event).starts_with(&at("us-west-2", "777788889999")));
    let wrapped = envelope(AUDIT, std::slice::from_ref(&event));
    assert!(place(full, &wrapped).starts_with(&at("us-west-2", "444455556666")));
    let foreign = wrapped.replace("444455556666", "no-account");
    assert!(place(KEY, &foreign).starts_with(&at("eu-central-1", "111122223333")));
    let nobody = ingest(KEY, &common::event("1", ""));
    let (path, row) = nobody.row("1");
    assert!(path.starts_with(&at("eu-central-1", "unknown")));
    assert!(row.contains("cloud: {account: null, provider: \"AWS\"}"), "{row}");
    // The ARN itself is kept.
    let (_, row) = &ingest(KEY, &event).rows[0];
    assert!(row.contains("\"user.extra.arn[]\" -> \"arn:aws:sts::111122223333:assumed-role/ops/sam\""));
}

#[test]
fn endpoints_users_and_resources() {
    let event = |id: &str, from: &str, to: &str| event(id, "").replace(from, to);
    let (addresses, user) = (r#""sourceIPs":["192.0.2.7"],"#, r#""user":{"username":"alex"}"#);
    let reference = r#""objectRef":{"resource":"pods","namespace":"shop","apiVersion":"v1"},"#;
    let cases = [
        (
            "1",
            addresses,
            r#""sourceIPs":["2001:db8::7","198.51.100.1","proxy",null],"#,
            vec![
                "ip: \"2001:db8::7\", intermediate_ips: [\"198.51.100.1\"], name: null",
                "\"sourceIPs[]\" -> \"2001:db8::7,198.51.100.1,proxy\"",
            ],
        ),
        ("2", addresses, "", vec!["src_endpoint: {ip: null, intermediate_ips: null, name: \"Unknown\"}"]),
        ("3", addresses, r#""sourceIPs":[],"#, vec!["name: \"Unknown\"}"]),
        (
            "4",
            addresses,
            r#""sourceIPs":["192.0.2.07"],"#,
            vec!["ip: null, intermediate_ips: null, name: \"192.0.2.07\""],
        ),
        (
            "5",
            addresses,
            r#""sourceIPs":"192.0.2.7","#,
            vec!["name: \"Unknown\"}", "\"sourceIPs\" -> \"192.0.2.7\""],
        ),
        ("6", user, r#""user":{}"#, vec!["user: {name: \"Unknown\""]),
        (
            "7",
            user,
            r#""user":{"uid":"u","groups":["a",["b"],7]}"#,
            vec![
                "user: {name: null, uid: \"u\", groups: [{name: \"a\"}, {name: \"7\"}], type_id: 0}",
                "\"user.groups[][]\" -> \"b\"",
            ],
        ),
        ("8", user, r#""user":"odd""#, vec!["user: {name: \"Unknown\"", "\"user\" -> \"odd\""]),
        (
            "9",
            user,
            r#""user":{"username":"sam","extra":{"accessKeyId":["AKIAEXAMPLE","second"],"sessionName":"s","x/y":["z"]}},"impersonatedUser":{"username":"root"}"#,
            vec![
                "session: {credential_uid: \"AKIAEXAMPLE\", issuer: null, uid: \"s\"}",
                "\"user.extra.accessKeyId[]\" -> \"second\"",
                "\"user.extra.x/y[]\" -> \"z\"",
                "\"impersonatedUser.username\" -> \"root\"",
            ],
        ),
        ("10", reference, "", vec!["resources: null", "group: null"]),
        (
            "11",
            reference,
            reference,
            vec!["resources: [{namespace: \"shop\", name: \"\", uid: null, version: null, type: \"pods\"}]"],
        ),
        (
            "12",
            reference,
            r#""objectRef":{"resource":"pods","subresource":"exec","name":"web","uid":"9","resourceVersion":"7","apiGroup":"apps","later":1},"#,
            vec![
                "resources: [{namespace: null, name: \"web\", uid: \"9\", version: \"7\", type: \"pods/exec\"}]",
                "group: {name: \"apps\"}",
                "\"objectRef.later\" -> \"1\"",
                "name: \"resources[].uid\", value: \"9\", type: \"Resource UID\", type_id: 10",
            ],
        ),
        (
            "13",
            reference,
            r#""objectRef":{"resource":"pods"},"responseObject":{"kind":"Status","metadata":{}},"requestObject":{"metadata":{"name":"web-x7k2p"}},"#,
            vec![
                "name: \"web-x7k2p\", uid: null, version: null, type: \"pods\"",
                "\"requestObject.metadata.name\" -> \"web-x7k2p\"",
            ],
        ),
        (
            "14",
            "\"code\":200",
            r#""code":"403","status":"Failure","reason":"Forbidden","message":"m","details":{"kind":"pods"}"#,
            vec![
                "response: {code: 403, message: \"m\", error: \"Forbidden\", error_message: \"Failure\"",
                "\"responseStatus.details.kind\" -> \"pods\"",
            ],
        ),
        (
            "15",
            "\"code\":200",
            "\"code\":4294967296",
            vec!["\"responseStatus.code\" -> \"4294967296\"", "response: null"],
        ),
        (
            "16",
            "\"verb\":\"list\"",
            "\"verb\":\"impersonate\"",
            vec![
                "activity_name: \"impersonate\", activity_id: 99, type_name: \"API Activity: Other\", type_uid: 600399",
            ],
        ),
        (
            "17",
            "\"verb\":\"list\",",
            "",
            vec![
                "operation: \"\"",
                "activity_name: \"Unknown\", activity_id: 0, type_name: \"API Activity: Unknown\", type_uid: 600300",
            ],
        ),
        (
            "18",
            "\"verb\":\"list\"",
            "\"verb\":{\"a\":1},\"stage\":\"Panic\"",
            vec!["\"verb.a\" -> \"1\"", "\"stage\" -> \"Panic\""],
        ),
    ];
    let object: Vec<String> = cases.iter().map(|(id, from, to, _)| event(id, from, to)).collect();
    let ingested = ingest(KEY, &object.join("\n"));
    assert_eq!((ingested.rows.len(), ingested.reasons().len()), (cases.len(), 0));
    for (id, _, _, expected) in cases {
        for text in expected {
            let (_, row) = ingested.row(id);
            assert!(row.contains(text), "event {id}: {text} in {row}");
        }
    }
}

#[test]
fn containers() {
    let object = r#","requestObject":{"kind":"Pod","spec":{"nodeName":"n","containers":[{"name":"a","image":"registry.example.com/a:1","volumeMounts":[{"name":"v","mountPath":"/v"},{"name":"w","mountPath":"/w","readOnly":true}],"args":["x","y"]},{"name":"b"},{"image":"c"},7,{"name":"d","image":{"odd":1},"volumeMounts":"none"}]}},"responseObject":{"spec":{"containers":{"name":"no list"}}}"#;
    let template = r#","requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"i"}]}}}},"responseObject":[{"spec":{"containers":[]}},3]"#;
    let ingested = ingest(KEY, &format!("{}\n{}", event("1", object), event("2", template)));
    let (_, row) = ingested.row("1");
    for text in [
        r#"containers: [{name: "a", image: {name: "registry.example.com/a:1", path: "/v,/w", uid: "registry.example.com/a:1"}}, {name: "b", image: null}, {name: "d", image: null}]"#,
        r#""requestObject.spec.containers[].volumeMounts[].name" -> "v,w""#,
        r#""requestObject.spec.containers[].volumeMounts[].mountPath" -> "/v,/w""#,
        r#""requestObject.spec.containers[].volumeMounts[].readOnly" -> "true""#,
        r#""requestObject.spec.containers[].args[]" -> "x,y""#,
        r#""requestObject.spec.containers[].image" -> "c""#,
        r#""requestObject.spec.containers[]" -> "7""#,
        r#""requestObject.spec.containers[].image.odd" -> "1""#,
        r#""requestObject.spec.containers[].volumeMounts" -> "none""#,
        r#""requestObject.spec.nodeName" -> "n""#,
        r#""responseObject.spec.containers.name" -> "no list""#,
    ] {
        assert!(row.contains(text), "{text} in {row}");
    }
    let (_, row) = ingested.row("2");
    for text in [
        r#""requestObject.spec.template.spec.containers[].image" -> "i""#,
        r#""responseObject[]" -> "3""#,
        "request: {uid: \"2\", containers: null}",
    ] {
        assert!(row.contains(text), "{text} in {row}");
    }
}

fn decompressed(gzip: &[u8]) -> String {
    use shared::decode::Decoder;
    let (mut decoder, mut out, mut input) = (Decoder::new(u64::MAX), Vec::new(), gzip);
    while decoder.decode(&mut input, &mut out).unwrap() || !input.is_empty() {}
    decoder.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}
