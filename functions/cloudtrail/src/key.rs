//! What a CloudTrail object's key says.
//!
//! `[prefix/]AWSLogs/[o-organisation/]<account>/CloudTrail/<region>/<yyyy>/<mm>/<dd>/<file>`, where the file is
//! `<account>_CloudTrail_<region>_<YYYYMMDDThhmmZ>_<16 characters>.json.gz` (CloudTrail user guide, "CloudTrail
//! log file names"). The file name alone is enough: files are often copied out of their folders.

use shared::source::{KeyClass, KeyFacts};

/// Folders below an account that belong to other services or to CloudTrail's other files, and the counter's name.
const OTHER_FOLDERS: &[(&str, &str)] = &[
    ("CloudTrail-Digest", "digest"),
    ("CloudTrail-Insight", "insight_file"),
    ("CloudTrail-NetworkActivity", "network_activity_file"),
    ("Config", "other_service"),
    ("GuardDuty", "other_service"),
    ("WAFLogs", "other_service"),
    ("elasticloadbalancing", "other_service"),
    ("vpcdnsquerylogs", "other_service"),
    ("vpcflowlogs", "other_service"),
];

/// Decides by the key alone.
pub fn classify(key: &str) -> KeyClass {
    let (folder, file) = key.rsplit_once('/').unwrap_or(("", key));
    if file.is_empty() {
        return KeyClass::NotALog("folder_marker");
    }
    if file.starts_with("ConfigWritabilityCheckFile") || file == "CloudTrailWriteTest" {
        return KeyClass::NotALog("write_check");
    }
    let mut parts = file.splitn(4, '_');
    let (account, kind, region) = (parts.next(), parts.next(), parts.next());
    let in_folder = OTHER_FOLDERS.iter().find(|(name, _)| folder.split('/').any(|segment| segment == *name));
    match (kind, in_folder) {
        (Some("CloudTrail-Digest"), _) => return KeyClass::NotALog("digest"),
        (Some("CloudTrail-Insight"), _) => return KeyClass::NotALog("insight_file"),
        (Some("CloudTrail"), None) => {
            return KeyClass::Log(KeyFacts {
                region: region.map(str::to_owned),
                account: account.map(str::to_owned),
                ..KeyFacts::default()
            });
        }
        (_, Some((_, reason))) => return KeyClass::NotALog(reason),
        _ => {}
    }
    // A file of another name in CloudTrail's own folder.
    let segments: Vec<&str> = folder.split('/').collect();
    match segments.iter().position(|segment| *segment == "CloudTrail") {
        Some(at) if at > 0 && segments.contains(&"AWSLogs") => KeyClass::Log(KeyFacts {
            region: segments.get(at + 1).map(|region| (*region).to_owned()),
            account: Some(segments[at - 1].to_owned()),
            ..KeyFacts::default()
        }),
        _ => KeyClass::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(region: &str, account: &str) -> KeyClass {
        let (region, account) = (Some(region.to_owned()), Some(account.to_owned()));
        KeyClass::Log(KeyFacts { region, account, ..KeyFacts::default() })
    }

    #[test]
    fn logs() {
        let file = "111122223333_CloudTrail_eu-west-1_20260314T0905Z_Qd3xkT9mWc2LrV7b.json.gz";
        for folder in [
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/14/",
            "some/prefix/AWSLogs/o-abc123/111122223333/CloudTrail/eu-west-1/2026/03/14/",
            "",
        ] {
            assert_eq!(classify(&format!("{folder}{file}")), log("eu-west-1", "111122223333"));
        }
        let renamed = "AWSLogs/111122223333/CloudTrail/us-east-2/2026/03/14/events.json";
        assert_eq!(classify(renamed), log("us-east-2", "111122223333"));
    }

    #[test]
    fn files_that_are_no_logs() {
        for (key, reason) in [
            (
                "AWSLogs/1/CloudTrail-Digest/r/2026/03/14/1_CloudTrail-Digest_r_trail_r_20260314T090000Z.json.gz",
                "digest",
            ),
            ("1_CloudTrail-Digest_r_trail_r_20260314T090000Z.json.gz", "digest"),
            (
                "AWSLogs/1/CloudTrail-Insight/r/2026/03/14/1_CloudTrail-Insight_r_20260314T0900Z_x.json.gz",
                "insight_file",
            ),
            ("AWSLogs/1/CloudTrail/", "folder_marker"),
            (
                "AWSLogs/1/vpcflowlogs/r/2026/03/14/1_vpcflowlogs_r_fl-1_20260314T0900Z_x.log.gz",
                "other_service",
            ),
            ("AWSLogs/1/Config/ConfigWritabilityCheckFile", "write_check"),
        ] {
            assert_eq!(classify(key), KeyClass::NotALog(reason), "{key}");
        }
    }

    #[test]
    fn other_keys_say_nothing() {
        for key in ["logs/a b/ü.json.gz", "x.json", "CloudTrail/x.json", "my-CloudTrail-Digest-notes.txt"] {
            assert_eq!(classify(key), KeyClass::Unknown, "{key}");
        }
    }
}
