//! Source version 1.0: one record to one row of OCSF 1.0.0-rc.2.
//!
//! As [`crate::v2`], whose table and decisions hold here too, but for:
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `account-id` | `cloud.account_uid` | |
//! | `start` | `time`, `start_time` | milliseconds; no `_dt` twins |
//! | `end` | `end_time` | |
//! | `action` | `activity_*`, `type_*`, `disposition`, `disposition_id` | 1.0.0-rc.2 has no `action` |
//!
//! The table of this version has no observables. Profiles are `cloud` and `security_control`.

use shared::leaves;
use shared::rows::{Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use crate::common::{self, Common};
use crate::flow::Flow;
use crate::format::Record;

leaves! {
    account: str = "cloud.account_uid",
    start_time: i64 = "start_time",
    end_time: i64 = "end_time",
    type_uid: i32 = "type_uid",
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
    common::constants(table, &["cloud", "security_control"], rows)
}

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        Ok(Self { common: Common::new(&rows, None)?, leaves: Leaves::new(&rows)? })
    }

    /// Writes the record as a row of table `index`.
    pub fn write(&mut self, record: &Record<'_>, flow: &Flow<'_>, out: &mut Output<'_>, index: usize) {
        let rows = out.table(index);
        self.common.write(rows, record, flow, self.leaves.account);
        if let Some(start) = flow.start {
            rows.long(self.leaves.start_time, start);
        }
        if let Some(end) = flow.end {
            rows.long(self.leaves.end_time, end);
        }
        rows.int(self.leaves.type_uid, flow.type_uid());
        out.end_row(index, flow.partition.0, flow.partition.1, flow.millis);
    }
}
