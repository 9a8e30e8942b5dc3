"""Compares what was sent with what is read: each given member must be there with its value.

Pure: no I/O. Additional members of the reading (ids, times, derived values) are ignored.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def differences(sent: Mapping[str, Any], read: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Return pointers to missing or different members; never their values."""
    for name, value in sent.items():
        there = read.get(name)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            yield from differences(value, there, f"{at}/{name}")
        elif there != value:
            yield f"{at}/{name}"
