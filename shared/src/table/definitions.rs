//! Every table of the lake.
//!
//! Columns and order are those of Security Lake's own tables. `region` and `accountid` are partition keys, so the
//! files do not hold them; `asl_version`, which AWS's files lack, is a column of ours in source version 2.0. What is
//! appended is there because the source's version of OCSF requires it, or because the source has it and AWS's table
//! has no place for it; each module says what and why.

mod cloudtrail;
mod eks_audit;
mod route53;
mod security_hub;
mod vpc_flow;
mod waf;

pub use self::cloudtrail::{
    CLOUD_TRAIL_MGMT_1_0, CLOUD_TRAIL_MGMT_2_0, LAMBDA_EXECUTION_1_0, LAMBDA_EXECUTION_2_0, S3_DATA_1_0,
    S3_DATA_2_0,
};
pub use self::eks_audit::EKS_AUDIT_2_0;
pub use self::route53::{ROUTE53_1_0, ROUTE53_2_0};
pub use self::security_hub::{SH_FINDINGS_1_0, SH_FINDINGS_2_0};
pub use self::vpc_flow::{VPC_FLOW_1_0, VPC_FLOW_2_0};
pub use self::waf::WAF_2_0;

use super::TableDefinition;

/// Every table there is.
pub const ALL: &[&TableDefinition] = &[
    &CLOUD_TRAIL_MGMT_1_0,
    &CLOUD_TRAIL_MGMT_2_0,
    &LAMBDA_EXECUTION_1_0,
    &LAMBDA_EXECUTION_2_0,
    &S3_DATA_1_0,
    &S3_DATA_2_0,
    &EKS_AUDIT_2_0,
    &ROUTE53_1_0,
    &ROUTE53_2_0,
    &SH_FINDINGS_1_0,
    &SH_FINDINGS_2_0,
    &VPC_FLOW_1_0,
    &VPC_FLOW_2_0,
    &WAF_2_0,
];
