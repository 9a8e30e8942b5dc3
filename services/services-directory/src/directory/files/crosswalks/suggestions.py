"""Suggests categories for a term, based on the thesaurus and on similarity. Pure. A suggestion is never applied
automatically: a person decides."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from common.words import codelists
from common.words.places import folded

from directory.find.search.thesaurus import thesaurus

MOST = 5
_LEAST = 0.34
_SAME = 1.0
_UNDERSTOOD = 0.9
_ALIKE = 0.8
"""Similar letters count less than known words."""
_SHORT = 3


class Suggestion(NamedTuple):
    """A suggestion. `score` is from 0 to 1; `because` contains the words that led to it."""

    category: str
    score: float
    because: str


def suggested(name: str) -> list[Suggestion]:
    """Return the suggestions, best first."""
    found: dict[str, Suggestion] = {}

    def take(category: str, score: float, because: str) -> None:
        known = found.get(category)
        if score >= _LEAST and (known is None or score > known.score):
            found[category] = Suggestion(category, round(score, 2), because)

    words = folded(name).split()
    weighty = [word for word in words if len(word) > _SHORT] or words
    for meant in thesaurus().understood(name):
        covered = sum(word in meant.said.split() for word in weighty) / max(len(weighty), 1)
        for place, category in enumerate(meant.categories):
            take(category, _UNDERSTOOD * covered / (1 + place / 4), meant.said)
    grams = _trigrams(words)
    for category, label, labelled in _labels():
        alike = len(grams & labelled) / max(len(grams | labelled), 1)
        take(category, _SAME if alike == 1 else _ALIKE * alike, label)
    return sorted(found.values(), key=lambda each: (-each.score, each.category))[:MOST]


@cache
def _labels() -> Sequence[tuple[str, str, frozenset[str]]]:
    return [
        (code, label, _trigrams(folded(label).split()))
        for code, entry in codelists.categories().items()
        for label in entry.labels.values()
    ]


def _trigrams(words: Sequence[str]) -> frozenset[str]:
    """Return trigrams as pg_trgm does: two spaces before a word, one after."""
    return frozenset(
        padded[at : at + 3]
        for word in words
        for padded in (f"  {word} ",)
        for at in range(len(padded) - 2)
    )
