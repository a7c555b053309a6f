//! AWS WAF: the web requests that a web ACL looked at, and what it did with them.
//!
//! | table | records |
//! |---|---|
//! | `WAF` | web ACL traffic, of AWS WAF and of AWS WAF Classic |
//! | none, counted | control messages of CloudWatch Logs |
//!
//! A record is a JSON object: a line of an object in S3, a piece of what Firehose wrote with nothing between, or a
//! message of CloudWatch Logs, in a subscription's envelope or by itself. The source is in source version 2.0 only.
//!
//! Security Lake user guide, "AWS WAF logs in Security Lake"; AWS WAF developer guide, "Logging protection pack (web
//! ACL) traffic".

pub mod key;
pub mod record;
pub mod v2;

use shared::cloudwatch::LogEvents;
use shared::frame::Framing;
use shared::json::{Cursor, Kind, Raw};
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source};
use shared::table::TableDefinition;
use shared::table::definitions::WAF_2_0;

use self::record::Record;

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waf;

impl Source for Waf {
    fn name(&self) -> &'static str {
        "waf"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&WAF_2_0]
    }

    fn framing(&self) -> Framing {
        Framing::Values { list: None }
    }

    fn classify(&self, key: &str) -> KeyClass {
        key::classify(key)
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let mappings = tables.iter().map(|table| v2::Mapping::new(table)).collect::<Result<_, _>>()?;
        Ok(Box::new(WafNormalizer { mappings, message: String::new() }))
    }

    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        v2::constants(table, rows)
    }
}

/// Mappings to the enabled tables, in their order.
#[derive(Debug)]
struct WafNormalizer {
    mappings: Vec<v2::Mapping>,
    /// A message of CloudWatch Logs, unescaped.
    message: String,
}

impl Normalizer for WafNormalizer {
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
        let mut again = *cursor;
        let mut record = Record::default();
        record.read(cursor)?;
        if record.webacl_id().is_none()
            && !record.http_request.is_present()
            && let Some(events) = LogEvents::read(again.value()?)
        {
            return Ok(self.log_events(events, facts, out));
        }
        self.write(&record, None, facts, out).map_err(RecordError::Rejected)
    }
}

impl WafNormalizer {
    /// Writes the record's row of each table. `owner` is the account whose log group the record was in.
    fn write(
        &mut self,
        record: &Record<'_>,
        owner: Option<&str>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        if record.webacl_id().is_none() && record.action().is_none() && !record.http_request.is_present() {
            let detail = "expected webaclId, action or httpRequest, found none of them".to_owned();
            return Err(Rejection { reason: "not_a_web_request", detail });
        }
        for (index, mapping) in self.mappings.iter_mut().enumerate() {
            mapping.write(record, owner, facts, out, index)?;
        }
        Ok(Outcome::Landed)
    }

    fn log_events(&mut self, events: LogEvents<'_>, facts: &KeyFacts, out: &mut Output<'_>) -> Outcome {
        if events.is_control {
            return Outcome::Skipped("control_message");
        }
        let owner = events.owner.clone();
        let mut buffer = std::mem::take(&mut self.message);
        for event in events {
            let outcome = match event.message {
                Some(message) => self.message(message, &mut buffer, owner.as_deref(), facts, out),
                None => Err(Rejection {
                    reason: "missing_message",
                    detail: "message: expected the record of a web request, found none".to_owned(),
                }),
            };
            out.part(event.raw.text.as_bytes(), outcome);
        }
        self.message = buffer;
        Outcome::Parts
    }

    fn message(
        &mut self,
        message: Raw<'_>,
        buffer: &mut String,
        owner: Option<&str>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let text = match message.kind {
            Kind::String | Kind::Object => message.as_text(buffer).unwrap_or_default().trim_ascii(),
            _ => "",
        };
        if !text.starts_with('{') {
            let detail = "message: expected a web request as a JSON object, found other text".to_owned();
            return Err(Rejection { reason: "not_json", detail });
        }
        let mut cursor = out.cursor(text);
        let mut record = Record::default();
        record.read(&mut cursor).map_err(|error| Rejection::of_json(&error, "unreadable"))?;
        if cursor.peek().is_some() {
            let detail = "message: expected one JSON object, found more text behind it".to_owned();
            return Err(Rejection { reason: "unreadable", detail });
        }
        self.write(&record, owner, facts, out)
    }
}
