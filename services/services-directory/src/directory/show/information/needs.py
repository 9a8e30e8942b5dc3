"""Needs in everyday words, each with the service categories that meet it, from a table. Pure. A need in danger leads to
a helpline that responds now, so hotlines are among its categories."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from common.words.tables import by_language, rows


@dataclass(frozen=True)
class Need:
    code: str
    categories: tuple[str, ...]
    labels: Mapping[str, str]
    words: Mapping[str, str]
    """By language: the word in a text message."""
    danger: bool = False

    def label(self, language: str) -> str:
        return self.labels[language]


HOTLINE = "HOT"


def checked(need: Need) -> Need:
    """Return the need. Raise ValueError if a person in danger would find no hotline."""
    if need.danger and HOTLINE not in need.categories:
        raise ValueError(f"need {need.code}: danger needs {HOTLINE} among the categories")
    return need


@cache
def needs() -> Mapping[str, Need]:
    return MappingProxyType(
        {
            row["code"]: checked(
                Need(
                    row["code"],
                    tuple(row["categories"].split(";")),
                    by_language(row),
                    by_language(row, "word"),
                    row["danger"] == "yes",
                )
            )
            for row in rows(__package__, "needs")
        }
    )
