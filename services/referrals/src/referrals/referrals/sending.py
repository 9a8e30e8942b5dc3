"""Drafting and sending: where consent is checked and the snapshot is made."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.database import let_wait
from common.errors import INVALID
from common.ids import new_id
from common.reads import QuickStatement
from common.referral_states import OPEN, ReferralState
from common.writes import RowWriter, send_now, write_soon
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.audit.service import record
from referrals.cases import person
from referrals.cases import service as case_service
from referrals.cases.made_together import made_together
from referrals.cases.models import CaseRecord
from referrals.cases.opening import open_with
from referrals.cases.referring import (
    BOTH,
    CaseAndService,
    case_and_service,
    made_case_and_service,
)
from referrals.consents import queries as consents
from referrals.consents.asking_service import ask, known, word_of, word_of_exception
from referrals.consents.counting import counted, read_word, reporting_word
from referrals.consents.decision import Move, Road, Word, still_granted
from referrals.consents.models import GrantRecord
from referrals.consents.service import aor_of
from referrals.directory.models import ServiceRecord
from referrals.errors import (
    ALREADY_OPEN,
    CROSS_BORDER,
    NO_CONSENT,
    NO_WAY_TO_REACH,
    NOT_ON_RECORD,
    NOT_REFERABLE,
)
from referrals.keys.sealing import open_column, seal_column
from referrals.keys.store import CaseKeys
from referrals.locking_queries import shares_sendings
from referrals.protocols.borders import countries_of
from referrals.protocols.crossing_service import refuse_uncovered
from referrals.referrals import queries
from referrals.referrals.lifecycle import Command
from referrals.referrals.models import Referral, Snapshot
from referrals.referrals.reach import can_reach
from referrals.referrals.schemas import NewReferral, Send
from referrals.referrals.steps import Taken, state_after, take, write_step
from referrals.timers.deadlines import Clock, Policies, calendar_of, deadline, policy_of
from referrals.timers.service import policies_column, policies_of
from referrals.vocabulary.disclosure import NotOnRecord, compose, texts_of
from referrals.vocabulary.facts import covered

_REFERRALS = RowWriter(Referral.metadata.tables["referrals"], *Referral.model_fields)
_SNAPSHOTS = RowWriter(
    Snapshot.metadata.tables["snapshots"],
    "referral_id",
    "case_id",
    "to_organisation",
    "items",
    "sealed",
    "created_at",
    "readable_until",
)


async def draft(
    session: AsyncSession, caller: Principal, keys: CaseKeys, body: NewReferral
) -> Referral:
    """Write a draft: nothing is shared, nobody is told."""
    now = clock.now()
    made = made_together(session)
    wanted = {"case_id": body.case_id, "service_id": body.service_id}
    found = await made_case_and_service(session, caller, keys, made, wanted)
    case, service = found.case, found.service_for(body.category, now, "/category")
    if body.replaces is not None:
        await _check_replaced(session, caller, case, body.replaces)
    referral_id = new_id()
    content = {
        "payload": body.payload.items(),
        "from_case": [item.value for item in body.from_case],
        "safe_contact": body.safe_contact.model_dump() if body.safe_contact else None,
    }
    referral = Referral.of(
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
    # The rules of the other rows look for this one. With it goes the case, where the command before let it wait.
    write_soon(session, _REFERRALS, referral.model_dump())
    await send_now(session)
    await write_step(session, caller, referral, command="draft", before=None)
    await record(
        session,
        caller,
        "referral.draft",
        chain=case.id,
        target_id=referral.id,
        detail={"items": sorted({*content["payload"], *content["from_case"]})},  # type: ignore[misc]  # lists and dicts of item codes
    )
    made.keep(referral, referral.id)
    let_wait(session)
    return referral


async def send(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    body: Send,
    case_id: UUID | None = None,
) -> Referral:
    """Send a draft under a consent or an approved exception."""
    if (body.grant_id is None) == (body.exception_id is None):
        raise INVALID.because("name_one_grant_id_or_one_exception", pointer="/grant_id")
    both = _made_to_send(session, referral_id, body, case_id)
    authority, referral = both or await _to_send(session, caller, referral_id, body, case_id)
    taken = Taken(
        Command.SEND,
        queries.parties_of(caller, referral),
        expected_version=body.expected_version,
    )
    state_after(referral, taken)  # who may, and whether it is a draft, is said before anything else
    now = clock.now()
    wanted = {
        "case_id": referral.case_id,
        "service_id": referral.service_id,
        "grant_id": body.grant_id,
        "exception_id": body.exception_id,
        "aor": referral.aor,
        "urgency": referral.urgency,
    }
    found = await _made_with_its_case(session, caller, keys, wanted) if both else None
    found = found or await case_and_service(
        session, caller, keys, _IN_SENDING, wanted, past=both is not None
    )
    case, service = found.case, found.service_for(referral.category, now, "/category")
    used, counting, policies = found.more
    if service.organisation_id != referral.to_organisation:
        raise NOT_REFERABLE.because("service_belongs_to_another_organisation_now_write")
    identity, attributes = open_with(found.key, case)
    of = known(case, identity, now)
    content = open_draft(found.key, referral)
    if not content["safe_contact"]:
        raise INVALID.because("say_in_draft_how_person", pointer="/safe_contact")
    shared = {*content["payload"], *content["from_case"]}
    move = move_of(
        Road.SEND,
        referral,
        items=shared,
        texts=texts_of(content["safe_contact"]),
    )
    granted = ask(move, authority, of, now, _here(service, implicated=found.implicated))
    if used:
        raise NO_CONSENT.because(
            "this_consent_was_used_for_referral_already",
            pointer="/grant_id",
        )
    if not can_reach(content["safe_contact"]["rule"], shared):
        raise NO_WAY_TO_REACH.because(
            "service_may_contact_person_nothing",
            pointer="/safe_contact/rule",
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
    _write_snapshot(
        session, found.key, referral, content, compose_granted(content, on_record, granted),
        authority.valid_until, now,
    )  # fmt: skip
    _set_deadlines(case, referral, now, policies_of(policies))
    if not covered("clinical_deadline", still_granted(authority.items, of)):
        referral.unshared_deadline, referral.clinical_deadline = referral.clinical_deadline, None
    referral.grant_id, referral.exception_id = body.grant_id, body.exception_id
    referral.draft = None
    referral.sent_at = now
    word = read_word(counting)
    counted_now = None if word is None else counted(case.id, word, of, now)
    return await take(session, keys, caller, referral, taken, counted_now)


def move_of(
    road: Road,
    referral: Referral,
    *,
    items: Collection[str] | None = None,
    texts: Collection[str] = (),
    shared: bool = True,
) -> Move:
    """What goes, or went, to the recipient of a referral."""
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


def _here(service: ServiceRecord, *, implicated: bool) -> frozenset[UUID]:
    return frozenset({service.organisation_id}) if implicated else frozenset()


async def _check_replaced(
    session: AsyncSession, caller: Principal, case: CaseRecord, replaced_id: UUID
) -> None:
    replaced = await queries.one(session, caller, replaced_id, case_id=case.id)
    if ReferralState(replaced.state) in OPEN:
        raise INVALID.because(
            "referral_to_replace_is_still_recall",
            replaced.state,
            pointer="/replaces",
        )


async def _to_send(
    session: AsyncSession, caller: Principal, referral_id: UUID, body: Send, case_id: UUID | None
) -> tuple[Word, Referral]:
    """What allows the sending, and the draft, whose case is held from here on."""
    if body.grant_id is not None:
        both = await queries.consent_and_draft_to_send(
            session, caller, body.grant_id, referral_id, case_id
        )
        if both is not None:
            return word_of(both[0]), both[1]
    referral = await queries.draft_to_send(session, caller, referral_id, case_id)
    return await _authority(session, caller, body), referral


def _made_to_send(
    session: AsyncSession, referral_id: UUID, body: Send, case_id: UUID | None
) -> tuple[Word, Referral] | None:
    """As `consent_and_draft_to_send`, of a consent and a draft that this transaction has made and nobody else sees;
    None without them. Their case is held since, and sendings share their lock."""
    made = made_together(session)
    grant = made.find(GrantRecord, body.grant_id)
    referral = made.find(Referral, referral_id)
    if grant is None or referral is None or not shares_sendings(session):
        return None
    of_one_case = grant.case_id == referral.case_id and case_id in (None, referral.case_id)
    return (word_of(grant), referral) if of_one_case else None


async def _made_with_its_case(
    session: AsyncSession, caller: Principal, keys: CaseKeys, wanted: dict[str, Any]
) -> CaseAndService | None:
    """As `_IN_SENDING`, of a case that this transaction has made, too: all there is of it was handed on, and its service
    was read when sendings shared their lock already. None if the case was there before, or if the person has decided on
    statistics: what that comes to is told by the database alone."""
    made, case_id = made_together(session), wanted["case_id"]
    decided = (
        grant.case_id == case_id and grant.kind == "reporting" for grant in made.all(GrantRecord)
    )
    if made.find(CaseRecord, case_id) is None or any(decided):
        return None
    found = await made_case_and_service(session, caller, keys, made, wanted)
    used = any(sent.grant_id == wanted["grant_id"] for sent in made.all(Referral))
    return replace(found, more=(used, None, *found.more))


async def _authority(session: AsyncSession, caller: Principal, body: Send) -> Word:
    if body.grant_id is not None:
        return word_of(await consents.record(session, caller, body.grant_id))
    if body.exception_id is None:
        raise INVALID.because("name_one_grant_id_or_one_exception", pointer="/grant_id")
    return word_of_exception(await consents.own_exception(session, caller, body.exception_id))


# Sending asks too whether the consent was used, what statistics may count, and the times that
# coordinators set. The referral is locked before: what was decided meanwhile is seen.
_IN_SENDING = QuickStatement(
    BOTH.add_columns(
        sa.exists().where(
            sa.or_(
                col(Referral.grant_id) == sa.bindparam("grant_id", type_=sa.Uuid()),
                col(Referral.exception_id) == sa.bindparam("exception_id", type_=sa.Uuid()),
            )
        ),
        reporting_word("case_id"),
        policies_column("aor", "urgency"),
    )
)


async def _check_border(
    session: AsyncSession,
    case: CaseRecord,
    service: ServiceRecord,
    referral: Referral,
    now: datetime,
) -> None:
    countries = service.countries or countries_of(service.areas)
    if not countries:
        raise CROSS_BORDER.because(
            "nothing_says_in_which_country_this_service",
            pointer="/service_id",
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
    """The items of a snapshot; 422 with the codes of those that the case does not hold."""
    try:
        return compose(content["payload"], content["from_case"], on_record, granted)
    except NotOnRecord as error:
        raise NOT_ON_RECORD.because(
            "case_does_not_hold", ", ".join(error.items), items=list(error.items)
        ) from error


def _write_snapshot(
    session: AsyncSession,
    key: bytes,
    referral: Referral,
    content: dict[str, Any],
    items: dict[str, Any],
    readable_until: datetime | None,
    now: datetime,
) -> None:
    write_soon(
        session,
        _SNAPSHOTS,
        {
            "referral_id": referral.id,
            "case_id": referral.case_id,
            "to_organisation": referral.to_organisation,
            "items": list(items),
            "sealed": seal_column(
                key,
                {"items": items, "safe_contact": content["safe_contact"]},
                organisation=referral.to_organisation,
                row=referral.id,
                column="snapshot",
            ),
            "created_at": now,
            "readable_until": readable_until,
        },
    )


def open_draft(key: bytes, referral: Referral) -> dict[str, Any]:
    """What a draft holds: payload, from_case, safe_contact."""
    if referral.draft is None:
        raise ValueError("only a draft has a draft's content")
    content: dict[str, Any] = open_column(
        key,
        referral.draft,
        organisation=referral.to_organisation,
        row=referral.id,
        column="draft",
    )
    return content


def _set_deadlines(case: CaseRecord, referral: Referral, now: datetime, changed: Policies) -> None:
    calendar = calendar_of(case.country)
    for clock_of, attribute in (
        (Clock.ACKNOWLEDGE, "acknowledge_by"),
        (Clock.DECIDE, "decide_by"),
    ):
        policy = policy_of(referral.aor, referral.urgency, clock_of, changed)
        setattr(referral, attribute, deadline(now, policy, calendar))
