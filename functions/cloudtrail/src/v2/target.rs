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
use shared::rows::{Leaf, Rows};

use super::actor::Identity;
use super::{Event, Mapping, is_scalar};
use crate::class::Class;
use crate::record::Record;

/// The first of the members that is a scalar and not empty.
fn first_of<'a, const N: usize>(parent: Option<Raw<'a>>, names: [&str; N]) -> Option<Raw<'a>> {
    let parent = parent?;
    names.into_iter().find_map(|name| parent.member(name).filter(|value| is_scalar(*value) && !value.text.is_empty()))
}

impl Mapping {
    pub(super) fn target(&mut self, rows: &mut Rows, record: &Record<'_>, identity: &Identity<'_>, event: &Event<'_>) {
        let (request, response) = (record.request_parameters, record.response_elements);
        let mut has_user = false;
        match event.class {
            Class::ApiActivity => return,
            Class::Authentication => {
                self.write_text(rows, self.leaves.service_name, record.event_source);
                if event.name.starts_with("AssumeRo") {
                    has_user = self.assumed(rows, request, response);
                }
            }
            Class::AccountChange => {
                has_user = self.changed(rows, request, response);
                self.write_text(rows, self.leaves.policy_uid, first_of(request, ["policyArn"]));
            }
        }
        if !has_user {
            self.caller(rows, identity);
        }
    }

    fn assumed(&mut self, rows: &mut Rows, request: Option<Raw<'_>>, response: Option<Raw<'_>>) -> bool {
        let role = first_of(request, ["roleArn", "targetPrincipal"]);
        let name = first_of(request, ["roleSessionName"]);
        self.write_text(rows, self.leaves.user_uid, role);
        self.user_name(rows, name);
        let member = |name| response.and_then(|response| response.member(name));
        let assumed = member("assumedRoleUser");
        self.write_text(rows, self.leaves.session_uid, first_of(assumed, ["arn"]));
        self.write_text(rows, self.leaves.session_uid_alt, first_of(assumed, ["assumedRoleId"]));
        let credential = first_of(member("credentials"), ["accessKeyId"]);
        self.write_text(rows, self.leaves.session_credential_uid, credential);
        self.write_text(rows, self.leaves.session_issuer, first_of(response, ["issuer", "provider"]));
        role.is_some() || name.is_some()
    }

    fn changed(&mut self, rows: &mut Rows, request: Option<Raw<'_>>, response: Option<Raw<'_>>) -> bool {
        let member = |name| response.and_then(|response: Raw<'_>| response.member(name));
        let (user, role) = (member("user"), member("role"));
        let name = first_of(request, ["userName", "roleName"])
            .or_else(|| first_of(user, ["userName"]))
            .or_else(|| first_of(role, ["roleName"]))
            .or_else(|| first_of(request, ["groupName", "instanceProfileName"]));
        let uid = first_of(user, ["arn"]).or_else(|| first_of(role, ["arn"]));
        let uid_alt = first_of(user, ["userId"]).or_else(|| first_of(role, ["roleId"]));
        self.user_name(rows, name);
        self.write_text(rows, self.leaves.user_uid, uid);
        self.write_text(rows, self.leaves.user_uid_alt, uid_alt);
        name.is_some() || uid.is_some()
    }

    /// The caller as `user`.
    fn caller(&mut self, rows: &mut Rows, identity: &Identity<'_>) {
        let members = &identity.members;
        let scalar = |value: Option<Raw<'_>>| value.is_some_and(is_scalar);
        self.write_text(rows, self.leaves.user_uid, members.arn);
        self.write_text(rows, self.leaves.user_uid_alt, members.principal_id);
        if scalar(members.arn) {
            return;
        }
        // OCSF wants a name or a uid.
        let name = [members.user_name, members.invoked_by, members.principal_id, members.kind];
        match name.into_iter().flatten().find(|name| is_scalar(*name) && !name.text.is_empty()) {
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
        if let Some(value) = value.filter(|value| is_scalar(*value)) {
            rows.text(leaf, ocsf::bounded(value.as_text(&mut self.scratch).unwrap_or_default()));
        }
    }
}
