"""JSON that can be read in one way only: no object names a member twice.

RFC 8259 leaves the meaning of a repeated name open. Of two readers one takes the first and one the
last, so what a proxy checked, a person was shown or a signature covered need not be what we do.
"""

import json
from collections.abc import Sequence
from typing import Any

import orjson


class RepeatedName(ValueError):
    """`path`: from the root to the member, by names and positions."""

    def __init__(self, path: Sequence[str | int]) -> None:
        super().__init__("an object names a member twice")
        self.path = tuple(path)


class _Found(Exception):
    pass


class _Members(list[tuple[str, Any]]):
    """An object with its members as they were written."""


def loads(content: bytes | str) -> Any:
    """Parse the text; ValueError if it is no JSON, RepeatedName if an object repeats a name."""
    value = orjson.loads(content)
    refuse_repeated_names(content)
    return value


def refuse_repeated_names(content: bytes | str) -> None:
    """RepeatedName if an object names a member twice. Text that is no JSON passes: its reader gives the better error."""
    try:
        json.loads(content, object_pairs_hook=_differing)
    except _Found:
        raise RepeatedName(_first_place(content)) from None
    except ValueError:
        return
    except RecursionError:
        # Before Python 3.12 at a thousand levels, where orjson reads some more: not looked into is not let through.
        if _is_read(content):
            raise RepeatedName(()) from None


def _is_read(content: bytes | str) -> bool:
    try:
        orjson.loads(content)
    except ValueError:
        return False
    return True


def _differing(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _Found


def _first_place(content: bytes | str) -> list[str | int]:
    try:
        return _path_of_first(json.loads(content, object_pairs_hook=_Members))
    except RecursionError:
        return []


def _path_of_first(value: Any) -> list[str | int]:
    """The path of the first repeated name; empty if there is none."""
    if isinstance(value, _Members):
        seen: set[str] = set()
        for name, inner in value:
            if name in seen:
                return [name]
            seen.add(name)
            if below := _path_of_first(inner):
                return [name, *below]
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            if below := _path_of_first(inner):
                return [position, *below]
    return []
