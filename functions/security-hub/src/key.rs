//! What the key of an object with findings says.
//!
//! Security Hub delivers nothing to S3 itself: findings get there by a rule of EventBridge and Firehose, or by a job
//! that calls `GetFindings`, under keys of their owner's choice. A key that has `securityhub` or `security-hub` as a
//! word of a folder or of the file's name (`SecurityHub/2026/03/14/…`, `logs/security-hub-findings-1-2026-…`) is taken
//! for theirs; so is a file of findings by name, `GetFindings`, where nothing says that they are another service's.
//! All other keys say nothing.
//!
//! Region and account are those that stand in the key, if any do: `securityhub-111122223333-eu-west-1-2026-…`,
//! `region=eu-west-1/`.

use shared::source::{KeyClass, KeyFacts};

/// Folders below an account that belong to other services, and what other services have in the names of their files.
const OTHER_SERVICES: &[&str] = &[
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
    "waflogs",
];

/// Words of keys of services that have findings of their own, too.
const OTHER_FINDINGS: &[&str] =
    &["accessanalyzer", "detective", "guardduty", "inspector", "inspector2", "macie", "macie2"];

/// Decides by the key alone.
pub fn classify(key: &str) -> KeyClass {
    let (folder, file) = key.rsplit_once('/').unwrap_or(("", key));
    if file.is_empty() {
        return KeyClass::NotALog("folder_marker");
    }
    // A bucket of many services may be named after one of them; below `AWSLogs` the folder of the service counts.
    let below = match folder.split('/').position(|segment| segment == "AWSLogs") {
        Some(at) => folder.splitn(at + 2, '/').last().unwrap_or_default(),
        None => folder,
    };
    let is_other = below.split('/').any(|segment| OTHER_SERVICES.contains(&segment))
        || file.split('_').any(|part| OTHER_SERVICES.contains(&part));
    if is_other {
        return KeyClass::NotALog("other_service");
    }
    let (mut is_named, mut is_answer, mut is_foreign) = (false, false, false);
    for segment in below.split('/').chain([file]) {
        let mut before = "";
        for word in segment.split(|character: char| !character.is_ascii_alphanumeric()) {
            is_named |= word.eq_ignore_ascii_case("securityhub")
                || (before.eq_ignore_ascii_case("security") && word.eq_ignore_ascii_case("hub"));
            is_foreign |= OTHER_FINDINGS.iter().any(|other| word.eq_ignore_ascii_case(other));
            before = word;
        }
    }
    for word in file.split(|character: char| !character.is_ascii_alphanumeric()) {
        is_answer |= word.eq_ignore_ascii_case("getfindings");
    }
    if !is_named && (!is_answer || is_foreign) {
        return KeyClass::Unknown;
    }
    KeyClass::Log(KeyFacts { region: region(key), account: account(key), ..KeyFacts::default() })
}

/// The first twelve digits that stand by themselves.
fn account(key: &str) -> Option<String> {
    key.split(|character: char| !character.is_ascii_alphanumeric())
        .find(|word| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
}

/// The first words that make a Region: `us-east-1`, `us-gov-west-1`.
fn region(key: &str) -> Option<String> {
    let segments = key.split(|character: char| !character.is_ascii_alphanumeric() && character != '-');
    for segment in segments {
        let words: Vec<&str> = segment.split('-').collect();
        let is_letters = |word: &str| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        for (start, word) in words.iter().enumerate() {
            if word.len() != 2 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
                continue;
            }
            let names = words[start + 1..].iter().take_while(|name| is_letters(name)).count();
            let end = start + 1 + names;
            let number =
                words.get(end).filter(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit());
            if (1..=2).contains(&names) && number.is_some() {
                return Some(words[start..=end].join("-"));
            }
        }
    }
    None
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
        for (key, region, account) in [
            (
                "securityhub/2026/03/14/09/securityhub-111122223333-us-gov-west-1-2026-03-14-09-05-00-a1b2.json.gz",
                Some("us-gov-west-1"),
                Some("111122223333"),
            ),
            ("SecurityHub/2026/03/14/part-0.gz", None, None),
            (
                "lake/security-hub/region=eu-west-1/accountId=444455556666/x.jsonl",
                Some("eu-west-1"),
                Some("444455556666"),
            ),
            ("logs/Security-Hub-findings-1-2026-03-14-09-05-00", None, None),
            ("security_hub_imported.jsonl", None, None),
            (
                "AWSLogs/111122223333/SecurityHub/eu-west-1/2026/03/14/x.json.gz",
                Some("eu-west-1"),
                Some("111122223333"),
            ),
            ("getfindings-1.json", None, None),
            ("dump.GetFindings_2.json", None, None),
        ] {
            assert_eq!(classify(key), log(region, account), "{key}");
        }
    }

    #[test]
    fn files_of_other_services() {
        for (key, reason) in [
            ("securityhub/", "folder_marker"),
            (
                "security-hub/AWSLogs/1/CloudTrail/us-east-1/2026/03/14/1_CloudTrail_us-east-1_20260314T0905Z_x.json.gz",
                "other_service",
            ),
            ("security-hub/1_vpcflowlogs_us-east-1_fl-1_20260314T0905Z_x.log.gz", "other_service"),
            ("AWSLogs/1/GuardDuty/us-east-1/2026/03/14/x.jsonl.gz", "other_service"),
            (
                "AWSLogs/1/WAFLogs/us-east-1/securityhub-acl/2026/03/14/09/05/1_waflogs_us-east-1_x.log.gz",
                "other_service",
            ),
        ] {
            assert_eq!(classify(key), KeyClass::NotALog(reason), "{key}");
        }
    }

    #[test]
    fn other_keys_say_nothing() {
        for key in [
            "logs/x.json.gz",
            "imported/2026/03/14/x.jsonl",
            "guardduty.GetFindings_1.json",
            "macie2/getfindings.json",
            "insecurityhub/x.json",
            "security/hub.json",
            "securityhub-logs/AWSLogs/1/other/x.json",
        ] {
            assert_eq!(classify(key), KeyClass::Unknown, "{key}");
        }
    }

    proptest! {
        #[test]
        fn noise_never_panics(key in ".{0,60}") {
            let _class = classify(&key);
        }

        #[test]
        fn words_never_panic(words in prop::collection::vec("AWSLogs|securityhub|us|east|1|-|/|_|é|111122223333", 0..12)) {
            let _class = classify(&words.concat());
        }
    }
}
