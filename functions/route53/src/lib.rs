//! Route 53 Resolver query logs: what the hosts of a VPC asked the Resolver for, and what it answered.
//!
//! | table | records |
//! |---|---|
//! | `ROUTE53` | Resolver query logs of every version |
//! | none, counted | query logs of public hosted zones, control messages of CloudWatch Logs |
//!
//! A record is a JSON object: a line of an object in S3, a message of CloudWatch Logs (in a subscription's envelope,
//! or an event by itself), or a line of an export from CloudWatch Logs, behind its time.
//!
//! Security Lake user guide, "Route 53 resolver query logs in Security Lake"; Route 53 developer guide, "Resolver
//! query logging".

pub mod key;
mod query;
pub mod record;
mod row;
pub mod v1;
pub mod v2;

use shared::cloudwatch::LogEvents;
use shared::frame::Framing;
use shared::json::{Cursor, Kind, Raw};
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source};
use shared::table::TableDefinition;
use shared::table::definitions::{ROUTE53_1_0, ROUTE53_2_0};
use shared::time;

use self::query::Query;
use self::record::Record;

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Route53;

impl Source for Route53 {
    fn name(&self) -> &'static str {
        "route53"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&ROUTE53_1_0, &ROUTE53_2_0]
    }

    /// Lines, because exports from CloudWatch Logs and query logs of hosted zones are text. What begins with a
    /// brace is read as JSON values.
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn classify(&self, key: &str) -> KeyClass {
        key::classify(key)
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let mappings = tables.iter().map(|table| Mapping::new(table)).collect::<Result<_, _>>()?;
        Ok(Box::new(Route53Normalizer { mappings, message: String::new() }))
    }

    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        row::constants(table, rows)?;
        match is_first_version(table) {
            true => v1::constants(rows),
            false => v2::constants(table, rows),
        }
    }
}

fn is_first_version(table: &TableDefinition) -> bool {
    table.version == ROUTE53_1_0.version
}

/// The mapping to one table.
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

/// Mappings to the enabled tables, in their order.
#[derive(Debug)]
struct Route53Normalizer {
    mappings: Vec<Mapping>,
    /// A message of CloudWatch Logs, unescaped.
    message: String,
}

impl Normalizer for Route53Normalizer {
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
        if record.query_timestamp().is_none()
            && let Some(events) = LogEvents::read(again.value()?)
        {
            return Ok(self.log_events(events, facts, out));
        }
        self.write(&record, None, facts, out).map_err(RecordError::Rejected)
    }

    fn normalize_line(
        &mut self,
        line: &str,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let line = line.trim_ascii();
        // An export from CloudWatch Logs has the time of the event before each message.
        let message = match line.split_once(' ') {
            Some((first, rest)) if time::parse_rfc3339(first).is_some() => rest.trim_ascii_start(),
            _ => line,
        };
        if !message.starts_with('{') {
            return self.text(message, None, facts, out);
        }
        // Before anything of it is told: a record is in quarantine or has its rows, not both.
        let mut ahead = out.cursor(message);
        ahead.value().map_err(|error| unreadable(&error))?;
        if ahead.peek().is_some() {
            return Err(trailing_text());
        }
        let mut cursor = out.cursor(message);
        self.normalize(&mut cursor, facts, out).map_err(|error| match error {
            RecordError::Rejected(rejection) => rejection,
            RecordError::Json(error) => unreadable(&error),
        })
    }
}

impl Route53Normalizer {
    /// Writes the record's row of each table. `owner` is the account whose log group the record was in.
    fn write(
        &mut self,
        record: &Record<'_>,
        owner: Option<&str>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let query = Query::new(record, owner, facts)?;
        for (index, mapping) in self.mappings.iter_mut().enumerate() {
            match mapping {
                Mapping::V1(mapping) => mapping.write(&query, out, index),
                Mapping::V2(mapping) => mapping.write(&query, out, index),
            }
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
                    detail: "message: expected the record of a query, found none".to_owned(),
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
        self.text(text, owner, facts, out)
    }

    /// Reads a text that is a record by itself.
    fn text(
        &mut self,
        text: &str,
        owner: Option<&str>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        if !text.starts_with('{') {
            if is_hosted_zone_query(text) {
                return Ok(Outcome::Skipped("hosted_zone_query"));
            }
            let detail = "expected a query as a JSON object, found other text".to_owned();
            return Err(Rejection { reason: "not_json", detail });
        }
        let mut cursor = out.cursor(text);
        let mut record = Record::default();
        record.read(&mut cursor).map_err(|error| unreadable(&error))?;
        match cursor.peek() {
            None => self.write(&record, owner, facts, out),
            Some(_) => Err(trailing_text()),
        }
    }
}

fn unreadable(error: &shared::json::Error) -> Rejection {
    Rejection::of_json(error, "unreadable")
}

fn trailing_text() -> Rejection {
    let detail = "expected one JSON object, found more text behind it".to_owned();
    Rejection { reason: "unreadable", detail }
}

/// True for a line of the query log of a public hosted zone, which is another product's:
/// `1.0 2026-03-14T09:05:00.130Z Z0123456789ABC example.com A NOERROR UDP FRA6 192.0.2.7 -`
fn is_hosted_zone_query(line: &str) -> bool {
    let mut fields = line.split_ascii_whitespace();
    let is_version = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    fields.next().is_some_and(is_version)
        && fields.next().is_some_and(|time| time::parse_rfc3339(time).is_some())
        && fields.next().is_some_and(|zone| zone.starts_with('Z'))
        && fields.count() == 7
}
