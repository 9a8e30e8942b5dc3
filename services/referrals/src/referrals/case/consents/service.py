"""Consent use cases: record, confirm by a second person, withdraw."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID
from common.events.referrals import GrantGiven, GrantWithdrawn
from common.ids import new_code, new_id
from common.messaging import append
from common.two_people import refuse_same_person
from common.words.codelists import categories
from common.words.details import Detail
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import person
from referrals.case.cases import queries as cases
from referrals.case.cases import service as case_service
from referrals.case.cases.eligibility import CaseAndService, case_and_service
from referrals.case.cases.models import Case
from referrals.case.cases.person import open_with
from referrals.case.consents import exceptions_service, queries
from referrals.case.consents.decision import status_at
from referrals.case.consents.models import Grant
from referrals.case.consents.schemas import NewConsent
from referrals.errors import ALREADY_DECIDED, IMPLICATED, WRONG_DECIDER
from referrals.ground.audit.service import record
from referrals.ground.directory.queries import is_choosable
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.restrictions.service import remember_end, remember_word
from referrals.ground.restrictions.words import Kind
from referrals.ground.vocabulary.ages import (
    Assent,
    Caregiver,
    Decider,
    Verdict,
    WrongDecider,
    judge,
)
from referrals.ground.vocabulary.disclosure import Item
from referrals.tables import COMMON

CLOCK_AHEAD = timedelta(minutes=1)


def new_withdrawal_code() -> str:
    """Return sixteen random characters (80 bits) in groups of four."""
    text = new_code(16)
    return "-".join(text[i : i + 4] for i in range(0, 16, 4))


async def give(
    session: AsyncSession, caller: Principal, keys: CaseKeys, body: NewConsent
) -> tuple[Grant, str]:
    """Record a decision. Return it with the code that lets the person withdraw it on their own."""
    now = clock.now()
    found = await case_and_service(session, caller, keys, body.case_id, body.service_id)
    case = found.case
    case_service.refuse_unless_open(case)
    identity, attributes = open_with(found.key, case)
    recipient = await _recipient(session, found, body, now)
    return await _recorded(session, caller, case, identity, attributes, body, recipient)


async def give_to_successor(
    session: AsyncSession,
    caller: Principal,
    case: Case,
    identity: Mapping[str, Any],
    attributes: Mapping[str, Any],
    body: NewConsent,
) -> Grant:
    """Record a person's decision about a case that the caller's organisation is taking over. Requires service
    rights."""
    grant, _ = await _recorded(
        session, caller, case, identity, attributes, body, body.recipient_organisation_id
    )
    return grant


async def _recorded(
    session: AsyncSession,
    caller: Principal,
    case: Case,
    identity: Mapping[str, Any],
    attributes: Mapping[str, Any],
    body: NewConsent,
    recipient: UUID | None,
) -> tuple[Grant, str]:
    now = clock.now()
    verdict = _judged(body, case, person.age_of(identity, clock.day_of(now)))
    given_at = _given_at(body, now)
    code = new_withdrawal_code()
    reporting = person.reporting_attributes(identity, attributes, clock.day_of(now))
    grant = Grant(
        id=new_id(),
        case_id=case.id,
        organisation_id=case.organisation_id,
        kind=body.kind,
        service_id=body.service_id,
        recipient_organisation_id=recipient,
        purpose=body.purpose,
        items=[item.value for item in Item if item in body.items],
        decided_by=body.decided_by,
        child_assent=body.child_assent,
        language=body.language,
        method=body.method,
        given_at=given_at,
        valid_until=body.valid_until,
        version=1,
        status="active" if verdict is Verdict.VALID else "pending",
        requested_by=caller.subject,
        attributes=reporting.model_dump(mode="json", exclude_none=True)
        if body.kind == "reporting"
        else None,
        withdrawal_digest=queries.code_digest(code),
        created_at=now,
    )
    session.add(grant)
    await session.flush()
    if grant.status == "active":
        await tell_given(session, grant)
    await _audit(session, caller, "consent.recorded", grant, {"status": grant.status})
    return grant, code


def _given_at(body: NewConsent, now: datetime) -> datetime:
    """Return when the person decided. A device's clock may run slightly ahead; reject a decision further in the
    future."""
    if body.valid_until is not None and body.valid_until <= now:
        raise INVALID.because("it_has_ended_already", pointer="/valid_until")
    if body.given_at is None:
        return now
    if body.given_at > now + CLOCK_AHEAD:
        raise INVALID.because("it_lies_in_future_record_what_person", pointer="/given_at")
    return min(body.given_at, now)


def _judged(body: NewConsent, case: Case, age: int | None) -> Verdict:
    caregiver = Caregiver(case.caregiver)
    try:
        verdict = judge(age, body.decided_by, body.child_assent, caregiver)
    except WrongDecider as error:
        raise WRONG_DECIDER.saying(str(error), pointer="/decided_by", reason=error.code) from error
    exceptions_service.refuse_hidden_contact(body.items, caregiver)
    return verdict


async def _recipient(
    session: AsyncSession, found: CaseAndService, body: NewConsent, now: datetime
) -> UUID | None:
    if body.kind == "referral" and body.purpose:
        if found.service is not None and not is_choosable(found.service, now):
            # A renewal: an open referral to this service needs a consent, even if the service accepts no new referrals.
            asked = (found.case.id, body.service_id, body.purpose)
            if (former := await queries.asked_before(session, *asked)) is not None:
                await refuse_implicated(session, found.case, former)
                return former
        return found.service_for(body.purpose, now, "/purpose").organisation_id
    if body.recipient_organisation_id is not None:
        await refuse_implicated(session, found.case, body.recipient_organisation_id)
    return body.recipient_organisation_id


async def refuse_implicated(session: AsyncSession, case: Case, organisation: UUID) -> None:
    """Raise 409 if the case implicates the organisation (conflict of interest)."""
    if organisation in await cases.implicated(session, case.id):
        raise IMPLICATED.because("nothing_goes_to_implicated_organisation")


def aor_of(category: str) -> str:
    """Return the area of responsibility of the category's pathway (CP, GBV, TIP, GP, MULTI)."""
    return str(categories()[category].pathway)


async def tell_given(session: AsyncSession, grant: Grant) -> None:
    if grant.kind == "transfer":  # the transfer itself sends the notice
        return
    await append(
        session,
        COMMON,
        GrantGiven(
            grant_id=grant.id,
            case_id=grant.case_id,
            version=grant.version,
            kind="reporting" if grant.kind == "reporting" else "referral",
            service_id=grant.service_id,
            occurred_at=clock.now(),
            attributes=grant.attributes,
        ),
    )


async def decide(
    session: AsyncSession, caller: Principal, keys: CaseKeys, grant_id: UUID, *, approve: bool
) -> Grant:
    """Decide in the child's best interest, based on the current record, as a supervisor other than the requester."""
    grant = await queries.own_grant(session, caller, grant_id, lock=True)
    status = status_at(grant.status, grant.valid_until, clock.now())
    if status != "pending":
        raise ALREADY_DECIDED.because("its_status_is", status)
    refuse_same_person(caller, grant.requested_by, because=Detail("you_recorded_this_yourself"))
    if approve:
        await _refuse_changed(session, caller, keys, grant)
    grant.status = "active" if approve else "refused"
    grant.approved_by, grant.approved_at = caller.subject, clock.now()
    grant.version += 1
    await session.flush()
    if approve:
        await tell_given(session, grant)
    else:
        await remember_end(session, Kind.CONSENT, grant.id, grant.case_id)
    await _audit(session, caller, "consent.decided", grant, {"status": grant.status})
    return grant


async def renew_code(session: AsyncSession, caller: Principal, grant_id: UUID) -> tuple[Grant, str]:
    """Issue a new code for a consent that can still be withdrawn."""
    grant = await queries.own_grant(session, caller, grant_id, lock=True)
    if grant.status not in ("active", "pending"):
        raise CONFLICT.because("nothing_to_withdraw_its_status_is", grant.status)
    code = new_withdrawal_code()
    digest = queries.code_digest(code)
    grant.withdrawal_digest = digest
    await session.flush()
    word = {"digest": digest.hex()}
    await remember_word(session, Kind.CODE, grant.id, word, case_id=grant.case_id)
    await _audit(session, caller, "consent.code_renewed", grant, {})
    return grant, code


async def hold_to_code(session: AsyncSession, grant_id: UUID, word: Mapping[str, Any]) -> int:
    """After a restored backup, replace the old withdrawal code with the last code that the person received. She may
    also use it to read what a consent that has ended had shown."""
    grant = await queries.by_id(session, grant_id)
    digest = bytes.fromhex(word["digest"])
    if grant is None or grant.withdrawal_digest == digest:
        return 0
    grant.withdrawal_digest = digest
    await session.flush()
    await remember_word(session, Kind.CODE, grant.id, word, case_id=grant.case_id)
    return 1


async def _refuse_changed(
    session: AsyncSession, caller: Principal, keys: CaseKeys, grant: Grant
) -> None:
    case = await cases.own_case(session, caller, grant.case_id)
    case_service.refuse_unless_open(case)
    identity, _ = await case_service.open_record(keys, case)
    try:
        judge(
            person.age_of(identity, clock.today()),
            Decider(grant.decided_by),
            Assent(grant.child_assent) if grant.child_assent else None,
            Caregiver(case.caregiver),
        )
    except WrongDecider as error:
        raise WRONG_DECIDER.saying(str(error), reason=error.code) from error


async def end_grant(
    session: AsyncSession, caller: Principal | None, grant: Grant, method: str, at: datetime
) -> None:
    """Mark a grant as withdrawn and publish the event; the referrals' own service ends its referrals."""
    await _end(session, grant, method, at)
    await notify(
        session,
        [grant.organisation_id],
        NoticeKind.CONSENT_WITHDRAWN,
        subject_type="consent",
        subject_id=grant.id,
        version=grant.version,
    )
    await _audit(session, caller, "consent.withdrawn", grant, {"method": method})


async def _end(session: AsyncSession, grant: Grant, method: str, at: datetime) -> None:
    grant.status, grant.withdrawn_at, grant.withdrawal_method = "withdrawn", at, method
    grant.attributes = None
    grant.version += 1
    await session.flush()
    await remember_end(session, Kind.CONSENT, grant.id, grant.case_id)
    if grant.kind != "transfer":
        await append(
            session,
            COMMON,
            GrantWithdrawn(
                grant_id=grant.id,
                case_id=grant.case_id,
                version=grant.version,
                kind="reporting" if grant.kind == "reporting" else "referral",
                service_id=grant.service_id,
                occurred_at=at,
            ),
        )


async def end_unused(
    session: AsyncSession, caller: Principal | None, case_id: UUID, uses: queries.Uses
) -> None:
    """End unused consents and exceptions of a closed case. Statistics consents continue."""
    unused = sa.and_(col(Grant.kind) != "reporting", sa.not_(uses.grant(col(Grant.id))))
    await _end_those(session, caller, case_id, "case_closed", unused)
    await exceptions_service.end_unused(session, case_id, uses)


async def end_all(session: AsyncSession, caller: Principal | None, case_id: UUID) -> None:
    await _end_those(session, caller, case_id, "case_erased", sa.true())
    await exceptions_service.end_those(session, case_id, sa.true())


async def _end_those(
    session: AsyncSession,
    caller: Principal | None,
    case_id: UUID,
    reason: str,
    which: sa.ColumnElement[bool],
) -> None:
    ending = await session.scalars(
        sa.select(Grant)
        .where(col(Grant.case_id) == case_id, col(Grant.status).in_(("active", "pending")), which)
        .order_by(col(Grant.id))
    )
    for grant in ending.all():
        await _end(session, grant, reason, clock.now())
        await _audit(session, caller, "consent.ended", grant, {"reason": reason})


async def _audit(
    session: AsyncSession,
    caller: Principal | None,
    action: str,
    grant: Grant,
    detail: dict[str, Any],
) -> None:
    await record(
        session,
        caller,
        action,
        chain=grant.case_id,
        target_type="consent",
        target_id=grant.id,
        detail={"kind": grant.kind, "items": grant.items, **detail},
    )
