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
