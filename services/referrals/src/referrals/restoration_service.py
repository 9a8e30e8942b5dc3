"""Repeats later restrictions after a restore or a failover, each by its own command.

The list never lifts a restriction that the backup contains: an authorised person must lift it again.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.chained import Chained
from common.db.session import Database
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.case.cases.retention import erase_again
from referrals.case.cases.service import (
    correct_age_again,
    doubt_contact,
    hand_over_again,
    set_implicated,
)
from referrals.case.consents import queries as consents
from referrals.case.consents.service import hold_to_code
from referrals.case.entries.service import take_back_again
from referrals.case.transfers import service as transfers
from referrals.ground.audit.service import SYSTEM_CLIENT
from referrals.ground.directory.service import hold_to_team, restrict_copies
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.store import CaseKeys
from referrals.ground.keys.tombstones import not_destroyed
from referrals.ground.locking_queries import hold_case
from referrals.ground.protocols import service as protocols
from referrals.ground.restrictions.queries import not_said
from referrals.ground.restrictions.service import go_on_from, remember_word
from referrals.ground.restrictions.words import OF_DIRECTORY, Kind, Word, WordSeal, last_words
from referrals.ground.row_security import act_as_service
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.service import open_task
from referrals.listening.intake import service as intake
from referrals.listening.line import desk_service as desk
from referrals.listening.line import service as threads
from referrals.referral.links import service as links
from referrals.referral.referrals import queries as referrals
from referrals.referral.referrals.conflict import end_sharing
from referrals.referral.referrals.withdrawal import end_exception_again, withdraw_again
from referrals.screening.assistance import matching_service as matching
from referrals.screening.training import service as training
from referrals.telling.channels import service as channels
from referrals.telling.webhooks import service as webhooks

_CONFIRM_DAYS = 3
_AT_ONCE = 5_000


@dataclass(frozen=True)
class Means:
    """The keys for opening a case and sealing it for another organisation."""

    keys: CaseKeys
    blind: BlindIndex


_Work = Callable[[AsyncSession, Means, UUID, Word], Awaitable[int]]


async def restrict_again(
    database: Database, keys: CaseKeys, known: Chained, secret: bytes
) -> dict[Kind, int]:
    """Return the number of new restrictions of each kind; 0 on a repeat. Raise the first error; a repeat then
    continues."""
    done = await restrict(database, keys, known.lines, secret)
    async with database.transaction() as session:
        await act_as_service(session)
        await go_on_from(session, known, WordSeal(secret))
    return done


async def erase_forgotten(database: Database, keys: CaseKeys, listed: Collection[UUID]) -> int:
    """Erase again the cases from the erasure list that the key store or the record lost; return their number."""
    kept = await not_destroyed(keys.database, listed)
    for case_id in kept:
        await keys.destroy(case_id)
    async with database.transaction() as session:
        await act_as_service(session)
        there = await cases.not_erased(session, listed)
    return (
        len(kept)
        + await forget_reports(database, keys, listed)
        + await erase_again(database, keys, there)
    )


async def forget_reports(database: Database, keys: CaseKeys, listed: Collection[UUID]) -> int:
    """Delete again the listed reports on the anonymous line."""
    async with database.transaction() as session:
        await act_as_service(session)
        return await threads.forget_again(session, keys, listed)


async def restrict_forgotten(
    database: Database, keys: CaseKeys, forgotten: Sequence[Mapping[str, Any]], secret: bytes
) -> int:
    """Apply the listed restrictions that the record lacks. Return their number, and the restrictions that the directory
    must apply."""
    done = await restrict(database, keys, forgotten, secret)
    of_directory = {line["id"] for line in forgotten if line["kind"] in OF_DIRECTORY}
    return sum(done.values()) + len(of_directory)


async def restrict(
    database: Database, keys: CaseKeys, lines: Sequence[Mapping[str, Any]], secret: bytes
) -> dict[Kind, int]:
    """Apply the last entry for each item, unless the record has a later one. Return how many items of each kind were
    unrestricted."""
    seal, means = WordSeal(secret), Means(keys, BlindIndex(secret))
    done = {}
    for kind, work in WORKS.items():
        last = {UUID(line["id"]): line for line in lines if line["kind"] == kind}
        done[kind] = 0
        for line in await _forgotten(database, list(last.values())):
            subject = UUID(line["id"])
            word = seal.opened(kind, subject, line["word"])
            done[kind] += await database.retried(partial(_one, work, means, subject, word))
    async with database.transaction() as session:
        await act_as_service(session)
        await restrict_copies(session, last_words(lines, Kind.SERVICE))
    return done


async def _forgotten(
    database: Database, lines: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the missing entries. Most entries of a long list are older than the backup, so the record contains
    them."""
    forgotten: list[Mapping[str, Any]] = []
    for at in range(0, len(lines), _AT_ONCE):
        async with database.transaction() as session:
            await act_as_service(session)
            forgotten += await not_said(session, lines[at : at + _AT_ONCE])
    return forgotten


async def _one(work: _Work, means: Means, subject: UUID, word: Word, session: AsyncSession) -> int:
    await act_as_service(session)
    return await work(session, means, subject, word)


async def _consent(session: AsyncSession, means: Means, grant_id: UUID, _: Word) -> int:
    grant = await consents.consent_in_force(session, grant_id)
    if grant is None:
        return 0
    await withdraw_again(session, means.keys, grant)
    return 1


async def _exception(session: AsyncSession, means: Means, exception_id: UUID, _: Word) -> int:
    exception = await consents.exception_in_force(session, exception_id)
    if exception is None:
        return 0
    await end_exception_again(session, means.keys, exception)
    return 1


async def _sharing(session: AsyncSession, means: Means, referral_id: UUID, _: Word) -> int:
    if not await referrals.sharing(session, [referral_id]):
        return 0
    referral = await referrals.one_held(session, referral_id)
    # The backup contains a draft that was later sent and ended, so the sender may send it again.
    if referral is None or referral.sent_at is None:
        return 0
    return int(await end_sharing(session, None, means.keys, referral))


async def _live_case(session: AsyncSession, case_id: UUID) -> Case | None:
    await hold_case(session, case_id)
    case = await cases.by_id(session, case_id, fresh=True)
    return None if case is None or case.status == "erased" else case


async def _holder(session: AsyncSession, means: Means, case_id: UUID, word: Word) -> int:
    case, holder = await _live_case(session, case_id), UUID(word["holder"])
    if case is None or case.organisation_id == holder:
        return 0
    await hand_over_again(session, means.keys, means.blind, case, holder)
    return 1


async def _implicated(session: AsyncSession, means: Means, case_id: UUID, word: Word) -> int:
    case = await _live_case(session, case_id)
    known = await cases.implicated(session, case_id)
    accused = {UUID(each) for each in word.get("organisations", ())} | known
    if case is None or accused == known:
        return 0
    of_holder = Principal(SYSTEM_CLIENT, SYSTEM_CLIENT, case.organisation_id)
    await set_implicated(session, of_holder, means.keys, case_id, accused)
    return 1


async def _age(session: AsyncSession, means: Means, case_id: UUID, word: Word) -> int:
    case = await _live_case(session, case_id)
    return 0 if case is None else await correct_age_again(session, means.keys, case, word)


async def _contact(session: AsyncSession, means: Means, case_id: UUID, word: Word) -> int:
    case = await _live_case(session, case_id)
    changed_at = datetime.fromisoformat(word["at"])
    if case is None or case.changed_at >= changed_at:
        return 0
    caregiver_too = bool(word.get("caregiver"))
    await doubt_contact(session, means.keys, case, caregiver_too=caregiver_too)
    due_on = clock.today() + timedelta(days=_CONFIRM_DAYS)
    await open_task(
        session, case.organisation_id, TaskKind.CONFIRM_CONTACT, case_id=case_id, due_on=due_on
    )
    return 1


async def _succession(session: AsyncSession, _: Means, subject: UUID, word: Word) -> int:
    """Record the succession again; the worker then offers the cases that the backup returned to the former
    organisation."""
    await remember_word(session, Kind.SUCCESSION, subject, word)
    return 1


def _by_id(again: Callable[[AsyncSession, UUID], Awaitable[int]]) -> _Work:
    return lambda session, _means, subject, _word: again(session, subject)


def _by_word(again: Callable[[AsyncSession, UUID, Word], Awaitable[int]]) -> _Work:
    return lambda session, _means, subject, word: again(session, subject, word)


def _if_off(again: Callable[[AsyncSession, UUID], Awaitable[int]]) -> _Work:
    async def work(session: AsyncSession, _: Means, subject: UUID, word: Word) -> int:
        return await again(session, subject) if word.get("off") else 0

    return work


WORKS: Mapping[Kind, _Work] = {
    Kind.CONSENT: _consent,
    Kind.EXCEPTION: _exception,
    Kind.SHARING: _sharing,
    Kind.TRANSFER: _by_word(transfers.end_again),
    Kind.ENTRY: _by_id(take_back_again),
    Kind.HOLDER: _holder,
    Kind.IMPLICATED: _implicated,
    Kind.LINE_REPORT: _by_word(desk.hold_to_word),
    Kind.AGE: _age,
    Kind.CONTACT: _contact,
    Kind.CODE: _by_word(hold_to_code),
    Kind.LINK: _by_id(links.spend_again),
    Kind.COMPARISON: _if_off(matching.withdraw_again),
    Kind.MATCH: _by_id(matching.end_again),
    Kind.TEAM: _by_word(hold_to_team),
    Kind.PROTOCOL: _by_id(protocols.end_again),
    Kind.CERTIFICATE: _by_id(training.revoke_again),
    Kind.WEBHOOK: _by_word(webhooks.hold_to_word),
    Kind.CHANNEL: _if_off(channels.switch_off_again),
    Kind.FORM: _by_word(intake.hold_to_word),
    Kind.SUCCESSION: _succession,
}
"""The function that repeats each kind, in this order: ends before moves, moves before implications, and successions
last, since the running worker offers cases by them to whom no implication excludes."""
if missing := {*Kind} - OF_DIRECTORY - WORKS.keys():
    raise LookupError(f"nothing restricts these again after a restore: {sorted(missing)}")
