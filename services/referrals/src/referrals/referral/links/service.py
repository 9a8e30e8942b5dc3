"""Answer-link use cases: create, open, respond once."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.db.ended_rights import suspended_among
from common.errors import CONFLICT
from common.words.referral_states import ReferralState
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.errors import LINK_SPENT, NOT_YOUR_STEP
from referrals.ground.audit.service import record
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import hold_case
from referrals.ground.restrictions.service import remember_end
from referrals.ground.restrictions.words import Kind
from referrals.ground.row_security import act_as_service
from referrals.referral.links.answers import Answer, choices
from referrals.referral.links.models import AnswerLink
from referrals.referral.referrals import queries
from referrals.referral.referrals.lifecycle import Party
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.shared_content import refuse_to_ask, refuse_unreadable
from referrals.referral.referrals.steps import Taken, take
from referrals.tables import ENDED_RIGHTS

LINK_CLIENT = "answer-link"


def digest_of(token: str) -> bytes:
    """Return the digest that is stored for a link. A token of 256 random bits needs no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def _listed_as(digest: bytes) -> UUID:
    """Return a link's id in the list of spent links; it is part of the link's digest."""
    return UUID(bytes=digest[:16])


async def spend_again(session: AsyncSession, listed: UUID) -> int:
    """Mark as spent again a link that a restored backup made unused. Requires service rights."""
    spent = await session.scalars(
        sa.update(AnswerLink)
        .where(
            sa.func.substring(col(AnswerLink.digest), 1, 16) == listed.bytes,
            col(AnswerLink.used_at).is_(None),
        )
        .values(used_at=clock.now())
        .returning(col(AnswerLink.referral_id))
        .execution_options(synchronize_session=False)
    )
    return len(spent.all())


async def make(
    session: AsyncSession, caller: Principal, referral_id: UUID, language: str, days: int
) -> tuple[str, AnswerLink]:
    """Create a link for the referrer; earlier links for the same referral become invalid."""
    referral = await queries.one(session, caller, referral_id, lock=True)
    if Party.REFERRER not in queries.parties_of(caller, referral):
        raise NOT_YOUR_STEP.because("referrer_gives_link_to_recipient")
    if referral.sent_at is None or not choices(ReferralState(referral.state)):
        raise CONFLICT.because("nothing_to_answer_in_this_state")
    await refuse_to_ask(session, referral)
    former = await session.scalars(
        sa.update(AnswerLink)
        .where(col(AnswerLink.referral_id) == referral.id, col(AnswerLink.used_at).is_(None))
        .values(used_at=clock.now())
        .returning(col(AnswerLink.digest))
        .execution_options(synchronize_session=False)
    )
    for digest in former.all():
        await remember_end(session, Kind.LINK, _listed_as(digest), referral.case_id)
    token, link = await _new(session, referral, caller.organisation, caller.subject, language, days)
    await record(
        session,
        caller,
        "answer_link.made",
        chain=referral.case_id,
        target_type="referral",
        target_id=referral.id,
    )
    return token, link


async def _new(
    session: AsyncSession,
    referral: Referral,
    organisation: UUID,
    client: str,
    language: str,
    days: int,
) -> tuple[str, AnswerLink]:
    token, now = secrets.token_urlsafe(32), clock.now()
    link = AnswerLink(
        digest=digest_of(token),
        referral_id=referral.id,
        organisation_id=organisation,
        language=language,
        created_at=now,
        created_by=client,
        expires_at=now + timedelta(days=days),
    )
    session.add(link)
    await session.flush()
    return token, link


async def open_link(
    session: AsyncSession, token: str, *, lock: bool = False
) -> tuple[AnswerLink, Referral]:
    """Return the link and its referral. Raise 410 if the link is unknown, used or expired, or while the recipient is
    suspended. `lock` locks the case. Requires service rights."""
    await act_as_service(session)
    digest = digest_of(token)
    link = await session.get(AnswerLink, digest)
    if link is not None:
        referral = await queries.by_id(session, link.referral_id)
        if lock and referral is not None:
            await hold_case(session, referral.case_id)
            await session.refresh(referral, with_for_update=True)
            link = await session.get(AnswerLink, digest, populate_existing=True)
        usable = link is not None and link.used_at is None and link.expires_at > clock.now()
        if usable and referral is not None:
            to = str(referral.to_organisation)
            usable = not await suspended_among(session, ENDED_RIGHTS, {to})
        if link is not None and referral is not None and usable:
            return link, referral
    raise LINK_SPENT.because("ask_organisation_that_sent_it_for_new")


async def answer(
    session: AsyncSession,
    keys: CaseKeys,
    link: AnswerLink,
    referral: Referral,
    given: Answer,
    days: int,
) -> str | None:
    """Record the response and spend the link; return the token of the next link if one is needed. Accepting a referral
    that is no longer readable raises 410 and does not spend the link."""
    await refuse_unreadable(session, referral, given.command)
    caller = Principal(LINK_CLIENT, LINK_CLIENT, referral.to_organisation)
    detail = {"focal_point": given.focal_point} if given.focal_point else {}
    link.used_at = clock.now()
    await remember_end(session, Kind.LINK, _listed_as(link.digest), referral.case_id)
    taken = Taken(
        given.command,
        frozenset({Party.RECIPIENT}),
        reason=given.reason,
        outcome=given.outcome,
        detail=detail,
    )
    await take(session, keys, caller, referral, taken)
    if not choices(ReferralState(referral.state)):
        return None
    token, _ = await _new(session, referral, link.organisation_id, LINK_CLIENT, link.language, days)
    return token
