//! What a record says beyond its members, worked out once for the rows of both source versions.

use std::borrow::Cow;

use shared::json::Raw;
use shared::ocsf::PLAUSIBLE_TIMES;
use shared::source::{self, KeyFacts, Rejection};
use shared::time;

use crate::class::{self, Class};
use crate::record::Record;

/// An event: a record with a time and a name.
#[derive(Debug)]
pub struct Event<'a> {
    /// `eventTime`, in milliseconds since the epoch.
    pub millis: i64,
    /// `eventName`
    pub name: Cow<'a, str>,
    /// `eventSource`; empty if the record has none.
    pub source: Cow<'a, str>,
    /// The class.
    pub class: Class,
    /// What was tried failed.
    pub failed: bool,
    /// Region of the partition: the record's, else the object key's.
    pub region: Cow<'a, str>,
    /// Account of the partition: the record's, else the object key's, else the caller's.
    pub account: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// The event that the record tells of.
    ///
    /// # Errors
    /// Why the record has to go to quarantine.
    pub fn new(record: &Record<'a>, facts: &'a KeyFacts) -> Result<Self, Rejection> {
        let millis = event_time(record)?;
        let name = scalar(record.event_name()).ok_or_else(|| Rejection {
            reason: "missing_event_name",
            detail: "eventName: expected a string, which OCSF requires as api.operation".to_owned(),
        })?;
        let source = scalar(record.event_source()).unwrap_or_default();
        let class = class::classify(&source, &name);
        let failed = failed(record, class, &source, &name);
        let (region, account) = partition(record, facts)?;
        Ok(Self { millis, name, source, class, failed, region, account })
    }

    /// True if a service logs its own doing.
    pub fn is_of_service(&self, record: &Record<'_>) -> bool {
        record.event_type().is_some_and(|kind| kind.is("AwsServiceEvent")) && !self.source.is_empty()
    }
}

/// A scalar's text.
pub fn scalar(value: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    value.and_then(|value| value.scalar())
}

fn event_time(record: &Record<'_>) -> Result<i64, Rejection> {
    let Some(value) = record.event_time() else {
        return Err(Rejection {
            reason: "missing_event_time",
            detail: "eventTime: expected a time, found none".to_owned(),
        });
    };
    match scalar(Some(value)).as_deref().and_then(time::parse_rfc3339) {
        Some(millis) if PLAUSIBLE_TIMES.contains(&millis) => Ok(millis),
        found => Err(Rejection {
            reason: "bad_event_time",
            detail: match found {
                Some(_) => "eventTime: expected a time between 1990 and 2100".to_owned(),
                None => "eventTime: expected a time such as 2026-03-14T09:05:00Z".to_owned(),
            },
        }),
    }
}

fn failed(record: &Record<'_>, class: Class, source: &str, name: &str) -> bool {
    let has_error = record.error_code().is_some();
    if class != Class::Authentication {
        return has_error;
    }
    // Sign-ins answer with their own name: `{"ConsoleLogin":"Failure"}`.
    let answer = match source {
        "signin.amazonaws.com" => record.response_elements().and_then(|answer| answer.member(name)),
        _ => None,
    };
    match scalar(answer).as_deref() {
        Some("Success") => false,
        Some("Failure") => true,
        _ => has_error || record.error_message().is_some(),
    }
}

/// Region and account of the record's partition.
fn partition<'a>(
    record: &Record<'a>,
    facts: &'a KeyFacts,
) -> Result<(Cow<'a, str>, Cow<'a, str>), Rejection> {
    let of_key = |fact: &'a Option<String>| fact.as_deref().map(Cow::Borrowed);
    source::partition(
        [scalar(record.aws_region()), of_key(&facts.region)],
        [
            scalar(record.recipient_account_id()),
            of_key(&facts.account),
            scalar(record.user_identity.account_id()),
        ],
    )
}
