"""Use cases for reading the shared content and the history. Each read by the recipient reruns the decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND, Problem
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.case.cases.person import open_with
from referrals.case.consents.decision import Road, Word, texts_granted
from referrals.case.consents.decision_service import ask, known, word_under, words_under
from referrals.errors import CONSENT_EXPIRED, ERASED, NO_CONSENT
from referrals.ground.audit.queries import disclosure_reads
from referrals.ground.audit.service import record
from referrals.ground.directory.queries import countries_of_service
from referrals.ground.keys.sealed_columns import open_column
from referrals.ground.keys.store import CaseKeys
from referrals.ground.protocols.service import refuse_uncovered
from referrals.ground.row_security import acting_as_service
from referrals.ground.vocabulary.facts import CONTENT, covered
from referrals.referral.referrals import queries
from referrals.referral.referrals.drafts import move_of, open_draft
from referrals.referral.referrals.lifecycle import Command, Party
from referrals.referral.referrals.models import Referral, Step
from referrals.referral.referrals.steps import key_of
from referrals.referral.referrals.visibility import reason_is_told


@dataclass(frozen=True)
class Standing:
    """The facts that decide about a sent referral: its grant, the person, the implicated organisations, and whether its
    content is still shared."""

    word: Word | None
    case: Case
    implicated: frozenset[UUID]
    shared: bool


async def standing(session: AsyncSession, referral: Referral) -> Standing:
    """Load the facts with service rights, because row security hides the consent and the case from a recipient."""
    async with acting_as_service(session):
        case = await cases.by_id(session, referral.case_id)
        if case is None:
            raise ERASED.because("persons_data_was_erased")
        word = await word_under(session, referral.grant_id, referral.exception_id)
        implicated = frozenset(await cases.implicated(session, case.id))
        shared = bool(await queries.unrevoked(session, [referral.id]))
        return Standing(word, case, implicated, shared)


async def readable(
    session: AsyncSession, referral: Referral, now: datetime
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the items and texts that the recipient may read now; raise 410 if there are none."""
    found = await standing(session, referral)
    move = move_of(Road.READ, referral, shared=found.shared)
    of = known(found.case, {}, now)  # reading does not depend on the age
    items = ask(move, found.word, of, now, found.implicated)
    await refuse_uncovered_now(session, referral, found.case, now)
    return items, texts_granted(items)


async def granted_now(
    session: AsyncSession, caller: Principal, referrals: Sequence[Referral]
) -> dict[UUID, frozenset[str] | None]:
    """Return what `readable` allows for each received referral, or None if it refuses. Check border protocols only if
    they could hide a value."""
    received = [
        each for each in referrals if Party.REFERRER not in queries.parties_of(caller, each)
    ]
    if not received:
        return {}
    now, case_ids = clock.now(), {each.case_id for each in received}
    async with acting_as_service(session):
        of_cases = await cases.by_ids(session, case_ids)
        words = await words_under(session, [each for each in map(_word_id, received) if each])
        shared = await queries.unrevoked(session, [each.id for each in received])
        implicated = await cases.implicated_in(session, case_ids)
    found: dict[UUID, frozenset[str] | None] = {}
    for referral in received:
        case, under = of_cases[referral.case_id], _word_id(referral)
        move = move_of(Road.READ, referral, shared=referral.id in shared)
        word = words.get(under) if under else None
        try:
            items = ask(move, word, known(case, {}, now), now, implicated[case.id])
            if any(covered(name, items) and getattr(referral, name) for name in CONTENT):
                await refuse_uncovered_now(session, referral, case, now)
        except Problem:
            found[referral.id] = None
        else:
            found[referral.id] = items
    return found


async def seen_now(session: AsyncSession, caller: Principal, referral_id: UUID) -> Referral:
    referral = await queries.one(session, caller, referral_id)
    granted = await granted_now(session, caller, [referral])
    return queries.seen_by(caller, referral, granted.get(referral.id))


def _word_id(referral: Referral) -> UUID | None:
    return referral.grant_id or referral.exception_id


async def refuse_uncovered_now(
    session: AsyncSession, referral: Referral, case: Case, now: datetime
) -> None:
    """Refuse if an information-sharing protocol has ended since sending. If no country is currently known, the check
    made at sending applies."""
    countries = await countries_of_service(session, referral.service_id)
    if countries:
        await refuse_uncovered(
            session,
            from_country=case.country,
            to_countries=countries,
            from_organisation=referral.from_organisation,
            to_organisation=referral.to_organisation,
            category=referral.category,
            on=clock.day_of(now),
        )


async def refuse_unreadable(session: AsyncSession, referral: Referral, command: Command) -> None:
    """Raise 410, as reading does, because nobody may accept a person about whom they can read nothing."""
    if command is Command.ACCEPT:
        await readable(session, referral, clock.now())


async def refuse_to_ask(session: AsyncSession, referral: Referral) -> None:
    """Raise 409 if a sender asks about a person about whom the recipient can no longer read anything."""
    try:
        await readable(session, referral, clock.now())
    except Problem as refused:
        if refused.kind is CONSENT_EXPIRED:
            raise NO_CONSENT.because("consent_ended_attach_new_one") from refused
        raise


async def answerable(
    session: AsyncSession, keys: CaseKeys, referral: Referral, items: dict[str, Any]
) -> dict[str, Any]:
    """Return the items in an answer to the recipient's question; all of them must be granted now."""
    found, now = await standing(session, referral), clock.now()
    identity, _ = open_with(await key_of(keys, referral), found.case)
    move = move_of(Road.ANSWER, referral, items=items.keys())
    ask(move, found.word, known(found.case, identity, now), now, found.implicated)
    await refuse_uncovered_now(session, referral, found.case, now)
    return items


async def disclosure(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    case_id: UUID | None = None,
) -> dict[str, Any]:
    """Return the items granted at sending that are still readable. Every access is audited."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id)
    if referral.sent_at is None:
        return await _draft_disclosure(keys, referral)
    items, texts = None, None
    if Party.REFERRER not in queries.parties_of(caller, referral):
        items, texts = await readable(session, referral, clock.now())
    snapshot = await queries.snapshot_of(session, referral.id)
    if snapshot is None or snapshot.sealed is None:
        raise ERASED.because("persons_data_was_erased")
    key = await key_of(keys, referral)
    content = open_column(
        key,
        snapshot.sealed,
        organisation=referral.to_organisation,
        row=referral.id,
        column="snapshot",
    )
    steps = open_details(key, referral, await queries.steps_of(session, referral.id))
    answers = [
        _only(items, opened["payload"])
        for step, opened in steps
        if step.command == Command.ANSWER_INFORMATION and opened
    ]
    shown = _only(items, content["items"])
    read = {*shown, *(name for answer in answers for name in answer)}
    await _audit_reading(session, caller, referral, read)
    return {
        "referral_id": referral.id,
        "items": shown,
        "safe_contact": _safe_contact(texts, content["safe_contact"]),
        "answers": answers,
        "disclosed_at": snapshot.created_at,
    }


async def _audit_reading(
    session: AsyncSession, caller: Principal, referral: Referral, items: Iterable[str]
) -> None:
    await record(
        session,
        caller,
        "disclosure.read",
        chain=referral.case_id,
        target_type="referral",
        target_id=referral.id,
        detail={"items": sorted(items)},
    )


def _only(items: frozenset[str] | None, values: dict[str, Any]) -> dict[str, Any]:
    if items is None:
        return values
    return {name: value for name, value in values.items() if name in items}


def _safe_contact(
    texts: frozenset[str] | None, safe_contact: dict[str, Any] | None
) -> dict[str, Any] | None:
    if texts is None or safe_contact is None or "safe_contact.instructions" in texts:
        return safe_contact
    return {**safe_contact, "instructions": None}


async def _draft_disclosure(keys: CaseKeys, referral: Referral) -> dict[str, Any]:
    if referral.draft is None:
        raise NOT_FOUND.because("nothing_was_disclosed")
    content = open_draft(await key_of(keys, referral), referral)
    return {
        "referral_id": referral.id,
        "items": content["payload"],
        "safe_contact": content["safe_contact"],
        "answers": [],
        "disclosed_at": referral.created_at,
    }


def open_details(
    key: bytes | None, referral: Referral, steps: Sequence[Step]
) -> list[tuple[Step, dict[str, Any] | None]]:
    """Return steps with decrypted details. A step's details are None if it has none or they are no longer readable."""
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
    """Return every step, oldest first. When sharing ends, the recipient keeps only its own texts."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id)
    steps = await queries.steps_of(session, referral.id)
    key = (await keys.of_many([referral.case_id])).get(referral.case_id)
    opened = open_details(key, referral, steps)
    if Party.REFERRER in queries.parties_of(caller, referral):
        return opened
    items, read = await _read_items(session, referral), set()
    shown = []
    for number, (step, detail) in enumerate(_told_steps(caller, referral, opened), start=1):
        own = step.organisation_id == caller.organisation
        told = detail if own else _told(items, detail)
        if not own and told is not None:
            read |= told["payload"].keys()
        shown.append((_as_told(step, number), told))
    if read:
        await _audit_reading(session, caller, referral, read)
    return shown


async def readings(
    session: AsyncSession, caller: Principal, referral: Referral
) -> list[tuple[datetime, list[str]]] | None:
    """Return when the recipient read which items, oldest first; None unless the caller is the referrer."""
    if Party.REFERRER not in queries.parties_of(caller, referral):
        return None
    async with acting_as_service(session):
        entries = await disclosure_reads(session, [referral.id])
    return [
        (entry.at, list(entry.detail.get("items", ())))
        for entry in entries
        if entry.organisation_id == referral.to_organisation
    ]


def _told_steps(
    caller: Principal, referral: Referral, opened: list[tuple[Step, dict[str, Any] | None]]
) -> list[tuple[Step, dict[str, Any] | None]]:
    """Return the steps that the recipient may see: only its own steps once its organisation is implicated."""
    if referral.held_still is None:
        return opened
    until, own = referral.held_still["steps"], caller.organisation
    return [each for each in opened if each[0].version <= until or each[0].organisation_id == own]


def _as_told(step: Step, number: int) -> Step:
    reason = step.reason if reason_is_told(step.command) else None
    return Step(**{**step.model_dump(), "reason": reason, "version": number})


async def _read_items(session: AsyncSession, referral: Referral) -> frozenset[str] | None:
    """Return the items that the recipient may read now; None if sharing has ended."""
    try:
        items, _ = await readable(session, referral, clock.now())
    except Problem:
        return None
    return items


def _told(items: frozenset[str] | None, detail: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the part of the other side's details that the recipient may see: granted items, and no free text."""
    if items is None or detail is None or "payload" not in detail:
        return None
    return {"payload": _only(items, detail["payload"])}
