"""What people call what they need: their words, in Spanish and English, to service categories. Data.

Phrases are found whole and the longest first, accents and case aside; a plural finds its singular.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from common import codelists
from common.places import folded

_SUGGESTED = 8


@dataclass(frozen=True, slots=True)
class Meant:
    """Words of a search and the categories that they mean."""

    said: str
    categories: tuple[str, ...]

    def plain(self) -> dict[str, object]:
        known = codelists.categories()
        return {
            "said": self.said,
            "categories": [
                {"code": code, "es": known.label(code, "es"), "en": known.label(code, "en")}
                for code in self.categories
            ],
        }


def understood(search: str) -> list[Meant]:
    """What the words mean, in their order; nothing for words that mean nothing here."""
    words = folded(search.replace('"', " ")).split()
    known, longest = _phrases(), _longest()
    found: list[Meant] = []
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            codes = known.get(phrase) or known.get(_singular(phrase))
            if codes:
                found.append(Meant(phrase, codes))
                at += length
                break
        else:
            at += 1
    return found


def suggestions(beginning: str, language: str) -> list[Meant]:
    """What may be meant by what was typed so far: phrases that begin so, then those with a word that
    does; the categories' own names among them."""
    wanted = folded(beginning)
    if len(wanted) < 2:
        return []
    spoken = [phrase for phrase, tongue in _spoken() if tongue == language]
    first = [phrase for phrase in spoken if folded(phrase).startswith(wanted)]
    then = [phrase for phrase in spoken if f" {wanted}" in f" {folded(phrase)}"]
    chosen = list(dict.fromkeys([*first, *then]))[:_SUGGESTED]
    return [Meant(phrase, _phrases()[folded(phrase)]) for phrase in chosen]


def _singular(phrase: str) -> str:
    if phrase.endswith("es") and len(phrase) > 4 and phrase[:-2] in _phrases():
        return phrase[:-2]
    return phrase.removesuffix("s")


def _concepts() -> Iterator[tuple[tuple[str, ...], str, list[str]]]:
    """(categories, language, phrases)."""
    table = files("services_directory.search").joinpath("data", "thesaurus.csv")
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        codes = tuple(row["categories"].split(";"))
        for language in ("es", "en"):
            yield codes, language, [each.strip() for each in row[language].split(";")]


@cache
def _phrases() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for codes, _, phrases in _concepts():
        for phrase in phrases:
            key = folded(phrase)
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *codes)))
    return found


@cache
def _longest() -> int:
    return max(len(phrase.split()) for phrase in _phrases())


@cache
def _spoken() -> tuple[tuple[str, str], ...]:
    return tuple((phrase, language) for _, language, phrases in _concepts() for phrase in phrases)
