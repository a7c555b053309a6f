//! EKS audit logs: table `EKS_AUDIT`.
//!
//! EKS writes the five logs of a cluster's control plane to one log group of CloudWatch Logs and nowhere else; what is
//! read here is what comes out of that (EKS user guide, "Send control plane logs to CloudWatch Logs"; CloudWatch Logs
//! user guide, "Log group-level subscription filters"):
//!
//! | form | what becomes of it |
//! |---|---|
//! | envelopes of a subscription, one behind the other | each log event is a record, by the name of its log stream |
//! | log events that were exported one by one | as above |
//! | audit events: a line each, or with nothing between | records |
//! | `EventList`, an array of events | records |
//!
//! | record | becomes |
//! |---|---|
//! | an audit event of any level, stage and API version | a row |
//! | a log event of another stream | skipped: `api_log`, `authenticator_log`, `controller_manager_log`, `scheduler_log`, `other_log_stream` |
//! | `CONTROL_MESSAGE`; a log event without text | skipped: `control_message`; `empty_message` |
//! | a message that was cut at the size limit of CloudWatch Logs | quarantined: `truncated_message` |
//! | another message that cannot be read | quarantined: `unreadable_message`, `too_deep`, `too_many_fields` |
//! | another object | quarantined: `not_an_audit_event`, `not_an_object` |
//! | an event without a time | quarantined: `missing_event_time`, `bad_event_time` |

pub mod key;
pub mod record;
pub mod stream;
pub mod v2;
pub mod verb;

use shared::cloudwatch::{LogEvent, LogEvents};
use shared::frame::Framing;
use shared::json::{self, Cursor, Kind, TextBuffer};
use shared::rows::{Rows, RowsError};
use shared::source::{
    EventId, KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source,
};
use shared::table::TableDefinition;
use shared::table::definitions::EKS_AUDIT_2_0;

use crate::record::Record;
use crate::stream::Stream;
use crate::v2::Context;

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct EksAudit;

impl Source for EksAudit {
    fn name(&self) -> &'static str {
        "eks-audit"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&EKS_AUDIT_2_0]
    }

    fn framing(&self) -> Framing {
        Framing::Values { list: None }
    }

    fn event_id(&self) -> EventId {
        EventId::None("the stages of a request share its auditID")
    }

    fn classify(&self, key: &str) -> KeyClass {
        key::classify(key)
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let mappings = tables.iter().map(|table| v2::Mapping::new(table)).collect::<Result<_, _>>()?;
        Ok(Box::new(EksAuditNormalizer { events: Events { mappings }, message: TextBuffer::default() }))
    }

    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        v2::constants(table, rows)
    }
}

#[derive(Debug)]
struct EksAuditNormalizer {
    events: Events,
    /// The message of a log event, unescaped.
    message: TextBuffer,
}

impl Normalizer for EksAuditNormalizer {
    fn normalize(
        &mut self,
        cursor: &mut Cursor<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, RecordError> {
        if cursor.peek() != Some(b'{') {
            let found = cursor.value()?.kind;
            return Err(RecordError::Rejected(not_an_object(found)));
        }
        if !begins_event(cursor)? {
            let mut ahead = *cursor;
            if let Some(events) = LogEvents::read_next(&mut ahead)? {
                *cursor = ahead;
                return Ok(self.log_events(events, facts, out));
            }
        }
        let context = Context { facts, owner: None, log_group: None, logged: None, api_version: None };
        let mut record = Record::default();
        record.read(cursor)?;
        self.events.write(&record, &context, out).map_err(RecordError::Rejected)
    }
}

/// True if the object at the cursor has a first member that the envelopes of CloudWatch Logs do not have.
fn begins_event(cursor: &Cursor<'_>) -> Result<bool, json::Error> {
    let name = { *cursor }.next_member(&mut true)?;
    Ok(name.is_some_and(|name| {
        name.plain
            && matches!(name.text, "kind" | "apiVersion" | "level" | "auditID" | "metadata" | "annotations")
    }))
}

impl EksAuditNormalizer {
    /// Reports every log event, which have all been read.
    fn log_events(&mut self, log: LogEvents<'_>, facts: &KeyFacts, out: &mut Output<'_>) -> Outcome {
        if log.is_control {
            return Outcome::Skipped("control_message");
        }
        let stream = log.log_stream.as_deref().map_or(Stream::Unknown, stream::classify);
        let (owner, log_group) = (log.owner.clone(), log.log_group.clone());
        let context = Context {
            facts,
            owner: owner.as_deref(),
            log_group: log_group.as_deref(),
            logged: None,
            api_version: None,
        };
        for event in log {
            let outcome = self.log_event(&event, stream, &context, out);
            out.part(event.raw.text.as_bytes(), outcome);
        }
        Outcome::Parts
    }

    fn log_event(
        &mut self,
        event: &LogEvent<'_>,
        stream: Stream,
        context: &Context<'_>,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        if let Stream::Other(reason) = stream {
            return Ok(Outcome::Skipped(reason));
        }
        let Some(message) = event.message else {
            return Ok(Outcome::Skipped("empty_message"));
        };
        let text = self.message.decode(message);
        if stream == Stream::Unknown && !text.contains("audit.k8s.io/") {
            return Ok(Outcome::Skipped("other_log_stream"));
        }
        let mut cursor = out.cursor(text);
        if cursor.peek().is_none() {
            return Ok(Outcome::Skipped("empty_message"));
        }
        let mut record = Record::default();
        record.read(&mut cursor).map_err(|error| unreadable(&error, text))?;
        if cursor.peek().is_some() {
            return Err(Rejection {
                reason: "unreadable_message",
                detail: format!(
                    "message: expected one object, found more behind it at byte {}",
                    cursor.offset()
                ),
            });
        }
        self.events.write(&record, &Context { logged: event.timestamp, ..*context }, out)
    }
}

/// Audit events, from wherever they came.
#[derive(Debug)]
struct Events {
    /// Mappings to the enabled tables, in their order.
    mappings: Vec<v2::Mapping>,
}

impl Events {
    /// Writes an event, or each of a list.
    fn write(
        &mut self,
        record: &Record<'_>,
        context: &Context<'_>,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let is_list = record.kind().is_some_and(|kind| kind.is("EventList"));
        let Some(items) = record.items().filter(|items| is_list && items.kind == Kind::Array) else {
            return self.event(record, context, out);
        };
        let context = Context { api_version: record.api_version(), ..*context };
        let (mut cursor, mut first) = (items.cursor(), true);
        // The text was read as a value before, so it cannot fail now.
        while let Ok(true) = cursor.next_element(&mut first) {
            let Ok(item) = cursor.value() else { break };
            let outcome = if item.kind == Kind::Object {
                let mut event = Record::default();
                let read = event.read(&mut item.cursor());
                read.map_err(|error| unreadable(&error, item.text))
                    .and_then(|()| self.event(&event, &context, out))
            } else {
                Err(not_an_object(item.kind))
            };
            out.part(item.text.as_bytes(), outcome);
        }
        Ok(Outcome::Parts)
    }

    fn event(
        &mut self,
        record: &Record<'_>,
        context: &Context<'_>,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        if !record.is_audit_event() {
            let detail = "expected an event of audit.k8s.io, or a list of them".to_owned();
            return Err(Rejection { reason: "not_an_audit_event", detail });
        }
        for (index, mapping) in self.mappings.iter_mut().enumerate() {
            mapping.write(record, context, out, index)?;
        }
        Ok(Outcome::Landed)
    }
}

fn not_an_object(found: Kind) -> Rejection {
    let detail = format!("expected an object as a record, found {found:?}").to_lowercase();
    Rejection { reason: "not_an_object", detail }
}

/// Why a message is no record. It is cut where it ends too early; what cuts long messages may say so at the end.
fn unreadable(error: &json::Error, text: &str) -> Rejection {
    let is_cut = *error == json::Error::Incomplete || text.trim_end().ends_with("[Truncated...]");
    Rejection {
        reason: error.over_limit().unwrap_or(if is_cut { "truncated_message" } else { "unreadable_message" }),
        detail: format!("message of {} bytes: {error}", text.len()),
    }
}
