"""JSON in which no object repeats a name. RFC 8259 does not define the meaning of a repeated name: some readers take
the first value, others the last. Therefore, the value that a proxy checked, a person saw or a signature covered might
differ from the value that we use."""

import json
from collections.abc import Sequence
from typing import Any

import orjson


class RepeatedName(ValueError):
    """An object repeats a name. `path` leads from the root to the member, by names and indexes."""

    def __init__(self, path: Sequence[str | int]) -> None:
        super().__init__("an object names a member twice")
        self.path = tuple(path)


class _Found(Exception):
    pass


class _Members(list[tuple[str, Any]]):
    """An object's members in their original order, including repeated ones."""


def loads(content: bytes | str) -> Any:
    """Parse the text. Raise ValueError if it is not JSON, and RepeatedName if an object repeats a name."""
    value = orjson.loads(content)
    refuse_repeated_names(content)
    return value


def refuse_repeated_names(content: bytes | str) -> None:
    """Raise RepeatedName if an object repeats a name. Malformed JSON passes, because its reader reports it better."""
    try:
        json.loads(content, object_pairs_hook=_differing)
    except _Found:
        raise RepeatedName(_first_place(content)) from None
    except ValueError:
        return
    except RecursionError:
        # Before Python 3.12, `json` stops at a thousand levels, while orjson reads more. Refuse JSON that was not
        # checked.
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
    """Return the path of the first repeated name; empty if no name is repeated."""
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
