//! Source version 2.0: one web request to one row of OCSF 1.1.0, class HTTP Activity (4002).
//!
//! Sources: the OCSF examples' mapping of AWS WAF for 1.1.0, the sample beside it, OCSF 1.1.0. What is in no row of
//! the table goes to `unmapped` under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `timestamp` | `time`, `time_dt` | a record without a plausible one is quarantined |
//! | `webaclId` | `metadata.product.feature.uid` | an ARN also gives the partition; else the object key does |
//! | `formatVersion` | `metadata.product.version` | |
//! | `labels[].name` | `metadata.labels[]` | |
//! | `httpSourceName`, `httpSourceId` | `src_endpoint.svc_name`, `.uid` and `dst_endpoint.svc_name`, `.uid` | |
//! | `httpRequest.*` | `http_request.*`, `src_endpoint.ip`, `.location.country`, `activity_*`, `type_*` | see [`request`] |
//! | `action` | `action`, `action_id`, `disposition`, `disposition_id` | |
//! | `terminatingRule*`, `rateBasedRuleList[]` | `firewall_rule.*` | see [`rule`] |
//! | `responseCodeSent` | `http_status`, `http_response.code` | |
//! | `ruleGroupList[]`, `nonTerminatingMatchingRules[]`, `requestHeadersInserted[]`, `captchaResponse`, `challengeResponse`, `oversizeFields[]`, `requestBodySize*`, `ja3Fingerprint`, `ja4Fingerprint` and what is not documented | `unmapped` | |
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. OCSF requires `dst_endpoint` and `http_response`, which AWS's table lacks; both are appended. The endpoint is
//!    what answers the request: the host asked for and the protected resource, which AWS's rows have at
//!    `src_endpoint` (and so have ours). `http_response.code` is 0 where the record tells no status: AWS WAF knows
//!    it only if it sent a custom response. `time` is `timestamp`, which no table of the mapping says.
//! 2. `responseCodeSent` is in `http_status`, as in the sample, and in `http_response.code`, which OCSF has instead
//!    of the former since 1.1.0. AWS's table has no `status_code`.
//! 3. The names of headers are compared without regard to case, and all headers stay in `http_headers`, also those
//!    that have a column of their own, as in the sample.
//! 4. `metadata.product.name` is `AWS WAF`, as in the sample; the mapping has `Amazon WAF`. `feature.name` is in
//!    neither the sample nor AWS's table.
//! 5. `BLOCK` is Denied and Blocked, as in the sample for 1.1.0. (The sample for 1.5.0 has the same for a request
//!    that was allowed, which is a slip.) `ALLOW` is Allowed and Allowed, `COUNT` is Allowed with the disposition
//!    Count (20), for a rule that counts lets the request pass. `CAPTCHA` (22) and `CHALLENGE` (23) are Denied: as a
//!    terminating action they answer the request in place of the resource. Another action is 99 with the record's
//!    word, none is Unknown (0).
//! 6. The activity is the method; OCSF has eight. Another method is 99 with the record's word, and only there and in
//!    `unmapped`: OCSF allows no other value in `http_request.http_method`.
//! 7. The sample names an observable by a raw path and gives two of them an id that is not that of their caption.
//!    Here the host is `http_request.url.hostname`, and uids have the id 10 of Resource UID.
//! 8. `time_dt` is an instant, not a text without an offset. There are no explicit nulls.
//! 9. `firewall_rule` is the terminating rule, of which AWS's columns hold one condition and one rate; see [`rule`].
//!    `name` and `sensitivity` are in the mapping for 1.5.0 and not in the table.
//! 10. `cloud.account` and `cloud.region` are not in AWS's table: account and region are those of the partition,
//!     from the web ACL's ARN. A web ACL of a distribution is in us-east-1. The id of AWS WAF Classic is no ARN.
//! 11. Fingerprints of TLS have no column: OCSF's `tls` requires the version of TLS, which the record does not have.

mod leaves;
pub mod request;
pub mod rule;

use std::borrow::Cow;

use shared::json::{Kind, Raw};
use shared::ocsf::{self, ObservableType, PLAUSIBLE_TIMES, Unmapped};
use shared::rows::{Leaf, Rows, RowsError};
use shared::source::{self, KeyFacts, Output, Rejection};
use shared::table::TableDefinition;

use self::leaves::Leaves;
use crate::key;
use crate::record::{Label, Record};

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    for (path, value) in [
        ("metadata.product.name", "AWS WAF"),
        ("metadata.product.vendor_name", "AWS"),
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("severity", "Informational"),
        ("class_name", "HTTP Activity"),
        ("category_name", "Network Activity"),
        ("asl_version", table.version),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    for (path, value) in [("severity_id", 1), ("class_uid", 4002), ("category_uid", 4)] {
        rows.constant_int(rows.leaf(path)?, value);
    }
    rows.constant_list(rows.list("metadata.profiles")?, &["cloud", "security_control", "datetime"]);
    Ok(())
}

/// The mapping, with memory that is used again for every record.
#[derive(Debug)]
pub struct Mapping {
    leaves: Leaves,
    unmapped: Unmapped,
    scratch: String,
}

/// What stands for a value that AWS WAF does not know.
const NOT_KNOWN: &str = "-";

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        Ok(Self { leaves: Leaves::new(&rows)?, unmapped: Unmapped::new(&rows)?, scratch: String::new() })
    }

    /// Writes the record as a row of table `index`. `owner` is the account whose log group it was in.
    ///
    /// # Errors
    /// Why the record has to go to quarantine.
    pub fn write(
        &mut self,
        record: &Record<'_>,
        owner: Option<&str>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
        index: usize,
    ) -> Result<(), Rejection> {
        let millis = request_time(record)?;
        let (region, account) = partition(record, owner, facts)?;
        let rows = out.table(index);
        self.unmapped.clear();
        rows.long(self.leaves.time, millis);
        rows.long(self.leaves.time_dt, millis);
        self.put(rows, self.leaves.feature_uid, "webaclId", record.webacl_id());
        self.put(rows, self.leaves.product_version, "formatVersion", record.format_version());
        self.labels(rows, record);
        self.action(rows, record);
        self.rule(rows, record);
        self.response(rows, record);
        let host = self.request(rows, &record.http_request);
        self.endpoints(rows, record, host);
        self.rest(record);
        self.unmapped.write(rows);
        out.end_row(index, &region, &account, millis);
        Ok(())
    }

    fn labels(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let Some(labels) = record.labels() else { return };
        if labels.kind != Kind::Array {
            self.unmapped.add("labels", labels);
            return;
        }
        let (mut cursor, mut first) = (labels.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            if cursor.peek() != Some(b'{') {
                let Ok(value) = cursor.value() else { return };
                self.unmapped.add("labels[]", value);
                continue;
            }
            let mut label = Label::default();
            if label.read(&mut cursor).is_err() {
                return;
            }
            if let Some(name) = label.name() {
                if name.is_scalar() {
                    rows.element(self.leaves.labels);
                }
                self.put(rows, self.leaves.label, "labels[].name", Some(name));
            }
            self.leave_rest("labels[]", &label.rest);
        }
    }

    fn action(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let word = match record.action() {
            Some(action) if action.is_scalar() && !action.text.is_empty() => action.decoded(),
            action => {
                self.leave("action", action);
                Cow::Borrowed("")
            }
        };
        let (action_id, action, disposition_id, disposition) = match word.as_ref() {
            "" => (0, "Unknown", 0, "Unknown"),
            "ALLOW" => (1, "Allowed", 1, "Allowed"),
            "BLOCK" => (2, "Denied", 2, "Blocked"),
            "COUNT" | "EXCLUDED_AS_COUNT" => (1, "Allowed", 20, "Count"),
            "CAPTCHA" => (2, "Denied", 22, "Captcha"),
            "CHALLENGE" | "Challenge" => (2, "Denied", 23, "Challenge"),
            other => (99, ocsf::bounded(other), 99, ocsf::bounded(other)),
        };
        rows.int(self.leaves.action_id, action_id);
        rows.text(self.leaves.action, action);
        rows.int(self.leaves.disposition_id, disposition_id);
        rows.text(self.leaves.disposition, disposition);
    }

    fn response(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let code = record.response_code_sent();
        match code.and_then(|code| self.number(code)) {
            Some(status) => {
                rows.int(self.leaves.http_status, status);
                rows.int(self.leaves.response_code, status);
            }
            None => {
                self.leave("responseCodeSent", code);
                rows.int(self.leaves.response_code, 0); // required
            }
        }
    }

    /// Both ends of the request; `host` is the one asked for, if it has been written.
    fn endpoints(&mut self, rows: &mut Rows, record: &Record<'_>, host: bool) {
        let (name, id) = (record.http_source_name(), record.http_source_id());
        let named = self.put(rows, self.leaves.src_svc_name, "httpSourceName", name);
        let identified = self.put(rows, self.leaves.src_uid, "httpSourceId", id);
        let request = &record.http_request;
        let mut has_address = false;
        if let Some(value) = request.client_ip() {
            match value.as_text(&mut self.scratch).filter(|text| value.is_scalar() && ocsf::is_ip(text)) {
                Some(address) => {
                    has_address = true;
                    rows.text(self.leaves.src_ip, address);
                    let observables = &self.leaves.observables;
                    observables.push(rows, "src_endpoint.ip", ObservableType::IpAddress, address);
                }
                None => self.unmapped.add("httpRequest.clientIp", value),
            }
        }
        self.put(rows, self.leaves.src_country, "httpRequest.country", request.country());
        if !(named || identified || has_address) {
            rows.text(self.leaves.src_svc_name, "Unknown"); // required, and it needs an identification
        }
        let mut is_known = host;
        if let Some(id) = id.filter(|id| identified && !id.is(NOT_KNOWN)) {
            let text = ocsf::bounded(id.as_text(&mut self.scratch).unwrap_or_default());
            is_known = true;
            rows.text(self.leaves.dst_uid, text);
            self.leaves.observables.push(rows, "src_endpoint.uid", ObservableType::ResourceUid, text);
        }
        match name.filter(|name| named && !name.is(NOT_KNOWN)) {
            Some(name) => {
                let text = ocsf::bounded(name.as_text(&mut self.scratch).unwrap_or_default());
                rows.text(self.leaves.dst_svc_name, text);
            }
            None if !is_known => rows.text(self.leaves.dst_svc_name, "Unknown"),
            None => {}
        }
    }

    /// Leaves what has no place to `unmapped`.
    fn rest(&mut self, record: &Record<'_>) {
        for (path, value) in [
            ("ruleGroupList", record.rule_group_list()),
            ("nonTerminatingMatchingRules", record.non_terminating_matching_rules()),
            ("requestHeadersInserted", record.request_headers_inserted()),
            ("captchaResponse", record.captcha_response()),
            ("challengeResponse", record.challenge_response()),
            ("oversizeFields", record.oversize_fields()),
            ("requestBodySize", record.request_body_size()),
            ("requestBodySizeInspectedByWAF", record.request_body_size_inspected()),
            ("ja3Fingerprint", record.ja3_fingerprint()),
            ("ja4Fingerprint", record.ja4_fingerprint()),
        ] {
            self.leave(path, value);
        }
        self.leave_rest("", &record.rest);
    }

    /// Writes a scalar to a text leaf; true if there was one. What the leaf cannot hold goes to `unmapped` under its
    /// raw path.
    fn put(&mut self, rows: &mut Rows, leaf: Leaf<str>, path: &str, value: Option<Raw<'_>>) -> bool {
        let Some(value) = value else { return false };
        if !value.is_scalar() {
            self.unmapped.add(path, value);
            return false;
        }
        let text = value.as_text(&mut self.scratch).unwrap_or_default();
        let bounded = ocsf::bounded(text);
        rows.text(leaf, bounded);
        if bounded.len() < text.len() {
            self.unmapped.add(path, value);
        }
        true
    }

    /// The whole number that a scalar is, as JSON writes one.
    fn number(&mut self, value: Raw<'_>) -> Option<i32> {
        let text = value.as_text(&mut self.scratch).filter(|text| !text.starts_with('+'))?;
        text.parse().ok().filter(|_| value.is_scalar())
    }

    fn leave(&mut self, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.unmapped.add(path, value);
        }
    }

    fn leave_rest(&mut self, path: &str, rest: &[(Raw<'_>, Raw<'_>)]) {
        for (name, value) in rest {
            self.unmapped.add_member(path, *name, *value);
        }
    }
}

fn request_time(record: &Record<'_>) -> Result<i64, Rejection> {
    let Some(value) = record.timestamp() else {
        return Err(Rejection {
            reason: "missing_timestamp",
            detail: "timestamp: expected a time, found none".to_owned(),
        });
    };
    match value.scalar().and_then(|text| text.parse().ok()) {
        Some(millis) if PLAUSIBLE_TIMES.contains(&millis) => Ok(millis),
        found => Err(Rejection {
            reason: "bad_timestamp",
            detail: match found {
                Some(_) => "timestamp: expected milliseconds between 1990 and 2100".to_owned(),
                None => "timestamp: expected a whole number of milliseconds".to_owned(),
            },
        }),
    }
}

/// Region and account of the record's partition: those of the web ACL's ARN,
/// `arn:aws:wafv2:<region>:<account>:<scope>/webacl/<name>/<id>`.
fn partition<'a>(
    record: &Record<'a>,
    owner: Option<&'a str>,
    facts: &'a KeyFacts,
) -> Result<(Cow<'a, str>, Cow<'a, str>), Rejection> {
    let id = record.webacl_id().and_then(|id| id.scalar()).filter(|id| id.starts_with("arn:"));
    let part = |number: usize, is_one: fn(&str) -> bool| {
        let found = |text: &str| text.splitn(6, ':').nth(number).filter(|text| is_one(text)).map(str::len);
        id.as_ref().and_then(|id| {
            let length = found(id)?;
            let start: usize = id.splitn(6, ':').take(number).map(|text| text.len() + 1).sum();
            Some(match id {
                Cow::Borrowed(id) => Cow::Borrowed(&id[start..start + length]),
                Cow::Owned(id) => Cow::Owned(id[start..start + length].to_owned()),
            })
        })
    };
    let of = |text: Option<&'a str>| text.map(Cow::Borrowed);
    source::partition(
        [part(3, key::is_region), of(facts.region.as_deref()), of(facts.lake_region.as_deref())],
        [part(4, key::is_account), of(owner), of(facts.account.as_deref())],
    )
}
