"""Determines the outcome of values by comparing them with the stored record. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from directory.files.imports.outcomes.fidelity import Fate, Outcome, RowFates

Document = Mapping[str, Any]
OwnId = Callable[[UUID], UUID]


def as_stored(
    rows: Sequence[RowFates], stored: Document, cells: Document, lost: str, own: OwnId
) -> list[RowFates]:
    """Return the rows with their outcomes. `stored`: the record with its organisation; `cells`: the same as a sheet
    row; `lost`: the reason for a missing value; `own`: returns the directory's id for the sender's entry."""
    objects = dict(_objects(stored))
    service = str(stored["id"])

    @cache  # each row in a package refers to its parents
    def stands(given: str) -> str:
        """Return the id under which the directory stores the file's `given` id."""
        if given == str(rows[0].made.get("id")):
            return service
        try:
            forms = (str(own(UUID(given))), str(uuid5(UUID(service), given)))
        except ValueError:
            return ""  # the directory replaces such an id
        return next((each for each in forms if each in objects), given)

    found = []
    for row in rows:
        held = cells if row.sheet else objects.get(stands(str(row.made.get("id", ""))))
        fates = {
            name: fate
            if fate.outcome is Outcome.LEFT_OUT or not row.made
            else fate.left_out(lost)
            if held is None
            else _linked(fate, row.links[name], stands)
            if name in row.links
            else _judged(name, fate, row, held, lost)
            for name, fate in row.fates.items()
        }
        found.append(replace(row, fates=fates))
    return found


def _linked(fate: Fate, given: str, stands: Callable[[str], str]) -> Fate:
    if fate.outcome is Outcome.CHANGED or stands(given) == given:
        return fate
    return replace(fate, outcome=Outcome.CHANGED, reason="ids_replaced")


def _judged(name: str, fate: Fate, row: RowFates, held: Document, lost: str) -> Fate:
    name = name.partition("/")[0]
    if name not in row.made or (row.sheet and name not in held):
        return fate
    kept = held.get(name)
    if kept in (None, "", []):
        return fate.left_out(lost)
    if fate.outcome is Outcome.CHANGED or (row.sheet and name != "pcode"):
        return fate
    made = row.made[name]
    if kept == made or _normal(kept) == _normal(made):
        return fate
    reason = "ids_replaced" if name in ("id", "external_id") else "stored_otherwise"
    return replace(fate, outcome=Outcome.CHANGED, reason=reason)


def _objects(value: Any) -> Iterator[tuple[str, Document]]:
    if isinstance(value, dict):
        if "id" in value:
            yield str(value["id"]), value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _normal(value: object) -> object:
    """Return the value normalised for comparison: a time without seconds, a number for its text, single spaces."""
    if isinstance(value, bool | dict | list):
        return value
    text = " ".join(str(value).split())
    try:
        return float(text)
    except ValueError:
        return (text[:-3] if len(text) == 8 and text[2::3] == "::" else text).casefold()
