//! `user`: whom it was done to.

use shared::json::Raw;
use shared::ocsf::ObservableType;
use shared::rows::Rows;

use super::Common;
use crate::class::Version;
use crate::record::Record;

/// The first that is a scalar and not empty.
pub(crate) fn first_of<'a, const N: usize>(candidates: [Option<Raw<'a>>; N]) -> Option<Raw<'a>> {
    candidates.into_iter().flatten().find(|value| value.is_scalar() && !value.text.is_empty())
}

impl Common {
    /// The caller as `user`: OCSF requires one in Authentication and Account Change, and where the record names no
    /// target the caller is it, as in AWS's rows of sign-ins and in IAM's own rule for calls without a user name.
    pub(crate) fn caller_as_user(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let identity = &record.user_identity;
        self.copy(rows, self.leaves.user_arn, identity.arn());
        self.copy(rows, self.leaves.user_id, identity.principal_id());
        let uid = match self.version {
            Version::V1 => identity.principal_id(),
            Version::V2 => identity.arn(),
        };
        if uid.is_some_and(|value| value.is_scalar()) {
            return;
        }
        // OCSF wants a name or a uid.
        match first_of([
            identity.user_name(),
            identity.invoked_by(),
            identity.principal_id(),
            identity.arn(),
            identity.kind(),
        ]) {
            Some(name) => self.copy(rows, self.leaves.user_name, Some(name)),
            None => rows.text(self.leaves.user_name, "Unknown"),
        }
    }

    /// Writes the name of the user.
    pub(crate) fn user_name(&mut self, rows: &mut Rows, name: Option<Raw<'_>>) {
        let Some(name) = name else { return };
        self.copy(rows, self.leaves.user_name, Some(name));
        self.observe_value(rows, "user.name", ObservableType::UserName, name);
    }
}
