//! CloudTrail: management events, S3 data events and Lambda data events, which one log file mixes.
//!
//! | table | records |
//! |---|---|
//! | `CLOUD_TRAIL_MGMT` | `eventCategory` `Management`; before event version 1.07, which has no category: all but the two below |
//! | `S3_DATA` | `eventCategory` `Data` of `s3.amazonaws.com`; before: `managementEvent` false, or an S3 object in `resources` |
//! | `LAMBDA_EXECUTION` | `eventCategory` `Data` of `lambda.amazonaws.com`; before: `managementEvent` false, or `Invoke` |
//! | none, counted | other data events, Insights, network activity |
//!
//! Security Lake user guide, "CloudTrail event logs in Security Lake"; CloudTrail user guide, "CloudTrail record
//! contents".

pub mod activity;
pub mod class;
mod common;
pub mod event;
pub mod key;
pub mod record;
pub mod v1;
pub mod v2;

use std::borrow::Cow;

use shared::frame::Framing;
use shared::json::{Cursor, Kind, Raw};
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source};
use shared::table::TableDefinition;
use shared::table::definitions::{
    CLOUD_TRAIL_MGMT_1_0, CLOUD_TRAIL_MGMT_2_0, LAMBDA_EXECUTION_1_0, LAMBDA_EXECUTION_2_0, S3_DATA_1_0,
    S3_DATA_2_0,
};

use crate::event::Event;
use crate::record::Record;

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloudTrail;

impl Source for CloudTrail {
    fn name(&self) -> &'static str {
        "cloudtrail"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[
            &CLOUD_TRAIL_MGMT_2_0,
            &S3_DATA_2_0,
            &LAMBDA_EXECUTION_2_0,
            &CLOUD_TRAIL_MGMT_1_0,
            &S3_DATA_1_0,
            &LAMBDA_EXECUTION_1_0,
        ]
    }

    fn framing(&self) -> Framing {
        Framing::Document { records: "Records", marker: "digestS3Object" }
    }

    fn classify(&self, key: &str) -> KeyClass {
        key::classify(key)
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let mappings = tables.iter().map(|table| Mapping::new(table)).collect::<Result<_, _>>()?;
        Ok(Box::new(CloudTrailNormalizer { tables: tables.to_vec(), mappings }))
    }

    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        match table.version {
            "1.0" => v1::constants(table, rows),
            _ => v2::constants(table, rows),
        }
    }
}

/// The mapping to one table.
#[derive(Debug)]
enum Mapping {
    V1(v1::Mapping),
    V2(v2::Mapping),
}

impl Mapping {
    fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        Ok(match table.version {
            "1.0" => Self::V1(v1::Mapping::new(table)?),
            _ => Self::V2(v2::Mapping::new(table)?),
        })
    }
}

/// Mappings to the enabled tables, in their order.
#[derive(Debug)]
struct CloudTrailNormalizer {
    tables: Vec<&'static TableDefinition>,
    mappings: Vec<Mapping>,
}

impl Normalizer for CloudTrailNormalizer {
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
        let mut record = Record::default();
        record.read(cursor)?;
        let source = match table_of(&record) {
            Ok(source) => source,
            Err(reason) => return Ok(Outcome::Skipped(reason)),
        };
        let wanted = |table: &&TableDefinition| table.source == source;
        if !self.tables.iter().any(wanted) {
            return Ok(Outcome::Skipped("source_not_enabled"));
        }
        let event = Event::new(&record, facts).map_err(RecordError::Rejected)?;
        for (index, mapping) in self.mappings.iter_mut().enumerate() {
            if wanted(&self.tables[index]) {
                match mapping {
                    Mapping::V1(mapping) => mapping.write(&record, &event, out, index),
                    Mapping::V2(mapping) => mapping.write(&record, &event, out, index),
                }
            }
        }
        Ok(Outcome::Landed)
    }
}

/// The source that a record belongs to, or why it belongs to none.
fn table_of(record: &Record<'_>) -> Result<&'static str, &'static str> {
    let data_source = |other| match text(record.event_source()).as_ref() {
        "s3.amazonaws.com" => Ok(S3_DATA_2_0.source),
        "lambda.amazonaws.com" => Ok(LAMBDA_EXECUTION_2_0.source),
        _ => other,
    };
    match text(record.event_category()).as_ref() {
        "Management" => Ok(CLOUD_TRAIL_MGMT_2_0.source),
        "Data" => data_source(Err("other_data_event")),
        "Insight" => Err("insight"),
        "NetworkActivity" => Err("network_activity"),
        "" => match text(record.event_type()).as_ref() {
            "AwsCloudTrailInsight" => Err("insight"),
            "AwsVpceEvent" => Err("network_activity"),
            _ if text(record.management_event()) == "false" => data_source(Err("other_data_event")),
            _ if record.management_event().is_none() && is_data_event(record) => {
                data_source(Ok(CLOUD_TRAIL_MGMT_2_0.source))
            }
            _ => Ok(CLOUD_TRAIL_MGMT_2_0.source),
        },
        _ => Err("other_event_category"),
    }
}

fn text(value: Option<Raw<'_>>) -> Cow<'_, str> {
    value.map_or(Cow::Borrowed(""), |value| value.decoded())
}

/// For records of old event versions, which do not say it: is it a data event of S3 or Lambda?
fn is_data_event(record: &Record<'_>) -> bool {
    if matches!(text(record.event_name()).as_ref(), "Invoke" | "InvokeExecution") {
        return true;
    }
    let Some(resources) = record.resources().filter(|resources| resources.kind == Kind::Array) else {
        return false;
    };
    let (mut cursor, mut first) = (resources.cursor(), true);
    while let Ok(true) = cursor.next_element(&mut first) {
        let Ok(resource) = cursor.value() else { return false };
        if resource.member("type").is_some_and(|kind| kind.is("AWS::S3::Object")) {
            return true;
        }
    }
    false
}
