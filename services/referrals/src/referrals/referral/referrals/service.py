"""Use cases for a sent referral: its transitions, the confirmation of its outcome, suggestions."""

from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID
from common.events.referrals import FeedbackConfirmed
from common.http.answers import Subject, answer_is_about
from common.words.places import Places
from common.words.referral_states import UNMET, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.consents.statistics import countable
from referrals.errors import NOT_YOUR_STEP
from referrals.ground.audit.service import record
from referrals.ground.directory import queries as directory
from referrals.ground.directory.models import DirectoryService
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.referral.referrals import queries
from referrals.referral.referrals.lifecycle import Party
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.schemas import (
    AnswerInformation,
    ConfirmFeedback,
    Decline,
    Hold,
    Schedule,
    Step,
    Suggest,
    Waitlist,
)
from referrals.referral.referrals.shared_content import answerable, refuse_unreadable
from referrals.referral.referrals.steps import (
    Taken,
    announce,
    key_of,
    state_after,
    take,
    tell_parties,
    write_step,
)
from referrals.referral.referrals.visibility import moved_by_recipient

# Codes that events and lists may show; the rest of the request body is sealed.
_OPEN_FIELDS = frozenset({"expected_version", "outcome", "suggested_service_id"})


async def move(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    body: Step,
    case_id: UUID | None = None,
) -> Referral:
    referral = await queries.one(session, caller, referral_id, case_id=case_id, lock=True)
    detail = body.model_dump(mode="json", exclude_none=True, exclude=set(_OPEN_FIELDS))
    reason = getattr(body, "reason", None)
    detail.pop("reason", None)
    taken = Taken(
        body.command,
        queries.parties_of(caller, referral),
        reason=reason,
        outcome=getattr(body, "outcome", None),
        detail=detail,
        expected_version=body.expected_version,
    )
    state_after(referral, taken)
    refuse_if_still(referral)
    await refuse_unreadable(session, referral, body.command)
    await _prepare(session, caller, keys, referral, body, detail)
    return await take(session, keys, caller, referral, taken)


def refuse_if_still(referral: Referral) -> None:
    """Raise 409 if the recipient's view of an ended referral is frozen."""
    if referral.held_still is not None:
        raise CONFLICT.because("recipient_is_implicated_in_case_this_referral")


async def _prepare(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral: Referral,
    body: Step,
    detail: dict[str, Any],
) -> None:
    today = clock.today()
    if isinstance(body, AnswerInformation):
        detail["payload"] = await answerable(session, keys, referral, body.payload.items())
    elif isinstance(body, Waitlist):
        if body.expected_on < today:
            raise INVALID.because("is_in_past", pointer="/expected_on")
        referral.expected_on = body.expected_on
    elif isinstance(body, Schedule):
        referral.appointment_at = body.appointment_at
    elif isinstance(body, Hold):
        if body.review_on < today:
            raise INVALID.because("is_in_past", pointer="/review_on")
        referral.review_on = body.review_on
    elif isinstance(body, Decline) and body.suggested_service_id is not None:
        await _check_suggested(session, caller, body.suggested_service_id, "/suggested_service_id")
        referral.suggested_service_id = body.suggested_service_id


async def _check_suggested(
    session: AsyncSession, caller: Principal, service_id: UUID, pointer: str
) -> None:
    if not await directory.is_shown(session, caller, service_id):
        raise INVALID.because("directory_has_not_announced_this_service", pointer=pointer)


async def suggest(
    session: AsyncSession, caller: Principal, keys: CaseKeys, referral_id: UUID, body: Suggest
) -> Referral:
    """Suggest another service, as the recipient; the referrer and the person decide."""
    referral = await queries.one(session, caller, referral_id, lock=True)
    if Party.RECIPIENT not in queries.parties_of(caller, referral):
        raise NOT_YOUR_STEP.because("recipient_suggests_referrer_decides")
    await _check_suggested(session, caller, body.service_id, "/service_id")
    referral.suggested_service_id = body.service_id
    detail = {"note": body.note} if body.note else None
    key = await key_of(keys, referral) if detail else None
    await note(session, caller, referral, "suggest", detail, key)
    await tell_parties(session, caller, referral, NoticeKind.REFERRAL_ALTERNATIVE_SUGGESTED)
    return referral


async def confirm_feedback(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    body: ConfirmFeedback,
    case_id: UUID | None = None,
) -> Referral:
    """Confirm the outcome, as the referrer or the person; this is separate from the recipient's report."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id, lock=True)
    if queries.parties_of(caller, referral) != {Party.REFERRER}:
        raise NOT_YOUR_STEP.because("referrer_confirms_for_itself_or_for_person")
    if ReferralState(referral.state) not in (ReferralState.COMPLETED, ReferralState.NOT_DELIVERED):
        raise CONFLICT.because("no_outcome_to_confirm_yet")
    answer_is_about(session, Subject(referral.case_id, "referral", referral.id))
    if referral.feedback_confirmed_at is not None:
        return referral
    counted = await countable(session, keys, referral.case_id)
    referral.feedback_confirmed_at = clock.now()
    referral.feedback_confirmed_by = body.confirmed_by
    await note(session, caller, referral, "confirm")
    await announce(
        session,
        FeedbackConfirmed,
        referral,
        referral.state,
        late=False,
        counted=counted,
        confirmed_by=body.confirmed_by,
    )
    await tell_parties(session, caller, referral, NoticeKind.REFERRAL_CONFIRMED)
    return referral


async def note(
    session: AsyncSession,
    caller: Principal,
    referral: Referral,
    command: str,
    detail: dict[str, Any] | None = None,
    key: bytes | None = None,
) -> None:
    """Write history and audit entries for a change that keeps the state."""
    referral.version += 1
    referral.changed_at = clock.now()
    if referral.held_still is not None and Party.REFERRER not in queries.parties_of(
        caller, referral
    ):
        referral.held_still = moved_by_recipient(referral.held_still, referral.changed_at)
    await session.flush()
    await write_step(
        session, caller, referral, command=command, before=referral.state, detail=detail, key=key
    )
    await record(
        session,
        caller,
        f"referral.{command}",
        chain=referral.case_id,
        target_id=referral.id,
        detail={"version": referral.version},
    )


def wants_another(caller: Principal, referral: Referral) -> bool:
    """Return whether the referral had no result and the caller may choose another service."""
    came_to_nothing = referral.state in UNMET | {ReferralState.RECALLED}
    return came_to_nothing and Party.REFERRER in queries.parties_of(caller, referral)


async def alternatives(
    session: AsyncSession, caller: Principal, referral_id: UUID
) -> list[tuple[DirectoryService, int | None]]:
    """Return other services for the same need, pathway services first, excluding implicated and already tried ones."""
    referral = await queries.one(session, caller, referral_id)
    if Party.REFERRER not in queries.parties_of(caller, referral):
        raise NOT_YOUR_STEP.because("alternatives_are_for_referrer_to_choose_from")
    area = referral.area
    areas = [area, *Places.load().ancestors(area)] if area else []
    return await directory.alternatives(
        session,
        caller,
        category=referral.category,
        areas=areas,
        suggested=referral.suggested_service_id,
        except_services=await queries.services_tried(session, referral),
        except_organisations=sorted(await cases.implicated(session, referral.case_id)),
        now=clock.now(),
    )
