"""The 24 HSDS tables, their fields and links, and our profile's own fields. Names and types are those of HSDS 3.2.3
(openreferral/specification, CC BY-SA 4.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from common.words.tables import rows


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `type`: string, uuid, uri, email, number, date, datetime, time, enum:a|b, array, object. `references`:
    the table to which the id refers. `profile`: a field of our profile, not of HSDS."""

    name: str
    type: str
    required: bool
    references: str
    profile: bool

    @property
    def allowed(self) -> tuple[str, ...]:
        """Return an enum's values."""
        return tuple(self.type.removeprefix("enum:").split("|"))


@dataclass(frozen=True)
class TableFields:
    name: str
    file: str
    fields: tuple[Field, ...]

    @cached_property
    def plain(self) -> tuple[Field, ...]:
        """Return the fields with their own value, because nesting resolves ids and links."""
        return tuple(each for each in self.fields if each.type != "uuid")

    @cached_property
    def required(self) -> tuple[Field, ...]:
        """Return the required ones."""
        return tuple(each for each in self.plain if each.required)

    @cached_property
    def structures(self) -> tuple[str, ...]:
        """Return the names of the fields that contain JSON values."""
        return tuple(each.name for each in self.plain if each.type in ("array", "object"))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {each.name: each for each in self.fields}

    def field(self, name: str) -> Field | None:
        return self.by_name.get(name)


@cache
def tables() -> Mapping[str, TableFields]:
    found: dict[str, list[Field]] = {}
    paths: dict[str, str] = {}
    for row in rows("directory.files.imports", "data/hsds_fields"):
        paths[row["table"]] = row["file"]
        found.setdefault(row["table"], []).append(
            Field(
                row["field"],
                row["type"],
                row["required"] == "yes",
                row["references"],
                row["required"] == "profile",
            )
        )
    return {name: TableFields(name, paths[name], tuple(found[name])) for name in found}


# The links that determine a row's parent, most specific first.
OWNERS: Mapping[str, tuple[str, ...]] = {
    "phone": (
        "contact_id",
        "service_at_location_id",
        "service_id",
        "location_id",
        "organization_id",
    ),
    "contact": ("service_at_location_id", "service_id", "location_id", "organization_id"),
    "schedule": ("service_at_location_id", "service_id", "location_id"),
    "language": ("phone_id", "location_id", "service_id"),
    "service_area": ("service_at_location_id", "service_id"),
    "address": ("location_id",),
    "accessibility": ("location_id",),
    "required_document": ("service_id",),
    "cost_option": ("service_id",),
    "service_capacity": ("service_id",),
    "funding": ("service_id", "organization_id"),
    "url": ("service_id", "organization_id"),
    "program": ("organization_id",),
    "organization_identifier": ("organization_id",),
    "service_at_location": ("service_id",),
    "location": ("organization_id",),
    "attribute": ("link_id",),
    "metadata": ("resource_id",),
}

# The names under which an object contains a table's rows.
NESTED: Mapping[str, Mapping[str, str]] = {
    "service": {
        "phones": "phone",
        "schedules": "schedule",
        "service_areas": "service_area",
        "languages": "language",
        "funding": "funding",
        "cost_options": "cost_option",
        "required_documents": "required_document",
        "contacts": "contact",
        "capacities": "service_capacity",
        "additional_urls": "url",
        "service_at_locations": "service_at_location",
    },
    "organization": {
        "additional_websites": "url",
        "funding": "funding",
        "contacts": "contact",
        "phones": "phone",
        "programs": "program",
        "organization_identifiers": "organization_identifier",
        "locations": "location",
    },
    "location": {
        "languages": "language",
        "addresses": "address",
        "contacts": "contact",
        "accessibility": "accessibility",
        "phones": "phone",
        "schedules": "schedule",
    },
    "service_at_location": {
        "service_areas": "service_area",
        "contacts": "contact",
        "phones": "phone",
        "schedules": "schedule",
    },
    "contact": {"phones": "phone"},
    "phone": {"languages": "language"},
}
WITHOUT_ATTRIBUTES = frozenset({"attribute", "metadata", "taxonomy", "taxonomy_term"})
"""Tables whose objects have no attributes and, apart from terms, no metadata."""
