//! A CloudTrail record as AWS documents it (CloudTrail user guide, "CloudTrail record contents" and "CloudTrail
//! userIdentity element"), borrowed from the text it was read from.
//!
//! Members that the mapping treats one by one have a field; all others are kept in `rest`. Nothing is dropped and
//! no member has to have its documented type.

use shared::json::{Cursor, Error, Kind, Raw};

macro_rules! record {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident = $member:literal,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Default)]
        pub struct $name<'a> {
            $($(#[$inner])* pub $field: Option<Raw<'a>>,)*
            /// Members without a field: name and value.
            pub rest: Vec<(Raw<'a>, Raw<'a>)>,
        }

        impl<'a> $name<'a> {
            /// Reads the object at the cursor into `self`, replacing what was there. `null` members count as
            /// absent.
            ///
            /// # Errors
            /// As [`Cursor::value`].
            pub fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Error> {
                $(self.$field = None;)*
                self.rest.clear();
                let mut first = true;
                while let Some(name) = cursor.next_member(&mut first)? {
                    let value = cursor.value()?;
                    match name.text {
                        _ if value.kind == Kind::Null => {}
                        $($member if self.$field.is_none() => self.$field = Some(value),)*
                        _ => self.rest.push((name, value)),
                    }
                }
                Ok(())
            }
        }
    };
}

record! {
    /// One record.
    Record {
        /// `additionalEventData`: free-form.
        additional_event_data = "additionalEventData",
        /// `apiVersion`
        api_version = "apiVersion",
        /// `awsRegion`
        aws_region = "awsRegion",
        /// `errorCode`
        error_code = "errorCode",
        /// `errorMessage`
        error_message = "errorMessage",
        /// `eventCategory`: `Management`, `Data`, `Insight`, `NetworkActivity`; absent before event version 1.07.
        event_category = "eventCategory",
        /// `eventID`
        event_id = "eventID",
        /// `eventName`
        event_name = "eventName",
        /// `eventSource`: `iam.amazonaws.com`
        event_source = "eventSource",
        /// `eventTime`: `2026-03-14T09:05:00Z`
        event_time = "eventTime",
        /// `eventType`: `AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn`, `AwsCloudTrailInsight`, …
        event_type = "eventType",
        /// `eventVersion`
        event_version = "eventVersion",
        /// `managementEvent`
        management_event = "managementEvent",
        /// `readOnly`
        read_only = "readOnly",
        /// `recipientAccountId`
        recipient_account_id = "recipientAccountId",
        /// `requestID`
        request_id = "requestID",
        /// `requestParameters`: free-form.
        request_parameters = "requestParameters",
        /// `resources`: objects with `ARN`, `accountId` and `type`.
        resources = "resources",
        /// `responseElements`: free-form.
        response_elements = "responseElements",
        /// `sourceIPAddress`: an address, a service's host name, `AWS Internal`.
        source_ip_address = "sourceIPAddress",
        /// `userAgent`
        user_agent = "userAgent",
        /// `userIdentity`
        user_identity = "userIdentity",
        /// `vpcEndpointId`
        vpc_endpoint_id = "vpcEndpointId",
    }
}

record! {
    /// `userIdentity`
    UserIdentity {
        /// `accessKeyId`
        access_key_id = "accessKeyId",
        /// `accountId`
        account_id = "accountId",
        /// `arn`
        arn = "arn",
        /// `credentialId`: Identity Center.
        credential_id = "credentialId",
        /// `identityProvider`: SAML and web identity.
        identity_provider = "identityProvider",
        /// `invokedBy`: the service that made the call.
        invoked_by = "invokedBy",
        /// `onBehalfOf`: Identity Center; `userId` and `identityStoreArn`.
        on_behalf_of = "onBehalfOf",
        /// `principalId`
        principal_id = "principalId",
        /// `sessionContext`
        session_context = "sessionContext",
        /// `type`: `Root`, `IAMUser`, `AssumedRole`, …
        kind = "type",
        /// `userName`
        user_name = "userName",
    }
}

record! {
    /// `userIdentity.sessionContext`
    SessionContext {
        /// `attributes`: `creationDate` and `mfaAuthenticated`.
        attributes = "attributes",
        /// `sessionIssuer`: the role or user that issued the session.
        session_issuer = "sessionIssuer",
        /// `webIdFederationData`: `federatedProvider` and attributes.
        web_id_federation_data = "webIdFederationData",
    }
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
        assert_eq!(record.event_name.map(|value| value.text), Some("A"));
        assert_eq!(record.event_id.map(|value| (value.kind, value.text)), Some((Kind::Number, "7")));
        assert_eq!(record.user_identity.map(|value| value.kind), Some(Kind::String));
        assert!(record.error_code.is_none());
        let rest: Vec<_> = record.rest.iter().map(|(name, value)| (name.text, value.text)).collect();
        assert_eq!(rest, [("later", r#"{"x":1}"#), ("eventName", "B")]);
    }
}
