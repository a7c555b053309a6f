//! `evidences[]`: what GuardDuty has seen, as one piece of evidence.
//!
//! | raw, below `ProductFields.aws/guardduty/service/` | OCSF, below `evidences[]` | note |
//! |---|---|---|
//! | `additionalInfo/value` | `data` | if it is JSON; the empty string is not |
//! | `action/awsApiCallAction/api`, `action/kubernetesApiCallAction/verb` | `api.operation` | required of `api`: without it the next three are left over |
//! | `action/awsApiCallAction/errorCode`, `/serviceName` | `api.response.error`, `api.service.name` | |
//! | `action/kubernetesApiCallAction/statusCode` | `api.response.code` | |
//! | `action/*/remoteIpDetails/…`, `/remotePortDetails/port` | `src_endpoint` | `dst_endpoint` for an `OUTBOUND` connection; `location.coordinates` are longitude and latitude |
//! | `action/*/localIpDetails/ipAddressV4`, `/localPortDetails/port` | `dst_endpoint` | `src_endpoint` for an `OUTBOUND` connection |
//! | `action/networkConnectionAction/connectionDirection` | `connection_info.direction`, `.direction_id` | the id is required of `connection_info`, else Unknown |
//! | `action/networkConnectionAction/protocol`, `action/dnsRequestAction/protocol` | `connection_info.protocol_name` | |
//! | `action/dnsRequestAction/domainWithSuffix`, else `/domain` | `query.hostname` | |
//! | `runtimeDetails/process/…` | `actor.process` | needs a `pid` or a `uuid` |
//! | `runtimeDetails/context/targetProcess/…` | `process` | the same |
//!
//! An endpoint needs an address, without which port and place are left over. Of a port probe the first detail counts.
//! The published mapping is silent about network connections, port probes and status codes, though AWS's table has
//! columns for them; the source of a connection is who opened it, and where GuardDuty does not know, the remote side,
//! where the mapping puts it for calls.

use shared::json::{Cursor, Raw};
use shared::ocsf::{self, ObservableType, Observables};
use shared::rows::{Decimal, Leaf, List, Rows, RowsError};

use super::product_fields::{ProcessSlot, ProductFields, Slot};
use crate::put::{Put, base_name, has_text, number, some_text, whole};
use crate::time;

/// The leaves below `evidences[]`.
#[derive(Debug)]
pub(crate) struct EvidenceLeaves {
    list: List,
    data: Leaf<str>,
    operation: Leaf<str>,
    error: Leaf<str>,
    code: Leaf<i32>,
    service: Leaf<str>,
    protocol: Leaf<str>,
    direction_id: Leaf<i32>,
    direction: Leaf<str>,
    hostname: Leaf<str>,
    source: EndpointLeaves,
    destination: EndpointLeaves,
    actor: ProcessLeaves,
    target: ProcessLeaves,
}

#[derive(Debug)]
struct EndpointLeaves {
    observable: &'static str,
    ip: Leaf<str>,
    port: Leaf<i32>,
    country: Leaf<str>,
    city: Leaf<str>,
    coordinates: List,
    coordinate: Leaf<Decimal>,
}

#[derive(Debug)]
struct ProcessLeaves {
    /// Paths of the observables: name, user and hash.
    observables: [&'static str; 3],
    created: Leaf<i64>,
    name: Leaf<str>,
    pid: Leaf<i32>,
    uid: Leaf<str>,
    user_name: Leaf<str>,
    user_uid: Leaf<str>,
    parent_uid: Leaf<str>,
    path: Leaf<str>,
    file_name: Leaf<str>,
    file_type_id: Leaf<i32>,
    hashes: List,
    hash: Leaf<str>,
    hash_algorithm_id: Leaf<i32>,
    hash_algorithm: Leaf<str>,
    euid: Leaf<i32>,
}

impl EvidenceLeaves {
    pub(crate) fn new(rows: &Rows) -> Result<Self, RowsError> {
        Ok(Self {
            list: rows.list("evidences")?,
            data: rows.leaf("evidences[].data")?,
            operation: rows.leaf("evidences[].api.operation")?,
            error: rows.leaf("evidences[].api.response.error")?,
            code: rows.leaf("evidences[].api.response.code")?,
            service: rows.leaf("evidences[].api.service.name")?,
            protocol: rows.leaf("evidences[].connection_info.protocol_name")?,
            direction_id: rows.leaf("evidences[].connection_info.direction_id")?,
            direction: rows.leaf("evidences[].connection_info.direction")?,
            hostname: rows.leaf("evidences[].query.hostname")?,
            source: EndpointLeaves::new(rows, "src_endpoint", "evidences[].src_endpoint.ip")?,
            destination: EndpointLeaves::new(rows, "dst_endpoint", "evidences[].dst_endpoint.ip")?,
            actor: ProcessLeaves::new(
                rows,
                "actor.process",
                [
                    "evidences[].actor.process.name",
                    "evidences[].actor.process.user.name",
                    "evidences[].actor.process.file.hashes[].value",
                ],
            )?,
            target: ProcessLeaves::new(
                rows,
                "process",
                [
                    "evidences[].process.name",
                    "evidences[].process.user.name",
                    "evidences[].process.file.hashes[].value",
                ],
            )?,
        })
    }
}

impl EndpointLeaves {
    fn new(rows: &Rows, name: &str, observable: &'static str) -> Result<Self, RowsError> {
        let path = |member: &str| format!("evidences[].{name}.{member}");
        Ok(Self {
            observable,
            ip: rows.leaf(&path("ip"))?,
            port: rows.leaf(&path("port"))?,
            country: rows.leaf(&path("location.country"))?,
            city: rows.leaf(&path("location.city"))?,
            coordinates: rows.list(&path("location.coordinates"))?,
            coordinate: rows.leaf(&path("location.coordinates[]"))?,
        })
    }
}

impl ProcessLeaves {
    fn new(rows: &Rows, name: &str, observables: [&'static str; 3]) -> Result<Self, RowsError> {
        let path = |member: &str| format!("evidences[].{name}.{member}");
        Ok(Self {
            observables,
            created: rows.leaf(&path("created_time_dt"))?,
            name: rows.leaf(&path("name"))?,
            pid: rows.leaf(&path("pid"))?,
            uid: rows.leaf(&path("uid"))?,
            user_name: rows.leaf(&path("user.name"))?,
            user_uid: rows.leaf(&path("user.uid"))?,
            parent_uid: rows.leaf(&path("parent_process.uid"))?,
            path: rows.leaf(&path("file.path"))?,
            file_name: rows.leaf(&path("file.name"))?,
            file_type_id: rows.leaf(&path("file.type_id"))?,
            hashes: rows.list(&path("file.hashes"))?,
            hash: rows.leaf(&path("file.hashes[].value"))?,
            hash_algorithm_id: rows.leaf(&path("file.hashes[].algorithm_id"))?,
            hash_algorithm: rows.leaf(&path("file.hashes[].algorithm"))?,
            euid: rows.leaf(&path("euid"))?,
        })
    }
}

/// Writes the piece of evidence, if there is any.
pub(super) fn write(
    leaves: &EvidenceLeaves,
    observables: &Observables,
    put: &mut Put<'_>,
    fields: &ProductFields<'_>,
) {
    let has = |slot| has_text(fields.get(slot));
    let has_data = some_text(fields.get(Slot::Data)).is_some_and(|text| is_json(&text));
    let has_hostname = has(Slot::DomainWithSuffix) || has(Slot::Domain);
    let has_connection = has(Slot::Direction) || has(Slot::Protocol);
    let (remote, local) = (has_address(fields, Slot::RemoteIp), has_address(fields, Slot::LocalIp));
    let (actor, target) = (has_process(fields, Slot::Actor), has_process(fields, Slot::Target));
    if [has_data, has(Slot::Operation), remote, local, has_connection, has_hostname, actor, target]
        .contains(&true)
    {
        put.rows.element(leaves.list);
    }
    if has_data {
        fields.data(put, leaves.data);
    } else {
        fields.leave(put, Slot::Data);
    }
    api(leaves, put, fields, has(Slot::Operation));
    connection(leaves, put, fields, has_connection);
    query(leaves, observables, put, fields);
    let is_outbound = fields.get(Slot::Direction).is_some_and(|direction| direction.is("OUTBOUND"));
    let (of_remote, of_local) = match is_outbound {
        true => (&leaves.destination, &leaves.source),
        false => (&leaves.source, &leaves.destination),
    };
    if remote {
        address(of_remote, observables, put, fields, (Slot::RemoteIp, Slot::RemotePort));
        location(of_remote, put, fields);
    } else {
        for slot in [
            Slot::RemoteIp,
            Slot::RemotePort,
            Slot::RemoteCountry,
            Slot::RemoteCity,
            Slot::RemoteLongitude,
            Slot::RemoteLatitude,
        ] {
            fields.leave(put, slot);
        }
    }
    if local {
        address(of_local, observables, put, fields, (Slot::LocalIp, Slot::LocalPort));
    } else {
        fields.leave(put, Slot::LocalIp);
        fields.leave(put, Slot::LocalPort);
    }
    for (of_process, base, is_there) in
        [(&leaves.actor, Slot::Actor, actor), (&leaves.target, Slot::Target, target)]
    {
        if is_there {
            process(of_process, observables, put, fields, base);
        } else {
            fields.leave_process(put, base);
        }
    }
}

fn is_json(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.value().is_ok() && cursor.peek().is_none()
}

fn has_address(fields: &ProductFields<'_>, slot: Slot) -> bool {
    some_text(fields.get(slot)).is_some_and(|text| ocsf::is_ip(&text))
}

fn has_process(fields: &ProductFields<'_>, base: Slot) -> bool {
    has_text(fields.of_process(base, ProcessSlot::Uuid))
        || fields.of_process(base, ProcessSlot::Pid).and_then(whole).is_some()
}

fn api(leaves: &EvidenceLeaves, put: &mut Put<'_>, fields: &ProductFields<'_>, has_operation: bool) {
    if !has_operation {
        for slot in [Slot::Operation, Slot::ErrorCode, Slot::ServiceName, Slot::StatusCode] {
            fields.leave(put, slot);
        }
        return;
    }
    fields.text(put, leaves.operation, Slot::Operation);
    fields.text(put, leaves.error, Slot::ErrorCode);
    fields.text(put, leaves.service, Slot::ServiceName);
    match fields.get(Slot::StatusCode).and_then(whole) {
        Some(code) => put.rows.int(leaves.code, code),
        None => fields.leave(put, Slot::StatusCode),
    }
}

fn query(leaves: &EvidenceLeaves, observables: &Observables, put: &mut Put<'_>, fields: &ProductFields<'_>) {
    let mut is_written = false;
    for slot in [Slot::DomainWithSuffix, Slot::Domain] {
        match some_text(fields.get(slot)) {
            Some(hostname) if !is_written => {
                fields.text(put, leaves.hostname, slot);
                let text = ocsf::bounded(&hostname);
                observables.push(put.rows, "evidences[].query.hostname", ObservableType::Hostname, text);
                is_written = true;
            }
            _ => fields.leave(put, slot),
        }
    }
}

fn connection(leaves: &EvidenceLeaves, put: &mut Put<'_>, fields: &ProductFields<'_>, is_there: bool) {
    if !is_there {
        fields.leave(put, Slot::Direction);
        fields.leave(put, Slot::Protocol);
        return;
    }
    fields.text(put, leaves.protocol, Slot::Protocol);
    let direction = some_text(fields.get(Slot::Direction));
    if direction.is_none() {
        fields.leave(put, Slot::Direction); // the empty string
    }
    let (id, caption) = match direction.as_deref() {
        None | Some("UNKNOWN") => (0, "Unknown"),
        Some("INBOUND") => (1, "Inbound"),
        Some("OUTBOUND") => (2, "Outbound"),
        Some(other) => (99, ocsf::bounded(other)),
    };
    put.rows.int(leaves.direction_id, id);
    put.rows.text(leaves.direction, caption);
}

fn address(
    leaves: &EndpointLeaves,
    observables: &Observables,
    put: &mut Put<'_>,
    fields: &ProductFields<'_>,
    (ip, port): (Slot, Slot),
) {
    if let Some(ip) = some_text(fields.get(ip)) {
        put.rows.text(leaves.ip, &ip);
        observables.push(put.rows, leaves.observable, ObservableType::IpAddress, &ip);
    }
    match fields.get(port).and_then(whole).filter(|port| (0..=65_535).contains(port)) {
        Some(port) => put.rows.int(leaves.port, port),
        None => fields.leave(put, port),
    }
}

fn location(leaves: &EndpointLeaves, put: &mut Put<'_>, fields: &ProductFields<'_>) {
    fields.text(put, leaves.country, Slot::RemoteCountry);
    fields.text(put, leaves.city, Slot::RemoteCity);
    let slots = [Slot::RemoteLongitude, Slot::RemoteLatitude];
    let pair = slots.map(|slot| fields.get(slot).filter(|degrees| is_degrees(*degrees)).and_then(number));
    if let [Some(longitude), Some(latitude)] = pair {
        for degrees in [longitude, latitude] {
            put.rows.element(leaves.coordinates);
            put.rows.decimal(leaves.coordinate, degrees);
        }
    } else {
        for slot in slots {
            fields.leave(put, slot);
        }
    }
}

/// True for a number that the column holds to the last digit: six behind the point.
fn is_degrees(value: Raw<'_>) -> bool {
    let digits = value.text.split_once('.').map_or(0, |(_, digits)| digits.len());
    digits <= 6 && number(value).is_some_and(|degrees| degrees.abs() <= 360.0)
}

fn process(
    leaves: &ProcessLeaves,
    observables: &Observables,
    put: &mut Put<'_>,
    fields: &ProductFields<'_>,
    base: Slot,
) {
    for (leaf, slot) in [
        (leaves.name, ProcessSlot::Name),
        (leaves.uid, ProcessSlot::Uuid),
        (leaves.user_name, ProcessSlot::User),
        (leaves.user_uid, ProcessSlot::UserId),
        (leaves.parent_uid, ProcessSlot::ParentUuid),
        (leaves.path, ProcessSlot::Path),
    ] {
        fields.text_of_process(put, leaf, base, slot);
    }
    for (leaf, slot) in [(leaves.pid, ProcessSlot::Pid), (leaves.euid, ProcessSlot::Euid)] {
        match fields.of_process(base, slot).and_then(whole) {
            Some(number) => put.rows.int(leaf, number),
            None => fields.leave_of_process(put, base, slot),
        }
    }
    match fields.of_process(base, ProcessSlot::StartTime).and_then(time::of) {
        Some(millis) => put.rows.long(leaves.created, millis),
        None => fields.leave_of_process(put, base, ProcessSlot::StartTime),
    }
    let text = |slot| some_text(fields.of_process(base, slot));
    let (path, name) = (text(ProcessSlot::Path), text(ProcessSlot::Name));
    // OCSF's hash has 64 characters at most, and a file a name.
    let hash =
        text(ProcessSlot::Sha256).filter(|hash| hash.len() <= 64 && (path.is_some() || name.is_some()));
    if let Some(file) = path.as_deref().map(base_name).or(name.as_deref().filter(|_| hash.is_some())) {
        put.derived(leaves.file_name, file);
        put.rows.int(leaves.file_type_id, 0);
    } else if fields.of_process(base, ProcessSlot::Path).is_some() {
        put.rows.text(leaves.file_name, "");
        put.rows.int(leaves.file_type_id, 0);
    }
    match &hash {
        Some(hash) => {
            put.rows.element(leaves.hashes);
            put.rows.text(leaves.hash, hash);
            put.rows.int(leaves.hash_algorithm_id, 3);
            put.rows.text(leaves.hash_algorithm, "SHA-256");
        }
        None => fields.leave_of_process(put, base, ProcessSlot::Sha256),
    }
    let [of_name, of_user, of_hash] = leaves.observables;
    for (path, kind, value) in [
        (of_name, ObservableType::ProcessName, name),
        (of_user, ObservableType::UserName, text(ProcessSlot::User)),
        (of_hash, ObservableType::Hash, hash),
    ] {
        if let Some(value) = value {
            observables.push(put.rows, path, kind, ocsf::bounded(&value));
        }
    }
}
