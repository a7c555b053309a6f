"""A small checker of OCSF events, independent of the lake: the schema is that of the package `ocsf-json-schema`.

It knows what the class tables of the event's version of OCSF say, 1.1.0 or 1.0.0-rc.2: required and unknown attributes, types, enum values and the captions
beside them, constraints, profiles, `type_uid`, and that an observable names an attribute which has its value.
"""

import datetime
import decimal
import functools
import ipaddress
import itertools
import json
import re
from pathlib import Path

import ocsf_json_schema

VERSIONS = {"1.0": "1.0.0-rc.2", "2.0": "1.1.0"}
OTHER = 99

# A caption that AWS's tables have without its id.
ALONE = {"protocol_ver"}


@functools.cache
def schema(version):
    path = Path(ocsf_json_schema.__file__).parent / "ocsf" / f"{version}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@functools.cache
def classes(version):
    return {kind["uid"]: kind for kind in schema(version)["classes"].values()}


def check(event, version="1.1.0"):
    """Findings of an event, as `kind path: what`. Absent attributes are absent, not null."""
    kind = classes(version).get(event.get("class_uid"))
    if kind is None:
        return [f"class class_uid: {event.get('class_uid')!r} is no class"]
    profiles = event.get("metadata", {}).get("profiles", [])
    findings = [
        f"profile metadata.profiles: {name!r} is no profile of {kind['name']}"
        for name in profiles
        if name not in kind["profiles"]
    ]
    for name, expected in (
        ("class_name", kind["caption"]),
        ("category_uid", kind["category_uid"]),
        ("category_name", kind["category_name"]),
        ("type_uid", kind["uid"] * 100 + event.get("activity_id", 0)),
    ):
        if name in event and event[name] != expected:
            findings.append(f"value {name}: {event[name]!r} is not {expected!r}")
    caption = caption_of(kind["attributes"]["activity_id"], event.get("activity_id"))
    if event.get("type_name", "") not in ("", f"{kind['caption']}: {caption}"):
        findings.append(f"value type_name: {event['type_name']!r} is not of activity {caption!r}")
    if event.get("metadata", {}).get("version") != version:
        findings.append(f"value metadata.version: {event.get('metadata', {}).get('version')!r}")
    findings += object_findings(event, kind, "", profiles, version)
    return findings + observable_findings(event)


def object_findings(value, kind, path, profiles, version):
    """Findings of an object by its table of attributes."""
    attributes, findings = kind["attributes"], []
    for name, attribute in attributes.items():
        is_enabled = attribute.get("profile") in (None, *profiles)
        if attribute["requirement"] == "required" and is_enabled and name not in value:
            findings.append(f"required {path}{name}: missing")
    for name, member in value.items():
        attribute = attributes.get(name)
        if attribute is None:
            findings.append(f"unknown {path}{name}: {kind['name']} has no such attribute")
        elif attribute.get("profile") not in (None, *profiles):
            findings.append(f"profile {path}{name}: needs profile {attribute['profile']!r}")
        else:
            findings += attribute_findings(member, attribute, f"{path}{name}", profiles, version)
            findings += caption_findings(value, name, attribute, path)
    for name, attribute in attributes.items():
        caption = attribute.get("sibling")
        if name not in value and caption in value and caption not in ALONE and "enum" in attribute:
            findings.append(f"caption {path}{caption}: stands without {name}")
    for rule, names in (kind.get("constraints") or {}).items():
        present = [name for name in names if name in value]
        if (rule == "at_least_one" and not present) or (rule == "just_one" and len(present) != 1):
            findings.append(f"constraint {path or 'event'}: {rule} of {', '.join(names)}, found {present}")
    return findings


def attribute_findings(value, attribute, path, profiles, version):
    if attribute.get("is_array"):
        if not isinstance(value, list):
            return [f"type {path}: expected an array"]
        single = {**attribute, "is_array": False}
        return [
            finding
            for element in value
            for finding in attribute_findings(element, single, f"{path}[]", profiles, version)
        ]
    if attribute["type"] == "object_t":
        if not isinstance(value, dict):
            return [f"type {path}: expected an object"]
        if attribute["object_type"] == "object":
            return []  # free-form
        return object_findings(value, schema(version)["objects"][attribute["object_type"]], f"{path}.", profiles, version)
    if not is_of_type(value, attribute["type"], version):
        return [f"type {path}: {value!r} is no {attribute['type']}"]
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and "enum" in attribute
        and str(value) not in attribute["enum"]
    ):
        return [f"enum {path}: {value} is none of {', '.join(attribute['enum'])}"]
    return []


def caption_of(attribute, value):
    return attribute["enum"].get(str(value), {}).get("caption")


def caption_findings(parent, name, attribute, path):
    """An enum's id and its caption stand side by side and agree; with `Other` the caption is the source's own."""
    caption = attribute.get("sibling")
    if "enum" not in attribute or caption is None or caption not in parent or parent[name] == OTHER:
        return []
    if attribute.get("is_array"):
        pairs = itertools.zip_longest(parent[name], parent[caption])
        expected = [said if value == OTHER else caption_of(attribute, value) for value, said in pairs]
    else:
        expected = caption_of(attribute, parent[name])
    return (
        [] if parent[caption] == expected else [f"caption {path}{caption}: {parent[caption]!r} is not {expected!r}"]
    )


def is_of_type(value, name, version):
    types = schema(version)["types"]
    base = types[name].get("type", name)
    if name == "json_t":
        return True
    if base == "boolean_t":
        return isinstance(value, bool)
    if base in ("integer_t", "long_t"):
        bounds = types[name].get("range") or [-(1 << 63), (1 << 63) - 1]
        return isinstance(value, int) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]
    if base == "float_t":
        return isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool)
    if name == "datetime_t":
        return isinstance(value, datetime.datetime) and value.utcoffset() == datetime.timedelta(0)
    if not isinstance(value, str):
        return False
    longest = types[name].get("max_len") or types[base].get("max_len")
    if longest and len(value) > longest:
        return False
    if name == "ip_t":
        try:
            ipaddress.ip_address(value)
        except ValueError:
            return False
        return True
    # The patterns of the release candidate are no regular expressions of Python's; that of host names knows neither
    # the final dot of a name in DNS nor its underscores.
    pattern = types[name].get("regex") if version == "1.1.0" and name != "hostname_t" else None
    return pattern is None or re.search(pattern, value) is not None


def observable_findings(event):
    """An observable's name is the path of an attribute that has its value."""
    findings = []
    for observable in event.get("observables", []):
        values = [event]
        for step in observable["name"].split("."):
            name = step.removesuffix("[]")
            values = [value.get(name) for value in values if isinstance(value, dict)]
            if step.endswith("[]"):
                values = [element for value in values for element in value or ()]
        if observable["value"] not in values:
            findings.append(
                f"observable {observable['name']}: no such attribute has the value {observable['value']!r}"
            )
    return findings
