"""A service as somebody sent it, in the form that is kept.

Most documents of a file are tidy: no nulls, nothing empty, ids as ids are written. Making a model of each
part, only to write the same members out again, would be half of reading them. So the models' own rules are
also made into one that looks at such a document and gives it back in the models' order. What that one does not
take, for whatever reason, the models look at: they alone say what is wrong, and they tidy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from directory.ground.hsds.schemas import (
    LocationDocument,
    OrganizationDocument,
    ServiceDocument,
    ages_in_order,
    is_place,
)

Document = dict[str, Any]
_Schema = dict[str, Any]
_CANONICAL_ID = "^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


@dataclass(frozen=True, slots=True)
class Given:
    """`document`: less what it says of its organisation."""

    document: Document
    organization: OrganizationDocument | None = None

    @classmethod
    def of(cls, sent: ServiceDocument) -> "Given":
        return cls(sent.plain(without=("organization",)), sent.organization)

    @property
    def id(self) -> UUID | None:
        return _uuid(self.document.get("id"))

    @property
    def organization_id(self) -> UUID | None:
        return _uuid(self.document.get("organization_id"))

    @property
    def places(self) -> set[UUID]:
        """Ids of the places that it brings or names."""
        sites = self.document.get("service_at_locations", ())
        named = (
            site["location"].get("id") if "location" in site else site.get("location_id")
            for site in sites
        )
        return {UUID(each) for each in named if each}

    @property
    def sites(self) -> set[UUID]:
        """Ids that it brings of sites."""
        sites = self.document.get("service_at_locations", ())
        return {UUID(site["id"]) for site in sites if "id" in site}

    def plain(self) -> Document:
        """All of it."""
        if self.organization is None:
            return self.document
        return {**self.document, "organization": self.organization.plain()}


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


class Takes:
    """Takes documents that are sent together. An organisation or a place that several of them have is one
    object in all of them, and is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}

    def take(self, document: Document) -> Given:
        """Raises the models' ValidationError."""
        organization = document.get("organization")
        if organization is not None:
            organization = self._once(organization, OrganizationDocument.model_validate)
            if organization is None:  # each document that has it tells why
                return Given.of(ServiceDocument.model_validate(document))
        found = self._tidied(document)
        if found is not None:
            return Given(found, organization)
        return Given.of(ServiceDocument.model_validate({**document, "organization": organization}))

    def _tidied(self, document: Document) -> Document | None:
        given = {
            key: value
            for key, value in document.items()
            if key != "organization" and not (value == [] and key in _LISTS)
        }
        if isinstance(sites := document.get("service_at_locations"), list):
            given["service_at_locations"] = [self._with_place(site) for site in sites]
        try:
            found = tidied(ServiceDocument, given)
        except ValidationError:
            return None
        return found if all(rule(found) for rule in _RULES.values()) else None

    def _with_place(self, site: Any) -> Any:
        if site.__class__ is not dict or "location" not in site:
            return site
        place = self._once(site["location"], partial(tidied, LocationDocument))
        return None if place is None else {**site, "location": place}

    def _once(self, part: Any, take: Callable[[Any], Any]) -> Any:
        """None if it does not fit."""
        known = self._known.get(id(part))
        if known is None:
            try:
                made = take(part)
            except ValidationError:
                made = None
            known = self._known[id(part)] = (part, made)  # with it kept, its number stays its own
        return known[1]


_LISTS = frozenset(
    name for name, member in ServiceDocument.model_fields.items() if member.default_factory is list
)
_RULES: Mapping[str, Callable[[Document], bool]] = {
    "_ages_in_order": lambda found: ages_in_order(
        found.get("minimum_age"), found.get("maximum_age")
    ),
    "_areas_are_places": lambda found: all(
        is_place(area.get("extent_type"), area.get("extent"))
        for area in found.get("service_areas", ())
    ),
}
"""By the name of the models' validator."""


def tidied(kind: type[BaseModel], document: Any) -> Document:
    """A tidy document in the model's order; ValidationError for any other. A service's organisation is
    no part of it, and places are taken for looked at."""
    found: Document = _validator(kind).validate_python(document)
    return found


@cache
def _validator(kind: type[BaseModel]) -> SchemaValidator:
    return SchemaValidator(
        cast("CoreSchema", _tidy(cast("_Schema", kind.__pydantic_core_schema__)))
    )


def _tidy(schema: _Schema) -> _Schema:
    """What pydantic made of a model, for tidy documents: objects stay dictionaries, and what the models tidy
    away or write in another way does not fit."""
    made = _TIDY[schema["type"]](schema)
    return {**made, "ref": schema["ref"]} if "ref" in schema else made


def _inside(schema: _Schema) -> _Schema:
    return _tidy(schema["schema"])


def _of_many(schema: _Schema) -> _Schema:
    return {
        "type": "definitions",
        "schema": _inside(schema),
        "definitions": [_tidy(each) for each in schema["definitions"]],
    }


def _before(schema: _Schema) -> _Schema:
    if schema["function"]["function"].__name__ != "_nulls_are_absences":
        raise TypeError(f"say what {schema['function']} means for a tidy document")
    return _inside(schema)


def _after(schema: _Schema) -> _Schema:
    inner = schema["schema"]
    while inner["type"] == "function-after":
        inner = inner["schema"]
    if inner["type"] != "model":
        return {"type": "function-after", "function": schema["function"], "schema": _inside(schema)}
    if schema["function"]["function"].__name__ not in _RULES:
        raise TypeError(f"say what {schema['function']} means for a tidy document")
    return _inside(schema)


def _members(schema: _Schema) -> _Schema:
    kind = schema["model_name"]
    fields = {}
    for name, field in schema["fields"].items():
        inner, required = field["schema"], True
        if inner["type"] == "default":
            required = False
            if inner.get("default") is None:  # such as are made for each are empty
                inner = inner["schema"]
        made = core_schema.any_schema() if (kind, name) in _PLACES else _tidy(inner)
        if (kind, name) not in _APART:
            fields[field.get("validation_alias", name)] = {
                "type": "typed-dict-field", "schema": made, "required": required,
            }  # fmt: skip
    made = {"type": "typed-dict", "fields": fields, "extra_behavior": "forbid", "total": False}
    if any(field["required"] for field in fields.values()):
        return made
    return {
        "type": "function-after",
        "function": {"type": "no-info", "function": _filled},
        "schema": made,
    }


def _chain(schema: _Schema) -> _Schema:
    """A step that only asks for a pattern is one with the step before, if that asks for none."""
    steps: list[_Schema] = []
    for each in schema["steps"]:
        made = _tidy(each)
        before = steps[-1] if steps else {}
        plain = made["type"] == before.get("type") == "str" and "pattern" not in before
        if plain and made.keys() <= {"type", "pattern", "min_length"}:
            steps[-1] = {**made, **before}
        else:
            steps.append(made)
    return steps[0] if len(steps) == 1 else {"type": "chain", "steps": steps}


_APART = {("ServiceDocument", "organization")}
_PLACES = {("ServiceAtLocation", "location")}


def _filled(value: Document) -> Document:
    if not value:
        raise ValueError
    return value


def _at_least_one(schema: _Schema, **inside: _Schema) -> _Schema:
    return {**schema, **inside, "min_length": schema.get("min_length") or 1}


_TIDY: Mapping[str, Callable[[_Schema], _Schema]] = {
    "definitions": _of_many,
    "definition-ref": lambda schema: schema,
    "model": _inside,
    "model-fields": _members,
    "function-before": _before,
    "function-after": _after,
    "default": lambda schema: {**schema, "schema": _inside(schema)},
    "nullable": _inside,
    "custom-error": _inside,
    "chain": _chain,
    "union": lambda schema: {**schema, "choices": [_tidy(each) for each in schema["choices"]]},
    "list": lambda schema: _at_least_one(schema, items_schema=_tidy(schema["items_schema"])),
    "dict": lambda schema: _at_least_one(
        schema,
        keys_schema=_tidy(schema["keys_schema"]),
        values_schema=_tidy(schema["values_schema"]),
    ),
    "str": _at_least_one,
    "uuid": lambda _: {"type": "str", "pattern": _CANONICAL_ID},
    **dict.fromkeys(("literal", "int", "float", "bool"), lambda schema: schema),
}
