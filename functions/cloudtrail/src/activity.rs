//! What a record is about: OCSF's activity, by class and event name.
//!
//! | class | event name | activity |
//! |---|---|---|
//! | API Activity | first word [`VERBS`] | 1 Create, 2 Read, 3 Update, 4 Delete |
//! | | other, and the record says `readOnly` | 2 Read |
//! | Authentication | `ConsoleLogin`, `AssumeRole*`, `AssumeRoot`, `SwitchRole`, `Authenticate`, `Federate` | 1 Logon |
//! | | `ExitRole`, `Logout` | 2 Logoff |
//! | Account Change | `Create…`, `Delete…` | 1 Create, 6 Delete |
//! | | `Attach…`, `Put…Policy` of a group, role or user, `AddUserToGroup` | 7 Attach Policy |
//! | | `Detach…`, `Remove…` | 8 Detach Policy |
//! | | `ChangePassword`, `PasswordUpdated`; `PasswordRecoveryCompleted` | 3 Password Change; 4 Password Reset |
//! | | `EnableMFADevice`, `DeactivateMFADevice` | 10 MFA Factor Enable, 11 MFA Factor Disable; not in OCSF 1.0.0-rc.2 |
//! | each | all else | 99 Other |
//!
//! AWS publishes no list. The rules are those that its rows show, extended by OCSF's definitions.

use crate::class::{Class, Version};

/// An activity with what depends on it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// `activity_id`
    pub id: i32,
    /// OCSF's caption of the id.
    pub caption: &'static str,
    /// `type_name`
    pub type_name: &'static str,
}

/// The id of activities that OCSF has no other for.
pub const OTHER: i32 = 99;

macro_rules! activity {
    ($class:literal, $id:literal, $caption:literal) => {
        Activity { id: $id, caption: $caption, type_name: concat!($class, ": ", $caption) }
    };
}

/// The activity of an event.
///
/// `read_only` is the record's flag: where no verb of the name matches, it tells a read.
pub fn activity(class: Class, event_name: &str, read_only: bool, version: Version) -> Activity {
    match class {
        Class::ApiActivity => match api_activity(event_name, read_only) {
            1 => activity!("API Activity", 1, "Create"),
            2 => activity!("API Activity", 2, "Read"),
            3 => activity!("API Activity", 3, "Update"),
            4 => activity!("API Activity", 4, "Delete"),
            _ => activity!("API Activity", 99, "Other"),
        },
        Class::Authentication => match event_name {
            "ConsoleLogin"
            | "AssumeRole"
            | "AssumeRoleWithSAML"
            | "AssumeRoleWithWebIdentity"
            | "AssumeRoot"
            | "SwitchRole"
            | "Authenticate"
            | "Federate" => activity!("Authentication", 1, "Logon"),
            "ExitRole" | "Logout" => activity!("Authentication", 2, "Logoff"),
            _ => activity!("Authentication", 99, "Other"),
        },
        Class::AccountChange => account_change(event_name, version),
    }
}

fn account_change(event_name: &str, version: Version) -> Activity {
    match event_name {
        "ChangePassword" | "PasswordUpdated" => activity!("Account Change", 3, "Password Change"),
        "PasswordRecoveryCompleted" => activity!("Account Change", 4, "Password Reset"),
        "EnableMFADevice" if version == Version::V2 => activity!("Account Change", 10, "MFA Factor Enable"),
        "DeactivateMFADevice" if version == Version::V2 => {
            activity!("Account Change", 11, "MFA Factor Disable")
        }
        "PutGroupPolicy" | "PutRolePolicy" | "PutUserPolicy" | "AddUserToGroup" => {
            activity!("Account Change", 7, "Attach Policy")
        }
        name if has_verb(name, "Create") => activity!("Account Change", 1, "Create"),
        name if has_verb(name, "Delete") => activity!("Account Change", 6, "Delete"),
        name if has_verb(name, "Attach") => activity!("Account Change", 7, "Attach Policy"),
        name if has_verb(name, "Detach") || has_verb(name, "Remove") => {
            activity!("Account Change", 8, "Detach Policy")
        }
        _ => activity!("Account Change", 99, "Other"),
    }
}

/// First words of event names and the API Activity that they tell.
pub const VERBS: &[(&str, i32)] = &[
    ("Get", 2),
    ("Describe", 2),
    ("List", 2),
    ("Search", 2),
    ("Lookup", 2),
    ("Head", 2),
    ("Query", 2),
    ("Scan", 2),
    ("Select", 2),
    ("Create", 1),
    ("Run", 1),
    ("Import", 1),
    ("Allocate", 1),
    ("Copy", 1),
    ("Restore", 1),
    ("Update", 3),
    ("Put", 3),
    ("Modify", 3),
    ("Add", 3),
    ("Remove", 3),
    ("Start", 3),
    ("Stop", 3),
    ("Attach", 3),
    ("Detach", 3),
    ("Associate", 3),
    ("Disassociate", 3),
    ("Tag", 3),
    ("Untag", 3),
    ("Enable", 3),
    ("Disable", 3),
    ("Register", 3),
    ("Deregister", 3),
    ("Set", 3),
    ("Replace", 3),
    ("Reset", 3),
    ("Change", 3),
    ("Authorize", 3),
    ("Revoke", 3),
    ("Rotate", 3),
    ("Assign", 3),
    ("Unassign", 3),
    ("Delete", 4),
    ("Terminate", 4),
];

fn api_activity(event_name: &str, read_only: bool) -> i32 {
    let word = first_word(event_name);
    let of_verb =
        VERBS.iter().find(|(verb, _)| verb.len() == word.len() && verb.as_bytes().eq_ignore_ascii_case(word));
    of_verb.map_or(if read_only { 2 } else { OTHER }, |(_, activity_id)| *activity_id)
}

/// The first word of an event name, without a leading `Batch`: `Describe` of `DescribeInstances`, `Getaway` of
/// `Getaway`. Some services write its first letter small.
fn first_word(event_name: &str) -> &[u8] {
    let name = event_name.strip_prefix("Batch").unwrap_or(event_name).as_bytes();
    let length = 1 + name.iter().skip(1).take_while(|byte| byte.is_ascii_lowercase()).count();
    name.get(..length).unwrap_or_default()
}

/// True if the name begins with the verb as a word of its own.
fn has_verb(event_name: &str, wanted: &str) -> bool {
    event_name
        .strip_prefix(wanted)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activities() {
        for (class, name, read_only, id) in [
            (Class::ApiActivity, "DescribeInstances", false, 2),
            (Class::ApiActivity, "RunInstances", false, 1),
            (Class::ApiActivity, "updateDomainContact", false, 3),
            (Class::ApiActivity, "UntagResource", false, 3),
            (Class::ApiActivity, "TerminateInstances", false, 4),
            (Class::ApiActivity, "Decrypt", true, 2),
            (Class::ApiActivity, "Invoke", false, 99),
            (Class::ApiActivity, "Getaway", false, 99),
            (Class::ApiActivity, "", false, 99),
            (Class::ApiActivity, "éet", false, 99),
            (Class::AccountChange, "CreateUser", false, 1),
            (Class::AccountChange, "DeleteRole", false, 6),
            (Class::AccountChange, "AttachUserPolicy", false, 7),
            (Class::AccountChange, "RemoveRoleFromInstanceProfile", false, 8),
            (Class::AccountChange, "ChangePassword", false, 3),
            (Class::AccountChange, "TagUser", false, 99),
            (Class::Authentication, "AssumeRole", true, 1),
            (Class::Authentication, "CheckMfa", false, 99),
        ] {
            for version in [Version::V1, Version::V2] {
                let found = activity(class, name, read_only, version);
                assert_eq!(found.id, id, "{name}");
                assert_eq!(found.type_name, format!("{}: {}", class.name(), found.caption));
            }
        }
    }

    #[test]
    fn mfa_devices_have_activities_of_their_own_in_2_0_alone() {
        for (name, id) in [("EnableMFADevice", 10), ("DeactivateMFADevice", 11)] {
            assert_eq!(activity(Class::AccountChange, name, false, Version::V1).id, OTHER);
            assert_eq!(activity(Class::AccountChange, name, false, Version::V2).id, id);
        }
    }
}
