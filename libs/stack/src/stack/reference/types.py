"""From JSON schemas to Python types in source form."""

import json
import keyword
import re
from collections.abc import Mapping
from typing import Any

_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def identifier(text: str) -> str:
    """A Python identifier of a schema's or parameter's name."""
    name = re.sub(r"\W+", "_", text).strip("_") or "value"
    if name[0].isdigit() or keyword.iskeyword(name):
        name = f"{name}_"
    return name


def type_of(schema: Mapping[str, Any] | bool) -> str:
    """A type expression; `Any` where the schema says nothing that Python can say."""
    if isinstance(schema, bool) or not schema:
        return "Any"
    if "$ref" in schema:
        return identifier(schema["$ref"].rsplit("/", 1)[-1])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return _union(type_of(part) for part in schema[word])
    if "const" in schema or "enum" in schema:
        return _literal(schema.get("enum") or [schema["const"]])
    if len(schema.get("allOf", [])) == 1:
        return type_of(schema["allOf"][0])
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return _union(_SIMPLE.get(k, "Any") for k in kind)
    if kind == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if kind == "object":
        return f"dict[str, {type_of(schema.get('additionalProperties', {}))}]"
    return _SIMPLE.get(str(kind), "Any")


def typed_dict(name: str, schema: Mapping[str, Any]) -> str:
    """A TypedDict in functional form: field names need not be identifiers. Other schemas: an alias."""
    if schema.get("type") != "object" or "properties" not in schema:
        return f'{identifier(name)}: TypeAlias = "{type_of(schema)}"'
    required = set(schema.get("required", []))
    lines = []
    for field, inner in schema["properties"].items():
        kind = json.dumps(type_of(inner))
        lines.append(
            f"        {json.dumps(field)}: "
            + (kind if field in required else f"NotRequired[{kind}]")
        )
    body = ",\n".join(lines)
    return f"{identifier(name)} = TypedDict(\n    {json.dumps(identifier(name))},\n    {{\n{body}\n    }},\n)"


def _union(parts: Any) -> str:
    unique = list(dict.fromkeys(parts))
    return "Any" if "Any" in unique else " | ".join(unique)


def _literal(values: list[Any]) -> str:
    simple = [v for v in values if isinstance(v, str | int | bool) or v is None]
    return f"Literal[{', '.join(repr(v) for v in simple)}]" if simple else "Any"
