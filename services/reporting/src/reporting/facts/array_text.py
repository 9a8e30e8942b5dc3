"""The text form of PostgreSQL arrays: what an unnested column of arrays is sent as."""

from collections.abc import Sequence


def array_text(values: Sequence[str] | Sequence[int]) -> str:
    """The text form of a PostgreSQL array of codes or whole numbers."""
    quoted = (f'"{value}"' if isinstance(value, str) else str(value) for value in values)
    return "{" + ",".join(quoted) + "}"
