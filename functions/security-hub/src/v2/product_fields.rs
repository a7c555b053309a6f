//! `ProductFields`: what a product says beyond the format, as texts by name. GuardDuty flattens its own finding into
//! it (GuardDuty API reference, "Finding"): `aws/guardduty/service/action/awsApiCallAction/api`.
//!
//! The mapping that AWS published names `aws/guardduty/service/awsApiCallAction/…`, its sample and all findings have
//! `…/service/action/awsApiCallAction/…`, and old findings begin at `action/`; all three are read.

use shared::json::{Kind, Raw};
use shared::rows::Leaf;

use crate::class::Class;
use crate::finding::Finding;
use crate::put::Put;

/// A field that has a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    ProductVersion,
    ResourceOwnerAccount,
    FeatureName,
    Data,
    Operation,
    ErrorCode,
    StatusCode,
    ServiceName,
    RemoteIp,
    RemoteCountry,
    RemoteCity,
    RemoteLongitude,
    RemoteLatitude,
    RemotePort,
    LocalIp,
    LocalPort,
    Direction,
    Protocol,
    DomainWithSuffix,
    Domain,
    /// The first of [`PROCESS_SLOTS`].
    Actor,
    Target = Self::Actor as isize + PROCESS_SLOTS as isize,
    End = Self::Target as isize + PROCESS_SLOTS as isize,
}

/// Fields of a process, in the order of [`ProcessSlot`].
pub(super) const PROCESS_SLOTS: usize = 10;

/// A field of one of the two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessSlot {
    Name,
    Path,
    Pid,
    Uuid,
    StartTime,
    User,
    UserId,
    ParentUuid,
    Sha256,
    Euid,
}

impl Slot {
    /// Where [`Slot::ResourceOwnerAccount`] stands in the raw finding.
    pub(super) const OWNER_PATH: &'static str = "ProductFields.ResourceOwnerAccount";
}

/// The fields of one finding that have a column.
#[derive(Debug)]
pub(super) struct ProductFields<'a> {
    slots: [Option<(Raw<'a>, Raw<'a>)>; Slot::End as usize],
}

impl<'a> ProductFields<'a> {
    /// Sorts the fields. Those without a column are left over, and where there are two for one column, the later.
    pub(super) fn read(put: &mut Put<'_>, finding: &Finding<'a>, class: Class) -> Self {
        let mut fields = Self { slots: [None; Slot::End as usize] };
        let Some(raw) = finding.record.product_fields() else { return fields };
        if raw.kind != Kind::Object {
            put.leave("ProductFields", Some(raw));
            return fields;
        }
        let is_guardduty = finding.product.is_aws() && finding.product.product == "guardduty";
        let (mut cursor, mut first) = (raw.cursor(), true);
        while let Ok(Some(name)) = cursor.next_member(&mut first) {
            let Ok(value) = cursor.value() else { break };
            let slot = match class {
                _ if !value.is_scalar() || !name.plain => None,
                _ if name.text.ends_with("/ProductVersion") => Some(Slot::ProductVersion as usize),
                Class::Detection => slot_of(name.text, is_guardduty),
                Class::Vulnerability | Class::Compliance => None,
            };
            match slot {
                // An address of one version only leaves the other one empty.
                Some(slot) if slot == Slot::RemoteIp as usize && value.text.is_empty() => {
                    put.unmapped.add_member("ProductFields", name, value);
                }
                Some(slot) if fields.slots[slot].is_none() => fields.slots[slot] = Some((name, value)),
                _ => put.unmapped.add_member("ProductFields", name, value),
            }
        }
        fields
    }

    /// The value of a field.
    pub(super) fn get(&self, slot: Slot) -> Option<Raw<'a>> {
        self.at(slot as usize)
    }

    /// The value of a field of the process that begins at `base`.
    pub(super) fn of_process(&self, base: Slot, slot: ProcessSlot) -> Option<Raw<'a>> {
        self.at(base as usize + slot as usize)
    }

    fn at(&self, index: usize) -> Option<Raw<'a>> {
        self.slots.get(index).copied().flatten().map(|(_, value)| value)
    }

    /// Leaves a field over.
    pub(super) fn leave(&self, put: &mut Put<'_>, slot: Slot) {
        self.leave_at(put, slot as usize);
    }

    pub(super) fn leave_of_process(&self, put: &mut Put<'_>, base: Slot, slot: ProcessSlot) {
        self.leave_at(put, base as usize + slot as usize);
    }

    /// Leaves over all that is known of a process.
    pub(super) fn leave_process(&self, put: &mut Put<'_>, base: Slot) {
        for index in 0..PROCESS_SLOTS {
            self.leave_at(put, base as usize + index);
        }
    }

    fn leave_at(&self, put: &mut Put<'_>, index: usize) {
        if let Some((name, value)) = self.slots.get(index).copied().flatten() {
            put.unmapped.add_member("ProductFields", name, value);
        }
    }

    /// Writes a field to a text leaf.
    pub(super) fn text(&self, put: &mut Put<'_>, leaf: Leaf<str>, slot: Slot) {
        self.text_at(put, leaf, slot as usize);
    }

    pub(super) fn text_of_process(&self, put: &mut Put<'_>, leaf: Leaf<str>, base: Slot, slot: ProcessSlot) {
        self.text_at(put, leaf, base as usize + slot as usize);
    }

    /// Writes JSON as it is: OCSF sets no bound to it.
    pub(super) fn data(&self, put: &mut Put<'_>, leaf: Leaf<str>) {
        if let Some(value) = self.get(Slot::Data) {
            put.rows.text(leaf, value.as_text(put.scratch).unwrap_or_default());
        }
    }

    fn text_at(&self, put: &mut Put<'_>, leaf: Leaf<str>, index: usize) {
        let Some((_, value)) = self.slots.get(index).copied().flatten() else { return };
        let text = value.as_text(put.scratch).unwrap_or_default();
        let bounded = shared::ocsf::bounded(text);
        put.rows.text(leaf, bounded);
        if bounded.len() < text.len() {
            self.leave_at(put, index);
        }
    }
}

/// The column of a field in a Detection Finding.
fn slot_of(name: &str, is_guardduty: bool) -> Option<usize> {
    if name == "ResourceOwnerAccount" {
        return Some(Slot::ResourceOwnerAccount as usize);
    }
    let rest = match name.strip_prefix("aws/guardduty/service/") {
        Some(rest) => rest,
        None if is_guardduty => name,
        None => return None,
    };
    match rest {
        "featureName" => return Some(Slot::FeatureName as usize),
        "additionalInfo" | "additionalInfo/value" => return Some(Slot::Data as usize),
        _ => {}
    }
    if let Some(member) = rest.strip_prefix("runtimeDetails/") {
        let (base, member) = match member.strip_prefix("context/targetProcess/") {
            Some(member) => (Slot::Target, member),
            None => (Slot::Actor, member.strip_prefix("process/")?),
        };
        return process_slot(member).map(|slot| base as usize + slot as usize);
    }
    let (action, member) = rest.strip_prefix("action/").unwrap_or(rest).split_once('/')?;
    let slot = match (action, member) {
        ("awsApiCallAction", "api") | ("kubernetesApiCallAction", "verb") => Some(Slot::Operation),
        ("awsApiCallAction", "errorCode") => Some(Slot::ErrorCode),
        ("awsApiCallAction", "serviceName") => Some(Slot::ServiceName),
        ("kubernetesApiCallAction", "statusCode") => Some(Slot::StatusCode),
        ("dnsRequestAction", "domainWithSuffix") => Some(Slot::DomainWithSuffix),
        ("dnsRequestAction", "domain") => Some(Slot::Domain),
        ("dnsRequestAction" | "networkConnectionAction", "protocol") => Some(Slot::Protocol),
        ("networkConnectionAction", "connectionDirection") => Some(Slot::Direction),
        (
            "awsApiCallAction"
            | "kubernetesApiCallAction"
            | "networkConnectionAction"
            | "rdsLoginAttemptAction",
            _,
        ) => endpoint_slot(member),
        ("portProbeAction", _) => endpoint_slot(member.strip_prefix("portProbeDetails.0_/")?),
        _ => None,
    };
    slot.map(|slot| slot as usize)
}

fn endpoint_slot(member: &str) -> Option<Slot> {
    Some(match member {
        "remoteIpDetails/ipAddressV4" | "remoteIpDetails/ipAddressV6" => Slot::RemoteIp,
        "remoteIpDetails/country/countryName" => Slot::RemoteCountry,
        "remoteIpDetails/city/cityName" => Slot::RemoteCity,
        "remoteIpDetails/geoLocation/lon" => Slot::RemoteLongitude,
        "remoteIpDetails/geoLocation/lat" => Slot::RemoteLatitude,
        "remotePortDetails/port" => Slot::RemotePort,
        "localIpDetails/ipAddressV4" => Slot::LocalIp,
        "localPortDetails/port" => Slot::LocalPort,
        _ => return None,
    })
}

fn process_slot(member: &str) -> Option<ProcessSlot> {
    Some(match member {
        "name" => ProcessSlot::Name,
        "executablePath" => ProcessSlot::Path,
        "pid" => ProcessSlot::Pid,
        "uuid" => ProcessSlot::Uuid,
        "startTime" => ProcessSlot::StartTime,
        "user" => ProcessSlot::User,
        "userId" => ProcessSlot::UserId,
        "parentUuid" => ProcessSlot::ParentUuid,
        "executableSha256" => ProcessSlot::Sha256,
        "euid" => ProcessSlot::Euid,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_every_age() {
        let operation = Some(Slot::Operation as usize);
        for name in [
            "aws/guardduty/service/action/awsApiCallAction/api",
            "aws/guardduty/service/awsApiCallAction/api",
            "action/awsApiCallAction/api",
            "aws/guardduty/service/action/kubernetesApiCallAction/verb",
        ] {
            assert_eq!(slot_of(name, true), operation, "{name}");
        }
        assert_eq!(slot_of("action/awsApiCallAction/api", false), None);
        let probe =
            "aws/guardduty/service/action/portProbeAction/portProbeDetails.0_/remoteIpDetails/ipAddressV4";
        assert_eq!(slot_of(probe, true), Some(Slot::RemoteIp as usize));
        assert_eq!(slot_of(&probe.replace(".0_", ".1_"), true), None);
        let euid = Some(Slot::Target as usize + ProcessSlot::Euid as usize);
        assert_eq!(slot_of("aws/guardduty/service/runtimeDetails/context/targetProcess/euid", true), euid);
        assert_eq!(euid, Some(Slot::End as usize - 1));
    }
}
