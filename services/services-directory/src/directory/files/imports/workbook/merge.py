"""Merges a row into its record and keeps the fields that the file lacks. Pure. A sheet has few columns. It must not
erase data that has no column, such as further sites, a coordinator's additions, or ids. `package.said` does the same
for packages."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from directory.files.imports.values.opening_hours import shown as hours_shown

Document = dict[str, Any]
Key = Callable[[Mapping[str, Any]], object]

_MATCHED: Mapping[str, Key] = {
    "phones": lambda each: each.get("number"),
    "languages": lambda each: each.get("code"),
    "required_documents": lambda each: each.get("document"),
    "service_areas": lambda each: each.get("extent"),
    "attributes": lambda each: (each.get("taxonomy_term") or {}).get("name"),
}
"""Lists that a cell contains entirely, and the text of each member in the cell."""
_FIRST = frozenset({"contacts", "service_at_locations", "addresses"})
"""Lists of which a sheet has only the first member."""


def changed_onto(record: Document, base: Document, given: Document) -> Document:
    """Return the record with the differences between `base` and `given` applied. `base` is the record as the file's
    columns would show it."""
    merged = _dict_onto(record, base, given)
    if base.get("organization") == given.get("organization"):
        merged.pop("organization", None)  # keep the record's organisation, which has more details
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
    """Return whether both values are nearly equal. Spreadsheets keep only fifteen digits, and HXL has no line
    breaks."""
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
