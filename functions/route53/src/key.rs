//! What the key of an object with Resolver query logs says.
//!
//! `[prefix/]AWSLogs/[o-organisation/]<account>/vpcdnsquerylogs/<vpc>/<yyyy>/<mm>/<dd>/<file>`, where the file is
//! `<vpc>_vpcdnsquerylogs_<account>_<YYYYMMDDThhmmZ>_<8 characters>.log.gz` (Route 53 developer guide, "AWS
//! resources that you can send VPC Resolver query logs to"). The file name alone is enough: files are often copied
//! out of their folders. A key has no region.
//!
//! What comes by way of Firehose or of an export from CloudWatch Logs has a name of its owner's choice, so its key
//! says nothing.

use shared::source::{KeyClass, KeyFacts};

const FOLDER: &str = "vpcdnsquerylogs";

/// Folders below an account that belong to other services.
const OTHER_FOLDERS: &[&str] = &[
    "CloudTrail",
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "CloudTrail-NetworkActivity",
    "Config",
    "GuardDuty",
    "WAFLogs",
    "elasticloadbalancing",
    "vpcflowlogs",
];

/// Decides by the key alone.
pub fn classify(key: &str) -> KeyClass {
    let (folder, file) = key.rsplit_once('/').unwrap_or(("", key));
    if file.is_empty() {
        return KeyClass::NotALog("folder_marker");
    }
    let mut parts = file.split('_');
    let of_name = match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(FOLDER), account) => Some(account),
        _ => None,
    };
    let mut of_folder = None;
    let mut before = "";
    for segment in folder.split('/') {
        if segment == FOLDER {
            of_folder = Some(is_account(before).then_some(before));
        } else if of_name.is_none() && OTHER_FOLDERS.contains(&segment) {
            return KeyClass::NotALog("other_service");
        }
        before = segment;
    }
    if of_name.is_none() && of_folder.is_none() {
        return KeyClass::Unknown;
    }
    let account = of_name.flatten().filter(|account| is_account(account)).or(of_folder.flatten());
    KeyClass::Log(KeyFacts { account: account.map(str::to_owned), ..KeyFacts::default() })
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(account: Option<&str>) -> KeyClass {
        KeyClass::Log(KeyFacts { account: account.map(str::to_owned), ..KeyFacts::default() })
    }

    #[test]
    fn logs() {
        let file = "vpc-0a1b_vpcdnsquerylogs_111122223333_20260314T0905Z_1c2d3e4f.log.gz";
        for folder in [
            "AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a1b/2026/03/14/",
            "some/prefix/AWSLogs/o-abc123/111122223333/vpcdnsquerylogs/vpc-0a1b/2026/03/14/",
            "",
            "copied/",
        ] {
            assert_eq!(classify(&format!("{folder}{file}")), log(Some("111122223333")));
        }
        let renamed = "AWSLogs/444455556666/vpcdnsquerylogs/vpc-0a1b/2026/03/14/queries.json";
        assert_eq!(classify(renamed), log(Some("444455556666")));
        assert_eq!(classify("vpcdnsquerylogs/a.log"), log(None));
    }

    #[test]
    fn other_keys() {
        for (key, class) in [
            ("AWSLogs/111122223333/vpcdnsquerylogs/", KeyClass::NotALog("folder_marker")),
            (
                "AWSLogs/1/vpcflowlogs/r/2026/03/14/1_vpcflowlogs_r_fl-1_20260314T0900Z_x.log.gz",
                KeyClass::NotALog("other_service"),
            ),
            (
                "AWSLogs/1/CloudTrail/r/2026/03/14/1_CloudTrail_r_20260314T0900Z_x.json.gz",
                KeyClass::NotALog("other_service"),
            ),
            ("dns/2026/03/14/09/dns-logs-1-2026-03-14-09-05-00-0f1e.gz", KeyClass::Unknown),
            ("exported/0f1e/vpc-0a1b/000000.gz", KeyClass::Unknown),
            ("vpcdnsquerylogs.txt", KeyClass::Unknown),
            ("", KeyClass::NotALog("folder_marker")),
        ] {
            assert_eq!(classify(key), class, "{key}");
        }
    }
}
