//! The leaves that tables of source version 2.0 alone have, found once.

use shared::leaves;

leaves! {
    metadata_event_code: str = "metadata.event_code",
    time_dt: i64 = "time_dt",
    api_request_data: str = "api.request.data",
    api_response_data: str = "api.response.data",
    session_uid: str = "session.uid",
    session_uid_alt: str = "session.uid_alt",
    session_credential_uid: str = "session.credential_uid",
    session_issuer: str = "session.issuer",
    policy_uid: str = "policy.uid",
    type_uid: i64 = "type_uid",
    service_name: str = "service.name",
}
