"""Choices of the sender of a file."""

from dataclasses import dataclass
from datetime import date

MOST_LINES = 5_000_000
"""Some 100,000 services with all that HSDS can say of them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the sender says about the file. `visibility`: level where the file names none;
    `country`: ISO 3166-1 alpha-3, narrows place names; `source`: the space of the file's ids;
    `most_lines`: of a package's tables together; `named`: somebody gave the publisher a name, so that
    the words of its own that the file uses can be decided upon."""

    today: date
    visibility: str | None = None
    country: str = ""
    source: str = ""
    most_lines: int = MOST_LINES
    named: bool = False
