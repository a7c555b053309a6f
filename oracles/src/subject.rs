//! The sources, and what an oracle has to know of each: a line here is all that a new one needs.

use shared::source::Source;

use crate::expect::Reading;

/// A source under test.
#[derive(Debug)]
pub struct Subject {
    /// Makes the source.
    pub make: fn() -> Box<dyn Source>,
    /// Key of the object under test, one that is this source's log.
    pub key: &'static str,
    /// How its records are counted by another reader.
    pub reading: Reading,
    /// A good object, which has to land whatever stands beside it.
    pub neighbour: &'static str,
}

/// All of them.
pub const ALL: &[&Subject] = &[&CLOUDTRAIL, &VPC_FLOW, &ROUTE53, &SECURITY_HUB, &EKS_AUDIT, &WAF];

/// CloudTrail.
pub const CLOUDTRAIL: Subject = Subject {
    make: || Box::new(cloudtrail::CloudTrail),
    key: "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/\
          111122223333_CloudTrail_us-east-1_20260314T0905Z_a1b2c3d4e5f6a7b8.json.gz",
    reading: Reading::Documents,
    neighbour: r#"{"Records":[{"eventTime":"2026-03-14T09:05:00Z","eventName":"RunInstances","eventSource":"ec2.amazonaws.com"}]}"#,
};

/// VPC Flow Logs.
pub const VPC_FLOW: Subject = Subject {
    make: || Box::new(vpc_flow::VpcFlow),
    key: "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/03/14/\
          111122223333_vpcflowlogs_us-east-1_fl-0a1b2c3d4e5f60718_20260314T0905Z_a1b2c3d4.log.gz",
    reading: Reading::Lines,
    neighbour: "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n\
                2 111122223333 eni-0a1b2c3d4e5f60718 203.0.113.7 192.0.2.9 443 50000 6 3 180 1773479100 1773479160 ACCEPT OK\n",
};

/// Route 53 resolver query logs.
pub const ROUTE53: Subject = Subject {
    make: || Box::new(route53::Route53),
    key: "AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a1b2c3d4e5f60718/2026/03/14/\
          vpc-0a1b2c3d4e5f60718_vpcdnsquerylogs_111122223333_20260314T0905Z_a1b2c3d4.log.gz",
    reading: Reading::Values { wrapped: &["logEvents", "message", "logStreamName"] },
    neighbour: r#"{"version":"1.1","account_id":"111122223333","region":"us-east-1","query_timestamp":"2026-03-14T09:05:00Z","query_name":"example.com.","query_type":"A","rcode":"NOERROR"}"#,
};

/// Security Hub.
pub const SECURITY_HUB: Subject = Subject {
    make: || Box::new(security_hub::SecurityHub),
    key: "security-hub/2026/03/14/09/deliveries-1-2026-03-14-09-05-00-0a1b2c3d.gz",
    reading: Reading::Values {
        wrapped: &["Findings", "findings", "detail", "Detail", "logEvents", "message", "logStreamName"],
    },
    neighbour: r#"{"SchemaVersion":"2018-10-08","Id":"finding/1","ProductArn":"arn:aws:securityhub:us-east-1::product/aws/securityhub","AwsAccountId":"111122223333","Region":"us-east-1","CreatedAt":"2026-03-14T09:05:00Z","UpdatedAt":"2026-03-14T09:05:00Z","Title":"A"}"#,
};

/// EKS audit logs.
pub const EKS_AUDIT: Subject = Subject {
    make: || Box::new(eks_audit::EksAudit),
    key: "eks-audit/2026/03/14/09/deliveries-1-2026-03-14-09-05-00-0a1b2c3d",
    reading: Reading::Values { wrapped: &["items", "logEvents", "message", "logStreamName"] },
    neighbour: r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a","stage":"ResponseComplete","requestURI":"/api","verb":"get","requestReceivedTimestamp":"2026-03-14T09:05:00.000000Z","stageTimestamp":"2026-03-14T09:05:00.000000Z"}"#,
};

/// AWS WAF.
pub const WAF: Subject = Subject {
    make: || Box::new(waf::Waf),
    key: "AWSLogs/111122223333/WAFLogs/us-east-1/shop/2026/03/14/09/05/\
          111122223333_waflogs_us-east-1_shop_20260314T0905Z_a1b2c3d4.log.gz",
    reading: Reading::Values { wrapped: &["logEvents", "message", "logStreamName"] },
    neighbour: r#"{"timestamp":1773479100000,"webaclId":"arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/a","action":"ALLOW","httpRequest":{"clientIp":"203.0.113.7"}}"#,
};
