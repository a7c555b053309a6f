//! The leaves of the table of source version 2.0 but for those of `evidences`, found once.

use shared::leaves;
use shared::ocsf::Observables;
use shared::rows::{Decimal, Leaf, List, Rows, RowsError};

use super::evidence::EvidenceLeaves;

leaves! {
    metadata_log_version: str = "metadata.log_version",
    metadata_product_feature_uid: str = "metadata.product.feature.uid",
    metadata_product_feature_name: str = "metadata.product.feature.name",
    metadata_product_uid: str = "metadata.product.uid",
    metadata_product_name: str = "metadata.product.name",
    metadata_product_vendor_name: str = "metadata.product.vendor_name",
    metadata_product_version: str = "metadata.product.version",
    metadata_processed_time_dt: i64 = "metadata.processed_time_dt",
    metadata_profile: str = "metadata.profiles[]",
    metadata_extension_name: str = "metadata.extensions[].name",
    metadata_extension_uid: str = "metadata.extensions[].uid",
    metadata_extension_version: str = "metadata.extensions[].version",
    time: i64 = "time",
    time_dt: i64 = "time_dt",
    confidence_score: i32 = "confidence_score",
    message: str = "message",
    cloud_account_uid: str = "cloud.account.uid",
    cloud_region: str = "cloud.region",
    finding_created_time_dt: i64 = "finding_info.created_time_dt",
    finding_uid: str = "finding_info.uid",
    finding_desc: str = "finding_info.desc",
    finding_title: str = "finding_info.title",
    finding_modified_time_dt: i64 = "finding_info.modified_time_dt",
    finding_first_seen_time_dt: i64 = "finding_info.first_seen_time_dt",
    finding_last_seen_time_dt: i64 = "finding_info.last_seen_time_dt",
    finding_related_event_product_uid: str = "finding_info.related_events[].product_uid",
    finding_related_event_uid: str = "finding_info.related_events[].uid",
    finding_type: str = "finding_info.types[]",
    finding_src_url: str = "finding_info.src_url",
    remediation_desc: str = "remediation.desc",
    remediation_reference: str = "remediation.references[]",
    compliance_standard: str = "compliance.standards[]",
    compliance_requirement: str = "compliance.requirements[]",
    compliance_control: str = "compliance.control",
    compliance_status: str = "compliance.status",
    compliance_status_id: i32 = "compliance.status_id",
    compliance_status_detail: str = "compliance.status_detail",
    compliance_status_code: str = "compliance.status_code",
    vulnerability_remediation_desc: str = "vulnerabilities[].remediation.desc",
    vulnerability_remediation_reference: str = "vulnerabilities[].remediation.references[]",
    cve_cvss_base_score: Decimal = "vulnerabilities[].cve.cvss[].base_score",
    cve_cvss_vector_string: str = "vulnerabilities[].cve.cvss[].vector_string",
    cve_cvss_version: str = "vulnerabilities[].cve.cvss[].version",
    cve_uid: str = "vulnerabilities[].cve.uid",
    cve_epss_score: str = "vulnerabilities[].cve.epss.score",
    cve_reference: str = "vulnerabilities[].cve.references[]",
    cve_created_time_dt: i64 = "vulnerabilities[].cve.created_time_dt",
    cve_modified_time_dt: i64 = "vulnerabilities[].cve.modified_time_dt",
    vulnerability_reference: str = "vulnerabilities[].references[]",
    vulnerability_related: str = "vulnerabilities[].related_vulnerabilities[]",
    vulnerability_vendor_name: str = "vulnerabilities[].vendor_name",
    package_architecture: str = "vulnerabilities[].affected_packages[].architecture",
    package_epoch: i32 = "vulnerabilities[].affected_packages[].epoch",
    package_path: str = "vulnerabilities[].affected_packages[].path",
    package_fixed_in_version: str = "vulnerabilities[].affected_packages[].fixed_in_version",
    package_name: str = "vulnerabilities[].affected_packages[].name",
    package_manager: str = "vulnerabilities[].affected_packages[].package_manager",
    package_release: str = "vulnerabilities[].affected_packages[].release",
    package_remediation_desc: str = "vulnerabilities[].affected_packages[].remediation.desc",
    package_version: str = "vulnerabilities[].affected_packages[].version",
    cwe_uid: str = "vulnerabilities[].cwe.uid",
    code_end_line: i32 = "vulnerabilities[].affected_code[].end_line",
    code_file_name: str = "vulnerabilities[].affected_code[].file.name",
    code_file_path: str = "vulnerabilities[].affected_code[].file.path",
    code_file_uid: str = "vulnerabilities[].affected_code[].file.uid",
    code_file_type_id: i32 = "vulnerabilities[].affected_code[].file.type_id",
    code_start_line: i32 = "vulnerabilities[].affected_code[].start_line",
    vulnerability_is_fix_available: bool = "vulnerabilities[].is_fix_available",
    vulnerability_is_exploit_available: bool = "vulnerabilities[].is_exploit_available",
    resource_owner_account_uid: str = "resources[].owner.account.uid",
    class_name: str = "class_name",
    class_uid: i32 = "class_uid",
    severity_id: i32 = "severity_id",
    severity: str = "severity",
    activity_name: str = "activity_name",
    activity_id: i32 = "activity_id",
    type_uid: i64 = "type_uid",
    type_name: str = "type_name",
    status: str = "status",
    status_id: i32 = "status_id",
    ;
    metadata_profiles = "metadata.profiles",
    metadata_extensions = "metadata.extensions",
    finding_related_events = "finding_info.related_events",
    finding_types = "finding_info.types",
    remediation_references = "remediation.references",
    compliance_standards = "compliance.standards",
    compliance_requirements = "compliance.requirements",
    vulnerabilities = "vulnerabilities",
    vulnerability_remediation_references = "vulnerabilities[].remediation.references",
    cve_cvss = "vulnerabilities[].cve.cvss",
    cve_references = "vulnerabilities[].cve.references",
    vulnerability_references = "vulnerabilities[].references",
    vulnerability_relateds = "vulnerabilities[].related_vulnerabilities",
    packages = "vulnerabilities[].affected_packages",
    code = "vulnerabilities[].affected_code",
    resources = "resources",
    ;
    resource: SingleResource,
    listed_resource: ListedResource,
    evidence: EvidenceLeaves,
    observables: Observables,
}

/// The members that `resource` and the elements of `resources` share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResourceLeaves {
    pub(crate) kind: Leaf<str>,
    pub(crate) uid: Leaf<str>,
    pub(crate) cloud_partition: Leaf<str>,
    pub(crate) region: Leaf<str>,
    pub(crate) labels: List,
    pub(crate) label: Leaf<str>,
    pub(crate) data: Leaf<str>,
    pub(crate) criticality: Leaf<str>,
}

impl ResourceLeaves {
    fn below(rows: &Rows, path: &str) -> Result<Self, RowsError> {
        Ok(Self {
            kind: rows.leaf(&format!("{path}.type"))?,
            uid: rows.leaf(&format!("{path}.uid"))?,
            cloud_partition: rows.leaf(&format!("{path}.cloud_partition"))?,
            region: rows.leaf(&format!("{path}.region"))?,
            labels: rows.list(&format!("{path}.labels"))?,
            label: rows.leaf(&format!("{path}.labels[]"))?,
            data: rows.leaf(&format!("{path}.data"))?,
            criticality: rows.leaf(&format!("{path}.criticality"))?,
        })
    }
}

/// Those of `resource`.
#[derive(Debug)]
pub(crate) struct SingleResource(pub(crate) ResourceLeaves);

impl SingleResource {
    fn new(rows: &Rows) -> Result<Self, RowsError> {
        Ok(Self(ResourceLeaves::below(rows, "resource")?))
    }
}

/// Those of `resources[]`.
#[derive(Debug)]
pub(crate) struct ListedResource(pub(crate) ResourceLeaves);

impl ListedResource {
    fn new(rows: &Rows) -> Result<Self, RowsError> {
        Ok(Self(ResourceLeaves::below(rows, "resources[]")?))
    }
}
