//! `userIdentity` to `actor`: who did it.
//!
//! | raw, below `userIdentity` | OCSF, below `actor` | note |
//! |---|---|---|
//! | `type` | `user.type`, `user.type_id` | |
//! | `arn`, `principalId` | `user.uid`, `user.uid_alt` | |
//! | `userName` | `user.name` | else `additionalEventData.UserName` |
//! | `accountId` | `user.account.uid` | |
//! | `accessKeyId`, else `credentialId` | `user.credential_uid` | |
//! | `onBehalfOf.userId` | `user.uid_alt` | where `principalId` is absent |
//! | `onBehalfOf.identityStoreArn` | `idp.uid` | |
//! | `sessionContext.webIdFederationData.federatedProvider`, else `identityProvider` | `idp.name` | |
//! | `sessionContext.attributes.creationDate` | `session.created_time_dt` | |
//! | `sessionContext.attributes.mfaAuthenticated` | `session.is_mfa` | |
//! | `sessionContext.sessionIssuer.arn` | `session.issuer` | |
//! | `invokedBy` | `invoked_by` | |
//!
//! OCSF wants a user to have a name, a uid or an account, and an actor to be someone. AWS's services as callers
//! have only a type and `invokedBy`, which then is the user's name too; a caller of whom nothing is known is
//! `Unknown`.

use shared::json::{Kind, Raw};
use shared::ocsf::{self, ObservableType};
use shared::rows::Rows;
use shared::time;

use super::{Event, Mapping, is_scalar, plain};
use crate::record::{Record, SessionContext, UserIdentity};

/// `userIdentity`, read.
#[derive(Debug, Default)]
pub struct Identity<'a> {
    /// Its members.
    pub members: UserIdentity<'a>,
    context: SessionContext<'a>,
}

impl Mapping {
    pub(super) fn actor<'a>(
        &mut self,
        rows: &mut Rows,
        record: &Record<'a>,
        identity: &mut Identity<'a>,
        additional_user_name: Option<Raw<'a>>,
        event: &Event<'_>,
    ) {
        if let Some(value) = record.user_identity.filter(|value| value.kind != Kind::Object) {
            self.unmapped.add("userIdentity", value);
        }
        let user_name = identity.members.user_name.filter(|name| is_scalar(*name));
        let name = user_name.or(additional_user_name);
        if user_name.is_some() && let Some(other) = additional_user_name {
            self.unmapped.add("additionalEventData.UserName", other);
        }
        self.user(rows, identity, name);
        let has_session = self.session_context(rows, identity);
        self.put(rows, self.leaves.actor_invoked_by, "userIdentity.invokedBy", identity.members.invoked_by);
        self.identity_provider(rows, identity);
        for (member, value) in &identity.members.rest {
            self.unmapped.add_member("userIdentity", *member, *value);
        }
        self.complete_actor(rows, record, identity, name, has_session, event);
    }

    fn user(&mut self, rows: &mut Rows, identity: &Identity<'_>, name: Option<Raw<'_>>) {
        let members = &identity.members;
        if let Some(kind) = plain(members.kind) {
            rows.int(self.leaves.actor_user_type_id, ocsf::user_type_id(kind));
        }
        for (leaf, path, value) in [
            (self.leaves.actor_user_type, "userIdentity.type", members.kind),
            (self.leaves.actor_user_uid, "userIdentity.arn", members.arn),
            (self.leaves.actor_user_uid_alt, "userIdentity.principalId", members.principal_id),
            (self.leaves.actor_user_name, "userIdentity.userName", name),
            (self.leaves.actor_user_account_uid, "userIdentity.accountId", members.account_id),
        ] {
            self.put(rows, leaf, path, value);
        }
        if let Some(name) = name {
            let text = ocsf::bounded(name.as_text(&mut self.scratch).unwrap_or_default());
            self.leaves.observables.push(rows, "actor.user.name", ObservableType::UserName, text);
        }
        if let Some(other) = members.user_name.filter(|name| !is_scalar(*name)) {
            self.unmapped.add("userIdentity.userName", other);
        }
        let credential = self.leaves.actor_user_credential_uid;
        self.put(rows, credential, "userIdentity.accessKeyId", members.access_key_id);
        match members.access_key_id {
            None => self.put(rows, credential, "userIdentity.credentialId", members.credential_id),
            Some(_) => self.leave("userIdentity.credentialId", members.credential_id),
        }
    }

    /// True if `actor.session` has a member.
    fn session_context<'a>(&mut self, rows: &mut Rows, identity: &mut Identity<'a>) -> bool {
        let Some(context) = identity.members.session_context else { return false };
        if context.kind != Kind::Object || identity.context.read(&mut context.cursor()).is_err() {
            self.unmapped.add("userIdentity.sessionContext", context);
            return false;
        }
        let mut has_session = false;
        let path = "userIdentity.sessionContext.attributes";
        self.each_member(path, identity.context.attributes, |mapping, name, value| match name {
            "creationDate" => plain(Some(value)).and_then(time::parse_rfc3339).is_some_and(|millis| {
                rows.long(mapping.leaves.actor_session_created_time_dt, millis);
                has_session = true;
                true
            }),
            "mfaAuthenticated" if matches!(plain(Some(value)), Some("true" | "false")) => {
                rows.boolean(mapping.leaves.actor_session_is_mfa, value.text == "true");
                has_session = true;
                true
            }
            _ => false,
        });
        let path = "userIdentity.sessionContext.sessionIssuer";
        self.each_member(path, identity.context.session_issuer, |mapping, name, value| {
            let is_issuer = name == "arn" && is_scalar(value);
            if is_issuer {
                mapping.put(rows, mapping.leaves.actor_session_issuer, "userIdentity.sessionContext.sessionIssuer.arn", Some(value));
                has_session = true;
            }
            is_issuer
        });
        for (name, value) in &identity.context.rest {
            self.unmapped.add_member("userIdentity.sessionContext", *name, *value);
        }
        has_session
    }

    fn identity_provider(&mut self, rows: &mut Rows, identity: &Identity<'_>) {
        let mut provider = None;
        let federation = "userIdentity.sessionContext.webIdFederationData";
        self.each_member(federation, identity.context.web_id_federation_data, |_, name, value| {
            let is_provider = name == "federatedProvider" && is_scalar(value);
            if is_provider {
                provider = Some(value);
            }
            is_provider
        });
        let leaf = self.leaves.actor_idp_name;
        self.put(rows, leaf, "userIdentity.sessionContext.webIdFederationData.federatedProvider", provider);
        let path = "userIdentity.identityProvider";
        match provider {
            None => self.put(rows, leaf, path, identity.members.identity_provider),
            Some(_) => self.leave(path, identity.members.identity_provider),
        }
        let takes_user_id = identity.members.principal_id.is_none();
        self.each_member("userIdentity.onBehalfOf", identity.members.on_behalf_of, |mapping, name, value| {
            match name {
                "userId" if takes_user_id && is_scalar(value) => {
                    mapping.put(rows, mapping.leaves.actor_user_uid_alt, "userIdentity.onBehalfOf.userId", Some(value));
                }
                "identityStoreArn" if is_scalar(value) => {
                    let path = "userIdentity.onBehalfOf.identityStoreArn";
                    mapping.put(rows, mapping.leaves.actor_idp_uid, path, Some(value));
                }
                _ => return false,
            }
            true
        });
    }

    /// Sees to it that the actor is someone, and the user, if there is one, too.
    fn complete_actor(
        &mut self,
        rows: &mut Rows,
        record: &Record<'_>,
        identity: &Identity<'_>,
        name: Option<Raw<'_>>,
        has_session: bool,
        event: &Event<'_>,
    ) {
        let members = &identity.members;
        let scalar = |value: &Option<Raw<'_>>| value.is_some_and(is_scalar);
        if name.is_some() || scalar(&members.arn) || scalar(&members.account_id) {
            return;
        }
        let has_user = [&members.kind, &members.principal_id, &members.access_key_id, &members.credential_id]
            .into_iter()
            .any(scalar)
            || members.on_behalf_of.is_some();
        let has_other = scalar(&members.invoked_by) || has_session;
        if !has_user && has_other {
            return;
        }
        let name = plain(members.invoked_by).or_else(|| plain(members.principal_id)).or_else(|| plain(members.kind));
        let is_service_event = plain(record.event_type) == Some("AwsServiceEvent") && !event.source.is_empty();
        let name = name.unwrap_or(if is_service_event { event.source } else { "Unknown" });
        rows.text(self.leaves.actor_user_name, ocsf::bounded(name));
    }

    /// Hands each member of an object to `take`; what it does not take, and what is no object, stays unmapped.
    fn each_member<'a>(
        &mut self,
        path: &str,
        value: Option<Raw<'a>>,
        mut take: impl FnMut(&mut Self, &str, Raw<'a>) -> bool,
    ) {
        let Some(value) = value else { return };
        if value.kind != Kind::Object {
            self.unmapped.add(path, value);
            return;
        }
        let (mut cursor, mut first) = (value.cursor(), true);
        while let Ok(Some(name)) = cursor.next_member(&mut first) {
            let Ok(member) = cursor.value() else { break };
            if !take(self, name.text, member) {
                self.unmapped.add_member(path, name, member);
            }
        }
    }

    fn leave(&mut self, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.unmapped.add(path, value);
        }
    }
}
