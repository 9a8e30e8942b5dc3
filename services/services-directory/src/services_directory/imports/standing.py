"""A row onto the record that it stands for: what the file does not say stays as it stands. Pure.

A sheet says little of a service and a package all but a few fields. Neither erases what it has no
column for: other sites of the service, what a coordinator added, the profile's own fields.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import time
from typing import Any

from services_directory.imports.opening_hours import shown as hours_shown
from services_directory.imports.package.fields import NESTED, tables

Document = dict[str, Any]
Key = Callable[[Mapping[str, Any]], object]

_MATCHED: Mapping[str, Key] = {
    "phones": lambda each: each.get("number"),
    "languages": lambda each: each.get("code"),
    "required_documents": lambda each: each.get("document"),
    "service_areas": lambda each: each.get("extent"),
}
"""Lists that a cell holds whole, and what the cell shows of each member."""
_FIRST = frozenset({"contacts", "service_at_locations", "addresses"})
"""Lists of which a sheet shows the first member."""
_ONE = {"location": "location", "unit": "unit", "organization": "organization",
        "program": "program", "taxonomy_term": "taxonomy_term", "taxonomy_detail": "taxonomy"}  # fmt: skip


def changed_onto(record: Document, base: Document, given: Document) -> Document:
    """The record with what `given` says otherwise than `base`, which is the record as the same
    columns show it."""
    merged = _dict_onto(record, base, given)
    if base.get("organization") == given.get("organization"):
        merged.pop("organization", None)  # the record's own, and all that is known of it
    return merged


def _dict_onto(record: Document, base: Document, given: Document) -> Document:
    merged: Document = {}
    for key in dict.fromkeys((*record, *given)):
        value = _onto(key, record.get(key), base.get(key), given.get(key))
        if value is not None:
            merged[key] = value
    return merged


def _onto(key: str, record: Any, base: Any, given: Any) -> Any:
    if base == given or _nearly(base, given):
        return record
    if record is None:
        return given
    if isinstance(record, dict) and isinstance(given, dict):
        return _dict_onto(record, base or {}, given)
    if key in _FIRST:
        return _first_onto(record, base or [], given or [])
    if key in _MATCHED:
        return _matched_onto(_MATCHED[key], record, base or [], given or [])
    if key == "schedules":
        return [*(given or []), *(each for each in record if not _is_shown(each, record))]
    return given


def _nearly(base: Any, given: Any) -> bool:
    """A spreadsheet keeps fifteen digits of a number, and an HXL list no line breaks."""
    if isinstance(base, str) and isinstance(given, str):
        return base.split() == given.split()
    numbers = isinstance(base, int | float) and isinstance(given, int | float)
    return numbers and math.isclose(base, given, rel_tol=1e-12)


def _first_onto(
    record: Sequence[Document], base: Sequence[Document], given: Sequence[Document]
) -> list[Document]:
    if not record or not given:
        return [*given, *record[1:]]
    return [_dict_onto(record[0], base[0] if base else {}, given[0]), *record[1:]]


def _matched_onto(
    key: Key, record: Sequence[Document], base: Sequence[Document], given: Sequence[Document]
) -> list[Document]:
    was, now = {key(each) for each in base}, {key(each) for each in given}
    stays = [each for each in record if key(each) in now or key(each) not in was]
    known = {key(each) for each in stays}
    return [*stays, *(each for each in given if key(each) not in known)]


def _is_shown(schedule: Document, all_of_them: Sequence[Document]) -> bool:
    return bool(hours_shown([schedule])) or len(all_of_them) == 1


ALWAYS_SAID = frozenset({"id", "name", "organization", "organization_id"})


def said_onto(record: Document, given: Document, said: frozenset[str]) -> Document:
    """`given`, a package's service, with what the package has no column or table for (`said`: those
    that it has) and what only differs in how it is written."""
    if "program_id" in said:
        said |= {"program"}
    if given.get("categories"):
        said |= {"categories"}  # read from terms
    given = {key: value for key, value in given.items() if key in said}
    silent = {key: value for key, value in record.items() if key not in said}
    return {**_as_written(record, given, "service"), **silent}


def _as_written(record: Document, given: Document, table: str) -> Document:
    merged = dict(given)
    for key, value in record.items():
        if key in given:
            merged[key] = _value_as_written(key, value, given[key], table)
        elif key not in _sayable(table):
            merged[key] = value  # an own export brings it back as it stood
    return merged


def _value_as_written(key: str, record: Any, given: Any, table: str) -> Any:
    if isinstance(record, str) and isinstance(given, str):
        return record if _same(record, given) else given
    kind = _table_of(table, key)
    if kind is None:
        return given
    if isinstance(record, dict) and isinstance(given, dict):
        return _as_written(record, given, kind) if record.get("id") == given.get("id") else given
    if isinstance(record, list) and isinstance(given, list):
        known: dict[Any, Document] = {each.get("id"): each for each in record}
        return [_as_written(known.get(each.get("id"), {}), each, kind) for each in given]
    return given


def _table_of(table: str, key: str) -> str | None:
    nested = {"attributes": "attribute", "metadata": "metadata", **NESTED.get(table, {}), **_ONE}
    return nested.get(key)


def _sayable(table: str) -> set[str]:
    """Names that a package can say of an object of this table; links it says by nesting."""
    own = (field.name for field in tables()[table].fields if not field.references)
    return {"id", *own, *NESTED.get(table, {}), *_written_apart(table)}


def _written_apart(table: str) -> Iterator[str]:
    if table not in ("program", "unit", "taxonomy", "taxonomy_term", "attribute", "metadata"):
        yield from ("attributes", "metadata")
    yield from (name for name in _ONE if name not in ("program", "organization"))
    if table == "service":
        yield from ("program", "organization", "organization_id")


def _same(one: str, other: str) -> bool:
    if " ".join(one.split()) == " ".join(other.split()):
        return True
    try:
        return time.fromisoformat(one) == time.fromisoformat(other)
    except ValueError:
        return False
