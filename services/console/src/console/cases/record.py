"""Correction of a record: values of the form replace the shown ones, and all others stay. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

PARTS = ("identity", "attributes")


def corrected(
    case: Mapping[str, Any], made: Mapping[str, Any], names: Iterable[str]
) -> dict[str, Any]:
    """The change: each part whole, for the API replaces it whole; of the rest what the form says."""
    change: dict[str, Any] = {part: _copied(case[part] or {}) for part in PARTS}
    for name in names:
        path = name.removesuffix("[]").split("/")
        if path[0] in PARTS:
            _set(change, path, None)
    change = _merged(change, made)
    return {name: _pruned(value) for name, value in change.items()}


def _copied(value: Any) -> Any:
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _set(into: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        below = into.get(part)
        if not isinstance(below, dict):
            return
        into = below
    into[path[-1]] = value


def _merged(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, Mapping):
        return {**first, **{k: _merged(first.get(k), v) for k, v in second.items()}}
    return _copied(second)


def _pruned(value: Any) -> Any:
    """Drop empty parts: a document without its number, a caregiver without a name."""
    if not isinstance(value, dict):
        return value
    kept = {name: _pruned(one) for name, one in value.items()}
    for part, least in (("document", "number"), ("caregiver", "name")):
        if isinstance(kept.get(part), dict) and least not in kept[part]:
            del kept[part]
    return {name: one for name, one in kept.items() if one not in (None, "", {})}
