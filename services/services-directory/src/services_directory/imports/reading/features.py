"""GeoJSON features one at a time, from a FeatureCollection or a bare list."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]  # ships no type information

from services_directory.imports.errors import UNREADABLE_FILE


def read_features(source: BinaryIO) -> Iterator[Any]:
    """Each feature as plain Python objects, numbers as int or float."""
    first = _first_character(source)
    prefix = "item" if first == b"[" else "features.item"
    try:
        yield from ijson.items(source, prefix, use_float=True)
    except (ijson.JSONError, UnicodeError, ValueError, RecursionError) as error:
        raise UNREADABLE_FILE.because(f"It is not valid JSON: {error}.") from error


def _first_character(source: BinaryIO) -> bytes:
    source.seek(0)
    start = source.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")
    source.seek(0)
    if start.startswith(b"\xef\xbb\xbf"):
        source.seek(3)
    return start[:1]
