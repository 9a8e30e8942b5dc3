"""Loads heavy libraries, which few processes need, on their first use.

    if TYPE_CHECKING:
        import openpyxl
    else:
        openpyxl = lazily("openpyxl")

`importlib.util.LazyLoader` does the same, but is not thread-safe before Python 3.12.
"""

from importlib import import_module
from typing import Any


class _Module:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(import_module(self._name), attribute)
        # Cache the attribute, because computations read it thousands of times.
        setattr(self, attribute, found)
        return found


def lazily(name: str) -> Any:
    """Return a proxy for the module, which is imported on first use and may then raise ModuleNotFoundError."""
    return _Module(name)
