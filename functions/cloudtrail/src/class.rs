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
            "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" | "AssumeRoot" => Class::Authentication,
            _ => Class::ApiActivity,
        },
        "signin.amazonaws.com" | "account.amazonaws.com" => match event_name {
            "ConsoleLogin" | "CheckMfa" | "CredentialChallenge" | "CredentialVerification" | "UserAuthentication"
            | "ExternalIdPDirectoryLogin" | "SwitchRole" | "ExitRole" => Class::Authentication,
            name if ACCOUNT_CHANGES.contains(&name) => Class::AccountChange,
            _ => Class::ApiActivity,
        },
        "sso.amazonaws.com" if matches!(event_name, "Authenticate" | "Federate" | "Logout") => Class::Authentication,
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
            "ConsoleLogin" | "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" | "AssumeRoot"
            | "SwitchRole" | "Authenticate" | "Federate" => (1, Some("Logon")),
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

const CREATE: &[&str] = &["Create", "Run", "Import", "Allocate", "Copy", "Restore", "BatchCreate"];
const READ: &[&str] =
    &["Get", "List", "Describe", "Search", "Lookup", "Head", "BatchGet", "BatchDescribe", "Query", "Scan", "Select"];
const UPDATE: &[&str] = &[
    "Update", "Put", "Modify", "Add", "Remove", "Start", "Stop", "Attach", "Detach", "Associate", "Disassociate", "Tag",
    "Untag", "Enable", "Disable", "Register", "Deregister", "Set", "Replace", "Reset", "Change", "Authorize", "Revoke",
    "Rotate", "Assign", "Unassign",
];
const DELETE: &[&str] = &["Delete", "Terminate", "BatchDelete"];

fn api_activity(event_name: &str, read_only: bool) -> (i32, Option<&'static str>) {
    let is = |verbs: &[&str]| verbs.iter().any(|verb| has_verb(event_name, verb));
    if is(READ) {
        (2, Some("Read"))
    } else if is(CREATE) {
        (1, Some("Create"))
    } else if is(UPDATE) {
        (3, Some("Update"))
    } else if is(DELETE) {
        (4, Some("Delete"))
    } else if read_only {
        (2, Some("Read"))
    } else {
        (99, None)
    }
}

/// True if the name begins with the verb as a word of its own: `GetUser` has `Get`, `Getaway` has not. Some
/// services write the first letter small.
fn has_verb(event_name: &str, verb: &str) -> bool {
    let Some((start, rest)) = event_name.split_at_checked(verb.len()) else { return false };
    let (start, verb) = (start.as_bytes(), verb.as_bytes());
    start[0].eq_ignore_ascii_case(&verb[0])
        && start[1..] == verb[1..]
        && !rest.starts_with(|next: char| next.is_ascii_lowercase())
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
