//! The leaves that tables of both source versions have, found once.
//!
//! A leaf is named by what it holds where the versions have it under different paths.

use shared::ocsf::Observables;
use shared::rows::{Leaf, List, Rows, RowsError};

use crate::class::Version;

macro_rules! leaves {
    ($($field:ident: $kind:ty = $path:literal $(in 2.0, $old_path:literal in 1.0)?,)*) => {
        /// A handle to every leaf that the tables of both source versions have.
        #[derive(Debug)]
        pub(crate) struct Leaves {
            $(pub(crate) $field: Leaf<$kind>,)*
            pub(crate) resources: List,
            /// In source version 2.0 alone.
            pub(crate) idp_uid: Option<Leaf<str>>,
            /// In source version 2.0 alone.
            pub(crate) observables: Option<Observables>,
        }

        impl Leaves {
            pub(crate) fn new(rows: &Rows, version: Version) -> Result<Self, RowsError> {
                let is_old = version == Version::V1;
                Ok(Self {
                    $($field: rows.leaf(match is_old {
                        $(true => $old_path,)?
                        _ => $path,
                    })?,)*
                    resources: rows.list("resources")?,
                    idp_uid: if is_old { None } else { Some(rows.leaf("actor.idp.uid")?) },
                    observables: if is_old { None } else { Some(Observables::new(rows)?) },
                })
            }
        }
    };
}

leaves! {
    metadata_product_version: str = "metadata.product.version",
    metadata_product_feature_name: str = "metadata.product.feature.name",
    metadata_uid: str = "metadata.uid",
    time: i64 = "time",
    cloud_region: str = "cloud.region",
    api_response_error: str = "api.response.error",
    api_response_message: str = "api.response.message",
    api_operation: str = "api.operation",
    api_version: str = "api.version",
    api_service_name: str = "api.service.name",
    api_request_uid: str = "api.request.uid",
    dst_endpoint_svc_name: str = "dst_endpoint.svc_name",
    caller_type: str = "actor.user.type",
    caller_type_id: i32 = "actor.user.type_id",
    caller_name: str = "actor.user.name",
    caller_arn: str = "actor.user.uid" in 2.0, "actor.user.uuid" in 1.0,
    caller_id: str = "actor.user.uid_alt" in 2.0, "actor.user.uid" in 1.0,
    caller_account: str = "actor.user.account.uid" in 2.0, "actor.user.account_uid" in 1.0,
    caller_credential: str = "actor.user.credential_uid",
    session_time: i64 = "actor.session.created_time_dt" in 2.0, "actor.session.created_time" in 1.0,
    session_mfa: bool = "actor.session.is_mfa" in 2.0, "actor.session.mfa" in 1.0,
    session_issuer: str = "actor.session.issuer",
    invoked_by: str = "actor.invoked_by",
    idp_name: str = "actor.idp.name",
    http_request_user_agent: str = "http_request.user_agent",
    src_endpoint_uid: str = "src_endpoint.uid",
    src_endpoint_ip: str = "src_endpoint.ip",
    src_endpoint_domain: str = "src_endpoint.domain",
    src_endpoint_svc_name: str = "src_endpoint.svc_name",
    resource_uid: str = "resources[].uid",
    resource_account: str = "resources[].owner.account.uid" in 2.0, "resources[].account_uid" in 1.0,
    resource_type: str = "resources[].type",
    class_name: str = "class_name",
    class_uid: i32 = "class_uid",
    category_name: str = "category_name",
    category_uid: i32 = "category_uid",
    user_arn: str = "user.uid" in 2.0, "user.uuid" in 1.0,
    user_id: str = "user.uid_alt" in 2.0, "user.uid" in 1.0,
    user_name: str = "user.name",
    activity_name: str = "activity_name",
    activity_id: i32 = "activity_id",
    type_name: str = "type_name",
    status: str = "status",
    status_id: i32 = "status_id",
    mfa: bool = "is_mfa" in 2.0, "mfa" in 1.0,
}
