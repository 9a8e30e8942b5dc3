"""Finds words similar to a mistyped one, among those in documents at the caller's levels."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from common.sight import Audience
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.reading.rows_queries import fetch
from directory.ground.reading.statement import Statement

# Minimum trigram similarity of a substitute: "sicologia" ~ "psicologia" is 0.57.
SIMILAR = 0.4
# Each word is compared with all stored words, so only the first words of a long search are used.
MOST_WORDS = 6


async def similar(session: AsyncSession, audience: Audience, text: str) -> list[list[str]]:
    """Return, for each word of the search, all similar words at the audience's levels. Never limit them to the best
    few: then a word of a hidden document could change the result."""
    wanted = [word for word in folded(text).split() if len(word) >= 3][:MOST_WORDS]
    if not wanted:
        return []
    s = Statement()
    asked = s.argument(wanted, "text[]")
    levels = s.argument(list(audience.levels), "smallint[]")
    rows = await fetch(
        session,
        f"SELECT w.ordinality, s.word FROM unnest({asked}) WITH ORDINALITY AS w(word, ordinality)"
        f" JOIN search_words s ON s.word % w.word AND s.level = ANY({levels})"
        f" AND similarity(s.word, w.word) >= {SIMILAR} GROUP BY 1, 2 ORDER BY 1, 2",
        s,
    )
    groups: dict[int, list[str]] = {}
    for row in rows:
        groups.setdefault(row["ordinality"], []).append(row["word"])
    if len(groups) < len(wanted):
        return []
    return list(groups.values())
