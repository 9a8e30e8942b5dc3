"""The judged queries in tests/data/search, and a score for a search method."""

import csv
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "data" / "search"
SERVICES = FOLDER / "services.csv"
FIRST = 5

Search = Callable[[str], Awaitable[list[str]]]
"""The names of the first services for a question."""


@dataclass(frozen=True)
class Question:
    language: str
    half: str
    text: str
    relevant: frozenset[str]
    """Names of the services that answer it, as agreed after two readings."""
    marked: tuple[frozenset[str], frozenset[str]]
    """What the first and the second reading marked, before they were compared."""


def names() -> dict[str, str]:
    rows = csv.DictReader(SERVICES.read_text("utf-8").splitlines())
    return {row["external_id"]: row["name"] for row in rows}


def questions() -> list[Question]:
    known = names()
    rows = csv.DictReader((FOLDER / "questions.csv").read_text("utf-8").splitlines())
    return [
        Question(
            row["language"],
            row["half"],
            row["question"],
            frozenset(known[each] for each in row["relevant"].split()),
            (
                frozenset(known[each] for each in row["first"].split()),
                frozenset(known[each] for each in row["second"].split()),
            ),
        )
        for row in rows
    ]


def agreement(asked: Sequence[Question]) -> float:
    """Return Cohen's kappa for the two judges over all pairs of a query and a service."""
    pairs = len(asked) * len(names())
    first, second = (sum(len(each.marked[at]) for each in asked) for at in (0, 1))
    both = sum(len(each.marked[0] & each.marked[1]) for each in asked)
    same = (pairs - first - second + 2 * both) / pairs
    by_chance = (first * second + (pairs - first) * (pairs - second)) / pairs**2
    return (same - by_chance) / (1 - by_chance)


@dataclass
class Success:
    """The number of queries with a relevant service among the first five results."""

    asked: int
    missed: list[str]

    @property
    def share(self) -> float:
        return 1 - len(self.missed) / self.asked


async def success(search: Search, language: str, half: str) -> Success:
    chosen = [q for q in questions() if (q.language, q.half) == (language, half)]
    missed = [q.text for q in chosen if not q.relevant & set((await search(q.text))[:FIRST])]
    return Success(len(chosen), missed)
