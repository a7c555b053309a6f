//! What the key of an object with AWS WAF logs says.
//!
//! `[prefix/]AWSLogs/[o-organisation/]<account>/WAFLogs/<region>/<web ACL>/<yyyy>/<mm>/<dd>/<hh>/<mm>/<file>`, where
//! the file is `<account>_waflogs_<region>_<web ACL>_<YYYYMMDDThhmmZ>_<8 characters>.log.gz` and the region of a
//! distribution's web ACL is `cloudfront` (AWS WAF developer guide, "Amazon Simple Storage Service"). The file name
//! alone is enough: files are often copied out of their folders.
//!
//! A Firehose stream for these logs is required to be named `aws-waf-logs-…`, and so are the objects that it writes.

use shared::source::{KeyClass, KeyFacts};

const FOLDER: &str = "WAFLogs";
const STREAM: &str = "aws-waf-logs-";

/// Folders below an account that belong to other services.
const OTHER_FOLDERS: &[&str] = &[
    "CloudTrail",
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "CloudTrail-NetworkActivity",
    "Config",
    "GuardDuty",
    "elasticloadbalancing",
    "vpcdnsquerylogs",
    "vpcflowlogs",
];

/// Decides by the key alone.
pub fn classify(key: &str) -> KeyClass {
    let (folder, file) = key.rsplit_once('/').unwrap_or(("", key));
    if file.is_empty() {
        return KeyClass::NotALog("folder_marker");
    }
    let mut parts = file.splitn(4, '_');
    let of_name = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (account, Some("waflogs"), region, Some(_)) => Some((account, region)),
        _ => None,
    };
    let (mut of_folder, mut is_stream) = (None, file.starts_with(STREAM));
    let mut segments = folder.split('/').peekable();
    let mut before = "";
    while let Some(segment) = segments.next() {
        if segment == FOLDER {
            of_folder = Some((Some(before), segments.peek().copied()));
        } else if of_name.is_none() && OTHER_FOLDERS.contains(&segment) {
            return KeyClass::NotALog("other_service");
        }
        is_stream |= segment.starts_with(STREAM);
        before = segment;
    }
    match of_name.or(of_folder) {
        Some((account, region)) => KeyClass::Log(KeyFacts {
            account: account.filter(|account| is_account(account)).map(str::to_owned),
            region: region.and_then(region_of),
            ..KeyFacts::default()
        }),
        None if is_stream => KeyClass::Log(KeyFacts::default()),
        None => KeyClass::Unknown,
    }
}

/// True for twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The region of that name. A distribution's web ACL is managed in us-east-1.
pub(crate) fn region_of(text: &str) -> Option<String> {
    match text {
        "cloudfront" => Some("us-east-1".to_owned()),
        _ => is_region(text).then(|| text.to_owned()),
    }
}

/// True for what could be a region: `eu-west-1`, `us-gov-west-1`.
pub(crate) fn is_region(text: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.contains('-') && text.bytes().all(lower) && text.as_bytes().last().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(account: Option<&str>, region: Option<&str>) -> KeyClass {
        let (account, region) = (account.map(str::to_owned), region.map(str::to_owned));
        KeyClass::Log(KeyFacts { account, region, ..KeyFacts::default() })
    }

    #[test]
    fn logs() {
        let file = "111122223333_waflogs_eu-west-1_my_web_acl_20260314T0905Z_1c2d3e4f.log.gz";
        for folder in [
            "AWSLogs/111122223333/WAFLogs/eu-west-1/my_web_acl/2026/03/14/09/05/",
            "some/prefix/AWSLogs/o-abc123/111122223333/WAFLogs/eu-west-1/my_web_acl/2026/03/14/09/05/",
            "",
        ] {
            assert_eq!(classify(&format!("{folder}{file}")), log(Some("111122223333"), Some("eu-west-1")));
        }
        let global = "111122223333_waflogs_cloudfront_acl_20260314T0905Z_1c2d3e4f.log.gz";
        assert_eq!(classify(global), log(Some("111122223333"), Some("us-east-1")));
        let renamed = "AWSLogs/444455556666/WAFLogs/cloudfront/acl/2026/03/14/09/05/requests.json";
        assert_eq!(classify(renamed), log(Some("444455556666"), Some("us-east-1")));
        for stream in [
            "2026/03/14/09/aws-waf-logs-shop-1-2026-03-14-09-05-00-0f1e",
            "aws-waf-logs-shop/2026/03/14/09/shop-1-2026-03-14-09-05-00-0f1e.gz",
            "WAFLogs/a.log",
        ] {
            assert_eq!(classify(stream), log(None, None), "{stream}");
        }
    }

    #[test]
    fn other_keys() {
        for (key, class) in [
            ("AWSLogs/111122223333/WAFLogs/", KeyClass::NotALog("folder_marker")),
            (
                "aws-waf-logs-all/AWSLogs/1/vpcflowlogs/r/2026/03/14/1_vpcflowlogs_r_fl-1_20260314T0900Z_x.log.gz",
                KeyClass::NotALog("other_service"),
            ),
            ("web/2026/03/14/09/web-1-2026-03-14-09-05-00-0f1e.gz", KeyClass::Unknown),
            ("waflogs.txt", KeyClass::Unknown),
            ("111122223333_waflogs_eu-west-1", KeyClass::Unknown),
        ] {
            assert_eq!(classify(key), class, "{key}");
        }
    }
}
