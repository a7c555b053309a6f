//! The part of the mapping that both source versions have in common.
//!
//! The versions differ in where some of it goes ([`leaves`]), in what counts as the identification of a user or an
//! endpoint, and in what becomes of `requestParameters` and `responseElements`, which their own modules see to.

mod actor;
mod leaves;
mod user;

use shared::json::{Kind, Raw};
use shared::ocsf::{self, ObservableType, Unmapped};
use shared::rows::{Leaf, Rows, RowsError};
use shared::table::TableDefinition;

pub(crate) use self::user::first_of;

use self::leaves::Leaves;
use crate::activity;
use crate::class::{Class, Version};
use crate::event::{Event, scalar};
use crate::record::Record;

/// Writes what both versions have, with memory that is used again for every record.
#[derive(Debug)]
pub(crate) struct Common {
    version: Version,
    pub(crate) leaves: Leaves,
    pub(crate) unmapped: Unmapped,
    scratch: String,
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub(crate) fn constants(
    table: &'static TableDefinition,
    profiles: &'static [&'static str],
    rows: &mut Rows,
) -> Result<(), RowsError> {
    for (path, value) in [
        ("metadata.product.name", "CloudTrail"),
        ("metadata.product.vendor_name", "AWS"),
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("severity", "Informational"),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    rows.constant_int(rows.leaf("severity_id")?, 1);
    rows.constant_list(rows.list("metadata.profiles")?, profiles);
    Ok(())
}

impl Common {
    /// The mapping to a table of that version, whose leaves are those of `rows`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub(crate) fn new(rows: &Rows, version: Version) -> Result<Self, RowsError> {
        Ok(Self {
            version,
            leaves: Leaves::new(rows, version)?,
            unmapped: Unmapped::new(rows)?,
            scratch: String::new(),
        })
    }

    /// Begins a row with all that needs nothing but this module. Returns `type_uid`.
    pub(crate) fn write(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) -> i32 {
        self.unmapped.clear();
        rows.long(self.leaves.time, event.millis);
        let type_uid = self.classification(rows, record, event);
        self.plain_members(rows, record);
        self.source_endpoint(rows, record, event);
        let additional = self.additional_event_data(rows, record, event);
        self.actor(rows, record, additional, event);
        self.resources(rows, record, event);
        rows.text(self.leaves.status, if event.failed { "Failure" } else { "Success" });
        rows.int(self.leaves.status_id, if event.failed { 2 } else { 1 });
        type_uid
    }

    /// Ends a row: what has no column, and what stands in for columns that the record did not fill.
    pub(crate) fn finish(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        for (name, value) in &record.rest {
            self.unmapped.add_member("", *name, *value);
        }
        self.unmapped.write(rows);
        rows.text(self.leaves.cloud_region, &event.region);
    }

    /// Class and activity.
    fn classification(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) -> i32 {
        let leaves = &self.leaves;
        let (category_uid, category_name) = event.class.category(self.version);
        let class_uid = event.class.uid(self.version);
        rows.text(leaves.class_name, event.class.name());
        rows.int(leaves.class_uid, class_uid);
        rows.text(leaves.category_name, category_name);
        rows.int(leaves.category_uid, category_uid);

        let read_only = scalar(record.read_only()).is_some_and(|flag| flag == "true");
        let activity = activity::activity(event.class, &event.name, read_only, self.version);
        // OCSF 1.1.0 wants the source's own word where it has none, 1.0.0-rc.2 the caption in any case.
        let has_word = self.version == Version::V2 && activity.id == activity::OTHER;
        rows.int(leaves.activity_id, activity.id);
        rows.text(leaves.activity_name, if has_word { ocsf::bounded(&event.name) } else { activity.caption });
        rows.text(leaves.type_name, activity.type_name);
        self.leave("readOnly", record.read_only());
        self.leave("managementEvent", record.management_event());
        class_uid * 100 + activity.id
    }

    /// Members that go to one leaf as they are.
    fn plain_members(&mut self, rows: &mut Rows, record: &Record<'_>) {
        self.put(rows, self.leaves.metadata_product_version, "eventVersion", record.event_version());
        self.put(rows, self.leaves.metadata_uid, "eventID", record.event_id());
        self.put(rows, self.leaves.metadata_product_feature_name, "eventCategory", record.event_category());
        self.put(rows, self.leaves.cloud_region, "awsRegion", record.aws_region());
        self.put(rows, self.leaves.api_operation, "eventName", record.event_name());
        self.put(rows, self.leaves.api_service_name, "eventSource", record.event_source());
        self.put(rows, self.leaves.api_version, "apiVersion", record.api_version());
        self.put(rows, self.leaves.api_request_uid, "requestID", record.request_id());
        self.put(rows, self.leaves.api_response_error, "errorCode", record.error_code());
        self.put(rows, self.leaves.api_response_message, "errorMessage", record.error_message());
        self.put(rows, self.leaves.http_request_user_agent, "userAgent", record.user_agent());
        self.put(rows, self.leaves.src_endpoint_uid, "vpcEndpointId", record.vpc_endpoint_id());
        if record.event_category().is_none() {
            rows.text(self.leaves.metadata_product_feature_name, "Management, Data, and Insights");
        }
        rows.text(self.leaves.api_request_uid, ""); // where there was none
        self.leave("recipientAccountId", record.recipient_account_id());
        self.leave("sharedEventID", record.shared_event_id());
        self.leave("tlsDetails", record.tls_details());
        self.leave("sessionCredentialFromConsole", record.session_credential_from_console());
    }

    fn source_endpoint(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        // OCSF 1.0.0-rc.2 does not count an endpoint's `uid` as an identification.
        let mut named =
            self.version == Version::V2 && record.vpc_endpoint_id().is_some_and(|value| value.is_scalar());
        match record.source_ip_address() {
            Some(value) if value.is_scalar() && !value.text.is_empty() => {
                named = true;
                let text = value.decoded();
                if ocsf::is_ip(&text) {
                    rows.text(self.leaves.src_endpoint_ip, &text);
                    self.observe(rows, "src_endpoint.ip", ObservableType::IpAddress, &text);
                } else {
                    self.put(rows, self.leaves.src_endpoint_domain, "sourceIPAddress", Some(value));
                    rows.text(self.leaves.src_endpoint_svc_name, ocsf::bounded(&text));
                    if ocsf::is_hostname(&text) {
                        self.observe(rows, "src_endpoint.domain", ObservableType::Hostname, &text);
                    }
                }
            }
            value => self.leave("sourceIPAddress", value),
        }
        if !named {
            // Required, and it needs an identification: a service that logs its own doing is its own source.
            let own = if event.is_of_service(record) { &event.source } else { "Unknown" };
            rows.text(self.leaves.src_endpoint_svc_name, own);
        }
    }

    /// Consumes `additionalEventData`; returns its `UserName`, which is the actor's if it has no other.
    fn additional_event_data<'a>(
        &mut self,
        rows: &mut Rows,
        record: &Record<'a>,
        event: &Event<'_>,
    ) -> Option<Raw<'a>> {
        let data = record.additional_event_data()?;
        if data.kind != Kind::Object {
            self.unmapped.add("additionalEventData", data);
            return None;
        }
        let authentication = event.class == Class::Authentication;
        let (mut user_name, mut login_to, mut mfa_used) = (None, None, None);
        let (mut cursor, mut first) = (data.cursor(), true);
        while let Ok(Some(name)) = cursor.next_member(&mut first) {
            let Ok(value) = cursor.value() else { break };
            let place = match name.decoded().as_ref() {
                "UserName" if value.kind == Kind::String => &mut user_name,
                "LoginTo" if authentication && value.kind == Kind::String => &mut login_to,
                "MFAUsed" if authentication && (value.is("Yes") || value.is("No")) => &mut mfa_used,
                _ => {
                    self.unmapped.add_member("additionalEventData", name, value);
                    continue;
                }
            };
            if place.is_some() {
                self.unmapped.add_member("additionalEventData", name, value); // the first of equal names counts
            } else {
                *place = Some(value);
            }
        }
        self.put(rows, self.leaves.dst_endpoint_svc_name, "additionalEventData.LoginTo", login_to);
        if let Some(used) = mfa_used {
            rows.boolean(self.leaves.mfa, used.is("Yes"));
        }
        user_name
    }

    fn resources(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        let Some(resources) = record.resources() else { return };
        if event.class != Class::ApiActivity || resources.kind != Kind::Array {
            self.unmapped.add("resources", resources);
            return;
        }
        let (mut cursor, mut first) = (resources.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            let Ok(resource) = cursor.value() else { break };
            self.resource(rows, resource);
        }
    }

    fn resource(&mut self, rows: &mut Rows, resource: Raw<'_>) {
        let (mut cursor, mut first) = (resource.cursor(), true);
        let (mut arn, mut arn_prefix, mut account, mut kind) = (None, None, None, None);
        while resource.kind == Kind::Object
            && let Ok(Some(name)) = cursor.next_member(&mut first)
        {
            let Ok(value) = cursor.value() else { break };
            let place = match name.decoded().as_ref() {
                _ if !value.is_scalar() => None,
                "ARN" => Some(&mut arn),
                "ARNPrefix" => Some(&mut arn_prefix),
                "accountId" => Some(&mut account),
                "type" => Some(&mut kind),
                _ => None,
            };
            match place {
                Some(place) if place.is_none() => *place = Some(value),
                _ => self.unmapped.add_member("resources[]", name, value),
            }
        }
        if resource.kind != Kind::Object {
            self.unmapped.add("resources[]", resource);
        }
        if arn.is_some() {
            self.leave("resources[].ARNPrefix", arn_prefix);
        }
        let Some(uid) = arn.or(arn_prefix) else {
            // Without an identification it is no resource of OCSF's.
            self.leave("resources[].accountId", account);
            self.leave("resources[].type", kind);
            return;
        };
        rows.element(self.leaves.resources);
        self.put(rows, self.leaves.resource_uid, "resources[].ARN", Some(uid));
        self.put(rows, self.leaves.resource_account, "resources[].accountId", account);
        self.put(rows, self.leaves.resource_type, "resources[].type", kind);
        self.observe_value(rows, "resources[].uid", ObservableType::ResourceUid, uid);
    }

    /// Writes a scalar to a text leaf. What the leaf cannot hold goes to `unmapped` under its raw path.
    #[inline(always)]
    pub(crate) fn put(&mut self, rows: &mut Rows, leaf: Leaf<str>, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.put_value(rows, leaf, path, value);
        }
    }

    fn put_value(&mut self, rows: &mut Rows, leaf: Leaf<str>, path: &str, value: Raw<'_>) {
        if !value.is_scalar() {
            self.unmapped.add(path, value);
            return;
        }
        let text = value.as_text(&mut self.scratch).unwrap_or_default();
        let bounded = ocsf::bounded(text);
        rows.text(leaf, bounded);
        if bounded.len() < text.len() {
            self.unmapped.add(path, value);
        }
    }

    /// Writes a scalar that has its place elsewhere too, so nothing is left over if it is cut.
    pub(crate) fn copy(&mut self, rows: &mut Rows, leaf: Leaf<str>, value: Option<Raw<'_>>) {
        if let Some(value) = value.filter(Raw::is_scalar) {
            rows.text(leaf, ocsf::bounded(value.as_text(&mut self.scratch).unwrap_or_default()));
        }
    }

    /// Writes a value to a text leaf as compact JSON.
    pub(crate) fn put_json(&mut self, rows: &mut Rows, leaf: Leaf<str>, value: Option<Raw<'_>>) {
        let Some(value) = value.filter(|value| !value.is_nothing()) else { return };
        if value.plain && value.kind != Kind::String {
            rows.text(leaf, value.text);
        } else {
            self.scratch.clear();
            value.write_compact(&mut self.scratch);
            rows.text(leaf, &self.scratch);
        }
    }

    /// Leaves a value to `unmapped`.
    pub(crate) fn leave(&mut self, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.unmapped.add(path, value);
        }
    }

    fn leave_rest(&mut self, path: &str, rest: &[(Raw<'_>, Raw<'_>)]) {
        for (name, value) in rest {
            self.unmapped.add_member(path, *name, *value);
        }
    }

    /// Adds an observable, where the version has them.
    fn observe(&self, rows: &mut Rows, name: &str, kind: ObservableType, text: &str) {
        if let Some(observables) = &self.leaves.observables {
            observables.push(rows, name, kind, ocsf::bounded(text));
        }
    }

    /// [`Common::observe`] of a scalar.
    fn observe_value(&mut self, rows: &mut Rows, name: &str, kind: ObservableType, value: Raw<'_>) {
        if let Some(observables) = &self.leaves.observables {
            let text = value.as_text(&mut self.scratch).unwrap_or_default();
            observables.push(rows, name, kind, ocsf::bounded(text));
        }
    }
}
