"""The sentences of error responses, each with a stable code and a text in every language. Pure. Code that refuses a
request names the sentence's code. `data/details.csv` contains the sentences, with placeholders {0}, {1}, … for
values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

from common.words.tables import rows

MOST_SHOWN = 1000
"""The most characters of a text that an answer repeats."""
_PLACE = re.compile(r"\{(\d)\}")


@dataclass(frozen=True)
class Detail:
    """The code of a sentence and the values for its placeholders."""

    code: str
    params: tuple[str, ...] = ()

    @classmethod
    def of(cls, code: str, *params: object) -> Self:
        return cls(code, tuple(f"{each}"[:MOST_SHOWN] for each in params))

    def text(self, language: str = "en") -> str:
        return _filled(sentences()[self.code][language], self.params)

    def body(self) -> dict[str, object]:
        """Return the members with which a client can write its own sentence or look it up in `details.csv`."""
        return {
            "detail_code": self.code,
            **({"detail_params": self.params} if self.params else {}),
        }


class Coded(Exception):
    """An error that a pure function raises, with the code of its sentence. The caller raises `because(error.said)`."""

    def __init__(self, code: str, /, *params: object) -> None:
        self.said = Detail.of(code, *params)
        super().__init__(self.said.text())


class WrongValue(Coded, ValueError):
    """An error that a validator raises."""


@cache
def sentences() -> dict[str, dict[str, str]]:
    """Return the sentences by code and language."""
    return {row.pop("detail_code"): row for row in rows("common.words", "data/details")}


def said(code: str, params: Sequence[str], language: str) -> str | None:
    """Return the sentence in `language`, or None for a code that this version does not know."""
    text = sentences().get(code, {}).get(language)
    return None if text is None else _filled(text, params)


def _filled(text: str, params: Sequence[str]) -> str:
    return _PLACE.sub(lambda place: _at(params, int(place[1])), text)


def _at(params: Sequence[str], number: int) -> str:
    return str(params[number]) if number < len(params) else "…"
