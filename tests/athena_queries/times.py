"""Spans of time as the published queries ask for them, in SQL and of a raw record."""

import datetime

NOW = datetime.datetime.now(datetime.UTC)

# Source version 2.0 has timestamps, 1.0 the day of the partition.
LAST_WEEK_2 = "time_dt BETWEEN CURRENT_TIMESTAMP - INTERVAL '7' DAY AND CURRENT_TIMESTAMP"
LAST_WEEK_1 = """eventday BETWEEN CAST(date_format(current_timestamp - INTERVAL '7' DAY, '%Y%m%d') AS varchar)
    AND CAST(date_format(current_timestamp - INTERVAL '0' DAY, '%Y%m%d') AS varchar)"""
MARCH_2 = "time_dt BETWEEN TIMESTAMP '2026-03-14 00:00:00' AND TIMESTAMP '2026-03-15 00:00:00'"
MARCH_1 = "eventday BETWEEN '20260314' AND '20260314'"

LAST_WEEK = {"1.0": LAST_WEEK_1, "2.0": LAST_WEEK_2}
MARCH = {"1.0": MARCH_1, "2.0": MARCH_2}


def in_last_week(moment):
    return NOW - datetime.timedelta(days=6) < moment <= NOW + datetime.timedelta(minutes=5)


def in_march(moment):
    return moment.strftime("%Y%m%d") == "20260314"


def day(moment):
    return moment.strftime("%Y%m%d")
