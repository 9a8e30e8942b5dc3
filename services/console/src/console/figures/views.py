"""Formats protected counts, always with their interval. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.moments import Moments
from console.shapes import Bar, bars
from console.texts import Wording

_MOST_BARS = 30


def said(one: Mapping[str, Any], say: Wording) -> str:
    """Return a protected count as text; the true count is between `low` and `high`."""
    count, low, high = one["count"], one["low"], one["high"]
    if low is None or high is None:
        return str(count)
    if low <= 0:
        return say("figures.few", high=high)
    return say("figures.about", count=count, low=low, high=high)


@dataclass(frozen=True)
class Counted:
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: str
    chart: tuple[Bar, ...]
    left_out: int


def counted(
    counts: Mapping[str, Any], programme: Mapping[str, Any] | None, say: Wording, codes: Codes
) -> Counted:
    names = list(counts["by"])
    rows = []
    shapes = []
    for one in counts["rows"]:
        labels = [label(programme, name, one["at"].get(name, ""), codes) for name in names]
        words = said(one, say)
        rows.append((*labels, words))
        low = one["low"] if one["low"] is not None else one["count"]
        high = one["high"] if one["high"] is not None else one["count"]
        shapes.append((" · ".join(labels), words, one["count"], max(low, 0), high))
    return Counted(
        (*(dimension(name, say) for name in names), say("figures.count")),
        tuple(rows),
        said({"count": counts["total"], "low": counts["low"], "high": counts["high"]}, say),
        bars(shapes[:_MOST_BARS]),
        max(0, len(shapes) - _MOST_BARS),
    )


def dimension(name: str, say: Wording) -> str:
    return say(f"dim.{name}") if say.has(f"dim.{name}") else name.replace("_", " ")


def label(programme: Mapping[str, Any] | None, name: str, code: str, codes: Codes) -> str:
    known = (programme or {}).get("dimensions", {}).get(name, {}).get(code)
    if known:
        return str(known[codes.language])
    return codes.place(code) if code[:2].isupper() and code[2:].isdigit() else codes.need(code)


_MONTHS = 12
COLUMNS = ("sent", "accepted", "delivered", "unmet", "overdue")


def last_months(counted_on: str) -> list[str]:
    """Return the twelve months up to the current counting month, oldest first, as 2026-11."""
    now = int(counted_on[:4]) * 12 + int(counted_on[5:7]) - 1
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(now - _MONTHS + 1, now + 1)]


@dataclass(frozen=True)
class Series:
    title: str
    rows: tuple[tuple[str, ...], ...]
    chart: tuple[Bar, ...]


def series(
    scope: Mapping[str, Any], months: Sequence[str], say: Wording, codes: Codes, moments: Moments
) -> Series:
    """Return exact referral counts of an AoR or a side, by month of sending."""
    found = {one["month"]: {**one["counts"], "unmet": one["unmet"]} for one in scope["rows"]}
    rows = [[found.get(month, {}).get(name, 0) for name in COLUMNS] for month in months]
    named = [moments.period(month) for month in months]
    title = (
        codes.pathway(scope["id"]) if scope["scope"] == "aor" else say(f"trends.{scope['scope']}")
    )
    return Series(
        title,
        tuple((month, *map(str, row)) for month, row in zip(named, rows, strict=True)),
        bars([(month, str(row[0]), row[0], 0, 0) for month, row in zip(named, rows, strict=True)]),
    )
