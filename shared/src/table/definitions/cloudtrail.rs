//! Tables of CloudTrail: management events, data events of S3, data events of Lambda.
//!
//! What is appended to AWS's columns:
//!
//! | appended | version | because |
//! |---|---|---|
//! | `actor.user.type_id` | both | an enum's caption (`type`) comes with its id |
//! | `src_endpoint.svc_name` | both | OCSF does not count `domain` as an identification of an endpoint |
//! | `actor.idp.uid` | 2.0 | the identity store of an Identity Center user |
//! | `status_id` | 2.0 | an enum's caption (`status`) comes with its id |
//! | `service` | 2.0 | Authentication needs `service` or `dst_endpoint`, and only console sign-ins have the latter |
//!
//! AWS writes a file of source version 1.0 for each class, with the columns of that class alone. The table has those
//! of all three; their order is not published, here the columns that all classes have come first.

use crate::table::{ColumnDefinition, TableDefinition};

/// Columns of the three CloudTrail tables of source version 1.0, which are identical.
const CLOUD_TRAIL_1_0: &[ColumnDefinition] = &[
    (
        "metadata",
        "struct<product:struct<version:string,name:string,vendor_name:string,feature:struct<name:string>>,\
         uid:string,profiles:array<string>,version:string>",
    ),
    ("time", "bigint"),
    ("cloud", "struct<region:string,provider:string>"),
    (
        "api",
        "struct<response:struct<error:string,message:string>,operation:string,version:string,\
         service:struct<name:string>,request:struct<uid:string>>",
    ),
    ("resources", "array<struct<uid:string,account_uid:string,type:string>>"),
    (
        "actor",
        "struct<user:struct<type:string,name:string,uid:string,uuid:string,account_uid:string,\
         credential_uid:string,type_id:int>,session:struct<created_time:bigint,mfa:boolean,issuer:string>,\
         invoked_by:string,idp:struct<name:string>>",
    ),
    ("http_request", "struct<user_agent:string>"),
    ("src_endpoint", "struct<uid:string,ip:string,domain:string,svc_name:string>"),
    ("class_name", "string"),
    ("class_uid", "int"),
    ("category_name", "string"),
    ("category_uid", "int"),
    ("severity_id", "int"),
    ("severity", "string"),
    ("status", "string"),
    ("status_id", "int"),
    ("activity_name", "string"),
    ("activity_id", "int"),
    ("type_uid", "int"),
    ("type_name", "string"),
    ("unmapped", "map<string,string>"),
    ("dst_endpoint", "struct<svc_name:string>"),
    ("user", "struct<uid:string,uuid:string,name:string>"),
    ("mfa", "boolean"),
];

/// Columns of the three CloudTrail tables of source version 2.0, which are identical.
const CLOUD_TRAIL_2_0: &[ColumnDefinition] = &[
    (
        "metadata",
        "struct<product:struct<version:string,name:string,vendor_name:string,feature:struct<name:string>>,\
         event_code:string,uid:string,profiles:array<string>,version:string>",
    ),
    ("time", "bigint"),
    ("time_dt", "timestamp"),
    ("cloud", "struct<region:string,provider:string>"),
    (
        "api",
        "struct<response:struct<error:string,message:string,data:string>,operation:string,version:string,\
         service:struct<name:string>,request:struct<data:string,uid:string>>",
    ),
    ("dst_endpoint", "struct<svc_name:string>"),
    (
        "actor",
        "struct<user:struct<type:string,name:string,uid_alt:string,uid:string,account:struct<uid:string>,\
         credential_uid:string,type_id:int>,session:struct<created_time_dt:timestamp,is_mfa:boolean,\
         issuer:string>,invoked_by:string,idp:struct<name:string,uid:string>>",
    ),
    ("http_request", "struct<user_agent:string>"),
    ("src_endpoint", "struct<uid:string,ip:string,domain:string,svc_name:string>"),
    ("session", "struct<uid:string,uid_alt:string,credential_uid:string,issuer:string>"),
    ("policy", "struct<uid:string>"),
    ("resources", "array<struct<uid:string,owner:struct<account:struct<uid:string>>,type:string>>"),
    ("class_name", "string"),
    ("class_uid", "int"),
    ("category_name", "string"),
    ("category_uid", "int"),
    ("severity_id", "int"),
    ("severity", "string"),
    ("user", "struct<uid_alt:string,uid:string,name:string>"),
    ("activity_name", "string"),
    ("activity_id", "int"),
    ("type_uid", "bigint"),
    ("type_name", "string"),
    ("status", "string"),
    ("is_mfa", "boolean"),
    ("unmapped", "map<string,string>"),
    ("asl_version", "string"),
    ("observables", "array<struct<name:string,value:string,type:string,type_id:int>>"),
    ("status_id", "int"),
    ("service", "struct<name:string>"),
];

const CLOUD_TRAIL_UNIQUE: &[&str] = &[
    "metadata.uid",
    "api.request.uid",
    "api.request.data",
    "api.response.data",
    "session.credential_uid",
    "unmapped.key_value.value",
];

/// CloudTrail management events, source version 1.0.
pub const CLOUD_TRAIL_MGMT_1_0: TableDefinition = TableDefinition {
    source: "CLOUD_TRAIL_MGMT",
    version: "1.0",
    ocsf: "1.0.0-rc.2",
    columns: CLOUD_TRAIL_1_0,
    unique: &["metadata.uid", "api.request.uid", "unmapped.key_value.value"],
};

/// CloudTrail data events of S3, source version 1.0.
pub const S3_DATA_1_0: TableDefinition = TableDefinition { source: "S3_DATA", ..CLOUD_TRAIL_MGMT_1_0 };

/// CloudTrail data events of Lambda, source version 1.0.
pub const LAMBDA_EXECUTION_1_0: TableDefinition =
    TableDefinition { source: "LAMBDA_EXECUTION", ..CLOUD_TRAIL_MGMT_1_0 };

/// CloudTrail management events, source version 2.0.
pub const CLOUD_TRAIL_MGMT_2_0: TableDefinition = TableDefinition {
    source: "CLOUD_TRAIL_MGMT",
    version: "2.0",
    ocsf: "1.1.0",
    columns: CLOUD_TRAIL_2_0,
    unique: CLOUD_TRAIL_UNIQUE,
};

/// CloudTrail data events of S3, source version 2.0.
pub const S3_DATA_2_0: TableDefinition = TableDefinition { source: "S3_DATA", ..CLOUD_TRAIL_MGMT_2_0 };

/// CloudTrail data events of Lambda, source version 2.0.
pub const LAMBDA_EXECUTION_2_0: TableDefinition =
    TableDefinition { source: "LAMBDA_EXECUTION", ..CLOUD_TRAIL_MGMT_2_0 };
