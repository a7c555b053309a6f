//! Tables of Route 53 resolver query logs.
//!
//! Appended in 1.0:
//! * `src_endpoint.svc_name`: OCSF wants an endpoint to have an identification, and a record may lack both address
//!   and instance;
//! * `dst_endpoint.svc_name`: OCSF requires the endpoint, and a query that came through no Resolver endpoint has no
//!   other data for it.
//!
//! Appended in 2.0:
//! * `src_endpoint.svc_name`: as in 1.0;
//! * `disposition_id`: the id of the caption in `disposition`.

use crate::table::TableDefinition;

/// Route 53 resolver query logs, source version 1.0.
pub const ROUTE53_1_0: TableDefinition = TableDefinition {
    source: "ROUTE53",
    version: "1.0",
    ocsf: "1.0.0-rc.2",
    columns: &[
        (
            "metadata",
            "struct<product:struct<version:string,name:string,feature:struct<name:string>,\
         vendor_name:string>,profiles:array<string>,version:string>",
        ),
        ("cloud", "struct<account_uid:string,region:string,provider:string>"),
        ("src_endpoint", "struct<vpc_uid:string,ip:string,port:int,instance_uid:string,svc_name:string>"),
        ("time", "bigint"),
        ("query", "struct<hostname:string,type:string,class:string>"),
        ("answers", "array<struct<type:string,rdata:string,class:string>>"),
        ("connection_info", "struct<protocol_name:string,direction:string,direction_id:int>"),
        ("dst_endpoint", "struct<instance_uid:string,interface_uid:string,svc_name:string>"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("rcode_id", "int"),
        ("rcode", "string"),
        ("activity_id", "int"),
        ("activity_name", "string"),
        ("type_name", "string"),
        ("type_uid", "int"),
        ("disposition", "string"),
        ("disposition_id", "int"),
        ("unmapped", "map<string,string>"),
    ],
    unique: &["unmapped.key_value.value"],
};

/// Route 53 resolver query logs, source version 2.0.
pub const ROUTE53_2_0: TableDefinition = TableDefinition {
    source: "ROUTE53",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[
        (
            "metadata",
            "struct<product:struct<version:string,name:string,feature:struct<name:string>,\
         vendor_name:string>,profiles:array<string>,version:string>",
        ),
        ("cloud", "struct<account:struct<uid:string>,region:string,provider:string>"),
        ("src_endpoint", "struct<vpc_uid:string,ip:string,port:int,instance_uid:string,svc_name:string>"),
        ("time", "bigint"),
        ("time_dt", "timestamp"),
        ("query", "struct<hostname:string,type:string,class:string>"),
        ("answers", "array<struct<type:string,rdata:string,class:string>>"),
        ("connection_info", "struct<protocol_name:string,direction:string,direction_id:int>"),
        ("dst_endpoint", "struct<instance_uid:string,interface_uid:string>"),
        ("firewall_rule", "struct<uid:string>"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("activity_id", "int"),
        ("activity_name", "string"),
        ("type_uid", "bigint"),
        ("type_name", "string"),
        ("rcode_id", "int"),
        ("rcode", "string"),
        ("disposition", "string"),
        ("action", "string"),
        ("action_id", "int"),
        ("unmapped", "map<string,string>"),
        ("asl_version", "string"),
        ("observables", "array<struct<name:string,value:string,type:string,type_id:int>>"),
        ("disposition_id", "int"),
    ],
    unique: &["unmapped.key_value.value"],
};
