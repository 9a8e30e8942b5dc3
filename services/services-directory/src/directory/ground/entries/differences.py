"""Compares two versions of a document, field by field, as JSON pointers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """A field that differs. `old` or `new` is None if that version lacks the field."""

    pointer: str
    old: Any
    new: Any


def differences(old: Any, new: Any, pointer: str = "") -> Iterator[Difference]:
    """Yield the leaves that differ. Objects in lists are matched by id, not by position."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from differences(old.get(key), new.get(key), f"{pointer}/{_escaped(key)}")
    elif _has_ids(old) and _has_ids(new):
        before, after = _by_id(old), _by_id(new)
        for key in dict.fromkeys((*before, *after)):
            yield from differences(before.get(key), after.get(key), f"{pointer}/{key}")
    elif old != new:
        yield Difference(pointer, old, new)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _has_ids(value: Any) -> bool:
    """Return whether all objects in the list have distinct text ids, so that none hides another."""
    if not isinstance(value, list):
        return False
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in value]
    return all(isinstance(each, str) for each in ids) and len(set(ids)) == len(ids)


def _by_id(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in items}
