"""Turns the words of a search into SQL. It first uses the words as given, and their meaning (thesaurus.py) at a lower
weight. If too few services match, it uses any of the words, and then similar words."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.words.places import folded

from directory.find.search import ranking
from directory.find.search.thesaurus import Meant, thesaurus
from directory.ground.reading.full_text import words_sql
from directory.ground.reading.statement import Statement

# Each synonym adds an index list to read and to rank.
MOST_OTHERS = 12
_OPERATORS = ('"', " or ", " -")


@dataclass(frozen=True, slots=True)
class Words:
    """A condition on `d` and its rank (a higher rank is better)."""

    condition: str
    rank: str


def matches(search: str, s: Statement, *, any_word: bool = False, meaning: bool = True) -> Words:
    """Return the condition for the words in either language. Websearch syntax ("…", or, -) turns the meaning off. A
    word in the thesaurus also matches its categories; the other words must then occur. With `any_word`, one of the
    words or synonyms is enough."""
    exact = words_sql(search, s)
    condition, rank = f"d.vector @@ {exact}", ranking.text_rank(exact)
    if says_how(search) or not meaning:
        return Words(condition, rank)
    meant = thesaurus().understood(search)
    if meant:
        codes = s.argument(sorted({c for each in meant for c in each.categories}), "text[]")
        first = s.argument(sorted({each.categories[0] for each in meant}), "text[]")
        beside = _beside(search, [each.said for each in meant])
        means = f"d.categories && {codes}"
        rank = f"({rank} + {ranking.meaning(codes, first)})"
        if beside and not any_word:
            rest = words_sql(beside, s)
            means = f"({means} AND (numnode({rest}) = 0 OR d.vector @@ {rest}))"
        # Use `first` here too. Otherwise a query that counts or sorts omits the rank, and PostgreSQL rejects a value
        # that the statement does not use.
        condition = f"(({condition} OR {means}) AND {first} IS NOT NULL)"
    units = [
        (words_sql(said, s), first and s.argument([first], "text[]"))
        for said, first in _units(search, meant)
    ]
    if units:
        rank = f"({rank} + {ranking.covered(units)})"
        bound = [each for unit in units for each in unit if each]
        condition = f"({condition} AND {' AND '.join(f'{each} IS NOT NULL' for each in bound)})"
    if any_word:
        others = dict.fromkeys(word for each in meant for word in each.words)
        if others:
            # Match the words of a phrase in any order, because the index alone cannot find a phrase.
            otherwise = words_sql(" or ".join(list(others)[:MOST_OTHERS]), s)
            condition = f"({condition} OR d.vector @@ {otherwise})"
            rank = f"({rank} + {ranking.OTHER_WORDS_WEIGHT} * {ranking.text_rank(otherwise)})"
        some = words_sql(" or ".join(folded(search).split()), s)
        condition = f"({condition} OR d.vector @@ {some})"
        rank = f"({rank} + {ranking.ANY_WEIGHT} * {ranking.text_rank(some)})"
    return Words(condition, rank)


_VAGUE = frozenset({
    "apoyo", "atencion", "ayuda", "busco", "centro", "como", "donde", "gratis", "necesito", "para", "programa", "puedo",
    "quiero", "servicio", "servicios", "and", "can", "care", "center", "centre", "find", "for", "free", "from", "get",
    "group", "help", "how", "need", "people", "program", "service", "services", "support", "the", "where", "with",
})  # fmt: skip
"""Words that nearly every service contains, so they do not narrow a search."""
_MOST_UNITS = 6


def _units(search: str, meant: Sequence[Meant]) -> list[tuple[str, str | None]]:
    """Return the parts of the search: known phrases, each with its first category, and the other significant words."""
    beside = [
        word for word in _beside(search, [each.said for each in meant]).split() if len(word) > 2
    ]
    said = [(each.said, each.categories[0]) for each in meant]
    found = [*said, *((word, None) for word in beside)]
    return ([each for each in found if each[0] not in _VAGUE] or found)[:_MOST_UNITS]


def says_how(search: str) -> bool:
    """Return whether the search contains search syntax. If so, its meaning is not used."""
    return any(each in f" {search.lower()}" for each in _OPERATORS)


def mistyped(groups: list[list[str]], s: Statement) -> Words:
    """Return the condition for the corrected words. One word of each group must occur."""
    query = "(" + " && ".join(words_sql(" or ".join(group), s) for group in groups) + ")"
    return Words(f"d.vector @@ {query}", ranking.text_rank(query))


def _beside(search: str, said: list[str]) -> str:
    """Return the words that are not part of a known phrase."""
    rest = f" {' '.join(folded(search).split())} "
    for phrase in said:
        rest = rest.replace(f" {phrase} ", " ", 1)
    return rest.strip()
