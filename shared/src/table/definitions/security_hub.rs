//! Tables of Security Hub findings.
//!
//! `evidences[]` has `api`, `src_endpoint`, `connection_info`, `dst_endpoint` and `query` beside `actor`, where OCSF
//! 1.1.0 and AWS's rows have them.
//!
//! Appended in 2.0:
//!
//! | column | why |
//! |---|---|
//! | `status_id` | the id of the caption in `status` |
//! | `compliance.status_id` | the same of `compliance.status` |
//! | `evidences[].process` | AWS's mapping puts the process that a GuardDuty finding is about there; its table has no such member |

use crate::table::TableDefinition;

/// Security Hub findings, source version 1.0.
pub const SH_FINDINGS_1_0: TableDefinition = TableDefinition {
    source: "SH_FINDINGS",
    version: "1.0",
    ocsf: "1.0.0-rc.2",
    columns: &[
        (
            "metadata",
            "struct<product:struct<version:string,feature:struct<uid:string,name:string>,uid:string,\
         vendor_name:string,name:string>,profiles:array<string>,version:string>",
        ),
        ("time", "bigint"),
        ("confidence", "int"),
        ("cloud", "struct<account_uid:string,region:string,provider:string>"),
        (
            "resources",
            "array<struct<type:string,uid:string,cloud_partition:string,region:string,labels:array<string>,\
         details:string,criticality:string>>",
        ),
        (
            "finding",
            "struct<created_time:bigint,uid:string,desc:string,title:string,modified_time:bigint,\
         first_seen_time:bigint,last_seen_time:bigint,related_events:array<struct<product_uid:string,\
         uid:string>>,types:array<string>,remediation:struct<desc:string,kb_articles:array<string>>,\
         src_url:string>",
        ),
        ("compliance", "struct<status:string,requirements:array<string>,status_detail:string>"),
        (
            "malware",
            "array<struct<name:string,path:string,classification_ids:array<int>,\
         classifications:array<string>>>",
        ),
        (
            "process",
            "struct<name:string,pid:int,file:struct<path:string,type_id:int,name:string>,\
         parent_process:struct<pid:int>,created_time:bigint,terminated_time:bigint>",
        ),
        (
            "vulnerabilities",
            "array<struct<cve:struct<cvss:struct<base_score:float,vector_string:string,version:string>,\
         uid:string,created_time:bigint,modified_time:bigint>,references:array<string>,\
         related_vulnerabilities:array<string>,vendor_name:string,kb_articles:array<string>,\
         packages:array<struct<architecture:string,name:string,epoch:int,release:string,\
         version:string>>>>",
        ),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("activity_name", "string"),
        ("activity_id", "int"),
        ("type_uid", "int"),
        ("type_name", "string"),
        ("state_id", "int"),
        ("state", "string"),
        ("unmapped", "map<string,string>"),
    ],
    unique: &["finding.uid", "unmapped.key_value.value"],
};

/// Security Hub findings, source version 2.0.
pub const SH_FINDINGS_2_0: TableDefinition = TableDefinition {
    source: "SH_FINDINGS",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[
        (
            "metadata",
            "struct<log_version:string,product:struct<feature:struct<uid:string,name:string>,uid:string,\
         name:string,vendor_name:string,version:string>,processed_time_dt:timestamp,\
         profiles:array<string>,version:string,extensions:array<struct<name:string,uid:string,\
         version:string>>>",
        ),
        ("time", "bigint"),
        ("time_dt", "timestamp"),
        ("confidence_score", "int"),
        ("message", "string"),
        ("cloud", "struct<account:struct<uid:string>,region:string,provider:string>"),
        (
            "resource",
            "struct<type:string,uid:string,cloud_partition:string,region:string,labels:array<string>,\
         data:string,criticality:string>",
        ),
        (
            "finding_info",
            "struct<created_time_dt:timestamp,uid:string,desc:string,title:string,\
         modified_time_dt:timestamp,first_seen_time_dt:timestamp,last_seen_time_dt:timestamp,\
         related_events:array<struct<product_uid:string,uid:string>>,types:array<string>,src_url:string>",
        ),
        ("remediation", "struct<desc:string,references:array<string>>"),
        (
            "compliance",
            "struct<standards:array<string>,requirements:array<string>,control:string,status:string,\
         status_detail:string,status_code:string,status_id:int>",
        ),
        (
            "vulnerabilities",
            "array<struct<remediation:struct<desc:string,references:array<string>>,\
         cve:struct<cvss:array<struct<base_score:decimal(3,1),vector_string:string,version:string>>,\
         uid:string,epss:struct<score:string>,references:array<string>,created_time_dt:timestamp,\
         modified_time_dt:timestamp>,references:array<string>,related_vulnerabilities:array<string>,\
         vendor_name:string,affected_packages:array<struct<architecture:string,epoch:int,path:string,\
         fixed_in_version:string,name:string,package_manager:string,release:string,\
         remediation:struct<desc:string>,version:string>>,cwe:struct<uid:string>,\
         affected_code:array<struct<end_line:int,file:struct<name:string,path:string,uid:string,\
         type_id:int>,start_line:int>>,is_fix_available:boolean,is_exploit_available:boolean>>",
        ),
        (
            "resources",
            "array<struct<type:string,uid:string,cloud_partition:string,region:string,labels:array<string>,\
         data:string,criticality:string,owner:struct<account:struct<uid:string>>>>",
        ),
        (
            "evidences",
            "array<struct<data:string,actor:struct<process:struct<created_time_dt:timestamp,name:string,\
         pid:int,uid:string,user:struct<name:string,uid:string>,cmd_line:string,\
         parent_process:struct<uid:string>,file:struct<path:string,name:string,type_id:int,\
         hashes:array<struct<value:string,algorithm_id:int,algorithm:string>>>,euid:int>>,\
         api:struct<operation:string,response:struct<error:string,code:int>,\
         service:struct<name:string>>,src_endpoint:struct<ip:string,location:struct<country:string,\
         city:string,coordinates:array<decimal(9,6)>>,port:int>,\
         connection_info:struct<protocol_name:string,direction_id:int,direction:string>,\
         dst_endpoint:struct<ip:string,port:int,location:struct<city:string,country:string,\
         coordinates:array<decimal(9,6)>>>,query:struct<hostname:string>,\
         process:struct<created_time_dt:timestamp,name:string,pid:int,uid:string,\
         user:struct<name:string,uid:string>,parent_process:struct<uid:string>,\
         file:struct<path:string,name:string,type_id:int,\
         hashes:array<struct<value:string,algorithm_id:int,algorithm:string>>>,euid:int>>>",
        ),
        ("class_name", "string"),
        ("class_uid", "int"),
        ("category_name", "string"),
        ("category_uid", "int"),
        ("severity_id", "int"),
        ("severity", "string"),
        ("activity_name", "string"),
        ("activity_id", "int"),
        ("type_uid", "bigint"),
        ("type_name", "string"),
        ("status", "string"),
        ("unmapped", "map<string,string>"),
        ("asl_version", "string"),
        ("observables", "array<struct<name:string,value:string,type:string,type_id:int>>"),
        ("status_id", "int"),
    ],
    unique: &["finding_info.uid", "unmapped.key_value.value"],
};
