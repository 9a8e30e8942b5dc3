"""Heavy libraries that few processes ever use are loaded when they are first asked for something.

    if TYPE_CHECKING:
        import openpyxl
    else:
        openpyxl = lazily("openpyxl")

`importlib.util.LazyLoader` would do the same, but before Python 3.12 not from two threads at once.
"""

from importlib import import_module
from typing import Any


class _Module:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(import_module(self._name), attribute)
        # The next time it is an attribute like any other: who computes asks thousands of times.
        setattr(self, attribute, found)
        return found


def lazily(name: str) -> Any:
    """The module of that name, imported by the first question to it; ModuleNotFoundError then."""
    return _Module(name)
