//! `vulnerabilities[]` of version 1.0.
//!
//! | raw, below `Vulnerabilities[]` | OCSF, below `vulnerabilities[]` | note |
//! |---|---|---|
//! | `Id` | `cve.uid` | required: without it all is left over |
//! | `Cvss[]` | `cve.cvss` | the first, if it has a score and a version; all of `Cvss[]` is in `unmapped` too, as in AWS's rows |
//! | `Vendor.Name`, `.Url` | `vendor_name`, `kb_articles[]` | |
//! | `Vendor.VendorCreatedAt`, `.VendorUpdatedAt` | `cve.created_time`, `cve.modified_time` | |
//! | `ReferenceUrls[]`, `RelatedVulnerabilities[]` | `references[]`, `related_vulnerabilities[]` | |
//! | `VulnerablePackages[]` | `packages[]` | name and version are required: without them it is left over |

use shared::json::{Kind, Raw};

use super::leaves::Leaves;
use crate::finding::Finding;
use crate::put::{Put, has_text, next_object, number};
use crate::record::{Cvss, Package, Vulnerability};

pub(super) fn write(leaves: &Leaves, put: &mut Put<'_>, finding: &Finding<'_>) {
    let Some(list) = finding.record.vulnerabilities() else { return };
    if list.kind != Kind::Array {
        return put.leave("Vulnerabilities", Some(list));
    }
    let (mut cursor, mut first) = (list.cursor(), true);
    let mut vulnerability = Vulnerability::default();
    while let Some(element) = next_object(&mut cursor, &mut first, |cursor| {
        vulnerability.clear();
        vulnerability.read(cursor)
    }) {
        match element {
            Ok(_) if has_text(vulnerability.id()) => {
                put.rows.element(leaves.vulnerabilities);
                write_one(leaves, put, &vulnerability);
            }
            Ok(other) | Err(other) => put.leave("Vulnerabilities[]", Some(other)),
        }
    }
}

fn write_one(leaves: &Leaves, put: &mut Put<'_>, vulnerability: &Vulnerability<'_>) {
    put.text(leaves.cve_uid, "Vulnerabilities[].Id", vulnerability.id());
    if let Some(scores) = vulnerability.cvss() {
        first_score(leaves, put, scores);
        put.leave("Vulnerabilities[].Cvss", Some(scores));
    }
    let vendor = &vulnerability.vendor;
    put.text(leaves.vulnerability_vendor_name, "Vulnerabilities[].Vendor.Name", vendor.name());
    let (list, leaf) = (leaves.vulnerability_kb_articles, leaves.vulnerability_kb_article);
    put.texts(list, leaf, "Vulnerabilities[].Vendor.Url", vendor.url());
    put.time(leaves.cve_created_time, "Vulnerabilities[].Vendor.VendorCreatedAt", vendor.created_at());
    put.time(leaves.cve_modified_time, "Vulnerabilities[].Vendor.VendorUpdatedAt", vendor.updated_at());
    let (list, leaf) = (leaves.vulnerability_references, leaves.vulnerability_reference);
    put.texts(list, leaf, "Vulnerabilities[].ReferenceUrls", vulnerability.reference_urls());
    let (list, leaf) = (leaves.vulnerability_relateds, leaves.vulnerability_related);
    put.texts(
        list,
        leaf,
        "Vulnerabilities[].RelatedVulnerabilities",
        vulnerability.related_vulnerabilities(),
    );
    packages(leaves, put, vulnerability.vulnerable_packages());
    for (path, value) in [
        ("Vulnerabilities[].EpssScore", vulnerability.epss_score()),
        ("Vulnerabilities[].ExploitAvailable", vulnerability.exploit_available()),
        ("Vulnerabilities[].FixAvailable", vulnerability.fix_available()),
        ("Vulnerabilities[].CodeVulnerabilities", vulnerability.code_vulnerabilities()),
    ] {
        put.leave(path, value);
    }
    put.leave_rest("Vulnerabilities[].Vendor", &vendor.rest);
    put.leave_rest("Vulnerabilities[]", &vulnerability.rest);
}

fn first_score(leaves: &Leaves, put: &mut Put<'_>, scores: Raw<'_>) {
    let mut score = Cvss::default();
    let mut cursor = scores.cursor();
    if scores.kind != Kind::Array || !matches!(cursor.next_element(&mut true), Ok(true)) {
        return;
    }
    let Ok(element) = cursor.value() else { return };
    if element.kind != Kind::Object || score.read(&mut element.cursor()).is_err() {
        return;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "AWS's column is a 32-bit float; the score is in `unmapped` too"
    )]
    let base_score = score.base_score().and_then(number).map(|score| score as f32);
    let (Some(base_score), true) = (base_score, has_text(score.version())) else { return };
    put.rows.float(leaves.cve_cvss_base_score, base_score);
    for (leaf, value) in
        [(leaves.cve_cvss_vector_string, score.base_vector()), (leaves.cve_cvss_version, score.version())]
    {
        if let Some(text) = value.and_then(|value| value.scalar()) {
            put.derived(leaf, &text);
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
    ] {
        put.text(leaf, path, value);
    }
    put.int(leaves.package_epoch, "Vulnerabilities[].VulnerablePackages[].Epoch", package.epoch());
    for (path, value) in [
        ("Vulnerabilities[].VulnerablePackages[].FilePath", package.file_path()),
        ("Vulnerabilities[].VulnerablePackages[].FixedInVersion", package.fixed_in_version()),
        ("Vulnerabilities[].VulnerablePackages[].PackageManager", package.package_manager()),
        ("Vulnerabilities[].VulnerablePackages[].Remediation", package.remediation()),
    ] {
        put.leave(path, value);
    }
    put.leave_rest("Vulnerabilities[].VulnerablePackages[]", &package.rest);
}
