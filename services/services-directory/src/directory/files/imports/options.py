"""The sender's choices for a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

MOST_LINES = 5_000_000
"""About 100,000 services with every HSDS field."""


@dataclass(frozen=True, slots=True)
class Options:
    """The sender's choices.

    `visibility`: the level if the file names none. `country`: ISO 3166-1 alpha-3; narrows down place names. `source`:
    the namespace of the file's ids. `most_lines`: the limit for all tables of a package together. `named`: whether the
    sender named the publisher, so that people can decide on the publisher's own words. `places`: the P-codes that the
    sender accepted for names, folded.
    """

    today: date
    visibility: str | None = None
    country: str = ""
    source: str = ""
    most_lines: int = MOST_LINES
    named: bool = False
    places: Mapping[str, str] = field(default_factory=dict)
