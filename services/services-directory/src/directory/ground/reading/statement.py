"""A SELECT under construction: text of our own, values only as bound parameters."""

from typing import Any


class Statement:
    """Collects bound values. The parameters are numbered in the order of the arguments, so that the
    same kind of question is the same prepared statement."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def argument(self, value: Any, kind: str) -> str:
        """Bind a value; return its placeholder with its SQL type."""
        self.values.append(value)
        return f"CAST(:p{len(self.values)} AS {kind})"

    def named(self) -> dict[str, Any]:
        """The values by the names of their placeholders."""
        return {f"p{at}": value for at, value in enumerate(self.values, 1)}

    def fork(self) -> "Statement":
        """A statement that starts with the same values."""
        other = Statement()
        other.values = list(self.values)
        return other
