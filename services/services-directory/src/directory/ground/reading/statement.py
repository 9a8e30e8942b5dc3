"""Builds a SELECT: our own text, with values only as bound parameters."""

from typing import Any


class Statement:
    """Collects bound values, numbered in the order in which they are added, so that similar queries share a prepared
    statement."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def argument(self, value: Any, kind: str) -> str:
        """Bind a value; return its placeholder with its SQL type."""
        self.values.append(value)
        return f"CAST(:p{len(self.values)} AS {kind})"

    def named(self) -> dict[str, Any]:
        """Return the values by placeholder name."""
        return {f"p{at}": value for at, value in enumerate(self.values, 1)}

    def fork(self) -> "Statement":
        """Return a statement that starts with the same values."""
        other = Statement()
        other.values = list(self.values)
        return other
