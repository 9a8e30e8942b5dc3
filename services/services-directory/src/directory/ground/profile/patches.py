"""The profile as data: for each extended HSDS object, a JSON merge patch of the official schema, and the merged schema.
Both derive from the classes that validate writes, so they always agree with validation."""

from functools import cache
from typing import Any

from pydantic import BaseModel

from directory.ground.hsds import schemas

_OBJECTS: dict[str, tuple[type[BaseModel], tuple[str, ...]]] = {
    "service": (
        schemas.ServiceDocument,
        (
            "categories", "pathway", "visibility", "functional_status", "pre_crisis",
            "provider_level", "eligibility", "referral", "verification", "capacity_state",
            "translations",
        ),
    ),
    "organization": (
        schemas.OrganizationDocument, ("visibility", "organization_type", "translations"),
    ),
    "location": (schemas.LocationDocument, ("visibility", "pcode")),
    "service_at_location": (schemas.ServiceAtLocation, ("visibility",)),
    "phone": (schemas.Phone, ("visibility",)),
    "contact": (schemas.Contact, ("visibility",)),
    "metadata": (schemas.Metadata, ("visibility",)),
}  # fmt: skip
_PLAIN: dict[str, type[BaseModel]] = {
    "taxonomy": schemas.TaxonomyDocument,
    "taxonomy_term": schemas.TaxonomyTermDocument,
}
_TITLES = {
    "visibility": "The most open level that sees this; absent means public / Nivel de visibilidad",
    "endorsed_by": "Areas of responsibility whose coordination stands behind the service",
    "referable": "Endorsed, working and freshly verified: one may refer to it today",
}
# Read-only fields that the directory adds.
_READ_ONLY: dict[str, dict[str, Any]] = {
    "service": {
        "endorsed_by": {"type": "array", "items": {"type": "string"}},
        "referable": {"type": "boolean"},
    }
}


def names() -> list[str]:
    return sorted([*_OBJECTS, *_PLAIN])


@cache
def patch(name: str) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7396) for the official schema `name`. It is empty for an object without
    extensions."""
    if name in _PLAIN:
        return {}
    kind, fields = _OBJECTS[name]
    whole = kind.model_json_schema()
    definitions = whole.get("$defs", {})
    properties = {field: _inlined(whole["properties"][field], definitions) for field in fields}
    properties |= _READ_ONLY.get(name, {})
    for field, title in _TITLES.items():
        if field in properties:
            properties[field] = {**properties[field], "description": title}
    return {"properties": properties}


@cache
def merged(name: str) -> dict[str, Any]:
    """Return the schema of the object as this API reads and writes it."""
    kind = _PLAIN[name] if name in _PLAIN else _OBJECTS[name][0]
    schema = kind.model_json_schema()
    schema["properties"] |= _READ_ONLY.get(name, {})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Return the schema without references and without null alternatives, which HSDS does not use."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    found = {
        key: _inlined(value, definitions)
        for key, value in schema.items()
        if not (key == "default" and value is None)
    }
    options = [each for each in found.get("anyOf", []) if each != {"type": "null"}]
    if len(options) == 1:
        found = {**{k: v for k, v in found.items() if k != "anyOf"}, **options[0]}
    return found
