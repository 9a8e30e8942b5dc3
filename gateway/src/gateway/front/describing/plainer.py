"""The same description in a form that generators of clients can read, too. Pure.

Each of these says no more and no less than what the services wrote; what stumbled over it is named.
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
    """A list without `items` says the same as one of anything; tools want it said."""
    if schema.get("type") == "array":
        schema.setdefault("items", {})


def _let_anything_be_anything(schema: Schema) -> None:
    """Anything or null is anything: of the choice openapi-generator makes a class that is nowhere."""
    for name in _ALTERNATIVES:
        if any(each.keys() <= _ONLY_WORDS for each in schema.get(name, [])):
            del schema[name]


def _let_lists_beside_values_be_anything(schema: Schema) -> None:
    """A text, a number or a list of texts: of such a choice openapi-generator makes Java that is none. What
    it may be is said in words; the service holds to it all the same."""
    for name in _ALTERNATIVES:
        kinds = [str(each.get("type", "")) for each in schema.get(name, [])]
        if "array" in kinds and {"string", "number", "integer"} & {*kinds}:
            del schema[name]
            said = " or ".join(_IN_WORDS[kind] for kind in kinds)
            schema.setdefault("description", f"{said[:1].upper()}{said[1:]}.")


def _leave_out_whole_defaults(schema: Schema) -> None:
    """An object that may be left out is what its own members' defaults say: openapi-generator writes them
    again where it knows no such types (Java)."""
    if "$ref" in schema and isinstance(schema.get("default"), dict):
        del schema["default"]


def _let_codes_come_twice(schema: Schema) -> None:
    """A code that is sent twice is one code. Of a set of codes openapi-generator makes Java that takes them
    for texts."""
    if schema.get("uniqueItems") and "enum" in schema.get("items", {}):
        del schema["uniqueItems"]


def _require_what_tells_apart(document: dict[str, Any]) -> None:
    """The member that tells alternatives apart has a default in Python, and no alternative is found
    without it."""
    for schema in _schemas(document):
        chosen = schema.get("discriminator", {})
        for reference in chosen.get("mapping", {}).values():
            told = document["components"]["schemas"][reference.rpartition("/")[2]]
            required = told.setdefault("required", [])
            if chosen["propertyName"] not in required:
                required.append(chosen["propertyName"])


def _name_bodies_of_two_forms(document: dict[str, Any]) -> None:
    """What may be sent as JSON or as a form is one schema with a name: of two without, openapi-generator
    uses the form's and doesn't write it."""
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
    """What partners are called with is theirs to answer: generators that write a client take a call that
    stands here in full for one of the client's own, and some write it so that nothing compiles."""
    calls = document["webhooks"]
    document["components"]["pathItems"] = dict(calls)
    for name in calls:
        calls[name] = {"$ref": f"#/components/pathItems/{name}"}


def _schemas(node: Any) -> Iterator[Schema]:
    """Every object of the document; what is no schema has none of their keywords."""
    if isinstance(node, dict):
        yield node
        for name, value in node.items():
            if name not in {"example", "examples", "default", "enum", "const"}:
                yield from _schemas(value)
    elif isinstance(node, list):
        for each in node:
            yield from _schemas(each)
