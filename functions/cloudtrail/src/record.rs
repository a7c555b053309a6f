//! A CloudTrail record as AWS documents it (CloudTrail user guide, "CloudTrail record contents" and "CloudTrail
//! userIdentity element"), borrowed from the text it was read from, in one pass over all its levels.
//!
//! See [`mod@shared::record`].

use shared::record;

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
        /// `sharedEventID`: the same in each account that an event is told to.
        shared_event_id = "sharedEventID",
        /// `vpcEndpointId`
        vpc_endpoint_id = "vpcEndpointId",
        /// `eventCategory`: `Management`, `Data`, `Insight`, `NetworkActivity`; absent before event version 1.07.
        event_category = "eventCategory",
        /// `tlsDetails`
        tls_details = "tlsDetails",
        /// `sessionCredentialFromConsole`
        session_credential_from_console = "sessionCredentialFromConsole",
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
        /// `type`: `Role`, `IAMUser`, …
        kind = "type",
        /// `principalId`
        principal_id = "principalId",
        /// `arn`
        arn = "arn",
        /// `accountId`
        account_id = "accountId",
        /// `userName`
        user_name = "userName",
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

#[cfg(test)]
mod tests {
    use shared::json::{Cursor, Kind};

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
}
