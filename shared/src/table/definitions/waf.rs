//! Tables of AWS WAF logs.
//!
//! Appended, because OCSF requires them of HTTP Activity:
//! * `http_response.code`: the status of a custom response, which AWS's table has in `http_status`; 0 where the
//!   record has none;
//! * `dst_endpoint`: the host that was asked for and the protected resource.

use crate::table::TableDefinition;

/// AWS WAF logs, source version 2.0.
pub const WAF_2_0: TableDefinition = TableDefinition {
    source: "WAF",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[
        (
            "metadata",
            "struct<product:struct<feature:struct<uid:string>,version:string,vendor_name:string,\
         name:string>,labels:array<string>,profiles:array<string>,version:string>",
        ),
        ("src_endpoint", "struct<svc_name:string,uid:string,ip:string,location:struct<country:string>>"),
        (
            "http_request",
            "struct<url:struct<path:string,hostname:string>,version:string,http_method:string,uid:string,\
         args:string,http_headers:array<struct<name:string,value:string>>,user_agent:string,\
         x_forwarded_for:array<string>,referrer:string>",
        ),
        (
            "firewall_rule",
            "struct<uid:string,type:string,condition:string,match_location:string,\
         match_details:array<string>,rate_limit:int>",
        ),
        ("http_status", "int"),
        ("time", "bigint"),
        ("time_dt", "timestamp"),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("cloud", "struct<provider:string>"),
        ("activity_name", "string"),
        ("activity_id", "int"),
        ("type_name", "string"),
        ("type_uid", "bigint"),
        ("action", "string"),
        ("action_id", "int"),
        ("disposition", "string"),
        ("disposition_id", "int"),
        ("unmapped", "map<string,string>"),
        ("asl_version", "string"),
        ("observables", "array<struct<name:string,value:string,type:string,type_id:int>>"),
        ("http_response", "struct<code:int>"),
        ("dst_endpoint", "struct<hostname:string,uid:string,svc_name:string>"),
    ],
    unique: &["unmapped.key_value.value"],
};
