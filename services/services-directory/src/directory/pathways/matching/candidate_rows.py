"""Turns shortlist rows into candidates, each with the site nearest to the person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import orjson
from common.words.places import Places

from directory.ground.hsds.opening_hours import Season
from directory.pathways.matching.candidates import Candidate, ReferralWay
from directory.pathways.matching.proximity import apart

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a shortlist: candidates by need, the number of services that meet the query's conditions, the ETag
    of every document read, and the ids of the restricted services among them."""

    candidates: dict[str, list[Candidate]]
    fitting: dict[str, int]
    etags: frozenset[tuple[str, str]]
    sensitive: frozenset[str] = frozenset()


def found(rows: Iterable[Any], wanted: str) -> Found:
    """Return the candidates from the rows of candidate_queries.py. `wanted` is the P-code of the person's area."""
    candidates: dict[str, list[Candidate]] = {}
    counts: dict[str, int] = {}
    etags, sensitive = set(), set()
    for row in rows:
        candidate = _candidate(row, wanted)
        candidates.setdefault(candidate.need, []).append(candidate)
        counts[candidate.need] = row["fits"]
        etags.add((candidate.service_id, row["etag"]))
        if row["sensitive"]:
            sensitive.add(candidate.service_id)
    return Found(candidates, counts, frozenset(etags), frozenset(sensitive))


_SETS = ("sexes", "populations", "nationalities", "documents", "languages", "areas", "endorsed_by")
_SAME = (
    "name", "referable", "functional_status", "capacity_state", "minimum_age", "maximum_age", "hours_unread",
    "verified_on", "valid_until", "provider_level",
)  # fmt: skip
"""Columns with the same name in a candidate."""


def _candidate(row: Any, wanted: str) -> Candidate:
    """Return the candidate with the site nearest to the area. The area's name decides first, then the distance."""
    referral = orjson.loads(row["referral"]) if row["referral"] else {}
    sites = [(pcode, _point(text)) for pcode, text in zip(
        row["pcodes"] or (), row["points"] or (), strict=True
    )]  # fmt: skip
    area, point = min(
        sites,
        key=lambda site: (_steps_apart(site[0], wanted), apart(site[0], site[1], wanted)),
        default=(None, None),
    )
    same: dict[str, Any] = {name: row[name] for name in _SAME}
    same |= {name: _codes(row[name]) for name in _SETS}
    return Candidate(
        service_id=str(row["service_id"]),
        organisation=row["organization_name"] or "",
        need=row["need"],
        area=area,
        point=point,
        remote=_is_remote(row, referral),
        modes=_codes(referral.get("intake_modes")),
        open_minutes=tuple([(span.lower, span.upper) for span in row["open_minutes"]]),
        seasons=_seasons(row),
        referral=ReferralWay(**{name: referral.get(name) for name in ReferralWay.__slots__}),
        **same,
    )


def _seasons(row: Any) -> tuple[Season, ...]:
    if row["season_days"] is None:
        return ()
    return tuple([
        Season(
            days.lower,
            days.upper and days.upper - timedelta(days=1),
            None if minutes.isempty else (minutes.lower, minutes.upper),
        )
        for days, minutes in zip(row["season_days"], row["season_minutes"], strict=True)
    ])  # fmt: skip


_NONE: frozenset[str] = frozenset()


def _codes(values: list[str] | None) -> frozenset[str]:
    return frozenset(values) if values else _NONE


@lru_cache(maxsize=100_000)
def _steps_apart(site: str | None, area: str) -> int:
    """Return 0 for the same municipality, 1 for the same state, 2 for elsewhere, and 3 without a place."""
    places = Places.load()
    if site is None or not places.is_known(site):
        return 3
    for steps, level in enumerate((2, 1)):
        if places.at_most(site, level) == places.at_most(area, level):
            return steps
    return 2


def _point(text: str | None) -> Point | None:
    """Parse a point, which PostgreSQL writes as "(longitude,latitude)"."""
    if text is None:
        return None
    longitude, latitude = text.strip("()").split(",")
    return float(latitude), float(longitude)


def _is_remote(row: Any, referral: dict[str, Any]) -> bool:
    """Return whether the service is a hotline, or visits people and has no place of its own."""
    modes = referral.get("intake_modes", ())
    if "hotline" in modes:
        return True
    return "outreach" in modes and not any(row["pcodes"] or ())
