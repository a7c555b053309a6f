//! Which of OCSF 1.1.0's classes a finding has in source version 2.0.
//!
//! AWS says that `ProductArn` decides, names a few products, and writes "other 3rd party providers" behind each of
//! the classes. So the products that it names and those whose findings are of one kind go by name, and all others by
//! what OCSF says of the classes:
//!
//! | class | product | any other product, or none |
//! |---|---|---|
//! | 2002 Vulnerability Finding | `aws/inspector` | the finding names a vulnerability |
//! | 2003 Compliance Finding | `aws/securityhub`, `aws/config`, `aws/ssm-patch-manager`, `aws/access-analyzer` | not of a kind below, and there is a `Compliance.Status`, or the first of `Types` is a configuration check and not one of vulnerabilities |
//! | 2004 Detection Finding | `aws/guardduty`, `aws/macie`, `aws/health` | the first of `Types` is of `TTPs`, `Effects`, `Unusual Behaviors` or `Sensitive Data Identifications`; all the rest |
//!
//! Firewall Manager and IoT Device Defender report checks as well as attacks, so they go by kind. A vulnerability is
//! named by an `Id` or a CWE, without which OCSF has no vulnerability and 2002 is not possible: an Inspector finding
//! that has none (the reachability of a network, say) goes by kind too.

use std::borrow::Cow;

use shared::json::Kind;
use shared::record::members;

use crate::finding::Finding;
use crate::put::{has_text, some_text};
use crate::v2::vulnerabilities;

/// A class of category 2, Findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 2002
    Vulnerability,
    /// 2003
    Compliance,
    /// 2004
    Detection,
}

impl Class {
    /// `class_uid`
    pub fn uid(self) -> i32 {
        match self {
            Self::Vulnerability => 2002,
            Self::Compliance => 2003,
            Self::Detection => 2004,
        }
    }

    /// `class_name`
    pub fn name(self) -> &'static str {
        match self {
            Self::Vulnerability => "Vulnerability Finding",
            Self::Compliance => "Compliance Finding",
            Self::Detection => "Detection Finding",
        }
    }

    /// The class of a finding.
    pub(crate) fn of(finding: &Finding<'_>) -> Self {
        if finding.product.is_aws() {
            match finding.product.product {
                "securityhub" | "config" | "ssm-patch-manager" | "access-analyzer" => {
                    return Self::Compliance;
                }
                "guardduty" | "macie" | "health" => return Self::Detection,
                _ => {}
            }
        }
        if vulnerabilities::has_any(finding.record.vulnerabilities()) {
            return Self::Vulnerability;
        }
        let kind = first_type(finding).unwrap_or_default();
        let mut parts = kind.split('/');
        let (namespace, category) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match namespace {
            "TTPs" | "Effects" | "Unusual Behaviors" | "Sensitive Data Identifications" => Self::Detection,
            _ if is_evaluated(finding) => Self::Compliance,
            "Software and Configuration Checks" if category != "Vulnerabilities" => Self::Compliance,
            _ => Self::Detection,
        }
    }
}

fn is_evaluated(finding: &Finding<'_>) -> bool {
    finding.record.compliance().is_some_and(|compliance| has_text(compliance.member("Status")))
}

fn first_type<'a>(finding: &Finding<'a>) -> Option<Cow<'a, str>> {
    let own = finding.record.types();
    let types = own.or_else(|| {
        let [types] = members(finding.record.finding_provider_fields(), ["Types"]);
        types
    })?;
    if types.kind != Kind::Array {
        return some_text(Some(types));
    }
    let mut cursor = types.cursor();
    if !cursor.next_element(&mut true).ok()? {
        return None;
    }
    some_text(Some(cursor.value().ok()?))
}

#[cfg(test)]
mod tests {
    use shared::json::Cursor;
    use shared::source::KeyFacts;

    use super::*;
    use crate::finding::Wrapping;
    use crate::record::Record;

    fn class(product: &str, rest: &str) -> Class {
        let arn = format!("arn:aws:securityhub:eu-west-1::product/{product}");
        let text = format!(r#"{{"Id":"f","UpdatedAt":"2026-03-14T09:05:00Z","ProductArn":"{arn}"{rest}}}"#);
        let mut record = Record::default();
        record.read(&mut Cursor::new(&text)).unwrap();
        let (around, facts) = (Wrapping::default(), KeyFacts::default());
        Class::of(&Finding::new(&record, &around, &facts).unwrap())
    }

    const VULNERABLE: &str = r#","Vulnerabilities":[{"Vendor":{"Name":"v"}},{"Id":"CVE-2026-0001"}]"#;
    const WEAK: &str = r#","Vulnerabilities":[{"CodeVulnerabilities":[{},{"Cwes":["","CWE-1"]}]}]"#;
    const EVALUATED: &str = r#","Compliance":{"Status":"PASSED"}"#;

    fn of_type(kind: &str) -> String {
        format!(r#","Types":["{kind}"]"#)
    }

    #[test]
    fn products_that_aws_names() {
        let data_exposure = of_type("Effects/Data Exposure/PCI-DSS");
        for (product, rest, expected) in [
            ("aws/inspector", VULNERABLE, Class::Vulnerability),
            ("aws/inspector", WEAK, Class::Vulnerability),
            ("aws/securityhub", VULNERABLE, Class::Compliance),
            ("aws/securityhub", &data_exposure, Class::Compliance),
            ("aws/config", "", Class::Compliance),
            ("aws/guardduty", EVALUATED, Class::Detection),
            ("aws/macie", &of_type("Software and Configuration Checks/x"), Class::Detection),
        ] {
            assert_eq!(class(product, rest), expected, "{product}{rest}");
        }
    }

    #[test]
    fn other_products_go_by_what_they_found() {
        let check =
            of_type("Software and Configuration Checks/AWS Security Best Practices/Network Reachability");
        let cve = of_type("Software and Configuration Checks/Vulnerabilities/CVE");
        let attack = of_type("TTPs/Discovery");
        let provided = r#","FindingProviderFields":{"Types":["Unusual Behaviors/User"]}"#;
        for (rest, expected) in [
            (VULNERABLE, Class::Vulnerability),
            (WEAK, Class::Vulnerability),
            (r#","Vulnerabilities":[{"Id":""},7]"#, Class::Detection),
            (EVALUATED, Class::Compliance),
            (&check, Class::Compliance),
            (&cve, Class::Detection),
            (&attack, Class::Detection),
            (&format!("{attack}{EVALUATED}"), Class::Detection),
            (&format!("{cve}{EVALUATED}"), Class::Compliance),
            (&format!("{attack}{VULNERABLE}"), Class::Vulnerability),
            (provided, Class::Detection),
            ("", Class::Detection),
        ] {
            for product in ["example/scanner", "aws/firewall-manager", "aws/iot-device-defender"] {
                assert_eq!(class(product, rest), expected, "{product}{rest}");
            }
        }
        assert_eq!(class("aws/inspector", &check), Class::Compliance);
    }
}
