//! Source version 1.0: one finding to one row of OCSF 1.0.0-rc.2, class 2001 Security Finding.
//!
//! Sources: the OCSF examples' mapping of Security Hub for 1.0.0-rc.2, the sample beside it, rows that AWS wrote, OCSF
//! 1.0.0-rc.2. What is in no row of the table goes to `unmapped` under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `UpdatedAt` | `time`, `finding.modified_time` | see [`crate::finding`] |
//! | `SchemaVersion`, `ProductArn`, `GeneratorId` | `metadata.product.version`, `.uid`, `.feature.uid` | |
//! | `ProductName` | `metadata.product.feature.name` | else from `ProductFields` or `ProductArn` |
//! | `Region`, `AwsAccountId` | `cloud.region`, `cloud.account_uid` | also the partition |
//! | `Id`, `Title`, `Description`, `SourceUrl`, `Types[]` | `finding.uid`, `.title`, `.desc`, `.src_url`, `.types[]` | a finding without `Id` is quarantined; `Title` is required: else `GeneratorId`, else `Id` |
//! | `CreatedAt`, `FirstObservedAt`, `LastObservedAt` | `finding.created_time`, `.first_seen_time`, `.last_seen_time` | |
//! | `RelatedFindings[]` | `finding.related_events[]` | |
//! | `Remediation.Recommendation.Text`, `.Url` | `finding.remediation.desc`, `.kb_articles[]` | |
//! | `Confidence`, `Criticality` | `confidence`, `resources[].criticality` | |
//! | `Severity.Label` | `severity`, `severity_id` | see [`crate::finding`] |
//! | `RecordState`, `Workflow.Status` | `state`, `state_id` | |
//! | `CreatedAt`, `UpdatedAt` | `activity_*`, `type_*` | equal: 1 Generate, else 2 Update |
//! | `Resources[]` | `resources[]` | `Tags` as `key=value`, `Details` as compact JSON |
//! | `Compliance.Status`, `.RelatedRequirements[]`, `.StatusReasons[].Description` | `compliance.status`, `.requirements[]`, `.status_detail` | the first reason |
//! | `Malware[]` | `malware[]` | see [`parts`] |
//! | `Process` | `process` | if it has a `Pid` |
//! | `Vulnerabilities[]` | `vulnerabilities[]` | see [`vulnerabilities`] |
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. Class: 2001 is the only class of findings, so the product does not matter.
//! 2. Equal `CreatedAt` and `UpdatedAt` mean Generate. The class has no Close; `RecordState` is always in `unmapped`.
//! 3. `time` is `UpdatedAt`, as AWS's rows have it. The table of the mapping says `LastObservedAt`, which is
//!    `finding.last_seen_time`.
//! 4. `cve.uid` is `Vulnerabilities[].Id`; the table names `Cvss[].Id`, which findings do not have.
//! 5. Names that the table has wrong (`metadata.product.product.name`, `vulnerabilities[].Vendor.kb_articles[]`) are
//!    read as the rows have them.
//! 6. `metadata.product` is Security Hub by AWS, the product itself is its feature, and `CompanyName` is in `unmapped`.
//! 7. `metadata.product.version` is `SchemaVersion`.
//! 8. The severity's id, which the table forgets, is that of the caption.
//! 9. `state`: an archived finding is Suppressed whatever its workflow, as in AWS's rows; they lose `Workflow.Status`
//!    over it. Here it is in `unmapped` wherever the caption is not its own word.
//! 10. `process.file.name`, required, is the last part of `Path`; AWS writes two quotes.
//! 11. `references[]` has all of `ReferenceUrls[]`; AWS's rows keep the first and lose the others.
//! 12. `details` longer than a string of OCSF may be would be no JSON once cut: its leaves are in `unmapped` instead.
//! 13. Structs of which nothing is known are null; AWS writes them with null members, which says the same.

mod leaves;
pub mod parts;
pub mod vulnerabilities;

use shared::ocsf::{self, Unmapped};
use shared::rows::{Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use self::leaves::Leaves;
use crate::finding::{Activity, Caption, Finding};
use crate::put::{Put, has_text, scalar, some_text};

const CLASS_UID: i32 = 2001;

/// The mapping, with memory that is used again for every finding.
#[derive(Debug)]
pub struct Mapping {
    leaves: Leaves,
    unmapped: Unmapped,
    scratch: String,
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    for (path, value) in [
        ("metadata.product.name", "Security Hub"),
        ("metadata.product.vendor_name", "AWS"),
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("class_name", "Security Finding"),
        ("category_name", "Findings"),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    rows.constant_int(rows.leaf("class_uid")?, CLASS_UID);
    rows.constant_int(rows.leaf("category_uid")?, 2);
    rows.constant_list(rows.list("metadata.profiles")?, &["cloud"]);
    Ok(())
}

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        Ok(Self { leaves: Leaves::new(&rows)?, unmapped: Unmapped::new(&rows)?, scratch: String::new() })
    }

    /// Writes the finding as a row of table `index`.
    pub(crate) fn write(&mut self, finding: &Finding<'_>, out: &mut Output<'_>, index: usize) {
        self.unmapped.clear();
        let Self { leaves, unmapped, scratch } = self;
        let put = &mut Put { rows: out.table(index), unmapped, scratch };
        normalised(leaves, put, finding);
        members(leaves, put, finding);
        parts::resources(leaves, put, finding);
        parts::compliance(leaves, put, finding);
        parts::malware(leaves, put, finding);
        parts::process(leaves, put, finding);
        vulnerabilities::write(leaves, put, finding);
        left_over(put, finding);
        put.unmapped.write(put.rows);
        out.end_row(index, &finding.region, &finding.account, finding.time);
    }
}

/// What is worked out of several members.
fn normalised(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let rows = &mut *put.rows;
    rows.long(leaves.time, finding.time);
    rows.text(leaves.cloud_region, &finding.region);
    rows.text(leaves.cloud_account_uid, &finding.account);
    rows.int(leaves.severity_id, finding.severity.id);
    rows.text(leaves.severity, ocsf::bounded(&finding.severity.text));
    let (id, name, type_name) = match finding.activity {
        Activity::Created => (1, "Generate", "Security Finding: Generate"),
        Activity::Updated => (2, "Update", "Security Finding: Update"),
        Activity::Unknown => (0, "Unknown", "Security Finding: Unknown"),
    };
    rows.int(leaves.activity_id, id);
    rows.text(leaves.activity_name, name);
    rows.int(leaves.type_uid, CLASS_UID * 100 + id);
    rows.text(leaves.type_name, type_name);
    let unknown = Caption { id: 0, text: "Unknown".into() };
    let suppressed = Caption { id: 3, text: "Suppressed".into() };
    let is_archived = finding.record.record_state().is_some_and(|state| state.is("ARCHIVED"));
    let state = match &finding.status {
        _ if is_archived => &suppressed,
        Some(status) => status,
        None => &unknown,
    };
    rows.int(leaves.state_id, state.id);
    rows.text(leaves.state, ocsf::bounded(&state.text));
    let status = finding.record.workflow.status();
    if scalar(status).is_none_or(|word| !word.eq_ignore_ascii_case(&state.text)) {
        put.leave("Workflow.Status", status);
    }
}

/// Members that go to one leaf as they are.
fn members(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let record = finding.record;
    for (leaf, path, value) in [
        (leaves.metadata_product_version, "SchemaVersion", record.schema_version()),
        (leaves.metadata_product_feature_uid, "GeneratorId", record.generator_id()),
        (leaves.metadata_product_feature_name, "ProductName", record.product_name()),
        (leaves.metadata_product_uid, "ProductArn", record.product_arn()),
        (leaves.finding_uid, "Id", record.id()),
        (leaves.finding_desc, "Description", record.description()),
        (leaves.finding_title, "Title", record.title()),
        (leaves.finding_src_url, "SourceUrl", record.source_url()),
    ] {
        put.text(leaf, path, value);
    }
    if record.product_name().is_none()
        && let Some(name) = finding.product.name(record)
    {
        put.derived(leaves.metadata_product_feature_name, &name);
    }
    if !record.title().is_some_and(|title| title.is_scalar()) {
        let title = some_text(record.generator_id()).or_else(|| scalar(record.id()));
        put.derived(leaves.finding_title, &title.unwrap_or_default());
    }
    for (leaf, path, value) in [
        (leaves.finding_created_time, "CreatedAt", record.created_at()),
        (leaves.finding_modified_time, "UpdatedAt", record.updated_at()),
        (leaves.finding_first_seen_time, "FirstObservedAt", record.first_observed_at()),
        (leaves.finding_last_seen_time, "LastObservedAt", record.last_observed_at()),
    ] {
        put.time(leaf, path, value);
    }
    put.int(leaves.confidence, "Confidence", record.confidence());
    put.texts(leaves.finding_types, leaves.finding_type, "Types", record.types());
    let recommendation = &record.remediation.recommendation;
    put.text(leaves.finding_remediation_desc, "Remediation.Recommendation.Text", recommendation.text());
    let (list, leaf) = (leaves.finding_remediation_kb_articles, leaves.finding_remediation_kb_article);
    put.texts(list, leaf, "Remediation.Recommendation.Url", recommendation.url());
    parts::related_findings(leaves, put, finding);
}

/// What has no column.
fn left_over(put: &mut Put<'_>, finding: &Finding<'_>) {
    let record = finding.record;
    put.leave("CompanyName", record.company_name());
    put.leave("ProcessedAt", record.processed_at());
    put.leave("ProductFields", record.product_fields());
    put.leave("FindingProviderFields", record.finding_provider_fields());
    put.leave("Note", record.note());
    put.leave("WorkflowState", record.workflow_state());
    put.leave("RecordState", record.record_state());
    for (path, value) in [("Region", record.region()), ("AwsAccountId", record.aws_account_id())] {
        put.leave(path, value.filter(|value| !has_text(Some(*value))));
    }
    let severity = &record.severity;
    if !has_text(severity.label()) {
        put.leave("Severity.Label", severity.label());
    }
    put.leave("Severity.Normalized", severity.normalized());
    put.leave_rest("Severity", &severity.rest);
    put.leave_rest("Workflow", &record.workflow.rest);
    put.leave_rest("Remediation.Recommendation", &record.remediation.recommendation.rest);
    put.leave_rest("Remediation", &record.remediation.rest);
    for (name, value) in record.wrapping() {
        put.leave(name, value);
    }
    put.leave_rest("", &record.rest);
}
