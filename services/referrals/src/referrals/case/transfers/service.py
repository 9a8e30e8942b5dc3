"""Transfer use cases. Acceptance changes all access in one transaction."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.db.session import Database
from common.errors import INVALID, Problem
from common.events import referrals as events
from common.ids import new_id
from common.messaging import append
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases import service as case_service
from referrals.case.cases.models import Case
from referrals.case.consents import queries as consents
from referrals.case.consents.decision import Move, Road
from referrals.case.consents.decision_service import ask, known, word_of
from referrals.case.consents.models import Grant
from referrals.case.consents.schemas import NewConsent
from referrals.case.consents.service import give_to_successor
from referrals.case.transfers import queries
from referrals.case.transfers.models import Transfer
from referrals.case.transfers.schemas import AcceptTransfer, NewTransfer, OfferedCase
from referrals.errors import ILLEGAL_TRANSITION, NO_CONSENT, NOT_YOUR_STEP, TRANSFER_OPEN
from referrals.ground.audit.service import SYSTEM_CLIENT, record
from referrals.ground.directory.queries import countries_of_organisation
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import hold_case
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.protocols.service import refuse_uncovered
from referrals.ground.restrictions.queries import successions
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import Kind, Word
from referrals.ground.row_security import acting_as_service
from referrals.ground.sweeps import sweep
from referrals.tables import COMMON

_AT_ONCE = 500

_EVENTS: dict[str, type[events.TransferData]] = {
    "offered": events.TransferOffered,
    "accepted": events.TransferAccepted,
    "declined": events.TransferDeclined,
    "recalled": events.TransferRecalled,
}


async def offer(
    session: AsyncSession, caller: Principal, keys: CaseKeys, body: NewTransfer
) -> Transfer:
    """Offer the case under the person's consent to exactly this transfer."""
    case = await cases.own_case(session, caller, body.case_id, lock=True)
    case_service.refuse_unless_open(case)
    if body.to_organisation == caller.organisation:
        raise INVALID.because("case_is_yours_already", pointer="/to_organisation")
    grant = await consents.own_grant(session, caller, body.grant_id, lock=True)
    identity, _ = await case_service.open_record(keys, case)
    await _ask(session, case, grant, body.to_organisation, identity)
    if await queries.open_of(session, case.id) is not None:
        raise TRANSFER_OPEN.because("recall_it_first_or_wait_for_answer")
    transfer = Transfer(
        id=new_id(),
        case_id=case.id,
        from_organisation=caller.organisation,
        to_organisation=body.to_organisation,
        grant_id=body.grant_id,
        state="offered",
        version=1,
        offered_at=clock.now(),
        offered_by=caller.subject,
        need=body.need,
        urgency=body.urgency,
        why=body.why,
    )
    session.add(transfer)
    await session.flush()
    await _tell(session, caller, transfer)
    return transfer


async def _ask(
    session: AsyncSession, case: Case, grant: Grant | None, to: UUID, identity: Mapping[str, Any]
) -> None:
    """Check whether the case may go to this organisation now, both at the offer and at acceptance."""
    now = clock.now()
    ask(
        Move(Road.TRANSFER, case.id, organisation_id=to),
        word_of(grant) if grant is not None else None,
        known(case, identity, now),
        now,
        await cases.implicated(session, case.id),
    )
    countries = await countries_of_organisation(session, to)
    if countries:  # without a service, nothing shows that the organisation is in another country
        await refuse_uncovered(
            session,
            from_country=case.country,
            to_countries=countries,
            from_organisation=case.organisation_id,
            to_organisation=to,
            on=clock.day_of(now),
        )


async def offered_case(
    session: AsyncSession, keys: CaseKeys, transfer: Transfer
) -> OfferedCase | None:
    """Return the facts for the recipient's decision. Return None once it is made, or once the case may no longer go
    there."""
    if transfer.state != "offered":
        return None
    async with acting_as_service(session):
        case = await cases.by_id(session, transfer.case_id)
        grant = await consents.by_id(session, transfer.grant_id) if transfer.grant_id else None
        if case is None:
            return None
        try:
            case_service.refuse_unless_open(case)
            identity, _ = await case_service.open_record(keys, case)
            await _ask(session, case, grant, transfer.to_organisation, identity)
        except Problem:
            return None
    return OfferedCase(
        minor=case.minor, need=transfer.need, urgency=transfer.urgency, why=transfer.why
    )


async def code_of(session: AsyncSession, transfer: Transfer) -> str | None:
    """Return the case code during a succession's offer. The successor learns nothing more before the person agrees."""
    if transfer.grant_id is not None or transfer.state != "offered":
        return None
    async with acting_as_service(session):
        case = await cases.by_id(session, transfer.case_id)
    return case.reference if case is not None else None


async def offer_left_behind(database: Database, keys: CaseKeys, blind: BlindIndex) -> int:
    """Offer cases of ended or divested organisations to their successors; return the number of offers."""
    return await sweep("successions", database, _left_behind, partial(_offer_one, keys, blind))


async def _left_behind(session: AsyncSession) -> list[UUID]:
    found: list[UUID] = []
    for succession in await successions(session):
        found += await queries.left_behind(session, succession, _AT_ONCE)
    return found


async def _offer_one(
    keys: CaseKeys, blind: BlindIndex, session: AsyncSession, case_id: UUID
) -> int:
    """Transfer the case to the successor if the person already agreed; otherwise offer it without content."""
    await hold_case(session, case_id)
    for succession in await successions(session):
        if await queries.left_behind(session, succession, 1, case_id):
            break
    else:
        return 0
    case = await cases.by_id(session, case_id, fresh=True)
    if case is None:
        return 0
    to = succession.successor
    await end_offer(session, None, case_id, "other")
    identity, attributes = await case_service.open_record(keys, case)
    grant = await consents.given_to(session, case_id, to)
    try:
        await _ask(session, case, grant, to, identity)
    except Problem:
        grant = None
    transfer = Transfer(
        id=new_id(),
        case_id=case_id,
        from_organisation=case.organisation_id,
        to_organisation=to,
        grant_id=grant.id if grant else None,
        state="offered",
        version=1,
        offered_at=clock.now(),
        offered_by=SYSTEM_CLIENT,
    )
    session.add(transfer)
    await session.flush()
    await _tell(session, None, transfer)
    if grant is not None:
        await case_service.hand_over(
            session, keys, blind, case, identity, attributes, to, taken_by=None
        )
        await _decide(session, None, transfer, "accepted", None)
    return 1


async def accept(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    blind: BlindIndex,
    transfer_id: UUID,
    body: AcceptTransfer,
) -> Transfer:
    """Accept the case. After the commit, only the caller's organisation holds it."""
    transfer = await queries.one(session, caller, transfer_id, lock=True)
    async with acting_as_service(session):
        case = await cases.by_id(session, transfer.case_id)
        grant = await consents.by_id(session, transfer.grant_id) if transfer.grant_id else None
        _check(caller, transfer, "accept")
        if case is None:
            raise NO_CONSENT.because("case_is_gone")
        case_service.refuse_unless_open(case)
        identity, attributes = await case_service.open_record(keys, case)
        if transfer.grant_id is None:
            if body.consent is None:
                raise NO_CONSENT.because("ask_person_again_first", pointer="/consent")
            said = NewConsent(
                case_id=case.id,
                kind="transfer",
                recipient_organisation_id=caller.organisation,
                **body.consent.model_dump(),
            )
            grant = await give_to_successor(session, caller, case, identity, attributes, said)
            transfer.grant_id = grant.id
        elif body.consent is not None:
            raise INVALID.because("this_offer_has_its_consent", pointer="/consent")
        await _ask(session, case, grant, transfer.to_organisation, identity)
        await case_service.hand_over(
            session,
            keys,
            blind,
            case,
            identity,
            attributes,
            transfer.to_organisation,
            taken_by=caller.subject,
        )
        await _decide(session, caller, transfer, "accepted", None)
    session.expire_all()
    return await queries.one(session, caller, transfer_id)


async def decline(
    session: AsyncSession, caller: Principal, transfer_id: UUID, reason: str
) -> Transfer:
    transfer = await queries.one(session, caller, transfer_id, lock=True)
    _check(caller, transfer, "decline")
    await _decide(session, caller, transfer, "declined", reason)
    return transfer


async def recall(
    session: AsyncSession, caller: Principal, transfer_id: UUID, reason: str
) -> Transfer:
    transfer = await queries.one(session, caller, transfer_id, lock=True)
    _check(caller, transfer, "recall")
    if transfer.grant_id is None:
        raise NOT_YOUR_STEP.because("succession_offers_it")
    await _decide(session, caller, transfer, "recalled", reason)
    return transfer


async def end_offer(
    session: AsyncSession,
    caller: Principal | None,
    case_id: UUID,
    reason: str,
    *,
    grant_id: UUID | None = None,
    to: Collection[UUID] | None = None,
) -> None:
    """Recall a case's open offer, if it is under this consent and to one of these organisations."""
    transfer = await queries.open_of(session, case_id, lock=True)
    if transfer is None or (grant_id is not None and transfer.grant_id != grant_id):
        return
    if to is None or transfer.to_organisation in to:
        await _decide(session, caller, transfer, "recalled", reason)


async def end_again(session: AsyncSession, transfer_id: UUID, word: Word) -> int:
    """End again an offer that a restored backup reopened. The person learns who took over the case."""
    transfer = await session.get(Transfer, transfer_id, with_for_update=True)
    if transfer is None or transfer.state != "offered":
        return 0
    accepted = word.get("state") == "accepted"
    state, reason = ("accepted", None) if accepted else ("recalled", "other")
    await _decide(session, None, transfer, state, reason)
    return 1


def legal(caller: Principal, transfer: Transfer) -> list[str]:
    """Return the commands that the caller may now run on the transfer."""
    if transfer.state != "offered":
        return []
    found = []
    if transfer.to_organisation == caller.organisation:
        found += ["accept", "decline"]
    if transfer.from_organisation == caller.organisation and transfer.grant_id is not None:
        found.append("recall")
    return found


def _check(caller: Principal, transfer: Transfer, command: str) -> None:
    mine = transfer.from_organisation if command == "recall" else transfer.to_organisation
    if mine != caller.organisation:
        raise NOT_YOUR_STEP.because("is_for_other_side_of_transfer", command)
    if transfer.state != "offered":
        raise ILLEGAL_TRANSITION.because(
            "transfer_is_already", transfer.state, state=transfer.state, legal_transitions=[]
        )


async def _decide(
    session: AsyncSession,
    caller: Principal | None,
    transfer: Transfer,
    state: str,
    reason: str | None,
) -> None:
    transfer.state, transfer.reason = state, reason
    transfer.decided_at = clock.now()
    transfer.decided_by = caller.subject if caller else SYSTEM_CLIENT
    transfer.version += 1
    await session.flush()
    word = {"state": state}
    await remember_word(session, Kind.TRANSFER, transfer.id, word, case_id=transfer.case_id)
    await _tell(session, caller, transfer)


async def _tell(session: AsyncSession, caller: Principal | None, transfer: Transfer) -> None:
    await append(
        session,
        COMMON,
        _EVENTS[transfer.state](
            transfer_id=transfer.id,
            case_id=transfer.case_id,
            version=transfer.version,
            from_organisation=transfer.from_organisation,
            to_organisation=transfer.to_organisation,
            occurred_at=transfer.decided_at or transfer.offered_at,
        ),
    )
    await notify(
        session,
        [transfer.from_organisation, transfer.to_organisation],
        NoticeKind(f"transfer.{transfer.state}"),
        subject_type="transfer",
        subject_id=transfer.id,
        version=transfer.version,
    )
    await record(
        session,
        caller,
        f"transfer.{transfer.state}",
        chain=transfer.case_id,
        target_id=transfer.id,
        detail={"to": str(transfer.to_organisation)},
    )
