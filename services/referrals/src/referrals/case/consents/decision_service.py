"""Runs the one decision on this service's records and turns refusals into problem responses."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from common import clock
from common.errors import Problem
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import person
from referrals.case.cases.models import Case
from referrals.case.consents import decision, queries
from referrals.case.consents.decision import Kind, Move, Person, Refused, Road, Why, Word
from referrals.case.consents.models import DisclosureException, Grant
from referrals.errors import (
    CONSENT_EXPIRED,
    CONSENT_PENDING,
    CONSENT_WITHDRAWN,
    ERASED,
    IMPLICATED,
    NO_CONSENT,
    NOT_GRANTED,
    WRONG_DECIDER,
)
from referrals.ground.vocabulary.ages import Caregiver, Decider

NOT_COVERED = "Nothing is granted any more. Ask the person, and record a new consent."


def word_of(grant: Grant) -> Word:
    return Word(
        kind=Kind(grant.kind),
        status=grant.status,
        case_id=grant.case_id,
        items=grant.items,
        service_id=grant.service_id,
        organisation_id=grant.recipient_organisation_id,
        purpose=grant.purpose,
        valid_until=grant.valid_until,
        decided_by=grant.decided_by,
        assent=grant.child_assent,
        confirmed=grant.approved_by is not None,
    )


def word_of_exception(exception: DisclosureException) -> Word:
    """Describe an exception. Best interest applies only to children; the other bases apply at every age."""
    for_a_child = exception.basis == Decider.BEST_INTEREST
    return Word(
        kind=Kind.EXCEPTION,
        status=exception.status,
        case_id=exception.case_id,
        items=exception.items,
        service_id=exception.service_id,
        organisation_id=exception.recipient_organisation_id,
        purpose=exception.purpose,
        decided_by=Decider.BEST_INTEREST if for_a_child else None,
        confirmed=True,
    )


def shown_status(grant: Grant) -> str:
    return decision.status_at(grant.status, grant.valid_until, clock.now())


async def word_under(
    session: AsyncSession, grant_id: UUID | None, exception_id: UUID | None
) -> Word | None:
    """Return the current state of the consent or exception under which something was sent. Requires service rights."""
    if grant_id is not None:
        grant = await queries.by_id(session, grant_id)
        return word_of(grant) if grant is not None else None
    if exception_id is not None:
        exception = await queries.exception_by_id(session, exception_id)
        return word_of_exception(exception) if exception is not None else None
    return None


async def words_under(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Word]:
    grants = await queries.by_ids(session, Grant, ids)
    exceptions = await queries.by_ids(session, DisclosureException, ids)
    return {each.id: word_of(each) for each in grants} | {
        each.id: word_of_exception(each) for each in exceptions
    }


def known(case: Case, identity: Mapping[str, Any], now: datetime) -> Person:
    return Person(
        age=person.age_of(identity, clock.day_of(now)),
        caregiver=Caregiver(case.caregiver),
        erased=case.status == "erased",
    )


def ask(
    move: Move,
    word: Word | None,
    of: Person,
    now: datetime,
    implicated: Collection[UUID] = frozenset(),
) -> frozenset[str]:
    """Return the items that may move now; raise a problem with the reason and the remedy."""
    if word is None:
        raise _refusal(move, Refused(Why.ENDED, NOT_COVERED))
    try:
        return decision.allowed(decision.Asked(move, word, of, implicated, now=now))
    except Refused as refused:
        raise _refusal(move, refused) from refused


def _refusal(move: Move, refused: Refused) -> Problem:
    """Tell a recipient who reads that the consent has expired. Every other ending looks the same to them and gives no
    reason."""
    text = str(refused)
    match refused.why:
        case Why.ERASED:
            return ERASED.saying(text)
        case Why.EXPIRED if move.road is Road.READ:
            return CONSENT_EXPIRED.because("consent_ended_on_its_date_ask_sender")
        case _ if move.road is Road.READ:
            return CONSENT_WITHDRAWN.because("sharing_has_ended_delete_copies")
        case Why.IMPLICATED:
            return IMPLICATED.saying(text)
        case Why.PENDING:
            return CONSENT_PENDING.saying(text)
        case Why.WRONG_DECIDER:
            return WRONG_DECIDER.saying(text, reason=refused.code)
        case Why.NOT_GRANTED:
            return NOT_GRANTED.saying(
                text, pointer=f"/payload/{refused.items[0]}", items=list(refused.items)
            )
        case Why.TEXT_NOT_GRANTED:
            where = "/" + refused.items[0].replace(".", "/")
            return NOT_GRANTED.saying(text, pointer=where, items=list(refused.items))
        case _:
            return NO_CONSENT.saying(text, pointer="/grant_id")
