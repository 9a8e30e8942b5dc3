"""Emergency numbers by country, one row of data per number and country."""

from functools import cache
from typing import Any

from common.words.places import Places
from common.words.tables import by_language, rows


@cache
def emergency_numbers(area: str) -> list[dict[str, Any]]:
    """Return the emergency numbers of the area's country, general number first. Return an empty list if they are
    unknown."""
    country = Places.load().require(area).country
    return [
        {"number": row["number"], "says": dict(by_language(row, ""))}
        for row in rows(__package__, "emergency_numbers")
        if row["country"] == country
    ]
