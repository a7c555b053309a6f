"""AWS WAF logs of a web ACL in front of the balancer: JSON lines (AWS WAF developer guide, "Log fields for protection
pack (web ACL) traffic")."""

from datetime import timedelta

from central_logs.shapes import APP, CUSTOMERS, INTRUDER, REGION, RawFile, lines, millis, moment
from cloudtrail.shapes import BROWSER, SCRIPT, Dice

ACL = f"arn:aws:wafv2:{REGION}:{APP}:regional/webacl/shop/00000000-1111-2222-3333-444444444444"
SOURCE = f"{APP}-app/shop/50dc6c495c0c9188"
PATHS = ["/", "/cart", "/search", "/api/orders", "/api/orders/17", "/images/logo.svg"]


def request(dice, when, address, path, method="GET", args="", agent=BROWSER, country="DE", **more):
    """A request that is let through by the default action, unless told otherwise."""
    headers = [("Host", "shop.example.com"), ("User-Agent", agent), ("Accept", "*/*")]
    if dice.number(0, 3) == 0:
        headers.append(("X-Forwarded-For", f"198.51.100.{dice.number(1, 250)}"))
    record = {
        "timestamp": millis(when) + dice.number(0, 999),
        "formatVersion": 1,
        "webaclId": ACL,
        "terminatingRuleId": "Default_Action",
        "terminatingRuleType": "REGULAR",
        "action": "ALLOW",
        "terminatingRuleMatchDetails": [],
        "httpSourceName": "ALB",
        "httpSourceId": SOURCE,
        "ruleGroupList": [],
        "rateBasedRuleList": [],
        "nonTerminatingMatchingRules": [],
        "requestHeadersInserted": None,
        "responseCodeSent": None,
        "httpRequest": {
            "clientIp": address,
            "country": country,
            "headers": [{"name": name, "value": value} for name, value in headers],
            "uri": path,
            "args": args,
            "httpVersion": "HTTP/2.0",
            "httpMethod": method,
            "requestId": f"1-{dice.hex(8)}-{dice.hex(24)}",
            "fragment": "",
            "scheme": "https",
            "host": "shop.example.com",
        },
        "ja3Fingerprint": dice.hex(32),
        "ja4Fingerprint": f"t13d1516h2_{dice.hex(12)}_{dice.hex(12)}",
    }
    return record | more


def injection(dice, when, number):
    """The intruder tries the search form."""
    group = {
        "ruleGroupId": "AWS#AWSManagedRulesSQLiRuleSet",
        "terminatingRule": {"ruleId": "SQLi_QUERYARGUMENTS", "action": "BLOCK", "ruleMatchDetails": None},
        "nonTerminatingMatchingRules": [],
        "excludedRules": None,
        "customerConfig": None,
    }
    details = [
        {"conditionType": "SQL_INJECTION", "sensitivityLevel": "HIGH", "location": "ALL_QUERY_ARGS", "matchedData": ["1", "OR", "1"]}
    ]
    return request(
        dice, when, INTRUDER, "/search", args=f"q=1%20OR%201%3D1--&page={number}", agent=SCRIPT, country="RU",
        action="BLOCK", terminatingRuleId="sql-injection", terminatingRuleType="MANAGED_RULE_GROUP",
        terminatingRuleMatchDetails=details, ruleGroupList=[group],
        labels=[{"name": "awswaf:managed:aws:sql-database:SQLi_QueryArguments"}],
    )  # fmt: skip


def flood(dice, when):
    """The intruder tries passwords until the rate is too high."""
    rate = {"rateBasedRuleId": f"{ACL}/rate", "rateBasedRuleName": "sign-in-rate", "limitKey": "IP", "maxRateAllowed": 100}
    return request(
        dice, when, INTRUDER, "/api/sign-in", "POST", agent=SCRIPT, country="RU", action="BLOCK",
        terminatingRuleId="sign-in-rate", terminatingRuleType="RATE_BASED", responseCodeSent=429,
        rateBasedRuleList=[{**rate, "evaluationWindowSec": "300", "limitValue": INTRUDER}],
    )  # fmt: skip


def counted(dice, when):
    """A rule that only counts."""
    rule = {"ruleId": "old-browsers", "action": "COUNT", "ruleMatchDetails": []}
    return request(
        dice,
        when,
        dice.pick(CUSTOMERS),
        "/",
        nonTerminatingMatchingRules=[rule],
        labels=[{"name": f"awswaf:{APP}:webacl:shop:old-browser"}],
    )


def puzzle(dice, when, action):
    """A client that has to show a token first."""
    kind = "captchaResponse" if action == "CAPTCHA" else "challengeResponse"
    answer = {"responseCode": 405 if action == "CAPTCHA" else 202, "solveTimestamp": 0, "failureReason": "TOKEN_MISSING"}
    return request(
        dice, when, INTRUDER, "/api/sign-in", "POST", agent=SCRIPT, country="RU", action=action, terminatingRuleId="bots", **{kind: answer}
    )


def write(about, requests, when):
    folder = f"AWSLogs/{APP}/WAFLogs/{REGION}/shop/{when:%Y/%m/%d/%H/%M}"
    name = f"{APP}_waflogs_{REGION}_shop_{when:%Y%m%dT%H%MZ}_{Dice('waf file', about).hex(8)}.log.gz"
    file = RawFile("waf", f"{folder}/{name}", lines(requests), about)
    for one in requests:
        file.lands("WAF", REGION, APP, moment("1970-01-01 00:00:00") + timedelta(milliseconds=one["timestamp"]))
    return file


def files():
    """Every file of the source."""
    dice = Dice("waf")
    start = moment("2026-03-14 09:40:00")
    attack = [request(dice, start + timedelta(seconds=dice.number(0, 290)), dice.pick(CUSTOMERS), dice.pick(PATHS)) for _ in range(50)]
    attack += [injection(dice, start + timedelta(seconds=9 * number), number) for number in range(12)]
    attack += [flood(dice, start + timedelta(seconds=120 + number)) for number in range(25)]
    attack += [puzzle(dice, start + timedelta(seconds=200), action) for action in ("CAPTCHA", "CHALLENGE")]
    attack += [counted(dice, start + timedelta(seconds=40 * number)) for number in range(5)]
    start = moment("2026-03-15 08:00:00")
    calm = [
        request(
            dice, start + timedelta(seconds=dice.number(0, 290)), dice.pick(CUSTOMERS), dice.pick(PATHS), dice.pick(["GET", "POST", "HEAD"])
        )
        for _ in range(40)
    ]
    return [
        write("the intruder tries the search form and passwords", dice.shuffled(attack), moment("2026-03-14 09:45:00")),
        write("customers", dice.shuffled(calm), moment("2026-03-15 08:05:00")),
    ]
