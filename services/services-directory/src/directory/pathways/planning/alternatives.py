"""Ranks the services of each step by the usual rules, for a person about whom only the place is known. Announced
alternatives and posters use this ranking."""

from datetime import date

from common import clock
from common.sight import PARTNERS, Audience
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.graph import Pathway, Urgency
from directory.pathways.definition.profile import Profile
from directory.pathways.matching import candidate_queries
from directory.pathways.matching.ranking import Ranked, Situation, rank
from directory.pathways.matching.reach import demand
from directory.pathways.planning.composition import compose
from directory.pathways.planning.resolution import HOTLINE, Course
from directory.pathways.planning.step_order import in_order

EVERY_ORGANISATION = Audience(base=PARTNERS)
"""The level that every verified organisation sees; it has no confidential services."""


def course_for_nobody(pathway: Pathway, area: str) -> Course:
    """Return the steps of the pathway for a person about whom only the place is known."""
    nobody = Profile(area=area)
    return Course((), (), in_order(compose([pathway], nobody), nobody))


async def hotlines(
    session: AsyncSession, audience: Audience, area: str, *, limit: int, today: date
) -> list[str]:
    """Return the ids of hotlines that serve the area, including nationwide ones, best first."""
    nobody, wanted = Profile(area=area), demand(HOTLINE, Urgency.ROUTINE)
    read = await candidate_queries.fitting(session, audience, nobody, [wanted], today)
    situation = Situation(nobody, frozenset(), wanted, Places.load(), today)
    fitting, _ = rank(read.candidates.get(HOTLINE, ()), situation)
    return [each.candidate.service_id for each in fitting[:limit]]


async def alternatives(
    session: AsyncSession,
    audience: Audience,
    course: Course,
    aor: str,
    area: str,
    *,
    limit: int,
    today: date | None = None,
) -> dict[str, list[Ranked]]:
    """Return ranked services by need of the course. Services that the AoR endorses come first."""
    today = today or clock.today()
    nobody, places = Profile(area=area), Places.load()
    read = await candidate_queries.fitting(session, audience, nobody, course.demands, today)
    found: dict[str, list[Ranked]] = {}
    for wanted in course.demands:
        situation = Situation(nobody, frozenset({aor}), wanted, places, today)
        fitting, _ = rank(read.candidates.get(wanted.need, ()), situation)
        found[wanted.need] = list(fitting[:limit])
    return found
