//! `userIdentity` to `actor`: who did it.
//!
//! | raw, below `userIdentity` | OCSF 1.1.0, below `actor` | OCSF 1.0.0-rc.2 | note |
//! |---|---|---|---|
//! | `type` | `user.type`, `user.type_id` | the same | |
//! | `arn` | `user.uid` | `user.uuid` | |
//! | `principalId` | `user.uid_alt` | `user.uid` | |
//! | `userName` | `user.name` | the same | else `additionalEventData.UserName` |
//! | `accountId` | `user.account.uid` | `user.account_uid` | |
//! | `accessKeyId`, else `credentialId` | `user.credential_uid` | the same | |
//! | `onBehalfOf.userId` | `user.uid_alt` | `user.uid` | where `principalId` is absent |
//! | `onBehalfOf.identityStoreArn` | `idp.uid` | `unmapped` | |
//! | `sessionContext.webIdFederationData.federatedProvider`, else `identityProvider` | `idp.name` | the same | |
//! | `sessionContext.attributes.creationDate` | `session.created_time_dt` | `session.created_time` | |
//! | `sessionContext.attributes.mfaAuthenticated` | `session.is_mfa` | `session.mfa` | |
//! | `sessionContext.sessionIssuer.arn` | `session.issuer` | the same | |
//! | `invokedBy` | `invoked_by` | the same | |
//!
//! OCSF wants a user to have a name or a uid (1.1.0: or an account), and an actor to be someone. AWS's services as
//! callers have only a type and `invokedBy`, which then is the user's name too; a caller of whom nothing is known
//! is `Unknown`.

use shared::json::Raw;
use shared::ocsf::{self, ObservableType, PLAUSIBLE_TIMES};
use shared::rows::Rows;
use shared::time;

use super::Common;
use crate::class::Version;
use crate::event::{Event, scalar};
use crate::record::{Record, SessionContext, UserIdentity};

impl Common {
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
        self.caller(rows, identity, name);
        self.session_context(rows, &identity.session_context);
        self.put(rows, self.leaves.invoked_by, "userIdentity.invokedBy", identity.invoked_by());
        self.identity_provider(rows, identity);
        self.leave_rest("userIdentity", &identity.rest);
        self.complete_actor(rows, record, name, event);
    }

    fn caller(&mut self, rows: &mut Rows, identity: &UserIdentity<'_>, name: Option<Raw<'_>>) {
        if let Some(kind) = scalar(identity.kind()) {
            rows.int(self.leaves.caller_type_id, ocsf::user_type_id(&kind));
        }
        self.put(rows, self.leaves.caller_type, "userIdentity.type", identity.kind());
        self.put(rows, self.leaves.caller_arn, "userIdentity.arn", identity.arn());
        self.put(rows, self.leaves.caller_id, "userIdentity.principalId", identity.principal_id());
        self.put(rows, self.leaves.caller_name, "userIdentity.userName", name);
        self.put(rows, self.leaves.caller_account, "userIdentity.accountId", identity.account_id());
        self.put(rows, self.leaves.caller_credential, "userIdentity.accessKeyId", identity.access_key_id());
        if let Some(name) = name {
            self.observe_value(rows, "actor.user.name", ObservableType::UserName, name);
        }
        self.leave("userIdentity.userName", identity.user_name().filter(|name| !name.is_scalar()));
        let path = "userIdentity.credentialId";
        match identity.access_key_id() {
            None => self.put(rows, self.leaves.caller_credential, path, identity.credential_id()),
            Some(_) => self.leave(path, identity.credential_id()),
        }
    }

    fn session_context(&mut self, rows: &mut Rows, context: &SessionContext<'_>) {
        if !context.is_present() {
            return;
        }
        let issuer = &context.session_issuer;
        self.leave("userIdentity.sessionContext.sessionIssuer.type", issuer.kind());
        self.leave("userIdentity.sessionContext.sessionIssuer.principalId", issuer.principal_id());
        let path = "userIdentity.sessionContext.sessionIssuer.arn";
        self.put(rows, self.leaves.session_issuer, path, issuer.arn());
        self.leave("userIdentity.sessionContext.sessionIssuer.accountId", issuer.account_id());
        self.leave("userIdentity.sessionContext.sessionIssuer.userName", issuer.user_name());
        let attributes = &context.attributes;
        match scalar(attributes.creation_date()).as_deref().and_then(time::parse_rfc3339) {
            Some(millis) if PLAUSIBLE_TIMES.contains(&millis) => rows.long(self.leaves.session_time, millis),
            _ => {
                self.leave("userIdentity.sessionContext.attributes.creationDate", attributes.creation_date());
            }
        }
        match scalar(attributes.mfa_authenticated()).as_deref() {
            Some(flag @ ("true" | "false")) => rows.boolean(self.leaves.session_mfa, flag == "true"),
            _ => self.leave(
                "userIdentity.sessionContext.attributes.mfaAuthenticated",
                attributes.mfa_authenticated(),
            ),
        }
        self.leave_rest("userIdentity.sessionContext.sessionIssuer", &issuer.rest);
        self.leave_rest("userIdentity.sessionContext.attributes", &attributes.rest);
        self.leave_rest(
            "userIdentity.sessionContext.webIdFederationData",
            &context.web_id_federation_data.rest,
        );
        self.leave_rest("userIdentity.sessionContext", &context.rest);
    }

    fn identity_provider(&mut self, rows: &mut Rows, identity: &UserIdentity<'_>) {
        let (leaf, path) = (self.leaves.idp_name, "userIdentity.identityProvider");
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
            None => self.put(rows, self.leaves.caller_id, path, person.user_id()),
            Some(_) => self.leave(path, person.user_id()),
        }
        let path = "userIdentity.onBehalfOf.identityStoreArn";
        match self.leaves.idp_uid {
            Some(leaf) => self.put(rows, leaf, path, person.identity_store_arn()),
            None => self.leave(path, person.identity_store_arn()),
        }
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
        let has_id = match self.version {
            Version::V1 => {
                is_there(identity.principal_id())
                    || (identity.principal_id().is_none() && is_there(identity.on_behalf_of.user_id()))
            }
            Version::V2 => is_there(identity.arn()) || is_there(identity.account_id()),
        };
        if name.is_some() || has_id {
            return;
        }
        let has_user = is_there(identity.kind())
            || is_there(identity.arn())
            || is_there(identity.account_id())
            || is_there(identity.principal_id())
            || is_there(identity.access_key_id())
            || is_there(identity.credential_id())
            || is_there(identity.on_behalf_of.user_id());
        if !has_user && is_there(identity.invoked_by()) {
            return; // the service that called is the actor
        }
        let name = [identity.invoked_by(), identity.principal_id(), identity.arn(), identity.kind()]
            .into_iter()
            .find_map(scalar);
        let own = if event.is_of_service(record) { event.source.clone() } else { "Unknown".into() };
        rows.text(self.leaves.caller_name, ocsf::bounded(&name.unwrap_or(own)));
    }
}
