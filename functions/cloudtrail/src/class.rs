//! Which OCSF class a record belongs to, by event source and event name. See [`crate::activity`] for what it is about.
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
//! | API Activity 6003, in source version 1.0 3005 | | everything else |
//!
//! Sources: rows that AWS wrote (`amazon-security-lake-ocsf-validation`), the OCSF examples' mapping of
//! CloudTrail, classes `authentication`, `account_change` and `api_activity` of OCSF 1.0.0-rc.2 and 1.1.0.

/// A source version, and with it the version of OCSF that rows follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0, OCSF 1.0.0-rc.2.
    V1,
    /// 2.0, OCSF 1.1.0.
    V2,
}

/// An OCSF class with what depends on it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 6003, in source version 1.0 3005
    ApiActivity,
    /// 3002
    Authentication,
    /// 3001
    AccountChange,
}

impl Class {
    /// `class_uid`
    pub fn uid(self, version: Version) -> i32 {
        match (self, version) {
            (Self::ApiActivity, Version::V1) => 3005,
            (Self::ApiActivity, Version::V2) => 6003,
            (Self::Authentication, _) => 3002,
            (Self::AccountChange, _) => 3001,
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

    /// `category_uid` and `category_name`. OCSF 1.0.0-rc.2 has all three in one category.
    pub fn category(self, version: Version) -> (i32, &'static str) {
        match (self, version) {
            (_, Version::V1) => (3, "Audit Activity"),
            (Self::ApiActivity, Version::V2) => (6, "Application Activity"),
            (Self::Authentication | Self::AccountChange, Version::V2) => (3, "Identity & Access Management"),
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
}
