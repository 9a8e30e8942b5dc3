"""Merges a package's service into its record. Fields without a column or table in the package keep their values.
Pure."""

from collections.abc import Iterator
from datetime import time
from functools import cache
from typing import Any

from directory.files.imports.package.fields import NESTED, tables

Document = dict[str, Any]
_ONE = {"location": "location", "unit": "unit", "organization": "organization",
        "program": "program", "taxonomy_term": "taxonomy_term", "taxonomy_detail": "taxonomy"}  # fmt: skip
ALWAYS_SAID = frozenset({"id", "name", "organization", "organization_id"})


def said_onto(record: Document, given: Document, said: frozenset[str]) -> Document:
    """Return `given` merged into the record. Keep record fields that are not in `said` (the fields in the package), and
    values that differ only in formatting."""
    if "program_id" in said:
        said |= {"program"}
    if given.get("categories"):
        said |= {"categories"}  # they come from terms
    given = {key: value for key, value in given.items() if key in said}
    silent = {key: value for key, value in record.items() if key not in said}
    return {**_as_written(record, given, "service"), **silent}


def _as_written(record: Document, given: Document, table: str) -> Document:
    merged = dict(given)
    for key, value in record.items():
        if key in given:
            merged[key] = _value_as_written(key, value, given[key], table)
        elif key not in _sayable(table):
            merged[key] = value  # a package cannot contain this field, so keep it
    return merged


def _value_as_written(key: str, record: Any, given: Any, table: str) -> Any:
    if record == given and record.__class__ is given.__class__:
        return given
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


@cache
def _sayable(table: str) -> frozenset[str]:
    """Return the fields of this table that a package can contain; nesting resolves links."""
    own = (field.name for field in tables()[table].fields if not field.references)
    return frozenset({"id", *own, *NESTED.get(table, {}), *_written_apart(table)})


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
