//! `user`, `session` and `policy`: whom it was done to.
//!
//! | class | OCSF | raw |
//! |---|---|---|
//! | Authentication by `AssumeRole*` | `user.uid`, `user.name` | `requestParameters.roleArn` (`AssumeRoot`: `targetPrincipal`), `.roleSessionName` |
//! | | `session.uid`, `.uid_alt`, `.credential_uid` | `responseElements.assumedRoleUser.arn`, `.assumedRoleId`, `responseElements.credentials.accessKeyId` |
//! | | `session.issuer` | `responseElements.issuer` (SAML), `responseElements.provider` (web identity) |
//! | Authentication otherwise | `user.uid`, `user.uid_alt` | `userIdentity.arn`, `userIdentity.principalId` |
//! | Account Change | `user.name` | `requestParameters.userName` or `.roleName`, `responseElements.user.userName` or `.role.roleName`, `requestParameters.groupName` or `.instanceProfileName` |
//! | | `user.uid`, `user.uid_alt` | `responseElements.user.arn` and `.userId`, or `responseElements.role.arn` and `.roleId` |
//! | | `policy.uid` | `requestParameters.policyArn` |
//!
//! OCSF requires `user` in both classes; where the record names no target the caller is it, as in AWS's rows of
//! sign-ins and in IAM's own rule for calls without a user name. The raw members stay in `api.request.data` and
//! `api.response.data`, so nothing here takes anything away from `unmapped`.

use shared::json::Raw;
use shared::ocsf::{self, ObservableType};
use shared::record::members;
use shared::rows::{Leaf, Rows};

use super::{Event, Mapping};
use crate::class::Class;
use crate::record::Record;

/// The first that is a scalar and not empty.
fn first_of<'a, const N: usize>(candidates: [Option<Raw<'a>>; N]) -> Option<Raw<'a>> {
    candidates.into_iter().flatten().find(|value| value.is_scalar() && !value.text.is_empty())
}

impl Mapping {
    pub(super) fn target(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        let (request, response) = (record.request_parameters(), record.response_elements());
        let mut has_user = false;
        match event.class {
            Class::ApiActivity => return,
            Class::Authentication => {
                self.write_text(rows, self.leaves.service_name, record.event_source());
                if event.name.starts_with("AssumeRo") {
                    has_user = self.assumed(rows, request, response);
                }
            }
            Class::AccountChange => has_user = self.changed(rows, request, response),
        }
        if !has_user {
            self.caller(rows, record);
        }
    }

    fn assumed(&mut self, rows: &mut Rows, request: Option<Raw<'_>>, response: Option<Raw<'_>>) -> bool {
        let [role, principal, name] = members(request, ["roleArn", "targetPrincipal", "roleSessionName"]);
        let (role, name) = (first_of([role, principal]), first_of([name]));
        self.write_text(rows, self.leaves.user_uid, role);
        self.user_name(rows, name);
        let [assumed, credentials, issuer, provider] =
            members(response, ["assumedRoleUser", "credentials", "issuer", "provider"]);
        let [arn, id] = members(assumed, ["arn", "assumedRoleId"]);
        let [access_key] = members(credentials, ["accessKeyId"]);
        self.write_text(rows, self.leaves.session_uid, arn);
        self.write_text(rows, self.leaves.session_uid_alt, id);
        self.write_text(rows, self.leaves.session_credential_uid, access_key);
        self.write_text(rows, self.leaves.session_issuer, first_of([issuer, provider]));
        role.is_some() || name.is_some()
    }

    fn changed(&mut self, rows: &mut Rows, request: Option<Raw<'_>>, response: Option<Raw<'_>>) -> bool {
        let [user_name, role_name, group, profile, policy] =
            members(request, ["userName", "roleName", "groupName", "instanceProfileName", "policyArn"]);
        let [user, role] = members(response, ["user", "role"]);
        let [new_user_name, user_arn, user_id] = members(user, ["userName", "arn", "userId"]);
        let [new_role_name, role_arn, role_id] = members(role, ["roleName", "arn", "roleId"]);
        let name = first_of([user_name, role_name, new_user_name, new_role_name, group, profile]);
        let uid = first_of([user_arn, role_arn]);
        self.user_name(rows, name);
        self.write_text(rows, self.leaves.user_uid, uid);
        self.write_text(rows, self.leaves.user_uid_alt, first_of([user_id, role_id]));
        self.write_text(rows, self.leaves.policy_uid, policy);
        name.is_some() || uid.is_some()
    }

    /// The caller as `user`.
    fn caller(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let identity = &record.user_identity;
        self.write_text(rows, self.leaves.user_uid, identity.arn());
        self.write_text(rows, self.leaves.user_uid_alt, identity.principal_id());
        if identity.arn().is_some_and(|value| value.is_scalar()) {
            return;
        }
        // OCSF wants a name or a uid.
        match first_of([
            identity.user_name(),
            identity.invoked_by(),
            identity.principal_id(),
            identity.kind(),
        ]) {
            Some(name) => self.write_text(rows, self.leaves.user_name, Some(name)),
            None => rows.text(self.leaves.user_name, "Unknown"),
        }
    }

    fn user_name(&mut self, rows: &mut Rows, name: Option<Raw<'_>>) {
        self.write_text(rows, self.leaves.user_name, name);
        if let Some(name) = name {
            let text = ocsf::bounded(name.as_text(&mut self.scratch).unwrap_or_default());
            self.leaves.observables.push(rows, "user.name", ObservableType::UserName, text);
        }
    }

    /// Writes a scalar that has its place elsewhere too, so nothing is left over if it is cut.
    fn write_text(&mut self, rows: &mut Rows, leaf: Leaf<str>, value: Option<Raw<'_>>) {
        if let Some(value) = value.filter(Raw::is_scalar) {
            rows.text(leaf, ocsf::bounded(value.as_text(&mut self.scratch).unwrap_or_default()));
        }
    }
}
