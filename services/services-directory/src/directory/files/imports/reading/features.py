"""Reads GeoJSON features one at a time, from a FeatureCollection or a bare list."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]  # ships no type information

from directory.files.imports.errors import UNREADABLE_FILE

DEEPEST = 64


def read_features(source: BinaryIO) -> Iterator[Any]:
    """Yield each feature as plain Python objects, with numbers as int or float."""
    first = _first_character(source)
    prefix = "item" if first == b"[" else "features.item"
    try:
        events = shallow(ijson.basic_parse(source, use_float=True))
        yield from ijson.items(ijson.parse(events), prefix)
    except (ijson.JSONError, UnicodeError, ValueError, RecursionError) as error:
        raise UNREADABLE_FILE.because("is_not_valid_json", error) from error


def shallow(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Check the parser's events and yield them. Raise ValueError for too many levels or a repeated member. A megabyte
    of brackets would take minutes to parse, because the parser names each level by its whole path."""
    names: list[set[str]] = []
    for event, value in events:
        if event in ("start_map", "start_array"):
            names.append(set())
            if len(names) > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST} levels")
        elif event in ("end_map", "end_array"):
            names.pop()
        elif event == "map_key":
            if value in names[-1]:
                raise ValueError("an object names a member twice")
            names[-1].add(value)
        yield event, value


def _first_character(source: BinaryIO) -> bytes:
    source.seek(0)
    start = source.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")
    source.seek(0)
    if start.startswith(b"\xef\xbb\xbf"):
        source.seek(3)
    return start[:1]
