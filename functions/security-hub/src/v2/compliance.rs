//! `compliance` and `remediation`.
//!
//! | raw, below `Compliance` | OCSF, below `compliance` | note |
//! |---|---|---|
//! | `Status` | `status`, `status_id` | the raw word, so its id is 99 |
//! | `StatusReasons[].Description`, `.ReasonCode` | `status_detail`, `status_code` | of the first reason |
//! | `RelatedRequirements[]` | `requirements[]` | |
//! | `SecurityControlId` | `control` | else `ProductFields.ControlId` or `.RuleId`, which stay in `unmapped` |
//! | `AssociatedStandards[].StandardsId` | `standards[]` | required; else as below |
//!
//! A finding without standards, old or of another product, has been held against something all the same. It is, the
//! first that there is: the resource of `ProductFields.StandardsArn`, `.StandardsGuideArn`; the classifier of the first of `Types`
//! below "Industry and Regulatory Standards"; a standard with its version in `GeneratorId` or `Id`; the product's own
//! checks, by the product's name. All of these stay where they are, too.
//!
//! | raw, below `Remediation.Recommendation` | OCSF, below `remediation` | note |
//! |---|---|---|
//! | `Text`, `Url` | `desc`, `references[]` | `desc` is required: without a text it is the address |

use std::borrow::Cow;

use shared::json::{Kind, Raw};
use shared::record::members;
use shared::rows::{Leaf, List};

use super::leaves::Leaves;
use crate::finding::Finding;
use crate::put::{Put, each, has_text, next_object, some_text};
use crate::record::{Compliance, Record, Standard, StatusReason};

pub(super) fn write(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let record = finding.record;
    let mut compliance = Compliance::default();
    if let Some(value) = record.compliance()
        && (value.kind != Kind::Object || compliance.read(&mut value.cursor()).is_err())
    {
        compliance.clear();
        put.leave("Compliance", Some(value));
    }
    put.text(leaves.compliance_status, "Compliance.Status", compliance.status());
    if compliance.status().is_some_and(|status| status.is_scalar()) {
        put.rows.int(leaves.compliance_status_id, 99);
    }
    let (list, leaf) = (leaves.compliance_requirements, leaves.compliance_requirement);
    put.texts(list, leaf, "Compliance.RelatedRequirements", compliance.related_requirements());
    put.text(leaves.compliance_control, "Compliance.SecurityControlId", compliance.security_control_id());
    let [control, rule, standards_arn, guide_arn] =
        members(record.product_fields(), ["ControlId", "RuleId", "StandardsArn", "StandardsGuideArn"]);
    if let Some(control) = some_text(control).or_else(|| some_text(rule)) {
        put.derived(leaves.compliance_control, &control);
    }
    status_reasons(leaves, put, compliance.status_reasons());
    if !standards(leaves, put, compliance.associated_standards()) {
        let standard = standard_of_arn(standards_arn).or_else(|| standard_of_arn(guide_arn));
        let standard = standard.or_else(|| standard_of_type(record)).or_else(|| standard_of_ids(record));
        put.rows.element(leaves.compliance_standards);
        match standard.or_else(|| finding.product.name(record)) {
            Some(standard) => put.derived(leaves.compliance_standard, &standard),
            None => put.rows.text(leaves.compliance_standard, "Unknown"),
        }
    }
    put.leave_rest("Compliance", &compliance.rest);
}

/// OCSF has one status: that of the first reason.
fn status_reasons(leaves: &Leaves, put: &mut Put<'_>, reasons: Option<Raw<'_>>) {
    let Some(list) = reasons else { return };
    if list.kind != Kind::Array {
        return put.leave("Compliance.StatusReasons", reasons);
    }
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut reason = StatusReason::default();
    let mut is_first = true;
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        reason.clear();
        reason.read(cursor)
    }) {
        match element {
            Ok(_) if is_first => {
                let leaf = leaves.compliance_status_detail;
                put.text(leaf, "Compliance.StatusReasons[].Description", reason.description());
                let leaf = leaves.compliance_status_code;
                put.text(leaf, "Compliance.StatusReasons[].ReasonCode", reason.reason_code());
                put.leave_rest("Compliance.StatusReasons[]", &reason.rest);
                is_first = false;
            }
            Ok(other) | Err(other) => put.leave("Compliance.StatusReasons[]", Some(other)),
        }
    }
}

/// Writes the standards that the finding names; false if there are none.
fn standards(leaves: &Leaves, put: &mut Put<'_>, standards: Option<Raw<'_>>) -> bool {
    let Some(list) = standards else { return false };
    if list.kind != Kind::Array {
        put.leave("Compliance.AssociatedStandards", standards);
        return false;
    }
    let mut has_any = false;
    each(list, |element| {
        let mut standard = Standard::default();
        if has_text(Some(element)) {
            // A text by itself, which is not the documented form.
            put.rows.element(leaves.compliance_standards);
            put.text(leaves.compliance_standard, "Compliance.AssociatedStandards[]", Some(element));
            has_any = true;
        } else if element.kind == Kind::Object
            && standard.read(&mut element.cursor()).is_ok()
            && has_text(standard.standards_id())
        {
            put.rows.element(leaves.compliance_standards);
            let leaf = leaves.compliance_standard;
            put.text(leaf, "Compliance.AssociatedStandards[].StandardsId", standard.standards_id());
            put.leave_rest("Compliance.AssociatedStandards[]", &standard.rest);
            has_any = true;
        } else {
            put.leave("Compliance.AssociatedStandards[]", Some(element));
        }
    });
    has_any
}

/// What `StandardsId` would be: `standards/<standard>/v/<version>` of `arn:aws:securityhub:::standards/…`.
fn standard_of_arn(arn: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    match some_text(arn)? {
        Cow::Borrowed(arn) => Some(Cow::Borrowed(arn.splitn(6, ':').nth(5).unwrap_or(arn))),
        Cow::Owned(arn) => Some(Cow::Owned(arn)),
    }
}

/// `Software and Configuration Checks/Industry and Regulatory Standards/<standard>`
fn standard_of_type<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let types = record.types().filter(|types| types.kind == Kind::Array)?;
    let mut found = None;
    each(types, |element| {
        if found.is_none()
            && element.kind == Kind::String
            && element.plain
            && let Some((_, standard)) = element.text.split_once("/Industry and Regulatory Standards/")
            && !standard.is_empty()
        {
            found = Some(Cow::Borrowed(standard));
        }
    });
    found
}

/// `<standard>/v/<version>/<rule>` in `GeneratorId`, `…:subscription/<standard>/v/<version>/<rule>/finding/…` in `Id`.
fn standard_of_ids<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let text = |id: Option<Raw<'a>>| id.filter(|id| id.kind == Kind::String && id.plain).map(|id| id.text);
    let versioned = |id: &'a str| {
        let (standard, rest) = id.split_once("/v/")?;
        let version = rest.split('/').next().unwrap_or_default();
        let end = standard.len() + "/v/".len() + version.len();
        (!standard.is_empty() && !version.is_empty()).then(|| Cow::Borrowed(&id[..end]))
    };
    let subscription = || text(record.id())?.split_once(":subscription/").map(|(_, standard)| standard);
    text(record.generator_id()).and_then(versioned).or_else(|| subscription().and_then(versioned))
}

/// `remediation` of the finding, or of each of its vulnerabilities.
pub(super) fn remediation(
    put: &mut Put<'_>,
    record: &Record<'_>,
    desc: Leaf<str>,
    references: (List, Leaf<str>),
) {
    let recommendation = &record.remediation.recommendation;
    let (text, url) = (recommendation.text(), recommendation.url());
    put.text(desc, "Remediation.Recommendation.Text", text);
    if !text.is_some_and(|text| text.is_scalar()) {
        if url.is_some_and(|url| url.is_scalar()) {
            put.text(desc, "Remediation.Recommendation.Url", url);
        } else {
            return put.leave("Remediation.Recommendation.Url", url);
        }
    }
    put.texts(references.0, references.1, "Remediation.Recommendation.Url", url);
}
