//! What rows of both source versions have under the same path.

use shared::json::{Kind, Raw};
use shared::leaves;
use shared::ocsf::{self, MAX_STRING, ObservableType, Observables, Unmapped};
use shared::rows::{Leaf, List, Rows, RowsError};
use shared::table::TableDefinition;

use crate::flow::{Flow, Side};
use crate::format::{Field, Record};
use crate::value::{self, NOTHING, is_ip, is_said};

leaves! {
    product_version: str = "metadata.product.version",
    region: str = "cloud.region",
    zone: str = "cloud.zone",
    protocol_num: i32 = "connection_info.protocol_num",
    tcp_flags: i32 = "connection_info.tcp_flags",
    protocol_ver: str = "connection_info.protocol_ver",
    boundary_id: i32 = "connection_info.boundary_id",
    boundary: str = "connection_info.boundary",
    direction_id: i32 = "connection_info.direction_id",
    direction: str = "connection_info.direction",
    packets: i64 = "traffic.packets",
    bytes: i64 = "traffic.bytes",
    time: i64 = "time",
    status_code: str = "status_code",
    activity_name: str = "activity_name",
    activity_id: i32 = "activity_id",
    disposition: str = "disposition",
    disposition_id: i32 = "disposition_id",
    type_name: str = "type_name",
}

/// Values that are the same in every row.
pub(crate) fn constants(
    table: &'static TableDefinition,
    profiles: &'static [&'static str],
    rows: &mut Rows,
) -> Result<(), RowsError> {
    for (path, value) in [
        ("metadata.product.name", "Amazon VPC"),
        ("metadata.product.feature.name", "Flowlogs"),
        ("metadata.product.vendor_name", "AWS"),
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("class_name", "Network Activity"),
        ("category_name", "Network Activity"),
        ("severity", "Informational"),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    for (path, value) in [("class_uid", 4001), ("category_uid", 4), ("severity_id", 1)] {
        rows.constant_int(rows.leaf(path)?, value);
    }
    rows.constant_list(rows.list("metadata.profiles")?, profiles);
    Ok(())
}

/// What one side of the traffic is called in the record.
#[derive(Debug)]
struct SideFields {
    address: Field,
    packet_address: Field,
    port: Field,
    service: Field,
}

/// One side of the traffic: where it stands in a row, and the names that it has as an observable.
#[derive(Debug)]
struct Endpoint {
    side: Side,
    fields: SideFields,
    ip: Leaf<str>,
    ip_name: &'static str,
    intermediate_ips: List,
    intermediate_ip: Leaf<str>,
    intermediate_name: &'static str,
    port: Leaf<i32>,
    svc_name: Leaf<str>,
    interface_uid: Leaf<str>,
    vpc_uid: Leaf<str>,
    subnet_uid: Leaf<str>,
    instance_uid: Leaf<str>,
    instance_name: &'static str,
}

macro_rules! endpoint {
    ($rows:expr, $path:literal, $side:ident, $address:ident, $packet:ident, $port:ident, $service:ident) => {
        Endpoint {
            side: Side::$side,
            fields: SideFields {
                address: Field::$address,
                packet_address: Field::$packet,
                port: Field::$port,
                service: Field::$service,
            },
            ip: $rows.leaf(concat!($path, ".ip"))?,
            ip_name: concat!($path, ".ip"),
            intermediate_ips: $rows.list(concat!($path, ".intermediate_ips"))?,
            intermediate_ip: $rows.leaf(concat!($path, ".intermediate_ips[]"))?,
            intermediate_name: concat!($path, ".intermediate_ips[]"),
            port: $rows.leaf(concat!($path, ".port"))?,
            svc_name: $rows.leaf(concat!($path, ".svc_name"))?,
            interface_uid: $rows.leaf(concat!($path, ".interface_uid"))?,
            vpc_uid: $rows.leaf(concat!($path, ".vpc_uid"))?,
            subnet_uid: $rows.leaf(concat!($path, ".subnet_uid"))?,
            instance_uid: $rows.leaf(concat!($path, ".instance_uid"))?,
            instance_name: concat!($path, ".instance_uid"),
        }
    };
}

/// The mapping of what both versions share.
#[derive(Debug)]
pub(crate) struct Common {
    leaves: Leaves,
    source: Endpoint,
    destination: Endpoint,
    observables: Option<Observables>,
    rest: Rest,
}

impl Common {
    pub(crate) fn new(rows: &Rows, observables: Option<Observables>) -> Result<Self, RowsError> {
        Ok(Self {
            leaves: Leaves::new(rows)?,
            source: endpoint!(rows, "src_endpoint", Source, SrcAddr, PktSrcAddr, SrcPort, PktSrcAwsService),
            destination: endpoint!(
                rows,
                "dst_endpoint",
                Destination,
                DstAddr,
                PktDstAddr,
                DstPort,
                PktDstAwsService
            ),
            observables,
            rest: Rest::new(rows)?,
        })
    }

    /// Writes all but the leaves of a version; `account` is where the version has the account.
    #[inline]
    pub(crate) fn write(
        &mut self,
        rows: &mut Rows,
        record: &Record<'_>,
        flow: &Flow<'_>,
        account: Leaf<str>,
    ) {
        let Self { leaves, source, destination, observables, rest } = self;
        rest.joins = record.format.repeats();
        rows.long(leaves.time, flow.millis);
        rest.text(rows, leaves.product_version, Field::Version, record.get(Field::Version));
        rest.text(rows, account, Field::AccountId, flow.account);
        rest.text(rows, leaves.region, Field::Region, flow.region);
        rest.text(rows, leaves.zone, Field::AzId, record.get(Field::AzId));
        rest.text(rows, leaves.protocol_ver, Field::Type, record.get(Field::Type));
        rest.text(rows, leaves.status_code, Field::LogStatus, record.get(Field::LogStatus));
        rest.int(rows, leaves.protocol_num, Field::Protocol, record, 255);
        rest.int(rows, leaves.tcp_flags, Field::TcpFlags, record, u16::MAX);
        rest.long(rows, leaves.packets, Field::Packets, record);
        rest.long(rows, leaves.bytes, Field::Bytes, record);
        rows.int(leaves.direction_id, flow.direction.0);
        rest.text(rows, leaves.direction, Field::FlowDirection, flow.direction.1);
        if let Some((id, caption)) = flow.boundary {
            rows.int(leaves.boundary_id, id);
            rest.text(rows, leaves.boundary, Field::TrafficPath, caption);
        }
        rows.int(leaves.activity_id, flow.activity.0);
        rows.text(leaves.activity_name, ocsf::bounded(flow.activity.1));
        rows.text(leaves.type_name, flow.type_name);
        rows.int(leaves.disposition_id, flow.disposition.0);
        rest.text(rows, leaves.disposition, Field::Action, flow.disposition.1);
        for (field, found) in [(Field::Start, flow.start), (Field::End, flow.end)] {
            if found.is_none() && is_said(record.get(field)) {
                rest.leave(rows, field.name(), record.get(field));
            }
        }
        destination.write(rows, record, flow, *observables, rest);
        source.write(rows, record, flow, *observables, rest);
        if flow.interface_side.is_none() {
            // Which side they belong to is not known.
            for field in [Field::InterfaceId, Field::VpcId, Field::SubnetId, Field::InstanceId] {
                let text = record.get(field);
                if !text.is_empty() {
                    rest.leave(rows, field.name(), text);
                }
            }
        }
        for (name, text) in record.rest() {
            if !text.is_empty() {
                rest.leave(rows, name, text);
            }
        }
        rest.end(rows);
    }
}

impl Endpoint {
    #[inline]
    fn write(
        &self,
        rows: &mut Rows,
        record: &Record<'_>,
        flow: &Flow<'_>,
        observables: Option<Observables>,
        rest: &mut Rest,
    ) {
        let fields = &self.fields;
        rest.int(rows, self.port, fields.port, record, u16::MAX);
        let service = record.get(fields.service);
        rest.text(rows, self.svc_name, fields.service, service);
        let mut is_someone = !service.is_empty();
        if let Some(ip) = self.addresses(rows, record, observables, rest) {
            is_someone = true;
            rows.text(self.ip, ip);
            if let Some(observables) = observables {
                observables.push(rows, self.ip_name, ObservableType::IpAddress, ip);
            }
        }
        if flow.interface_side == Some(self.side) {
            let (interface, instance) = (record.get(Field::InterfaceId), record.get(Field::InstanceId));
            rest.text(rows, self.interface_uid, Field::InterfaceId, interface);
            rest.text(rows, self.vpc_uid, Field::VpcId, record.get(Field::VpcId));
            rest.text(rows, self.subnet_uid, Field::SubnetId, record.get(Field::SubnetId));
            rest.text(rows, self.instance_uid, Field::InstanceId, instance);
            is_someone |= !interface.is_empty() || !instance.is_empty();
            if let (Some(observables), true) = (observables, is_said(instance)) {
                let instance = ocsf::bounded(instance);
                observables.push(rows, self.instance_name, ObservableType::ResourceUid, instance);
            }
        }
        if !is_someone {
            // OCSF wants an endpoint to have an identification, and this is how AWS's rows say that there is none.
            rows.text(self.svc_name, NOTHING);
        }
    }

    /// The address of this side; an intermediate one is written, and what is no address is left over.
    #[inline]
    fn addresses<'a>(
        &self,
        rows: &mut Rows,
        record: &Record<'a>,
        observables: Option<Observables>,
        rest: &mut Rest,
    ) -> Option<&'a str> {
        let address = self.address(rows, self.fields.address, record, rest);
        let packet = record.get(self.fields.packet_address);
        if !is_said(packet) || Some(packet) == address {
            return address;
        }
        let Some(packet) = self.address(rows, self.fields.packet_address, record, rest) else {
            return address;
        };
        if let Some(address) = address {
            rows.element(self.intermediate_ips);
            rows.text(self.intermediate_ip, address);
            if let Some(observables) = observables {
                observables.push(rows, self.intermediate_name, ObservableType::IpAddress, address);
            }
        }
        Some(packet)
    }

    #[inline]
    fn address<'a>(
        &self,
        rows: &mut Rows,
        field: Field,
        record: &Record<'a>,
        rest: &mut Rest,
    ) -> Option<&'a str> {
        let text = record.get(field);
        if is_ip(text) {
            return Some(text);
        }
        if is_said(text) {
            rest.leave(rows, field.name(), text);
        }
        None
    }
}

/// What has no column, or does not fit the one it has. A record's own values go straight to the map; only where
/// two may have one name are they collected first.
#[derive(Debug)]
struct Rest {
    map: List,
    key: Leaf<str>,
    value: Leaf<str>,
    joined: Unmapped,
    joins: bool,
}

impl Rest {
    fn new(rows: &Rows) -> Result<Self, RowsError> {
        Ok(Self {
            map: rows.list("unmapped")?,
            key: rows.leaf("unmapped.key")?,
            value: rows.leaf("unmapped.value")?,
            joined: Unmapped::new(rows)?,
            joins: false,
        })
    }

    #[inline]
    fn leave(&mut self, rows: &mut Rows, name: &str, text: &str) {
        if self.joins {
            self.joined.add(name, Raw { text, kind: Kind::String, plain: true });
            return;
        }
        rows.element(self.map);
        rows.text(self.key, name);
        rows.text(self.value, text);
    }

    fn end(&mut self, rows: &mut Rows) {
        if self.joins {
            self.joined.write(rows);
        }
    }

    /// Writes a text; one that is longer than OCSF allows is cut and left over whole.
    #[inline]
    fn text(&mut self, rows: &mut Rows, leaf: Leaf<str>, field: Field, text: &str) {
        if text.is_empty() {
            return;
        }
        if text.len() <= MAX_STRING {
            return rows.text(leaf, text);
        }
        rows.text(leaf, ocsf::bounded(text));
        self.leave(rows, field.name(), text);
    }

    #[inline]
    fn int(&mut self, rows: &mut Rows, leaf: Leaf<i32>, field: Field, record: &Record<'_>, max: u16) {
        let text = record.get(field);
        match value::int(text, max) {
            Some(number) => rows.int(leaf, number),
            None if is_said(text) => self.leave(rows, field.name(), text),
            None => {}
        }
    }

    #[inline]
    fn long(&mut self, rows: &mut Rows, leaf: Leaf<i64>, field: Field, record: &Record<'_>) {
        let text = record.get(field);
        match value::long(text) {
            Some(number) => rows.long(leaf, number),
            None if is_said(text) => self.leave(rows, field.name(), text),
            None => {}
        }
    }
}
