//! Table of EKS audit logs.
//!
//! What is appended to AWS's columns:
//!
//! | appended | because |
//! |---|---|
//! | `metadata.log_name` | the log group, which is the only thing that says which cluster an event is from |
//! | `src_endpoint.name` | OCSF requires an endpoint to have an identification, and an event may have no valid address |

use crate::table::TableDefinition;

/// EKS audit logs, source version 2.0.
pub const EKS_AUDIT_2_0: TableDefinition = TableDefinition {
    source: "EKS_AUDIT",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[
        (
            "metadata",
            "struct<log_level:string,product:struct<version:string,vendor_name:string,name:string,\
         feature:struct<name:string>>,profiles:array<string>,version:string,log_name:string>",
        ),
        (
            "api",
            "struct<request:struct<uid:string,containers:array<struct<name:string,image:struct<name:string,\
         path:string,uid:string>>>>,operation:string,version:string,response:struct<code:int,\
         message:string,error:string,error_message:string,containers:array<struct<name:string,\
         image:struct<name:string,path:string,uid:string>>>>,group:struct<name:string>>",
        ),
        ("message", "string"),
        ("http_request", "struct<url:struct<path:string>,user_agent:string>"),
        (
            "actor",
            "struct<user:struct<name:string,uid:string,groups:array<struct<name:string>>,type_id:int>,\
         session:struct<credential_uid:string,issuer:string,uid:string>>",
        ),
        ("cloud", "struct<account:struct<uid:string>,provider:string>"),
        ("src_endpoint", "struct<ip:string,intermediate_ips:array<string>,name:string>"),
        ("resources", "array<struct<namespace:string,name:string,uid:string,version:string,type:string>>"),
        ("start_time_dt", "timestamp"),
        ("time_dt", "timestamp"),
        ("time", "bigint"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("activity_name", "string"),
        ("activity_id", "int"),
        ("type_name", "string"),
        ("type_uid", "bigint"),
        ("unmapped", "map<string,string>"),
        ("asl_version", "string"),
        ("observables", "array<struct<name:string,value:string,type:string,type_id:int>>"),
    ],
    unique: &["api.request.uid", "unmapped.key_value.value"],
};
