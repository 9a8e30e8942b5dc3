"""The details of refusals, each by a stable code with what it speaks of, and in every language. Pure.

Whoever refuses writes the detail in English where it is refused. `data/details.csv` holds each of these sentences, with
{0}, {1}, … where something is filled in; a sentence is found in it again, so that no refusal names its code twice.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PLACE = re.compile(r"\{(\d)\}")


@dataclass(frozen=True)
class Detail:
    """`params` in the order of the places; they stand in the sentence, too."""

    code: str
    params: tuple[str, ...] = ()


@cache
def sentences() -> dict[str, dict[str, str]]:
    """By code, then by language."""
    text = files("common").joinpath("data", "details.csv").read_text(encoding="utf-8")
    return {row.pop("detail_code"): row for row in csv.DictReader(text.splitlines())}


@cache
def _whole() -> dict[str, str]:
    return {said["en"]: code for code, said in sentences().items() if not _PLACE.search(said["en"])}


@cache
def _with_places() -> list[tuple[re.Pattern[str], str]]:
    """Those that say most of their own come first."""
    listed = [(said["en"], code) for code, said in sentences().items() if _PLACE.search(said["en"])]
    listed.sort(key=lambda pair: -len(_PLACE.sub("", pair[0])))
    return [
        (re.compile("(.+?)".join(map(re.escape, re.split(r"\{\d\}", text))), re.DOTALL), code)
        for text, code in listed
    ]


def detail_of(sentence: str) -> Detail | None:
    """None where nobody has put it into the table: what another library says, for one."""
    if code := _whole().get(sentence):
        return Detail(code)
    for pattern, code in _with_places():
        if found := pattern.fullmatch(sentence):
            return Detail(code, found.groups())
    return None


def said(code: str, params: Sequence[str], language: str) -> str | None:
    """The sentence in a language; None for a code that is newer than this table."""
    text = sentences().get(code, {}).get(language)
    if text is None:
        return None
    return _PLACE.sub(lambda place: _at(params, int(place[1])), text)


def _at(params: Sequence[str], number: int) -> str:
    return str(params[number]) if number < len(params) else "…"
