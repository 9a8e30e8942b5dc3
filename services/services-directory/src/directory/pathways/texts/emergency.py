"""The emergency numbers of a country: data, one row per number and country."""

import csv
from functools import cache
from importlib.resources import files
from typing import Any

from common.words.places import Places


@cache
def emergency_numbers(area: str) -> list[dict[str, Any]]:
    """Of the country in which the area lies, the general one first; empty where none is known."""
    country = Places.load().require(area).country
    return [
        {"number": row["number"], "says": {"es": row["es"], "en": row["en"]}}
        for row in _rows()
        if row["country"] == country
    ]


@cache
def _rows() -> tuple[dict[str, str], ...]:
    table = files(__package__) / "emergency_numbers.csv"
    return tuple(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
