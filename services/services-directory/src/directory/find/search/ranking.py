"""Ranks services and explains the rank.

score = 10 × text rank (name before category before organisation and description, a quarter for a category that the
words mean, and three times the share of the query that a service matches) + quality (referable 4, fully functional 2 or
partially 1, accepting 2 or waitlist 1, verified 1) − 1 for each 10 km to the nearest site, if the query has a point.
"""

from collections.abc import Sequence
from typing import Any

from directory.find.search.thesaurus import Meant

TEXT_WEIGHT = 10.0
METRES_PER_POINT = 10_000.0
# Weights for D, C, B and A: places, description, organisation and category, name.
WEIGHTS = "'{0.1, 0.3, 0.6, 1.0}'"


def text_rank(query: str) -> str:
    """Return the text rank, bounded by /(1 + rank), so that a long text cannot outweigh a good name."""
    return f"ts_rank({WEIGHTS}, d.vector, {query}, 32)"


MEANING_WEIGHT = 0.25
OTHER_WORDS_WEIGHT = 0.4
ANY_WEIGHT = 0.5
COVERED_WEIGHT = 3.0
"""A third of a question outweighs all of quality, so that no verified service of a similar kind ranks above an exact
match."""
_BY_CATEGORY = 0.9
"""The weight of a word's first category, where the word itself counts 1."""


def meaning(codes: str, first: str) -> str:
    """Return points for a service with categories that the words mean. Closer categories give more points."""
    return (
        f"({MEANING_WEIGHT} * (d.categories && {codes})::int"
        f" + {MEANING_WEIGHT / 2} * (d.categories && {first})::int)"
    )


def covered(units: Sequence[tuple[str, str | None]]) -> str:
    """Return the share of the query that a service matches, by its words or its first category. Each unit is a text
    query and that category."""
    parts = [
        f"greatest((d.vector @@ {said})::int, {_BY_CATEGORY} * (d.categories && {first})::int)"
        if first
        else f"(d.vector @@ {said})::int"
        for said, first in units
    ]
    return f"{COVERED_WEIGHT} * ({' + '.join(parts)}) / {len(parts)}"


def score(rank: str | None, metres: str | None) -> str:
    parts = ["d.quality"]
    if rank:
        parts.append(f"{TEXT_WEIGHT} * {rank}")
    if metres:
        parts.append(f"- coalesce({metres}, 1e7) / {METRES_PER_POINT}")
    return " + ".join(parts).replace("+ -", "-")


def explained(row: Any, meant: Sequence[Meant] = ()) -> dict[str, Any]:
    """Return the parts of one entry's score, with the meanings that contributed to it."""
    found: dict[str, Any] = {
        "id": str(row["service_id"]),
        "quality": round(row["quality"], 2),
        "referable": row["referable"],
        "functional_status": row["functional_status"],
    }
    if row["capacity_state"]:
        found["capacity_state"] = row["capacity_state"]
    if row["valid_until"]:
        found["valid_until"] = row["valid_until"].isoformat()
    own = set(row["categories"])
    if because := [each for each in meant if own & set(each.categories)]:
        found["because"] = [
            Meant(each.said, tuple(code for code in each.categories if code in own)).plain()
            for each in because
        ]
    if row.get("rank") is not None:
        found["text"] = round(TEXT_WEIGHT * row["rank"], 3)
    if row.get("metres") is not None:
        found["distance_m"] = round(row["metres"])
    return found
