"""Descriptions of fields, parameters and responses that the services do not describe themselves. Pure.

`fields.csv` contains them: `field` for all schemas, `Schema.field` for one schema, `?name` for a parameter, `Schema`
for a schema. A service's own description takes precedence. tests/gateway/test_fields.py fails if a description is
missing or a row is unused.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from common.words.tables import rows

_INSIDE = ("items", "additionalProperties", "not")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
# default descriptions from the framework, which are not informative
_EMPTY = frozenset({"Successful Response", "OK", "Created", ""})
_PAGE = "One page; `next_cursor` leads to the next and is null on the last."


def texts() -> dict[str, str]:
    return {row["of"]: row["text"] for row in rows(__package__, "fields")}


TEXTS: Mapping[str, str] = texts()


def describe(document: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Fill in missing descriptions. Return the rows used, and the places that still lack a description."""
    used: set[str] = set()
    lacking: set[str] = set()
    for name, schema in document["components"]["schemas"].items():
        _give(schema, (name,), used, lacking, title=name)
        for found in _schemas(schema):
            _fields(found, name, used, lacking)
    for operation in _operations(document):
        for parameter in operation.get("parameters", []):
            _give(parameter, (f"?{parameter['name']}", parameter["name"]), used, lacking)
        for content in _contents(operation):
            for found in _schemas(content.get("schema", {})):
                _fields(found, "", used, lacking)
        for status, answer in operation["responses"].items():
            if status.startswith("2") and answer.get("description", "") in _EMPTY:
                answer["description"] = _answer(document, status, answer)
    return used, lacking


def _fields(schema: dict[str, Any], name: str, used: set[str], lacking: set[str]) -> None:
    for field, value in schema.get("properties", {}).items():
        _give(value, (f"{name}.{field}", field), used, lacking)


def _give(
    place: dict[str, Any], keys: tuple[str, ...], used: set[str], lacking: set[str], title: str = ""
) -> None:
    if place.get("description"):
        return
    key = next((each for each in keys if each in TEXTS), None)
    if key is not None:
        used.add(key)
        place["description"] = TEXTS[key]
    elif title.startswith("PageOf"):
        place["description"] = _PAGE
    else:
        lacking.add(keys[0])


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schema and all schemas nested in it, without following references."""
    yield schema
    within = [schema.get(name) for name in _INSIDE]
    for name in _LISTS:
        within.extend(schema.get(name, []))
    within.extend(schema.get("properties", {}).values())
    for each in within:
        if isinstance(each, dict):
            yield from _schemas(each)


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for paths in (document["paths"], document["webhooks"]):
        for item in paths.values():
            yield from (each for each in item.values() if isinstance(each, dict))


def _contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).values()


def _answer(document: Mapping[str, Any], status: str, answer: Mapping[str, Any]) -> str:
    """Return a description of the response, derived from its schema."""
    content = answer.get("content", {})
    if status == "204" or not content:
        return "Done; there is nothing more to say."
    schema = next(iter(content.values())).get("schema", {})
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        return str(document["components"]["schemas"][name].get("description", name))
    if schema.get("type") == "array":
        within = str(schema.get("items", {}).get("$ref", "")).rpartition("/")[2]
        said = document["components"]["schemas"].get(within, {}).get("description")
        return f"All of them, in one list. Each: {said}" if said else "All of them, in one list."
    if "application/json" in content or any("json" in kind for kind in content):
        return re.sub(r"\s+", " ", str(schema.get("description") or "What was asked for."))
    return "What was asked for, as a file or page of the named type."
