"""Reads HSDS JSON as table rows: one service, a list, pages of an API, one object per line, or tables by name. Each
object becomes a row, linked to the object that contains it."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]  # ships no type information
import orjson

from directory.files.imports.errors import UNREADABLE_FILE
from directory.files.imports.package.fields import NESTED, tables
from directory.files.imports.package.older import current, table_of
from directory.files.imports.reading.features import shallow

_PAGES = frozenset({"contents", "content"})
"""Members that contain the entries of a page: in version 3, and in the first British version."""
_GEOGRAPHIC = frozenset({"features", "geometry", "properties"})
_ENTRIES = frozenset({"organization", "program", "location", "service", "unit", "taxonomy_term"})
"""Members that contain one object of this table."""
_STARTS, _ENDS = ("start_map", "start_array"), ("end_map", "end_array")
_Event = tuple[str, Any]


@dataclass(slots=True)
class Row:
    """An object as a table row. `made`: fields that are not in the file; `lost`: links of the object that contradict
    its position in the file."""

    kind: str
    given: dict[str, str]
    made: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)


def is_hsds(source: BinaryIO) -> bool:
    """Return whether the JSON may contain HSDS services and is not GeoJSON. Read only the first object."""
    names: set[str] = set()
    try:
        for name in _first_names(source):
            names.add(name)
            if name in _GEOGRAPHIC:
                return False
            if name in _PAGES or _table(name) not in ("", "metadata"):
                return True
    except (ijson.JSONError, UnicodeError, ValueError):
        return False
    return {"id", "name"} <= names


def _first_names(source: BinaryIO) -> Iterator[str]:
    depth = first = 0
    for event, value in ijson.basic_parse(_begun(source), multiple_values=True):
        depth += (event in _STARTS) - (event in _ENDS)
        first = first or depth * (event == "start_map")
        if depth < first:
            return
        if event == "map_key" and depth == first:
            yield value


def _begun(source: BinaryIO) -> BinaryIO:
    """Skip a byte order mark."""
    if source.read(len(BOM_UTF8)) != BOM_UTF8:
        source.seek(0)
    return source


def rows_in(source: BinaryIO, name: str) -> Iterator[Row]:
    """Yield a file's rows. Its name, or its folder's name, may name the table. Raise 422 for invalid JSON."""
    parts = reversed(name.replace("\\", "/").lower().split("/"))
    named = next(filter(None, (_table(re.sub(r"\.\w+$", "", part)) for part in parts)), "")
    try:
        for at, (listed, each) in enumerate(_records(source)):
            if not isinstance(each, dict):
                raise UNREADABLE_FILE.because("json_entry_is_no_object", at + 1)
            kind = (_table(listed) if listed not in _PAGES else "") or named or _kind_of(each)
            yield from _rows(kind, each, f"{kind}:{at + 1}") if kind else ()
    except (ijson.JSONError, UnicodeError, ValueError, RecursionError) as error:
        raise UNREADABLE_FILE.because("is_not_valid_json", error) from error


def _records(source: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Yield each entry with the name of its list."""
    events = shallow(ijson.basic_parse(_begun(source), use_float=True, multiple_values=True))
    for event, _ in events:
        if event == "start_array":
            yield from (("", each) for each in _elements(events))
        elif event == "start_map":
            yield from _members(events)
        else:
            raise ValueError("neither an object nor a list")


def _members(events: Iterator[_Event]) -> Iterator[tuple[str, Any]]:
    whole: dict[str, Any] = {}
    for event, name in events:
        if event == "end_map":
            break
        first = next(events)
        if first[0] == "start_array" and (name in _PAGES or name.endswith(".csv")):
            whole[name] = None
            yield from ((name, each) for each in _elements(events))
        else:
            whole[name] = _value(first, events)
    if any(value is None and (name in _PAGES or "." in name) for name, value in whole.items()):
        return  # values beside a page describe the page
    if "id" in whole or "name" in whole:
        yield "", whole
        return
    for name, value in whole.items():
        if isinstance(value, list) and _table(name):
            yield from ((name, each) for each in value)


def _elements(events: Iterator[_Event]) -> Iterator[Any]:
    for first in events:
        if first[0] == "end_array":
            return
        yield _value(first, events)


def _value(first: _Event, events: Iterator[_Event]) -> Any:
    builder = ijson.ObjectBuilder()
    depth = 0
    for event, value in chain([first], events):
        builder.event(event, value)
        depth += (event in _STARTS) - (event in _ENDS)
        if not depth:
            break
    return builder.value


def _table(name: str) -> str:
    return table_of(name, ("parent_id",)) or ""


def _kind_of(record: Mapping[str, Any]) -> str:
    """Return the table for an entry in a list without a name."""
    names = record.keys()
    if "service" in names or {"service_id", "location_id"} <= names:
        return "service_at_location"
    if names & {"location_type", "addresses", "latitude", "physical_addresses"}:
        return "location"
    if names & {"organization", "organization_id", "service_at_locations", "status"}:
        return "service"
    if names & {"taxonomy_detail", "taxonomy_id", "vocabulary", "parent_id", "code"}:
        return "taxonomy_term"
    return "taxonomy" if "version" in names else "organization"


def _rows(
    kind: str, record: Mapping[str, Any], key: str, above: Row | None = None
) -> Iterator[Row]:
    """Yield an object's row, then the rows of the objects in it. `key`: the id to use if the object has none."""
    row = Row(kind, {"id": key}) if not record.get("id") else Row(kind, {})
    row.made.update(row.given)
    own = _text(record.get("id")) or key
    table = tables().get(current(kind))
    structures = table.structures if table else ()
    below: list[Iterator[Row]] = []
    for name, value in record.items():
        if value in (None, "", [], {}):
            continue
        inner = _inner(kind, name, value)
        if inner and isinstance(value, dict):
            link = f"{name.removesuffix('_detail')}_id"
            given = _text(value.get("id")) or f"{own}/{name}"
            _put(row, link, given, record)
            below.append(_rows(inner, value, given))
        elif inner:
            below += (
                _rows(inner, each, f"{own}/{name}/{at}", row) for at, each in enumerate(value)
            )
        elif name not in row.given:
            row.given[name] = _text(value, structured=name in structures)
    for name, value in _links_to(kind, above).items():
        _put(row, name, value, record)
    yield row
    yield from chain.from_iterable(below)


def _put(row: Row, name: str, value: str, record: Mapping[str, Any]) -> None:
    said = _text(record.get(name))
    if not said:
        row.made.add(name)
    elif said != value:
        row.lost.append(name)
    row.given[name] = value


def _inner(kind: str, name: str, value: Any) -> str:
    """Return the table for a member's objects; "" for a value of the object itself."""
    now = current(kind)
    if isinstance(value, dict):
        name = name.removesuffix("_detail") if name == "taxonomy_detail" else name
        if name == "taxonomy":
            return "taxonomy" if now == "taxonomy_term" else "taxonomy_term"
        return name if name in _ENTRIES else ""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return ""
    return NESTED.get(now, {}).get(name) or _table(name)


def _links_to(kind: str, above: Row | None) -> dict[str, str]:
    if above is None:
        return {}
    parent, own = current(above.kind), above.given["id"]
    if kind == "metadata":
        return {"resource_id": own, "resource_type": parent}
    if current(kind) == "attribute" and kind == "attribute":
        return {"link_id": own, "link_entity": parent}
    return {f"{parent}_id": own}


def _text(value: Any, *, structured: bool = False) -> str:
    """Return a value as cell text: a list of texts as several values in one cell, other structures as JSON."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    listed = isinstance(value, list) and not any(isinstance(each, dict | list) for each in value)
    if listed and not structured:
        return "; ".join(map(_text, value))
    return orjson.dumps(value).decode()
