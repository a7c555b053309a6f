//! VPC Flow Logs: table `VPC_FLOW`.
//!
//! | form | read as |
//! |---|---|
//! | text with a header, any fields in any order, separated by blanks or commas | lines; what is a header: [`mod@format`] |
//! | text without a header | lines of the default format; custom ones that begin with its fields |
//! | Parquet | lines, each a record, under the names of the columns: [`shared::decode::Columns`] |
//! | CloudWatch Logs envelopes and exported events, Firehose's `{"message": …}` | each message a record without a header |
//! | JSON objects with the fields' names | records |
//!
//! Flow logs of transit gateways lie under the same prefix; they are told apart by their fields and skipped.
//!
//! VPC user guide, "Flow log records" and "Flow log files"; Transit Gateway guide, "Transit Gateway Flow Logs
//! records".

mod common;
pub mod flow;
pub mod format;
pub mod json;
pub mod key;
pub mod lines;
pub mod v1;
pub mod v2;
pub mod value;

use shared::cloudwatch::LogEvents;
use shared::frame::Framing;
use shared::json::Cursor;
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source};
use shared::table::TableDefinition;
use shared::table::definitions::{VPC_FLOW_1_0, VPC_FLOW_2_0};

use crate::flow::Flow;
use crate::format::Record;
use crate::lines::{Line, Lines};

/// Why records of a transit gateway are skipped.
const TRANSIT_GATEWAY: &str = "transit_gateway";

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct VpcFlow;

impl Source for VpcFlow {
    fn name(&self) -> &'static str {
        "vpc-flow"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&VPC_FLOW_1_0, &VPC_FLOW_2_0]
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn classify(&self, key: &str) -> KeyClass {
        key::classify(key)
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let mappings = tables.iter().map(|table| Mapping::new(table)).collect::<Result<_, _>>()?;
        Ok(Box::new(VpcFlowNormalizer { mappings, lines: Lines::default(), object: json::Object::default() }))
    }

    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        if is_first_version(table) { v1::constants(table, rows) } else { v2::constants(table, rows) }
    }
}

fn is_first_version(table: &TableDefinition) -> bool {
    table.version == VPC_FLOW_1_0.version
}

#[derive(Debug)]
enum Mapping {
    V1(v1::Mapping),
    V2(v2::Mapping),
}

impl Mapping {
    fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        Ok(match is_first_version(table) {
            true => Self::V1(v1::Mapping::new(table)?),
            false => Self::V2(v2::Mapping::new(table)?),
        })
    }
}

/// Mappings to the enabled tables, in their order, and the readers of the two forms.
#[derive(Debug)]
struct VpcFlowNormalizer {
    mappings: Vec<Mapping>,
    lines: Lines,
    object: json::Object,
}

impl Normalizer for VpcFlowNormalizer {
    fn begin(&mut self) {
        self.lines.begin();
    }

    fn normalize(
        &mut self,
        cursor: &mut Cursor<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, RecordError> {
        if cursor.peek() != Some(b'{') {
            let found = cursor.value()?.kind;
            let detail = format!("expected an object as a record, found {found:?}").to_lowercase();
            return Err(RecordError::Rejected(Rejection { reason: "not_an_object", detail }));
        }
        let mut ahead = *cursor;
        if let Some(events) = LogEvents::read_next(&mut ahead)? {
            *cursor = ahead;
            return Ok(self.log_events(events, facts, out));
        }
        self.object.read(cursor)?;
        if let Some(record) = self.object.record() {
            let written = match record.format.is_transit_gateway() {
                true => Ok(Outcome::Skipped(TRANSIT_GATEWAY)),
                false => write(&mut self.mappings, &record, facts, out),
            };
            return written.map_err(RecordError::Rejected);
        }
        match self.object.take_message() {
            Some(message) => self.message(&message, facts, out).map_err(RecordError::Rejected),
            None => Err(RecordError::Rejected(Rejection {
                reason: "not_a_flow_log",
                detail: "expected a log event with a message, or an object with fields of a flow log"
                    .to_owned(),
            })),
        }
    }

    fn normalize_line(
        &mut self,
        line: &str,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let line = self.lines.read(line)?;
        write_line(&mut self.mappings, &line, facts, out)
    }
}

impl VpcFlowNormalizer {
    /// Reads a line that came as a message, which is understood by itself. It is no header, which nothing that AWS
    /// delivers has there, and which would not count.
    fn message(
        &mut self,
        message: &str,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let line = message.trim_ascii();
        if line.contains('\n') {
            let detail = "message: expected one line, found several".to_owned();
            return Err(Rejection { reason: "several_lines", detail });
        }
        let line = self.lines.read_alone(line)?;
        write_line(&mut self.mappings, &line, facts, out)
    }

    /// Each log event is a record. What it does not say the envelope does: whose it is and when it was.
    fn log_events(&mut self, events: LogEvents<'_>, facts: &KeyFacts, out: &mut Output<'_>) -> Outcome {
        if events.is_control {
            return Outcome::Skipped("control_message");
        }
        let mut facts = facts.clone();
        if let Some(owner) = &events.owner {
            facts.account = Some(owner.clone().into_owned());
        }
        let key_time = facts.time;
        for event in events {
            facts.time =
                event.timestamp.filter(|time| shared::ocsf::PLAUSIBLE_TIMES.contains(time)).or(key_time);
            let outcome = match event.message.and_then(|message| message.scalar()) {
                Some(message) => self.message(&message, &facts, out),
                None => Err(Rejection {
                    reason: "missing_message",
                    detail: "expected a log event with a message".to_owned(),
                }),
            };
            out.part(event.raw.text.as_bytes(), outcome);
        }
        Outcome::Parts
    }
}

fn write_line(
    mappings: &mut [Mapping],
    line: &Line<'_>,
    facts: &KeyFacts,
    out: &mut Output<'_>,
) -> Result<Outcome, Rejection> {
    match line {
        Line::Header => Ok(Outcome::Parts),
        Line::TransitGateway => Ok(Outcome::Skipped(TRANSIT_GATEWAY)),
        Line::Record(record) => write(mappings, record, facts, out),
    }
}

/// Writes a record to every enabled table.
#[inline]
fn write(
    mappings: &mut [Mapping],
    record: &Record<'_>,
    facts: &KeyFacts,
    out: &mut Output<'_>,
) -> Result<Outcome, Rejection> {
    let flow = Flow::of(record, facts)?;
    for (index, mapping) in mappings.iter_mut().enumerate() {
        match mapping {
            Mapping::V1(mapping) => mapping.write(record, &flow, out, index),
            Mapping::V2(mapping) => mapping.write(record, &flow, out, index),
        }
    }
    Ok(Outcome::Landed)
}
