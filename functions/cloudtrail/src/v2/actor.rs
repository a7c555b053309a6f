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

use shared::json::Raw;
use shared::ocsf::{self, ObservableType};
use shared::rows::Rows;
use shared::time;

use super::{Event, Mapping, is_service_event, scalar};
use crate::record::{Record, SessionContext, UserIdentity};

impl Mapping {
    pub(super) fn actor(
        &mut self,
        rows: &mut Rows,
        record: &Record<'_>,
        additional_user_name: Option<Raw<'_>>,
        event: &Event<'_>,
    ) {
        let identity = &record.user_identity;
        let user_name = identity.user_name().filter(Raw::is_scalar);
        let name = user_name.or(additional_user_name);
        if user_name.is_some() {
            self.leave("additionalEventData.UserName", additional_user_name);
        }
        self.user(rows, identity, name);
        self.session_context(rows, &identity.session_context);
        self.put(rows, self.leaves.actor_invoked_by, "userIdentity.invokedBy", identity.invoked_by());
        self.identity_provider(rows, identity);
        self.leave_rest("userIdentity", &identity.rest);
        self.complete_actor(rows, record, name, event);
    }

    fn user(&mut self, rows: &mut Rows, identity: &UserIdentity<'_>, name: Option<Raw<'_>>) {
        if let Some(kind) = scalar(identity.kind()) {
            rows.int(self.leaves.actor_user_type_id, ocsf::user_type_id(&kind));
        }
        for (leaf, path, value) in [
            (self.leaves.actor_user_type, "userIdentity.type", identity.kind()),
            (self.leaves.actor_user_uid, "userIdentity.arn", identity.arn()),
            (self.leaves.actor_user_uid_alt, "userIdentity.principalId", identity.principal_id()),
            (self.leaves.actor_user_name, "userIdentity.userName", name),
            (self.leaves.actor_user_account_uid, "userIdentity.accountId", identity.account_id()),
            (self.leaves.actor_user_credential_uid, "userIdentity.accessKeyId", identity.access_key_id()),
        ] {
            self.put(rows, leaf, path, value);
        }
        if let Some(name) = name {
            let text = ocsf::bounded(name.as_text(&mut self.scratch).unwrap_or_default());
            self.leaves.observables.push(rows, "actor.user.name", ObservableType::UserName, text);
        }
        self.leave("userIdentity.userName", identity.user_name().filter(|name| !name.is_scalar()));
        let path = "userIdentity.credentialId";
        match identity.access_key_id() {
            None => self.put(rows, self.leaves.actor_user_credential_uid, path, identity.credential_id()),
            Some(_) => self.leave(path, identity.credential_id()),
        }
    }

    fn session_context(&mut self, rows: &mut Rows, context: &SessionContext<'_>) {
        if !context.is_present() {
            return;
        }
        let path = "userIdentity.sessionContext.sessionIssuer.arn";
        self.put(rows, self.leaves.actor_session_issuer, path, context.session_issuer.arn());
        let attributes = &context.attributes;
        match scalar(attributes.creation_date()).as_deref().and_then(time::parse_rfc3339) {
            Some(millis) => rows.long(self.leaves.actor_session_created_time_dt, millis),
            None => {
                self.leave("userIdentity.sessionContext.attributes.creationDate", attributes.creation_date());
            }
        }
        match scalar(attributes.mfa_authenticated()).as_deref() {
            Some(flag @ ("true" | "false")) => rows.boolean(self.leaves.actor_session_is_mfa, flag == "true"),
            _ => self.leave(
                "userIdentity.sessionContext.attributes.mfaAuthenticated",
                attributes.mfa_authenticated(),
            ),
        }
        self.leave_rest("userIdentity.sessionContext.sessionIssuer", &context.session_issuer.rest);
        self.leave_rest("userIdentity.sessionContext.attributes", &attributes.rest);
        self.leave_rest(
            "userIdentity.sessionContext.webIdFederationData",
            &context.web_id_federation_data.rest,
        );
        self.leave_rest("userIdentity.sessionContext", &context.rest);
    }

    fn identity_provider(&mut self, rows: &mut Rows, identity: &UserIdentity<'_>) {
        let (leaf, path) = (self.leaves.actor_idp_name, "userIdentity.identityProvider");
        match identity.session_context.web_id_federation_data.federated_provider() {
            None => self.put(rows, leaf, path, identity.identity_provider()),
            provider => {
                self.put(
                    rows,
                    leaf,
                    "userIdentity.sessionContext.webIdFederationData.federatedProvider",
                    provider,
                );
                self.leave(path, identity.identity_provider());
            }
        }
        let person = &identity.on_behalf_of;
        if !person.is_present() {
            return;
        }
        let path = "userIdentity.onBehalfOf.userId";
        match identity.principal_id() {
            None => self.put(rows, self.leaves.actor_user_uid_alt, path, person.user_id()),
            Some(_) => self.leave(path, person.user_id()),
        }
        let path = "userIdentity.onBehalfOf.identityStoreArn";
        self.put(rows, self.leaves.actor_idp_uid, path, person.identity_store_arn());
        self.leave_rest("userIdentity.onBehalfOf", &person.rest);
    }

    /// Sees to it that the actor is someone, and the user, if there is one, too.
    fn complete_actor(
        &mut self,
        rows: &mut Rows,
        record: &Record<'_>,
        name: Option<Raw<'_>>,
        event: &Event<'_>,
    ) {
        let identity = &record.user_identity;
        let is_there = |value: Option<Raw<'_>>| value.is_some_and(|value| value.is_scalar());
        if name.is_some() || is_there(identity.arn()) || is_there(identity.account_id()) {
            return;
        }
        let has_user = is_there(identity.kind())
            || is_there(identity.principal_id())
            || is_there(identity.access_key_id())
            || is_there(identity.credential_id())
            || is_there(identity.on_behalf_of.user_id());
        if !has_user && is_there(identity.invoked_by()) {
            return; // the service that called is the actor
        }
        let name =
            [identity.invoked_by(), identity.principal_id(), identity.kind()].into_iter().find_map(scalar);
        let own = if is_service_event(record, event) { event.source.clone() } else { "Unknown".into() };
        rows.text(self.leaves.actor_user_name, ocsf::bounded(&name.unwrap_or(own)));
    }

    fn leave(&mut self, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.unmapped.add(path, value);
        }
    }

    fn leave_rest(&mut self, path: &str, rest: &[(Raw<'_>, Raw<'_>)]) {
        for (name, value) in rest {
            self.unmapped.add_member(path, *name, *value);
        }
    }
}
