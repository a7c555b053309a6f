//! `user` and `dst_endpoint`: whom and what it was done to; and what `requestParameters` and `responseElements` say
//! besides.
//!
//! | class | OCSF | raw |
//! |---|---|---|
//! | Authentication by `AssumeRole*` | `user.uuid`, `user.name` | `requestParameters.roleArn` (`AssumeRoot`: `targetPrincipal`), `.roleSessionName` |
//! | Authentication otherwise | `user.uuid`, `user.uid` | `userIdentity.arn`, `userIdentity.principalId` |
//! | Authentication | `dst_endpoint.svc_name` | `eventSource`, where there is no `additionalEventData.LoginTo` |
//! | | `status` | `responseElements.ConsoleLogin` |
//! | Account Change | `user.name` | `requestParameters.userName` or `.roleName`, `responseElements.user.userName` or `.role.roleName`, `requestParameters.groupName` or `.instanceProfileName` |
//! | | `user.uid` | `responseElements.user.userId` or `.role.roleId` |
//!
//! What went to a column, and what repeats the name that is in `user.name`, is not in `unmapped`; all other leaves
//! are.

use shared::json::{Kind, Raw};
use shared::ocsf::MAX_STRING;
use shared::record::members;
use shared::rows::Rows;

use super::Mapping;
use crate::class::Class;
use crate::common::first_of;
use crate::event::{Event, scalar};
use crate::record::Record;

const REQUEST: &str = "requestParameters";
const RESPONSE: &str = "responseElements";

/// Those of the values that say just what `said` says, which a column holds whole.
fn repeated<'a, const N: usize>(said: Option<Raw<'a>>, values: [Option<Raw<'a>>; N]) -> [Option<Raw<'a>>; N] {
    let said = scalar(said).filter(|text| text.len() <= MAX_STRING);
    values.map(|value| value.filter(|value| said.is_some() && value.scalar() == said))
}

impl Mapping {
    pub(super) fn target(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        match event.class {
            Class::ApiActivity => {
                self.common.leave(REQUEST, record.request_parameters());
                self.common.leave(RESPONSE, record.response_elements());
            }
            Class::Authentication => {
                if event.name.starts_with("AssumeRo") {
                    self.assumed(rows, record);
                } else {
                    self.signed_in(rows, record, event);
                }
                // Required, and only console sign-ins name it.
                self.common.copy(rows, self.common.leaves.dst_endpoint_svc_name, record.event_source());
            }
            Class::AccountChange => self.changed(rows, record),
        }
    }

    fn assumed(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let common = &mut self.common;
        let request = record.request_parameters();
        let [role, principal, name] = members(request, ["roleArn", "targetPrincipal", "roleSessionName"]);
        let (role, name) = (first_of([role, principal]), first_of([name]));
        common.copy(rows, common.leaves.user_arn, role);
        common.copy(rows, common.leaves.user_name, name);
        match (role, name) {
            (None, None) => common.caller_as_user(rows, record),
            (Some(_), None) => common.copy(rows, common.leaves.user_id, role), // OCSF wants a name or a uid
            _ => {}
        }
        let ([role], [name]) = (repeated(role, [role]), repeated(name, [name]));
        self.leave_but(REQUEST, request, &[role, name], &[]);
        self.common.leave(RESPONSE, record.response_elements());
    }

    fn signed_in(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        let response = record.response_elements();
        let [answer] = members(response, ["ConsoleLogin"]);
        let is_status = |answer: &Raw<'_>| answer.is("Success") || answer.is("Failure");
        let answer = answer.filter(is_status).filter(|_| event.name == "ConsoleLogin");
        self.common.caller_as_user(rows, record);
        self.common.leave(REQUEST, record.request_parameters());
        self.leave_but(RESPONSE, response, &[answer], &[]);
    }

    fn changed(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let common = &mut self.common;
        let (request, response) = (record.request_parameters(), record.response_elements());
        let [user_name, role_name, group, profile] =
            members(request, ["userName", "roleName", "groupName", "instanceProfileName"]);
        let [user, role] = members(response, ["user", "role"]);
        let [new_user_name, user_id] = members(user, ["userName", "userId"]);
        let [new_role_name, role_id, path, description] =
            members(role, ["roleName", "roleId", "path", "description"]);
        let name = first_of([user_name, role_name, new_user_name, new_role_name, group, profile]);
        let id = first_of([user_id, role_id]);
        common.copy(rows, common.leaves.user_name, name);
        common.copy(rows, common.leaves.user_id, id);
        if name.is_none() && id.is_none() {
            common.caller_as_user(rows, record);
        }
        // AWS takes the description of a service role for its name; where it is, it is not told twice.
        let description = description.filter(|_| path.is_some_and(|path| path.is("/service-role/")));
        let [user_name, role_name, group, profile] = repeated(name, [user_name, role_name, group, profile]);
        let [new_user_name, new_role_name, description] =
            repeated(name, [new_user_name, new_role_name, description]);
        let [user_id, role_id] = repeated(id, [user_id, role_id]);
        self.leave_but(REQUEST, request, &[user_name, role_name, group, profile], &[]);
        self.leave_but(
            RESPONSE,
            response,
            &[new_user_name, new_role_name, description, user_id, role_id],
            &[("responseElements.user", user), ("responseElements.role", role)],
        );
    }

    /// Leaves to `unmapped` what is in `value`, but for the places `taken`. These are members of `value` or of one
    /// of the objects `inside` it, which come with their paths.
    fn leave_but(
        &mut self,
        path: &str,
        value: Option<Raw<'_>>,
        taken: &[Option<Raw<'_>>],
        inside: &[(&str, Option<Raw<'_>>)],
    ) {
        let is_same = |a: Raw<'_>, b: &Option<Raw<'_>>| b.is_some_and(|b| std::ptr::eq(a.text, b.text));
        let Some(value) = value else { return };
        if value.kind != Kind::Object {
            self.common.unmapped.add(path, value);
            return;
        }
        let (mut cursor, mut first) = (value.cursor(), true);
        while let Ok(Some(name)) = cursor.next_member(&mut first) {
            let Ok(member) = cursor.value() else { break };
            if taken.iter().any(|taken| is_same(member, taken)) {
                continue;
            }
            match inside.iter().find(|(_, object)| is_same(member, object)) {
                Some((path, _)) => self.leave_but(path, Some(member), taken, &[]),
                None => self.common.unmapped.add_member(path, name, member),
            }
        }
    }
}
