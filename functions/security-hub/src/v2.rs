//! Source version 2.0: one finding to one row of OCSF 1.1.0, in one of three classes, see [`crate::class`].
//!
//! Sources: the OCSF examples' mapping of Security Hub for 1.1.0, the samples beside it, OCSF 1.1.0. What is in no row
//! of the tables goes to `unmapped` under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `UpdatedAt` | `time`, `time_dt`, `finding_info.modified_time_dt` | see [`crate::finding`] |
//! | `SchemaVersion`, `ProcessedAt` | `metadata.log_version`, `metadata.processed_time_dt` | |
//! | `ProductArn`, `ProductName`, `CompanyName` | `metadata.product.uid`, `.name`, `.vendor_name` | name and vendor else from `ProductFields` or `ProductArn` |
//! | `GeneratorId` | `metadata.product.feature.uid` | |
//! | `ProductFields.*/ProductVersion` | `metadata.product.version` | `aws/inspector/ProductVersion` |
//! | `ProductFields.aws/guardduty/service/featureName` | `metadata.product.feature.name` | 2004 |
//! | other `ProductFields` of GuardDuty | `evidences[]` | 2004, see [`evidence`] |
//! | `Region`, `AwsAccountId` | `cloud.region`, `cloud.account.uid` | also the partition |
//! | `Id`, `Title`, `Description`, `SourceUrl`, `Types[]` | `finding_info.uid`, `.title`, `.desc`, `.src_url`, `.types[]` | a finding without `Id` is quarantined; `Title` is required: else `GeneratorId`, else `Id` |
//! | `CreatedAt`, `FirstObservedAt`, `LastObservedAt` | `finding_info.created_time_dt`, `.first_seen_time_dt`, `.last_seen_time_dt` | |
//! | `RelatedFindings[]` | `finding_info.related_events[]` | |
//! | `Note.Text` | `message` | |
//! | `Confidence` | `confidence_score` | |
//! | `Severity.Label` | `severity`, `severity_id` | see [`crate::finding`] |
//! | `Workflow.Status` | `status`, `status_id` | |
//! | `CreatedAt`, `UpdatedAt` | `activity_*`, `type_*` | equal: 1 Create, else 2 Update |
//! | `Resources[]`, `Criticality` | `resource` (2002, 2003), `resources[]` (2004) | see [`resources`] |
//! | `Compliance` | `compliance` | 2003, see [`compliance`] |
//! | `Remediation.Recommendation` | `remediation` (2003, 2004), `vulnerabilities[].remediation` (2002) | |
//! | `Vulnerabilities[]` | `vulnerabilities[]` | 2002, 2004, see [`vulnerabilities`] |
//!
//! Observables are the addresses, host names, hashes, user names and process names of `evidences[]` and the ids of the
//! resources.
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. Class: by product where AWS names it, else by what the finding is; see [`crate::class`].
//! 2. Equal `CreatedAt` and `UpdatedAt` mean Create. Nothing means Close: an archived finding may come back, and
//!    `RecordState` is in `unmapped`.
//! 3. `time` is `UpdatedAt`.
//! 4. `cve.uid` is `Vulnerabilities[].Id`; the table names `Cvss[].Id`, which findings do not have.
//! 5. GuardDuty's fields are read with and without `action/`, which the table lacks and the sample has; the attribute
//!    that the table calls `metadata.product.eature.name` is `feature.name`.
//! 6. `metadata.product.vendor_name` is `CompanyName`; the constant `AWS` stands in where there is none.
//! 7. `metadata.product.version` is in the sample and in no table: see above.
//! 8. The profile of `process.euid` is `linux/linux_users` in OCSF 1.1.0; AWS's sample has `linux`, which is none.
//! 9. 2002 and 2003 have one `resource`: the first; the others are in `unmapped`.
//! 10. `status` is OCSF's caption of `Workflow.Status`, with its id appended. `NOTIFIED`, for which there is none, is In
//!     Progress as in AWS's rows of 1.0, and is in `unmapped` as well.
//! 11. `severity` is that of `Severity.Label`; the other members of `Severity` are in `unmapped`.
//! 12. `compliance.status` keeps the raw word, which queries look for, so its id is 99. `compliance.standards`, which is
//!     required, has a fallback.
//! 13. Tags are `key=value`.
//! 14. `data` is the compact JSON of `Details`.
//! 15. `location.coordinates` are longitude, latitude, as written; AWS's sample has them through a 32-bit float.
//! 16. An empty `additionalInfo/value` is in `unmapped`; AWS's sample has the empty string as `evidences[].data`, where
//!     readers expect JSON.
//! 17. Values of one path in `unmapped` are joined by `,`; all of `Cvss[]` has its place, so only what OCSF lacks is there.
//! 18. Numbers that come as text (`Epoch`, ports) become numbers; `epss.score` stays the text that it is.
//! 19. 2002 needs a vulnerability, so a finding of Inspector without one has another class.
//!
//! `Process`, `Malware`, `Network` and `Action` have no column in AWS's table and no row in its mapping: `unmapped`.

pub mod compliance;
pub mod evidence;
mod leaves;
mod product_fields;
pub mod resources;
pub mod vulnerabilities;

use shared::json::Kind;
use shared::ocsf::{self, Unmapped};
use shared::rows::{Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use self::leaves::Leaves;
use self::product_fields::{ProductFields, Slot};
use crate::class::Class;
use crate::finding::{Activity, Finding};
use crate::put::{Put, has_text, scalar, some_text};
use crate::record::Note;

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
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("category_name", "Findings"),
        ("asl_version", table.version),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    rows.constant_int(rows.leaf("category_uid")?, 2);
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
        let class = Class::of(finding);
        let fields = ProductFields::read(put, finding, class);
        normalised(leaves, put, finding, class);
        metadata(leaves, put, finding, class, &fields);
        members(leaves, put, finding);
        resources::write(leaves, put, finding, class, &fields);
        vulnerabilities::write(leaves, put, finding, class);
        let references = (leaves.remediation_references, leaves.remediation_reference);
        match class {
            Class::Vulnerability => put.leave("Compliance", finding.record.compliance()),
            Class::Compliance => {
                compliance::write(leaves, put, finding);
                compliance::remediation(put, finding.record, leaves.remediation_desc, references);
            }
            Class::Detection => {
                put.leave("Compliance", finding.record.compliance());
                compliance::remediation(put, finding.record, leaves.remediation_desc, references);
                evidence::write(&leaves.evidence, &leaves.observables, put, &fields);
            }
        }
        left_over(put, finding);
        put.unmapped.write(put.rows);
        out.end_row(index, &finding.region, &finding.account, finding.time);
    }
}

/// What is worked out of several members.
fn normalised(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>, class: Class) {
    let rows = &mut *put.rows;
    rows.long(leaves.time, finding.time);
    rows.long(leaves.time_dt, finding.time);
    rows.text(leaves.cloud_region, &finding.region);
    rows.text(leaves.cloud_account_uid, &finding.account);
    rows.int(leaves.class_uid, class.uid());
    rows.text(leaves.class_name, class.name());
    rows.int(leaves.severity_id, finding.severity.id);
    rows.text(leaves.severity, ocsf::bounded(&finding.severity.text));
    let (id, name) = match finding.activity {
        Activity::Created => (1, "Create"),
        Activity::Updated => (2, "Update"),
        Activity::Unknown => (0, "Unknown"),
    };
    rows.int(leaves.activity_id, id);
    rows.text(leaves.activity_name, name);
    rows.long(leaves.type_uid, i64::from(class.uid() * 100 + id));
    rows.text(leaves.type_name, type_name(class, finding.activity));
    let caption = finding.status.as_ref().map(|status| status.text.as_ref());
    if let Some(status) = &finding.status {
        rows.int(leaves.status_id, status.id);
        rows.text(leaves.status, ocsf::bounded(&status.text));
    }
    let word = finding.record.workflow.status();
    if scalar(word).is_none_or(|word| !caption.is_some_and(|caption| word.eq_ignore_ascii_case(caption))) {
        put.leave("Workflow.Status", word);
    }
}

fn type_name(class: Class, activity: Activity) -> &'static str {
    match (class, activity) {
        (Class::Vulnerability, Activity::Created) => "Vulnerability Finding: Create",
        (Class::Vulnerability, Activity::Updated) => "Vulnerability Finding: Update",
        (Class::Vulnerability, Activity::Unknown) => "Vulnerability Finding: Unknown",
        (Class::Compliance, Activity::Created) => "Compliance Finding: Create",
        (Class::Compliance, Activity::Updated) => "Compliance Finding: Update",
        (Class::Compliance, Activity::Unknown) => "Compliance Finding: Unknown",
        (Class::Detection, Activity::Created) => "Detection Finding: Create",
        (Class::Detection, Activity::Updated) => "Detection Finding: Update",
        (Class::Detection, Activity::Unknown) => "Detection Finding: Unknown",
    }
}

fn metadata(
    leaves: &Leaves,
    put: &mut Put<'_>,
    finding: &Finding<'_>,
    class: Class,
    fields: &ProductFields<'_>,
) {
    let record = finding.record;
    put.text(leaves.metadata_log_version, "SchemaVersion", record.schema_version());
    put.time(leaves.metadata_processed_time_dt, "ProcessedAt", record.processed_at());
    put.text(leaves.metadata_product_uid, "ProductArn", record.product_arn());
    put.text(leaves.metadata_product_feature_uid, "GeneratorId", record.generator_id());
    fields.text(put, leaves.metadata_product_version, Slot::ProductVersion);
    fields.text(put, leaves.metadata_product_feature_name, Slot::FeatureName);
    if has_text(record.product_name()) {
        put.text(leaves.metadata_product_name, "ProductName", record.product_name());
    } else {
        put.leave("ProductName", record.product_name());
        if let Some(name) = finding.product.name(record) {
            put.derived(leaves.metadata_product_name, &name);
        }
    }
    if has_text(record.company_name()) {
        put.text(leaves.metadata_product_vendor_name, "CompanyName", record.company_name());
    } else {
        put.leave("CompanyName", record.company_name());
        put.derived(leaves.metadata_product_vendor_name, &finding.product.vendor(record));
    }
    let profiles: &[&str] = match class {
        Class::Detection => &["cloud", "datetime", "linux/linux_users"],
        Class::Vulnerability | Class::Compliance => &["cloud", "datetime"],
    };
    for profile in profiles {
        put.rows.element(leaves.metadata_profiles);
        put.rows.text(leaves.metadata_profile, profile);
    }
    if class == Class::Detection {
        put.rows.element(leaves.metadata_extensions);
        put.rows.text(leaves.metadata_extension_name, "linux");
        put.rows.text(leaves.metadata_extension_uid, "1");
        put.rows.text(leaves.metadata_extension_version, "1.1.0");
    }
}

/// Members that go to one leaf as they are.
fn members(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let record = finding.record;
    for (leaf, path, value) in [
        (leaves.finding_uid, "Id", record.id()),
        (leaves.finding_desc, "Description", record.description()),
        (leaves.finding_title, "Title", record.title()),
        (leaves.finding_src_url, "SourceUrl", record.source_url()),
    ] {
        put.text(leaf, path, value);
    }
    if !record.title().is_some_and(|title| title.is_scalar()) {
        let title = some_text(record.generator_id()).or_else(|| scalar(record.id()));
        put.derived(leaves.finding_title, &title.unwrap_or_default());
    }
    for (leaf, path, value) in [
        (leaves.finding_created_time_dt, "CreatedAt", record.created_at()),
        (leaves.finding_modified_time_dt, "UpdatedAt", record.updated_at()),
        (leaves.finding_first_seen_time_dt, "FirstObservedAt", record.first_observed_at()),
        (leaves.finding_last_seen_time_dt, "LastObservedAt", record.last_observed_at()),
    ] {
        put.time(leaf, path, value);
    }
    put.int(leaves.confidence_score, "Confidence", record.confidence());
    put.texts(leaves.finding_types, leaves.finding_type, "Types", record.types());
    resources::related_findings(leaves, put, finding);
    let mut note = Note::default();
    match record.note() {
        Some(value) if value.kind == Kind::Object && note.read(&mut value.cursor()).is_ok() => {
            put.text(leaves.message, "Note.Text", note.text());
            put.leave_rest("Note", &note.rest);
        }
        value => put.leave("Note", value),
    }
}

/// What has no column.
fn left_over(put: &mut Put<'_>, finding: &Finding<'_>) {
    let record = finding.record;
    put.leave("FindingProviderFields", record.finding_provider_fields());
    put.leave("Process", record.process());
    put.leave("Malware", record.malware());
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
