"""What a report can be about: a table, with the area of responsibility that answers it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from common.words.tables import rows


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
    return MappingProxyType({row["code"]: Kind(**row) for row in rows(__package__, "kinds")})


EVERY = "*"


@dataclass(frozen=True)
class Prepared:
    code: str
    kind: str
    text_es: str
    text_en: str


@cache
def prepared() -> tuple[Prepared, ...]:
    return tuple(Prepared(**row) for row in rows(__package__, "answers"))


def for_kind(kind: str | None) -> tuple[Prepared, ...]:
    """Those of this kind of report first, then those for every kind; None: all."""
    if kind is None:
        return prepared()
    own = tuple(each for each in prepared() if each.kind == kind)
    return own + tuple(each for each in prepared() if each.kind == EVERY)
