"""Rows of the shortlist as candidates, with the site that is nearest to the person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from common.words.places import Places

from directory.ground.hsds.opening import Season
from directory.pathways.matching.candidates import Candidate, ReferralWay
from directory.pathways.matching.proximity import apart

Point = tuple[float, float]
Key = tuple[UUID, int, str, str]
"""Of a stored document and what it is looked at for: service, level, ETag, need."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one stored document says. `candidate` is at the first of `sites` (P-code, point)."""

    candidate: Candidate
    sites: tuple[tuple[str | None, Point | None], ...]

    def near(self, area: str) -> Candidate:
        """The candidate at its site nearest to the area: by name of place, then by distance."""
        if len(self.sites) < 2:
            return self.candidate
        at = min(
            self.sites,
            key=lambda site: (_steps_apart(site[0], area), apart(site[0], site[1], area)),
        )
        return replace(self.candidate, area=at[0], point=at[1])


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates by need, how many fit by what the query asks, the ETag of every document that was read, and the
    ids of restricted services among them."""

    candidates: dict[str, list[Candidate]]
    fitting: dict[str, int]
    etags: frozenset[tuple[str, str]]
    sensitive: frozenset[str] = frozenset()


def found(rows: Iterable[Any], documents: Mapping[Key, Known], wanted: str) -> Found:
    """From records of candidate_queries.py; `wanted` is the P-code of the person's area. A row
    whose document went between the two questions is left out."""
    candidates: dict[str, list[Candidate]] = {}
    counts: dict[str, int] = {}
    etags, sensitive = set(), set()
    for row in rows:
        need, etag = row["need"], row["etag"]
        known = documents.get((row["service_id"], row["level"], etag, need))
        if known is None:
            continue
        candidate = known.near(wanted)
        candidates.setdefault(need, []).append(candidate)
        counts[need] = row["fits"]
        etags.add((candidate.service_id, etag))
        if row["sensitive"]:
            sensitive.add(candidate.service_id)
    return Found(candidates, counts, frozenset(etags), frozenset(sensitive))


_SETS = ("sexes", "populations", "nationalities", "documents", "languages", "areas", "endorsed_by")
_SAME = (
    "name", "referable", "functional_status", "capacity_state", "minimum_age", "maximum_age", "hours_unread",
    "verified_on", "valid_until", "provider_level",
)  # fmt: skip
"""Columns that a candidate is called as."""


def known(row: Any, need: str) -> Known:
    """From a record with the columns of candidate_queries.py."""
    referral = orjson.loads(row["referral"]) if row["referral"] else {}
    points = [_point(text) for text in row["points"] or ()]
    sites = tuple(zip(row["pcodes"] or (), points, strict=True))
    area, point = sites[0] if sites else (None, None)
    same: dict[str, Any] = {name: row[name] for name in _SAME}
    same |= {name: _codes(row[name]) for name in _SETS}
    candidate = Candidate(
        service_id=str(row["service_id"]),
        organisation=row["organization_name"] or "",
        need=need,
        area=area,
        point=point,
        remote=_is_remote(row, referral),
        modes=_codes(referral.get("intake_modes")),
        open_minutes=tuple([(span.lower, span.upper) for span in row["open_minutes"]]),
        seasons=_seasons(row),
        referral=ReferralWay(**{name: referral.get(name) for name in ReferralWay.__slots__}),
        **same,
    )
    return Known(candidate, sites)


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
    """0 same municipality, 1 same state, 2 elsewhere, 3 without a place."""
    places = Places.load()
    if site is None or not places.is_known(site):
        return 3
    for steps, level in enumerate((2, 1)):
        if places.at_most(site, level) == places.at_most(area, level):
            return steps
    return 2


def _point(text: str | None) -> Point | None:
    """PostgreSQL writes a point as "(longitude,latitude)"."""
    if text is None:
        return None
    longitude, latitude = text.strip("()").split(",")
    return float(latitude), float(longitude)


def _is_remote(row: Any, referral: dict[str, Any]) -> bool:
    """A hotline, or a service that comes to the person and has no place of its own."""
    modes = referral.get("intake_modes", ())
    if "hotline" in modes:
        return True
    return "outreach" in modes and not any(row["pcodes"] or ())
