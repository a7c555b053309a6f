//! Questions about the other sources: flows, DNS queries, findings, Kubernetes calls, web requests.

use super::Question;

/// The questions.
pub(super) const QUESTIONS: &[Question] = &[
    Question {
        name: "top_talkers",
        text: "Between which addresses did most bytes flow?",
        table: "VPC_FLOW@2.0",
        leaves: &["src_endpoint.ip", "dst_endpoint.ip", "traffic.bytes"],
        sql: include_str!("top_talkers.sql"),
        keys: &["source_ip", "target_ip"],
        count: "bytes",
        sum: Some("traffic.bytes"),
        seen: false,
        select: |row| {
            row.number("traffic.bytes").map(|_| vec![row.key("src_endpoint.ip"), row.key("dst_endpoint.ip")])
        },
    },
    Question {
        name: "rejected_flows",
        text: "Whose flows were rejected, and at which port?",
        table: "VPC_FLOW@2.0",
        leaves: &["action", "src_endpoint.ip", "dst_endpoint.port"],
        sql: include_str!("rejected_flows.sql"),
        keys: &["source_ip", "port"],
        count: "flows",
        sum: None,
        seen: false,
        select: |row| {
            let port = || row.number("dst_endpoint.port").map(|port| port.to_string());
            (row.text("action") == Some("Denied")).then(|| vec![row.key("src_endpoint.ip"), port()])
        },
    },
    Question {
        name: "resolved_domains",
        text: "Which domains are asked for most often?",
        table: "ROUTE53@2.0",
        leaves: &["query.hostname", "rcode"],
        sql: include_str!("resolved_domains.sql"),
        keys: &["domain", "answer"],
        count: "queries",
        sum: None,
        seen: false,
        select: |row| Some(vec![row.key("query.hostname"), row.key("rcode")]),
    },
    Question {
        name: "blocked_domains",
        text: "Which domains does the DNS firewall block, and who asked for them?",
        table: "ROUTE53@2.0",
        leaves: &["action", "query.hostname", "src_endpoint.ip"],
        sql: include_str!("blocked_domains.sql"),
        keys: &["domain", "source_ip"],
        count: "queries",
        sum: None,
        seen: true,
        select: |row| {
            let is = row.text("action") == Some("Denied");
            is.then(|| vec![row.key("query.hostname"), row.key("src_endpoint.ip")])
        },
    },
    Question {
        name: "findings_by_severity",
        text: "How severe are the findings of each product?",
        table: "SH_FINDINGS@2.0",
        leaves: &["severity", "metadata.product.name"],
        sql: include_str!("findings_by_severity.sql"),
        keys: &["severity", "product"],
        count: "findings",
        sum: None,
        seen: false,
        select: |row| Some(vec![row.key("severity"), row.key("metadata.product.name")]),
    },
    Question {
        name: "denied_kubernetes_calls",
        text: "Who is denied what in a Kubernetes cluster?",
        table: "EKS_AUDIT@2.0",
        leaves: &["api.response.code", "actor.user.name", "api.operation", "http_request.url.path"],
        sql: include_str!("denied_kubernetes_calls.sql"),
        keys: &["user_name", "operation", "path"],
        count: "calls",
        sum: None,
        seen: false,
        select: |row| {
            let is = matches!(row.number("api.response.code"), Some(401 | 403));
            is.then(|| {
                vec![row.key("actor.user.name"), row.key("api.operation"), row.key("http_request.url.path")]
            })
        },
    },
    Question {
        name: "blocked_requests",
        text: "Which rules of WAF block requests, and whose?",
        table: "WAF@2.0",
        leaves: &["action", "firewall_rule.uid", "src_endpoint.ip"],
        sql: include_str!("blocked_requests.sql"),
        keys: &["rule", "source_ip"],
        count: "requests",
        sum: None,
        seen: false,
        select: |row| {
            let is = row.text("action") == Some("Denied");
            is.then(|| vec![row.key("firewall_rule.uid"), row.key("src_endpoint.ip")])
        },
    },
];
