//! A record of web ACL traffic as AWS documents it (AWS WAF developer guide, "Log fields for protection pack (web
//! ACL) traffic"), borrowed from the text it was read from, in one pass over all its levels.
//!
//! See [`shared::record!`].

use shared::record;

record! {
    /// One web request and what AWS WAF did with it.
    Record {
        /// `timestamp`, milliseconds since the epoch.
        timestamp = "timestamp",
        /// `formatVersion`: 1
        format_version = "formatVersion",
        /// `webaclId`: the ARN of the web ACL; of AWS WAF Classic its id.
        webacl_id = "webaclId",
        /// `terminatingRuleId`: the name of the rule, or `Default_Action`.
        terminating_rule_id = "terminatingRuleId",
        /// `terminatingRuleType`: `REGULAR`, `RATE_BASED`, `GROUP`, `MANAGED_RULE_GROUP`
        terminating_rule_type = "terminatingRuleType",
        /// `action`: `ALLOW`, `BLOCK`, `CAPTCHA`, `CHALLENGE`
        action = "action",
        /// `terminatingRuleMatchDetails`: objects, see [`MatchDetails`].
        terminating_rule_match_details = "terminatingRuleMatchDetails",
        /// `httpSourceName`: `CF`, `APIGW`, `ALB`, `APPSYNC`, …
        http_source_name = "httpSourceName",
        /// `httpSourceId`: the id of the resource that is protected.
        http_source_id = "httpSourceId",
        /// `ruleGroupList`: the groups that looked at the request, with what they found.
        rule_group_list = "ruleGroupList",
        /// `rateBasedRuleList`: objects, see [`RateBasedRule`].
        rate_based_rule_list = "rateBasedRuleList",
        /// `nonTerminatingMatchingRules`: rules that matched and let the request pass on.
        non_terminating_matching_rules = "nonTerminatingMatchingRules",
        /// `requestHeadersInserted`
        request_headers_inserted = "requestHeadersInserted",
        /// `responseCodeSent`: the status of a custom response.
        response_code_sent = "responseCodeSent",
        /// `labels`: objects with `name`.
        labels = "labels",
        /// `captchaResponse`
        captcha_response = "captchaResponse",
        /// `challengeResponse`
        challenge_response = "challengeResponse",
        /// `oversizeFields`: parts of the request that were longer than what AWS WAF looks at.
        oversize_fields = "oversizeFields",
        /// `requestBodySize`
        request_body_size = "requestBodySize",
        /// `requestBodySizeInspectedByWAF`
        request_body_size_inspected = "requestBodySizeInspectedByWAF",
        /// `ja3Fingerprint`
        ja3_fingerprint = "ja3Fingerprint",
        /// `ja4Fingerprint`
        ja4_fingerprint = "ja4Fingerprint",
        ;
        /// `httpRequest`
        http_request: HttpRequest = "httpRequest",
    }
}

record! {
    /// `httpRequest`
    HttpRequest {
        /// `clientIp`
        client_ip = "clientIp",
        /// `country`: two letters, `-` where it is not known.
        country = "country",
        /// `headers`: objects, see [`Header`].
        headers = "headers",
        /// `uri`
        uri = "uri",
        /// `args`: the query string.
        args = "args",
        /// `httpVersion`: `HTTP/1.1`
        http_version = "httpVersion",
        /// `httpMethod`: `GET`
        http_method = "httpMethod",
        /// `requestId`
        request_id = "requestId",
        /// `fragment`
        fragment = "fragment",
        /// `scheme`
        scheme = "scheme",
        /// `host`
        host = "host",
    }
}

record! {
    /// One of `httpRequest.headers`.
    Header {
        /// `name`, in the letters that the client used.
        name = "name",
        /// `value`
        value = "value",
    }
}

record! {
    /// One of `terminatingRuleMatchDetails`.
    MatchDetails {
        /// `conditionType`: `SQL_INJECTION`, `XSS`, `REGEX`
        condition_type = "conditionType",
        /// `location`: `HEADER`
        location = "location",
        /// `matchedData`: texts.
        matched_data = "matchedData",
    }
}

record! {
    /// One of `rateBasedRuleList`.
    RateBasedRule {
        /// `maxRateAllowed`: requests in the rule's window.
        max_rate_allowed = "maxRateAllowed",
    }
}

record! {
    /// One of `labels`.
    Label {
        /// `name`
        name = "name",
    }
}
