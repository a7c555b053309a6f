//! `vulnerabilities[]`, of 2002 and, where such a finding has any, of 2004.
//!
//! | raw, below `Vulnerabilities[]` | OCSF, below `vulnerabilities[]` | note |
//! |---|---|---|
//! | `Id` | `cve.uid` | required of a `cve`: without it what would be in `cve` is left over |
//! | `Cvss[].BaseScore`, `.BaseVector`, `.Version` | `cve.cvss[].base_score`, `.vector_string`, `.version` | score and version are required: without them the element is left over. More than one digit behind the point does not fit and is left over too |
//! | `EpssScore` | `cve.epss.score` | as written |
//! | `Vendor.Url`, `.VendorCreatedAt`, `.VendorUpdatedAt` | `cve.references[]`, `.created_time_dt`, `.modified_time_dt` | |
//! | `Vendor.Name` | `vendor_name` | |
//! | `ReferenceUrls[]`, `RelatedVulnerabilities[]` | `references[]`, `related_vulnerabilities[]` | |
//! | `FixAvailable`, `ExploitAvailable` | `is_fix_available`, `is_exploit_available` | `YES`, `NO`; `PARTIAL` is a fix, and left over too |
//! | `VulnerablePackages[]` | `affected_packages[]` | name and version are required: without them it is left over |
//! | `CodeVulnerabilities[].Cwes[]` | `cwe.uid` | the first of all; the others are left over |
//! | `CodeVulnerabilities[].FilePath`, `.SourceArn` | `affected_code[]` | `file.name` is required: else the last part of the path |
//! | `Remediation.Recommendation` of the finding | `remediation` | 2002 |
//!
//! A vulnerability with neither `Id` nor CWE is none of OCSF's: all of it is left over.

use shared::json::{Kind, Raw};

use super::compliance;
use super::leaves::Leaves;
use crate::class::Class;
use crate::finding::Finding;
use crate::put::{Put, base_name, each, has_text, next_object, number};
use crate::record::{CodeVulnerability, Cvss, Package, Record, Vulnerability};

/// True if OCSF can say one of the vulnerabilities.
pub(crate) fn has_any(list: Option<Raw<'_>>) -> bool {
    let Some(list) = list.filter(|list| list.kind == Kind::Array) else { return false };
    let (mut cursor, mut first) = (list.cursor(), true);
    while let Ok(true) = cursor.next_element(&mut first) {
        let Ok(element) = cursor.value() else { return false };
        if has_text(element.member("Id")) || first_cwe(element.member("CodeVulnerabilities")).is_some() {
            return true;
        }
    }
    false
}

/// Where the first CWE of some code stands.
fn first_cwe(code: Option<Raw<'_>>) -> Option<Raw<'_>> {
    let mut found = None;
    each(code.filter(|code| code.kind == Kind::Array)?, |element| {
        if let Some(cwes) = element.member("Cwes").filter(|cwes| cwes.kind == Kind::Array && found.is_none())
        {
            each(cwes, |cwe| found = found.or_else(|| Some(cwe).filter(|cwe| has_text(Some(*cwe)))));
        }
    });
    found
}

pub(super) fn write(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>, class: Class) {
    let Some(list) = finding.record.vulnerabilities() else { return };
    if list.kind != Kind::Array || class == Class::Compliance {
        return put.leave("Vulnerabilities", Some(list));
    }
    let remediation = (class == Class::Vulnerability).then_some(finding.record);
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut vulnerability = Vulnerability::default();
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        vulnerability.clear();
        vulnerability.read(cursor)
    }) {
        match element {
            Ok(raw) => {
                let cwe = first_cwe(vulnerability.code_vulnerabilities());
                if has_text(vulnerability.id()) || cwe.is_some() {
                    put.rows.element(leaves.vulnerabilities);
                    write_one(leaves, put, &vulnerability, cwe, remediation);
                } else {
                    put.leave("Vulnerabilities[]", Some(raw));
                }
            }
            Err(other) => put.leave("Vulnerabilities[]", Some(other)),
        }
    }
}

fn write_one<'a>(
    leaves: &Leaves,
    put: &mut Put<'_>,
    vulnerability: &Vulnerability<'a>,
    cwe: Option<Raw<'a>>,
    remediation: Option<&Record<'_>>,
) {
    let vendor = &vulnerability.vendor;
    if has_text(vulnerability.id()) {
        cve(leaves, put, vulnerability);
    } else {
        for (path, value) in [
            ("Vulnerabilities[].Id", vulnerability.id()),
            ("Vulnerabilities[].Cvss", vulnerability.cvss()),
            ("Vulnerabilities[].EpssScore", vulnerability.epss_score()),
            ("Vulnerabilities[].Vendor.Url", vendor.url()),
            ("Vulnerabilities[].Vendor.VendorCreatedAt", vendor.created_at()),
            ("Vulnerabilities[].Vendor.VendorUpdatedAt", vendor.updated_at()),
        ] {
            put.leave(path, value);
        }
    }
    put.text(leaves.vulnerability_vendor_name, "Vulnerabilities[].Vendor.Name", vendor.name());
    let (list, leaf) = (leaves.vulnerability_references, leaves.vulnerability_reference);
    put.texts(list, leaf, "Vulnerabilities[].ReferenceUrls", vulnerability.reference_urls());
    let (list, leaf) = (leaves.vulnerability_relateds, leaves.vulnerability_related);
    put.texts(
        list,
        leaf,
        "Vulnerabilities[].RelatedVulnerabilities",
        vulnerability.related_vulnerabilities(),
    );
    for (leaf, path, value) in [
        (
            leaves.vulnerability_is_fix_available,
            "Vulnerabilities[].FixAvailable",
            vulnerability.fix_available(),
        ),
        (
            leaves.vulnerability_is_exploit_available,
            "Vulnerabilities[].ExploitAvailable",
            vulnerability.exploit_available(),
        ),
    ] {
        match value.filter(|value| value.kind == Kind::String).map(|value| value.text) {
            Some("YES") => put.rows.boolean(leaf, true),
            Some("NO") => put.rows.boolean(leaf, false),
            said => {
                if said == Some("PARTIAL") {
                    put.rows.boolean(leaf, true);
                }
                put.leave(path, value);
            }
        }
    }
    packages(leaves, put, vulnerability.vulnerable_packages());
    code(leaves, put, vulnerability.code_vulnerabilities(), cwe);
    if let Some(record) = remediation {
        let references =
            (leaves.vulnerability_remediation_references, leaves.vulnerability_remediation_reference);
        compliance::remediation(put, record, leaves.vulnerability_remediation_desc, references);
    }
    put.leave_rest("Vulnerabilities[].Vendor", &vendor.rest);
    put.leave_rest("Vulnerabilities[]", &vulnerability.rest);
}

fn cve(leaves: &Leaves, put: &mut Put<'_>, vulnerability: &Vulnerability<'_>) {
    put.text(leaves.cve_uid, "Vulnerabilities[].Id", vulnerability.id());
    put.text(leaves.cve_epss_score, "Vulnerabilities[].EpssScore", vulnerability.epss_score());
    let vendor = &vulnerability.vendor;
    put.texts(leaves.cve_references, leaves.cve_reference, "Vulnerabilities[].Vendor.Url", vendor.url());
    put.time(leaves.cve_created_time_dt, "Vulnerabilities[].Vendor.VendorCreatedAt", vendor.created_at());
    put.time(leaves.cve_modified_time_dt, "Vulnerabilities[].Vendor.VendorUpdatedAt", vendor.updated_at());
    let Some(list) = vulnerability.cvss() else { return };
    if list.kind != Kind::Array {
        return put.leave("Vulnerabilities[].Cvss", Some(list));
    }
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut score = Cvss::default();
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        score.clear();
        score.read(cursor)
    }) {
        let fits = |score: Raw<'_>| number(score).is_some_and(|score| (score * 10.0).round().abs() < 1000.0);
        match element {
            Ok(_) if score.base_score().is_some_and(fits) && has_text(score.version()) => {
                put.rows.element(leaves.cve_cvss);
                put.score(
                    leaves.cve_cvss_base_score,
                    "Vulnerabilities[].Cvss[].BaseScore",
                    score.base_score(),
                );
                let leaf = leaves.cve_cvss_vector_string;
                put.text(leaf, "Vulnerabilities[].Cvss[].BaseVector", score.base_vector());
                put.text(leaves.cve_cvss_version, "Vulnerabilities[].Cvss[].Version", score.version());
                put.leave_rest("Vulnerabilities[].Cvss[]", &score.rest);
            }
            Ok(other) | Err(other) => put.leave("Vulnerabilities[].Cvss[]", Some(other)),
        }
    }
}

fn packages(leaves: &Leaves, put: &mut Put<'_>, packages: Option<Raw<'_>>) {
    let Some(list) = packages else { return };
    if list.kind != Kind::Array {
        return put.leave("Vulnerabilities[].VulnerablePackages", packages);
    }
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut package = Package::default();
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        package.clear();
        package.read(cursor)
    }) {
        match element {
            Ok(_) if has_text(package.name()) && has_text(package.version()) => {
                put.rows.element(leaves.packages);
                write_package(leaves, put, &package);
            }
            Ok(other) | Err(other) => put.leave("Vulnerabilities[].VulnerablePackages[]", Some(other)),
        }
    }
}

fn write_package(leaves: &Leaves, put: &mut Put<'_>, package: &Package<'_>) {
    for (leaf, path, value) in [
        (leaves.package_name, "Vulnerabilities[].VulnerablePackages[].Name", package.name()),
        (leaves.package_version, "Vulnerabilities[].VulnerablePackages[].Version", package.version()),
        (
            leaves.package_architecture,
            "Vulnerabilities[].VulnerablePackages[].Architecture",
            package.architecture(),
        ),
        (leaves.package_release, "Vulnerabilities[].VulnerablePackages[].Release", package.release()),
        (leaves.package_path, "Vulnerabilities[].VulnerablePackages[].FilePath", package.file_path()),
        (
            leaves.package_fixed_in_version,
            "Vulnerabilities[].VulnerablePackages[].FixedInVersion",
            package.fixed_in_version(),
        ),
        (
            leaves.package_manager,
            "Vulnerabilities[].VulnerablePackages[].PackageManager",
            package.package_manager(),
        ),
        (
            leaves.package_remediation_desc,
            "Vulnerabilities[].VulnerablePackages[].Remediation",
            package.remediation(),
        ),
    ] {
        put.text(leaf, path, value);
    }
    put.int(leaves.package_epoch, "Vulnerabilities[].VulnerablePackages[].Epoch", package.epoch());
    put.leave_rest("Vulnerabilities[].VulnerablePackages[]", &package.rest);
}

fn code(leaves: &Leaves, put: &mut Put<'_>, code: Option<Raw<'_>>, cwe: Option<Raw<'_>>) {
    let Some(list) = code else { return };
    if list.kind != Kind::Array {
        return put.leave("Vulnerabilities[].CodeVulnerabilities", code);
    }
    put.text(leaves.cwe_uid, "Vulnerabilities[].CodeVulnerabilities[].Cwes[]", cwe);
    let mut is_taken = cwe.is_none();
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut place = CodeVulnerability::default();
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        place.clear();
        place.read(cursor)
    }) {
        if let Err(other) = element {
            put.leave("Vulnerabilities[].CodeVulnerabilities[]", Some(other));
            continue;
        }
        match place.cwes() {
            Some(cwes) if cwes.kind == Kind::Array => each(cwes, |other| {
                if !is_taken && has_text(Some(other)) {
                    is_taken = true; // the one that was written
                } else {
                    put.leave("Vulnerabilities[].CodeVulnerabilities[].Cwes[]", Some(other));
                }
            }),
            cwes => put.leave("Vulnerabilities[].CodeVulnerabilities[].Cwes", cwes),
        }
        write_place(leaves, put, &place);
    }
}

fn write_place(leaves: &Leaves, put: &mut Put<'_>, place: &CodeVulnerability<'_>) {
    let file = &place.file_path;
    let members = [
        (
            leaves.code_file_name,
            "Vulnerabilities[].CodeVulnerabilities[].FilePath.FileName",
            file.file_name(),
        ),
        (
            leaves.code_file_path,
            "Vulnerabilities[].CodeVulnerabilities[].FilePath.FilePath",
            file.file_path(),
        ),
        (leaves.code_file_uid, "Vulnerabilities[].CodeVulnerabilities[].SourceArn", place.source_arn()),
    ];
    let lines = [
        (
            leaves.code_start_line,
            "Vulnerabilities[].CodeVulnerabilities[].FilePath.StartLine",
            file.start_line(),
        ),
        (leaves.code_end_line, "Vulnerabilities[].CodeVulnerabilities[].FilePath.EndLine", file.end_line()),
    ];
    if has_text(file.file_name()) || has_text(file.file_path()) {
        put.rows.element(leaves.code);
        if !has_text(file.file_name())
            && let Some(path) = file.file_path().and_then(|path| path.scalar())
        {
            put.derived(leaves.code_file_name, base_name(&path));
        }
        put.rows.int(leaves.code_file_type_id, 0);
        for (leaf, path, value) in members {
            put.text(leaf, path, value);
        }
        for (leaf, path, value) in lines {
            put.int(leaf, path, value);
        }
    } else {
        for (_, path, value) in members {
            put.leave(path, value);
        }
        for (_, path, value) in lines {
            put.leave(path, value);
        }
    }
    put.leave_rest("Vulnerabilities[].CodeVulnerabilities[].FilePath", &file.rest);
    put.leave_rest("Vulnerabilities[].CodeVulnerabilities[]", &place.rest);
}
