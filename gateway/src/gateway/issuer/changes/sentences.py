"""Describes changes to an account to its owner, in Spanish and English. `texts.json` contains the words."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from common import clock
from common.http import page_texts
from common.words.conventions import whole_date

from gateway.issuer.changes.news import By, Line, Part

Names = Mapping[str, str]
"""Names of people by id; a missing name is replaced by the id."""


def told(news: Sequence[Line], names: Names, language: str) -> list[str]:
    """Return one sentence for each change, with its kind, time and author."""
    t = page_texts("gateway.issuer.changes", language)
    return [
        t["line"].format(
            what=t["what"][line.what],
            times=t["times"].format(times=line.times) if line.times > 1 else "",
            when=moment(line.at, language),
            by=_by(line, names, language),
        )
        for line in news
    ]


def parts(last: Mapping[Part, Line], names: Names, language: str) -> list[tuple[str, str]]:
    """Return the name of each part of an account, with the time and the author of its last change."""
    t = page_texts("gateway.issuer.changes", language)
    return [
        (
            t["part"][part],
            f"{moment(last[part].at, language)}, {_by(last[part], names, language)}"
            if part in last
            else t["never"],
        )
        for part in Part
    ]


def moment(at: datetime, language: str) -> str:
    there = at.astimezone(UTC)
    return f"{whole_date(clock.utc_day(at), language)}, {there:%H:%M} UTC"


def _by(line: Line, names: Names, language: str) -> str:
    t = page_texts("gateway.issuer.changes", language)["by"]
    words: str = t[line.whose]
    return words.format(name=names.get(line.by, line.by)) if line.whose is By.OTHER else words
