"""Duplicates across organisations, compared with both people's consent. Until both agree, each side learns only that
another organisation may know the same person."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, NOT_FOUND, TOO_MANY_REQUESTS
from common.http.answers import Subject, answer_is_only_about
from common.ids import new_id
from common.paging import Page, next_cursor
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import person
from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.case.cases.service import open_record, refuse_unless_open
from referrals.case.consents.decision import Asked, Kind, Move, Refused, Road, Word, allowed
from referrals.case.consents.decision_service import known
from referrals.errors import CONSENT_PENDING, WRONG_DECIDER
from referrals.ground.audit.queries import count_done
from referrals.ground.audit.service import record
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import hold_case, hold_pairing
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.restrictions.service import remember_end, remember_word
from referrals.ground.restrictions.words import OFF
from referrals.ground.restrictions.words import Kind as Listed
from referrals.ground.row_security import acting_as_service
from referrals.ground.vocabulary.ages import Assent, Caregiver, Verdict, WrongDecider, judge
from referrals.screening.assistance import queries
from referrals.screening.assistance.matching import Matching
from referrals.screening.assistance.models import CaseMatch, MatchConsent, MatchToken
from referrals.screening.assistance.schemas import MatchConsentBody, MatchConsentView, MatchView

MOST_PER_DAY = 200
"""Comparisons per organisation and day: this slows down an organisation that invents people to learn who is known
elsewhere."""


async def consent(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    matching: Matching,
    case_id: UUID,
    body: MatchConsentBody,
) -> MatchConsentView:
    """Record the consent and compare. The response does not reveal whether a match exists."""
    await hold_pairing(session)
    case = await cases.own_case(session, caller, case_id, lock=True)
    refuse_unless_open(case)
    await _refuse_many(session, caller)
    identity, _ = await open_record(keys, case)
    _check(body, case, person.age_of(identity, clock.today()))
    digests = matching.digests(identity)
    given = await session.merge(
        MatchConsent(
            case_id=case.id,
            organisation_id=caller.organisation,
            decided_by=body.decided_by,
            method=body.method,
            given_at=clock.now(),
            recorded_by=caller.subject,
        )
    )
    await session.execute(sa.delete(MatchToken).where(col(MatchToken.case_id) == case.id))
    session.add_all(MatchToken(case_id=case.id, digest=digest) for digest in sorted(digests))
    await session.flush()
    async with acting_as_service(session):
        for other in await _others(session, keys, case, digests):
            await hold_case(session, other.id)
        # While this waited for the locks, some cases may have ended or become implicated.
        for other in await _others(session, keys, case, digests):
            await _found(session, case, other)
    await remember_word(session, Listed.COMPARISON, case.id, {}, case_id=case.id)
    await record(session, caller, "matching.consented", chain=case.id, target_type="case")
    return MatchConsentView(case_id=case.id, comparable=bool(digests), given_at=given.given_at)


async def _refuse_many(session: AsyncSession, caller: Principal) -> None:
    since = clock.now() - timedelta(days=1)
    # Count commands, not current consents, because withdrawn and replaced consents were also compared.
    recent = await count_done(session, caller.organisation, "matching.consented", since)
    if recent >= MOST_PER_DAY:
        raise TOO_MANY_REQUESTS.because(
            "at_most_cases_day_are_compared", MOST_PER_DAY, headers={"Retry-After": "3600"}
        )


def _check(body: MatchConsentBody, case: Case, age: int | None) -> None:
    try:
        verdict = judge(age, body.decided_by, body.child_assent, Caregiver(case.caregiver))
    except WrongDecider as error:
        raise WRONG_DECIDER.saying(str(error), pointer="/decided_by", reason=error.code) from error
    if verdict is not Verdict.VALID:
        raise CONSENT_PENDING.because("comparing_is_never_urgent_wait_until_person")


async def _others(
    session: AsyncSession, keys: CaseKeys, case: Case, digests: set[bytes]
) -> Sequence[Case]:
    """Return open cases elsewhere with an equal digest and a valid consent, if neither case implicates the other's
    organisation."""
    same = sa.select(col(MatchToken.case_id)).where(col(MatchToken.digest).in_(digests))
    rows = await cases.open_elsewhere(session, case.organisation_id, same)
    own = await cases.implicated(session, case.id)
    return [
        other
        for other in rows
        if other.organisation_id not in own
        and case.organisation_id not in await cases.implicated(session, other.id)
        and await _word_holds(session, keys, other)
    ]


async def _word_holds(session: AsyncSession, keys: CaseKeys, case: Case) -> bool:
    """Return whether the consent to compare is still valid under the person's current record."""
    given = await session.get(MatchConsent, case.id)
    if given is None:
        return False
    # The child's answer was checked when it was recorded, and is not stored.
    word = Word(
        kind=Kind.COMPARISON,
        status="active",
        case_id=case.id,
        decided_by=given.decided_by,
        assent=Assent.AGREES,
    )
    identity, _ = await open_record(keys, case)
    now = clock.now()
    try:
        allowed(Asked(Move(Road.COMPARE, case.id), word, known(case, identity, now), now=now))
    except Refused:
        return False
    return True


async def _found(session: AsyncSession, case: Case, other: Case) -> None:
    first, second = sorted((case, other), key=lambda each: each.id)
    known = await session.scalar(
        sa.select(col(CaseMatch.id)).where(
            col(CaseMatch.case_a) == first.id, col(CaseMatch.case_b) == second.id
        )
    )
    if known is not None:
        return
    match = CaseMatch(
        id=new_id(), case_a=first.id, case_b=second.id, status="possible", created_at=clock.now()
    )
    session.add(match)
    await session.flush()
    await _notify(session, match, NoticeKind.MATCH_POSSIBLE, (first, second))


async def withdraw(session: AsyncSession, caller: Principal, case_id: UUID) -> None:
    """Delete the digests and end the matches at once. Repeating this changes nothing."""
    case = await cases.own_case(session, caller, case_id, lock=True)
    async with acting_as_service(session):
        await _end_comparing(session, case.id)
        await record(session, caller, "matching.withdrawn", chain=case.id, target_type="case")


async def _end_comparing(session: AsyncSession, case_id: UUID) -> None:
    await session.execute(sa.delete(MatchToken).where(col(MatchToken.case_id) == case_id))
    await session.execute(sa.delete(MatchConsent).where(col(MatchConsent.case_id) == case_id))
    for match in await queries.matches_of(session, case_id):
        _end(match)
    await session.flush()
    await remember_word(session, Listed.COMPARISON, case_id, OFF, case_id=case_id)


def _end(match: CaseMatch) -> None:
    match.status, match.ended_at = "ended", match.ended_at or clock.now()
    match.agreed_a = match.agreed_b = None


async def withdraw_again(session: AsyncSession, case_id: UUID) -> int:
    """Withdraw again a comparison that a restored backup brought back. Requires service rights."""
    if await session.get(MatchConsent, case_id) is None:
        return 0
    await _end_comparing(session, case_id)
    return 1


async def end_again(session: AsyncSession, match_id: UUID) -> int:
    """End again a match that one side refused and a restored backup brought back. Requires service rights."""
    match = await session.get(CaseMatch, match_id, with_for_update=True)
    if match is None or match.status == "ended":
        return 0
    _end(match)
    await session.flush()
    await remember_end(session, Listed.MATCH, match.id, match.case_a)
    return 1


async def listed(
    session: AsyncSession, caller: Principal, before: UUID | None, limit: int
) -> Page[MatchView]:
    """Return a page of the matches of the caller's own cases; row security hides all others."""
    found = await queries.matches(session, before, limit)
    async with acting_as_service(session):
        shown = [await _view(session, caller, match) for match in found[:limit]]
    return Page(items=shown, next_cursor=next_cursor(found, limit))


async def agree(
    session: AsyncSession, caller: Principal, keys: CaseKeys, match_id: UUID
) -> MatchView:
    """Record that the person agrees to be named to the other organisation. Once both people agree, each side sees the
    other's organisation and case reference, but never the record."""
    async with acting_as_service(session):
        match, own, other = await _held_sides(session, caller, match_id)
        if match.status == "ended":
            raise CONFLICT.because("match_has_ended")
        if not (await _word_holds(session, keys, own) and await _word_holds(session, keys, other)):
            raise CONFLICT.because("consent_to_compare_has_ended_ask_person")
        if own.id == match.case_a:
            match.agreed_a = match.agreed_a or clock.now()
        else:
            match.agreed_b = match.agreed_b or clock.now()
        if match.agreed_a is not None and match.agreed_b is not None:
            match.status = "agreed"
        await session.flush()
        if match.status == "agreed":
            await _notify(session, match, NoticeKind.MATCH_AGREED, (own, other))
        await record(session, caller, "matching.agreed", chain=own.id, target_type="case")
        answer_is_only_about(session, Subject(own.id, "match", match.id))
        return await _view(session, caller, match)


async def refuse(session: AsyncSession, caller: Principal, match_id: UUID) -> MatchView:
    """End the match for both; neither side learns who refused."""
    async with acting_as_service(session):
        match, own, _other = await _held_sides(session, caller, match_id)
        _end(match)
        await session.flush()
        await remember_end(session, Listed.MATCH, match.id, own.id)
        await record(session, caller, "matching.refused", chain=own.id, target_type="case")
        answer_is_only_about(session, Subject(own.id, "match", match.id))
        return await _view(session, caller, match)


async def _held_sides(
    session: AsyncSession, caller: Principal, match_id: UUID
) -> tuple[CaseMatch, Case, Case]:
    """Lock both cases, because a decision on the match affects both."""
    seen, _, _ = await _sides(session, caller, match_id)
    await hold_pairing(session)
    for case_id in (seen.case_a, seen.case_b):
        await hold_case(session, case_id)
    return await _sides(session, caller, match_id)


async def end_for(session: AsyncSession, case_id: UUID, organisations: Collection[UUID]) -> None:
    """End the case's matches with these organisations, as if one side had refused. Needs service rights."""
    for match in await queries.matches_of(session, case_id):
        other = await cases.by_id(
            session, match.case_b if match.case_a == case_id else match.case_a
        )
        if other is not None and other.organisation_id in organisations:
            _end(match)
    await session.flush()


async def _sides(
    session: AsyncSession, caller: Principal, match_id: UUID
) -> tuple[CaseMatch, Case, Case]:
    match = await session.get(CaseMatch, match_id, populate_existing=True)
    if match is not None:
        a = await cases.by_id(session, match.case_a, fresh=True)
        b = await cases.by_id(session, match.case_b, fresh=True)
        if a is not None and b is not None:
            for own, other in ((a, b), (b, a)):
                if own.organisation_id == caller.organisation:
                    return match, own, other
    raise NOT_FOUND.because("no_such_match_of_your_cases")


async def _view(session: AsyncSession, caller: Principal, match: CaseMatch) -> MatchView:
    _, own, other = await _sides(session, caller, match.id)
    agreed = match.status == "agreed"
    mine = match.agreed_a if own.id == match.case_a else match.agreed_b
    return MatchView(
        id=match.id,
        case_id=own.id,
        status=match.status,
        you_agreed=mine is not None,
        other_organisation=other.organisation_id if agreed else None,
        other_reference=other.reference if agreed else None,
        created_at=match.created_at,
    )


async def _notify(
    session: AsyncSession, match: CaseMatch, kind: NoticeKind, sides: tuple[Case, Case]
) -> None:
    await notify(
        session,
        [case.organisation_id for case in sides],
        kind,
        subject_type="match",
        subject_id=match.id,
    )
