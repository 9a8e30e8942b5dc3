"""The text form of PostgreSQL arrays: what an unnested column of arrays is sent as."""

from collections.abc import Sequence


def array_text(values: Sequence[str]) -> str:
    """The text form of a PostgreSQL array of codes."""
    return "{" + ",".join(f'"{value}"' for value in values) + "}"


def numbers_text(values: list[int]) -> str:
    """That of an array of whole numbers: vectors of a hundred are written nine times for each event."""
    return "{" + str(values)[1:-1] + "}"
