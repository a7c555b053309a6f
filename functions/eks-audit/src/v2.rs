//! Source version 2.0: one audit event to one row of OCSF 1.1.0.
//!
//! Sources: the OCSF examples' mapping of EKS audit logs for 1.1.0 with its sample, the row that AWS wrote of it, OCSF
//! 1.1.0, Kubernetes' "kube-apiserver Audit Configuration (v1)". What is in no row of the table goes to `unmapped`
//! under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `stageTimestamp` | `time`, `time_dt` | else the next row's, else the log event's `timestamp`; without any: quarantine |
//! | `requestReceivedTimestamp`, else `timestamp` | `start_time_dt` | the latter is its older name; digits below the millisecond are dropped, as AWS's row does |
//! | `verb` | `api.operation`, `activity_*`, `type_*` | see [`crate::verb`]; required: absent is the empty string |
//! | `auditID` | `api.request.uid` | required: absent is the empty string. One a request, so each stage has it |
//! | `level`, `apiVersion`, `stage` | `metadata.log_level`, `metadata.product.version`, `message` | an event of a list takes the list's `apiVersion` |
//! | `requestURI`, `userAgent` | `http_request.url.path`, `http_request.user_agent` | with the query, as published |
//! | `user.username`, `.uid`, `.groups[]` | `actor.user.name`, `.uid`, `.groups[].name` | without name and uid the name is `Unknown` |
//! | `user.extra.accessKeyId[]`, `.canonicalArn[]`, `.sessionName[]` | `actor.session.credential_uid`, `.issuer`, `.uid` | the first of each, others in `unmapped` |
//! | `sourceIPs[]` | `src_endpoint.ip`, `src_endpoint.intermediate_ips[]` | the first, the others; all of them in `unmapped` too, as in AWS's row |
//! | | `src_endpoint.name` | where the first is no address: its text, or `Unknown` if there is none |
//! | `objectRef.namespace`, `.name`, `.uid`, `.resourceVersion` | `resources[].namespace`, `.name`, `.uid`, `.version` | |
//! | `objectRef.resource`, `.subresource` | `resources[].type` | `pods/log` |
//! | `objectRef.apiVersion`, `.apiGroup` | `api.version`, `api.group.name` | |
//! | `responseStatus.code`, `.message`, `.reason`, `.status` | `api.response.code`, `.message`, `.error`, `.error_message` | a code that is no `int` goes to `unmapped` |
//! | `requestObject.spec.containers[]`, `responseObject.…` | `api.request.containers[]`, `api.response.containers[]` | see [`objects`] |
//! | other leaves of both objects, `kind`, `annotations`, `impersonatedUser`, … | `unmapped` | |
//! | envelope: `owner` | `cloud.account.uid` | also the partition; else the key's, else that of `user.extra.arn[]` |
//! | envelope: `logGroup` | `metadata.log_name` | appended |
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. *Activities other than that of `create`*: by what the verbs do, see [`crate::verb`]. Captions are OCSF's, so the
//!    published query for the activity `get` finds nothing, here as at AWS.
//! 2. *`cloud.account.uid`*: AWS writes the caller's ARN. OCSF wants an account there, and queries compare it with
//!    `accountid`, so here it is the account's id; the ARN is in `unmapped`. The account is that of the log group,
//!    which EKS keeps in the cluster's account; where neither envelope nor key names one, the caller's account stands
//!    in, which is the cluster's as a rule. The region is the key's, else the lake's: nothing in an event names the
//!    cluster's (labels of nodes do, but only a few events have them, and one cluster's rows belong together).
//! 3. *Versions*: `metadata.product.version` is the event's `apiVersion`, `api.version` that of the resource.
//! 4. *`sourceIPs[:1]`* can only mean all but the first.
//! 5. *The separator of resource and subresource* is `/`, as Kubernetes itself writes it.
//! 6. *Containers*: `image.name` and `image.uid` are the reference of the image. The published table appends the names of
//!    the volume mounts to the latter, with a separator that it does not show; nearly every pod has a mount with a
//!    random name, so one image would have an id in each pod. `image.path` has the mount paths as published, joined
//!    by `,` as AWS joins values in `unmapped`; mounts stay in `unmapped` as well.
//! 7. *`requestObject` and `responseObject`* are flattened in `unmapped`: JSON text of them is for OCSF 1.5.0.
//! 8. *`start_time`* is in no table, `start_time_dt` is. Addresses that are none, as in the sample, are not put where
//!    OCSF wants an address.
//! 9. *No `metadata.uid`*: one `auditID` has several events, one a stage.
//! 10. *`src_endpoint` and `resources[]`*: OCSF requires an identification. For the former see above. A request on a
//!     collection, or one that creates, has no `objectRef.name`: then it is `metadata.name` of the response's or
//!     request's object, else the empty string, which is Kubernetes' own name of a collection.
//! 11. A text longer than OCSF allows is cut in its column and whole in `unmapped`.

mod caller;
mod leaves;
pub mod objects;

use std::borrow::Cow;

use shared::json::Raw;
use shared::ocsf::{self, ObservableType, PLAUSIBLE_TIMES, Unmapped};
use shared::rows::{Leaf, Rows, RowsError};
use shared::source::{self, KeyFacts, Output, Rejection};
use shared::table::TableDefinition;
use shared::time;

use self::leaves::{ContainerLeaves, Leaves};
use crate::record::Record;
use crate::verb;

/// Class API Activity.
const CLASS_UID: i64 = 6003;

/// What is known of an event beside its own text.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the object's key says.
    pub facts: &'a KeyFacts,
    /// The account of the log group.
    pub owner: Option<&'a str>,
    /// The log group.
    pub log_group: Option<&'a str>,
    /// When CloudWatch Logs was given the event, in milliseconds since the epoch.
    pub logged: Option<i64>,
    /// `apiVersion` of the list that the event is from.
    pub api_version: Option<Raw<'a>>,
}

/// The mapping, with memory that is used again for every record.
#[derive(Debug)]
pub struct Mapping {
    leaves: Leaves,
    request_containers: ContainerLeaves,
    response_containers: ContainerLeaves,
    unmapped: Unmapped,
    scratch: String,
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    for (path, value) in [
        ("metadata.product.name", "Amazon EKS"),
        ("metadata.product.feature.name", "Elastic Kubernetes Service"),
        ("metadata.product.vendor_name", "AWS"),
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("severity", "Informational"),
        ("class_name", "API Activity"),
        ("category_name", "Application Activity"),
        ("asl_version", table.version),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    for (path, value) in
        [("severity_id", 1), ("class_uid", 6003), ("category_uid", 6), ("actor.user.type_id", 0)]
    {
        rows.constant_int(rows.leaf(path)?, value);
    }
    rows.constant_list(rows.list("metadata.profiles")?, &["cloud", "datetime"]);
    Ok(())
}

/// Times of an event, in milliseconds since the epoch.
struct Times {
    stage: i64,
    start: Option<i64>,
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
            request_containers: ContainerLeaves::new(&rows, "api.request.containers")?,
            response_containers: ContainerLeaves::new(&rows, "api.response.containers")?,
            unmapped: Unmapped::new(&rows)?,
            scratch: String::new(),
        })
    }

    /// Writes the event as a row of table `index`.
    ///
    /// # Errors
    /// Why the event has to go to quarantine.
    pub fn write(
        &mut self,
        record: &Record<'_>,
        context: &Context<'_>,
        out: &mut Output<'_>,
        index: usize,
    ) -> Result<(), Rejection> {
        self.unmapped.clear();
        let times = self.times(record, context)?;
        let account = caller::account(record, context);
        let (region, partition_account) = source::partition(
            [
                context.facts.region.as_deref().map(Cow::Borrowed),
                context.facts.lake_region.as_deref().map(Cow::Borrowed),
            ],
            [account.as_deref().map(Cow::Borrowed)],
        )?;
        let rows = out.table(index);
        rows.long(self.leaves.time, times.stage);
        rows.long(self.leaves.time_dt, times.stage);
        if let Some(start) = times.start {
            rows.long(self.leaves.start_time_dt, start);
        }
        if let Some(account) = &account {
            rows.text(self.leaves.cloud_account_uid, account);
        }
        if let Some(group) = context.log_group {
            rows.text(self.leaves.metadata_log_name, ocsf::bounded(group));
        }
        self.activity(rows, record);
        self.plain_members(rows, record, context);
        self.actor(rows, &record.user);
        self.source_endpoint(rows, record);
        self.url(rows, record);
        self.resource(rows, record);
        self.response_status(rows, record);
        self.object(rows, record.request_object(), objects::REQUEST, self.request_containers);
        self.object(rows, record.response_object(), objects::RESPONSE, self.response_containers);
        self.rest(record);
        self.unmapped.write(rows);
        out.end_row(index, &region, &partition_account, times.stage);
        Ok(())
    }

    /// Works out the times. Texts that are none go to `unmapped`, as does what another stands in for.
    fn times(&mut self, record: &Record<'_>, context: &Context<'_>) -> Result<Times, Rejection> {
        let mut known = |path: &str, value: Option<Raw<'_>>| {
            let millis = value.and_then(moment);
            if let (None, Some(value)) = (millis, value) {
                self.unmapped.add(path, value);
            }
            millis
        };
        let stage = known("stageTimestamp", record.stage_timestamp());
        let mut start = known("requestReceivedTimestamp", record.request_received_timestamp());
        if start.is_none() {
            start = known("timestamp", record.timestamp());
        } else if let Some(value) = record.timestamp() {
            self.unmapped.add("timestamp", value);
        }
        let logged = context.logged.filter(|logged| PLAUSIBLE_TIMES.contains(logged));
        if let Some(stage) = stage.or(start).or(logged) {
            return Ok(Times { stage, start });
        }
        let is_there =
            record.stage_timestamp().or(record.request_received_timestamp()).or(record.timestamp());
        Err(match is_there {
            Some(_) => Rejection {
                reason: "bad_event_time",
                detail:
                    "stageTimestamp, requestReceivedTimestamp: expected a time between 1990 and 2100 such as \
                         2026-03-14T09:05:00.123456Z"
                        .to_owned(),
            },
            None => Rejection {
                reason: "missing_event_time",
                detail: "stageTimestamp, requestReceivedTimestamp: expected a time, found none".to_owned(),
            },
        })
    }

    fn activity(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let verb = record.verb().and_then(|verb| verb.scalar()).unwrap_or_default();
        let activity = verb::activity(&verb);
        rows.int(self.leaves.activity_id, activity.id);
        rows.text(self.leaves.activity_name, activity.name.unwrap_or_else(|| ocsf::bounded(&verb)));
        rows.text(self.leaves.type_name, activity.type_name);
        rows.long(self.leaves.type_uid, CLASS_UID * 100 + i64::from(activity.id));
        self.put(rows, self.leaves.api_operation, "verb", record.verb());
        rows.text(self.leaves.api_operation, ""); // where there was none
    }

    /// Members that go to one leaf as they are.
    fn plain_members(&mut self, rows: &mut Rows, record: &Record<'_>, context: &Context<'_>) {
        let leaves = &self.leaves;
        let reference = &record.object_ref;
        let members = [
            (leaves.metadata_log_level, "level", record.level()),
            (leaves.metadata_product_version, "apiVersion", record.api_version().or(context.api_version)),
            (leaves.api_request_uid, "auditID", record.audit_id()),
            (leaves.message, "stage", record.stage()),
            (leaves.http_request_user_agent, "userAgent", record.user_agent()),
            (leaves.api_version, "objectRef.apiVersion", reference.api_version()),
            (leaves.api_group_name, "objectRef.apiGroup", reference.api_group()),
        ];
        for (leaf, member, value) in members {
            self.put(rows, leaf, member, value);
        }
        rows.text(self.leaves.api_request_uid, ""); // where there was none
    }

    fn url(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let uri = record.request_uri();
        self.put(rows, self.leaves.http_request_url_path, "requestURI", uri);
        if let Some(uri) = uri.filter(Raw::is_scalar) {
            let text = ocsf::bounded(uri.as_text(&mut self.scratch).unwrap_or_default());
            self.leaves.observables.push(rows, "http_request.url.path", ObservableType::UrlString, text);
        }
    }

    fn resource(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let reference = &record.object_ref;
        let (name, uid) = (reference.name(), reference.uid());
        let members = [
            (self.leaves.resource_namespace, "objectRef.namespace", reference.namespace()),
            (self.leaves.resource_name, "objectRef.name", name),
            (self.leaves.resource_uid, "objectRef.uid", uid),
            (self.leaves.resource_version, "objectRef.resourceVersion", reference.resource_version()),
        ];
        let is_there = |value: Option<Raw<'_>>| value.is_some_and(|value| value.is_scalar());
        let is_resource = members.iter().any(|(_, _, value)| is_there(*value))
            || is_there(reference.resource())
            || is_there(reference.subresource());
        if is_resource {
            rows.element(self.leaves.resources);
        }
        for (leaf, path, value) in members {
            self.put(rows, leaf, path, value);
        }
        self.resource_type(rows, reference.resource(), reference.subresource());
        self.leave_rest("objectRef", &reference.rest);
        if let Some(uid) = uid.filter(Raw::is_scalar) {
            let text = ocsf::bounded(uid.as_text(&mut self.scratch).unwrap_or_default());
            self.leaves.observables.push(rows, "resources[].uid", ObservableType::ResourceUid, text);
        } else if is_resource && !is_there(name) {
            let objects = [record.response_object(), record.request_object()];
            let name = objects.into_iter().find_map(objects::name_of);
            let text = name.and_then(|name| name.as_text(&mut self.scratch)).unwrap_or_default();
            rows.text(self.leaves.resource_name, ocsf::bounded(text));
        }
    }

    fn resource_type(&mut self, rows: &mut Rows, resource: Option<Raw<'_>>, subresource: Option<Raw<'_>>) {
        let leaf = self.leaves.resource_type;
        let (Some(both), Some(below)) = (
            resource.filter(Raw::is_scalar),
            subresource.filter(|below| below.is_scalar() && !below.text.is_empty()),
        ) else {
            self.put(rows, leaf, "objectRef.resource", resource);
            match resource.filter(Raw::is_scalar) {
                None => self.put(rows, leaf, "objectRef.subresource", subresource),
                Some(_) => self.leave("objectRef.subresource", subresource),
            }
            return;
        };
        self.scratch.clear();
        self.scratch.push_str(&both.decoded());
        self.scratch.push('/');
        self.scratch.push_str(&below.decoded());
        let bounded = ocsf::bounded(&self.scratch);
        rows.text(leaf, bounded);
        if bounded.len() < self.scratch.len() {
            self.leave("objectRef.resource", resource);
            self.leave("objectRef.subresource", subresource);
        }
    }

    fn response_status(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let (status, leaves) = (&record.response_status, &self.leaves);
        let members = [
            (leaves.api_response_message, "responseStatus.message", status.message()),
            (leaves.api_response_error, "responseStatus.reason", status.reason()),
            (leaves.api_response_error_message, "responseStatus.status", status.status()),
        ];
        for (leaf, path, value) in members {
            self.put(rows, leaf, path, value);
        }
        if let Some(code) = status.code() {
            match code.scalar().and_then(|code| code.parse().ok()) {
                Some(number) => rows.int(self.leaves.api_response_code, number),
                None => self.unmapped.add("responseStatus.code", code),
            }
        }
        self.leave("responseStatus.metadata", status.metadata());
        self.leave("responseStatus.details", status.details());
        self.leave_rest("responseStatus", &status.rest);
    }

    /// What has no column at all.
    fn rest(&mut self, record: &Record<'_>) {
        self.leave("kind", record.kind());
        self.leave("metadata", record.metadata());
        self.leave("impersonatedUser", record.impersonated_user());
        self.leave("annotations", record.annotations());
        self.leave("items", record.items());
        self.leave_rest("", &record.rest);
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

    fn leave(&mut self, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.unmapped.add(path, value);
        }
    }

    fn leave_rest(&mut self, path: &str, rest: &[(Raw<'_>, Raw<'_>)]) {
        for (name, value) in rest {
            self.unmapped.add_member(path, *name, *value);
        }
    }
}

/// A plausible time in milliseconds since the epoch.
fn moment(value: Raw<'_>) -> Option<i64> {
    value.scalar().as_deref().and_then(time::parse_rfc3339).filter(|millis| PLAUSIBLE_TIMES.contains(millis))
}
