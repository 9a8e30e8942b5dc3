"""Rows of the shortlist as candidates, with the site that is nearest to the person."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from common.places import Places

from services_directory.pathways.candidates import Candidate, ReferralWay

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates by need, how many fit in all, the ETag of every document that was read, and the
    ids of restricted services among them."""

    candidates: dict[str, list[Candidate]]
    fitting: dict[str, int]
    etags: frozenset[tuple[str, str]]
    sensitive: frozenset[str] = frozenset()


def found(rows: Iterable[Any], wanted: str) -> Found:
    """From records of candidate_queries.py; `wanted` is the P-code of the person's area."""
    candidates: dict[str, list[Candidate]] = {}
    counts: dict[str, int] = {}
    etags, sensitive = set(), set()
    for row in rows:
        need, service_id = row["need"], str(row["service_id"])
        candidates.setdefault(need, []).append(_candidate(row, need, service_id, wanted))
        counts[need] = row["fits"]
        etags.add((service_id, row["etag"]))
        if row["sensitive"]:
            sensitive.add(service_id)
    return Found(candidates, counts, frozenset(etags), frozenset(sensitive))


def _candidate(row: Any, need: str, service_id: str, wanted: str) -> Candidate:
    referral = orjson.loads(row["referral"]) if row["referral"] else {}
    area, point = _nearest_site(row, wanted)
    return Candidate(
        service_id=service_id,
        name=row["name"],
        organisation=row["organization_name"] or "",
        need=need,
        referable=row["referable"],
        functional_status=row["functional_status"],
        capacity_state=row["capacity_state"],
        minimum_age=row["minimum_age"],
        maximum_age=row["maximum_age"],
        sexes=_codes(row["sexes"]),
        populations=_codes(row["populations"]),
        nationalities=_codes(row["nationalities"]),
        documents=_codes(row["documents"]),
        languages=_codes(row["languages"]),
        area=area,
        areas=_codes(row["areas"]),
        point=point,
        remote=_is_remote(row, referral),
        open_minutes=tuple([(span.lower, span.upper) for span in row["open_minutes"]]),
        verified_on=row["verified_on"],
        valid_until=row["valid_until"],
        endorsed_by=_codes(row["endorsed_by"]),
        provider_level=row["provider_level"],
        referral=_way(referral),
    )


_NONE: frozenset[str] = frozenset()


def _codes(values: list[str]) -> frozenset[str]:
    return frozenset(values) if values else _NONE


def _nearest_site(row: Any, area: str) -> tuple[str | None, Point | None]:
    """Of several sites the one nearest to the person by name of place; ties keep the first."""
    pcodes, points = row["pcodes"] or (), row["points"] or ()
    if not pcodes:
        return None, None
    at = min(range(len(pcodes)), key=lambda each: _steps_apart(pcodes[each], area))
    return pcodes[at], _point(points[at])


@lru_cache(maxsize=100_000)
def _steps_apart(site: str | None, area: str) -> int:
    """0 same municipality, 1 same state, 2 elsewhere, 3 without a place."""
    places = Places.load()
    if site is None or not places.is_known(site):
        return 3
    for apart, level in enumerate((2, 1)):
        if places.at_most(site, level) == places.at_most(area, level):
            return apart
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


def _way(referral: dict[str, Any]) -> ReferralWay:
    return ReferralWay(
        method=referral.get("method"),
        response_delay=referral.get("response_delay"),
        next_step=referral.get("next_step"),
        feedback_mechanism=referral.get("feedback_mechanism"),
        focal_role=referral.get("focal_role"),
        hours=referral.get("hours"),
        intermediary=referral.get("intermediary"),
    )
