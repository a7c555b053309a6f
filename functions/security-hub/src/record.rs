//! A finding as AWS documents it (Security Hub user guide, "AWS Security Finding Format (ASFF)", "Required top-level
//! ASFF attributes", "Optional top-level ASFF attributes"), borrowed from the text it was read from; and what wraps
//! findings: EventBridge events ("EventBridge event formats for Security Hub CSPM") and the answer of `GetFindings`.
//!
//! See [`mod@shared::record`]. Lists and what only one class takes are read when they are mapped.

use shared::json::Raw;
use shared::record;

record! {
    /// A finding, or an object that holds findings: the first has none of the members that only the second has.
    Record {
        /// `SchemaVersion`: `2018-10-08`
        schema_version = "SchemaVersion",
        /// `Id`
        id = "Id",
        /// `ProductArn`: `arn:aws:securityhub:<region>:[account]:product/<company>/<product>`
        product_arn = "ProductArn",
        /// `ProductName`
        product_name = "ProductName",
        /// `CompanyName`
        company_name = "CompanyName",
        /// `Region`: absent in old findings.
        region = "Region",
        /// `GeneratorId`: the rule, check or detector.
        generator_id = "GeneratorId",
        /// `AwsAccountId`
        aws_account_id = "AwsAccountId",
        /// `Types`: texts `namespace/category/classifier`.
        types = "Types",
        /// `FirstObservedAt`
        first_observed_at = "FirstObservedAt",
        /// `LastObservedAt`
        last_observed_at = "LastObservedAt",
        /// `CreatedAt`
        created_at = "CreatedAt",
        /// `UpdatedAt`
        updated_at = "UpdatedAt",
        /// `ProcessedAt`
        processed_at = "ProcessedAt",
        /// `Confidence`: 0 to 100.
        confidence = "Confidence",
        /// `Criticality`: 0 to 100, of the resources.
        criticality = "Criticality",
        /// `Title`
        title = "Title",
        /// `Description`
        description = "Description",
        /// `SourceUrl`
        source_url = "SourceUrl",
        /// `ProductFields`: texts by name.
        product_fields = "ProductFields",
        /// `FindingProviderFields`: what the product said before anybody changed it.
        finding_provider_fields = "FindingProviderFields",
        /// `RelatedFindings`
        related_findings = "RelatedFindings",
        /// `Resources`
        resources = "Resources",
        /// `Compliance`
        compliance = "Compliance",
        /// `Malware`
        malware = "Malware",
        /// `Process`
        process = "Process",
        /// `Vulnerabilities`
        vulnerabilities = "Vulnerabilities",
        /// `Note`
        note = "Note",
        /// `WorkflowState`: the forerunner of `Workflow.Status`.
        workflow_state = "WorkflowState",
        /// `RecordState`: `ACTIVE`, `ARCHIVED`.
        record_state = "RecordState",
        /// `class_uid`: only OCSF events have it.
        class_uid = "class_uid",
        /// `Findings`: the answer of `GetFindings`, the request of `BatchImportFindings`.
        findings = "Findings",
        /// `findings`: the `detail` of an event, by itself.
        detail_findings = "findings",
        /// `detail-type` of an event.
        detail_type = "detail-type",
        /// `account` of an event.
        event_account = "account",
        /// `region` of an event.
        event_region = "region",
        /// `logEvents` of an envelope of CloudWatch Logs.
        log_events = "logEvents",
        /// `message` of a log event.
        message = "message",
        ;
        /// `Severity`
        severity: Severity = "Severity",
        /// `Workflow`
        workflow: Workflow = "Workflow",
        /// `Remediation`
        remediation: Remediation = "Remediation",
        /// `detail` of an event.
        detail: Detail = "detail",
    }
}

impl<'a> Record<'a> {
    /// Members that mean something only where findings are wrapped; a finding that has them all the same leaves them
    /// over.
    pub fn wrapping(&self) -> [(&'static str, Option<Raw<'a>>); 8] {
        [
            ("class_uid", self.class_uid()),
            ("Findings", self.findings()),
            ("findings", self.detail_findings()),
            ("detail-type", self.detail_type()),
            ("account", self.event_account()),
            ("region", self.event_region()),
            ("logEvents", self.log_events()),
            ("message", self.message()),
        ]
    }
}

record! {
    /// `Severity`
    Severity {
        /// `Label`: `INFORMATIONAL`, `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`.
        label = "Label",
        /// `Normalized`: 0 to 100.
        normalized = "Normalized",
    }
}

record! {
    /// `Workflow`
    Workflow {
        /// `Status`: `NEW`, `NOTIFIED`, `SUPPRESSED`, `RESOLVED`.
        status = "Status",
    }
}

record! {
    /// `Remediation`
    Remediation {
        ;
        /// `Recommendation`
        recommendation: Recommendation = "Recommendation",
    }
}

record! {
    /// `Remediation.Recommendation`
    Recommendation {
        /// `Text`
        text = "Text",
        /// `Url`
        url = "Url",
    }
}

record! {
    /// `detail` of an event.
    Detail {
        /// `findings`
        findings = "findings",
        /// `insightResults` of an event that is about an insight.
        insight_results = "insightResults",
    }
}

record! {
    /// An element of `Resources`.
    Resource {
        /// `Type`: `AwsEc2Instance`
        kind = "Type",
        /// `Id`: an ARN as a rule.
        id = "Id",
        /// `Partition`: `aws`, `aws-cn`, `aws-us-gov`.
        partition = "Partition",
        /// `Region`
        region = "Region",
        /// `Tags`: texts by name.
        tags = "Tags",
        /// `Details`: free-form.
        details = "Details",
    }
}

record! {
    /// An element of `RelatedFindings`.
    RelatedFinding {
        /// `ProductArn`
        product_arn = "ProductArn",
        /// `Id`
        id = "Id",
    }
}

record! {
    /// `Compliance`
    Compliance {
        /// `Status`: `PASSED`, `WARNING`, `FAILED`, `NOT_AVAILABLE`.
        status = "Status",
        /// `RelatedRequirements`: texts.
        related_requirements = "RelatedRequirements",
        /// `StatusReasons`: objects with `Description` and `ReasonCode`.
        status_reasons = "StatusReasons",
        /// `SecurityControlId`
        security_control_id = "SecurityControlId",
        /// `AssociatedStandards`: objects with `StandardsId`.
        associated_standards = "AssociatedStandards",
    }
}

record! {
    /// An element of `Compliance.StatusReasons`.
    StatusReason {
        /// `Description`
        description = "Description",
        /// `ReasonCode`
        reason_code = "ReasonCode",
    }
}

record! {
    /// An element of `Compliance.AssociatedStandards`.
    Standard {
        /// `StandardsId`
        standards_id = "StandardsId",
    }
}

record! {
    /// `Note`
    Note {
        /// `Text`
        text = "Text",
    }
}

record! {
    /// `Process`
    Process {
        /// `Name`
        name = "Name",
        /// `Path`
        path = "Path",
        /// `Pid`
        pid = "Pid",
        /// `ParentPid`
        parent_pid = "ParentPid",
        /// `LaunchedAt`
        launched_at = "LaunchedAt",
        /// `TerminatedAt`
        terminated_at = "TerminatedAt",
    }
}

record! {
    /// An element of `Malware`.
    Malware {
        /// `Name`
        name = "Name",
        /// `Path`
        path = "Path",
        /// `Type`: `ADWARE`, `TROJAN`, …
        kind = "Type",
    }
}

record! {
    /// An element of `Vulnerabilities`.
    Vulnerability {
        /// `Id`: `CVE-2026-0001`
        id = "Id",
        /// `Cvss`
        cvss = "Cvss",
        /// `EpssScore`
        epss_score = "EpssScore",
        /// `ExploitAvailable`: `YES`, `NO`.
        exploit_available = "ExploitAvailable",
        /// `FixAvailable`: `YES`, `NO`, `PARTIAL`.
        fix_available = "FixAvailable",
        /// `ReferenceUrls`: texts.
        reference_urls = "ReferenceUrls",
        /// `RelatedVulnerabilities`: texts.
        related_vulnerabilities = "RelatedVulnerabilities",
        /// `VulnerablePackages`
        vulnerable_packages = "VulnerablePackages",
        /// `CodeVulnerabilities`
        code_vulnerabilities = "CodeVulnerabilities",
        ;
        /// `Vendor`
        vendor: Vendor = "Vendor",
    }
}

record! {
    /// `Vulnerabilities[].Vendor`
    Vendor {
        /// `Name`
        name = "Name",
        /// `Url`
        url = "Url",
        /// `VendorCreatedAt`
        created_at = "VendorCreatedAt",
        /// `VendorUpdatedAt`
        updated_at = "VendorUpdatedAt",
    }
}

record! {
    /// An element of `Vulnerabilities[].Cvss`.
    Cvss {
        /// `BaseScore`: 0 to 10.
        base_score = "BaseScore",
        /// `BaseVector`
        base_vector = "BaseVector",
        /// `Version`
        version = "Version",
    }
}

record! {
    /// An element of `Vulnerabilities[].VulnerablePackages`.
    Package {
        /// `Name`
        name = "Name",
        /// `Version`
        version = "Version",
        /// `Architecture`
        architecture = "Architecture",
        /// `Epoch`: a number, as text.
        epoch = "Epoch",
        /// `Release`
        release = "Release",
        /// `FilePath`
        file_path = "FilePath",
        /// `FixedInVersion`
        fixed_in_version = "FixedInVersion",
        /// `PackageManager`
        package_manager = "PackageManager",
        /// `Remediation`
        remediation = "Remediation",
    }
}

record! {
    /// An element of `Vulnerabilities[].CodeVulnerabilities`.
    CodeVulnerability {
        /// `Cwes`: texts.
        cwes = "Cwes",
        /// `SourceArn`
        source_arn = "SourceArn",
        ;
        /// `FilePath`
        file_path: CodeFilePath = "FilePath",
    }
}

record! {
    /// `Vulnerabilities[].CodeVulnerabilities[].FilePath`
    CodeFilePath {
        /// `FileName`
        file_name = "FileName",
        /// `FilePath`
        file_path = "FilePath",
        /// `StartLine`
        start_line = "StartLine",
        /// `EndLine`
        end_line = "EndLine",
    }
}

#[cfg(test)]
mod tests {
    use shared::json::Cursor;

    use super::*;

    #[test]
    fn every_member_is_kept_whatever_its_type() {
        let text = r#"{"Id":7,"Title":"A","Severity":"HIGH","Remediation":{"Recommendation":{"Url":"u","x":1}},"Later":{"y":2},"Note":null,"Title":"B"} tail"#;
        let (mut record, mut cursor) = (Record::default(), Cursor::new(text));
        record.read(&mut cursor).unwrap();
        assert_eq!(cursor.between(cursor.offset(), text.len()), " tail");
        assert_eq!(record.title().map(|value| value.text), Some("A"));
        assert!(record.note().is_none() && !record.severity.is_present());
        assert_eq!(record.remediation.recommendation.url().map(|value| value.text), Some("u"));
        let rest: Vec<&str> = record.rest.iter().map(|(name, _)| name.text).collect();
        assert_eq!(rest, ["Severity", "Later", "Title"]);
        assert_eq!(record.remediation.recommendation.rest.len(), 1);
    }
}
