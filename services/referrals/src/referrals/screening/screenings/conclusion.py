"""A certified screener's conclusion, and how it leads to draft referrals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal, Role
from common.errors import FORBIDDEN, FieldError, Problem
from common.events.codes import ReportingAttributes
from common.events.referrals import ScreeningConcluded, ScreeningReferred
from common.messaging import append
from common.sight import audience_of, states_of
from common.words import codelists
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases.service import coarse
from referrals.case.consents.service import aor_of
from referrals.errors import CASE_NEEDED, NOT_CERTIFIED, SCREENING_OPEN
from referrals.ground.directory.models import DirectoryService
from referrals.ground.directory.queries import alternatives
from referrals.ground.keys.store import CaseKeys
from referrals.referral.referrals.drafts import draft
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.schemas import NewReferral
from referrals.screening.screenings import queries
from referrals.screening.screenings.answers import meaning
from referrals.screening.screenings.content import Opened, key_of, open_answers, seal
from referrals.screening.screenings.instrument import Labels
from referrals.screening.screenings.instrument import Role as QuestionRole
from referrals.screening.screenings.models import Screening
from referrals.screening.screenings.schemas import Choice, Conclude, PlanAlternative, PlannedNeed
from referrals.screening.screenings.service import (
    announce,
    audit,
    own_statistics,
    refuse_unless_running,
    statistics,
    touch,
)
from referrals.screening.screenings.suggestions import SuggestedNeed, suggest
from referrals.screening.training.queries import valid_certificate
from referrals.screening.training.topics import SCREENING
from referrals.tables import COMMON

_ALTERNATIVES = 5


async def conclude(
    session: AsyncSession, caller: Principal, keys: CaseKeys, screening_id: UUID, body: Conclude
) -> Opened:
    """Record the screener's own judgement with its reasons; raise 403 without a certificate."""
    screening = await queries.own_screening(session, caller, screening_id, lock=True)
    refuse_unless_running(screening)
    screener = _screener(caller, body.screener)
    await _refuse_uncertified(session, caller, screener, screening)
    opened = await open_answers(session, keys, screening)
    now = clock.now()
    conclusion = {
        "judgement": body.judgement,
        "rationale": body.rationale,
        "exploitation_types": sorted(set(body.exploitation_types)),
        "screener": screener,
        "concluded_at": now.isoformat(),
    }
    seal(await key_of(keys, screening), screening, "conclusion", conclusion)
    screening.attributes = own_statistics(opened)
    screening.status, screening.judgement, screening.screener = (
        "concluded",
        body.judgement,
        screener,
    )
    screening.ended_at = now
    touch(screening)
    screening.events += 1
    # The query below flushes the row, so set every field first: one UPDATE then writes them all.
    attributes = await statistics(session, keys, screening)
    await _announce(session, opened, conclusion, attributes, now)
    await audit(session, caller, "screening.concluded", screening)
    return Opened(screening, opened.instrument, opened.answers, conclusion)


def _screener(caller: Principal, named: str | None) -> str:
    """Return the screener: the caller, or the person named by a partner's system."""
    if named is None or named == caller.subject:
        return caller.subject
    if Role.PARTNER not in caller.roles:
        raise FORBIDDEN.because("conclude_your_own_screenings_only", pointer="/screener")
    return named


async def _refuse_uncertified(
    session: AsyncSession, caller: Principal, screener: str, screening: Screening
) -> None:
    """Raise unless a certificate is valid today and was valid on the day of the screening."""
    for day in sorted({clock.day_of(screening.held_at), clock.today()}):
        found = await valid_certificate(session, caller.organisation, screener, SCREENING, day)
        if found is None:
            raise NOT_CERTIFIED.because(
                "screener_has_no_certificate_for_screening", day, pointer="/screener"
            )


async def _announce(
    session: AsyncSession,
    opened: Opened,
    conclusion: dict[str, Any],
    attributes: ReportingAttributes | None,
    now: datetime,
) -> None:
    screening, summary = opened.screening, opened.summary
    event = ScreeningConcluded(
        screening_id=screening.id,
        case_id=screening.case_id,
        organisation_id=screening.organisation_id,
        version=screening.events,
        area=coarse(screening.area),
        act=summary.strength("act"),
        means=summary.strength("means"),
        purpose=summary.strength("purpose"),
        judgement=conclusion["judgement"],
        # The finding describes the person, so publish it only if the person agreed to statistics.
        exploitation_types=tuple(conclusion["exploitation_types"]) if attributes else (),
        occurred_at=now,
        attributes=attributes,
    )
    await append(session, COMMON, event)


def needs_of(opened: Opened) -> list[SuggestedNeed]:
    return suggest(opened.instrument, opened.answers, opened.summary)


async def make_drafts(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    screening_id: UUID,
    choices: list[Choice] | None,
) -> tuple[list[PlannedNeed], list[Referral]]:
    """Create drafts for the chosen services, or for the first service of each suggested need; all or none. Uses this
    service's copy of the directory, because services never call each other. A draft contains no answers."""
    screening = await queries.own_screening(session, caller, screening_id, lock=True)
    if screening.status != "concluded":
        raise SCREENING_OPEN.because("is_in_state", screening.status)
    if screening.case_id is None:
        raise CASE_NEEDED.because("referral_is_about_case", pointer="/case_id")
    opened = await open_answers(session, keys, screening)
    plan = await _plan(session, caller, opened, screening.case_id)
    chosen = choices if choices is not None else _first_of_each(plan)
    drafts = [
        await _draft(session, caller, keys, screening.case_id, each, at)
        for at, each in enumerate(chosen)
    ]
    if drafts and screening.referred_at is None:
        screening.referred_at = clock.now()
        touch(screening)
        await announce(session, keys, screening, ScreeningReferred, screening.referred_at)
    await audit(session, caller, "screening.drafts_made", screening, {"drafts": len(drafts)})
    return plan, drafts


async def _plan(
    session: AsyncSession, caller: Principal, opened: Opened, case_id: UUID
) -> list[PlannedNeed]:
    area = opened.screening.area
    areas = (area, *Places.load().ancestors(area)) if area else ()
    excluded = [*await cases.implicated(session, case_id), caller.organisation]
    age = meaning(opened.instrument, opened.answers, QuestionRole.AGE)
    planned = []
    for need in needs_of(opened):
        found = await alternatives(
            session,
            caller,
            category=need.need,
            areas=areas,
            except_services=[],
            except_organisations=excluded,
            now=clock.now(),
            limit=50,
        )
        fitting = [
            PlanAlternative(
                service_id=service.service_id,
                organisation_id=service.organisation_id,
                pathway_rank=rank,
            )
            for service, rank in found
            if _takes(service, age)
        ]
        through = None if fitting else _intermediary(caller, need.need, area)
        planned.append(
            PlannedNeed(
                need=need.need,
                urgency=need.urgency,
                because=need.because,
                alternatives=fitting[:_ALTERNATIVES],
                coverage="available" if fitting else "through_intermediary" if through else "gap",
                intermediary=through,
            )
        )
    return planned


def _intermediary(caller: Principal, need: str, area: str | None) -> Labels | None:
    """Return the coordinator for a confidential need in that area. Return None for other needs, and for callers who may
    see gaps. The response never depends on which services exist."""
    confidential = codelists.confidential_needs().get(need)
    if confidential is None:
        return None
    audience = audience_of(caller)
    here = states_of([area]) if area else []
    everywhere = not audience.states
    if aor_of(need) in audience.coordinates and (everywhere or set(here) & set(audience.states)):
        return None
    return Labels(**confidential.labels)


def _takes(service: DirectoryService, age: str | None) -> bool:
    """Return whether the service accepts that age; an unknown age excludes nothing."""
    if age is None or not age.isdigit():
        return True
    low, high = service.minimum_age or 0, service.maximum_age
    return int(age) >= low and (high is None or int(age) <= high)


def _first_of_each(plan: list[PlannedNeed]) -> list[Choice]:
    return [
        Choice.model_validate(
            {
                "service_id": need.alternatives[0].service_id,
                "need": need.need,
                "urgency": need.urgency,
            }
        )
        for need in plan
        if need.alternatives
    ]


async def _draft(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID, choice: Choice, at: int
) -> Referral:
    body = NewReferral(
        case_id=case_id,
        service_id=choice.service_id,
        category=choice.need,
        urgency=choice.urgency,
        payload=choice.payload,
        from_case=choice.from_case,
        safe_contact=choice.safe_contact,
    )
    try:
        return await draft(session, caller, keys, body)
    except Problem as problem:
        inner = problem.errors[0].pointer if problem.errors else ""
        raise Problem(
            problem.kind,
            problem.detail,
            said=problem.said,
            errors=[
                FieldError(
                    f"/choices/{at}{_as_choice(inner)}",
                    problem.detail,
                    problem.kind.code,
                    said=problem.said,
                )
            ],
            headers=problem.headers,
            extra=problem.extra,
        ) from problem


def _as_choice(pointer: str) -> str:
    return "/need" if pointer == "/category" else pointer
