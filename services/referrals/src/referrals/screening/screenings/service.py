"""Screening use cases: begin, answer, stop, attach to a case, erase."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.db.session import Database
from common.errors import CONFLICT, INVALID, VERSION_CONFLICT, FieldError
from common.events.codes import ReportingAttributes
from common.events.referrals import (
    ScreeningAttached,
    ScreeningErased,
    ScreeningOpened,
    ScreeningProgress,
    ScreeningStopped,
)
from common.http.answers import Subject, answer_is_about, forget_answers
from common.ids import new_id
from common.messaging import append, forget_persons
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases.service import coarse, refuse_unless_open
from referrals.case.consents.statistics import decided
from referrals.errors import NOT_SAFE_NOW, SCREENING_DECLINED, SCREENING_ENDED
from referrals.ground.audit.service import record
from referrals.ground.keys.store import CaseKeys
from referrals.ground.sweeps import sweep
from referrals.screening.screenings import queries
from referrals.screening.screenings.answers import (
    Answer,
    Flaw,
    broken_constraints,
    checked,
    irrelevant,
    kept,
    says_yes,
)
from referrals.screening.screenings.content import (
    Opened,
    key_of,
    open_answers,
    refuse_if_erased,
    reseal,
    seal,
)
from referrals.screening.screenings.instrument import Instrument, Role
from referrals.screening.screenings.instruments import usable
from referrals.screening.screenings.models import Screening
from referrals.screening.screenings.schemas import MoreAnswers, NewScreening, Stop
from referrals.screening.screenings.summary import attributes_of
from referrals.tables import COMMON

_QUESTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,79}")
_OLDEST = timedelta(days=2 * 366)
_AHEAD = timedelta(minutes=10)
"""A field device's clock may be fast by this much."""


async def begin(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    body: NewScreening,
    *,
    source: str = "api",
) -> Opened:
    """Begin a screening. Without a yes to both safety and consent, refuse it and store nothing."""
    instrument = await usable(session, caller.organisation, body.instrument_id)
    held_at = _held_at(body.held_at)
    refuse(checked(instrument, body.answers, clock.day_of(held_at)))
    _refuse_unless_agreed(instrument, body.answers)
    refuse(_flaws_of(instrument, body.answers, body.answers, clock.day_of(held_at)))
    area = body.area
    if body.case_id is not None:
        case = await cases.own_case(session, caller, body.case_id, lock=True)
        refuse_unless_open(case)
        area = area or case.area
    screening_id, now = new_id(), clock.now()
    screening = Screening(
        id=screening_id,
        organisation_id=caller.organisation,
        case_id=body.case_id,
        instrument_id=body.instrument_id,
        status="open",
        version=1,
        events=0,
        area=area,
        held_at=held_at,
        source=source,
        created_at=now,
        created_by=caller.subject,
        changed_at=now,
    )
    key = await (keys.create(screening_id) if body.case_id is None else key_of(keys, screening))
    seal(key, screening, "answers", body.answers)
    opened = Opened(screening, instrument, dict(body.answers))
    screening.attributes = own_statistics(opened)
    session.add(screening)
    await announce(session, keys, screening, ScreeningOpened, held_at)
    await audit(session, caller, "screening.begun", screening)
    return opened


async def read(
    session: AsyncSession, caller: Principal, keys: CaseKeys, screening_id: UUID
) -> Opened:
    """Return the decrypted screening, and audit the access."""
    screening = await queries.own_screening(session, caller, screening_id)
    opened = await open_answers(session, keys, screening)
    await audit(session, caller, "screening.read", screening)
    return opened


async def answer(
    session: AsyncSession, caller: Principal, keys: CaseKeys, screening_id: UUID, body: MoreAnswers
) -> Opened:
    """Add, change or remove answers; delete answers to questions that are no longer asked. Raise 409 for removing
    consent or safety: use `stop`."""
    screening = await queries.own_screening(session, caller, screening_id, lock=True)
    refuse_unless_running(screening)
    if body.expected_version is not None and body.expected_version != screening.version:
        raise VERSION_CONFLICT.because("is_at_version", screening.version)
    opened = await open_answers(session, keys, screening)
    given = {name: value for name, value in body.answers.items() if value is not None}
    taken_back = set(body.answers) - set(given)
    refuse(checked(opened.instrument, given, opened.day))
    after = {n: v for n, v in {**opened.answers, **given}.items() if n not in taken_back}
    _refuse_unless_agreed(opened.instrument, after)
    refuse(_flaws_of(opened.instrument, after, given, opened.day))
    answers = kept(opened.instrument, after, opened.day)
    seal(await key_of(keys, screening), screening, "answers", answers)
    changed = Opened(screening, opened.instrument, answers)
    screening.attributes = own_statistics(changed)
    touch(screening)
    await session.flush()
    await audit(session, caller, "screening.answered", screening)
    return changed


async def stop(
    session: AsyncSession, caller: Principal, keys: CaseKeys, screening_id: UUID, body: Stop
) -> Screening:
    """End the screening. Delete the answers unless the person wants to keep them."""
    screening = await queries.own_screening(session, caller, screening_id, lock=True)
    if screening.status == "stopped":
        return screening
    refuse_unless_running(screening)
    screening.status, screening.stop_reason = "stopped", body.reason
    screening.ended_at = clock.now()
    if not body.keep_answers:
        screening.answers = screening.attributes = None
        if screening.case_id is None:
            await keys.destroy(screening.id)
    touch(screening)
    await announce(session, keys, screening, ScreeningStopped, screening.ended_at)
    await audit(session, caller, "screening.stopped", screening, {"reason": body.reason})
    return screening


async def attach(
    session: AsyncSession, caller: Principal, keys: CaseKeys, screening_id: UUID, case_id: UUID
) -> Screening:
    """Attach the screening to a case, sealed under the case key. Its own key is destroyed with the case, not here. If
    this transaction fails, the old seal must still open."""
    screening = await queries.own_screening(session, caller, screening_id)
    if screening.case_id == case_id:
        return screening
    case = await cases.own_case(session, caller, case_id, lock=True)
    await session.refresh(screening, with_for_update=True)
    if screening.case_id == case_id:
        answer_is_about(session, Subject(case_id, "screening", screening.id))
        return screening
    if screening.case_id is not None:
        raise CONFLICT.because("it_belongs_to_another_case_already", pointer="/case_id")
    refuse_if_erased(screening)
    refuse_unless_open(case)
    said = screening.answers is not None or screening.conclusion is not None
    key = await keys.of(case_id)
    reseal(await key_of(keys, screening) if said else key, key, screening, case_id=case_id)
    screening.area = screening.area or case.area
    touch(screening)
    await announce(session, keys, screening, ScreeningAttached, screening.changed_at)
    await audit(session, caller, "screening.attached", screening)
    return screening


async def erase(
    session: AsyncSession, caller: Principal | None, keys: CaseKeys, screening: Screening
) -> None:
    """Erase the answers of a screening without a case; the codes remain."""
    if screening.case_id is not None:
        raise CONFLICT.because("is_erased_with_its_case")
    await keys.destroy(screening.id)
    await forget_answers(session, COMMON, screening.id)
    await forget_persons(session, COMMON, [screening.id])
    screening.answers = screening.conclusion = None
    screening.attributes = screening.area = screening.judgement = None
    screening.stop_reason = None
    screening.status = "erased"
    touch(screening)
    screening.events += 1
    await session.flush()
    await announce_erased(session, screening.id, screening.events)
    await audit(session, caller, "screening.erased", screening)


async def erase_unattached(database: Database, keys: CaseKeys, before: datetime) -> int:
    """Erase screenings without a case and without activity since this time; return their number."""

    async def erase_one(session: AsyncSession, screening_id: UUID) -> int:
        screening = await queries.still_unattached(session, screening_id, before)
        if screening is None:
            return 0
        await erase(session, None, keys, screening)
        return 1

    due = partial(queries.unattached_before, moment=before)
    return await sweep("unattached-screenings", database, due, erase_one)


def own_statistics(opened: Opened) -> dict[str, Any] | None:
    """Return the attributes that the person, in the screening itself, allowed statistics to count."""
    attributes = attributes_of(opened.instrument, opened.answers)
    return None if attributes is None else attributes.model_dump(mode="json")


async def statistics(
    session: AsyncSession, keys: CaseKeys, screening: Screening
) -> ReportingAttributes | None:
    """Return the attributes that statistics may count now, according to the person's decision in the case or, if there
    is none, their answer here."""
    case_id = screening.case_id
    if case_id is not None:
        asked, attributes = await decided(session, keys, case_id)
        if asked:
            return attributes
    if screening.attributes is None:
        return None
    return ReportingAttributes.model_validate(screening.attributes)


def refuse_unless_running(screening: Screening) -> None:
    refuse_if_erased(screening)
    if screening.status != "open":
        raise SCREENING_ENDED.because("is_in_state", screening.status)


def refuse(flaws: Sequence[Flaw]) -> None:
    """Raise 422 with a pointer for each error."""
    if flaws:
        raise INVALID.listing([FieldError(_pointer(f.question), f.detail, f.code) for f in flaws])


def _pointer(name: str) -> str:
    """Return a pointer to the answer. Do not repeat text that cannot be a question id, because it may be sensitive."""
    return f"/answers/{name}" if _QUESTION.fullmatch(name) else "/answers"


def touch(screening: Screening) -> None:
    screening.version += 1
    screening.changed_at = clock.now()


async def announce(
    session: AsyncSession,
    keys: CaseKeys,
    screening: Screening,
    kind: type[ScreeningProgress],
    occurred_at: datetime,
) -> None:
    screening.events += 1
    event = kind(
        screening_id=screening.id,
        case_id=screening.case_id,
        organisation_id=screening.organisation_id,
        version=screening.events,
        area=coarse(screening.area),
        occurred_at=occurred_at,
        attributes=await statistics(session, keys, screening),
    )
    await session.flush()
    await append(session, COMMON, event)


async def announce_erased(session: AsyncSession, screening_id: UUID, version: int) -> None:
    event = ScreeningErased(screening_id=screening_id, version=version)
    await append(session, COMMON, event)


async def audit(
    session: AsyncSession,
    caller: Principal | None,
    action: str,
    screening: Screening,
    detail: dict[str, Any] | None = None,
) -> None:
    await record(
        session,
        caller,
        action,
        chain=screening.case_id or screening.organisation_id,
        target_type="screening",
        target_id=screening.id,
        detail=detail,
    )


def _held_at(moment: datetime | None) -> datetime:
    now = clock.now()
    if moment is None:
        return now
    if moment > now + _AHEAD:
        raise INVALID.because("is_in_future", pointer="/held_at")
    if moment < now - _OLDEST:
        raise INVALID.because("is_more_than_two_years_ago_check", pointer="/held_at")
    return moment


def _refuse_unless_agreed(instrument: Instrument, answers: Mapping[str, Answer]) -> None:
    for role, problem in ((Role.SAFE_TO_TALK, NOT_SAFE_NOW), (Role.CONSENT, SCREENING_DECLINED)):
        question = instrument.of_role(role)
        if question is None:
            continue
        pointer = f"/answers/{question.id}"
        if question.id not in answers:
            raise INVALID.because("is_answered_before_anything_else", pointer=pointer)
        if not says_yes(instrument, answers, role):
            raise problem.saying(
                question.hint.en if question.hint else "Stop here.", pointer=pointer
            )


def _flaws_of(
    instrument: Instrument, answers: Mapping[str, Answer], given: Mapping[str, Answer], day: date
) -> list[Flaw]:
    return [
        *irrelevant(instrument, answers, given, day),
        *(flaw for flaw in broken_constraints(instrument, answers, day) if flaw.question in given),
    ]
