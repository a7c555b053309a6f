//! What a record says beyond its members, worked out once for all tables.

use std::borrow::Cow;

use shared::json::Raw;
use shared::ocsf::PLAUSIBLE_TIMES;
use shared::source::{self, KeyFacts, Rejection};
use shared::time;

use crate::record::Record;

/// One query.
#[derive(Debug)]
pub(crate) struct Query<'r, 'a> {
    pub(crate) record: &'r Record<'a>,
    /// `query_timestamp`, milliseconds since the epoch.
    pub(crate) millis: i64,
    pub(crate) region: Cow<'r, str>,
    pub(crate) account: Cow<'r, str>,
    /// `None` where there is no rcode, or nothing that could be one.
    pub(crate) rcode: Option<Rcode<'r>>,
    pub(crate) action: FirewallAction<'r>,
}

impl<'r, 'a> Query<'r, 'a> {
    /// Reads the record. `owner` is the account whose log group it was in.
    ///
    /// # Errors
    /// Why the record has to go to quarantine.
    pub(crate) fn new(
        record: &'r Record<'a>,
        owner: Option<&'r str>,
        facts: &'r KeyFacts,
    ) -> Result<Self, Rejection> {
        let millis = query_time(record)?;
        let of = |text: Option<&'r str>| text.map(Cow::Borrowed);
        let (region, account) = source::partition(
            [scalar(record.region()), of(facts.region.as_deref()), of(facts.lake_region.as_deref())],
            [scalar(record.account_id()), of(owner), of(facts.account.as_deref())],
        )?;
        let rcode = scalar(record.rcode()).filter(|text| !text.is_empty()).map(Rcode::new);
        let action = FirewallAction::new(scalar(record.firewall_rule_action()));
        Ok(Self { record, millis, region, account, rcode, action })
    }
}

/// A scalar's text.
pub(crate) fn scalar(value: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    value.and_then(|value| value.scalar())
}

fn query_time(record: &Record<'_>) -> Result<i64, Rejection> {
    let Some(value) = record.query_timestamp() else {
        return Err(Rejection {
            reason: "missing_query_timestamp",
            detail: "query_timestamp: expected a time, found none".to_owned(),
        });
    };
    match scalar(Some(value)).as_deref().and_then(time::parse_rfc3339) {
        Some(millis) if PLAUSIBLE_TIMES.contains(&millis) => Ok(millis),
        found => Err(Rejection {
            reason: "bad_query_timestamp",
            detail: match found {
                Some(_) => "query_timestamp: expected a time between 1990 and 2100".to_owned(),
                None => "query_timestamp: expected a time such as 2026-03-14T09:05:00Z".to_owned(),
            },
        }),
    }
}

/// A response code of DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rcode<'a> {
    /// One that OCSF has: its id, which is DNS's number, and its caption.
    Known(i32, &'static str),
    /// Any other name.
    Other(Cow<'a, str>),
}

/// The names of DNS (IANA, "DNS RCODEs") with number and caption in OCSF.
///
/// 16 is missing because it has two names, `BADVERS` and `BADSIG`, and OCSF one caption: the record's own word says
/// more.
const RCODES: &[(&str, i32, &str)] = &[
    ("NOERROR", 0, "NoError"),
    ("NXDOMAIN", 3, "NXDomain"),
    ("SERVFAIL", 2, "ServError"),
    ("REFUSED", 5, "Refused"),
    ("FORMERR", 1, "FormError"),
    ("NOTIMP", 4, "NotImp"),
    ("YXDOMAIN", 6, "YXDomain"),
    ("YXRRSET", 7, "YXRRSet"),
    ("NXRRSET", 8, "NXRRSet"),
    ("NOTAUTH", 9, "NotAuth"),
    ("NOTZONE", 10, "NotZone"),
    ("DSOTYPENI", 11, "DSOTYPENI"),
    ("BADKEY", 17, "BADKEY"),
    ("BADTIME", 18, "BADTIME"),
    ("BADMODE", 19, "BADMODE"),
    ("BADNAME", 20, "BADNAME"),
    ("BADALG", 21, "BADALG"),
    ("BADTRUNC", 22, "BADTRUNC"),
    ("BADCOOKIE", 23, "BADCOOKIE"),
];

impl<'a> Rcode<'a> {
    /// `OTHER` of OCSF's enum.
    const OTHER: i32 = 99;

    fn new(text: Cow<'a, str>) -> Self {
        match RCODES.iter().find(|(name, ..)| text.eq_ignore_ascii_case(name)) {
            Some((_, id, caption)) => Self::Known(*id, caption),
            None => Self::Other(text),
        }
    }

    /// `rcode_id`
    pub(crate) fn id(&self) -> i32 {
        match self {
            Self::Known(id, _) => *id,
            Self::Other(_) => Self::OTHER,
        }
    }

    /// `rcode`
    pub(crate) fn caption(&self) -> &str {
        match self {
            Self::Known(_, caption) => caption,
            Self::Other(text) => text,
        }
    }
}

/// What DNS Firewall did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FirewallAction<'a> {
    /// No rule matched.
    None,
    Alert,
    Allow,
    Block,
    /// An action that is not documented.
    Other(Cow<'a, str>),
}

impl<'a> FirewallAction<'a> {
    fn new(text: Option<Cow<'a, str>>) -> Self {
        let Some(text) = text else { return Self::None };
        match text.as_ref() {
            "" => Self::None,
            "ALERT" => Self::Alert,
            "ALLOW" => Self::Allow,
            "BLOCK" => Self::Block,
            _ => Self::Other(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_codes() {
        let known = |text: &'static str| {
            let rcode = Rcode::new(Cow::Borrowed(text));
            (rcode.id(), rcode.caption().to_owned())
        };
        assert_eq!(known("NOERROR"), (0, "NoError".to_owned()));
        assert_eq!(known("ServFail"), (2, "ServError".to_owned()));
        assert_eq!(known("BADVERS"), (99, "BADVERS".to_owned()));
        assert_eq!(known("Other"), (99, "Other".to_owned()));
        let mut ids: Vec<i32> = RCODES.iter().map(|(_, id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), RCODES.len());
    }
}
