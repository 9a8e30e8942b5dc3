"""Use cases of a sent referral: its transitions, reading what was disclosed, suggestions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID, NOT_FOUND
from common.events.referrals import FeedbackConfirmed
from common.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.audit.service import record
from referrals.cases import queries as cases
from referrals.cases.service import caregiver_of
from referrals.consents import queries as consents
from referrals.consents.service import shareable
from referrals.directory import queries as directory
from referrals.directory.models import DirectoryService
from referrals.errors import CONSENT_WITHDRAWN, ERASED, NOT_YOUR_STEP
from referrals.keys.sealing import open_column
from referrals.keys.store import CaseKeys, KeyDestroyed
from referrals.referrals import queries
from referrals.referrals.lifecycle import Command, Party, State
from referrals.referrals.models import Referral, Step
from referrals.referrals.schemas import (
    Accept,
    Acknowledge,
    AnswerInformation,
    Complete,
    ConfirmFeedback,
    Decline,
    EnterInError,
    Hold,
    NotDelivered,
    Recall,
    RequestInformation,
    Resume,
    Schedule,
    Start,
    Suggest,
    Waitlist,
)
from referrals.referrals.sending import check_payload, open_draft
from referrals.referrals.steps import Taken, announce, state_after, take, tell_parties, write_step

Body = (
    Acknowledge
    | RequestInformation
    | AnswerInformation
    | Waitlist
    | Accept
    | Decline
    | Schedule
    | Start
    | Hold
    | Resume
    | Complete
    | NotDelivered
    | Recall
    | EnterInError
)
_COMMANDS: dict[type, Command] = {
    Acknowledge: Command.ACKNOWLEDGE,
    RequestInformation: Command.REQUEST_INFORMATION,
    AnswerInformation: Command.ANSWER_INFORMATION,
    Waitlist: Command.WAITLIST,
    Accept: Command.ACCEPT,
    Decline: Command.DECLINE,
    Schedule: Command.SCHEDULE,
    Start: Command.START,
    Hold: Command.HOLD,
    Resume: Command.RESUME,
    Complete: Command.COMPLETE,
    NotDelivered: Command.REPORT_NOT_DELIVERED,
    Recall: Command.RECALL,
    EnterInError: Command.ENTER_IN_ERROR,
}
# Codes that events and lists may show; the rest of a body is sealed.
_OPEN_FIELDS = frozenset({"expected_version", "outcome", "suggested_service_id"})


async def move(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    body: Body,
    case_id: UUID | None = None,
) -> Referral:
    """Take the step that the type of `body` stands for."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id, lock=True)
    detail = body.model_dump(mode="json", exclude_none=True, exclude=set(_OPEN_FIELDS))
    reason = getattr(body, "reason", None)
    detail.pop("reason", None)
    taken = Taken(
        _COMMANDS[type(body)],
        queries.parties_of(caller, referral),
        reason=reason,
        outcome=getattr(body, "outcome", None),
        detail=detail,
        expected_version=body.expected_version,
    )
    state_after(referral, taken)
    await _prepare(session, caller, referral, body, detail)
    key = await _key(keys, referral) if detail else None
    return await take(session, caller, referral, taken, key)


async def _prepare(
    session: AsyncSession,
    caller: Principal,
    referral: Referral,
    body: Body,
    detail: dict[str, Any],
) -> None:
    """What a single kind of step checks or keeps beside the state."""
    today = clock.now().date()
    if isinstance(body, AnswerInformation):
        detail["payload"] = check_payload(body.payload, await _granted(session, caller, referral))
    elif isinstance(body, Waitlist):
        if body.expected_on < today:
            raise INVALID.because("It is in the past.", pointer="/expected_on")
        referral.expected_on = body.expected_on
    elif isinstance(body, Hold):
        if body.review_on < today:
            raise INVALID.because("It is in the past.", pointer="/review_on")
        referral.review_on = body.review_on
    elif isinstance(body, Decline) and body.suggested_service_id is not None:
        await _check_suggested(session, body.suggested_service_id)
        referral.suggested_service_id = body.suggested_service_id


async def _granted(session: AsyncSession, caller: Principal, referral: Referral) -> list[str]:
    """The items that may still be told, as the caregiver is known now."""
    items: list[str] = []
    if referral.grant_id is not None:
        items = (await consents.own_grant(session, caller, referral.grant_id)).items
    elif referral.exception_id is not None:
        items = (await consents.own_exception(session, caller, referral.exception_id)).items
    case = await cases.own_case(session, caller, referral.case_id)
    return shareable(items, caregiver_of(case))


async def _check_suggested(session: AsyncSession, service_id: UUID) -> None:
    if await directory.known_service(session, service_id) is None:
        raise INVALID.because(
            "The directory has not announced this service.", pointer="/suggested_service_id"
        )


async def _key(keys: CaseKeys, referral: Referral) -> bytes:
    try:
        return await keys.of(referral.case_id)
    except KeyDestroyed as error:
        raise ERASED.because("The person's data was erased.") from error


async def suggest(
    session: AsyncSession, caller: Principal, keys: CaseKeys, referral_id: UUID, body: Suggest
) -> Referral:
    """The recipient names a service that may help; the referrer and the person decide."""
    referral = await queries.one(session, caller, referral_id, lock=True)
    if Party.RECIPIENT not in queries.parties_of(caller, referral):
        raise NOT_YOUR_STEP.because("The recipient suggests; the referrer decides.")
    if await directory.known_service(session, body.service_id) is None:
        raise INVALID.because(
            "The directory has not announced this service.", pointer="/service_id"
        )
    referral.suggested_service_id = body.service_id
    detail = {"note": body.note} if body.note else None
    key = await _key(keys, referral) if detail else None
    await _note(session, caller, referral, "suggest", detail, key)
    await tell_parties(session, referral, "referral.alternative_suggested")
    return referral


async def confirm_feedback(
    session: AsyncSession, caller: Principal, referral_id: UUID, body: ConfirmFeedback
) -> Referral:
    """The referrer's or the person's confirmation, apart from the recipient's word."""
    referral = await queries.one(session, caller, referral_id, lock=True)
    if Party.REFERRER not in queries.parties_of(caller, referral):
        raise NOT_YOUR_STEP.because("The referrer confirms, for itself or for the person.")
    if State(referral.state) not in (State.COMPLETED, State.NOT_DELIVERED):
        raise CONFLICT.because("There is no outcome to confirm yet.")
    if referral.feedback_confirmed_at is not None:
        return referral
    referral.feedback_confirmed_at = clock.now()
    referral.feedback_confirmed_by = body.confirmed_by
    await _note(session, caller, referral, "confirm")
    await announce(
        session,
        FeedbackConfirmed,
        referral,
        referral.state,
        late=False,
        confirmed_by=body.confirmed_by,
    )
    await tell_parties(session, referral, "referral.confirmed")
    return referral


async def _note(
    session: AsyncSession,
    caller: Principal,
    referral: Referral,
    command: str,
    detail: dict[str, Any] | None = None,
    key: bytes | None = None,
) -> None:
    """History and audit of what changes no state."""
    referral.version += 1
    referral.changed_at = clock.now()
    await session.flush()
    await write_step(
        session, caller, referral, command=command, before=referral.state, detail=detail, key=key
    )
    await record(
        session,
        caller,
        f"referral.{command}",
        chain=referral.case_id,
        target_type="referral",
        target_id=referral.id,
        detail={"version": referral.version},
    )


async def disclosure(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    case_id: UUID | None = None,
) -> dict[str, Any]:
    """What was granted, as it was when sent. Every reading is audited."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id)
    if referral.sent_at is None:
        return await _draft_disclosure(keys, referral)
    snapshot = await queries.snapshot_of(session, referral.id)
    recipient_only = Party.REFERRER not in queries.parties_of(caller, referral)
    now = clock.now()
    if snapshot is None or (recipient_only and _has_ended(snapshot, now)):
        raise CONSENT_WITHDRAWN.because(
            "Sharing has ended. What you recorded of your own service stays yours; "
            "delete what you copied from here."
        )
    if snapshot.sealed is None:
        raise ERASED.because("The person's data was erased.")
    key = await _key(keys, referral)
    content = open_column(
        key,
        snapshot.sealed,
        organisation=referral.to_organisation,
        row=referral.id,
        column="snapshot",
    )
    answers = [
        opened["payload"]
        for step, opened in open_details(
            key, referral, await queries.steps_of(session, referral.id)
        )
        if step.command == Command.ANSWER_INFORMATION and opened
    ]
    await record(
        session,
        caller,
        "disclosure.read",
        chain=referral.case_id,
        target_type="referral",
        target_id=referral.id,
        detail={"items": snapshot.items},
    )
    return {
        "referral_id": referral.id,
        "items": content["items"],
        "safe_contact": content["safe_contact"],
        "answers": answers,
        "disclosed_at": snapshot.created_at,
    }


def _has_ended(snapshot: Any, now: datetime) -> bool:
    until = snapshot.readable_until
    return snapshot.revoked_at is not None or (until is not None and until <= now)


async def _draft_disclosure(keys: CaseKeys, referral: Referral) -> dict[str, Any]:
    if referral.draft is None:
        raise NOT_FOUND.because("Nothing was disclosed.")
    content = open_draft(await _key(keys, referral), referral)
    return {
        "referral_id": referral.id,
        "items": content["payload"],
        "safe_contact": content["safe_contact"],
        "answers": [],
        "disclosed_at": referral.created_at,
    }


def open_details(
    key: bytes | None, referral: Referral, steps: Any
) -> list[tuple[Step, dict[str, Any] | None]]:
    """Steps with their sealed details; None where there are none or they can no longer be read."""
    opened: list[tuple[Step, dict[str, Any] | None]] = []
    for step in steps:
        detail = None
        if step.detail is not None and key is not None:
            detail = open_column(
                key,
                step.detail,
                organisation=referral.to_organisation,
                row=referral.id,
                column=f"step-{step.version}",
            )
        opened.append((step, detail))
    return opened


async def history(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    case_id: UUID | None = None,
) -> list[tuple[Step, dict[str, Any] | None]]:
    """Every step, oldest first. Details close to the recipient when sharing ends."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id)
    steps = await queries.steps_of(session, referral.id)
    key = (await keys.of_many([referral.case_id])).get(referral.case_id)
    snapshot = await queries.snapshot_of(session, referral.id)
    recipient_only = Party.REFERRER not in queries.parties_of(caller, referral)
    closed = recipient_only and (snapshot is None or _has_ended(snapshot, clock.now()))
    own = caller.organisation
    return [
        (step, detail if not closed or step.organisation_id == own else None)
        for step, detail in open_details(key, referral, steps)
    ]


async def alternatives(
    session: AsyncSession, caller: Principal, referral_id: UUID
) -> list[tuple[DirectoryService, int | None]]:
    """Other services for the same need: those that a pathway ranks first, implicated ones never,
    and none that this person was referred to for it before."""
    referral = await queries.one(session, caller, referral_id)
    if Party.REFERRER not in queries.parties_of(caller, referral):
        raise NOT_YOUR_STEP.because("Alternatives are for the referrer to choose from.")
    area = referral.area
    areas = [area, *Places.load().ancestors(area)] if area else []
    return await directory.alternatives(
        session,
        category=referral.category,
        areas=areas,
        suggested=referral.suggested_service_id,
        except_services=await queries.services_tried(session, referral),
        except_organisations=sorted(await cases.implicated(session, referral.case_id)),
        now=clock.now(),
    )
