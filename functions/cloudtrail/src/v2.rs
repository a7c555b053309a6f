//! Source version 2.0: one record to one row of OCSF 1.1.0.
//!
//! Sources: the OCSF examples' mapping of CloudTrail for 1.1.0, the samples beside it, rows that AWS wrote, OCSF
//! 1.1.0. What is in no row of the table goes to `unmapped` under its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `eventTime` | `time`, `time_dt` | a record without a plausible one is quarantined |
//! | `eventName` | `api.operation`, `activity_*`, `type_*` | see [`crate::activity`]; required |
//! | `eventSource` | `api.service.name`; Authentication also `service.name` | |
//! | `awsRegion` | `cloud.region` | also the partition; else the object key's |
//! | `eventVersion`, `eventID`, `eventType` | `metadata.product.version`, `metadata.uid`, `metadata.event_code` | |
//! | `eventCategory` | `metadata.product.feature.name` | absent: `Management, Data, and Insights` |
//! | `apiVersion`, `userAgent`, `vpcEndpointId` | `api.version`, `http_request.user_agent`, `src_endpoint.uid` | |
//! | `requestID` | `api.request.uid` | required by OCSF: absent is the empty string, AWS writes `''` |
//! | `requestParameters`, `responseElements` | `api.request.data`, `api.response.data` | compact JSON text |
//! | `errorCode`, `errorMessage` | `api.response.error`, `api.response.message`, `status`, `status_id` | |
//! | `sourceIPAddress` | `src_endpoint.ip`, or `.domain` and `.svc_name` | 1.1.0 does not count `domain` as an identification |
//! | `userIdentity.*` | `actor.*` | see the module `common::actor` |
//! | `resources[]` | `resources[]` | API Activity only; an `ARNPrefix` serves where there is no `ARN` |
//! | `additionalEventData.LoginTo`, `.MFAUsed` | `dst_endpoint.svc_name`, `is_mfa` | Authentication only |
//! | `additionalEventData.UserName` | `actor.user.name` | where `userIdentity.userName` is absent |
//! | `requestParameters.*`, `responseElements.*` | `user.*`, `session.*`, `policy.uid` | see [`target`] |
//! | `recipientAccountId` | `unmapped` | also the partition; else the object key's, else the caller's |
//!
//! Where the published material contradicts itself or is silent:
//!
//! * `metadata.version` is OCSF's version; `eventVersion` is the product's.
//! * Authentication: `status` is what `responseElements.<eventName>` says, else as everywhere by the error. AWS's
//!   rows of version 1.0 say `Other` for `AssumeRole`.
//! * `actor.user.type` carries the raw type; its id is 99 unless OCSF has that caption.
//! * `user` of an Account Change is the account that changed: ARN in `uid`, id in `uid_alt`.
//! * A text longer than OCSF allows is cut in its column and whole in `unmapped`.

mod leaves;
pub mod target;

use shared::rows::{Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use self::leaves::Leaves;
use crate::class::Version;
use crate::common::{self, Common};
use crate::event::Event;
use crate::record::Record;

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
    common::constants(table, &["cloud", "datetime"], rows)
}

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        Ok(Self { common: Common::new(&rows, Version::V2)?, leaves: Leaves::new(&rows)? })
    }

    /// Writes the event as a row of table `index`.
    pub fn write(&mut self, record: &Record<'_>, event: &Event<'_>, out: &mut Output<'_>, index: usize) {
        let rows = out.table(index);
        let type_uid = self.common.write(rows, record, event);
        rows.long(self.leaves.type_uid, i64::from(type_uid));
        rows.long(self.leaves.time_dt, event.millis);
        self.common.put(rows, self.leaves.metadata_event_code, "eventType", record.event_type());
        self.common.put_json(rows, self.leaves.api_request_data, record.request_parameters());
        self.common.put_json(rows, self.leaves.api_response_data, record.response_elements());
        self.target(rows, record, event);
        self.common.finish(rows, record, event);
        out.end_row(index, &event.region, &event.account, event.millis);
    }
}
