"""The kinds of reports: a table with the area of responsibility that answers each kind. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from common.words.tables import by_language, rows


@dataclass(frozen=True)
class Kind:
    code: str
    aor: str
    labels: Mapping[str, str]

    def label(self, language: str) -> str:
        return self.labels[language]


@cache
def kinds() -> Mapping[str, Kind]:
    found = rows(__package__, "kinds")
    return MappingProxyType(
        {row["code"]: Kind(row["code"], row["aor"], by_language(row)) for row in found}
    )


EVERY = "*"


@dataclass(frozen=True)
class Prepared:
    code: str
    kind: str
    texts: Mapping[str, str]


@cache
def prepared() -> tuple[Prepared, ...]:
    return tuple(
        Prepared(row["code"], row["kind"], by_language(row, "text"))
        for row in rows(__package__, "answers")
    )


def for_kind(kind: str | None) -> tuple[Prepared, ...]:
    """Return prepared answers. Answers for this kind of report come before general ones. None returns all."""
    if kind is None:
        return prepared()
    own = tuple(each for each in prepared() if each.kind == kind)
    return own + tuple(each for each in prepared() if each.kind == EVERY)
