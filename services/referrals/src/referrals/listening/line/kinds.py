"""What a report can be about: a table, with the area of responsibility that answers it. Pure."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Kind:
    code: str
    aor: str
    label_es: str
    label_en: str

    def label(self, language: str) -> str:
        return self.label_en if language == "en" else self.label_es


@cache
def kinds() -> Mapping[str, Kind]:
    text = files("referrals.listening.line").joinpath("kinds.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["code"]: Kind(**row) for row in csv.DictReader(text.splitlines())})


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
