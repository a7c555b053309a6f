"""Looks for every leaf of a raw CloudTrail record in its row.

The table says which column takes which path; all else has to be in `unmapped`, and nothing but that. It is written
from what the tables document and walks the record as JSON, so it shares nothing with the mapping.
"""

from collections import defaultdict
from dataclasses import dataclass

import lake_cli
from lake_cli import Pairs

# OCSF's `string_t` holds so many characters.
LONGEST = 65_535


def text(value):
    return value


def flag(value):
    return {"true": True, "Yes": True, "false": False, "No": False}.get(value)


def moment(value):
    return lake_cli.millis(value)


# Raw path, the column that takes it, and how. Where two paths share a column the first that a record has takes it.
# With `always`, a scalar that fits is in the column and nowhere else.
@dataclass(frozen=True)
class Mapped:
    path: str
    column: str
    convert: object = text
    always: bool = True


MAPPED = [
    Mapped("eventTime", "time", moment),
    Mapped("eventVersion", "metadata.product.version"),
    Mapped("eventID", "metadata.uid"),
    Mapped("eventType", "metadata.event_code"),
    Mapped("eventCategory", "metadata.product.feature.name"),
    Mapped("eventName", "api.operation"),
    Mapped("eventSource", "api.service.name"),
    Mapped("apiVersion", "api.version"),
    Mapped("requestID", "api.request.uid"),
    Mapped("errorCode", "api.response.error"),
    Mapped("errorMessage", "api.response.message"),
    Mapped("awsRegion", "cloud.region"),
    Mapped("userAgent", "http_request.user_agent"),
    Mapped("vpcEndpointId", "src_endpoint.uid"),
    Mapped("sourceIPAddress", "src_endpoint.ip", always=False),  # an address
    Mapped("sourceIPAddress", "src_endpoint.domain", always=False),  # or else
    Mapped("userIdentity.type", "actor.user.type"),
    Mapped("userIdentity.arn", "actor.user.uid"),
    Mapped("userIdentity.principalId", "actor.user.uid_alt"),
    Mapped("userIdentity.onBehalfOf.userId", "actor.user.uid_alt", always=False),  # without a principalId
    Mapped("userIdentity.userName", "actor.user.name"),
    Mapped("additionalEventData.UserName", "actor.user.name", always=False),  # without a userName
    Mapped("userIdentity.accountId", "actor.user.account.uid"),
    Mapped("userIdentity.accessKeyId", "actor.user.credential_uid"),
    Mapped("userIdentity.credentialId", "actor.user.credential_uid", always=False),  # without a key
    Mapped("userIdentity.invokedBy", "actor.invoked_by"),
    Mapped("userIdentity.sessionContext.sessionIssuer.arn", "actor.session.issuer"),
    Mapped(
        "userIdentity.sessionContext.attributes.creationDate", "actor.session.created_time_dt", moment, always=False
    ),  # a time
    Mapped(
        "userIdentity.sessionContext.attributes.mfaAuthenticated", "actor.session.is_mfa", flag, always=False
    ),  # yes or no
    Mapped("userIdentity.sessionContext.webIdFederationData.federatedProvider", "actor.idp.name"),
    Mapped("userIdentity.identityProvider", "actor.idp.name", always=False),  # without a federatedProvider
    Mapped("userIdentity.onBehalfOf.identityStoreArn", "actor.idp.uid"),
    Mapped("additionalEventData.LoginTo", "dst_endpoint.svc_name", always=False),  # Authentication
    Mapped("additionalEventData.MFAUsed", "is_mfa", flag, always=False),  # Authentication
    Mapped("resources[].ARN", "resources[].uid", always=False),  # API Activity, as the next four
    Mapped("resources[].ARNPrefix", "resources[].uid", always=False),
    Mapped("resources[].accountId", "resources[].owner.account.uid", always=False),
    Mapped("resources[].type", "resources[].type", always=False),
]

# Whole values that a column holds as JSON.
FREE_FORM = {"requestParameters": "api.request.data", "responseElements": "api.response.data"}


def leaves(value, path=""):
    """Leaves of a JSON value with their paths; null, `{}` and `[]` are none."""
    if isinstance(value, Pairs):
        for name, member in value:
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for element in value:
            yield from leaves(element, f"{path}[]")
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def values_at(row, column):
    """Values of a column, whose path may lead through lists; times in milliseconds."""
    values = [row]
    for step in column.split("."):
        name = step.removesuffix("[]")
        values = [value[name] for value in values if value is not None]
        if step.endswith("[]"):
            values = [element for value in values for element in value or ()]
    return [
        int(value.timestamp() * 1000) if hasattr(value, "timestamp") else value
        for value in values
        if value is not None
    ]


def leaf_findings(record, row):
    """Leaves of the record that its row does not have, and what the row's `unmapped` has beyond them."""
    findings, by_path, whole = [], defaultdict(list), dict.fromkeys(FREE_FORM)
    for name, value in record:
        # Of equal names the first that says something counts; the others are left over.
        if name in whole and whole[name] is None:
            whole[name] = value
            continue
        for path, leaf in leaves(value, name):
            by_path[path].append(leaf)
    for name, value in whole.items():
        findings += free_form_findings(name, value, values_at(row, FREE_FORM[name]))
    free = {mapped.column: values_at(row, mapped.column) for mapped in MAPPED}
    unmapped = row["unmapped"] or {}
    for mapped in MAPPED:
        is_open = is_doubled(record, mapped.path.split("."))
        if is_open and unmapped.get(mapped.path) == ",".join(by_path[mapped.path]):
            continue
        left = []
        for leaf in by_path.get(mapped.path, ()):
            # A text that is too long is cut in its column and whole in `unmapped`.
            is_short = len(leaf) <= LONGEST
            wanted = mapped.convert(leaf)
            if is_short and wanted is not None and wanted in free[mapped.column]:
                free[mapped.column].remove(wanted)
                continue
            left.append(leaf)
            if mapped.always and is_short and not is_open:
                findings.append(f"{mapped.path}: {leaf!r} is not in {mapped.column}")
        by_path[mapped.path] = left
    expected = {path: ",".join(values) for path, values in by_path.items() if values}
    for path in sorted(expected.keys() | unmapped.keys()):
        if expected.get(path) != unmapped.get(path):
            findings.append(f"unmapped[{path!r}]: expected {expected.get(path)!r}, found {unmapped.get(path)!r}")
    return findings


def is_doubled(value, names):
    """True if a member on the way to a leaf occurs twice: then it is open which of them has the column."""
    if not names or not isinstance(value, Pairs):
        return False
    found = [member for name, member in value if name == names[0]]
    return len(found) > 1 or any(is_doubled(member, names[1:]) for member in found)


def free_form_findings(name, value, found):
    if value is None or value == Pairs() or value == []:
        return [] if not found else [f"{name}: nothing, and yet there is {found}"]
    if len(found) != 1:
        return [f"{name}: expected its JSON, found {found}"]
    return [] if lake_cli.DECODER.decode(found[0]) == value else [f"{name}: expected {value!r}, found {found[0]!r}"]
