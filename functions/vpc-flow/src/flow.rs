//! What a record says, worked out once for all tables: its time, where it belongs, what became of the traffic, and
//! which side the network interface is on.

use std::borrow::Cow;

use shared::source::{self, KeyFacts, Rejection};

use crate::format::{Field, Record};
use crate::value::{NOTHING, is_said, time};

/// Which side of the traffic the network interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Source,
    /// The destination.
    Destination,
}

/// An enum of OCSF: the id and its caption.
pub type Choice<'a> = (i32, &'a str);

/// What a record says beyond its values.
#[derive(Debug)]
pub struct Flow<'a> {
    /// The row's time, in milliseconds since the epoch.
    pub millis: i64,
    /// `start`, if it is a time.
    pub start: Option<i64>,
    /// `end`, if it is a time.
    pub end: Option<i64>,
    /// `activity_id` and `activity_name`.
    pub activity: Choice<'a>,
    /// Caption of `type_uid`.
    pub type_name: &'static str,
    /// `action_id` and `action`.
    pub action: Choice<'a>,
    /// `disposition_id` and `disposition`.
    pub disposition: Choice<'a>,
    /// `direction_id` and `direction`.
    pub direction: Choice<'a>,
    /// Where the network interface is; `None` if the record does not tell.
    pub interface_side: Option<Side>,
    /// `boundary_id` and `boundary`; `None` if the format lacks the field.
    pub boundary: Option<Choice<'a>>,
    /// `cloud.region`; empty if nothing tells.
    pub region: &'a str,
    /// The account in `cloud`; empty if nothing tells.
    pub account: &'a str,
    /// Region and account of the partition.
    pub partition: (&'a str, &'a str),
}

impl<'a> Flow<'a> {
    /// Reads a record.
    ///
    /// # Errors
    /// If it has no plausible time, or names a region that cannot be one.
    #[inline]
    pub fn of(record: &Record<'a>, facts: &'a KeyFacts) -> Result<Self, Rejection> {
        let (start, end) = (time(record.get(Field::Start)), time(record.get(Field::End)));
        let millis = match start.or(end) {
            Some(millis) => millis,
            None => fallback_time(record, facts)?,
        };
        let action = record.get(Field::Action);
        let (activity, type_name, action, disposition) = match action {
            "ACCEPT" => ((6, "Traffic"), "Network Activity: Traffic", (1, "Allowed"), (1, "Allowed")),
            "REJECT" => ((5, "Refuse"), "Network Activity: Refuse", (2, "Denied"), (2, "Blocked")),
            NOTHING => ((0, "Unknown"), "Network Activity: Unknown", (99, NOTHING), (99, NOTHING)),
            "" => ((0, "Unknown"), "Network Activity: Unknown", (0, "Unknown"), (0, "Unknown")),
            other => ((99, other), "Network Activity: Other", (99, other), (99, other)),
        };
        let (direction, interface_side) = direction(record);
        let (region, own_account) = (record.get(Field::Region), record.get(Field::AccountId));
        let key_region = facts.region.as_deref().unwrap_or_default();
        let key_account = facts.account.as_deref().unwrap_or_default();
        let lake_region = facts.lake_region.as_deref().unwrap_or_default();
        let own_region = if is_said(region) { region } else { "" };
        let is_account = own_account.len() == 12 && own_account.bytes().all(|byte| byte.is_ascii_digit());
        let account = if is_account { own_account } else { "" };
        let partition = (
            place(first_said(own_region, first_said(key_region, lake_region)))?,
            place(first_said(account, key_account))?,
        );
        let first_of = |own: &'a str, key: &'a str| match own {
            "" | NOTHING if !key.is_empty() => key,
            own => own,
        };
        Ok(Self {
            millis,
            start,
            end,
            activity,
            type_name,
            action,
            disposition,
            direction,
            interface_side,
            boundary: boundary(record.get(Field::TrafficPath)),
            region: first_of(region, key_region),
            account: first_of(own_account, key_account),
            partition,
        })
    }

    /// `type_uid`
    pub fn type_uid(&self) -> i32 {
        400_100 + self.activity.0
    }
}

#[inline]
fn first_said<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.is_empty() { second } else { first }
}

/// What [`source::partition`] makes of a region or an account; the usual one needs no question.
#[inline]
fn place(text: &str) -> Result<&str, Rejection> {
    /// Shorter than what is asked about there.
    const USUAL: usize = 32;
    if text.is_empty() {
        return Ok(source::UNKNOWN);
    }
    if text.len() > USUAL {
        source::partition([Some(Cow::Borrowed(text))], [None])?;
    }
    Ok(text)
}

/// The time of a record whose own fields tell none: of a format without them, that of the object or the log event.
fn fallback_time(record: &Record<'_>, facts: &KeyFacts) -> Result<i64, Rejection> {
    let has_times = record.format.has(Field::Start) || record.format.has(Field::End);
    match facts.time {
        Some(millis) if !has_times => Ok(millis),
        _ if is_said(record.get(Field::Start)) || is_said(record.get(Field::End)) => Err(Rejection {
            reason: "implausible_time",
            detail: "start: expected seconds since the epoch, between 1990 and 2100".to_owned(),
        }),
        _ => Err(Rejection {
            reason: "missing_time",
            detail:
                "expected a time in start or end, or in the name of the object where the format has neither"
                    .to_owned(),
        }),
    }
}

#[inline]
fn direction<'a>(record: &Record<'a>) -> (Choice<'a>, Option<Side>) {
    match record.get(Field::FlowDirection) {
        "ingress" => ((1, "Inbound"), Some(Side::Destination)),
        "egress" => ((2, "Outbound"), Some(Side::Source)),
        NOTHING => ((99, NOTHING), Some(Side::Source)),
        "" => {
            // Without addresses nothing false is said of one.
            let has_addresses = [Field::SrcAddr, Field::DstAddr, Field::PktSrcAddr, Field::PktDstAddr]
                .iter()
                .any(|field| is_said(record.get(*field)));
            ((0, "Unknown"), if has_addresses { None } else { Some(Side::Source) })
        }
        other => ((99, other), None),
    }
}

/// `traffic-path` numbers the ways out of the interface in the order in which OCSF has them as boundaries.
#[inline]
fn boundary(traffic_path: &str) -> Option<Choice<'_>> {
    Some(match traffic_path {
        "" => return None,
        NOTHING => (99, NOTHING),
        "1" => (4, "Same VPC"),
        "2" => (5, "Internet/VPC Gateway"),
        "3" => (6, "Virtual Private Gateway"),
        "4" => (7, "Intra-region VPC"),
        "5" => (8, "Inter-region VPC"),
        "6" => (9, "Local Gateway"),
        "7" => (10, "Gateway VPC"),
        "8" => (11, "Internet Gateway"),
        other => (99, other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;

    fn flow<T>(
        header: &str,
        line: &str,
        facts: &KeyFacts,
        read: impl Fn(Result<Flow<'_>, Rejection>) -> T,
    ) -> T {
        let format = Format::of_header(header, true).unwrap();
        let mut bounds = Vec::new();
        format.split(line, &mut bounds);
        read(Flow::of(&Record { line, bounds: &bounds, format: &format }, facts))
    }

    fn reason(header: &str, line: &str, facts: &KeyFacts) -> &'static str {
        flow(header, line, facts, |flow| flow.unwrap_err().reason)
    }

    #[test]
    fn the_time_is_the_record_s_own_where_it_can_have_one() {
        let named = KeyFacts { time: Some(1_773_479_100_000), ..KeyFacts::default() };
        let millis = |header: &str, line: &str| flow(header, line, &named, |flow| flow.unwrap().millis);
        assert_eq!(millis("start end", "1773479000 1773479060"), 1_773_479_000_000);
        assert_eq!(millis("start end", "- 1773479060"), 1_773_479_060_000);
        assert_eq!(millis("srcaddr", "192.0.2.7"), 1_773_479_100_000);
        assert_eq!(reason("start end", "- -", &named), "missing_time");
        assert_eq!(reason("start end", "0 7", &named), "implausible_time");
        assert_eq!(reason("srcaddr", "192.0.2.7", &KeyFacts::default()), "missing_time");
    }

    #[test]
    fn region_and_account_are_the_record_s_else_the_key_s() {
        let facts = KeyFacts {
            region: Some("eu-west-1".to_owned()),
            account: Some("444455556666".to_owned()),
            lake_region: Some("us-east-1".to_owned()),
            ..KeyFacts::default()
        };
        let of = |line: &str, facts: &KeyFacts| {
            flow("start region account-id", line, facts, |flow| {
                let flow = flow.unwrap();
                let (region, account) = &flow.partition;
                format!("{} {} {region} {account}", flow.region, flow.account)
            })
        };
        assert_eq!(
            of("1773479000 us-west-2 111122223333", &facts),
            "us-west-2 111122223333 us-west-2 111122223333"
        );
        assert_eq!(of("1773479000 - -", &facts), "eu-west-1 444455556666 eu-west-1 444455556666");
        assert_eq!(of("1773479000 - unknown", &facts), "eu-west-1 unknown eu-west-1 444455556666");
        assert_eq!(of("1773479000 - -", &KeyFacts::default()), "- - unknown unknown");
        let lake = KeyFacts { region: None, ..facts };
        assert_eq!(of("1773479000 - unknown", &lake), "- unknown us-east-1 444455556666");
        let long = format!("1773479000 {} 111122223333", "x".repeat(65));
        assert_eq!(reason("start region account-id", &long, &lake), "bad_partition");
    }

    #[test]
    fn each_traffic_path_is_a_boundary() {
        let ids: Vec<i32> = ('1'..='8').map(|path| boundary(&path.to_string()).unwrap().0).collect();
        assert_eq!(ids, (4..=11).collect::<Vec<_>>());
        assert_eq!(boundary("-"), Some((99, "-")));
        assert_eq!(boundary("12"), Some((99, "12")));
        assert_eq!(boundary(""), None);
    }

    #[test]
    fn the_interface_is_where_the_traffic_goes_or_comes_from() {
        let side = |line: &str| {
            flow("start srcaddr flow-direction", line, &KeyFacts::default(), |flow| {
                let flow = flow.unwrap();
                (flow.direction.0, flow.interface_side)
            })
        };
        assert_eq!(side("1773479000 192.0.2.7 ingress"), (1, Some(Side::Destination)));
        assert_eq!(side("1773479000 192.0.2.7 egress"), (2, Some(Side::Source)));
        assert_eq!(side("1773479000 192.0.2.7 -"), (99, Some(Side::Source)));
        assert_eq!(side("1773479000 192.0.2.7 sideways"), (99, None));
        let without = |line: &str| {
            flow("start srcaddr", line, &KeyFacts::default(), |flow| flow.unwrap().interface_side)
        };
        assert_eq!(without("1773479000 192.0.2.7"), None);
        assert_eq!(without("1773479000 -"), Some(Side::Source));
    }
}
