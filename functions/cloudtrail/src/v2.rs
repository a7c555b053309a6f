//! Source version 2.0: one record to one row of OCSF 1.1.0.
//!
//! Sources: the OCSF examples' mapping of CloudTrail for 1.1.0, the samples beside it, rows that AWS wrote, OCSF
//! 1.1.0. What is in no row of the table goes to `unmapped` under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `eventTime` | `time`, `time_dt` | a record without a plausible one is quarantined |
//! | `eventName` | `api.operation`, `activity_*`, `type_*` | see [`crate::class`]; required |
//! | `eventSource` | `api.service.name`; Authentication also `service.name` | |
//! | `awsRegion` | `cloud.region` | also the partition; else the object key's |
//! | `eventVersion`, `eventID`, `eventType` | `metadata.product.version`, `metadata.uid`, `metadata.event_code` | |
//! | `eventCategory` | `metadata.product.feature.name` | absent: `Management, Data, and Insights` |
//! | `apiVersion`, `userAgent`, `vpcEndpointId` | `api.version`, `http_request.user_agent`, `src_endpoint.uid` | |
//! | `requestID` | `api.request.uid` | required by OCSF: absent is the empty string, AWS writes `''` |
//! | `requestParameters`, `responseElements` | `api.request.data`, `api.response.data` | compact JSON text |
//! | `errorCode`, `errorMessage` | `api.response.error`, `api.response.message`, `status`, `status_id` | |
//! | `sourceIPAddress` | `src_endpoint.ip`, or `.domain` and `.svc_name` | 1.1.0 does not count `domain` as an identification |
//! | `userIdentity.*` | `actor.*` | see [`actor`] |
//! | `resources[]` | `resources[]` | API Activity only; an `ARNPrefix` serves where there is no `ARN` |
//! | `additionalEventData.LoginTo`, `.MFAUsed` | `dst_endpoint.svc_name`, `is_mfa` | Authentication only |
//! | `additionalEventData.UserName` | `actor.user.name` | where `userIdentity.userName` is absent |
//! | `requestParameters.*`, `responseElements.*` | `user.*`, `session.*`, `policy.uid` | see [`target`] |
//! | `recipientAccountId` | `unmapped` | also the partition; else the object key's, else the caller's |
//!
//! Where the published material contradicts itself or is silent:
//!
//! * `metadata.version` is OCSF's version; `eventVersion` is the product's.
//! * Authentication: `status` is what `responseElements.<eventName>` says, else as everywhere by the error. AWS's
//!   rows of version 1.0 say `Other` for `AssumeRole`.
//! * `actor.user.type` carries the raw type; its id is 99 unless OCSF has that caption.
//! * `user` of an Account Change is the account that changed: ARN in `uid`, id in `uid_alt`.
//! * A text longer than OCSF allows is cut in its column and whole in `unmapped`.

pub mod actor;
mod leaves;
pub mod target;

use std::borrow::Cow;

use shared::json::{Kind, Raw};
use shared::ocsf::{self, ObservableType, PLAUSIBLE_TIMES, Unmapped};
use shared::rows::{Leaf, Rows, RowsError};
use shared::source::{self, KeyFacts, Output, Rejection};
use shared::table::TableDefinition;
use shared::time;

use self::leaves::Leaves;
use crate::class::{self, Class};
use crate::record::Record;

/// The mapping, with memory that is used again for every record.
#[derive(Debug)]
pub struct Mapping {
    leaves: Leaves,
    unmapped: Unmapped,
    scratch: String,
    type_name: String,
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    for (path, value) in [
        ("metadata.product.name", "CloudTrail"),
        ("metadata.product.vendor_name", "AWS"),
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("severity", "Informational"),
        ("asl_version", table.version),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    rows.constant_list(rows.list("metadata.profiles")?, &["cloud", "datetime"]);
    Ok(())
}

/// What a record says beyond its members, worked out once.
struct Event<'a> {
    name: Cow<'a, str>,
    source: Cow<'a, str>,
    class: Class,
    failed: bool,
}

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        Ok(Self {
            leaves: Leaves::new(&rows)?,
            unmapped: Unmapped::new(&rows)?,
            scratch: String::new(),
            type_name: String::new(),
        })
    }

    /// Writes the record as a row of table `index`.
    ///
    /// # Errors
    /// Why the record has to go to quarantine.
    pub fn write(
        &mut self,
        record: &Record<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
        index: usize,
    ) -> Result<(), Rejection> {
        let millis = event_time(record)?;
        let name = scalar(record.event_name()).ok_or_else(|| Rejection {
            reason: "missing_event_name",
            detail: "eventName: expected a string, which OCSF requires as api.operation".to_owned(),
        })?;
        let source = scalar(record.event_source()).unwrap_or_default();
        let class = class::classify(&source, &name);
        let (region, account) = partition(record, facts)?;
        let event = Event { name, source, class, failed: record.error_code().is_some() };
        let rows = out.table(index);
        self.unmapped.clear();
        self.class(rows, &event);
        rows.long(self.leaves.time, millis);
        rows.long(self.leaves.time_dt, millis);
        self.activity(rows, record, &event);
        self.plain_members(rows, record);
        self.source_endpoint(rows, record, &event);
        let additional = self.additional_event_data(rows, record, &event);
        self.actor(rows, record, additional, &event);
        self.resources(rows, record, &event);
        self.target(rows, record, &event);
        self.status(rows, record, &event);
        for (name, value) in &record.rest {
            self.unmapped.add_member("", *name, *value);
        }
        self.unmapped.write(rows);

        rows.text(self.leaves.cloud_region, &region);
        out.end_row(index, &region, &account, millis);
        Ok(())
    }

    /// What depends on the class alone.
    fn class(&mut self, rows: &mut Rows, event: &Event<'_>) {
        let (category_uid, category_name) = event.class.category();
        rows.text(self.leaves.class_name, event.class.name());
        rows.int(self.leaves.class_uid, event.class.uid());
        rows.text(self.leaves.category_name, category_name);
        rows.int(self.leaves.category_uid, category_uid);
        rows.int(self.leaves.severity_id, 1);
    }

    fn activity(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        let read_only = scalar(record.read_only()).is_some_and(|flag| flag == "true");
        let (activity_id, activity_name) = class::activity(event.class, &event.name, read_only);
        rows.int(self.leaves.activity_id, activity_id);
        rows.text(self.leaves.activity_name, activity_name.unwrap_or_else(|| ocsf::bounded(&event.name)));
        rows.long(self.leaves.type_uid, i64::from(event.class.uid()) * 100 + i64::from(activity_id));
        self.type_name.clear();
        self.type_name.push_str(event.class.name());
        self.type_name.push_str(": ");
        self.type_name.push_str(activity_name.unwrap_or("Other"));
        rows.text(self.leaves.type_name, &self.type_name);
        for (member, value) in
            [("readOnly", record.read_only()), ("managementEvent", record.management_event())]
        {
            if let Some(value) = value {
                self.unmapped.add(member, value);
            }
        }
    }

    /// Members that go to one leaf as they are.
    fn plain_members(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let leaves = &self.leaves;
        let members = [
            (leaves.metadata_product_version, "eventVersion", record.event_version()),
            (leaves.metadata_uid, "eventID", record.event_id()),
            (leaves.metadata_event_code, "eventType", record.event_type()),
            (leaves.metadata_product_feature_name, "eventCategory", record.event_category()),
            (leaves.cloud_region, "awsRegion", record.aws_region()),
            (leaves.api_operation, "eventName", record.event_name()),
            (leaves.api_service_name, "eventSource", record.event_source()),
            (leaves.api_version, "apiVersion", record.api_version()),
            (leaves.api_request_uid, "requestID", record.request_id()),
            (leaves.api_response_error, "errorCode", record.error_code()),
            (leaves.api_response_message, "errorMessage", record.error_message()),
            (leaves.http_request_user_agent, "userAgent", record.user_agent()),
            (leaves.src_endpoint_uid, "vpcEndpointId", record.vpc_endpoint_id()),
        ];
        for (leaf, member, value) in members {
            self.put(rows, leaf, member, value);
        }
        if record.event_category().is_none() {
            rows.text(self.leaves.metadata_product_feature_name, "Management, Data, and Insights");
        }
        rows.text(self.leaves.api_request_uid, ""); // where there was none
        for (leaf, value) in [
            (self.leaves.api_request_data, record.request_parameters()),
            (self.leaves.api_response_data, record.response_elements()),
        ] {
            if let Some(value) = value.filter(|value| !value.is_nothing()) {
                self.put_json(rows, leaf, value);
            }
        }
        if let Some(value) = record.recipient_account_id() {
            self.unmapped.add("recipientAccountId", value);
        }
    }

    fn source_endpoint(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        let mut named = record.vpc_endpoint_id().is_some_and(|value| value.is_scalar());
        match record.source_ip_address() {
            Some(value) if value.is_scalar() && !value.text.is_empty() => {
                named = true;
                let text = value.decoded();
                if ocsf::is_ip(&text) {
                    rows.text(self.leaves.src_endpoint_ip, &text);
                    let observables = &self.leaves.observables;
                    observables.push(rows, "src_endpoint.ip", ObservableType::IpAddress, &text);
                } else {
                    self.put(rows, self.leaves.src_endpoint_domain, "sourceIPAddress", Some(value));
                    rows.text(self.leaves.src_endpoint_svc_name, ocsf::bounded(&text));
                    if ocsf::is_hostname(&text) {
                        let observables = &self.leaves.observables;
                        observables.push(
                            rows,
                            "src_endpoint.domain",
                            ObservableType::Hostname,
                            ocsf::bounded(&text),
                        );
                    }
                }
            }
            Some(value) => self.unmapped.add("sourceIPAddress", value),
            None => {}
        }
        if !named {
            // Required, and it needs an identification: a service that logs its own doing is its own source.
            let own = is_service_event(record, event);
            rows.text(self.leaves.src_endpoint_svc_name, if own { &event.source } else { "Unknown" });
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
            rows.boolean(self.leaves.is_mfa, used.is("Yes"));
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
        let left = |unmapped: &mut Unmapped, path, value: Option<Raw<'_>>| {
            if let Some(value) = value {
                unmapped.add(path, value);
            }
        };
        if arn.is_some() {
            left(&mut self.unmapped, "resources[].ARNPrefix", arn_prefix);
        }
        let Some(uid) = arn.or(arn_prefix) else {
            // OCSF needs a resource to have an identification.
            left(&mut self.unmapped, "resources[].accountId", account);
            left(&mut self.unmapped, "resources[].type", kind);
            return;
        };
        rows.element(self.leaves.resources);
        self.put(rows, self.leaves.resource_uid, "resources[].ARN", Some(uid));
        self.put(rows, self.leaves.resource_owner_account_uid, "resources[].accountId", account);
        self.put(rows, self.leaves.resource_type, "resources[].type", kind);
        let text = uid.as_text(&mut self.scratch).unwrap_or_default();
        self.leaves.observables.push(
            rows,
            "resources[].uid",
            ObservableType::ResourceUid,
            ocsf::bounded(text),
        );
    }

    fn status(&mut self, rows: &mut Rows, record: &Record<'_>, event: &Event<'_>) {
        // Sign-ins answer with their own name: `{"ConsoleLogin":"Failure"}`.
        let answer = match (event.class, event.source.as_ref()) {
            (Class::Authentication, "signin.amazonaws.com") => {
                record.response_elements().and_then(|answer| answer.member(&event.name))
            }
            _ => None,
        };
        let failed = match scalar(answer).as_deref() {
            Some("Success") => false,
            Some("Failure") => true,
            _ if event.class == Class::Authentication => event.failed || record.error_message().is_some(),
            _ => event.failed,
        };
        rows.text(self.leaves.status, if failed { "Failure" } else { "Success" });
        rows.int(self.leaves.status_id, if failed { 2 } else { 1 });
    }

    /// Writes a scalar to a text leaf. What the leaf cannot hold goes to `unmapped` under its raw path.
    fn put(&mut self, rows: &mut Rows, leaf: Leaf<str>, path: &str, value: Option<Raw<'_>>) {
        let Some(value) = value else { return };
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

    /// Writes a value to a text leaf as compact JSON.
    fn put_json(&mut self, rows: &mut Rows, leaf: Leaf<str>, value: Raw<'_>) {
        if value.plain && value.kind != Kind::String {
            rows.text(leaf, value.text);
        } else {
            self.scratch.clear();
            value.write_compact(&mut self.scratch);
            rows.text(leaf, &self.scratch);
        }
    }
}

/// A scalar's text.
fn scalar(value: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    value.and_then(|value| value.scalar())
}

/// True if a service logs its own doing.
fn is_service_event(record: &Record<'_>, event: &Event<'_>) -> bool {
    record.event_type().is_some_and(|kind| kind.is("AwsServiceEvent")) && !event.source.is_empty()
}

/// Region and account of the record's partition.
fn partition<'a>(
    record: &Record<'a>,
    facts: &'a KeyFacts,
) -> Result<(Cow<'a, str>, Cow<'a, str>), Rejection> {
    let of_key = |fact: &'a Option<String>| fact.as_deref().map(Cow::Borrowed);
    source::partition(
        [scalar(record.aws_region()), of_key(&facts.region)],
        [
            scalar(record.recipient_account_id()),
            of_key(&facts.account),
            scalar(record.user_identity.account_id()),
        ],
    )
}

fn event_time(record: &Record<'_>) -> Result<i64, Rejection> {
    let Some(value) = record.event_time() else {
        return Err(Rejection {
            reason: "missing_event_time",
            detail: "eventTime: expected a time, found none".to_owned(),
        });
    };
    match scalar(Some(value)).as_deref().and_then(time::parse_rfc3339) {
        Some(millis) if PLAUSIBLE_TIMES.contains(&millis) => Ok(millis),
        found => Err(Rejection {
            reason: "bad_event_time",
            detail: match found {
                Some(_) => "eventTime: expected a time between 1990 and 2100".to_owned(),
                None => "eventTime: expected a time such as 2026-03-14T09:05:00Z".to_owned(),
            },
        }),
    }
}
