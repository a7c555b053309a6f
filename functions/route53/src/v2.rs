//! Source version 2.0: one query to one row of OCSF 1.1.0, class DNS Activity (4003).
//!
//! Sources: the OCSF examples' mapping of Route 53 for 1.1.0, rows that AWS wrote in version 1.0, OCSF 1.1.0. What
//! is in no row of the table goes to `unmapped` under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `query_timestamp` | `time`, `time_dt` | a record without a plausible one is quarantined |
//! | `version` | `metadata.product.version` | as written: `1.100000` |
//! | `account_id` | `cloud.account.uid` | also the partition; else the log group's owner, else the object key's |
//! | `region` | `cloud.region` | also the partition; else the lake's: keys have no region |
//! | `vpc_id` | `src_endpoint.vpc_uid` | |
//! | `srcaddr`, `srcport` | `src_endpoint.ip`, `src_endpoint.port` | what is no address or port: `unmapped` |
//! | `srcids.instance` | `src_endpoint.instance_uid` | |
//! | `srcids.resolver_endpoint` | `dst_endpoint.instance_uid` | |
//! | `srcids.resolver_network_interface` | `dst_endpoint.interface_uid` | |
//! | `query_name`, `query_type`, `query_class` | `query.hostname`, `query.type`, `query.class` | without a name all to `unmapped` |
//! | `answers[].Rdata`, `.Type`, `.Class` | `answers[].rdata`, `.type`, `.class` | without data all to `unmapped` |
//! | `transport` | `connection_info.protocol_name` | |
//! | `rcode` | `rcode`, `rcode_id` | |
//! | `firewall_rule_action` | `action`, `action_id`, `disposition`, `disposition_id` | |
//! | `firewall_rule_group_id` | `firewall_rule.uid` | |
//! | `firewall_domain_list_id` and what is not documented | `unmapped` | |
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. The activity is Traffic (6) in every row, whatever the rcode: a record is both the query and its response.
//! 2. `rcode` is OCSF's caption where DNS's name has one (`SERVFAIL` is `ServError`), else the record's word with
//!    id 99. `BADVERS` and `BADSIG` stay words too: they share DNS's number 16 and OCSF's caption.
//! 3. `ALERT` is Allowed with the disposition Alert (19), as published. `BLOCK` is Denied and Blocked, `ALLOW` is
//!    Allowed and Allowed. Where no rule matched both are Unknown (0): OCSF requires `action_id`, and nobody
//!    decided. Another action is 99 with the record's word. AWS's table has `disposition` without its id, which is
//!    appended.
//! 4. `connection_info.direction_id` is required: always 0, Unknown, as in AWS's rows.
//! 5. `srcport` is text in the record and a number here.
//! 6. `query.hostname` keeps the dot at its end, which OCSF's pattern of a host name does not have. It is the name
//!    that the record has and that AWS's rows have.
//! 7. `dst_endpoint` is not required in 1.1.0: without a Resolver endpoint there is none.
//! 8. `metadata.product.feature.name` is `Resolver Query Logs`.
//! 9. `metadata.product.version` is the version of the record; `metadata.version` that of OCSF.
//! 10. Observables are the name asked for, addresses and instances. Of the answers the addresses of type A and AAAA
//!     and the names of type CNAME, DNAME, NS and PTR, if they are what their type says: the data of TXT, MX or SRV
//!     is neither.
//! 11. What the mapping for OCSF 1.5.0 says is the same but for the version.
//!
//! A source without address and instance is `Unknown` in `src_endpoint.svc_name`, which is appended: OCSF requires
//! the source and wants it identified.

use shared::leaves;
use shared::ocsf;
use shared::rows::{Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use crate::query::{FirewallAction, Query};
use crate::row::Row;

leaves! {
    time_dt: i64 = "time_dt",
    firewall_rule_uid: str = "firewall_rule.uid",
    action: str = "action",
    action_id: i32 = "action_id",
    disposition: str = "disposition",
    disposition_id: i32 = "disposition_id",
    type_uid: i64 = "type_uid",
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    for (path, value) in
        [("activity_name", "Traffic"), ("type_name", "DNS Activity: Traffic"), ("asl_version", table.version)]
    {
        rows.constant_text(rows.leaf(path)?, value);
    }
    rows.constant_int(rows.leaf("activity_id")?, 6);
    rows.constant_list(rows.list("metadata.profiles")?, &["cloud", "security_control", "datetime"]);
    Ok(())
}

/// The mapping, with memory that is used again for every record.
#[derive(Debug)]
pub struct Mapping {
    leaves: Leaves,
    row: Row,
}

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        Ok(Self { leaves: Leaves::new(&rows)?, row: Row::new(&rows, "cloud.account.uid", false)? })
    }

    /// Writes the query as a row of table `index`.
    pub(crate) fn write(&mut self, query: &Query<'_, '_>, out: &mut Output<'_>, index: usize) {
        let rows = out.table(index);
        self.row.begin(rows, query);
        rows.long(self.leaves.time_dt, query.millis);
        rows.long(self.leaves.type_uid, 400_306);
        self.firewall(rows, query);
        self.row.end(rows, query.record);
        out.end_row(index, &query.region, &query.account, query.millis);
    }

    fn firewall(&mut self, rows: &mut Rows, query: &Query<'_, '_>) {
        let (action_id, action, disposition_id, disposition) = match &query.action {
            FirewallAction::None => (0, "Unknown", 0, "Unknown"),
            FirewallAction::Allow => (1, "Allowed", 1, "Allowed"),
            FirewallAction::Block => (2, "Denied", 2, "Blocked"),
            FirewallAction::Alert => (1, "Allowed", 19, "Alert"),
            FirewallAction::Other(word) => (99, ocsf::bounded(word), 99, ocsf::bounded(word)),
        };
        rows.int(self.leaves.action_id, action_id);
        rows.text(self.leaves.action, action);
        rows.int(self.leaves.disposition_id, disposition_id);
        rows.text(self.leaves.disposition, disposition);
        let record = query.record;
        if query.action == FirewallAction::None {
            self.row.leave("firewall_rule_action", record.firewall_rule_action());
        }
        let group = record.firewall_rule_group_id();
        self.row.put(rows, self.leaves.firewall_rule_uid, "firewall_rule_group_id", group);
    }
}
