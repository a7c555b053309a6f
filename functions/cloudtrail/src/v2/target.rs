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
//! OCSF requires `user` in both classes; where the record names no target the caller is it. The raw members stay in
//! `api.request.data` and `api.response.data`, so nothing here takes anything away from `unmapped`.

use shared::json::Raw;
use shared::record::members;
use shared::rows::Rows;

use super::Mapping;
use crate::class::Class;
use crate::common::first_of;
use crate::event::Event;
use crate::record::Record;

impl Mapping {
    pub(super) fn target(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        let (request, response) = (record.request_parameters(), record.response_elements());
        let mut has_user = false;
        match event.class {
            Class::ApiActivity => return,
            Class::Authentication => {
                self.common.copy(rows, self.leaves.service_name, record.event_source());
                if event.name.starts_with("AssumeRo") {
                    has_user = self.assumed(rows, request, response);
                }
            }
            Class::AccountChange => has_user = self.changed(rows, request, response),
        }
        if !has_user {
            self.common.caller_as_user(rows, record);
        }
    }

    fn assumed(&mut self, rows: &mut Rows, request: Option<Raw<'_>>, response: Option<Raw<'_>>) -> bool {
        let (common, leaves) = (&mut self.common, &self.leaves);
        let [role, principal, name] = members(request, ["roleArn", "targetPrincipal", "roleSessionName"]);
        let (role, name) = (first_of([role, principal]), first_of([name]));
        common.copy(rows, common.leaves.user_arn, role);
        common.user_name(rows, name);
        let [assumed, credentials, issuer, provider] =
            members(response, ["assumedRoleUser", "credentials", "issuer", "provider"]);
        let [arn, id] = members(assumed, ["arn", "assumedRoleId"]);
        let [access_key] = members(credentials, ["accessKeyId"]);
        common.copy(rows, leaves.session_uid, arn);
        common.copy(rows, leaves.session_uid_alt, id);
        common.copy(rows, leaves.session_credential_uid, access_key);
        common.copy(rows, leaves.session_issuer, first_of([issuer, provider]));
        role.is_some() || name.is_some()
    }

    fn changed(&mut self, rows: &mut Rows, request: Option<Raw<'_>>, response: Option<Raw<'_>>) -> bool {
        let (common, leaves) = (&mut self.common, &self.leaves);
        let [user_name, role_name, group, profile, policy] =
            members(request, ["userName", "roleName", "groupName", "instanceProfileName", "policyArn"]);
        let [user, role] = members(response, ["user", "role"]);
        let [new_user_name, user_arn, user_id] = members(user, ["userName", "arn", "userId"]);
        let [new_role_name, role_arn, role_id] = members(role, ["roleName", "arn", "roleId"]);
        let name = first_of([user_name, role_name, new_user_name, new_role_name, group, profile]);
        let uid = first_of([user_arn, role_arn]);
        common.user_name(rows, name);
        common.copy(rows, common.leaves.user_arn, uid);
        common.copy(rows, common.leaves.user_id, first_of([user_id, role_id]));
        common.copy(rows, leaves.policy_uid, policy);
        name.is_some() || uid.is_some()
    }
}
