//! Resources, related findings, compliance, malware and process of version 1.0.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `Malware[].Name`, `.Path` | `malware[].name`, `.path` | without a name, which is required, all is left over |
//! | `Malware[].Type` | `malware[].classification_ids[]`, `.classifications[]` | `ADWARE` is 1 Adware and so on; a type without a word of OCSF's is 99 with its own word; none is 0 Unknown. Left over too where OCSF's word is another |
//! | `Process.Path` | `process.file.path`, `.name` | the name is the last part of the path, the type Unknown |

use shared::json::{Kind, Raw};
use shared::ocsf;

use super::leaves::Leaves;
use crate::finding::Finding;
use crate::put::{Put, base_name, has_text, next_object, some_text, whole};
use crate::record::{Compliance, Malware, Process, RelatedFinding, Resource, StatusReason};

pub(super) fn resources(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let criticality = finding.record.criticality();
    let mut is_rated = false;
    if let Some(list) = finding.record.resources() {
        if list.kind == Kind::Array {
            let (mut cursor, mut first) = (list.cursor(), true);
            let mut resource = Resource::default();
            while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
                resource.clear();
                resource.read(cursor)
            }) {
                match element {
                    Ok(_) if says_something(&resource) => {
                        put.rows.element(leaves.resources);
                        write_resource(leaves, put, &resource);
                        if criticality.is_some_and(|value| value.is_scalar()) {
                            put.text(leaves.resource_criticality, "Criticality", criticality);
                            is_rated = true;
                        }
                    }
                    Ok(other) | Err(other) => put.leave("Resources[]", Some(other)),
                }
            }
        } else {
            put.leave("Resources", Some(list));
        }
    }
    if !is_rated {
        put.leave("Criticality", criticality);
    }
}

/// An element of a list is not to be null.
fn says_something(resource: &Resource<'_>) -> bool {
    [resource.id(), resource.kind(), resource.region(), resource.partition()]
        .iter()
        .flatten()
        .any(Raw::is_scalar)
}

fn write_resource(leaves: &Leaves, put: &mut Put<'_>, resource: &Resource<'_>) {
    put.text(leaves.resource_type, "Resources[].Type", resource.kind());
    put.text(leaves.resource_uid, "Resources[].Id", resource.id());
    put.text(leaves.resource_cloud_partition, "Resources[].Partition", resource.partition());
    put.text(leaves.resource_region, "Resources[].Region", resource.region());
    put.labels(leaves.resource_labels, leaves.resource_label, resource.tags());
    match resource.details() {
        Some(details) if details.text.len() > ocsf::MAX_STRING => {
            // Blanks do not count, and characters do.
            put.scratch.clear();
            details.write_compact(put.scratch);
            if ocsf::bounded(put.scratch).len() == put.scratch.len() {
                put.rows.text(leaves.resource_details, put.scratch);
            } else {
                put.leave("Resources[].Details", Some(details));
            }
        }
        details => put.json(leaves.resource_details, details),
    }
    put.leave_rest("Resources[]", &resource.rest);
}

pub(super) fn related_findings(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let Some(list) = finding.record.related_findings() else { return };
    if list.kind != Kind::Array {
        return put.leave("RelatedFindings", Some(list));
    }
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut related = RelatedFinding::default();
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        related.clear();
        related.read(cursor)
    }) {
        match element {
            Ok(_) if has_text(related.id()) => {
                put.rows.element(leaves.finding_related_events);
                let leaf = leaves.finding_related_event_product_uid;
                put.text(leaf, "RelatedFindings[].ProductArn", related.product_arn());
                put.text(leaves.finding_related_event_uid, "RelatedFindings[].Id", related.id());
                put.leave_rest("RelatedFindings[]", &related.rest);
            }
            Ok(other) | Err(other) => put.leave("RelatedFindings[]", Some(other)),
        }
    }
}

pub(super) fn compliance(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let Some(value) = finding.record.compliance() else { return };
    let mut compliance = Compliance::default();
    if value.kind != Kind::Object || compliance.read(&mut value.cursor()).is_err() {
        return put.leave("Compliance", Some(value));
    }
    put.text(leaves.compliance_status, "Compliance.Status", compliance.status());
    let (list, leaf) = (leaves.compliance_requirements, leaves.compliance_requirement);
    put.texts(list, leaf, "Compliance.RelatedRequirements", compliance.related_requirements());
    match compliance.status_reasons().filter(|reasons| reasons.kind == Kind::Array) {
        Some(reasons) => status_reasons(leaves, put, reasons),
        None => put.leave("Compliance.StatusReasons", compliance.status_reasons()),
    }
    put.leave("Compliance.SecurityControlId", compliance.security_control_id());
    put.leave("Compliance.AssociatedStandards", compliance.associated_standards());
    put.leave_rest("Compliance", &compliance.rest);
}

/// OCSF has one detail of the status: that of the first reason.
fn status_reasons(leaves: &Leaves, put: &mut Put<'_>, reasons: Raw<'_>) {
    let (mut cursor, mut first) = (reasons.cursor(), true);
    let mut reason = StatusReason::default();
    let mut is_first = true;
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        reason.clear();
        reason.read(cursor)
    }) {
        match element {
            Ok(_) if is_first && reason.description().is_some() => {
                let leaf = leaves.compliance_status_detail;
                put.text(leaf, "Compliance.StatusReasons[].Description", reason.description());
                put.leave("Compliance.StatusReasons[].ReasonCode", reason.reason_code());
                put.leave_rest("Compliance.StatusReasons[]", &reason.rest);
                is_first = false;
            }
            Ok(other) | Err(other) => put.leave("Compliance.StatusReasons[]", Some(other)),
        }
    }
}

pub(super) fn malware(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let Some(list) = finding.record.malware() else { return };
    if list.kind != Kind::Array {
        return put.leave("Malware", Some(list));
    }
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut malware = Malware::default();
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        malware.clear();
        malware.read(cursor)
    }) {
        match element {
            Ok(_) if has_text(malware.name()) => {
                put.rows.element(leaves.malware);
                put.text(leaves.malware_name, "Malware[].Name", malware.name());
                put.text(leaves.malware_path, "Malware[].Path", malware.path());
                classification(leaves, put, malware.kind());
                put.leave_rest("Malware[]", &malware.rest);
            }
            Ok(other) | Err(other) => put.leave("Malware[]", Some(other)),
        }
    }
}

fn classification(leaves: &Leaves, put: &mut Put<'_>, kind: Option<Raw<'_>>) {
    let word = some_text(kind);
    let (id, caption) = match word.as_deref() {
        None => (0, "Unknown"),
        Some("ADWARE") => (1, "Adware"),
        Some("BOTNET_AGENT") => (3, "Bot"),
        Some("COIN_MINER") => (13, "Resource-Exploitation"),
        Some("EXPLOIT_KIT") => (8, "Exploit-Kit"),
        Some("KEYLOGGER") => (9, "Keylogger"),
        Some("RANSOMWARE") => (10, "Ransomware"),
        Some("REMOTE_ACCESS") => (11, "Remote-Access-Trojan"),
        Some("ROOTKIT") => (15, "Rootkit"),
        Some("SPYWARE") => (17, "Spyware"),
        Some("TROJAN") => (18, "Trojan"),
        Some("VIRUS") => (19, "Virus"),
        Some("WORM") => (22, "Worm"),
        Some(other) => (99, ocsf::bounded(other)),
    };
    put.rows.element(leaves.malware_classification_ids);
    put.rows.int(leaves.malware_classification_id, id);
    put.rows.element(leaves.malware_classifications);
    put.rows.text(leaves.malware_classification, caption);
    if word.as_deref().is_none_or(|word| !word.eq_ignore_ascii_case(caption)) {
        put.leave("Malware[].Type", kind);
    }
}

pub(super) fn process(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let Some(value) = finding.record.process() else { return };
    let mut process = Process::default();
    let is_read = value.kind == Kind::Object && process.read(&mut value.cursor()).is_ok();
    // Without a number OCSF has no process.
    if !is_read || process.pid().and_then(whole).is_none() {
        return put.leave("Process", Some(value));
    }
    put.text(leaves.process_name, "Process.Name", process.name());
    put.int(leaves.process_pid, "Process.Pid", process.pid());
    put.text(leaves.process_file_path, "Process.Path", process.path());
    if let Some(path) = process.path().and_then(|path| path.scalar()) {
        put.derived(leaves.process_file_name, base_name(&path));
        put.rows.int(leaves.process_file_type_id, 0);
    }
    put.int(leaves.process_parent_process_pid, "Process.ParentPid", process.parent_pid());
    put.time(leaves.process_created_time, "Process.LaunchedAt", process.launched_at());
    put.time(leaves.process_terminated_time, "Process.TerminatedAt", process.terminated_at());
    put.leave_rest("Process", &process.rest);
}
