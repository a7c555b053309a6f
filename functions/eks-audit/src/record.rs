//! An audit event as Kubernetes documents it ("kube-apiserver Audit Configuration (v1)"), borrowed from the text it
//! was read from, in one pass over all its levels.
//!
//! See [`mod@shared::record`].

use shared::record;

record! {
    /// One event, or a list of them. Members are in the order that the API server writes them.
    Record {
        /// `kind`: `Event`, or `EventList`.
        kind = "kind",
        /// `apiVersion`: `audit.k8s.io/v1`; absent in an event of a list.
        api_version = "apiVersion",
        /// `metadata`: of a list, and of events before `v1`.
        metadata = "metadata",
        /// `level`: `Metadata`, `Request`, `RequestResponse`.
        level = "level",
        /// `timestamp`: when the request came in, before `v1beta1` had `requestReceivedTimestamp` for it.
        timestamp = "timestamp",
        /// `auditID`: one a request, so each stage of it has the same.
        audit_id = "auditID",
        /// `stage`: `RequestReceived`, `ResponseStarted`, `ResponseComplete`, `Panic`.
        stage = "stage",
        /// `requestURI`, with the query.
        request_uri = "requestURI",
        /// `verb`: Kubernetes' own, or the HTTP method in small letters for URLs that are no resource's.
        verb = "verb",
        /// `impersonatedUser`: on whose behalf the user acted.
        impersonated_user = "impersonatedUser",
        /// `sourceIPs`: the client, then the proxies on the way.
        source_ips = "sourceIPs",
        /// `userAgent`
        user_agent = "userAgent",
        /// `requestObject`: free-form; from level `Request` on.
        request_object = "requestObject",
        /// `responseObject`: free-form; of level `RequestResponse`.
        response_object = "responseObject",
        /// `requestReceivedTimestamp`: `2026-03-14T09:05:00.123456Z`
        request_received_timestamp = "requestReceivedTimestamp",
        /// `stageTimestamp`: when the request reached this stage.
        stage_timestamp = "stageTimestamp",
        /// `annotations`: what the plugins on the way noted: `authorization.k8s.io/decision`.
        annotations = "annotations",
        /// `items`: the events of a list.
        items = "items",
        ;
        /// `user`: who asked.
        user: User = "user",
        /// `objectRef`: what the request is about; absent for URLs that are no resource's.
        object_ref: ObjectRef = "objectRef",
        /// `responseStatus`
        response_status: ResponseStatus = "responseStatus",
    }
}

record! {
    /// `user`
    User {
        /// `username`: `kubernetes-admin`, `system:node:…`, `system:serviceaccount:…`
        username = "username",
        /// `uid`: `aws-iam-authenticator:<account>:<id of the role or user>`
        uid = "uid",
        /// `groups`
        groups = "groups",
        ;
        /// `extra`
        extra: Extra = "extra",
    }
}

record! {
    /// `user.extra`: lists of texts, these written by EKS for callers that it knows by IAM.
    Extra {
        /// `accessKeyId`
        access_key_id = "accessKeyId",
        /// `arn`: of the role session or user.
        arn = "arn",
        /// `canonicalArn`: of the role or user.
        canonical_arn = "canonicalArn",
        /// `principalId`
        principal_id = "principalId",
        /// `sessionName`
        session_name = "sessionName",
    }
}

record! {
    /// `objectRef`
    ObjectRef {
        /// `resource`: `pods`
        resource = "resource",
        /// `namespace`
        namespace = "namespace",
        /// `name`; absent where the request is about a collection.
        name = "name",
        /// `uid`
        uid = "uid",
        /// `apiGroup`; absent for the core group.
        api_group = "apiGroup",
        /// `apiVersion`: `v1`
        api_version = "apiVersion",
        /// `resourceVersion`
        resource_version = "resourceVersion",
        /// `subresource`: `log`, `exec`, `status`
        subresource = "subresource",
    }
}

record! {
    /// `responseStatus`
    ResponseStatus {
        /// `metadata`: empty as a rule.
        metadata = "metadata",
        /// `status`: `Success`, `Failure`
        status = "status",
        /// `message`
        message = "message",
        /// `reason`: `Forbidden`
        reason = "reason",
        /// `details`: free-form.
        details = "details",
        /// `code`: of HTTP.
        code = "code",
    }
}

impl Record<'_> {
    /// True if this is an audit event: it says so, or has the id that only audit events have.
    pub fn is_audit_event(&self) -> bool {
        let is_event = self.kind().is_none_or(|kind| kind.is("Event"));
        let version = self.api_version().and_then(|version| version.scalar());
        match version.as_deref() {
            Some(version) => is_event && version.starts_with("audit.k8s.io/"),
            None => is_event && self.audit_id().is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::json::Cursor;

    use super::*;

    fn is_audit_event(text: &str) -> bool {
        let mut record = Record::default();
        record.read(&mut Cursor::new(text)).unwrap();
        record.is_audit_event()
    }

    #[test]
    fn audit_events_are_told_from_other_objects() {
        assert!(is_audit_event(r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1beta1"}"#));
        assert!(is_audit_event(r#"{"level":"Metadata","auditID":"1"}"#));
        for other in [
            "{}",
            r#"{"kind":"Event","apiVersion":"v1","auditID":"1"}"#,
            r#"{"kind":"Policy","apiVersion":"audit.k8s.io/v1"}"#,
            r#"{"kind":"Event"}"#,
        ] {
            assert!(!is_audit_event(other), "{other}");
        }
    }

    #[test]
    fn levels_are_read_in_one_pass() {
        let text =
            r#"{"user":{"extra":{"arn":["a"],"x":["y"]}},"objectRef":{"name":"n"},"responseStatus":"odd"}"#;
        let mut record = Record::default();
        record.read(&mut Cursor::new(text)).unwrap();
        assert_eq!(record.user.extra.arn().map(|arn| arn.text), Some(r#"["a"]"#));
        assert_eq!((record.user.extra.rest.len(), record.rest.len()), (1, 1));
        assert!(record.object_ref.name().is_some() && !record.response_status.is_present());
    }
}
