"""Answers that the desk may begin with: a table in both languages. Pure.

They are beginnings, not answers by themselves: whoever sends one has read the report. None promises
anything, and none asks for a name.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EVERY = "*"


@dataclass(frozen=True)
class Prepared:
    code: str
    kind: str
    text_es: str
    text_en: str


@cache
def prepared() -> tuple[Prepared, ...]:
    text = files("referrals.listening.line").joinpath("answers.csv").read_text(encoding="utf-8")
    return tuple(Prepared(**row) for row in csv.DictReader(text.splitlines()))


def for_kind(kind: str | None) -> tuple[Prepared, ...]:
    """Those of this kind of report first, then those for every kind; None: all."""
    if kind is None:
        return prepared()
    own = tuple(each for each in prepared() if each.kind == kind)
    return own + tuple(each for each in prepared() if each.kind == EVERY)
