//! Security Hub findings, in the AWS Security Finding Format: table `SH_FINDINGS`.
//!
//! Every finding has a row, whatever its product. An object in S3 holds, one after the other, any of
//!
//! * findings by themselves, or an array of them;
//! * what `GetFindings` answers and `BatchImportFindings` takes: `{"Findings":[…],"NextToken":"…"}`;
//! * events of EventBridge with `detail.findings[]`, which come by Firehose (a line each, with nothing between, or
//!   pretty-printed), or their `detail` alone;
//! * those events in envelopes of CloudWatch Logs.
//!
//! What wraps a finding is no part of its record: it lends it a region and an account, and no more.
//!
//! | passed over, counted | what |
//! |---|---|
//! | `ocsf_finding` | findings that are OCSF events already, as the newer Security Hub sends them (`Findings Imported V2`): another format than that of this table's mapping |
//! | `insight_results` | "Security Hub Insight Results" events, which have counts and no findings |
//! | `other_event` | events without findings: other services', API calls |
//! | `control_message` | control messages of CloudWatch Logs |
//!
//! Security Lake user guide, "Security Hub CSPM findings in Security Lake"; Security Hub user guide, "AWS Security
//! Finding Format (ASFF)" and "EventBridge event formats for Security Hub CSPM".

pub mod class;
pub mod finding;
pub mod key;
mod put;
pub mod record;
mod time;
pub mod v1;
pub mod v2;

use std::borrow::Cow;

use shared::cloudwatch::LogEvents;
use shared::frame::Framing;
use shared::json::{Cursor, Kind, Raw};
use shared::rows::{Rows, RowsError};
use shared::source::{
    EventId, KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source,
};
use shared::table::TableDefinition;
use shared::table::definitions::{SH_FINDINGS_1_0, SH_FINDINGS_2_0};

use crate::finding::{Finding, Wrapping};
use crate::record::Record;

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SecurityHub;

impl Source for SecurityHub {
    fn name(&self) -> &'static str {
        "security-hub"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&SH_FINDINGS_1_0, &SH_FINDINGS_2_0]
    }

    fn framing(&self) -> Framing {
        Framing::Values { list: Some("Findings") }
    }

    fn event_id(&self) -> EventId {
        EventId::None("updates of a finding share its Id")
    }

    fn classify(&self, key: &str) -> KeyClass {
        key::classify(key)
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let mappings = tables.iter().map(|table| Mapping::new(table)).collect::<Result<_, _>>()?;
        Ok(Box::new(SecurityHubNormalizer { mappings }))
    }

    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        if is_first_version(table) { v1::constants(table, rows) } else { v2::constants(table, rows) }
    }
}

fn is_first_version(table: &TableDefinition) -> bool {
    table.version == SH_FINDINGS_1_0.version
}

/// The mapping to one table.
#[derive(Debug)]
enum Mapping {
    V1(Box<v1::Mapping>),
    V2(Box<v2::Mapping>),
}

impl Mapping {
    fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        Ok(match is_first_version(table) {
            true => Self::V1(Box::new(v1::Mapping::new(table)?)),
            false => Self::V2(Box::new(v2::Mapping::new(table)?)),
        })
    }
}

/// Mappings to the enabled tables, in their order.
#[derive(Debug)]
struct SecurityHubNormalizer {
    mappings: Vec<Mapping>,
}

impl Normalizer for SecurityHubNormalizer {
    fn normalize(
        &mut self,
        cursor: &mut Cursor<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, RecordError> {
        if cursor.peek() != Some(b'{') {
            return Err(RecordError::Rejected(not_an_object(cursor.value()?)));
        }
        let start = cursor.offset();
        let mut record = Record::default();
        record.read(cursor)?;
        let raw = cursor.between(start, cursor.offset());
        self.object(&record, raw, &Wrapping::default(), facts, out).map_err(RecordError::Rejected)
    }
}

impl SecurityHubNormalizer {
    /// Takes an object for what it is: a finding, or something that findings are wrapped in.
    fn object(
        &mut self,
        record: &Record<'_>,
        raw: &str,
        around: &Wrapping<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        if record.id().is_some() {
            return self.finding(record, around, facts, out);
        }
        let is_list = |value: &Raw<'_>| value.kind == Kind::Array;
        let findings = [record.detail.findings(), record.findings(), record.detail_findings()];
        if let Some(findings) = findings.into_iter().flatten().find(is_list) {
            let text = |value: Option<Raw<'_>>| value.and_then(|value| value.scalar().map(Cow::into_owned));
            let around = Wrapping {
                region: text(record.event_region()).map(Cow::Owned).or_else(|| around.region.clone()),
                account: text(record.event_account()).map(Cow::Owned).or_else(|| around.account.clone()),
            };
            self.list(findings, &around, facts, out);
            return Ok(Outcome::Parts);
        }
        if findings.into_iter().flatten().next().is_some() {
            let detail = "findings: expected an array, found something else".to_owned();
            return Err(Rejection { reason: "findings_not_a_list", detail });
        }
        if record.log_events().is_some() || record.message().is_some() {
            let raw = Raw { text: raw, kind: Kind::Object, plain: false };
            if let Some(events) = LogEvents::read(raw) {
                return Ok(self.log_events(events, facts, out));
            }
        }
        if record.class_uid().is_some() {
            return Ok(Outcome::Skipped("ocsf_finding"));
        }
        if record.detail.insight_results().is_some() {
            return Ok(Outcome::Skipped("insight_results"));
        }
        if record.detail_type().is_some() {
            return Ok(Outcome::Skipped("other_event"));
        }
        self.finding(record, around, facts, out)
    }

    /// Writes the rows of a finding.
    fn finding(
        &mut self,
        record: &Record<'_>,
        around: &Wrapping<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let finding = Finding::new(record, around, facts)?;
        for (index, mapping) in self.mappings.iter_mut().enumerate() {
            match mapping {
                Mapping::V1(mapping) => mapping.write(&finding, out, index),
                Mapping::V2(mapping) => mapping.write(&finding, out, index),
            }
        }
        Ok(Outcome::Landed)
    }

    /// Reports each finding of a list. The list was read as a value before.
    fn list(&mut self, findings: Raw<'_>, around: &Wrapping<'_>, facts: &KeyFacts, out: &mut Output<'_>) {
        let (mut cursor, mut first) = (findings.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            if cursor.peek() != Some(b'{') {
                let Ok(value) = cursor.value() else { break };
                out.part(value.text.as_bytes(), Err(not_an_object(value)));
                continue;
            }
            let start = cursor.offset();
            let mut record = Record::default();
            if record.read(&mut cursor).is_err() {
                break;
            }
            let raw = cursor.between(start, cursor.offset());
            let outcome = if record.id().is_none() && record.class_uid().is_some() {
                Ok(Outcome::Skipped("ocsf_finding"))
            } else {
                self.finding(&record, around, facts, out)
            };
            out.part(raw.as_bytes(), outcome);
        }
    }

    /// Reports what came through CloudWatch Logs.
    fn log_events(&mut self, events: LogEvents<'_>, facts: &KeyFacts, out: &mut Output<'_>) -> Outcome {
        if events.is_control {
            return Outcome::Skipped("control_message");
        }
        let around = Wrapping { region: None, account: events.owner.clone() };
        for event in events {
            let message = event.message.map(|message| message.decoded()).unwrap_or_default();
            let mut cursor = Cursor::new(&message);
            let mut record = Record::default();
            let is_object =
                cursor.peek() == Some(b'{') && record.read(&mut cursor).is_ok() && cursor.peek().is_none();
            let outcome = match is_object && record.log_events().is_none() {
                true => self.object(&record, &message, &around, facts, out),
                false => Err(Rejection {
                    reason: "not_json",
                    detail: "message: expected one event as JSON, found something else".to_owned(),
                }),
            };
            out.part(event.raw.text.as_bytes(), outcome);
        }
        Outcome::Parts
    }
}

fn not_an_object(found: Raw<'_>) -> Rejection {
    let detail = format!("expected an object as a finding, found {:?}", found.kind).to_lowercase();
    Rejection { reason: "not_an_object", detail }
}
