"""What happens in the samples, file by file.

Two accounts. 111122223333 runs an application; 444455556666 is where people sign in and where audit lives.
123456789012 is a partner from outside. On Saturday 2026-03-14 somebody at 203.0.113.77 tries passwords, gets in as
`operator` (who has no MFA), makes a user and keys, and around midnight copies objects out through the role
`data-export`. On Sunday the role meets refusals, somebody tries to stop the trail, and root cleans up.
"""

from datetime import datetime, timedelta

from cloudtrail.changes import against_the_trail, clean_up, everyday_iam, intruder_makes_a_home, refused
from cloudtrail.data_events import anonymous, copied_out, insight, invocations, objects, other_sources, partner_read, s3_event
from cloudtrail.shapes import APP, BOTO, BROWSER, CLI, HOME, INTRUDER, OFFICE, OFFICE_6, SCRIPT, Log, stamp
from cloudtrail.sign_in import (
    assume,
    assume_across,
    assume_partner,
    check_mfa,
    federation_token,
    github,
    identity_center,
    person,
    roles_refused,
    root_person,
    saml,
    sign_in,
    stranger,
    switch_role,
)
from cloudtrail.traffic import app_server, deploy, old_style, reads, service_events, services, writes


def log(about, account, region, delivered, minutes, form="compact", lag=3):
    """A file that holds `minutes` of events and was delivered `lag` minutes after the last."""
    delivered = datetime.strptime(delivered, "%Y-%m-%d %H:%M")
    end = delivered - timedelta(minutes=lag)
    return Log(account, region, end - timedelta(minutes=minutes), end, delivered, form, about)


def tell():
    """Every log file of the samples, in the order of delivery."""
    app_morning = log("a deployment from GitHub, everyday traffic", APP, "us-east-1", "2026-03-14 09:05", 15)
    app_trouble = log(
        "failed sign-ins from one address, then one that succeeds without MFA; an auditor from the other account",
        APP,
        "us-east-1",
        "2026-03-14 10:10",
        15,
    )
    home_morning = log(
        "people sign in: console with MFA, Identity Center, SAML, a federated user",
        HOME,
        "us-east-1",
        "2026-03-14 10:15",
        20,
        form="escaped",
    )
    app_europe = log("a second deployment; events that services report about themselves", APP, "eu-west-1", "2026-03-14 10:20", 15)
    app_afternoon = log(
        "IAM changes, wanted and unwanted; users of services that are not IAM; records of no table; version 1.05",
        APP,
        "us-east-1",
        "2026-03-14 15:00",
        30,
    )
    home_europe = log("a sign-in over IPv6", HOME, "eu-west-1", "2026-03-14 16:00", 15)
    app_midnight = log("objects are copied out; events of two days", APP, "us-east-1", "2026-03-15 00:10", 15)
    home_midnight = log("events of two days, one at 23:59:59 and one at 00:00:00", HOME, "us-east-1", "2026-03-15 00:15", 20)
    app_sunday = log(
        "a deployment with refusals; anonymous requests; a partner reads", APP, "us-east-1", "2026-03-15 08:20", 15, form="pretty"
    )
    europe_sunday = log("refusals; records of no table; a partner reads", APP, "eu-west-1", "2026-03-15 09:15", 15, form="members")
    home_sunday = log("people sign in; version 1.05", HOME, "us-east-1", "2026-03-15 10:30", 20, form="plain")
    app_alarm = log("a burst of refusals; hands on the trail; two Insights records", APP, "us-east-1", "2026-03-15 11:30", 15)
    app_after = log("root signs in and cleans up", APP, "us-east-1", "2026-03-15 11:50", 15)

    # Saturday morning: a deployment, and a person of the home account who looks after it.
    github(app_morning, app_morning.at("08:48:10"), "gh-run-4711")
    writes(app_morning, "gh-run-4711")
    routine(app_morning, 20, 16, 12, 8)

    sign_in(home_morning, "09:53:02", stranger(home_morning, "alex"), OFFICE, mfa="Yes", failure="Failed authentication")
    check_mfa(home_morning, "09:53:30", person(home_morning, "alex"), OFFICE)
    sign_in(home_morning, "09:53:41", person(home_morning, "alex"), OFFICE, mfa="Yes")
    alex = home_morning.user("alex", OFFICE, BROWSER, console=True, mfa=True)
    assume_across((home_morning, app_trouble), "09:58:00", alex, "auditor", "alex", mfa=f"arn:aws:iam::{HOME}:mfa/alex")
    assume(home_morning, home_morning.at("09:56:10"), alex, HOME, "audit-reader", "alex")
    switch_role(home_morning, "10:02:00", alex, APP, "auditor")
    identity_center(home_morning, "10:00:05", "analyst")
    identity_center(home_morning, "10:03:15", "contractor", outcome="Failure", ip="198.51.100.91")
    federation_token(home_morning, "10:06:00", home_morning.user("broker", "198.51.100.40", BOTO), "contractor")
    saml(home_morning, home_morning.at("10:08:00"), "analyst", "audit-reader")
    routine(home_morning, 22, 10, 10, 3)

    # Somebody tries passwords, and one fits.
    for number, name in enumerate("operator ? operator ? billing ? operator ? billing ? operator".split()):
        clock = stamp(app_trouble.at("09:54:01") + timedelta(seconds=14 * number))[11:19]
        message = "No username found in supplied account" if name == "?" else "Failed authentication"
        who = stranger(app_trouble, None if name == "?" else name)
        sign_in(app_trouble, clock, who, INTRUDER, failure=message, agent=SCRIPT if number < 4 else BROWSER)
    sign_in(app_trouble, "09:56:40", root_person(app_trouble), INTRUDER, failure="Failed authentication")
    sign_in(app_trouble, "09:57:12", person(app_trouble, "operator"), INTRUDER)
    auditor = app_trouble.role("auditor", "alex", OFFICE, CLI, mfa=True)
    reads(app_trouble, [auditor, app_trouble.user("operator", INTRUDER, BROWSER, console=True)], 18)
    refused(app_trouble, "10:02:00", auditor, 3, every=20)
    roles_refused(app_trouble, "10:04:00", auditor)
    routine(app_trouble, 11, 13, 10, 6)

    # Europe: the same application, smaller.
    github(app_europe, app_europe.at("10:03:00"), "gh-run-4712", branch="europe")
    service_events(app_europe, app_europe.at("10:05:00"))
    europe_admin = app_europe.role("admin", "alex", OFFICE_6, CLI, mfa=True)
    reads(app_europe, [europe_admin], 6)
    routine(app_europe, 17, 13, 10, 8)

    # Saturday afternoon: people and services are made.
    everyday_iam(app_afternoon)
    intruder_makes_a_home(app_afternoon)
    assume_partner(app_afternoon, "14:38:00")
    service_events(app_afternoon, app_afternoon.at("14:50:00"))
    old_style(app_afternoon, app_afternoon.at("14:45:00"))
    other_sources(app_afternoon)
    routine(app_afternoon, 14, 10, 10, 6)

    europe = "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"
    sign_in(home_europe, "15:44:00", stranger(home_europe, "analyst"), OFFICE_6, failure="Failed authentication", to=europe)
    sign_in(home_europe, "15:44:40", person(home_europe, "analyst"), OFFICE_6, mfa="Yes", to=europe)
    refused(home_europe, "15:50:00", home_europe.user("analyst", OFFICE_6, BROWSER, console=True, mfa=True), 2, every=30)
    routine(home_europe, 14, 10, 8, 3)

    # Around midnight: this file holds events of two days.
    backup = app_midnight.user("svc-backup", INTRUDER, BOTO)
    assume(app_midnight, app_midnight.at("23:53:20"), backup, APP, "data-export", "job-17")
    assume(app_midnight, app_midnight.at("00:03:20"), backup, APP, "data-export", "job-17")
    copied_out(app_midnight, "23:55:00", 34)
    routine(app_midnight, 11, 16, 12, 12)
    routine(home_midnight, 14, 13, 8, 3)
    reader = home_midnight.role("audit-reader", "analyst@example.com", OFFICE)
    for clock in ("23:59:59", "00:00:00"):
        assume(home_midnight, home_midnight.at(clock), reader, HOME, "archive", "analyst")

    # Sunday morning.
    github(app_sunday, app_sunday.at("08:04:00"), "gh-run-4713")
    writes(app_sunday, "gh-run-4713")
    refused(app_sunday, "08:10:00", deploy(app_sunday, "gh-run-4713"), 4, every=15)
    partner_read(app_sunday, app_sunday.at("08:12:30"))
    anonymous(app_sunday, 3)
    routine(app_sunday, 11, 10, 10, 6)

    partner_read(europe_sunday, europe_sunday.at("09:03:00"))
    other_sources(europe_sunday)
    refused(europe_sunday, "09:05:00", europe_sunday.role("data-export", "job-17", INTRUDER, BOTO), 6)
    routine(europe_sunday, 17, 13, 12, 10)

    identity_center(home_sunday, "10:08:00", "analyst")
    saml(home_sunday, home_sunday.at("10:09:00"), "analyst", "audit-reader")
    alex = home_sunday.user("alex", OFFICE, BROWSER, console=True, mfa=True)
    check_mfa(home_sunday, "10:11:00", person(home_sunday, "alex"), OFFICE, kind="U2F MFA")
    sign_in(home_sunday, "10:11:20", person(home_sunday, "alex"), OFFICE, mfa="Yes")
    old_style(home_sunday, home_sunday.at("10:15:00"))
    assume(home_sunday, home_sunday.at("10:13:00"), alex, HOME, "audit-reader", "alex")
    routine(home_sunday, 17, 13, 8, 3)

    # The alarm: refusals in a row, and hands on the trail.
    assume(app_alarm, app_alarm.at("11:12:30"), app_alarm.user("svc-backup", INTRUDER, BOTO), APP, "data-export", "job-17")
    burst = app_alarm.role("data-export", "job-17", INTRUDER, BOTO)
    refused(app_alarm, "11:14:00", burst, 39)
    for number in range(5):
        moment, key = app_alarm.at("11:21:00") + timedelta(seconds=number), f"orders/2026/{number}.parquet"
        refusal = {"errorCode": "AccessDenied", "errorMessage": "Access Denied"}
        s3_event(app_alarm, moment, "GetObject", burst, f"example-app-data-{APP}", key, **refusal)
    against_the_trail(app_alarm)
    insight(app_alarm, app_alarm.at("11:15:00"), "Start")
    insight(app_alarm, app_alarm.at("11:24:00"), "End")
    routine(app_alarm, 8, 10, 8, 6)

    clean_up(app_after)
    routine(app_after, 8, 10, 8, 6)

    logs = [
        app_morning,
        app_trouble,
        home_morning,
        app_europe,
        app_afternoon,
        home_europe,
        app_midnight,
        home_midnight,
        app_sunday,
        europe_sunday,
        home_sunday,
        app_alarm,
        app_after,
    ]
    for one in logs:
        # Files are not in the order of time.
        one.records = one.dice.shuffled(one.records)
    return logs


def routine(log, read_count, service_count, object_count, invoke_count):
    """The traffic of any quarter of an hour."""
    callers = [log.role("auditor", "alex", OFFICE, CLI), app_server(log)]
    if log.account == HOME:
        callers = [log.role("audit-reader", "analyst@example.com", OFFICE, BROWSER), log.user("alex", OFFICE, CLI)]
    reads(log, callers, read_count)
    services(log, service_count)
    objects(log, object_count)
    invocations(log, invoke_count)


def insight_records():
    """What CloudTrail would put into the Insights folder about the alarm."""
    aside = log("Insights about the alarm", APP, "us-east-1", "2026-03-15 11:35", 20)
    insight(aside, aside.at("11:15:00"), "Start")
    insight(aside, aside.at("11:24:00"), "End")
    return aside
