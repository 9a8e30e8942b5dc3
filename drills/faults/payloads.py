"""Compares what was sent with what is read. Each sent member must be present with its value.

Pure: no I/O. It ignores additional members in the response (ids, times, derived values).
"""

from collections.abc import Iterator, Mapping
from typing import Any


def differences(sent: Mapping[str, Any], read: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Yield pointers to missing or different members, but never their values."""
    for name, value in sent.items():
        there = read.get(name)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            yield from differences(value, there, f"{at}/{name}")
        elif there != value:
            yield f"{at}/{name}"
