"""The official HSDS schemas and examples, a service that uses all of them, and strict validation."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import jsonschema
from jsonschema.protocols import Validator

from tests.support.reference import reference_data, shipped_json

_HSDS = shipped_json("hsds/members.json")


def example(name: str) -> Any:
    return json.loads(reference_data(f"hsds/examples/{name}.json").read_text())


@cache
def schema(name: str) -> dict[str, Any]:
    """Return the official schema of a response; it checks ids as UUIDs and dates as dates."""
    return _schema({"is": _HSDS["answers"][name]})


def _schema(member: Any) -> dict[str, Any]:
    if isinstance(member, list):
        return {"type": "array", "items": _schema(member[0])}
    if isinstance(member, str):
        kind, _, form = member.partition(" ")
        return {"type": kind, "format": form} if form else {"type": kind}
    if "is" not in member:
        return dict(member)
    shape = _HSDS["shapes"][member["is"]]
    members = {name: _schema(each) for name, each in shape["members"].items()}
    return {"type": "object", "required": shape["required"], "properties": members}


def made_service() -> dict[str, Any]:
    """Return a service with all HSDS members and parts; each part has the same id everywhere."""
    return _made(_HSDS["answers"]["service"], "service")


def _made(shape: str, part: str) -> dict[str, Any]:
    """Build a part without references back to the whole and without attributes of attributes."""
    made: dict[str, Any] = {"id": str(uuid5(NAMESPACE_URL, part))}
    for name, member in _HSDS["shapes"][shape]["members"].items():
        several = isinstance(member, list)
        kind = member[0] if several else member
        if isinstance(kind, dict) and "is" in kind:
            if part == "service" or name not in {"attributes", "metadata"}:
                one = _made(kind["is"], _PARTS.get(name, name))
                made[name] = [one] if several else one
        elif name not in made and not (name.endswith("_id") and not name.startswith("parent")):
            made[name] = _value(name, kind)
    return made


def cut(document: dict[str, Any], answer: str) -> dict[str, Any]:
    """Return the document with only the members that the response has."""
    cut_down: dict[str, Any] = _cut(document, {"is": _HSDS["answers"][answer]})
    return cut_down


def _cut(part: Any, member: Any) -> Any:
    if isinstance(member, list):
        return [_cut(each, member[0]) for each in part]
    if not isinstance(member, dict) or "is" not in member:
        return part
    members = _HSDS["shapes"][member["is"]]["members"]
    return {name: _cut(each, members[name]) for name, each in part.items() if name in members}


_PARTS = {"locations": "location", "additional_websites": "additional_urls", "program": "programs"}
_VALUES: dict[str, Any] = {
    "parent_id": str(uuid5(NAMESPACE_URL, "parent")),
    "parent_organization_id": str(uuid5(NAMESPACE_URL, "parent")),
    **dict.fromkeys(("valid_from", "dtstart", "assured_date", "last_action_date"), "2026-11-01"),
    **dict.fromkeys(("valid_to", "until"), "2027-10-31"),
    "opens_at": "08:00:00", "closes_at": "16:00:00", "timezone": -4, "byday": "MO,TU", "byweekno": "41,42",
    "bymonthday": "2,3", "byyearday": "2,3", "minimum_age": 12, "maximum_age": 99, "latitude": 10.6,
    "longitude": -71.6, "country": "VE", "code": "es", "language": "spa", "currency": "VES",
    "extent_type": "geojson", "year_incorporated": 2011,
}  # fmt: skip
_OF_KIND: dict[str, Callable[[str], Any]] = {
    "string": lambda name: name,
    "string uri": lambda name: f"https://example.org/{name}",
    "string email": lambda name: f"{name}@example.org",
    "string date-time": lambda name: "2026-11-01T10:00:00Z",
    "number": lambda name: 3,
}


def _value(name: str, kind: Any) -> Any:
    if isinstance(kind, dict):
        return kind["enum"][0]
    return _VALUES[name] if name in _VALUES else _OF_KIND[kind](name)


FORMATS = jsonschema.FormatChecker(["uuid", "email"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return datetime.fromisoformat(str(value)).tzinfo is not None


@cache
def validator(name: str) -> Validator:
    return jsonschema.Draft202012Validator(schema(name), format_checker=FORMATS)


def check(name: str, document: Any) -> None:
    """Check the document against the official schema, and check that it contains no null."""
    errors = [f"{e.json_path}: {e.message}" for e in validator(name).iter_errors(document)]
    assert not errors, errors
    assert not list(_nulls(document)), "HSDS omits empty fields"


def _nulls(part: Any, path: str = "$") -> Any:
    if part is None or part in ("", [], {}):
        yield path
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _nulls(value, f"{path}.{key}")
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _nulls(value, f"{path}[{index}]")
