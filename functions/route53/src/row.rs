//! What the rows of both source versions have in common.

use shared::json::{Cursor, Kind, Raw};
use shared::leaves;
use shared::ocsf::{self, ObservableType, Observables, Unmapped};
use shared::rows::{Leaf, Rows, RowsError};
use shared::source;
use shared::table::TableDefinition;

use crate::query::{Query, scalar};
use crate::record::{Answer, Record, SrcIds};

leaves! {
    product_version: str = "metadata.product.version",
    cloud_region: str = "cloud.region",
    src_vpc_uid: str = "src_endpoint.vpc_uid",
    src_ip: str = "src_endpoint.ip",
    src_port: i32 = "src_endpoint.port",
    src_instance_uid: str = "src_endpoint.instance_uid",
    src_svc_name: str = "src_endpoint.svc_name",
    time: i64 = "time",
    query_hostname: str = "query.hostname",
    query_type: str = "query.type",
    query_class: str = "query.class",
    answer_type: str = "answers[].type",
    answer_rdata: str = "answers[].rdata",
    answer_class: str = "answers[].class",
    protocol_name: str = "connection_info.protocol_name",
    dst_instance_uid: str = "dst_endpoint.instance_uid",
    dst_interface_uid: str = "dst_endpoint.interface_uid",
    rcode_id: i32 = "rcode_id",
    rcode: str = "rcode",
    ;
    answers = "answers",
}

/// Values that are the same in every row of both versions.
pub(crate) fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    for (path, value) in [
        ("metadata.product.name", "Route 53"),
        ("metadata.product.feature.name", "Resolver Query Logs"),
        ("metadata.product.vendor_name", "AWS"),
        ("metadata.version", table.ocsf),
        ("cloud.provider", "AWS"),
        ("connection_info.direction", "Unknown"),
        ("severity", "Informational"),
        ("class_name", "DNS Activity"),
        ("category_name", "Network Activity"),
    ] {
        rows.constant_text(rows.leaf(path)?, value);
    }
    for (path, value) in
        [("connection_info.direction_id", 0), ("severity_id", 1), ("class_uid", 4003), ("category_uid", 4)]
    {
        rows.constant_int(rows.leaf(path)?, value);
    }
    Ok(())
}

/// Writes the common part of a row, with memory that is used again for every record.
#[derive(Debug)]
pub(crate) struct Row {
    leaves: Leaves,
    /// The account, whose path is another in each version.
    account: Leaf<str>,
    /// `None` in a table that has no such column.
    observables: Option<Observables>,
    /// A query and an answer are required to have type and class.
    requires_types: bool,
    pub(crate) unmapped: Unmapped,
    scratch: String,
}

/// Where a required text is missing.
const UNKNOWN: &str = "Unknown";

impl Row {
    pub(crate) fn new(rows: &Rows, account: &str, requires_types: bool) -> Result<Self, RowsError> {
        Ok(Self {
            leaves: Leaves::new(rows)?,
            account: rows.leaf(account)?,
            observables: rows.list("observables").is_ok().then(|| Observables::new(rows)).transpose()?,
            requires_types,
            unmapped: Unmapped::new(rows)?,
            scratch: String::new(),
        })
    }

    /// Begins a row. What only one version has is to be written next, then [`Row::end`].
    pub(crate) fn begin(&mut self, rows: &mut Rows, query: &Query<'_, '_>) {
        self.unmapped.clear();
        let record = query.record;
        rows.long(self.leaves.time, query.millis);
        self.put(rows, self.leaves.product_version, "version", record.version());
        self.put_place(rows, self.leaves.cloud_region, &query.region, ("region", record.region()));
        self.put_place(rows, self.account, &query.account, ("account_id", record.account_id()));
        self.source(rows, record);
        self.question(rows, record);
        self.answers(rows, record);
        self.put(rows, self.leaves.protocol_name, "transport", record.transport());
        self.resolver(rows, &record.srcids);
        match &query.rcode {
            Some(rcode) => {
                rows.int(self.leaves.rcode_id, rcode.id());
                rows.text(self.leaves.rcode, ocsf::bounded(rcode.caption()));
            }
            None => self.leave("rcode", record.rcode()),
        }
    }

    /// Writes what has no other place.
    pub(crate) fn end(&mut self, rows: &mut Rows, record: &Record<'_>) {
        for (name, value) in &record.srcids.rest {
            self.unmapped.add_member("srcids", *name, *value);
        }
        for (name, value) in &record.rest {
            self.unmapped.add_member("", *name, *value);
        }
        self.unmapped.write(rows);
    }

    fn source(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let mut named = self.put_uid(
            rows,
            self.leaves.src_instance_uid,
            ("srcids.instance", "src_endpoint.instance_uid"),
            record.srcids.instance(),
        );
        self.put(rows, self.leaves.src_vpc_uid, "vpc_id", record.vpc_id());
        if let Some(value) = record.srcaddr() {
            match value.as_text(&mut self.scratch).filter(|text| value.is_scalar() && ocsf::is_ip(text)) {
                Some(address) => {
                    named = true;
                    rows.text(self.leaves.src_ip, address);
                    if let Some(observables) = &self.observables {
                        observables.push(rows, "src_endpoint.ip", ObservableType::IpAddress, address);
                    }
                }
                None => self.unmapped.add("srcaddr", value),
            }
        }
        if let Some(value) = record.srcport() {
            match value.as_text(&mut self.scratch).and_then(port) {
                Some(port) => rows.int(self.leaves.src_port, port),
                None => self.unmapped.add("srcport", value),
            }
        }
        if !named {
            rows.text(self.leaves.src_svc_name, UNKNOWN); // required, and it needs an identification
        }
    }

    fn question(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let Some(name) = record.query_name().filter(Raw::is_scalar) else {
            // A query has to have a name; there need not be a query.
            self.leave("query_name", record.query_name());
            self.leave("query_type", record.query_type());
            self.leave("query_class", record.query_class());
            return;
        };
        self.put(rows, self.leaves.query_hostname, "query_name", Some(name));
        self.put(rows, self.leaves.query_type, "query_type", record.query_type());
        self.put(rows, self.leaves.query_class, "query_class", record.query_class());
        if self.requires_types {
            rows.text(self.leaves.query_type, UNKNOWN);
            rows.text(self.leaves.query_class, UNKNOWN);
        }
        if let Some(observables) = &self.observables {
            let text = ocsf::bounded(name.as_text(&mut self.scratch).unwrap_or_default());
            if !text.is_empty() {
                observables.push(rows, "query.hostname", ObservableType::Hostname, text);
            }
        }
    }

    /// A query without answers has an empty list, so that its length can be asked for.
    fn answers(&mut self, rows: &mut Rows, record: &Record<'_>) {
        rows.empty_list(self.leaves.answers);
        let Some(answers) = record.answers() else { return };
        if answers.kind != Kind::Array {
            self.unmapped.add("answers", answers);
            return;
        }
        let (mut cursor, mut first) = (answers.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            if !self.answer(rows, &mut cursor) {
                return;
            }
        }
    }

    /// Writes the answer at the cursor. The text was read as a value before, so it is not false.
    fn answer(&mut self, rows: &mut Rows, cursor: &mut Cursor<'_>) -> bool {
        if cursor.peek() != Some(b'{') {
            let Ok(value) = cursor.value() else { return false };
            self.unmapped.add("answers[]", value);
            return true;
        }
        let mut answer = Answer::default();
        if answer.read(cursor).is_err() {
            return false;
        }
        for (name, value) in &answer.rest {
            self.unmapped.add_member("answers[]", *name, *value);
        }
        let Some(rdata) = answer.rdata().filter(Raw::is_scalar) else {
            // An answer has to have data.
            self.leave("answers[].Rdata", answer.rdata());
            self.leave("answers[].Type", answer.kind());
            self.leave("answers[].Class", answer.class());
            return true;
        };
        rows.element(self.leaves.answers);
        self.put(rows, self.leaves.answer_rdata, "answers[].Rdata", Some(rdata));
        self.put(rows, self.leaves.answer_type, "answers[].Type", answer.kind());
        self.put(rows, self.leaves.answer_class, "answers[].Class", answer.class());
        if self.requires_types {
            rows.text(self.leaves.answer_type, UNKNOWN);
            rows.text(self.leaves.answer_class, UNKNOWN);
        }
        self.observe_answer(rows, &answer, rdata);
        true
    }

    /// An address or a host name is an observable where the answer's type says that it is one.
    fn observe_answer(&mut self, rows: &mut Rows, answer: &Answer<'_>, rdata: Raw<'_>) {
        let (Some(observables), Some(kind)) = (&self.observables, scalar(answer.kind())) else { return };
        let text = rdata.as_text(&mut self.scratch).unwrap_or_default();
        let kind = match kind.as_ref() {
            "A" | "AAAA" if ocsf::is_ip(text) => ObservableType::IpAddress,
            "CNAME" | "DNAME" | "NS" | "PTR" if text.len() <= MAX_NAME && ocsf::is_hostname(text) => {
                ObservableType::Hostname
            }
            _ => return,
        };
        observables.push(rows, "answers[].rdata", kind, text);
    }

    fn resolver(&mut self, rows: &mut Rows, ids: &SrcIds<'_>) {
        self.put_uid(
            rows,
            self.leaves.dst_instance_uid,
            ("srcids.resolver_endpoint", "dst_endpoint.instance_uid"),
            ids.resolver_endpoint(),
        );
        let interface = ids.resolver_network_interface();
        self.put(rows, self.leaves.dst_interface_uid, "srcids.resolver_network_interface", interface);
    }

    /// True if the row has got a `dst_endpoint`.
    pub(crate) fn has_resolver(&self, ids: &SrcIds<'_>) -> bool {
        [ids.resolver_endpoint(), ids.resolver_network_interface()]
            .into_iter()
            .any(|id| id.is_some_and(|id| id.is_scalar()))
    }

    /// Writes the id of a resource, which is also an observable; `paths` are those of the record and of the row.
    /// False if there is none.
    fn put_uid(
        &mut self,
        rows: &mut Rows,
        leaf: Leaf<str>,
        paths: (&str, &str),
        value: Option<Raw<'_>>,
    ) -> bool {
        self.put(rows, leaf, paths.0, value);
        let Some(value) = value.filter(Raw::is_scalar) else { return false };
        if let Some(observables) = &self.observables {
            let text = ocsf::bounded(value.as_text(&mut self.scratch).unwrap_or_default());
            observables.push(rows, paths.1, ObservableType::ResourceUid, text);
        }
        true
    }

    /// Writes the region or account that the row is filed under, which is the record's as a rule.
    fn put_place(&mut self, rows: &mut Rows, leaf: Leaf<str>, place: &str, raw: (&str, Option<Raw<'_>>)) {
        if place != source::UNKNOWN {
            rows.text(leaf, place);
        }
        // What is no region or account has gone to no column.
        self.leave(raw.0, raw.1.filter(|value| !value.is_scalar() || value.text.is_empty()));
    }

    /// Writes a scalar to a text leaf. What the leaf cannot hold goes to `unmapped` under its raw path.
    pub(crate) fn put(&mut self, rows: &mut Rows, leaf: Leaf<str>, path: &str, value: Option<Raw<'_>>) {
        let Some(value) = value else { return };
        if !value.is_scalar() {
            self.unmapped.add(path, value);
            return;
        }
        let text = value.as_text(&mut self.scratch).unwrap_or_default();
        let bounded = ocsf::bounded(text);
        rows.text(leaf, bounded);
        if bounded.len() < text.len() {
            self.unmapped.add(path, value);
        }
    }

    /// Leaves a value to `unmapped`.
    pub(crate) fn leave(&mut self, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.unmapped.add(path, value);
        }
    }
}

/// A name of DNS has at most 255 bytes, each of which takes at most four characters (`\255`).
const MAX_NAME: usize = 1_020;

/// A port: digits only, which `parse` alone does not ask for.
fn port(text: &str) -> Option<i32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u16>().ok().filter(|_| digits).map(i32::from)
}
