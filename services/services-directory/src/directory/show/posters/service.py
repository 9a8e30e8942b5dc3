"""Finds the public services for a poster, only in documents at the public level."""

from datetime import date
from typing import Any
from uuid import UUID

from common.sight import ANYONE
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.hsds.opening_hours import coming_week, holds, opening_of, schedules_of
from directory.pathways.planning.alternatives import alternatives, hotlines
from directory.pathways.planning.resolution import Course
from directory.pathways.texts.hours import opening_hours
from directory.show.posters.content import LINES, SERVICES_PER_STEP, PublicService
from directory.show.posters.queries import public_documents


async def public_services(
    session: AsyncSession, course: Course, aor: str, area: str, *, today: date, language: str
) -> dict[str, list[PublicService]]:
    """Return up to three public services per need that respond in time and are within reach, best first. The rules are
    those for a person about whom only the place is known."""
    ranked = await alternatives(
        session, ANYONE, course, aor, area, limit=SERVICES_PER_STEP, today=today
    )
    best = {need: [each.candidate.service_id for each in found] for need, found in ranked.items()}
    documents = await public_documents(
        session, {UUID(each) for ids in best.values() for each in ids}
    )
    return {
        need: [spoken(documents[each], language, today) for each in ids if each in documents]
        for need, ids in best.items()
    }


async def public_lines(
    session: AsyncSession, area: str, *, today: date, language: str
) -> list[PublicService]:
    """Return hotlines with a number that serve the area, for a poster on which no service has a number."""
    ids = await hotlines(session, ANYONE, area, limit=LINES, today=today)
    documents = await public_documents(session, {UUID(each) for each in ids})
    lines = [spoken(documents[each], language, today) for each in ids if each in documents]
    return [line for line in lines if line.phones]


def spoken(document: dict[str, Any], language: str, today: date) -> PublicService:
    translated = document.get("translations", {}).get(language, {})
    return PublicService(
        name=translated.get("name") or document["name"],
        organisation=document.get("organization", {}).get("name", ""),
        place=_place(document),
        phones=tuple(_phones(document))[:2],
        hours=document.get("referral", {}).get("hours") or _hours(document, language, today),
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


def _hours(document: dict[str, Any], language: str, today: date) -> str:
    """Return the weekly hours in the poster's language, or else the text of the first schedule that is valid today."""
    schedules = schedules_of(document)
    known = opening_of(schedules)
    said = opening_hours(tuple(coming_week(known.usual, known.seasons, today)))
    if said is not None:
        return said[language]
    words = (each.get("description") for each in schedules if holds(each, today))
    return next(filter(None, words), "")
