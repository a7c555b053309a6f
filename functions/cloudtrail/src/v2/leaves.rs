//! The leaves of a CloudTrail table of source version 2.0, found once.

use shared::ocsf::Observables;
use shared::rows::{Leaf, List, Rows, RowsError};

macro_rules! leaves {
    ($($field:ident: $kind:ty = $path:literal,)*) => {
        /// A handle to every leaf; the path is the field's name in OCSF.
        #[derive(Debug)]
        pub(super) struct Leaves {
            $(pub(super) $field: Leaf<$kind>,)*
            pub(super) resources: List,
            pub(super) observables: Observables,
        }

        impl Leaves {
            pub(super) fn new(rows: &Rows) -> Result<Self, RowsError> {
                Ok(Self {
                    $($field: rows.leaf($path)?,)*
                    resources: rows.list("resources")?,
                    observables: Observables::new(rows)?,
                })
            }
        }
    };
}

leaves! {
    metadata_product_version: str = "metadata.product.version",
    metadata_product_feature_name: str = "metadata.product.feature.name",
    metadata_event_code: str = "metadata.event_code",
    metadata_uid: str = "metadata.uid",
    time: i64 = "time",
    time_dt: i64 = "time_dt",
    cloud_region: str = "cloud.region",
    api_response_error: str = "api.response.error",
    api_response_message: str = "api.response.message",
    api_response_data: str = "api.response.data",
    api_operation: str = "api.operation",
    api_version: str = "api.version",
    api_service_name: str = "api.service.name",
    api_request_data: str = "api.request.data",
    api_request_uid: str = "api.request.uid",
    dst_endpoint_svc_name: str = "dst_endpoint.svc_name",
    actor_user_type: str = "actor.user.type",
    actor_user_type_id: i32 = "actor.user.type_id",
    actor_user_name: str = "actor.user.name",
    actor_user_uid_alt: str = "actor.user.uid_alt",
    actor_user_uid: str = "actor.user.uid",
    actor_user_account_uid: str = "actor.user.account.uid",
    actor_user_credential_uid: str = "actor.user.credential_uid",
    actor_session_created_time_dt: i64 = "actor.session.created_time_dt",
    actor_session_is_mfa: bool = "actor.session.is_mfa",
    actor_session_issuer: str = "actor.session.issuer",
    actor_invoked_by: str = "actor.invoked_by",
    actor_idp_name: str = "actor.idp.name",
    actor_idp_uid: str = "actor.idp.uid",
    http_request_user_agent: str = "http_request.user_agent",
    src_endpoint_uid: str = "src_endpoint.uid",
    src_endpoint_ip: str = "src_endpoint.ip",
    src_endpoint_domain: str = "src_endpoint.domain",
    src_endpoint_svc_name: str = "src_endpoint.svc_name",
    session_uid: str = "session.uid",
    session_uid_alt: str = "session.uid_alt",
    session_credential_uid: str = "session.credential_uid",
    session_issuer: str = "session.issuer",
    policy_uid: str = "policy.uid",
    resource_uid: str = "resources[].uid",
    resource_owner_account_uid: str = "resources[].owner.account.uid",
    resource_type: str = "resources[].type",
    class_name: str = "class_name",
    class_uid: i32 = "class_uid",
    category_name: str = "category_name",
    category_uid: i32 = "category_uid",
    severity_id: i32 = "severity_id",
    user_uid_alt: str = "user.uid_alt",
    user_uid: str = "user.uid",
    user_name: str = "user.name",
    activity_name: str = "activity_name",
    activity_id: i32 = "activity_id",
    type_uid: i64 = "type_uid",
    type_name: str = "type_name",
    status: str = "status",
    status_id: i32 = "status_id",
    is_mfa: bool = "is_mfa",
    service_name: str = "service.name",
}
