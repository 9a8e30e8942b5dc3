"""What was sent against what is read: each member that was given is there with its value.

Pure: no I/O. What a reading shows beside it (ids, times, what was made of it) is its own business.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def differences(sent: Mapping[str, Any], read: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Pointers of members that are missing or other than sent; never their values."""
    for name, value in sent.items():
        there = read.get(name)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            yield from differences(value, there, f"{at}/{name}")
        elif there != value:
            yield f"{at}/{name}"
