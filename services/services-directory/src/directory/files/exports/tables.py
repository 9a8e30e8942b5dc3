"""Splits a full HSDS service into rows for the 24 tables. Pure; the inverse of `imports.package.assembly`."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from common.tables_io.cells import guarded

from directory.files.imports.package.fields import NESTED, WITHOUT_ATTRIBUTES, Field, tables

Object = Mapping[str, Any]
Row = dict[str, str]
TableRow = tuple[str, Row]
Fresh = Callable[[str, str], bool]
"""Whether the row of this table and id has not been written yet."""

_WITHHELD = "Organización no mostrada / Organisation not shown"
_OWN_LINKS = {
    "attribute": "link_id",
    "metadata": "resource_id",
}


SHARED = frozenset({"organization", "program", "location", "taxonomy", "taxonomy_term", "unit"})


def rows_of(service: Object, fresh: Fresh, *, abridged: bool) -> Iterator[TableRow]:
    """Yield rows by table, parents before children. Write a row that several services share (`SHARED`) only once, with
    its children; `fresh` tells whether it is new."""
    organization = service.get("organization") or _withheld(service)
    yield from _entity("organization", organization, {}, fresh)
    links = {"organization_id": organization["id"]}
    program = service.get("program")
    if program:
        yield from _entity("program", program, links, fresh)
        links = {**links, "program_id": program["id"]}
    marked = {"visibility": "public", **service, "abridged": "yes" if abridged else None}
    yield from _entity("service", marked, links, fresh)


def _withheld(service: Object) -> Object:
    """Return a placeholder for a confidential organisation, because every service needs an organisation."""
    identity = uuid5(NAMESPACE_URL, f"ruta:withheld:{service['id']}")
    return {"id": str(identity), "name": _WITHHELD, "description": _WITHHELD}


def _entity(table: str, item: Object, links: Mapping[str, str], fresh: Fresh) -> Iterator[TableRow]:
    identity = str(item["id"])
    if table in SHARED and not fresh(table, identity):
        return
    extra: dict[str, str] = dict(links)
    if table == "service_at_location" and "location" in item:
        yield from _entity("location", item["location"], {}, fresh)
        extra["location_id"] = str(item["location"]["id"])
    if table == "service_capacity" and "unit" in item:
        yield from _entity("unit", item["unit"], {}, fresh)
        extra["unit_id"] = str(item["unit"]["id"])
    if table == "attribute":
        term = item.get("taxonomy_term")
        if not term:
            return  # an attribute without a term has no meaning
        yield from _term(term, fresh)
        extra["taxonomy_term_id"] = str(term["id"])
    yield table, _row(table, item, extra)
    yield from _parts(table, item, identity, fresh)


def _parts(table: str, item: Object, identity: str, fresh: Fresh) -> Iterator[TableRow]:
    own_link = f"{table}_id"
    for name, kind in NESTED.get(table, {}).items():
        for index, child in enumerate(item.get(name) or []):
            yield from _entity(
                kind, _identified(child, identity, name, index), {own_link: identity}, fresh
            )
    if table in WITHOUT_ATTRIBUTES:
        return
    for name, kind in (("attributes", "attribute"), ("metadata", "metadata")):
        for index, child in enumerate(item.get(name) or []):
            link = {_OWN_LINKS[kind]: identity}
            yield from _entity(kind, _identified(child, identity, name, index), link, fresh)


def _identified(child: Object, parent: str, name: str, index: int) -> Object:
    if child.get("id"):
        return child
    return {**child, "id": str(uuid5(UUID(parent), f"{name}:{index}"))}


def _term(term: Object, fresh: Fresh) -> Iterator[TableRow]:
    if not fresh("taxonomy_term", str(term["id"])):
        return
    links: dict[str, str] = {}
    taxonomy = term.get("taxonomy_detail")
    if taxonomy:
        yield from _entity("taxonomy", taxonomy, {}, fresh)
        links["taxonomy_id"] = str(taxonomy["id"])
    yield "taxonomy_term", _row("taxonomy_term", term, links)


def _row(table: str, item: Object, links: Mapping[str, str]) -> Row:
    row: Row = {}
    for field in tables()[table].fields:
        value = links.get(field.name, None if field.references else item.get(field.name))
        if field.name == "link_entity" and value is None:
            value = "service"
        if value is not None:
            row[field.name] = _text(field, value)
    return row


def _text(field: Field, value: Any) -> str:
    if field.type in ("array", "object"):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if field.type == "time" and len(str(value)) == len("08:00"):
        return f"{value}:00"  # frictionless requires seconds
    text = str(value)
    return guarded(text) if field.type in ("string", "uri", "email") else text
