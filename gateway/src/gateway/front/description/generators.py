"""Simplifies the description for client generators, without changing its meaning. Pure. Each rule names the generator
that fails without it."""

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
    """Give each list an `items` schema, because some tools reject lists without one. The meaning stays the same."""
    if schema.get("type") == "array":
        schema.setdefault("items", {})


def _let_anything_be_anything(schema: Schema) -> None:
    """Drop an `anyOf` that allows anything or null, because openapi-generator refers to a class that it does not
    generate."""
    for name in _ALTERNATIVES:
        if any(each.keys() <= _ONLY_WORDS for each in schema.get(name, [])):
            del schema[name]


def _let_lists_beside_values_be_anything(schema: Schema) -> None:
    """Replace a choice between values and lists with a description, because openapi-generator turns it into invalid
    Java. The service still validates the value."""
    for name in _ALTERNATIVES:
        kinds = [str(each.get("type", "")) for each in schema.get(name, [])]
        if "array" in kinds and {"string", "number", "integer"} & {*kinds}:
            del schema[name]
            said = " or ".join(_IN_WORDS[kind] for kind in kinds)
            schema.setdefault("description", f"{said[:1].upper()}{said[1:]}.")


def _leave_out_whole_defaults(schema: Schema) -> None:
    """Drop default objects. The members' own defaults have the same effect, and openapi-generator (Java) repeats the
    object where its type is unknown."""
    if "$ref" in schema and isinstance(schema.get("default"), dict):
        del schema["default"]


def _let_codes_come_twice(schema: Schema) -> None:
    """Turn a set of codes into a list, because openapi-generator writes Java that treats the codes as plain text. The
    service counts a repeated code once."""
    if schema.get("uniqueItems") and "enum" in schema.get("items", {}):
        del schema["uniqueItems"]


def _require_what_tells_apart(document: dict[str, Any]) -> None:
    """Require the discriminator. It has a default in Python, but generators need it to choose an alternative."""
    for schema in _schemas(document):
        chosen = schema.get("discriminator", {})
        for reference in chosen.get("mapping", {}).values():
            told = document["components"]["schemas"][reference.rpartition("/")[2]]
            required = told.setdefault("required", [])
            if chosen["propertyName"] not in required:
                required.append(chosen["propertyName"])


def _name_bodies_of_two_forms(document: dict[str, Any]) -> None:
    """Name the schema of a body that may be JSON or a form, because openapi-generator refers to the form's unnamed
    schema but does not generate it."""
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
    """Refer to webhooks instead of inlining them. Generators mistake inline webhooks for client operations, and some
    generate code that does not compile."""
    calls = document["webhooks"]
    document["components"]["pathItems"] = dict(calls)
    for name in calls:
        calls[name] = {"$ref": f"#/components/pathItems/{name}"}


def _schemas(node: Any) -> Iterator[Schema]:
    """Yield every object in the document. Objects that are not schemas contain none of the keywords."""
    if isinstance(node, dict):
        yield node
        for name, value in node.items():
            if name not in {"example", "examples", "default", "enum", "const"}:
                yield from _schemas(value)
    elif isinstance(node, list):
        for each in node:
            yield from _schemas(each)
