//! Which OCSF class a record belongs to and which activity it is, by event source and event name.
//!
//! AWS says only that both decide, and publishes no list. The rules here are those that its published rows show,
//! extended by OCSF's own definitions; an event source is always asked for, so that `CreateUser` of another service
//! than IAM stays API Activity.
//!
//! | class | event source | event names |
//! |---|---|---|
//! | Authentication 3002 | `sts` | `AssumeRole`, `AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`, `AssumeRoot` |
//! | | `signin` | `ConsoleLogin`, `CheckMfa`, `CredentialChallenge`, `CredentialVerification`, `ExternalIdPDirectoryLogin`, `UserAuthentication`, `SwitchRole`, `ExitRole` |
//! | | `sso` | `Authenticate`, `Federate`, `Logout` |
//! | Account Change 3001 | `iam` | [`IAM_CHANGES`] |
//! | | `signin`, `account` | [`ACCOUNT_CHANGES`] |
//! | API Activity 6003 | | everything else |
//!
//! Sources: rows that AWS wrote (`amazon-security-lake-ocsf-validation`), the OCSF examples' mapping of
//! CloudTrail, OCSF 1.1.0 classes `authentication`, `account_change` and `api_activity`.

/// An OCSF class with what depends on it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 6003
    ApiActivity,
    /// 3002
    Authentication,
    /// 3001
    AccountChange,
}

impl Class {
    /// `class_uid`
    pub fn uid(self) -> i32 {
        match self {
            Self::ApiActivity => 6003,
            Self::Authentication => 3002,
            Self::AccountChange => 3001,
        }
    }

    /// `class_name`
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiActivity => "API Activity",
            Self::Authentication => "Authentication",
            Self::AccountChange => "Account Change",
        }
    }

    /// `category_uid` and `category_name`, in OCSF 1.1.0.
    pub fn category(self) -> (i32, &'static str) {
        match self {
            Self::ApiActivity => (6, "Application Activity"),
            Self::Authentication | Self::AccountChange => (3, "Identity & Access Management"),
        }
    }
}

/// IAM calls that change a user, a role or what they may do.
pub const IAM_CHANGES: &[&str] = &[
    "AddRoleToInstanceProfile",
    "AddUserToGroup",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "ChangePassword",
    "CreateAccessKey",
    "CreateAccountAlias",
    "CreateInstanceProfile",
    "CreateLoginProfile",
    "CreateRole",
    "CreateServiceLinkedRole",
    "CreateUser",
    "CreateVirtualMFADevice",
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "DeleteAccountAlias",
    "DeleteAccountPasswordPolicy",
    "DeleteGroup",
    "DeleteGroupPolicy",
    "DeleteInstanceProfile",
    "DeleteLoginProfile",
    "DeletePolicy",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DeleteServiceLinkedRole",
    "DeleteUser",
    "DeleteUserPermissionsBoundary",
    "DeleteUserPolicy",
    "DeleteVirtualMFADevice",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "EnableMFADevice",
    "PutGroupPolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "PutUserPermissionsBoundary",
    "PutUserPolicy",
    "RemoveRoleFromInstanceProfile",
    "RemoveUserFromGroup",
    "ResyncMFADevice",
    "TagInstanceProfile",
    "TagRole",
    "TagUser",
    "UntagInstanceProfile",
    "UntagRole",
    "UntagUser",
    "UpdateAccessKey",
    "UpdateAccountPasswordPolicy",
    "UpdateAssumeRolePolicy",
    "UpdateGroup",
    "UpdateLoginProfile",
    "UpdateRole",
    "UpdateRoleDescription",
    "UpdateUser",
];

/// Changes to an account and its root user, as the sign-in and account services log them.
pub const ACCOUNT_CHANGES: &[&str] = &[
    "AccountNameUpdated",
    "EmailUpdated",
    "FinalizeSmsMfaRegistration",
    "PasswordRecoveryCompleted",
    "PasswordUpdated",
    "RequestSmsMfaRegistration",
    "UpdateAccountEmailAddress",
    "UpdateAccountName",
];

/// The class of an event.
pub fn classify(event_source: &str, event_name: &str) -> Class {
    match event_source {
        "sts.amazonaws.com" => match event_name {
            "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" | "AssumeRoot" => {
                Class::Authentication
            }
            _ => Class::ApiActivity,
        },
        "signin.amazonaws.com" | "account.amazonaws.com" => match event_name {
            "ConsoleLogin"
            | "CheckMfa"
            | "CredentialChallenge"
            | "CredentialVerification"
            | "UserAuthentication"
            | "ExternalIdPDirectoryLogin"
            | "SwitchRole"
            | "ExitRole" => Class::Authentication,
            name if ACCOUNT_CHANGES.contains(&name) => Class::AccountChange,
            _ => Class::ApiActivity,
        },
        "sso.amazonaws.com" if matches!(event_name, "Authenticate" | "Federate" | "Logout") => {
            Class::Authentication
        }
        "iam.amazonaws.com" if IAM_CHANGES.binary_search(&event_name).is_ok() => Class::AccountChange,
        _ => Class::ApiActivity,
    }
}

/// `activity_id` and, where OCSF has one, `activity_name`. For 99 the name is the event's own.
///
/// `read_only` is the record's flag: where no verb of the name matches, it tells a read.
pub fn activity(class: Class, event_name: &str, read_only: bool) -> (i32, Option<&'static str>) {
    match class {
        Class::ApiActivity => api_activity(event_name, read_only),
        Class::Authentication => match event_name {
            "ConsoleLogin"
            | "AssumeRole"
            | "AssumeRoleWithSAML"
            | "AssumeRoleWithWebIdentity"
            | "AssumeRoot"
            | "SwitchRole"
            | "Authenticate"
            | "Federate" => (1, Some("Logon")),
            "ExitRole" | "Logout" => (2, Some("Logoff")),
            _ => (99, None),
        },
        Class::AccountChange => account_change(event_name),
    }
}

fn account_change(event_name: &str) -> (i32, Option<&'static str>) {
    match event_name {
        "ChangePassword" | "PasswordUpdated" => (3, Some("Password Change")),
        "PasswordRecoveryCompleted" => (4, Some("Password Reset")),
        "EnableMFADevice" => (10, Some("MFA Factor Enable")),
        "DeactivateMFADevice" => (11, Some("MFA Factor Disable")),
        "PutGroupPolicy" | "PutRolePolicy" | "PutUserPolicy" | "AddUserToGroup" => (7, Some("Attach Policy")),
        name if has_verb(name, "Create") => (1, Some("Create")),
        name if has_verb(name, "Delete") => (6, Some("Delete")),
        name if has_verb(name, "Attach") => (7, Some("Attach Policy")),
        name if has_verb(name, "Detach") || has_verb(name, "Remove") => (8, Some("Detach Policy")),
        _ => (99, None),
    }
}

/// First words of event names and the API Activity that they tell.
const VERBS: &[(&str, i32)] = &[
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

fn api_activity(event_name: &str, read_only: bool) -> (i32, Option<&'static str>) {
    let word = first_word(event_name);
    let of_verb =
        VERBS.iter().find(|(verb, _)| verb.len() == word.len() && verb.as_bytes().eq_ignore_ascii_case(word));
    match of_verb.map_or(if read_only { 2 } else { 99 }, |(_, activity_id)| *activity_id) {
        1 => (1, Some("Create")),
        2 => (2, Some("Read")),
        3 => (3, Some("Update")),
        4 => (4, Some("Delete")),
        _ => (99, None),
    }
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
    fn classes() {
        for (source, name, class) in [
            ("sts.amazonaws.com", "AssumeRoleWithSAML", Class::Authentication),
            ("sts.amazonaws.com", "GetCallerIdentity", Class::ApiActivity),
            ("signin.amazonaws.com", "ConsoleLogin", Class::Authentication),
            ("signin.amazonaws.com", "PasswordUpdated", Class::AccountChange),
            ("iam.amazonaws.com", "CreateUser", Class::AccountChange),
            ("iam.amazonaws.com", "GetUser", Class::ApiActivity),
            ("transfer.amazonaws.com", "CreateUser", Class::ApiActivity),
        ] {
            assert_eq!(classify(source, name), class, "{source} {name}");
        }
    }

    #[test]
    fn the_list_of_changes_is_sorted_for_the_search() {
        assert!(IAM_CHANGES.is_sorted());
    }

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
            assert_eq!(activity(class, name, read_only).0, id, "{name}");
        }
    }
}
