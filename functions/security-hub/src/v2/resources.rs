//! `resource` and `resources[]`.
//!
//! | raw, below `Resources[]` | OCSF, below `resource` or `resources[]` | note |
//! |---|---|---|
//! | `Type`, `Id`, `Partition`, `Region` | `type`, `uid`, `cloud_partition`, `region` | without `Id` OCSF has no resource: all is left over |
//! | `Tags` | `labels[]` | `key=value` |
//! | `Details` | `data` | compact JSON |
//! | `Criticality` of the finding | `criticality` | |
//! | `ProductFields.ResourceOwnerAccount` | `owner.account.uid` | 2004 |
//!
//! 2002 and 2003 have one resource, so they take the first, and the others are in `unmapped`.

use shared::json::{Kind, Raw};
use shared::ocsf::{self, ObservableType};

use super::leaves::{Leaves, ResourceLeaves};
use super::product_fields::{ProductFields, Slot};
use crate::class::Class;
use crate::finding::Finding;
use crate::put::{Put, has_text, next_object};
use crate::record::{RelatedFinding, Resource};

pub(super) fn write(
    leaves: &Leaves,
    put: &mut Put<'_>,
    finding: &Finding<'_>,
    class: Class,
    fields: &ProductFields<'_>,
) {
    let (of_resource, path) = match class {
        Class::Detection => (&leaves.listed_resource.0, "resources[].uid"),
        Class::Vulnerability | Class::Compliance => (&leaves.resource.0, "resource.uid"),
    };
    let criticality = finding.record.criticality();
    let owner = fields.get(Slot::ResourceOwnerAccount);
    let mut written = 0_usize;
    match finding.record.resources() {
        Some(list) if list.kind == Kind::Array => {
            let (mut cursor, mut first) = (list.cursor(), true);
            let mut resource = Resource::default();
            while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
                resource.clear();
                resource.read(cursor)
            }) {
                match element {
                    Ok(_) if has_text(resource.id()) && (class == Class::Detection || written == 0) => {
                        written += 1;
                        if class == Class::Detection {
                            put.rows.element(leaves.resources);
                            if has_text(owner) {
                                put.text(leaves.resource_owner_account_uid, Slot::OWNER_PATH, owner);
                            }
                        }
                        write_one(of_resource, put, &resource);
                        if criticality.is_some_and(|value| value.is_scalar()) {
                            put.text(of_resource.criticality, "Criticality", criticality);
                        }
                        observe(leaves, put, path, resource.id());
                    }
                    Ok(other) | Err(other) => put.leave("Resources[]", Some(other)),
                }
            }
        }
        list => put.leave("Resources", list),
    }
    if written == 0 || !criticality.is_some_and(|value| value.is_scalar()) {
        put.leave("Criticality", criticality);
    }
    if written == 0 || class != Class::Detection || !has_text(owner) {
        fields.leave(put, Slot::ResourceOwnerAccount);
    }
}

fn write_one(leaves: &ResourceLeaves, put: &mut Put<'_>, resource: &Resource<'_>) {
    put.text(leaves.kind, "Resources[].Type", resource.kind());
    put.text(leaves.uid, "Resources[].Id", resource.id());
    put.text(leaves.cloud_partition, "Resources[].Partition", resource.partition());
    put.text(leaves.region, "Resources[].Region", resource.region());
    put.labels(leaves.labels, leaves.label, resource.tags());
    put.json(leaves.data, resource.details());
    put.leave_rest("Resources[]", &resource.rest);
}

fn observe(leaves: &Leaves, put: &mut Put<'_>, path: &str, id: Option<Raw<'_>>) {
    if let Some(id) = id {
        let text = ocsf::bounded(id.as_text(put.scratch).unwrap_or_default());
        leaves.observables.push(put.rows, path, ObservableType::ResourceUid, text);
    }
}

/// `finding_info.related_events[]`, which need an `Id`.
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
