"""The tables that translate the Services Advisor's words into our codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from common.words.places import folded
from common.words.tables import by_language, rows


@dataclass(frozen=True, slots=True)
class Activity:
    names: Mapping[str, str]
    categories: tuple[str, ...]

    @property
    def name_en(self) -> str:
        return self.names["en"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a property's value. `exactness`: same; nearest (a similar code); several (one word, many codes);
    text (no code exists, the words remain); document (a required document)."""

    target: str
    codes: tuple[str, ...]
    exactness: str


@cache
def activities() -> Mapping[str, Activity]:
    """Return the activities by folded name."""
    return {
        folded(row["activity"]): Activity(
            by_language(row, "name"), tuple(row["categories"].split(";"))
        )
        for row in rows("directory.files.imports", "data/services_advisor_activities")
    }


@cache
def indicator_categories() -> Mapping[str, str]:
    """Return each folded indicator's service category; most indicators have none."""
    found = rows("directory.files.imports", "data/services_advisor_indicators")
    return {folded(row["indicator"]): row["category"] for row in found}


@cache
def meanings() -> Mapping[str, Mapping[str, Meaning]]:
    """Return the meanings by folded property, then by folded value."""
    found: dict[str, dict[str, Meaning]] = {}
    for row in rows("directory.files.imports", "data/services_advisor_values"):
        codes = tuple(filter(None, row["codes"].split(";")))
        meaning = Meaning(row["target"], codes, row["exactness"])
        found.setdefault(folded(row["property"]), {})[folded(row["value"])] = meaning
    return found
