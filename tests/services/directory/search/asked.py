"""The judged questions of tests/data/search, and how well a way of searching answers them."""

import csv
from collections.abc import Awaitable, Callable
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
    """Names of the services that answer it."""


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
        )
        for row in rows
    ]


@dataclass
class Success:
    """How many questions had one of their services among the first five."""

    asked: int
    missed: list[str]

    @property
    def share(self) -> float:
        return 1 - len(self.missed) / self.asked


async def success(search: Search, language: str, half: str) -> Success:
    chosen = [q for q in questions() if (q.language, q.half) == (language, half)]
    missed = [q.text for q in chosen if not q.relevant & set((await search(q.text))[:FIRST])]
    return Success(len(chosen), missed)
