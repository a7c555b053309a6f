"""Right answers, counted from raw records.

Every answer has the columns `c0`, `c1`, … and `events`.
"""

from collections import Counter

from lake_cli import Pairs


def said(record, path):
    """A member of a record, however deep; None where it is not."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, (Pairs, dict)) else None
    return record


def value(wanted):
    """What is asked of a record: a path, or a function."""
    return wanted if callable(wanted) else lambda record: said(record, wanted)


def columns(values):
    return {f"c{index}": value for index, value in enumerate(values)}


def each(record):
    return [record]


def number(where=lambda record: True):
    """How many records there are."""
    return lambda records: [{"events": sum(bool(where(record)) for record in records)}]


def by(*wanted, where=lambda record: True, of=each, top=None):
    """How many records there are of each value, or of what `of` makes of each record."""

    def count(records):
        things = (thing for record in records if where(record) for thing in of(record))
        found = Counter(tuple(value(asked)(thing) for asked in wanted) for thing in things)
        return [columns(values) | {"events": events} for values, events in found.most_common(top)]

    return count


def total(of, *wanted, where=lambda record: True):
    """The sum of a number, of all records or by values."""

    def add(records):
        found = Counter()
        for record in records:
            if where(record):
                found[tuple(value(asked)(record) for asked in wanted)] += int(value(of)(record))
        return [columns(values) | {"events": events} for values, events in found.items()]

    return add


def distinct(of, *wanted, where=lambda record: True):
    """How many different values there are, by other values."""

    def count(records):
        found = {}
        for record in records:
            if where(record):
                found.setdefault(tuple(value(asked)(record) for asked in wanted), set()).add(value(of)(record))
        return [columns(values) | {"events": len(different)} for values, different in found.items()]

    return count
