//! What a finding says beyond its members, worked out once for both source versions; and why it may have no row.
//!
//! | | from |
//! |---|---|
//! | time | `UpdatedAt`; `CreatedAt` where a finding lacks it, since OCSF's `time` may be that of the creation |
//! | region | `Region`, else that of `ProductArn`, of the first resource, of the event, of the object's key, the lake's |
//! | account | `AwsAccountId`, else that of `ProductArn`, of the event, of the object's key |
//! | severity | `Severity.Label` in any case; else `FindingProviderFields.Severity.Label`; else `Severity.Normalized` by the ranges of the API reference, "Severity"; else Unknown. `Product` and `Original` have a scale of the product's own |
//! | created or updated | `CreatedAt` and `UpdatedAt` are one instant, or not |
//! | status | `Workflow.Status`, else its forerunner `WorkflowState` |

use std::borrow::Cow;

use shared::json::{Kind, Raw};
use shared::record::members;
use shared::source::{self, KeyFacts, Rejection};

use crate::put::{has_text, number, scalar, some_text};
use crate::record::Record;
use crate::time;

/// What the event says that a finding came in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wrapping<'a> {
    pub(crate) region: Option<Cow<'a, str>>,
    pub(crate) account: Option<Cow<'a, str>>,
}

/// A finding.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) record: &'a Record<'a>,
    pub(crate) product: Product<'a>,
    /// Milliseconds since the epoch.
    pub(crate) time: i64,
    pub(crate) region: Cow<'a, str>,
    pub(crate) account: Cow<'a, str>,
    pub(crate) severity: Caption<'a>,
    pub(crate) activity: Activity,
    pub(crate) status: Option<Caption<'a>>,
}

/// The id of an enum with its caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caption<'a> {
    pub(crate) id: i32,
    pub(crate) text: Cow<'a, str>,
}

impl<'a> Caption<'a> {
    fn new(id: i32, text: &'static str) -> Self {
        Self { id, text: Cow::Borrowed(text) }
    }

    /// A word that the enum does not have.
    fn other(text: Cow<'a, str>) -> Self {
        Self { id: 99, text }
    }
}

/// What has become of the finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Created,
    Updated,
    Unknown,
}

impl<'a> Finding<'a> {
    /// # Errors
    /// Why the finding has to go to quarantine.
    pub(crate) fn new(
        record: &'a Record<'a>,
        wrapping: &'a Wrapping<'a>,
        facts: &'a KeyFacts,
    ) -> Result<Self, Rejection> {
        if !has_text(record.id()) {
            return Err(Rejection {
                reason: "missing_finding_id",
                detail: "Id: expected a string, which OCSF requires as the finding's uid".to_owned(),
            });
        }
        let (created, updated) = (instant(record.created_at()), instant(record.updated_at()));
        let time = event_time(record, created, updated)?;
        let product = Product::new(record);
        let of_key = |fact: &'a Option<String>| fact.as_deref().map(Cow::Borrowed);
        let arn_region = Some(Cow::Borrowed(product.region)).filter(|region| !region.is_empty());
        let arn_account = Some(Cow::Borrowed(product.account)).filter(|account| !account.is_empty());
        let own_region = some_text(record.region()).or(arn_region).or_else(|| resource_region(record));
        let (region, account) = source::partition(
            [own_region, wrapping.region.clone(), of_key(&facts.region), of_key(&facts.lake_region)],
            [scalar(record.aws_account_id()), arn_account, wrapping.account.clone(), of_key(&facts.account)],
        )?;
        Ok(Self {
            record,
            product,
            time,
            region,
            account,
            severity: severity(record),
            activity: match (created, updated) {
                (Some(created), Some(updated)) if created != updated => Activity::Updated,
                (Some(_), _) => Activity::Created,
                (None, _) => Activity::Unknown,
            },
            status: status(record),
        })
    }
}

/// The time that a member says; `None` too for what is no time.
fn instant(value: Option<Raw<'_>>) -> Option<i64> {
    value.and_then(time::of)
}

fn event_time(record: &Record<'_>, created: Option<i64>, updated: Option<i64>) -> Result<i64, Rejection> {
    let is_missing = record.updated_at().is_none();
    if let Some(time) = updated.or(created.filter(|_| is_missing)) {
        return Ok(time);
    }
    let said = record.updated_at().or(record.created_at());
    let (reason, found) = match scalar(said).as_deref().map(time::parse) {
        None if said.is_none() => ("missing_event_time", "none"),
        Some(Some(_)) => ("bad_event_time", "one before 1990 or after 2100"),
        _ => ("bad_event_time", "something else"),
    };
    let member = if is_missing && said.is_some() { "CreatedAt" } else { "UpdatedAt" };
    let detail = format!("{member}: expected a time such as 2026-03-14T09:05:00Z, found {found}");
    Err(Rejection { reason, detail })
}

fn resource_region<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let resources = record.resources().filter(|resources| resources.kind == Kind::Array)?;
    let mut cursor = resources.cursor();
    if !cursor.next_element(&mut true).ok()? {
        return None;
    }
    some_text(cursor.value().ok()?.member("Region"))
}

/// The five labels of a finding with OCSF's ids and captions.
const SEVERITIES: [(&str, i32, &str); 5] = [
    ("INFORMATIONAL", 1, "Informational"),
    ("LOW", 2, "Low"),
    ("MEDIUM", 3, "Medium"),
    ("HIGH", 4, "High"),
    ("CRITICAL", 5, "Critical"),
];

fn severity<'a>(record: &Record<'a>) -> Caption<'a> {
    let label = some_text(record.severity.label()).or_else(|| {
        let [severity] = members(record.finding_provider_fields(), ["Severity"]);
        some_text(severity.and_then(|severity| severity.member("Label")))
    });
    if let Some(label) = label {
        return match SEVERITIES.iter().find(|(name, ..)| label.eq_ignore_ascii_case(name)) {
            Some((_, id, caption)) => Caption::new(*id, caption),
            None => Caption::other(label),
        };
    }
    let level = match record.severity.normalized().and_then(number) {
        Some(0.0) => 0,
        Some(level) if level > 0.0 && level < 40.0 => 1,
        Some(level) if (40.0..70.0).contains(&level) => 2,
        Some(level) if (70.0..90.0).contains(&level) => 3,
        Some(level) if (90.0..=100.0).contains(&level) => 4,
        _ => return Caption::new(0, "Unknown"),
    };
    let (_, id, caption) = SEVERITIES[level];
    Caption::new(id, caption)
}

/// What people have made of the finding. OCSF has no word for `NOTIFIED`; AWS's rows have it as In Progress.
fn status<'a>(record: &Record<'a>) -> Option<Caption<'a>> {
    let word = some_text(record.workflow.status()).or_else(|| some_text(record.workflow_state()))?;
    Some(match word.as_ref() {
        "NEW" => Caption::new(1, "New"),
        "NOTIFIED" | "ASSIGNED" | "IN_PROGRESS" => Caption::new(2, "In Progress"),
        "SUPPRESSED" => Caption::new(3, "Suppressed"),
        "RESOLVED" => Caption::new(4, "Resolved"),
        _ => Caption::other(word),
    })
}

/// Which product a finding is of, by `ProductArn`: `arn:aws:securityhub:<region>:[account]:product/<company>/<product>`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Product<'a> {
    pub(crate) region: &'a str,
    /// Empty but for a custom integration.
    pub(crate) account: &'a str,
    /// `aws`, an account for a custom integration, empty if there is no ARN.
    pub(crate) company: &'a str,
    /// `guardduty`; `default` for a custom integration.
    pub(crate) product: &'a str,
}

impl<'a> Product<'a> {
    fn new(record: &Record<'a>) -> Self {
        let Some(arn) = record.product_arn().filter(|arn| arn.kind == Kind::String && arn.plain) else {
            return Self::default();
        };
        let mut parts = arn.text.splitn(6, ':');
        let (region, account, resource) =
            match (parts.next(), parts.nth(1), parts.next(), parts.next(), parts.next()) {
                (Some("arn"), Some("securityhub"), Some(region), Some(account), Some(resource)) => {
                    (region, account, resource)
                }
                _ => return Self::default(),
            };
        let (company, product) =
            resource.strip_prefix("product/").and_then(|rest| rest.split_once('/')).unwrap_or_default();
        Self { region, account, company, product }
    }

    /// True for a product that AWS itself runs.
    pub(crate) fn is_aws(&self) -> bool {
        self.company == "aws"
    }

    fn is_custom(&self) -> bool {
        self.product == "default" && !self.account.is_empty()
    }

    /// `ProductName`, else what Security Hub has noted of it, else what the ARN says.
    pub(crate) fn name<'b>(&self, record: &Record<'b>) -> Option<Cow<'b, str>>
    where
        'a: 'b,
    {
        some_text(record.product_name()).or_else(|| noted(record, "aws/securityhub/ProductName")).or(
            match self.product {
                "" if !record.product_arn().is_some_and(|arn| arn.is_scalar()) => {
                    Some(Cow::Borrowed("Security Hub"))
                }
                "" => None,
                _ if self.is_custom() => Some(Cow::Borrowed("Default")),
                product if self.is_aws() => Some(Cow::Borrowed(aws_name(product))),
                product => Some(Cow::Borrowed(product)),
            },
        )
    }

    /// `CompanyName`, else as for the name. Without any it is AWS, whose Security Hub passes the finding on.
    pub(crate) fn vendor<'b>(&self, record: &Record<'b>) -> Cow<'b, str>
    where
        'a: 'b,
    {
        some_text(record.company_name()).or_else(|| noted(record, "aws/securityhub/CompanyName")).unwrap_or(
            match self.company {
                "aws" if matches!(self.product, "guardduty" | "inspector" | "macie") => {
                    Cow::Borrowed("Amazon")
                }
                "" | "aws" => Cow::Borrowed("AWS"),
                _ if self.is_custom() => Cow::Borrowed("Personal"),
                company => Cow::Borrowed(company),
            },
        )
    }
}

fn noted<'a>(record: &Record<'a>, name: &str) -> Option<Cow<'a, str>> {
    let [value] = members(record.product_fields(), [name]);
    some_text(value)
}

/// Names of AWS's own products, as `ProductName` has them.
fn aws_name(product: &str) -> &str {
    match product {
        "access-analyzer" => "IAM Access Analyzer",
        "config" => "Config",
        "firewall-manager" => "Firewall Manager",
        "guardduty" => "GuardDuty",
        "health" => "Health",
        "inspector" => "Inspector",
        "iot-device-defender" => "IoT Device Defender",
        "macie" => "Macie",
        "securityhub" => "Security Hub",
        "ssm-patch-manager" => "Systems Manager Patch Manager",
        _ => product,
    }
}

#[cfg(test)]
mod tests {
    use shared::json::Cursor;

    use super::*;

    fn read(text: &str) -> Record<'_> {
        let mut record = Record::default();
        record.read(&mut Cursor::new(text)).unwrap();
        record
    }

    #[test]
    fn severities() {
        for (text, id, caption) in [
            (r#"{"Label":"HIGH","Normalized":0}"#, 4, "High"),
            (r#"{"Label":"informational"}"#, 1, "Informational"),
            (r#"{"Label":"SEVERE"}"#, 99, "SEVERE"),
            (r#"{"Label":"","Normalized":0}"#, 1, "Informational"),
            (r#"{"Normalized":1}"#, 2, "Low"),
            (r#"{"Normalized":39}"#, 2, "Low"),
            (r#"{"Normalized":"40"}"#, 3, "Medium"),
            (r#"{"Normalized":70}"#, 4, "High"),
            (r#"{"Normalized":100}"#, 5, "Critical"),
            (r#"{"Normalized":101}"#, 0, "Unknown"),
            (r#"{"Normalized":-1}"#, 0, "Unknown"),
            (r#"{"Product":8.9,"Original":"8"}"#, 0, "Unknown"),
            ("null", 0, "Unknown"),
        ] {
            let text = format!(r#"{{"Severity":{text}}}"#);
            let found = severity(&read(&text));
            assert_eq!((found.id, found.text.as_ref()), (id, caption), "{text}");
        }
        let provided =
            r#"{"Severity":{"Normalized":0},"FindingProviderFields":{"Severity":{"Label":"LOW"}}}"#;
        assert_eq!(severity(&read(provided)).id, 2);
    }

    #[test]
    fn statuses() {
        for (text, expected) in [
            (r#"{"Workflow":{"Status":"NEW"},"WorkflowState":"RESOLVED"}"#, Some((1, "New"))),
            (r#"{"Workflow":{"Status":"NOTIFIED"}}"#, Some((2, "In Progress"))),
            (r#"{"Workflow":{"Status":"SUPPRESSED"}}"#, Some((3, "Suppressed"))),
            (r#"{"WorkflowState":"RESOLVED"}"#, Some((4, "Resolved"))),
            (r#"{"WorkflowState":"DEFERRED"}"#, Some((99, "DEFERRED"))),
            ("{}", None),
        ] {
            let found = status(&read(text));
            assert_eq!(found.as_ref().map(|status| (status.id, status.text.as_ref())), expected, "{text}");
        }
    }

    #[test]
    fn products() {
        for (text, name, vendor) in [
            (
                r#"{"ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/guardduty"}"#,
                Some("GuardDuty"),
                "Amazon",
            ),
            (
                r#"{"ProductArn":"arn:aws-cn:securityhub:cn-north-1::product/aws/config"}"#,
                Some("Config"),
                "AWS",
            ),
            (
                r#"{"ProductArn":"arn:aws:securityhub:eu-west-1::product/example/scanner"}"#,
                Some("scanner"),
                "example",
            ),
            (
                r#"{"ProductArn":"arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"}"#,
                Some("Default"),
                "Personal",
            ),
            (
                r#"{"ProductArn":"x","ProductFields":{"aws/securityhub/CompanyName":"Example"}}"#,
                None,
                "Example",
            ),
            (r#"{"ProductArn":"x","ProductName":"Scanner","CompanyName":""}"#, Some("Scanner"), "AWS"),
            ("{}", Some("Security Hub"), "AWS"),
            (r#"{"ProductArn":["x"]}"#, Some("Security Hub"), "AWS"),
        ] {
            let record = read(text);
            let product = Product::new(&record);
            assert_eq!(product.name(&record).as_deref(), name, "{text}");
            assert_eq!(product.vendor(&record), vendor, "{text}");
        }
    }

    #[test]
    fn created_or_updated() {
        let activity = |created: &str, updated: &str| {
            let text = format!(r#"{{"Id":"f","CreatedAt":"{created}","UpdatedAt":"{updated}"}}"#);
            let (record, around, facts) = (read(&text), Wrapping::default(), KeyFacts::default());
            Finding::new(&record, &around, &facts).unwrap().activity
        };
        assert_eq!(activity("2026-03-14T09:05:00Z", "2026-03-14T10:05:00.000+0100"), Activity::Created);
        assert_eq!(activity("2026-03-14T09:05:00Z", "2026-03-14T09:05:00.001Z"), Activity::Updated);
        assert_eq!(activity("", "2026-03-14T09:05:00Z"), Activity::Unknown);
    }
}
