"""The emergency numbers of a country: data, one row per number and country."""

from functools import cache
from typing import Any

from common.words.places import Places
from common.words.tables import by_language, rows


@cache
def emergency_numbers(area: str) -> list[dict[str, Any]]:
    """Emergency numbers of the country of the area, the general one first; empty if none is known."""
    country = Places.load().require(area).country
    return [
        {"number": row["number"], "says": dict(by_language(row, ""))}
        for row in rows(__package__, "emergency_numbers")
        if row["country"] == country
    ]
