//! Source version 1.0: one record to one row of OCSF 1.0.0-rc.2.
//!
//! Sources: rows that AWS wrote (`amazon-security-lake-ocsf-validation`), the OCSF examples' mapping of CloudTrail
//! for 1.0.0-rc.2, the samples beside it, OCSF 1.0.0-rc.2. What is in no row of the table goes to `unmapped` under
//! its raw path.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `eventTime` | `time` | a record without a plausible one is quarantined |
//! | `eventName` | `api.operation`, `activity_*`, `type_*` | see [`crate::activity`]; required |
//! | `eventSource` | `api.service.name`; Authentication also `dst_endpoint.svc_name` | where there is no `LoginTo` |
//! | `awsRegion` | `cloud.region` | also the partition; else the object key's |
//! | `eventVersion`, `eventID` | `metadata.product.version`, `metadata.uid` | |
//! | `eventCategory` | `metadata.product.feature.name` | absent: `Management, Data, and Insights` |
//! | `apiVersion`, `userAgent`, `vpcEndpointId` | `api.version`, `http_request.user_agent`, `src_endpoint.uid` | |
//! | `requestID` | `api.request.uid` | required by OCSF: absent is the empty string, AWS writes `''` |
//! | `errorCode`, `errorMessage` | `api.response.error`, `api.response.message`, `status`, `status_id` | |
//! | `sourceIPAddress` | `src_endpoint.ip`, or `.domain` and `.svc_name` | OCSF does not count `domain` as an identification |
//! | `userIdentity.*` | `actor.*` | see the module `common::actor` |
//! | `resources[]` | `resources[]` | API Activity only; an `ARNPrefix` serves where there is no `ARN` |
//! | `additionalEventData.LoginTo`, `.MFAUsed` | `dst_endpoint.svc_name`, `mfa` | Authentication only |
//! | `additionalEventData.UserName` | `actor.user.name` | where `userIdentity.userName` is absent |
//! | `requestParameters.*`, `responseElements.*` | `user.*`, `status` | see [`target`]; their other leaves are in `unmapped` |
//! | `recipientAccountId` | `unmapped` | also the partition; else the object key's, else the caller's |
//! | `eventType`, `readOnly`, `managementEvent` and all else | `unmapped` | |
//!
//! Where the published material contradicts itself or is silent:
//!
//! 1. Which class an event has: see [`crate::class`]. The event source always counts.
//! 2. Activities of API Activity: by the first word of the name, see [`crate::activity`]. `activity_name` of 99 is
//!    `Other`: in OCSF 1.0.0-rc.2 it is the caption of the id, and the event's name is in `api.operation`.
//! 3. Activities of Account Change: OCSF 1.0.0-rc.2 has none for MFA devices, so they are 99.
//! 4. `user` of an Account Change: `uid` is the id. Its ARN stays in `unmapped`, as in AWS's rows.
//! 5. `actor.user`: `uid` is `principalId`, `uuid` the ARN; 2.0 has them the other way round.
//! 6. `metadata.version` is OCSF's version; `eventVersion` is the product's.
//! 7. `api.request.uid` of a record without `requestID` is empty. AWS's two quotes match no query.
//! 8. An address that is none: `domain`, and `svc_name`, which OCSF counts as an identification. Neither `domain` nor
//!    `uid` is one in OCSF 1.0.0-rc.2.
//! 9. Authentication requires `user` and `dst_endpoint`. AWS leaves the latter empty except for console sign-ins; here
//!    it is the service that was signed in to.
//! 10. `actor.user.type` carries the raw type; its id is 99 unless OCSF has that caption.
//! 11. `status` of Authentication is what `responseElements.<eventName>` says, else as everywhere by the error. AWS
//!     writes `Other` with id 0 for all but console sign-ins: 0 is `Unknown`, and who looks for failures finds none.
//! 12. `metadata.product.feature.name` is the record's category, and AWS's constant where there is none.
//! 13. `cloud.account_uid` is no column of AWS's; `recipientAccountId` is in `unmapped` and in the partition.
//! 14. Null, `{}` and `[]` leave no trace. A struct of nulls is null here, and a struct in AWS's files.
//! 15. `requestParameters` and `responseElements` are flattened into `unmapped`, `credentials.sessionToken` of
//!     `AssumeRole*` included: every leaf of a record is in its row, in 2.0 as in 1.0, and a reader of the lake can read
//!     the log. CloudTrail does not log the secret key that belongs to a token, without which it signs nothing.
//! 16. The rule of `unmapped` is AWS's; see `shared::ocsf::Unmapped`.
//! 17. Times are milliseconds since the epoch, UTC. There is no `*_dt`: the profile `datetime` is not used.
//! 18. There are no observables: AWS's tables of 1.0 have no such column.
//! 19. Samples of other versions say nothing about this one.
//! 20. `webIdFederationData` stands under `userIdentity.sessionContext`, where records have it.
//! 21. What is not mapped of `sessionIssuer` and other objects is in `unmapped`, leaf by leaf.
//! 22. `mfaAuthenticated` and `MFAUsed` are text in the record and booleans in the row; another text is in `unmapped`.
//! 23. AWS drops `responseElements.role.roleName` where it differs from the name that it writes; here it is in
//!     `unmapped`.
//! 24. A text longer than OCSF allows is cut in its column and whole in `unmapped`.

pub mod target;

use shared::rows::{Leaf, Rows, RowsError};
use shared::source::Output;
use shared::table::TableDefinition;

use crate::class::Version;
use crate::common::{self, Common};
use crate::event::Event;
use crate::record::Record;

/// The mapping, with memory that is used again for every record.
#[derive(Debug)]
pub struct Mapping {
    common: Common,
    type_uid: Leaf<i32>,
}

/// Values that are the same in every row.
///
/// # Errors
/// If the table lacks a leaf.
pub fn constants(table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
    common::constants(table, &["cloud"], rows)
}

impl Mapping {
    /// A mapping to `table`.
    ///
    /// # Errors
    /// If the table lacks a leaf that the mapping writes.
    pub fn new(table: &'static TableDefinition) -> Result<Self, RowsError> {
        let rows = Rows::new(table)?;
        Ok(Self { common: Common::new(&rows, Version::V1)?, type_uid: rows.leaf("type_uid")? })
    }

    /// Writes the event as a row of table `index`.
    pub fn write(&mut self, record: &Record<'_>, event: &Event<'_>, out: &mut Output<'_>, index: usize) {
        let rows = out.table(index);
        let type_uid = self.common.write(rows, record, event);
        rows.int(self.type_uid, type_uid);
        self.common.leave("eventType", record.event_type());
        self.target(rows, record, event);
        self.common.finish(rows, record, event);
        out.end_row(index, &event.region, &event.account, event.millis);
    }
}
