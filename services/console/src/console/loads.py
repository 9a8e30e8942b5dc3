"""Formats the amount of waiting work, its age and its owners for display. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from console.moments import Moments
from console.texts import Wording


@dataclass(frozen=True)
class Load:
    """Work of one kind or one person. `people` shows how much of it each person has."""

    what: str
    count: int
    overdue: int
    since: str
    people: tuple[str, ...] = ()


def by_kind(
    rows: Iterable[Mapping[str, Any]], names: Mapping[str, str], say: Wording, moments: Moments
) -> list[Load]:
    """Return one row for each kind, in the API's order."""
    return [
        _sum(
            say.known(f"kind.{kind}", "kind.other"),
            each := list(of_kind),
            moments,
            tuple(f"{_name(one['person'], names, say)}: {one['count']}" for one in each),
        )
        for kind, of_kind in groupby(rows, itemgetter("kind"))
    ]


def of_person(
    rows: Iterable[Mapping[str, Any]], person: str | None, what: str, moments: Moments
) -> Load | None:
    """Return the total of a person's work, or of unassigned work; None if there is none."""
    theirs = [one for one in rows if one["person"] == person]
    return _sum(what, theirs, moments) if theirs else None


def _sum(
    what: str, rows: list[Mapping[str, Any]], moments: Moments, people: tuple[str, ...] = ()
) -> Load:
    return Load(
        what,
        sum(one["count"] for one in rows),
        sum(one["overdue"] for one in rows),
        moments.at(min(one["oldest"] for one in rows)),
        people,
    )


def _name(person: str | None, names: Mapping[str, str], say: Wording) -> str:
    return say("load.nobody") if person is None else names.get(person, say("load.somebody"))
