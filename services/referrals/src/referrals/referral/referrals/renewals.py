"""Renews consent: warns the sender before a consent ends, and continues the referral under a new consent."""

from datetime import datetime
from functools import partial
from uuid import UUID

from common import clock
from common.auth import Principal
from common.db.session import Database
from common.errors import CONFLICT, VERSION_CONFLICT
from common.http.answers import Subject, answer_is_about
from common.words.referral_states import OPEN, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases.person import open_with
from referrals.case.consents import exceptions_service
from referrals.case.consents import queries as consents
from referrals.case.consents.decision import Road, has_expired
from referrals.case.consents.decision_service import ask, known, word_of
from referrals.errors import NO_CONSENT, NO_WAY_TO_REACH, NOT_YOUR_STEP
from referrals.ground.keys.sealed_columns import open_column
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.row_security import acting_as_service
from referrals.ground.sweeps import sweep
from referrals.ground.vocabulary.disclosure import can_reach
from referrals.referral.referrals import queries
from referrals.referral.referrals.drafts import move_of
from referrals.referral.referrals.lifecycle import Party
from referrals.referral.referrals.models import Referral, Snapshot
from referrals.referral.referrals.queries import ENDED, ENDING
from referrals.referral.referrals.schemas import RenewConsent
from referrals.referral.referrals.service import note, refuse_if_still
from referrals.referral.referrals.shared_content import refuse_uncovered_now, standing
from referrals.referral.referrals.steps import key_of, tell_parties

_BATCH = 200


async def renew(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    body: RenewConsent,
    case_id: UUID | None = None,
) -> Referral:
    """Attach a new consent. The sent content remains; the recipient reads the part that the new consent covers."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id, lock=True)
    _refuse_unless_open(caller, referral, body)
    grant = await consents.own_grant(session, caller, body.grant_id, lock=True)
    if referral.grant_id == grant.id:
        answer_is_about(session, Subject(referral.case_id, "referral", referral.id))
        return referral
    found, now = await standing(session, referral), clock.now()
    key = await key_of(keys, referral)
    identity, _ = open_with(key, found.case)
    move = move_of(Road.SEND, referral, shared=found.shared)
    granted = ask(move, word_of(grant), known(found.case, identity, now), now, found.implicated)
    if await queries.sent_under(session, grant.id, None):
        raise NO_CONSENT.because("this_consent_was_used_for_referral_already", pointer="/grant_id")
    snapshot = await queries.snapshot_of(session, referral.id)
    _refuse_unreachable(key, referral, snapshot, granted)
    await refuse_uncovered_now(session, referral, found.case, now)
    await _attach(session, referral, snapshot, grant.id, grant.valid_until)
    await note(session, caller, referral, "renew-consent")
    await tell_parties(session, caller, referral, NoticeKind.REFERRAL_CONSENT_RENEWED)
    return referral


def _refuse_unless_open(caller: Principal, referral: Referral, body: RenewConsent) -> None:
    if Party.REFERRER not in queries.parties_of(caller, referral):
        raise NOT_YOUR_STEP.because("sender_asks_person_again")
    if body.expected_version not in (None, referral.version):
        raise VERSION_CONFLICT.because(
            "you_read_version_it_is_now",
            body.expected_version,
            referral.version,
            version=referral.version,
            state=referral.state,
        )
    if referral.sent_at is None or ReferralState(referral.state) not in OPEN:
        raise CONFLICT.because("only_open_referral_goes_on_under_new_consent")
    refuse_if_still(referral)


def _refuse_unreachable(
    key: bytes, referral: Referral, snapshot: Snapshot | None, granted: frozenset[str]
) -> None:
    """Raise 422 if the service could no longer reach the person under the contact rule that was sent."""
    if snapshot is None or snapshot.sealed is None:
        return
    content = open_column(
        key,
        snapshot.sealed,
        organisation=referral.to_organisation,
        row=referral.id,
        column="snapshot",
    )
    if not can_reach(content["safe_contact"]["rule"], granted & set(snapshot.items)):
        raise NO_WAY_TO_REACH.because("new_consent_leaves_no_way_to_reach", pointer="/grant_id")


async def _attach(
    session: AsyncSession,
    referral: Referral,
    snapshot: Snapshot | None,
    grant_id: UUID,
    until: datetime | None,
) -> None:
    if referral.grant_id is not None:
        referral.former_grants = [*(referral.former_grants or ()), referral.grant_id]
    elif referral.exception_id is not None:
        async with acting_as_service(session):
            await exceptions_service.end(session, referral.exception_id)
    referral.grant_id, referral.exception_id, referral.consent_told = grant_id, None, None
    if snapshot is not None:
        snapshot.readable_until = until
    await session.flush()


async def tell_ends(database: Database, now: datetime) -> int:
    """Notify each sender before a consent ends, and both sides when it has ended. Return the number of referrals."""
    due = partial(queries.to_be_told, now=now, limit=_BATCH)
    return await sweep("consent-ends", database, due, partial(_tell, now=now))


async def _tell(session: AsyncSession, referral_id: UUID, *, now: datetime) -> int:
    referral = await queries.hold_if_free(session, referral_id)
    if referral is None or referral.grant_id is None or referral.state not in OPEN:
        return 0
    grant = await consents.by_id(session, referral.grant_id)
    if grant is None:
        return 0
    ended = has_expired(grant.valid_until, now)
    if referral.consent_told == (ENDED if ended else ENDING):
        return 0
    referral.consent_told = ENDED if ended else ENDING
    await session.flush()
    kind = NoticeKind.REFERRAL_CONSENT_ENDED if ended else NoticeKind.REFERRAL_CONSENT_ENDING
    await tell_parties(session, None, referral, kind, recipient=None if ended else False)
    return 1
