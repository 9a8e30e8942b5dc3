"""Rewrites the description so that generators of clients can read it. Pure.

Each rule keeps the meaning of what the services wrote, and names the generator that failed without it.
"""

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_ONLY_WORDS = frozenset({"description", "title", "examples"})
_ALTERNATIVES = ("anyOf", "oneOf")
_IN_WORDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list of texts",
    "null": "null",
}


def plainer(document: dict[str, Any]) -> None:
    """Rewrite in place."""
    for schema in _schemas(document):
        _complete_list(schema)
        _let_anything_be_anything(schema)
        _let_lists_beside_values_be_anything(schema)
        _leave_out_whole_defaults(schema)
        _let_codes_come_twice(schema)
    _require_what_tells_apart(document)
    _name_bodies_of_two_forms(document)
    _refer_to_calls(document)


def _complete_list(schema: Schema) -> None:
    """Give each list its `items`: tools refuse a list without, though it means the same."""
    if schema.get("type") == "array":
        schema.setdefault("items", {})


def _let_anything_be_anything(schema: Schema) -> None:
    """Drop a choice of anything or null: openapi-generator refers to a class that it does not make."""
    for name in _ALTERNATIVES:
        if any(each.keys() <= _ONLY_WORDS for each in schema.get(name, [])):
            del schema[name]


def _let_lists_beside_values_be_anything(schema: Schema) -> None:
    """Describe a choice of values and lists in words: openapi-generator makes invalid Java of it. The service still checks the
    value."""
    for name in _ALTERNATIVES:
        kinds = [str(each.get("type", "")) for each in schema.get(name, [])]
        if "array" in kinds and {"string", "number", "integer"} & {*kinds}:
            del schema[name]
            said = " or ".join(_IN_WORDS[kind] for kind in kinds)
            schema.setdefault("description", f"{said[:1].upper()}{said[1:]}.")


def _leave_out_whole_defaults(schema: Schema) -> None:
    """Drop the default of a whole object: its members' defaults say the same, and openapi-generator repeats it where it knows no
    such type (Java)."""
    if "$ref" in schema and isinstance(schema.get("default"), dict):
        del schema["default"]


def _let_codes_come_twice(schema: Schema) -> None:
    """Turn a set of codes into a list: openapi-generator makes Java that takes them for texts. A code sent twice counts once."""
    if schema.get("uniqueItems") and "enum" in schema.get("items", {}):
        del schema["uniqueItems"]


def _require_what_tells_apart(document: dict[str, Any]) -> None:
    """Require the discriminator: it has a default in Python, but generators find no alternative without it."""
    for schema in _schemas(document):
        chosen = schema.get("discriminator", {})
        for reference in chosen.get("mapping", {}).values():
            told = document["components"]["schemas"][reference.rpartition("/")[2]]
            required = told.setdefault("required", [])
            if chosen["propertyName"] not in required:
                required.append(chosen["propertyName"])


def _name_bodies_of_two_forms(document: dict[str, Any]) -> None:
    """Name the schema of a body that may be JSON or a form: of two unnamed ones openapi-generator uses the form's and does not
    write it."""
    schemas = document["components"]["schemas"]
    for item in document.get("paths", {}).values():
        for operation in item.values():
            forms = list(operation.get("requestBody", {}).get("content", {}).values())
            bodies = [each.get("schema", {}) for each in forms]
            if len(bodies) < 2 or "$ref" in bodies[0] or any(b != bodies[0] for b in bodies):
                continue
            words = re.split(r"[._]", operation["operationId"])
            name = "".join(word[:1].upper() + word[1:] for word in words) + "Body"
            said = "The parameters of this question, as a body."
            schemas[name] = {"description": said, **bodies[0], "title": name}
            for each in forms:
                each["schema"] = {"$ref": f"#/components/schemas/{name}"}


def _refer_to_calls(document: dict[str, Any]) -> None:
    """Refer to webhooks instead of writing them out: generators take them for operations of the client, and some write code
    that does not compile."""
    calls = document["webhooks"]
    document["components"]["pathItems"] = dict(calls)
    for name in calls:
        calls[name] = {"$ref": f"#/components/pathItems/{name}"}


def _schemas(node: Any) -> Iterator[Schema]:
    """Every object of the document: those that are no schemas have none of the keywords."""
    if isinstance(node, dict):
        yield node
        for name, value in node.items():
            if name not in {"example", "examples", "default", "enum", "const"}:
                yield from _schemas(value)
    elif isinstance(node, list):
        for each in node:
            yield from _schemas(each)
