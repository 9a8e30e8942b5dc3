"""The official HSDS schemas and examples, and strict validation against them."""

import json
from datetime import datetime
from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from tests.support.reference import reference_data

_LISTS = {
    "service_list": "compiled/service_list.json",
    "service": "compiled/service.json",
    "service_at_location": "compiled/service_at_location.json",
    "service_at_location_list": "compiled/service_at_location_list.json",
    "organization": "compiled/organization.json",
    "organization_list": "compiled/organization_list.json",
    "taxonomy": "taxonomy.json",
    "taxonomy_term": None,
    "location": "location.json",
}


def example(name: str) -> Any:
    return json.loads(reference_data(f"hsds/examples/{name}.json").read_text())


@cache
def schema(name: str) -> dict[str, Any]:
    """The official schema with its references resolved; ids are checked as UUIDs, dates as dates."""
    path = _LISTS.get(name) or f"{name}.json"
    found: dict[str, Any] = _resolved(json.loads(reference_data(f"hsds/schema/{path}").read_text()))
    return found


def _resolved(part: Any) -> Any:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            return schema(part["$ref"].removesuffix(".json"))
        return {key: _resolved(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_resolved(each) for each in part]
    return part


FORMATS = jsonschema.FormatChecker(["uuid", "email"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return datetime.fromisoformat(str(value)).tzinfo is not None


@cache
def validator(name: str) -> Validator:
    return jsonschema.Draft202012Validator(schema(name), format_checker=FORMATS)


def check(name: str, document: Any) -> None:
    """No error against the official schema, and no null anywhere."""
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
