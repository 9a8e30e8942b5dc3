"""Drafts and sends referrals: checks consent and creates the snapshot."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import INVALID
from common.ids import new_id
from common.words.referral_states import OPEN, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import person
from referrals.case.cases import service as case_service
from referrals.case.cases.eligibility import case_and_service
from referrals.case.cases.models import Case
from referrals.case.cases.person import open_with
from referrals.case.consents import queries as consents
from referrals.case.consents.decision import Move, Road, Word, still_granted
from referrals.case.consents.decision_service import ask, known, word_of, word_of_exception
from referrals.case.consents.service import aor_of
from referrals.errors import (
    ALREADY_OPEN,
    CROSS_BORDER,
    NO_CONSENT,
    NO_WAY_TO_REACH,
    NOT_ON_RECORD,
    NOT_REFERABLE,
)
from referrals.ground.audit.service import record
from referrals.ground.directory.models import DirectoryService
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys
from referrals.ground.protocols.service import countries_of, refuse_uncovered
from referrals.ground.timers.deadlines import Clock, Policies, calendar_of, deadline, policy_of
from referrals.ground.timers.service import overrides
from referrals.ground.vocabulary.disclosure import NotOnRecord, can_reach, compose, texts_of
from referrals.ground.vocabulary.facts import covered
from referrals.referral.referrals import queries
from referrals.referral.referrals.lifecycle import Command
from referrals.referral.referrals.models import Referral, Snapshot
from referrals.referral.referrals.schemas import NewReferral, Send
from referrals.referral.referrals.steps import Taken, state_after, take, write_step


async def draft(
    session: AsyncSession, caller: Principal, keys: CaseKeys, body: NewReferral
) -> Referral:
    """Write a draft, which shares nothing and notifies nobody."""
    now = clock.now()
    found = await case_and_service(session, caller, keys, body.case_id, body.service_id)
    case, service = found.case, found.service_for(body.category, now, "/category")
    if body.replaces is not None:
        await _check_replaced(session, caller, case, body.replaces)
    referral_id = new_id()
    content = {
        "payload": body.payload.items(),
        "from_case": [item.value for item in body.from_case],
        "safe_contact": body.safe_contact.model_dump() if body.safe_contact else None,
    }
    referral = Referral(
        id=referral_id,
        case_id=case.id,
        from_organisation=caller.organisation,
        to_organisation=service.organisation_id,
        service_id=service.service_id,
        category=body.category,
        aor=aor_of(body.category),
        urgency=body.urgency,
        state=ReferralState.DRAFT.value,
        version=1,
        area=case_service.coarse(case.area),
        replaces=body.replaces,
        clinical_deadline=body.clinical_deadline,
        draft=seal_column(
            found.key,
            content,
            organisation=service.organisation_id,
            row=referral_id,
            column="draft",
        ),
        created_at=now,
        created_by=caller.subject,
        changed_at=now,
    )
    session.add(referral)
    await session.flush()
    await write_step(session, caller, referral, command="draft", before=None)
    await record(
        session,
        caller,
        "referral.draft",
        chain=case.id,
        target_id=referral.id,
        detail={"items": sorted({*content["payload"], *content["from_case"]})},  # type: ignore[misc]  # lists and dicts of item codes
    )
    return referral


async def send(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    body: Send,
    case_id: UUID | None = None,
) -> Referral:
    if (body.grant_id is None) == (body.exception_id is None):
        raise INVALID.because("name_one_grant_id_or_one_exception", pointer="/grant_id")
    referral = await queries.draft_to_send(session, caller, referral_id, case_id)
    authority = await _authority(session, caller, body)
    taken = Taken(
        Command.SEND, queries.parties_of(caller, referral), expected_version=body.expected_version
    )
    state_after(referral, taken)  # check permissions and the state first
    now = clock.now()
    found = await case_and_service(session, caller, keys, referral.case_id, referral.service_id)
    case, service = found.case, found.service_for(referral.category, now, "/category")
    if service.organisation_id != referral.to_organisation:
        raise NOT_REFERABLE.because("service_belongs_to_another_organisation_now_write")
    identity, attributes = open_with(found.key, case)
    of = known(case, identity, now)
    content = open_draft(found.key, referral)
    if not content["safe_contact"]:
        raise INVALID.because("say_in_draft_how_person", pointer="/safe_contact")
    shared = {*content["payload"], *content["from_case"]}
    move = move_of(Road.SEND, referral, items=shared, texts=texts_of(content["safe_contact"]))
    granted = ask(move, authority, of, now, _here(service, implicated=found.implicated))
    if await queries.sent_under(session, body.grant_id, body.exception_id):
        raise NO_CONSENT.because("this_consent_was_used_for_referral_already", pointer="/grant_id")
    if not can_reach(content["safe_contact"]["rule"], shared):
        raise NO_WAY_TO_REACH.because(
            "service_may_contact_person_nothing", pointer="/safe_contact/rule"
        )
    await _check_border(session, case, service, referral, now)
    if not body.in_addition and (beside := await queries.open_beside(session, referral)):
        raise ALREADY_OPEN.because(
            "person_waits_for_service_already",
            pointer="/in_addition",
            referral_ids=[str(one) for one in beside],
        )
    on_record = person.disclosable(
        case.reference, case.area, of.caregiver, identity, attributes, clock.day_of(now)
    )
    items = compose_granted(content, on_record, granted)
    session.add(
        _snapshot(found.key, referral, content["safe_contact"], items, authority.valid_until, now)
    )
    _set_deadlines(case, referral, now, await overrides(session, referral.aor, referral.urgency))
    if not covered("clinical_deadline", still_granted(authority.items, of)):
        referral.unshared_deadline, referral.clinical_deadline = referral.clinical_deadline, None
    referral.grant_id, referral.exception_id = body.grant_id, body.exception_id
    referral.draft = None
    referral.sent_at = now
    return await take(session, keys, caller, referral, taken)


def move_of(
    road: Road,
    referral: Referral,
    *,
    items: Collection[str] | None = None,
    texts: Collection[str] = (),
    shared: bool = True,
) -> Move:
    """Return the `Move` of a referral's content to its recipient."""
    return Move(
        road,
        referral.case_id,
        service_id=referral.service_id,
        organisation_id=referral.to_organisation,
        purpose=referral.category,
        items=items,
        texts=texts,
        shared=shared,
    )


def _here(service: DirectoryService, *, implicated: bool) -> frozenset[UUID]:
    return frozenset({service.organisation_id}) if implicated else frozenset()


async def _check_replaced(
    session: AsyncSession, caller: Principal, case: Case, replaced_id: UUID
) -> None:
    replaced = await queries.one(session, caller, replaced_id, case_id=case.id)
    if ReferralState(replaced.state) in OPEN:
        raise INVALID.because(
            "referral_to_replace_is_still_recall", replaced.state, pointer="/replaces"
        )


async def _authority(session: AsyncSession, caller: Principal, body: Send) -> Word:
    if body.grant_id is not None:
        return word_of(await consents.own_grant(session, caller, body.grant_id, lock=True))
    if body.exception_id is None:
        raise INVALID.because("name_one_grant_id_or_one_exception", pointer="/grant_id")
    return word_of_exception(await consents.own_exception(session, caller, body.exception_id))


async def _check_border(
    session: AsyncSession, case: Case, service: DirectoryService, referral: Referral, now: datetime
) -> None:
    countries = service.countries or countries_of(service.areas)
    if not countries:
        raise CROSS_BORDER.because(
            "nothing_says_in_which_country_this_service", pointer="/service_id"
        )
    await refuse_uncovered(
        session,
        from_country=case.country,
        to_countries=countries,
        from_organisation=referral.from_organisation,
        to_organisation=referral.to_organisation,
        category=referral.category,
        on=clock.day_of(now),
    )


def compose_granted(
    content: dict[str, Any], on_record: dict[str, Any], granted: Collection[str]
) -> dict[str, Any]:
    """Return the items of a snapshot; raise 422 with the codes that the case lacks."""
    try:
        return compose(content["payload"], content["from_case"], on_record, granted)
    except NotOnRecord as error:
        raise NOT_ON_RECORD.because(
            "case_does_not_hold", ", ".join(error.items), items=list(error.items)
        ) from error


def _snapshot(
    key: bytes,
    referral: Referral,
    safe_contact: dict[str, Any],
    items: dict[str, Any],
    readable_until: datetime | None,
    now: datetime,
) -> Snapshot:
    return Snapshot(
        referral_id=referral.id,
        case_id=referral.case_id,
        to_organisation=referral.to_organisation,
        items=list(items),
        sealed=seal_column(
            key,
            {"items": items, "safe_contact": safe_contact},
            organisation=referral.to_organisation,
            row=referral.id,
            column="snapshot",
        ),
        created_at=now,
        readable_until=readable_until,
    )


def open_draft(key: bytes, referral: Referral) -> dict[str, Any]:
    """Return a draft's content: payload, from_case, safe_contact."""
    if referral.draft is None:
        raise ValueError("only a draft has a draft's content")
    content: dict[str, Any] = open_column(
        key, referral.draft, organisation=referral.to_organisation, row=referral.id, column="draft"
    )
    return content


def _set_deadlines(case: Case, referral: Referral, now: datetime, changed: Policies) -> None:
    calendar = calendar_of(case.country)
    for clock_of, attribute in ((Clock.ACKNOWLEDGE, "acknowledge_by"), (Clock.DECIDE, "decide_by")):
        policy = policy_of(referral.aor, referral.urgency, clock_of, changed)
        setattr(referral, attribute, deadline(now, policy, calendar))
