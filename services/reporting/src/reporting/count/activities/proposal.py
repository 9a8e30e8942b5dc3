"""Proposes how to read another 5W layout: columns by name or HXL tag, words by spelling. Pure. Nothing applies until a
person confirms it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Any

from common.words.places import Places, folded
from common.words.tables import rows

from reporting.count.activities import codes, mapping, workbook
from reporting.count.activities.activity import FIELDS
from reporting.count.activities.mapping import CODED, COUNTS, Mapping
from reporting.count.activities.rules import LISTS, Flaw

MOST_WORDS = 500
_ALIKE = 0.85
_FIXED = {"status": "Completed"}
"""A published 5W file contains finished activities only."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal. ``unknown`` contains words without a proposal, by field; ``missing`` contains required fields without
    a column."""

    layout: str
    mapping: Mapping
    unknown: dict[str, list[str]]
    missing: tuple[str, ...]


def proposed(content: bytes, places: Places, known: Mapping | None = None) -> Proposal:
    """Return the proposal for a file's layout. With a `known` mapping, return that mapping and the words that it lacks.
    Raise UnreadableWorkbookError if the file cannot be read."""
    header, body = workbook.parted(content)
    tags: Sequence[Any] = ()
    lines = list(islice(body, workbook.MAX_ROWS))
    if lines and str(lines[0][0] or "").startswith("#"):
        tags = lines.pop(0)
    columns = known.columns if known else tuple(_columns(header, tags))
    fields = [field for _, field in columns]
    fixed = {field: value for field, value in _FIXED.items() if field not in fields}
    words = {field: dict(said) for field, said in (known.words if known else {}).items()}
    unknown: dict[str, list[str]] = {}
    for place, field in enumerate(fields):
        if field is None or field not in CODED | COUNTS:
            continue
        seen = dict.fromkeys(
            str(line[place]).strip()
            for line in lines
            if place < len(line) and line[place] is not None
        )
        for word in islice(filter(None, seen), MOST_WORDS):
            if word not in words.get(field, ()) and not _is_read(field, word, places):
                meant = "" if field in COUNTS else _meant(field, word, places)
                if meant is None:
                    unknown.setdefault(field, []).append(word)
                else:
                    words.setdefault(field, {})[word] = meant
    found = Mapping(columns, words, known.fixed if known else fixed)
    return Proposal(mapping.layout(header), found, unknown, mapping.missing(found))


@cache
def _names() -> dict[str, str]:
    """Return our field by folded column name or tag, for all layouts that we write and for other known layouts."""
    found = {row["name"]: row["field"] for row in rows(__package__, "data/column_names")}
    for table in ("ven_5w_columns", "hxl_columns"):
        for row in rows(__package__, f"data/{table}"):
            key = row.get("column") or row["key"]
            tag = row.get("hxl_tag") or row["hxl"]
            field = "external_id" if key == "id" else key
            if field in FIELDS:
                found |= {key: field, tag: field}
    for column in codes.columns():
        found |= dict.fromkeys((column.key, *column.label.values()), column.key)
    return {_spelled(name): field for name, field in found.items()}


def _spelled(name: str) -> str:
    return name.strip().casefold() if name.startswith("#") else folded(name)


def _columns(header: Sequence[str], tags: Sequence[Any]) -> Iterator[tuple[str, str | None]]:
    given: set[str] = set()
    for place, name in enumerate(header):
        tag = str(tags[place] or "") if place < len(tags) else ""
        field = _names().get(_spelled(name)) or _names().get(_spelled(tag))
        if field in given:
            field = None
        given.add(field or "")
        yield name, field


def _is_read(field: str, word: str, places: Places) -> bool:
    """Return whether the word needs no translation."""
    if field in LISTS:
        return codes.understood(LISTS[field], word) is not None
    if field == "activity_code":
        return word in codes.activity_codes()
    if field in COUNTS:
        return not isinstance(workbook.value(field, word), Flaw)
    return places.is_known(word.upper())


def _meant(field: str, word: str, places: Places) -> str | None:
    if field in LISTS:
        return _closest(word, codes.spellings(LISTS[field]))
    if field == "activity_code":
        names = {
            folded(text): code.code
            for code in codes.activity_codes().values()
            for text in code.label.values()
        }
        return _closest(word, names)
    level = int(field[3])
    found = places.named(word, level=level)
    return found[0].pcode if len(found) == 1 else None


def _closest(word: str, known: dict[str, str]) -> str | None:
    found = get_close_matches(folded(word), known, n=1, cutoff=_ALIKE)
    return known[found[0]] if found else None
