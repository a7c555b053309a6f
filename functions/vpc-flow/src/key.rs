//! What a flow log object's key says.
//!
//! `[prefix/]AWSLogs/[o-organisation/]<account>/vpcflowlogs/<region>/<yyyy>/<mm>/<dd>/[<hh>/]<file>`, or the same
//! with Hive's names, `aws-account-id=<account>/aws-service=vpcflowlogs/aws-region=<region>/year=<yyyy>/…`. The file
//! is `<account>_vpcflowlogs_<region>_<flow log>_<YYYYMMDDThhmmZ>_<hash>.log.gz` or `.log.parquet` (VPC user guide,
//! "Flow log files"). The file name alone is enough: files are often copied out of their folders.
//!
//! A delivery stream writes `<prefix>/<yyyy>/<mm>/<dd>/<hh>/<stream>-<version>-<yyyy>-<mm>-<dd>-<hh>-<mm>-<ss>-<uuid>`
//! (Data Firehose developer guide, "Configure Amazon S3 object name format"); only a prefix or stream that is named
//! after flow logs tells whose it is.
//!
//! Flow logs of transit gateways have the same keys, unless the name says so, so their records are told apart.

use shared::source::{KeyClass, KeyFacts};
use shared::time;

/// The source's folder, and the second part of its files' names.
const SERVICE: &str = "vpcflowlogs";

/// Names that people give to folders and delivery streams of flow logs, in any case and with `-` for `_`.
const NAMES: &[&str] = &[SERVICE, "vpc-flow-logs", "vpc-flow-log", "vpc-flow", "vpcflow", "vpcflowlog"];

/// Folders of other sources and of AWS's other logs, which are also the second part of their files' names.
const OTHERS: &[&str] = &[
    "CloudTrail",
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "CloudTrail-NetworkActivity",
    "Config",
    "GuardDuty",
    "WAFLogs",
    "waflogs",
    "elasticloadbalancing",
    "vpcdnsquerylogs",
];

/// Folders that a delivery stream writes what it failed to deliver to.
const FAILED: &[&str] = &["processing-failed", "format-conversion-failed", "partitioning-failed"];

/// Decides by the key alone.
pub fn classify(key: &str) -> KeyClass {
    let (folder, file) = key.rsplit_once('/').unwrap_or(("", key));
    let folders: Vec<&str> = folder.split('/').filter(|folder| !folder.is_empty()).map(value).collect();
    let parts: Vec<&str> = file.split('_').collect();
    let is_ours_by_file = parts.get(1) == Some(&SERVICE);
    if !is_ours_by_file && folders.iter().chain(&parts).any(|name| OTHERS.contains(name)) {
        return KeyClass::NotALog("other_service");
    }
    if !is_ours_by_file && !folders.iter().any(|folder| is_named(folder)) && !is_stream(file) {
        return KeyClass::Unknown;
    }
    if file.is_empty() {
        return KeyClass::NotALog("folder_marker");
    }
    if file == "aws-logs-write-test" {
        return KeyClass::NotALog("write_check");
    }
    if file.contains("_transitgateway") {
        return KeyClass::NotALog("transit_gateway");
    }
    if folders.iter().any(|folder| FAILED.contains(folder)) {
        return KeyClass::NotALog("undelivered");
    }
    let of_file = |index: usize| parts.get(index).filter(|_| is_ours_by_file).copied();
    let region = of_file(2).into_iter().chain(folders.iter().copied()).find(|text| is_region(text));
    let account = of_file(0).into_iter().chain(folders.iter().copied()).find(|text| is_account(text));
    KeyClass::Log(KeyFacts {
        region: region.map(str::to_owned),
        account: account.map(str::to_owned),
        time: parts.iter().find_map(|part| stamp(part)).or_else(|| stream_time(file)),
        ..KeyFacts::default()
    })
}

/// What a folder says: Hive's name before a `=` says nothing more.
fn value(folder: &str) -> &str {
    folder.split_once('=').map_or(folder, |(_, value)| value)
}

fn is_named(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace('_', "-");
    NAMES.contains(&text.as_str())
}

/// True for a delivery stream's file, if the stream is named after flow logs.
fn is_stream(file: &str) -> bool {
    let file = file.to_ascii_lowercase().replace('_', "-");
    stream_time(&file).is_some() && NAMES.iter().any(|name| file.contains(name))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `us-east-1`, `us-gov-west-1`
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [area, words @ .., number] => {
            area.len() == 2
                && is_word(area)
                && !words.is_empty()
                && words.iter().all(is_word)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// The time of `YYYYMMDDThhmmZ`.
fn stamp(text: &str) -> Option<i64> {
    if text.len() != 14 {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to);
    let (date, clock) = (part(0, 8)?, part(9, 13)?);
    if part(8, 9)? != "T" || part(13, 14)? != "Z" {
        return None;
    }
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    time::parse_rfc3339(&format!("{year}-{month}-{day}T{}:{}:00Z", clock.get(..2)?, clock.get(2..)?))
}

/// The time in a delivery stream's file name: its first six numbers after each other that are one.
fn stream_time(file: &str) -> Option<i64> {
    let parts: Vec<&str> = file.split('-').collect();
    parts.windows(6).find_map(|parts| match parts {
        [year, month, day, hour, minute, second] => {
            time::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: i64 = 1_773_479_100_000; // 2026-03-14T09:05:00Z

    fn log(region: Option<&str>, account: Option<&str>, time: Option<i64>) -> KeyClass {
        KeyClass::Log(KeyFacts {
            region: region.map(str::to_owned),
            account: account.map(str::to_owned),
            time,
            ..KeyFacts::default()
        })
    }

    #[test]
    fn logs() {
        let file = "111122223333_vpcflowlogs_us-gov-west-1_fl-0123456789abcdef0_20260314T0905Z_0a1b2c3d.log";
        let hive = "aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=us-gov-west-1/year=2026/month=03/day=14";
        for folder in [
            "AWSLogs/111122223333/vpcflowlogs/us-gov-west-1/2026/03/14/",
            "some/prefix/AWSLogs/o-abc123/111122223333/vpcflowlogs/us-gov-west-1/2026/03/14/09/",
            &format!("AWSLogs/{hive}/"),
            &format!("AWSLogs/{hive}/hour=09/"),
            "",
        ] {
            for extension in [".gz", ".parquet"] {
                let expected = log(Some("us-gov-west-1"), Some("111122223333"), Some(TIME));
                assert_eq!(classify(&format!("{folder}{file}{extension}")), expected, "{folder}");
            }
        }
        let renamed = "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/03/14/09/flows.log";
        assert_eq!(classify(renamed), log(Some("eu-west-1"), Some("111122223333"), None));
        let renamed = format!("AWSLogs/{hive}/hour=09/flows.parquet");
        assert_eq!(classify(&renamed), log(Some("us-gov-west-1"), Some("111122223333"), None));
    }

    #[test]
    fn delivery_streams() {
        let name = "1-2026-03-14-09-05-00-0a1b2c3d-0000-4000-8000-000000000000";
        let expected = log(None, None, Some(TIME));
        assert_eq!(classify(&format!("vpc-flow-logs/2026/03/14/09/to-lake-{name}.gz")), expected);
        assert_eq!(classify(&format!("x/2026/03/14/09/VPCFlowLogs-{name}")), expected);
        assert_eq!(
            classify(&format!("vpcflow/account=111122223333/region=eu-west-1/to-lake-{name}.gz")),
            log(Some("eu-west-1"), Some("111122223333"), Some(TIME))
        );
        assert_eq!(classify(&format!("logs/2026/03/14/09/to-lake-{name}.gz")), KeyClass::Unknown);
        assert_eq!(
            classify(&format!("vpcflow/processing-failed/2026/03/14/09/to-lake-{name}")),
            KeyClass::NotALog("undelivered")
        );
    }

    #[test]
    fn keys_that_are_no_logs() {
        for (key, reason) in [
            ("AWSLogs/1/vpcflowlogs/", "folder_marker"),
            ("AWSLogs/1/vpcflowlogs/aws-logs-write-test", "write_check"),
            ("1_vpcflowlogs_us-east-1_fl-1_20260314T0905Z_transitgateway.log.gz", "transit_gateway"),
            (
                "AWSLogs/1/CloudTrail/us-east-1/2026/03/14/1_CloudTrail_us-east-1_20260314T0905Z_x.json.gz",
                "other_service",
            ),
            ("1_CloudTrail_us-east-1_20260314T0905Z_x.json.gz", "other_service"),
            (
                "AWSLogs/1/vpcdnsquerylogs/vpc-1/2026/03/14/vpc-1_vpcdnsquerylogs_1_20260314T0905Z_x.log.gz",
                "other_service",
            ),
            (
                "AWSLogs/1/WAFLogs/us-east-1/acl/2026/03/14/09/05/1_waflogs_us-east-1_acl_20260314T0905Z_x.log.gz",
                "other_service",
            ),
        ] {
            assert_eq!(classify(key), KeyClass::NotALog(reason), "{key}");
        }
        for key in ["x.json", "logs/a b/ü.json.gz", "flow.log", "eks-audit/2026/03/14/09/eks-audit-1"] {
            assert_eq!(classify(key), KeyClass::Unknown, "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_key_is_classified(key in "\\PC{0,60}|[a-z0-9_/=TZ-]{0,60}", stamped in "[0-9TZé]{10,14}") {
            let _class = classify(&key);
            let _class = classify(&format!("1_vpcflowlogs_r_fl_{stamped}_x.log.gz"));
        }
    }
}
