"""Whether AWS would permit a request: the part of IAM's evaluation of policies that the template makes use of.

A request is denied unless a statement of the caller's role, or of the resource, allows it and none of either denies it.
A condition holds if all its operators hold, an operator if all its keys do, a key if any of its values matches. Of a
key that the request does not have, a negated operator holds and any other does not; `Null` asks for just that. What is
not known here is an error, so that no policy passes because it was not understood. See "Policy evaluation logic" and
"IAM JSON policy elements: Condition operators" of the IAM user guide.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """A call on a resource. `context` has the condition keys that AWS gives to it."""

    action: str
    resource: str
    context: dict = field(default_factory=dict)


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def like(pattern: str, text: str) -> bool:
    """`*` stands for any characters, slashes too, and `?` for one."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


MATCHES: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
    "NumericLessThan": lambda wanted, found: float(found) < float(wanted),
}
NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotEquals": "ArnEquals"}


def holds(operator: str, key: str, wanted: list[str], context: dict) -> bool:
    # The names of condition keys are compared without regard to case.
    found = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if operator == "Null":
        return (found is None) is (wanted == ["true"])
    if operator in NEGATED:
        return found is None or not any(MATCHES[NEGATED[operator]](value, found) for value in wanted)
    return found is not None and any(MATCHES[operator](value, found) for value in wanted)


def applies(statement: dict, request: Request) -> bool:
    """Whether a statement is about a request; whoever asks is one of its principals."""
    unknown = statement.keys() - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert not unknown, f"no evaluation of {unknown}"
    if not any(like(action.lower(), request.action.lower()) for action in listed(statement["Action"])):
        return False
    if not any(like(resource, request.resource) for resource in listed(statement["Resource"])):
        return False
    return all(
        holds(operator, key, listed(wanted), request.context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def denies(statements: list[dict], request: Request) -> bool:
    return any(one["Effect"] == "Deny" and applies(one, request) for one in statements)


def permits(statements: list[dict], request: Request) -> bool:
    """Whether these statements, of the role and of the resource together, permit a request within one account."""
    allowed = any(one["Effect"] == "Allow" and applies(one, request) for one in statements)
    return allowed and not denies(statements, request)
