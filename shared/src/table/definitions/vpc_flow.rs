//! Tables of VPC Flow Logs.
//!
//! What is appended to AWS's columns:
//!
//! | appended | because |
//! |---|---|
//! | `disposition_id` in 2.0 | an enum's caption (`disposition`) comes with its id |

use crate::table::TableDefinition;

/// VPC Flow Logs, source version 1.0.
pub const VPC_FLOW_1_0: TableDefinition = TableDefinition {
    source: "VPC_FLOW",
    version: "1.0",
    ocsf: "1.0.0-rc.2",
    columns: &[
        (
            "metadata",
            "struct<product:struct<version:string,name:string,feature:struct<name:string>,\
         vendor_name:string>,profiles:array<string>,version:string>",
        ),
        ("cloud", "struct<account_uid:string,region:string,zone:string,provider:string>"),
        (
            "src_endpoint",
            "struct<port:int,svc_name:string,ip:string,intermediate_ips:array<string>,interface_uid:string,\
         vpc_uid:string,instance_uid:string,subnet_uid:string>",
        ),
        (
            "dst_endpoint",
            "struct<port:int,svc_name:string,ip:string,intermediate_ips:array<string>,interface_uid:string,\
         vpc_uid:string,instance_uid:string,subnet_uid:string>",
        ),
        (
            "connection_info",
            "struct<protocol_num:int,tcp_flags:int,protocol_ver:string,boundary_id:int,boundary:string,\
         direction_id:int,direction:string>",
        ),
        ("traffic", "struct<packets:bigint,bytes:bigint>"),
        ("time", "bigint"),
        ("start_time", "bigint"),
        ("end_time", "bigint"),
        ("status_code", "string"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("activity_name", "string"),
        ("activity_id", "int"),
        ("disposition", "string"),
        ("disposition_id", "int"),
        ("type_uid", "int"),
        ("type_name", "string"),
        ("unmapped", "map<string,string>"),
    ],
    unique: &[],
};

/// VPC Flow Logs, source version 2.0.
pub const VPC_FLOW_2_0: TableDefinition = TableDefinition {
    source: "VPC_FLOW",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[
        (
            "metadata",
            "struct<product:struct<version:string,name:string,feature:struct<name:string>,\
         vendor_name:string>,profiles:array<string>,version:string>",
        ),
        ("cloud", "struct<account:struct<uid:string>,region:string,zone:string,provider:string>"),
        (
            "src_endpoint",
            "struct<port:int,svc_name:string,ip:string,intermediate_ips:array<string>,interface_uid:string,\
         vpc_uid:string,instance_uid:string,subnet_uid:string>",
        ),
        (
            "dst_endpoint",
            "struct<port:int,svc_name:string,ip:string,intermediate_ips:array<string>,interface_uid:string,\
         vpc_uid:string,instance_uid:string,subnet_uid:string>",
        ),
        (
            "connection_info",
            "struct<protocol_num:int,tcp_flags:int,protocol_ver:string,boundary_id:int,boundary:string,\
         direction_id:int,direction:string>",
        ),
        ("traffic", "struct<packets:bigint,bytes:bigint>"),
        ("time", "bigint"),
        ("time_dt", "timestamp"),
        ("start_time_dt", "timestamp"),
        ("end_time_dt", "timestamp"),
        ("status_code", "string"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("activity_name", "string"),
        ("activity_id", "int"),
        ("action", "string"),
        ("action_id", "int"),
        ("disposition", "string"),
        ("type_uid", "bigint"),
        ("type_name", "string"),
        ("asl_version", "string"),
        ("unmapped", "map<string,string>"),
        ("observables", "array<struct<name:string,value:string,type:string,type_id:int>>"),
        ("disposition_id", "int"),
    ],
    unique: &[],
};
