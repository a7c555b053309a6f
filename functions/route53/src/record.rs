//! A query log record as AWS documents it (Route 53 developer guide, "Values that appear in VPC Resolver query
//! logs"), borrowed from the text it was read from, in one pass over all its levels.
//!
//! See [`shared::record!`].

use shared::record;

record! {
    /// One query and what was answered.
    Record {
        /// `version` of the log's format: `1.100000`
        version = "version",
        /// `account_id` of the VPC's creator.
        account_id = "account_id",
        /// `region` of the VPC.
        region = "region",
        /// `vpc_id`
        vpc_id = "vpc_id",
        /// `query_timestamp`: `2026-03-14T09:05:00Z`
        query_timestamp = "query_timestamp",
        /// `query_name`, with the dot of the root at its end.
        query_name = "query_name",
        /// `query_type`: `A`
        query_type = "query_type",
        /// `query_class`: `IN`
        query_class = "query_class",
        /// `rcode`: `NOERROR`
        rcode = "rcode",
        /// `answers`: objects, see [`Answer`].
        answers = "answers",
        /// `srcaddr`: the address that the query came from.
        srcaddr = "srcaddr",
        /// `srcport`, as text.
        srcport = "srcport",
        /// `transport`: `UDP`
        transport = "transport",
        /// `firewall_rule_action`: `ALERT`, `ALLOW` or `BLOCK`; absent where no rule of DNS Firewall matched.
        firewall_rule_action = "firewall_rule_action",
        /// `firewall_rule_group_id`
        firewall_rule_group_id = "firewall_rule_group_id",
        ;
        /// `srcids`
        srcids: SrcIds = "srcids",
    }
}

record! {
    /// `srcids`: what the query originated from or passed through.
    SrcIds {
        /// `instance`
        instance = "instance",
        /// `resolver_endpoint`
        resolver_endpoint = "resolver_endpoint",
        /// `resolver_network_interface`
        resolver_network_interface = "resolver_network_interface",
    }
}

record! {
    /// One of `answers`.
    Answer {
        /// `Rdata`: the record's data, in the form of its type.
        rdata = "Rdata",
        /// `Type`
        kind = "Type",
        /// `Class`
        class = "Class",
    }
}
