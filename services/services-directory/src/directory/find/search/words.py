"""The words of a search as SQL: as they are first, with what they mean (thesaurus.py) weighing less;
then, if too little is found, any of them; then as they may have been mistyped."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.words.places import folded

from directory.find.search import ranking
from directory.find.search.thesaurus import Meant, thesaurus
from directory.ground.reading.full_text import words_sql
from directory.ground.reading.statement import Statement

# Each is one more list to read and to rank by.
MOST_OTHERS = 12
_OPERATORS = ('"', " or ", " -")


@dataclass(frozen=True, slots=True)
class Words:
    """A condition on `d`, and its rank (higher is better)."""

    condition: str
    rank: str


def matches(search: str, s: Statement, *, any_word: bool = False, meaning: bool = True) -> Words:
    """The words in either language; websearch syntax ("…", or, -) turns the meaning off.

    A word that the thesaurus knows is also found as the categories that it means; the words beside
    it must then occur. `any_word`: one of the words is enough, or one of the other words for them.
    """
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
        # Named here, too: whoever counts what matches, or puts it in another order, leaves the rank out,
        # and PostgreSQL refuses a value that nothing refers to.
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
            # Words of a phrase in any order: a phrase could not be found by the index alone.
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
"""Words that nearly every service says; they tell nothing of what is asked."""
_MOST_UNITS = 6


def _units(search: str, meant: Sequence[Meant]) -> list[tuple[str, str | None]]:
    """What is asked, piece by piece, with the category that a piece means first: phrases that are understood, and the
    words beside them that tell something."""
    beside = [
        word for word in _beside(search, [each.said for each in meant]).split() if len(word) > 2
    ]
    said = [(each.said, each.categories[0]) for each in meant]
    found = [*said, *((word, None) for word in beside)]
    return ([each for each in found if each[0] not in _VAGUE] or found)[:_MOST_UNITS]


def says_how(search: str) -> bool:
    """Whether it is written in the syntax of a search, and so to be taken as it is."""
    return any(each in f" {search.lower()}" for each in _OPERATORS)


def mistyped(groups: list[list[str]], s: Statement) -> Words:
    """The same for words that were looked up: one of each group must occur."""
    query = "(" + " && ".join(words_sql(" or ".join(group), s) for group in groups) + ")"
    return Words(f"d.vector @@ {query}", ranking.text_rank(query))


def _beside(search: str, said: list[str]) -> str:
    """The words that are not part of a phrase that was understood."""
    rest = f" {' '.join(folded(search).split())} "
    for phrase in said:
        rest = rest.replace(f" {phrase} ", " ", 1)
    return rest.strip()
