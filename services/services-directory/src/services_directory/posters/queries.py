"""The public services of a poster: read from documents of the public level and from nowhere else."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from common.places import Places
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.hsds.opening import weekly_spans
from services_directory.pathways.layers import lineage
from services_directory.pathways.opening import opening_hours
from services_directory.posters.content import SERVICES_PER_STEP, PublicService

_TEXTS = ARRAY(sa.Text)
_STATEMENT = (
    sa.text("""
    SELECT n.need, s.document FROM unnest(:needs) AS n(need) CROSS JOIN LATERAL (
        SELECT d.document, row_number() OVER (ORDER BY
                 (d.within_areas @> ARRAY[CAST(:area AS text)]) DESC,
                 (:aor = ANY(d.endorsed_by)) DESC,
                 array_position(ARRAY['accepting', 'waitlist'], d.capacity_state) NULLS LAST,
                 (d.functional_status = 'fully_functional') DESC, d.service_id) AS place
        FROM service_documents d
        WHERE d.level = 0 AND d.referable AND d.valid_until >= :today
          AND d.capacity_state IS DISTINCT FROM 'full'
          AND d.categories @> ARRAY[n.need]
          AND (d.within_areas @> ARRAY[CAST(:area AS text)] OR d.areas && :wider)
        ORDER BY place LIMIT :limit
    ) s ORDER BY n.need, s.place
""")
    .bindparams(
        sa.bindparam("needs", type_=_TEXTS),
        sa.bindparam("wider", type_=_TEXTS),
        sa.bindparam("today", type_=sa.Date),
        sa.bindparam("aor", type_=sa.Text),
        sa.bindparam("area", type_=sa.Text),
    )
    .columns(need=sa.Text, document=sa.JSON)
)


async def public_services(
    session: AsyncSession,
    aor: str,
    area: str,
    needs: Sequence[str],
    *,
    today: date,
    language: str,
) -> dict[str, list[PublicService]]:
    """Up to three referable public services per need, the nearest and best first."""
    rows = await session.execute(
        _STATEMENT,
        {
            "needs": list(needs),
            "aor": aor,
            "area": area,
            "wider": list(lineage(area)),
            "today": today,
            "limit": SERVICES_PER_STEP,
        },
    )
    found: dict[str, list[PublicService]] = {}
    for need, document in rows:
        found.setdefault(need, []).append(spoken(document, language))
    return found


def spoken(document: dict[str, Any], language: str) -> PublicService:
    """A document of the public level in the words of one language."""
    translated = document.get("translations", {}).get(language, {})
    return PublicService(
        name=translated.get("name") or document["name"],
        organisation=document.get("organization", {}).get("name", ""),
        place=_place(document),
        phones=tuple(_phones(document))[:2],
        hours=document.get("referral", {}).get("hours") or _hours(document, language),
    )


def _place(document: dict[str, Any]) -> str:
    for site in document.get("service_at_locations", []):
        location = site.get("location", {})
        address: dict[str, Any] = next(iter(location.get("addresses", [])), {})
        parts = [address.get("address_1"), _area_name(location.get("pcode")) or address.get("city")]
        if any(parts):
            return ", ".join(part for part in parts if part)
    return ""


def _area_name(pcode: str | None) -> str | None:
    place = Places.load().get(pcode) if pcode else None
    return place.name if place else None


def _phones(document: dict[str, Any]) -> list[str]:
    of_sites = [
        phone
        for site in document.get("service_at_locations", [])
        for phone in (*site.get("phones", []), *site.get("location", {}).get("phones", []))
    ]
    numbers = [phone.get("number") for phone in (*document.get("phones", []), *of_sites)]
    return list(dict.fromkeys(number for number in numbers if number))


def _hours(document: dict[str, Any], language: str) -> str:
    """Weekly hours in the poster's language, else the first schedule's own words."""
    sites = document.get("service_at_locations", [])
    schedules = [
        *document.get("schedules", []),
        *(schedule for site in sites for schedule in site.get("schedules", [])),
    ]
    said = opening_hours(tuple(weekly_spans(schedules)))
    if said is not None:
        return said[language]
    return next((each["description"] for each in schedules if each.get("description")), "")
