"""Records with one leaf changed each: whatever a value is changed to, it has to be somewhere in the row.

Each change puts a token into the record that stands nowhere else. So what keeps it needs no knowledge of the mapping:
the token is found in the row, or in quarantine with the record.
"""

import datetime
import ipaddress
import itertools

from lake_cli import Number, Pairs

YEAR_2001 = 1_000_000_000_000
FIRST_DAY = datetime.datetime(2026, 3, 20, tzinfo=datetime.UTC)


def rfc3339(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


class Tokens:
    """Tokens of every kind, each only once."""

    def __init__(self):
        self.counter = itertools.count(1)

    def text(self):
        return f"zq{next(self.counter):06}x"

    def number(self):
        # More than a port and less than a time; with its last digits in any unit of time.
        return Number(4_000_000 + next(self.counter))

    def address(self):
        number = next(self.counter)
        return f"198.{18 + number // 60_000}.{number // 250 % 240}.{number % 250 + 1}"

    def time(self):
        return rfc3339(FIRST_DAY + datetime.timedelta(milliseconds=next(self.counter) * 1001))

    def like(self, value):
        """A token of the value's kind; None if its kind is text, or one of a few values."""
        if isinstance(value, Number):
            return self.number()
        if not isinstance(value, str):
            return None
        if value.isdecimal() and len(value) != 12:
            return str(self.number())
        for kind, read in ((self.address, ipaddress.ip_address), (self.time, datetime.datetime.fromisoformat)):
            try:
                read(value)
            except ValueError:
                continue
            return kind()
        return None


def leaf_paths(value, path=()):
    """Paths of a JSON value's leaves; null is none."""
    if isinstance(value, Pairs):
        for at, (_, member) in enumerate(value):
            yield from leaf_paths(member, (*path, at))
    elif isinstance(value, list):
        for at, element in enumerate(value):
            yield from leaf_paths(element, (*path, at))
    elif value is not None:
        yield path


def object_paths(value, path=()):
    """Paths of the objects in a JSON value, itself among them."""
    if isinstance(value, Pairs):
        yield path
    if isinstance(value, (Pairs, list)):
        for at, inside in enumerate(value):
            yield from object_paths(inside[1] if isinstance(value, Pairs) else inside, (*path, at))


def at_path(value, path):
    for at in path:
        value = value[at][1] if isinstance(value, Pairs) else value[at]
    return value


def replaced(value, path, new):
    """The value with what stands at `path` replaced by what `new` makes of it."""
    if not path:
        return new(value)
    at, *rest = path
    inside = list(value)
    if isinstance(value, Pairs):
        inside[at] = (inside[at][0], replaced(inside[at][1], rest, new))
        return Pairs(inside)
    inside[at] = replaced(inside[at], rest, new)
    return inside


def changed(record, tokens):
    """Records made from one, each with the token that is in it."""
    for path in leaf_paths(record):
        for token in (tokens.text(), tokens.like(at_path(record, path))):
            if token is not None:
                yield token, replaced(record, path, lambda _, token=token: token)
    for path in object_paths(record):
        token = tokens.text()
        yield token, replaced(record, path, lambda inside, token=token: Pairs((*inside, ("zzNew", token))))


def changed_flow(record, tokens):
    """The same for a flow log's record, which is a dict of texts."""
    for name, value in record.items():
        for token in (tokens.text(), tokens.like(value)):
            if token is not None:
                yield token, {**record, name: token}
    token = tokens.text()
    yield token, {**record, "zz-new": token}


def shape(value):
    """What two records of the same structure have in common."""
    if isinstance(value, Pairs):
        return tuple((name, shape(member)) for name, member in value)
    if isinstance(value, list):
        return tuple(shape(element) for element in value[:1])
    return type(value).__name__


def haystack(row):
    """All that a row says, in one text; times as RFC 3339 too."""
    said = []

    def walk(value):
        if isinstance(value, dict):
            for name, member in value.items():
                said.append(name)
                walk(member)
        elif isinstance(value, list):
            for element in value:
                walk(element)
        elif isinstance(value, datetime.datetime):
            said.append(rfc3339(value))
        elif value is not None:
            said.append(str(value))
            if isinstance(value, int) and value > YEAR_2001:
                said.append(rfc3339(datetime.datetime.fromtimestamp(value / 1000, datetime.UTC)))

    walk(row)
    return "\n".join(said)
