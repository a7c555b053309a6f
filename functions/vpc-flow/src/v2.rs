//! Source version 2.0: one record to one row of OCSF 1.1.0.
//!
//! Sources: the OCSF examples' mapping of VPC Flow Logs for 1.1.0, the samples beside it, rows that AWS wrote, OCSF
//! 1.1.0; VPC user guide, "Flow log records" and "Flow log files".
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `version` | `metadata.product.version` | |
//! | `account-id` | `cloud.account.uid` | also the partition, if it is an account's number; else the object key's |
//! | `region`, `az-id` | `cloud.region`, `cloud.zone` | the region also the partition; else the object key's |
//! | `start` | `time`, `time_dt`, `start_time_dt` | seconds, or milliseconds as some records have it |
//! | `end` | `end_time_dt` | also `time` where `start` is `-` |
//! | `srcaddr`, `pkt-srcaddr` | `src_endpoint.ip`, `.intermediate_ips` | the packet's address is `ip`; the other one, if it differs, is intermediate |
//! | `dstaddr`, `pkt-dstaddr` | `dst_endpoint.ip`, `.intermediate_ips` | |
//! | `srcport`, `dstport` | `src_endpoint.port`, `dst_endpoint.port` | |
//! | `pkt-src-aws-service`, `pkt-dst-aws-service` | `src_endpoint.svc_name`, `dst_endpoint.svc_name` | |
//! | `interface-id`, `vpc-id`, `subnet-id`, `instance-id` | `interface_uid`, `vpc_uid`, `subnet_uid`, `instance_uid` of one endpoint | see 5 |
//! | `protocol`, `tcp-flags`, `type` | `connection_info.protocol_num`, `.tcp_flags`, `.protocol_ver` | |
//! | `flow-direction` | `connection_info.direction`, `.direction_id` | |
//! | `traffic-path` | `connection_info.boundary`, `.boundary_id` | |
//! | `packets`, `bytes` | `traffic.packets`, `traffic.bytes` | |
//! | `action` | `activity_*`, `type_*`, `action`, `action_id`, `disposition`, `disposition_id` | |
//! | `log-status` | `status_code` | |
//! | all others, known or not | `unmapped` | by the name with `_` |
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. `action`: `ACCEPT` is activity 6 Traffic, action 1 Allowed, disposition 1 Allowed; `REJECT` is 5 Refuse,
//!    2 Denied, 2 Blocked; `-` is activity 0 Unknown with `-` and 99 in the two others, as in AWS's rows; a format
//!    without the field has 0 Unknown in all. `disposition_id`, which AWS's rows of this version lack, is appended:
//!    a caption comes with its id.
//! 2. `protocol_ver` is the raw `type` (`IPv4`), as in AWS's rows; its id is not filled, since OCSF ties it to
//!    another caption.
//! 3. `boundary_id` is `traffic-path` and 3: the eight ways out stand in the same order in OCSF. `-` is 99 with the
//!    caption `-`; so is a null of a Parquet file, which AWS's rows give the 99 alone. A format without the field has
//!    no boundary.
//! 4. `direction_id` is 0 Unknown in a format without `flow-direction`, and 99 with the caption `-` for a `-`.
//! 5. The interface is the destination of `ingress` and the source of `egress`; of `-` it is the source, as in AWS's
//!    rows. In a format without `flow-direction`, the default one among them, nothing tells which side it is: its ids
//!    stay in `unmapped` (`interface_id` and so on), rather than name an address's interface that may be the other
//!    side's. Where there are no addresses either (NODATA, SKIPDATA), the source has them.
//! 6. Without `pkt-srcaddr` and `pkt-dstaddr`, or with `-` in them, `srcaddr` and `dstaddr` are the addresses.
//! 7. NODATA and SKIPDATA are rows, of activity Unknown: that nothing was seen, or not recorded, is a finding too.
//!    An endpoint that nothing identifies has the `svc_name` `-`, since OCSF wants it to be someone.
//! 8. `-` stays where a text is wanted, as in AWS's rows, but not in an address, which would break every
//!    query that casts it. An address, port or number that is none is null, and its text is in `unmapped`.
//! 9. Times are milliseconds; `start_time` and `end_time` have only their `_dt` form in this version, as in AWS's
//!    rows. A format without `start` and `end` has the time of the object's name (flow log files hold five minutes)
//!    or of the log event; a record that has the fields and no time in them goes to quarantine.
//! 10. Names are read with `-` and with `_`, numbers as text and as numbers.
//! 11. `sublocation-*`, `ecs-*`, `reject-reason`, `resource-id`, `encryption-status` and fields of later versions go
//!     to `unmapped`, `-` included, as in AWS's rows.
//! 12. The samples' interface id differs from the raw record's in two digits; ours is the record's.
//! 13. Observables: all addresses, and the instance id of an endpoint unless it is `-`. An instance id that stays in
//!     `unmapped` is none: an observable names an attribute of the class.

use shared::leaves;
use shared::ocsf::Observables;
use shared::rows::{Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use crate::common::{self, Common};
use crate::flow::Flow;
use crate::format::Record;

leaves! {
    account: str = "cloud.account.uid",
    time_dt: i64 = "time_dt",
    start_time_dt: i64 = "start_time_dt",
    end_time_dt: i64 = "end_time_dt",
    action: str = "action",
    action_id: i32 = "action_id",
    type_uid: i64 = "type_uid",
}

/// The mapping, with memory that is used again for every record.
#[derive(Debug)]
pub struct Mapping {
    common: Common,
    leaves: Leaves,
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    rows.constant_text(rows.leaf("asl_version")?, table.version);
    common::constants(table, &["cloud", "security_control", "datetime"], rows)
}

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        let observables = Observables::new(&rows)?;
        Ok(Self { common: Common::new(&rows, Some(observables))?, leaves: Leaves::new(&rows)? })
    }

    /// Writes the record as a row of table `index`.
    pub fn write(&mut self, record: &Record<'_>, flow: &Flow<'_>, out: &mut Output<'_>, index: usize) {
        let rows = out.table(index);
        self.common.write(rows, record, flow, self.leaves.account);
        rows.long(self.leaves.time_dt, flow.millis);
        if let Some(start) = flow.start {
            rows.long(self.leaves.start_time_dt, start);
        }
        if let Some(end) = flow.end {
            rows.long(self.leaves.end_time_dt, end);
        }
        rows.int(self.leaves.action_id, flow.action.0);
        rows.text(self.leaves.action, shared::ocsf::bounded(flow.action.1));
        rows.long(self.leaves.type_uid, i64::from(flow.type_uid()));
        out.end_row(index, flow.partition.0, flow.partition.1, flow.millis);
    }
}
