"""Exception use cases: request, a second person's decision, a third person's review, end."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.ids import new_id
from common.two_people import refuse_same_person
from common.words.details import Detail
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import person
from referrals.case.cases.eligibility import case_and_service
from referrals.case.cases.person import open_with
from referrals.case.consents import queries
from referrals.case.consents.models import DisclosureException
from referrals.case.consents.schemas import NewException
from referrals.errors import NOT_GRANTED, WRONG_DECIDER
from referrals.ground import exceptions_service
from referrals.ground.audit.service import record
from referrals.ground.keys.sealed_columns import seal_column
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.restrictions.service import remember_end
from referrals.ground.restrictions.words import Kind
from referrals.ground.row_security import acting_as_service
from referrals.ground.vocabulary.ages import ADULT_AGE, Caregiver, Decider
from referrals.ground.vocabulary.disclosure import Item, hidden


def refuse_hidden_contact(items: Collection[Item], caregiver: Caregiver) -> None:
    excess = sorted(hidden(caregiver) & {item.value for item in items})
    if excess:
        raise NOT_GRANTED.because(
            "caregiver_is_recorded_as_their_contact", caregiver, pointer="/items", items=excess
        )


def _refuse_for_an_adult(body: NewException, age: int | None) -> None:
    """Refuse early. When data is sent, the decision checks the age again."""
    if body.basis == Decider.BEST_INTEREST.value and age is not None and age >= ADULT_AGE:
        raise WRONG_DECIDER.because(
            "best_interest_is_for_a_child", pointer="/basis", reason="adult_decides"
        )


async def ask(
    session: AsyncSession, caller: Principal, keys: CaseKeys, body: NewException
) -> DisclosureException:
    now = clock.now()
    found = await case_and_service(session, caller, keys, body.case_id, body.service_id)
    case, service = found.case, found.service_for(body.purpose, now, "/purpose")
    refuse_hidden_contact(body.items, Caregiver(case.caregiver))
    _refuse_for_an_adult(body, person.age_of(open_with(found.key, case)[0], clock.day_of(now)))
    exception_id = new_id()
    exception = DisclosureException(
        id=exception_id,
        case_id=case.id,
        organisation_id=caller.organisation,
        service_id=body.service_id,
        recipient_organisation_id=service.organisation_id,
        purpose=body.purpose,
        basis=body.basis,
        items=[item.value for item in Item if item in body.items],
        rationale=seal_column(
            found.key,
            body.rationale,
            organisation=service.organisation_id,
            row=exception_id,
            column="rationale",
        ),
        person_informed=body.person_informed,
        status="pending",
        requested_by=caller.subject,
        created_at=now,
    )
    session.add(exception)
    await session.flush()
    await notify(
        session,
        [caller.organisation],
        NoticeKind.EXCEPTION_REQUESTED,
        subject_type="exception",
        subject_id=exception.id,
        for_supervisor=True,
    )
    await record(
        session,
        caller,
        "exception.requested",
        chain=case.id,
        target_id=exception.id,
        detail={"basis": body.basis, "items": exception.items},
    )
    return exception


async def listed(
    session: AsyncSession,
    caller: Principal,
    *,
    statuses: Sequence[str],
    mine_to_decide: bool,
    before: UUID | None,
    limit: int,
) -> Sequence[DisclosureException]:
    """Return exceptions as `queries.exceptions` does. A coordinator's list requires service rights, because row
    security hides which cases implicate the coordinator's organisation."""
    coordinates = Role.COORDINATOR in caller.roles
    async with acting_as_service(session) if coordinates else nullcontext():
        return await queries.exceptions(
            session,
            caller,
            statuses=statuses,
            mine_to_decide=mine_to_decide,
            before=before,
            limit=limit,
        )


async def decide(
    session: AsyncSession, caller: Principal, exception_id: UUID, *, approve: bool
) -> DisclosureException:
    exception = await queries.own_exception(session, caller, exception_id, lock=True)
    exceptions_service.decide(exception, caller, approve=approve)
    await session.flush()
    if not approve:
        await remember_end(session, Kind.EXCEPTION, exception.id, exception.case_id)
    await record(
        session,
        caller,
        f"exception.{exception.status}",
        chain=exception.case_id,
        target_id=exception.id,
    )
    return exception


async def review(
    session: AsyncSession, caller: Principal, exception_id: UUID
) -> DisclosureException:
    exception = await queries.own_exception(session, caller, exception_id, lock=True)
    refuse_same_person(
        caller,
        exception.requested_by,
        exception.decided_by,
        because=Detail("you_took_part_in_this_exception"),
    )
    exception.reviewed_by, exception.reviewed_at = caller.subject, clock.now()
    await session.flush()
    await record(
        session, caller, "exception.reviewed", chain=exception.case_id, target_id=exception.id
    )
    return exception


async def read(
    session: AsyncSession, caller: Principal, keys: CaseKeys, exception_id: UUID
) -> tuple[DisclosureException, str | None]:
    """Return the caller's exception with its decrypted rationale, and audit the access."""
    exception = await queries.own_exception(session, caller, exception_id)
    rationale = await exceptions_service.rationale_of(
        keys,
        exception.rationale,
        under=exception.case_id,
        organisation=exception.recipient_organisation_id,
        row=exception.id,
    )
    await record(session, caller, "exception.read", chain=exception.case_id, target_id=exception.id)
    return exception, rationale


async def end(session: AsyncSession, exception_id: UUID) -> None:
    await _end(session, col(DisclosureException.id) == exception_id)


async def end_unused(session: AsyncSession, case_id: UUID, uses: queries.Uses) -> None:
    await end_those(session, case_id, sa.not_(uses.exception(col(DisclosureException.id))))


async def end_those(session: AsyncSession, case_id: UUID, which: sa.ColumnElement[bool]) -> None:
    of_case = col(DisclosureException.case_id) == case_id
    holds = col(DisclosureException.status).in_(("pending", "approved"))
    await _end(session, of_case, holds, which)


async def _end(session: AsyncSession, *which: sa.ColumnElement[bool]) -> None:
    ended = await session.execute(
        sa.update(DisclosureException)
        .where(*which)
        .values(status="ended")
        .returning(col(DisclosureException.id), col(DisclosureException.case_id))
        .execution_options(synchronize_session=False)
    )
    for exception_id, case_id in ended.all():
        await remember_end(session, Kind.EXCEPTION, exception_id, case_id)
