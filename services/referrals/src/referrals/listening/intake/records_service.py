"""Creates one case from another system's record. Later versions add needs and overwrite nothing; a consent becomes a
question for the caseworker."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from common import clock
from common.auth import Principal
from common.errors import Problem
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases import service as case_service
from referrals.case.cases.models import Case
from referrals.case.cases.schemas import NewCase
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import hold_case
from referrals.ground.row_security import acting_as_service
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.service import open_task
from referrals.listening.intake import queries
from referrals.listening.intake.account import Account
from referrals.listening.intake.case_mapping import TranslatedCase, target_of, translate_case
from referrals.listening.intake.mapping import FormMapping, Reason, pointer_to
from referrals.listening.intake.models import SeenRecord
from referrals.referral.referrals.drafts import draft
from referrals.referral.referrals.schemas import NewReferral
from referrals.screening.assistance import queries as assistance
from referrals.screening.assistance import service as plans
from referrals.screening.assistance.schemas import NewPlanItem

_records = SeenRecord.metadata.tables["intake_records"]


@dataclass
class Made:
    """The result. `told` contains codes of remarks about an accepted record, for a person to read."""

    screening_id: UUID | None = None
    case_id: UUID | None = None
    reasons: list[Reason] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    not_kept: str | None = None


@dataclass(frozen=True)
class Arrived:
    """A received record. `changes` means that its system resends it after each change."""

    form_id: UUID
    record_id: str
    account: Account
    changes: bool


async def become_case(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    blind: BlindIndex,
    key: bytes,
    mapping: FormMapping,
    record: Arrived,
) -> Made:
    """Return the record's case, or the reasons why there is none."""
    gone = await _gone(session, caller, record)
    if gone is not None:
        # A resent record must not restore an erased person or wait in quarantine.
        return gone
    account = record.account
    if account.is_rejected and not await queries.case_of(session, record.form_id, record.record_id):
        return Made(not_kept="record_rejected")
    found = translate_case(mapping, account.said)
    found.reasons += account.reasons()
    person = digest(key, record.form_id, found.body)
    notes = list(dict.fromkeys(account.notes.values()))
    if notes:
        _warn(found, notes, next(iter(account.notes)))
    body = _body(found)
    if body is None or found.reasons:
        return Made(reasons=found.reasons)
    seen = await _seen(session, caller, record)
    made = Made(told=["name_masked"] if account.masked else [])
    if seen.case_id is not None:
        case = await cases.own_case(session, caller, seen.case_id, lock=True)
        refused = _refused(case, seen, person, record)
        if refused is None and notes and not await case_service.warn(session, keys, case, notes):
            refused = Made(reasons=[_too_long(next(iter(account.notes)))])
        if refused is not None:
            return refused
    else:
        case = await case_service.register(session, caller, keys, blind, body, owned=False)
        seen.case_id, seen.person = case.id, person
        await session.flush()
    made.case_id = case.id
    if notes:
        await open_task(session, caller.organisation, TaskKind.CONFIRM_CONTACT, case_id=case.id)
        made.told.append("note_of_sender")
    if found.asked:
        await open_task(session, caller.organisation, TaskKind.ASK_CONSENT, case_id=case.id)
    await _add_needs(session, caller, keys, mapping, found.needs, made)
    return made


def _warn(found: TranslatedCase, notes: list[str], path: str) -> None:
    """Put the sender's notes where readers see them before they contact the person."""
    contact = found.body.setdefault("identity", {}).setdefault("contact", {})
    way = case_service.with_notes(contact.get("safe_way"), notes)
    if way is None:
        found.reasons.append(_too_long(path))
    else:
        contact["safe_way"] = way


def _too_long(path: str) -> Reason:
    detail = "The note is too long for the record: write it into the case by hand."
    return Reason("too_long", pointer_to(path), detail)


async def _gone(session: AsyncSession, caller: Principal, record: Arrived) -> Made | None:
    """Return why the record is not stored: its case was handed over or erased. Erasing the case later also deletes
    quarantined content."""
    if record.account.is_rejected:
        await queries.hold_quarantined(session, record.form_id, record.record_id)
    case_id = await queries.case_of(session, record.form_id, record.record_id)
    if case_id is None:
        return None
    async with acting_as_service(session):
        await hold_case(session, case_id)
        case = await cases.by_id(session, case_id, fresh=True)
    if case is None or case.organisation_id != caller.organisation:
        return Made(not_kept="case_handed_over")
    return Made(not_kept="case_erased") if case.status == "erased" else None


def digest(key: bytes, form_id: UUID, said: Mapping[str, Any]) -> bytes:
    """Return a keyed digest, so that nobody can guess an erased person's data by trial and error."""
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return hmac.new(key, form_id.bytes + text, hashlib.sha256).digest()


def record_name(key: bytes, form_id: UUID, record_id: str) -> str:
    """Return a digest of the record's id, equal for all versions. After an erasure here, the id itself would still
    identify the person."""
    return digest(key, form_id, {"record": record_id}).hex()[:32]


def _body(found: TranslatedCase) -> NewCase | None:
    """Validate the case body; an error becomes a reason at the path of the invalid value."""
    try:
        return NewCase.model_validate(found.body)
    except ValidationError as error:
        for each in error.errors(include_input=False, include_url=False):
            target = target_of(each["loc"])
            pointer = found.places.get(target or "", "")
            found.reasons.append(Reason("invalid", pointer, each["msg"]))
        return None


async def _seen(session: AsyncSession, caller: Principal, record: Arrived) -> SeenRecord:
    """Return the record's row, locked after its case, so that simultaneous versions create one case."""
    await session.execute(
        insert(_records)
        .values(
            form_id=record.form_id,
            record_id=record.record_id,
            organisation_id=caller.organisation,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )
    case_id = await queries.case_of(session, record.form_id, record.record_id)
    if case_id is not None:
        await cases.own_case(session, caller, case_id, lock=True)
    return await queries.seen(session, record.form_id, record.record_id)


def _refused(case: Case, seen: SeenRecord, person: bytes, record: Arrived) -> Made | None:
    """Return why a later version may not add needs, or None if it may."""
    if case.status != "open":
        detail = "The case is closed: look at it, then put this away."
        return Made(reasons=[Reason("case_closed", "", detail)])
    if not hmac.compare_digest(seen.person or b"", person):
        detail = (
            "It says something else about the person than before: correct the case by hand, then put"
            " this away."
            if record.changes
            else "It corrects a submission that was taken: correct the case by hand, then put this away."
        )
        return Made(reasons=[Reason("person_changed", "", detail)])
    return None


async def _add_needs(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    mapping: FormMapping,
    needs: list[str],
    made: Made,
) -> None:
    if made.case_id is None:
        return
    planned = await assistance.planned_needs(session, made.case_id)
    for need in needs:
        if need in planned:
            continue
        await plans.plan(session, caller, keys, made.case_id, NewPlanItem(need=need))
        service_id = mapping.drafts.get(need)
        if service_id is None:
            continue
        body = NewReferral(case_id=made.case_id, service_id=service_id, category=need)
        try:
            await draft(session, caller, keys, body)
        except Problem:
            # The service closed or no longer accepts this need, which the plan still contains.
            made.told.append("draft_not_possible")
