"""Keeps phone numbers and contacts hidden through imports if an editor hid them. Pure. A file does not know which parts
are hidden. Without this rule, an import would publish a hidden number or delete a missing one."""

from collections.abc import Iterator
from typing import Any

from common.sight import NAMES, PUBLIC, RESTRICTED
from common.words.places import folded

from directory.ground.hsds.visibility import level_of

Document = dict[str, Any]
_LISTS = ("phones", "contacts")


def keeping_hidden(before: Document, after: Document) -> Document:
    """Return `after` with each number and contact at least as hidden as in `before`. Add the hidden parts of the entry
    that `after` lacks."""
    hidden: dict[str, int] = {}
    for key, part in _parts(before):
        sign = _sign(key, part)
        hidden[sign] = min(level_of(part), hidden.get(sign, RESTRICTED))
    hidden = {sign: level for sign, level in hidden.items() if sign and level > PUBLIC}
    if not hidden:
        return after
    said = {_sign(key, part) for key, part in _parts(after)}
    kept: Document = _raised(after, hidden)
    for key in _LISTS:
        lost = [
            {name: value for name, value in part.items() if name != "id"}
            for part in before.get(key, [])
            if (sign := _sign(key, part)) in hidden and sign not in said
        ]
        if lost:
            kept = {**kept, key: [*kept.get(key, []), *lost]}
    return kept


def _parts(item: Any) -> Iterator[tuple[str, Document]]:
    """Yield every phone number and contact, at any depth."""
    if isinstance(item, list):
        for each in item:
            yield from _parts(each)
    elif isinstance(item, dict):
        for key, value in item.items():
            if key in _LISTS:
                yield from ((key, part) for part in value)
            if isinstance(value, dict | list):
                yield from _parts(value)


def _sign(key: str, part: Document) -> str:
    """Return the key that identifies a part. For a phone number it is the last digits, because formats differ."""
    if key == "phones":
        return "".join(char for char in str(part.get("number", "")) if char.isdigit())[-8:]
    return folded(f"{part.get('name', '')} {part.get('email', '')}").strip()


def _raised(item: Any, hidden: dict[str, int]) -> Any:
    if isinstance(item, list):
        return [_raised(each, hidden) for each in item]
    if not isinstance(item, dict):
        return item
    after = {key: _raised(value, hidden) for key, value in item.items()}
    for key in _LISTS:
        if key in after:
            after[key] = [
                _at_least(part, hidden.get(_sign(key, part), PUBLIC)) for part in after[key]
            ]
    return after


def _at_least(part: Document, level: int) -> Document:
    return {**part, "visibility": NAMES[level]} if level_of(part) < level else part
