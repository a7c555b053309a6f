//! A CloudTrail record as AWS documents it (CloudTrail user guide, "CloudTrail record contents" and "CloudTrail
//! userIdentity element"), borrowed from the text it was read from, in one pass over all its levels.
//!
//! Members that the mapping treats one by one have an accessor; all others are kept in `rest`. Nothing is dropped
//! and no member has to have its documented type.

use shared::json::{Cursor, Error, Kind, Raw};

/// An object's type: scalars and free-form members by accessor, documented objects as fields.
macro_rules! record {
    (
        $(#[$outer:meta])* $name:ident {
            $($(#[$inner:meta])* $member:ident = $text:literal,)*
            $(; $($(#[$nested_meta:meta])* $nested:ident: $kind:ident = $nested_text:literal,)*)?
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Default)]
        pub struct $name<'a> {
            values: [Option<Raw<'a>>; $name::NAMES.len()],
            present: bool,
            $($($(#[$nested_meta])* pub $nested: $kind<'a>,)*)?
            /// Members without an accessor, and objects that are none: name and value.
            pub rest: Vec<(Raw<'a>, Raw<'a>)>,
        }

        impl $name<'_> {
            const NAMES: &'static [&'static str] = &[$($text),*];
            const PLACES: Places = places(Self::NAMES);
        }

        impl<'a> $name<'a> {
            $(
                $(#[$inner])*
                pub fn $member(&self) -> Option<Raw<'a>> {
                    const INDEX: usize = index_of($name::NAMES, $text);
                    self.values[INDEX]
                }
            )*

            /// True if the record has this object.
            pub fn is_present(&self) -> bool {
                self.present
            }

            /// Forgets what was read and keeps the memory.
            pub fn clear(&mut self) {
                self.values = Default::default();
                self.present = false;
                self.rest.clear();
                $($(self.$nested.clear();)*)?
            }

            /// Reads the object at the cursor; [`Self::clear`] comes first. `null` members count as absent; of
            /// equal names the first counts and the others stay in `rest`.
            ///
            /// # Errors
            /// As [`Cursor::value`].
            pub fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Error> {
                self.present = true;
                let mut first = true;
                while let Some(name) = cursor.next_member(&mut first)? {
                    if let Some(index) = position(Self::NAMES, &Self::PLACES, &name.decoded()) {
                        let value = cursor.value()?;
                        match &mut self.values[index] {
                            _ if value.kind == Kind::Null => {}
                            place @ None => *place = Some(value),
                            Some(_) => self.rest.push((name, value)),
                        }
                        continue;
                    }
                    $($(
                        if name.is($nested_text) && !self.$nested.present && cursor.peek() == Some(b'{') {
                            self.$nested.read(cursor)?;
                            continue;
                        }
                    )*)?
                    let value = cursor.value()?;
                    if value.kind != Kind::Null {
                        self.rest.push((name, value));
                    }
                }
                Ok(())
            }
        }
    };
}

/// Where `name` stands in `names`, at compile time.
const fn index_of(names: &[&str], name: &str) -> usize {
    let mut index = 0;
    while !equal(names[index].as_bytes(), name.as_bytes()) {
        index += 1;
    }
    index
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}

/// A hash table from names to their place, made at compile time: 0 is empty, else the place plus one.
type Places = [u8; 64];

/// Length and outer letters tell the documented names apart as a rule.
const fn hash(name: &[u8]) -> usize {
    match name {
        [] => 0,
        [first, .., last] => name.len() * 5 + *first as usize * 3 + *last as usize,
        [only] => *only as usize,
    }
}

const fn places(names: &[&str]) -> Places {
    let (mut places, mut index) = ([0; 64], 0);
    while index < names.len() {
        let mut slot = hash(names[index].as_bytes()) % 64;
        while places[slot] != 0 {
            slot = (slot + 1) % 64;
        }
        index += 1;
        places[slot] = index as u8;
    }
    places
}

fn position(names: &[&str], places: &Places, name: &str) -> Option<usize> {
    let mut slot = hash(name.as_bytes()) % 64;
    loop {
        let index = usize::from(places[slot]).checked_sub(1)?;
        if names[index] == name {
            return Some(index);
        }
        slot = (slot + 1) % 64;
    }
}

record! {
    /// One record. Members are in the order that CloudTrail writes them.
    Record {
        /// `eventVersion`
        event_version = "eventVersion",
        /// `eventTime`: `2026-03-14T09:05:00Z`
        event_time = "eventTime",
        /// `eventSource`: `iam.amazonaws.com`
        event_source = "eventSource",
        /// `eventName`
        event_name = "eventName",
        /// `awsRegion`
        aws_region = "awsRegion",
        /// `sourceIPAddress`: an address, a service's host name, `AWS Internal`.
        source_ip_address = "sourceIPAddress",
        /// `userAgent`
        user_agent = "userAgent",
        /// `errorCode`
        error_code = "errorCode",
        /// `errorMessage`
        error_message = "errorMessage",
        /// `requestParameters`: free-form.
        request_parameters = "requestParameters",
        /// `responseElements`: free-form.
        response_elements = "responseElements",
        /// `additionalEventData`: free-form.
        additional_event_data = "additionalEventData",
        /// `requestID`
        request_id = "requestID",
        /// `eventID`
        event_id = "eventID",
        /// `readOnly`
        read_only = "readOnly",
        /// `resources`: objects with `ARN`, `accountId` and `type`.
        resources = "resources",
        /// `eventType`: `AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn`, `AwsCloudTrailInsight`, …
        event_type = "eventType",
        /// `apiVersion`
        api_version = "apiVersion",
        /// `managementEvent`
        management_event = "managementEvent",
        /// `recipientAccountId`
        recipient_account_id = "recipientAccountId",
        /// `vpcEndpointId`
        vpc_endpoint_id = "vpcEndpointId",
        /// `eventCategory`: `Management`, `Data`, `Insight`, `NetworkActivity`; absent before event version 1.07.
        event_category = "eventCategory",
        ;
        /// `userIdentity`
        user_identity: UserIdentity = "userIdentity",
    }
}

record! {
    /// `userIdentity`
    UserIdentity {
        /// `type`: `Root`, `IAMUser`, `AssumedRole`, …
        kind = "type",
        /// `principalId`
        principal_id = "principalId",
        /// `arn`
        arn = "arn",
        /// `accountId`
        account_id = "accountId",
        /// `accessKeyId`
        access_key_id = "accessKeyId",
        /// `userName`
        user_name = "userName",
        /// `invokedBy`: the service that made the call.
        invoked_by = "invokedBy",
        /// `identityProvider`: SAML and web identity.
        identity_provider = "identityProvider",
        /// `credentialId`: Identity Center.
        credential_id = "credentialId",
        ;
        /// `sessionContext`
        session_context: SessionContext = "sessionContext",
        /// `onBehalfOf`: Identity Center.
        on_behalf_of: OnBehalfOf = "onBehalfOf",
    }
}

record! {
    /// `userIdentity.sessionContext`
    SessionContext {
        ;
        /// `sessionIssuer`: the role or user that issued the session.
        session_issuer: SessionIssuer = "sessionIssuer",
        /// `webIdFederationData`
        web_id_federation_data: WebIdFederationData = "webIdFederationData",
        /// `attributes`
        attributes: SessionAttributes = "attributes",
    }
}

record! {
    /// `userIdentity.sessionContext.sessionIssuer`
    SessionIssuer {
        /// `arn`
        arn = "arn",
    }
}

record! {
    /// `userIdentity.sessionContext.webIdFederationData`
    WebIdFederationData {
        /// `federatedProvider`
        federated_provider = "federatedProvider",
    }
}

record! {
    /// `userIdentity.sessionContext.attributes`
    SessionAttributes {
        /// `creationDate`
        creation_date = "creationDate",
        /// `mfaAuthenticated`: `true` or `false`, as text.
        mfa_authenticated = "mfaAuthenticated",
    }
}

record! {
    /// `userIdentity.onBehalfOf`
    OnBehalfOf {
        /// `userId`
        user_id = "userId",
        /// `identityStoreArn`
        identity_store_arn = "identityStoreArn",
    }
}

/// The members of those names of an object, in one pass; `None` for absent and `null` ones and for what is no
/// object. Of equal names the last counts.
pub fn members<'a, const N: usize>(parent: Option<Raw<'a>>, names: [&str; N]) -> [Option<Raw<'a>>; N] {
    let mut found = [None; N];
    let Some(parent) = parent.filter(|parent| parent.kind == Kind::Object) else { return found };
    let (mut cursor, mut first) = (parent.cursor(), true);
    while let Ok(Some(name)) = cursor.next_member(&mut first) {
        let Ok(value) = cursor.value() else { break };
        if let Some(index) = names.iter().position(|wanted| name.is(wanted)) {
            found[index] = Some(value).filter(|value| value.kind != Kind::Null);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_kept_whatever_its_type() {
        let text = r#"{"eventName":"A","eventID":7,"userIdentity":"root","later":{"x":1},"errorCode":null,"eventName":"B"} tail"#;
        let (mut record, mut cursor) = (Record::default(), Cursor::new(text));
        record.read(&mut cursor).unwrap();
        assert_eq!(cursor.between(cursor.offset(), text.len()), " tail");
        assert_eq!(record.event_name().map(|value| value.text), Some("A"));
        assert_eq!(record.event_id().map(|value| (value.kind, value.text)), Some((Kind::Number, "7")));
        assert!(record.error_code().is_none() && !record.user_identity.is_present());
        let rest: Vec<_> = record.rest.iter().map(|(name, value)| (name.text, value.text)).collect();
        assert_eq!(rest, [("userIdentity", "root"), ("later", r#"{"x":1}"#), ("eventName", "B")]);
    }

    #[test]
    fn objects_are_read_in_the_same_pass() {
        let text = r#"{"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"true","x":1},"sessionIssuer":{}},"arn":"a"}}"#;
        let mut record = Record::default();
        record.read(&mut Cursor::new(text)).unwrap();
        let context = &record.user_identity.session_context;
        assert_eq!(context.attributes.mfa_authenticated().map(|value| value.text), Some("true"));
        assert_eq!(context.attributes.rest.len(), 1);
        assert_eq!(record.user_identity.arn().map(|value| value.text), Some("a"));
        record.clear();
        assert!(
            record.user_identity.arn().is_none()
                && record.user_identity.session_context.attributes.rest.is_empty()
        );
    }

    #[test]
    fn escaped_names_are_names() {
        let mut record = Record::default();
        let text = r#"{"\u0065ventName":"A","user\u0049dentity":{"\u0061rn":"x"}}"#;
        record.read(&mut Cursor::new(text)).unwrap();
        assert_eq!(record.event_name().map(|value| value.text), Some("A"));
        assert_eq!(record.user_identity.arn().map(|value| value.text), Some("x"));
    }

    #[test]
    fn members_in_one_pass() {
        let object = Cursor::new(r#"{"a":1,"b":null,"c":"x","a":2}"#).value().ok();
        let [a, b, missing] = members(object, ["a", "b", "d"]);
        assert_eq!((a.map(|value| value.text), b, missing), (Some("2"), None, None));
    }
}
