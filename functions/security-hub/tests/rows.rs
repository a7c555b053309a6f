//! What the rows of a finding say, in each version and class.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{guardduty, rows};
use serde_json::json;

#[test]
fn a_control_is_a_compliance_finding() {
    let (first, second) = rows(&json!({
        "Confidence": 90, "Criticality": 70, "SourceUrl": "https://example.com/f",
        "FirstObservedAt": "2026-03-01T08:00:00+0000", "LastObservedAt": "soon",
        "Note": {"Text": "seen", "UpdatedBy": "alex"},
        "Workflow": {"Status": "NOTIFIED"},
        "Remediation": {"Recommendation": {"Text": "block it", "Url": "https://example.com/s3.8"}},
        "RelatedFindings": [{"ProductArn": "p", "Id": "other"}, {"ProductArn": "lost"}],
        "Resources": [
            {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::one", "Tags": {"a": "1", "b=": "ü\n"}, "Details": {"AwsS3Bucket": {"Empty": {}}}, "ResourceRole": "Target"},
            {"Type": "AwsAccount", "Id": "AWS::::Account:111122223333"},
        ],
        "Compliance": {
            "Status": "FAILED", "SecurityControlId": "S3.8", "RelatedRequirements": ["R 1", "R 2"],
            "StatusReasons": [{"Description": "why", "ReasonCode": "CODE"}, {"ReasonCode": "MORE"}],
            "AssociatedStandards": [{"StandardsId": "standards/one"}, {"StandardsId": "standards/two"}],
        },
    }));
    assert_eq!((&first["class_uid"], &second["class_uid"]), (&json!(2001), &json!(2003)));
    assert_eq!(second["type_name"], "Compliance Finding: Update");
    assert_eq!(
        (&second["time"], &second["time_dt"]),
        (&json!(1_773_479_100_250_i64), &json!(1_773_479_100_250_i64))
    );
    assert_eq!(
        second["compliance"],
        json!({
            "standards": ["standards/one", "standards/two"], "requirements": ["R 1", "R 2"], "control": "S3.8",
            "status": "FAILED", "status_id": 99, "status_detail": "why", "status_code": "CODE",
        })
    );
    assert_eq!(
        second["remediation"],
        json!({"desc": "block it", "references": ["https://example.com/s3.8"]})
    );
    let details = r#"{"AwsS3Bucket":{"Empty":{}}}"#;
    assert_eq!(
        second["resource"],
        json!({
            "type": "AwsS3Bucket", "uid": "arn:aws:s3:::one", "labels": ["a=1", "b==ü\n"], "data": details,
            "criticality": "70",
        })
    );
    assert_eq!(
        second["observables"],
        json!([{"name": "resource.uid", "value": "arn:aws:s3:::one", "type": "Resource UID", "type_id": 10}])
    );
    assert_eq!((&second["status"], &second["status_id"]), (&json!("In Progress"), &json!(2)));
    assert_eq!((&second["message"], &second["confidence_score"]), (&json!("seen"), &json!(90)));
    assert_eq!(second["finding_info"]["related_events"], json!([{"product_uid": "p", "uid": "other"}]));
    assert_eq!(second["finding_info"]["first_seen_time_dt"], second["finding_info"]["created_time_dt"]);
    let left = json!({
        "Compliance.StatusReasons[].ReasonCode": "MORE", "LastObservedAt": "soon", "Note.UpdatedBy": "alex",
        "RecordState": "ACTIVE", "RelatedFindings[].ProductArn": "lost", "Resources[].Id": "AWS::::Account:111122223333",
        "Resources[].ResourceRole": "Target", "Resources[].Type": "AwsAccount", "Severity.Normalized": "70",
        "Workflow.Status": "NOTIFIED", "WorkflowState": "NEW",
    });
    assert_eq!(second["unmapped"], left);

    assert_eq!(
        first["compliance"],
        json!({"status": "FAILED", "requirements": ["R 1", "R 2"], "status_detail": "why"})
    );
    assert_eq!(
        first["resources"],
        json!([
            {"type": "AwsS3Bucket", "uid": "arn:aws:s3:::one", "labels": ["a=1", "b==ü\n"], "details": details, "criticality": "70"},
            {"type": "AwsAccount", "uid": "AWS::::Account:111122223333", "criticality": "70"},
        ])
    );
    assert_eq!(
        (&first["state"], &first["state_id"], &first["severity_id"]),
        (&json!("In Progress"), &json!(2), &json!(4))
    );
    assert_eq!(first["unmapped"]["Compliance.StatusReasons[].ReasonCode"], "CODE,MORE");
    assert_eq!(
        first["unmapped"]["Compliance.AssociatedStandards[].StandardsId"],
        "standards/one,standards/two"
    );
}

#[test]
fn a_package_is_a_vulnerability_finding() {
    let score = |score: f64, version: &str| json!({"BaseScore": score, "BaseVector": "v", "Version": version, "Source": "NVD"});
    let (first, second) = rows(&json!({
        "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/inspector", "ProductName": null, "CompanyName": null,
        "Compliance": null,
        "ProductFields": {"aws/inspector/ProductVersion": "2", "aws/inspector/inspectorScore": "9.8"},
        "Remediation": {"Recommendation": {"Url": "https://example.com/fix"}},
        "Vulnerabilities": [
            {
                "Id": "CVE-2026-0001", "EpssScore": 0.00066, "FixAvailable": "PARTIAL", "ExploitAvailable": "NO",
                "Cvss": [score(9.8, "3.1"), score(7.55, "2.0"), {"BaseScore": 5}],
                "ReferenceUrls": ["https://example.com/1", "https://example.com/2"],
                "Vendor": {"Name": "NVD", "Url": "https://example.com/nvd", "VendorCreatedAt": "2026-01-02T03:04:05Z", "VendorSeverity": "HIGH"},
                "VulnerablePackages": [
                    {"Name": "openssl", "Version": "3.0.8", "Epoch": "1", "FixedInVersion": "3.0.9", "Remediation": "upgrade"},
                    {"Name": "nameless version"},
                ],
            },
            {
                "Id": "python/path@v1.0",
                "CodeVulnerabilities": [
                    {"Cwes": ["CWE-22", "CWE-23"], "FilePath": {"FilePath": "src/app.py", "StartLine": 3, "EndLine": 5}, "SourceArn": "arn"},
                    {"Cwes": ["CWE-24"], "FilePath": {"StartLine": 9}},
                ],
            },
            {"FixAvailable": "YES"},
        ],
    }));
    assert_eq!((&second["class_uid"], &second["type_uid"]), (&json!(2002), &json!(200_202)));
    assert_eq!(
        second["metadata"]["product"],
        json!({
            "uid": "arn:aws:securityhub:eu-west-1::product/aws/inspector", "name": "Inspector",
            "vendor_name": "Amazon", "version": "2", "feature": {"uid": "security-control/S3.8"},
        })
    );
    let remediation = json!({"desc": "https://example.com/fix", "references": ["https://example.com/fix"]});
    assert_eq!(
        second["vulnerabilities"],
        json!([
            {
                "remediation": remediation,
                "cve": {
                    "uid": "CVE-2026-0001", "epss": {"score": "0.00066"}, "references": ["https://example.com/nvd"],
                    "created_time_dt": 1_767_323_045_000_i64,
                    "cvss": [
                        {"base_score": "9.8", "vector_string": "v", "version": "3.1"},
                        {"base_score": "7.6", "vector_string": "v", "version": "2.0"},
                    ],
                },
                "references": ["https://example.com/1", "https://example.com/2"], "vendor_name": "NVD",
                "affected_packages": [{
                    "name": "openssl", "version": "3.0.8", "epoch": 1, "fixed_in_version": "3.0.9",
                    "remediation": {"desc": "upgrade"},
                }],
                "is_fix_available": true, "is_exploit_available": false,
            },
            {
                "remediation": remediation, "cve": {"uid": "python/path@v1.0"}, "cwe": {"uid": "CWE-22"},
                "affected_code": [{
                    "file": {"name": "app.py", "path": "src/app.py", "uid": "arn", "type_id": 0},
                    "start_line": 3, "end_line": 5,
                }],
            },
        ])
    );
    let unmapped = &second["unmapped"];
    for (path, value) in [
        ("Vulnerabilities[].Cvss[].BaseScore", "7.55,5"),
        ("Vulnerabilities[].Cvss[].Source", "NVD,NVD"),
        ("Vulnerabilities[].FixAvailable", "PARTIAL,YES"),
        ("Vulnerabilities[].Vendor.VendorSeverity", "HIGH"),
        ("Vulnerabilities[].VulnerablePackages[].Name", "nameless version"),
        ("Vulnerabilities[].CodeVulnerabilities[].Cwes[]", "CWE-23,CWE-24"),
        ("Vulnerabilities[].CodeVulnerabilities[].FilePath.StartLine", "9"),
        ("ProductFields.aws/inspector/inspectorScore", "9.8"),
    ] {
        assert_eq!(unmapped[path], value, "{path}");
    }
    assert!(second.get("remediation").is_none() && second.get("compliance").is_none());

    let vulnerabilities = first["vulnerabilities"].as_array().unwrap();
    assert_eq!(vulnerabilities.len(), 2);
    assert_eq!(
        vulnerabilities[0]["cve"]["cvss"],
        json!({"base_score": "9.8", "vector_string": "v", "version": "3.1"})
    );
    assert_eq!(vulnerabilities[0]["references"].as_array().unwrap().len(), 2);
    assert_eq!(vulnerabilities[0]["kb_articles"], json!(["https://example.com/nvd"]));
    assert_eq!(vulnerabilities[0]["packages"], json!([{"name": "openssl", "version": "3.0.8", "epoch": 1}]));
    assert_eq!(first["unmapped"]["Vulnerabilities[].Cvss[].BaseScore"], "9.8,7.55,5");
    assert_eq!(first["finding"]["remediation"], json!({"kb_articles": ["https://example.com/fix"]}));
}

#[test]
fn a_threat_is_a_detection_finding() {
    let (_, second) = rows(&guardduty(&json!({
        "action/actionType": "NETWORK_CONNECTION",
        "action/networkConnectionAction/connectionDirection": "OUTBOUND",
        "action/networkConnectionAction/protocol": "TCP",
        "action/networkConnectionAction/localIpDetails/ipAddressV4": "192.0.2.7",
        "action/networkConnectionAction/localPortDetails/port": "40001",
        "action/networkConnectionAction/remoteIpDetails/ipAddressV4": "",
        "action/networkConnectionAction/remoteIpDetails/ipAddressV6": "2001:db8::1",
        "action/networkConnectionAction/remotePortDetails/port": "70000",
        "action/networkConnectionAction/remoteIpDetails/city/cityName": "",
        "action/networkConnectionAction/remoteIpDetails/country/countryName": "Exampleland",
        "action/networkConnectionAction/remoteIpDetails/geoLocation/lat": "37.751",
        "action/networkConnectionAction/remoteIpDetails/geoLocation/lon": "-100.822",
        "additionalInfo/value": "{\"a\":1}",
        "featureName": "FlowLogs",
    })));
    assert_eq!((&second["class_uid"], &second["activity_name"]), (&json!(2004), &json!("Create")));
    assert_eq!(second["metadata"]["product"]["feature"]["name"], "FlowLogs");
    assert_eq!(second["metadata"]["profiles"], json!(["cloud", "datetime", "linux/linux_users"]));
    assert_eq!(second["metadata"]["extensions"], json!([{"name": "linux", "uid": "1", "version": "1.1.0"}]));
    assert_eq!(
        second["evidences"],
        json!([{
            "data": "{\"a\":1}",
            "connection_info": {"protocol_name": "TCP", "direction_id": 2, "direction": "Outbound"},
            "src_endpoint": {"ip": "192.0.2.7", "port": 40001},
            "dst_endpoint": {
                "ip": "2001:db8::1",
                "location": {"city": "", "country": "Exampleland", "coordinates": ["-100.822000", "37.751000"]},
            },
        }])
    );
    assert_eq!(second["resources"][0]["owner"], json!({"account": {"uid": "444455556666"}}));
    let observed: Vec<&str> =
        second["observables"].as_array().unwrap().iter().map(|seen| seen["name"].as_str().unwrap()).collect();
    assert_eq!(observed, ["resources[].uid", "evidences[].dst_endpoint.ip", "evidences[].src_endpoint.ip"]);
    let network = "ProductFields.aws/guardduty/service/action/networkConnectionAction";
    assert_eq!(second["unmapped"][format!("{network}/remotePortDetails/port")], "70000");
    assert_eq!(second["unmapped"][format!("{network}/remoteIpDetails/ipAddressV4")], "");

    let (_, second) = rows(&guardduty(&json!({
        "action/dnsRequestAction/domain": "example.com",
        "action/dnsRequestAction/protocol": "UDP",
        "additionalInfo/value": "",
        "runtimeDetails/process/name": "sh", "runtimeDetails/process/pid": "7", "runtimeDetails/process/euid": "0",
        "runtimeDetails/process/executablePath": "/bin/sh", "runtimeDetails/process/executableSha256": "ab".repeat(32),
        "runtimeDetails/process/startTime": "2026-03-01T07:59:00Z", "runtimeDetails/process/user": "root",
        "runtimeDetails/process/parentUuid": "u0",
        "runtimeDetails/context/targetProcess/uuid": "u1",
        "runtimeDetails/context/targetProcess/executableSha256": "cd",
        "action/awsApiCallAction/errorCode": "AccessDenied",
    })));
    let hash = json!({"value": "ab".repeat(32), "algorithm_id": 3, "algorithm": "SHA-256"});
    assert_eq!(
        second["evidences"],
        json!([{
            "connection_info": {"protocol_name": "UDP", "direction_id": 0, "direction": "Unknown"},
            "query": {"hostname": "example.com"},
            "actor": {"process": {
                "name": "sh", "pid": 7, "euid": 0, "created_time_dt": 1_772_351_940_000_i64, "user": {"name": "root"},
                "parent_process": {"uid": "u0"},
                "file": {"path": "/bin/sh", "name": "sh", "type_id": 0, "hashes": [hash]},
            }},
            "process": {"uid": "u1"},
        }])
    );
    let service = "ProductFields.aws/guardduty/service";
    assert_eq!(second["unmapped"][format!("{service}/additionalInfo/value")], "");
    assert_eq!(second["unmapped"][format!("{service}/action/awsApiCallAction/errorCode")], "AccessDenied");
    assert_eq!(
        second["unmapped"][format!("{service}/runtimeDetails/context/targetProcess/executableSha256")],
        "cd"
    );
    let kinds: Vec<i64> = second["observables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seen| seen["type_id"].as_i64().unwrap())
        .collect();
    assert_eq!(kinds, [10, 1, 9, 4, 8]);

    let (_, nothing) = rows(&guardduty(&json!({"additionalInfo/value": "no JSON", "archived": "false"})));
    assert!(nothing.get("evidences").is_none());
    let (_, call) = rows(&guardduty(&json!({
        "action/kubernetesApiCallAction/verb": "list", "action/kubernetesApiCallAction/statusCode": "200",
        "action/kubernetesApiCallAction/remoteIpDetails/ipAddressV4": "203.0.113.9",
    })));
    assert_eq!(
        call["evidences"],
        json!([{"api": {"operation": "list", "response": {"code": 200}}, "src_endpoint": {"ip": "203.0.113.9"}}])
    );
}

#[test]
fn malware_and_process_of_version_1() {
    let (first, second) = rows(&json!({
        "Malware": [
            {"Name": "one", "Type": "ADWARE", "Path": "/tmp/one", "State": "OBSERVED"},
            {"Name": "two", "Type": "COIN_MINER"}, {"Name": "three", "Type": "MACRO"}, {"Name": "four"}, {"Path": "lost"},
        ],
        "Process": {"Name": "sh", "Path": "/bin/sh", "Pid": 7, "ParentPid": 1, "LaunchedAt": "2026-03-01T07:59:00Z"},
        "RecordState": "ARCHIVED",
    }));
    assert_eq!(
        first["malware"],
        json!([
            {"name": "one", "path": "/tmp/one", "classification_ids": [1], "classifications": ["Adware"]},
            {"name": "two", "classification_ids": [13], "classifications": ["Resource-Exploitation"]},
            {"name": "three", "classification_ids": [99], "classifications": ["MACRO"]},
            {"name": "four", "classification_ids": [0], "classifications": ["Unknown"]},
        ])
    );
    assert_eq!(
        first["process"],
        json!({
            "name": "sh", "pid": 7, "parent_process": {"pid": 1}, "created_time": 1_772_351_940_000_i64,
            "file": {"path": "/bin/sh", "name": "sh", "type_id": 0},
        })
    );
    assert_eq!((&first["state"], &first["state_id"]), (&json!("Suppressed"), &json!(3)));
    for (path, value) in [
        ("Workflow.Status", "NEW"),
        ("Malware[].Type", "COIN_MINER"),
        ("Malware[].Path", "lost"),
        ("Malware[].State", "OBSERVED"),
    ] {
        assert_eq!(first["unmapped"][path], value, "{path}");
    }
    assert_eq!(second["unmapped"]["Process.Pid"], "7");
    assert_eq!(second["unmapped"]["Malware[].Name"], "one,two,three,four");
    let (without, _) = rows(&json!({"Process": {"Name": "sh"}}));
    assert!(without.get("process").is_none());
    assert_eq!(without["unmapped"]["Process.Name"], "sh");
}
