"""AWS WAF logs."""

from golden_differences import ABSENT, Difference

PAIR = "2.0/documented-waf"
REQUIRED = "appended: OCSF requires it, AWS's table lacks it"
RESOURCE_UID = "10 is the id of the caption Resource UID, 2 that of IP Address"
HOST = "an observable is named by its path in the row, not by the raw one"

DIFFERENCES = [
    Difference(PAIR, "http_response.code", REQUIRED, ABSENT, 405),
    Difference(PAIR, "dst_endpoint.hostname", REQUIRED, ABSENT, "example.com"),
    Difference(PAIR, "dst_endpoint.uid", REQUIRED, ABSENT, "123456789012:b34myvfw0b:pen-test"),
    Difference(PAIR, "dst_endpoint.svc_name", REQUIRED, ABSENT, "APIGW"),
    Difference(PAIR, "observables[httpRequest.headers[].value]", HOST, "1 example.com", ABSENT),
    Difference(PAIR, "observables[http_request.url.hostname]", HOST, ABSENT, "1 example.com"),
    Difference(PAIR, "observables[firewall_rule.uid]", RESOURCE_UID, "2 captcha-rule", "10 captcha-rule"),
    Difference(
        PAIR,
        "observables[src_endpoint.uid]",
        RESOURCE_UID,
        "2 123456789012:b34myvfw0b:pen-test",
        "10 123456789012:b34myvfw0b:pen-test",
    ),
    Difference(PAIR, "asl_version", "a column of AWS's table that its files and samples lack", ABSENT, "2.0"),
]
