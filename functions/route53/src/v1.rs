//! Source version 1.0: one query to one row of OCSF 1.0.0-rc.2, class DNS Activity (4003).
//!
//! Sources: the OCSF examples' mapping of Route 53 for 1.0.0-rc.2 and its sample, rows that AWS wrote, OCSF
//! 1.0.0-rc.2. What is in no row of the table goes to `unmapped` under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `query_timestamp` | `time` | a record without a plausible one is quarantined |
//! | `version` | `metadata.product.version` | as written: `1.100000` |
//! | `account_id` | `cloud.account_uid` | also the partition; else the log group's owner, else the object key's |
//! | `region` | `cloud.region` | also the partition; else the lake's: keys have no region |
//! | `vpc_id` | `src_endpoint.vpc_uid` | |
//! | `srcaddr`, `srcport` | `src_endpoint.ip`, `src_endpoint.port` | what is no address or port: `unmapped` |
//! | `srcids.instance` | `src_endpoint.instance_uid` | |
//! | `srcids.resolver_endpoint` | `dst_endpoint.instance_uid` | |
//! | `srcids.resolver_network_interface` | `dst_endpoint.interface_uid` | |
//! | `query_name`, `query_type`, `query_class` | `query.hostname`, `query.type`, `query.class` | without a name all to `unmapped` |
//! | `answers[].Rdata`, `.Type`, `.Class` | `answers[].rdata`, `.type`, `.class` | without data all to `unmapped` |
//! | `transport` | `connection_info.protocol_name` | |
//! | `rcode` | `rcode`, `rcode_id`, `activity_*`, `type_*` | |
//! | `firewall_rule_action` | `disposition`, `disposition_id` | |
//! | `firewall_rule_group_id`, `firewall_domain_list_id` and what is not documented | `unmapped` | |
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. Activity by rcode: AWS's rows have `NOERROR` as Response, `SERVFAIL` as Fail, `REFUSED` as Refuse, and no
//!    list is published. `NXDOMAIN` is Response too, since the Resolver did answer: there is no such name. Every
//!    other rcode that OCSF has an id for is Fail. Any other word is Other (99), which AWS's rows of this version
//!    use without the source's own word; `rcode` has it. Without an rcode the activity is Unknown.
//! 2. `rcode` is OCSF's caption where DNS's name has one (`SERVFAIL` is `ServError`), else the record's word with
//!    id 99. `BADVERS` and `BADSIG` stay words too: they share DNS's number 16 and OCSF's caption.
//! 3. `ALERT` is "No Action" (16), as in AWS's rows. `BLOCK` is Blocked and `ALLOW` is Allowed. OCSF requires
//!    `disposition_id`: where no rule matched it is Unknown (0). Another action is 99 with the record's word.
//! 4. `connection_info.direction_id` is required: always 0, Unknown, as in AWS's rows.
//! 5. `srcport` is text in the record and a number here.
//! 6. `query.hostname` keeps the dot at its end, which OCSF's pattern of a host name does not have. It is the name
//!    that the record has and that AWS's rows have.
//! 7. `dst_endpoint` is required and a query without a Resolver endpoint has no data for it. It was the VPC's
//!    Resolver that answered: `dst_endpoint.svc_name`, appended to AWS's columns, says so.
//! 8. `metadata.product.feature.name` is `Resolver Query Logs`, as in AWS's rows; a table of the mapping says
//!    `Query Logs`.
//! 9. `firewall_rule_group_id` is in `unmapped`: this version of OCSF has no `firewall_rule`.
//! 10. There are no observables: AWS's table has no such column in this version.
//! 11. The mapping for later versions of OCSF has no say here.
//!
//! OCSF requires type and class of a query and of an answer; where the record has none they are `Unknown`. A source
//! without address and instance is `Unknown` in `src_endpoint.svc_name`, which is appended too.

use shared::leaves;
use shared::ocsf;
use shared::rows::{Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use crate::query::{FirewallAction, Query, Rcode};
use crate::row::Row;

leaves! {
    activity_id: i32 = "activity_id",
    activity_name: str = "activity_name",
    type_uid: i32 = "type_uid",
    type_name: str = "type_name",
    disposition_id: i32 = "disposition_id",
    disposition: str = "disposition",
    dst_svc_name: str = "dst_endpoint.svc_name",
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(rows: &mut Rows) -> Result<(), RowsError> {
    rows.constant_list(rows.list("metadata.profiles")?, &["cloud", "security_control"]);
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
        Ok(Self { leaves: Leaves::new(&rows)?, row: Row::new(&rows, "cloud.account_uid", true)? })
    }

    /// Writes the query as a row of table `index`.
    pub(crate) fn write(&mut self, query: &Query<'_, '_>, out: &mut Output<'_>, index: usize) {
        let rows = out.table(index);
        self.row.begin(rows, query);
        let record = query.record;
        if !self.row.has_resolver(&record.srcids) {
            rows.text(self.leaves.dst_svc_name, "Route 53 Resolver");
        }
        self.activity(rows, query);
        self.disposition(rows, query);
        self.row.leave("firewall_rule_group_id", record.firewall_rule_group_id());
        self.row.end(rows, record);
        out.end_row(index, &query.region, &query.account, query.millis);
    }

    fn activity(&self, rows: &mut Rows, query: &Query<'_, '_>) {
        let (id, name, type_name) = match &query.rcode {
            Some(Rcode::Known(0 | 3, _)) => (2, "Response", "DNS Activity: Response"),
            Some(Rcode::Known(5, _)) => (5, "Refuse", "DNS Activity: Refuse"),
            Some(Rcode::Known(..)) => (4, "Fail", "DNS Activity: Fail"),
            Some(Rcode::Other(_)) => (99, "Other", "DNS Activity: Other"),
            None => (0, "Unknown", "DNS Activity: Unknown"),
        };
        rows.int(self.leaves.activity_id, id);
        rows.text(self.leaves.activity_name, name);
        rows.int(self.leaves.type_uid, 400_300 + id);
        rows.text(self.leaves.type_name, type_name);
    }

    fn disposition(&mut self, rows: &mut Rows, query: &Query<'_, '_>) {
        let (id, caption) = match &query.action {
            FirewallAction::None => (0, "Unknown"),
            FirewallAction::Allow => (1, "Allowed"),
            FirewallAction::Block => (2, "Blocked"),
            FirewallAction::Alert => (16, "No Action"),
            FirewallAction::Other(word) => (99, ocsf::bounded(word)),
        };
        rows.int(self.leaves.disposition_id, id);
        rows.text(self.leaves.disposition, caption);
        if query.action == FirewallAction::None {
            self.row.leave("firewall_rule_action", query.record.firewall_rule_action());
        }
    }
}
