//! What an object's key says.
//!
//! EKS writes its logs to CloudWatch Logs only; the objects come from a delivery stream whose prefix and name are
//! the owner's choice: `<prefix>/<yyyy>/<mm>/<dd>/<hh>/<stream>-<version>-<date>-<uuid>.gz` (Data Firehose developer
//! guide, "Configure Amazon S3 object name format"). A key is a log's if it names the audit log stream, if one of
//! its folders is named after the source, or if its file is. Other sources' folders are not ours, whatever is before
//! them.
//!
//! Region and account are in a key only if someone has put them there, as folders of their own or behind a `=`.

use shared::source::{KeyClass, KeyFacts};

use crate::stream::{self, Stream};

/// Names of the source, as folders have them in any case.
const NAMES: &[&str] = &["eks", "eks-audit", "eks_audit", "eks-audit-logs", "eks_audit_logs", "eksaudit"];

/// Beginnings of file names, which are those of delivery streams.
const FILES: &[&str] = &["eks-audit", "eks_audit"];

/// Other sources and AWS's other logs, as their folders and the second part of their files' names.
const OTHERS: &[&str] = &[
    "CloudTrail",
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "CloudTrail-NetworkActivity",
    "Config",
    "GuardDuty",
    "WAFLogs",
    "elasticloadbalancing",
    "vpcdnsquerylogs",
    "vpcflowlogs",
];

/// Decides by the key alone.
pub fn classify(key: &str) -> KeyClass {
    let (folder, file) = key.rsplit_once('/').unwrap_or(("", key));
    let folders = || folder.split('/').filter(|segment| !segment.is_empty());
    let is_ours = folders().any(|segment| is_one_of(segment, NAMES))
        || key.contains("kube-apiserver-audit")
        || FILES.iter().any(|start| starts_with(file, start));
    let is_other = folders().chain(file.split('_')).any(|part| is_one_of(part, OTHERS));
    if is_other {
        return KeyClass::NotALog("other_service");
    }
    if !is_ours && !folders().any(is_other_stream) {
        return KeyClass::Unknown;
    }
    if file.is_empty() {
        return KeyClass::NotALog("folder_marker");
    }
    if file == "aws-logs-write-test" {
        return KeyClass::NotALog("write_check");
    }
    if file.ends_with(".parquet") {
        return KeyClass::NotALog("parquet_file");
    }
    // Where a delivery stream writes what it could not deliver: `processing-failed`, `format-conversion-failed`, …
    if folders().any(|segment| segment == "failed" || segment.ends_with("-failed")) {
        return KeyClass::NotALog("undelivered");
    }
    if let Some(reason) = folders().find_map(other_stream) {
        return KeyClass::NotALog(reason);
    }
    KeyClass::Log(KeyFacts {
        region: folders().map(value).find(|text| is_region(text)).map(str::to_owned),
        account: folders().map(value).find(|text| is_account(text)).map(str::to_owned),
        ..KeyFacts::default()
    })
}

fn is_one_of(text: &str, names: &[&str]) -> bool {
    names.iter().any(|name| text.eq_ignore_ascii_case(name))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// The log that a folder holds if it is named after a log stream, id and all, as exports of log groups name them.
fn other_stream(segment: &str) -> Option<&'static str> {
    let (_, id) = segment.rsplit_once('-')?;
    match stream::classify(segment) {
        Stream::Other(reason) if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some(reason)
        }
        _ => None,
    }
}

fn is_other_stream(segment: &str) -> bool {
    other_stream(segment).is_some()
}

/// What stands behind the `=` of a folder such as `region=eu-west-1`, or all of it.
fn value(segment: &str) -> &str {
    segment.split_once('=').map_or(segment, |(_, value)| value)
}

/// True for `eu-west-1`, `us-gov-east-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let (area, number) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
    let mut names = 0;
    for part in parts {
        if part.len() < 3 || !part.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return false;
        }
        names += 1;
    }
    area.len() == 2
        && area.bytes().all(|byte| byte.is_ascii_lowercase())
        && (1..=2).contains(&names)
        && number.len() == 1
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// True for twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(region: Option<&str>, account: Option<&str>) -> KeyClass {
        let (region, account) = (region.map(str::to_owned), account.map(str::to_owned));
        KeyClass::Log(KeyFacts { region, account, ..KeyFacts::default() })
    }

    #[test]
    fn logs() {
        for key in [
            "eks-audit/2026/03/14/09/to-lake-1-2026-03-14-09-05-00-0b5f7f5c-1e6c-4d0e-8d3f-2a1b3c4d5e6f.gz",
            "logs/EKS/2026/03/14/09/x-1-2026-03-14-09-05-00-0b5f7f5c.gz",
            "raw/EKS_AUDIT/x.jsonl",
            "eks-audit-to-lake-1-2026-03-14-09-05-00-0b5f7f5c-1e6c-4d0e-8d3f-2a1b3c4d5e6f",
            "kube-apiserver-audit-0123456789abcdef0123456789abcdef.jsonl.gz",
            "export/0b5f7f5c/kube-apiserver-audit-0123456789abcdef0123456789abcdef/000000.gz",
        ] {
            assert_eq!(classify(key), log(None, None), "{key}");
        }
        let key = "AWSLogs/111122223333/eks/us-gov-east-1/2026/03/14/x.gz";
        assert_eq!(classify(key), log(Some("us-gov-east-1"), Some("111122223333")));
        let key = "eks-audit/region=eu-west-1/account=111122223333/year=2026/x.gz";
        assert_eq!(classify(key), log(Some("eu-west-1"), Some("111122223333")));
    }

    #[test]
    fn files_that_are_no_logs() {
        for (key, reason) in [
            ("eks-audit/2026/", "folder_marker"),
            ("exports/eks/aws-logs-write-test", "write_check"),
            ("eks-audit/processing-failed/2026/03/14/09/x-1-2026-03-14-09-05-00-0b5f7f5c", "undelivered"),
            ("firehose-failed/eks-audit/2026/03/14/09/x-1-2026-03-14-09-05-00-0b5f7f5c", "undelivered"),
            ("aws/EKS_AUDIT/2.0/region=r/accountId=1/eventDay=20260314/0.zstd.parquet", "parquet_file"),
            ("export/0b5f7f5c/authenticator-0123456789abcdef0123456789abcdef/000000.gz", "authenticator_log"),
            ("eks/kube-apiserver-0123456789abcdef0123456789abcdef/000000.gz", "api_log"),
            (
                "AWSLogs/1/CloudTrail/eu-west-1/1_CloudTrail_eu-west-1_20260314T0905Z_a.json.gz",
                "other_service",
            ),
            ("eks/1_vpcflowlogs_eu-west-1_fl-1_20260314T0905Z_a.log.gz", "other_service"),
            ("eks/AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/03/14/x.log.gz", "other_service"),
        ] {
            assert_eq!(classify(key), KeyClass::NotALog(reason), "{key}");
        }
    }

    #[test]
    fn other_keys_say_nothing() {
        for key in [
            "cwl-concat-x.json.gz",
            "notes.txt",
            "",
            "speeks/x.gz",
            "authenticator-notes/x.gz",
            "securityhub/2026/03/14/09/securityhub-111122223333-eu-west-1-2026.json.gz",
        ] {
            assert_eq!(classify(key), KeyClass::Unknown, "{key}");
        }
    }

    #[test]
    fn regions() {
        for text in ["eu-west-1", "us-gov-east-1", "ap-southeast-2", "us-iso-east-1"] {
            assert!(is_region(text), "{text}");
        }
        for text in ["", "2026", "eu-west", "a-b-1", "eks-audit-1", "to-lake-1-2026", "EU-west-1"] {
            assert!(!is_region(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn noise_never_panics(key in ".{0,60}") {
            let _class = classify(&key);
        }
    }
}
