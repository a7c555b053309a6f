//! The leaves of the table of source version 2.0, found once.

use shared::leaves;
use shared::ocsf::Observables;
use shared::rows::{Leaf, List, Rows, RowsError};

leaves! {
    metadata_log_level: str = "metadata.log_level",
    metadata_product_version: str = "metadata.product.version",
    metadata_log_name: str = "metadata.log_name",
    api_request_uid: str = "api.request.uid",
    api_operation: str = "api.operation",
    api_version: str = "api.version",
    api_response_code: i32 = "api.response.code",
    api_response_message: str = "api.response.message",
    api_response_error: str = "api.response.error",
    api_response_error_message: str = "api.response.error_message",
    api_group_name: str = "api.group.name",
    message: str = "message",
    http_request_url_path: str = "http_request.url.path",
    http_request_user_agent: str = "http_request.user_agent",
    actor_user_name: str = "actor.user.name",
    actor_user_uid: str = "actor.user.uid",
    actor_user_group_name: str = "actor.user.groups[].name",
    actor_session_credential_uid: str = "actor.session.credential_uid",
    actor_session_issuer: str = "actor.session.issuer",
    actor_session_uid: str = "actor.session.uid",
    cloud_account_uid: str = "cloud.account.uid",
    src_endpoint_ip: str = "src_endpoint.ip",
    src_endpoint_intermediate_ip: str = "src_endpoint.intermediate_ips[]",
    src_endpoint_name: str = "src_endpoint.name",
    resource_namespace: str = "resources[].namespace",
    resource_name: str = "resources[].name",
    resource_uid: str = "resources[].uid",
    resource_version: str = "resources[].version",
    resource_type: str = "resources[].type",
    start_time_dt: i64 = "start_time_dt",
    time_dt: i64 = "time_dt",
    time: i64 = "time",
    activity_name: str = "activity_name",
    activity_id: i32 = "activity_id",
    type_name: str = "type_name",
    type_uid: i64 = "type_uid",
    ;
    actor_user_groups = "actor.user.groups",
    src_endpoint_intermediate_ips = "src_endpoint.intermediate_ips",
    resources = "resources",
    ;
    observables: Observables,
}

/// The leaves of a list of containers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContainerLeaves {
    pub(crate) list: List,
    pub(crate) name: Leaf<str>,
    pub(crate) image_name: Leaf<str>,
    pub(crate) image_path: Leaf<str>,
    pub(crate) image_uid: Leaf<str>,
}

impl ContainerLeaves {
    /// Finds the leaves of the list at `path`.
    pub(crate) fn new(rows: &Rows, path: &str) -> Result<Self, RowsError> {
        Ok(Self {
            list: rows.list(path)?,
            name: rows.leaf(&format!("{path}[].name"))?,
            image_name: rows.leaf(&format!("{path}[].image.name"))?,
            image_path: rows.leaf(&format!("{path}[].image.path"))?,
            image_uid: rows.leaf(&format!("{path}[].image.uid"))?,
        })
    }
}
