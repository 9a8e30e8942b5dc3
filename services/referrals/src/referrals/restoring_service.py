"""After a restored backup, or where a promoted standby forgot it: what was restricted since is restricted again, each
by the command that did it.

A restriction of which the backup knows nothing concerns nothing in it. What the backup restricts and the last word
does not stays restricted: whoever may shows it again.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.chained import Chained
from common.database import Database
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.audit.service import SYSTEM_CLIENT
from referrals.cases import queries as cases
from referrals.cases.retention import erase_again
from referrals.cases.service import doubt_contact, set_implicated
from referrals.consents import queries as consents
from referrals.directory import queries as directory
from referrals.directory.copies import restrict_copies
from referrals.keys.store import CaseKeys
from referrals.keys.telling import not_destroyed
from referrals.line import desk_service
from referrals.line import queries as line
from referrals.line import service as line_service
from referrals.locking_queries import hold_case
from referrals.referrals import queries as referrals
from referrals.referrals.conflict import end_sharing
from referrals.referrals.withdrawal import end_exception_again, withdraw_again
from referrals.restrictions.service import go_on_from
from referrals.restrictions.words import OF_DIRECTORY, Kind, Marks, Word, last_words
from referrals.row_security import act_as_service
from referrals.tasks.service import open_task

CONFIRM = "confirm_contact"
_CONFIRM_DAYS = 3
_AT_ONCE = 5_000
_Work = Callable[[AsyncSession, UUID, Word], Awaitable[int]]
_Concerned = Callable[[AsyncSession, Collection[UUID]], Awaitable[set[UUID]]]


async def restrict_again(
    database: Database, keys: CaseKeys, known: Chained, marks: Marks
) -> dict[Kind, int]:
    """How many of each kind were restricted again; repeating it finds none. Raises what one of them raises: nothing
    is served by halves."""
    done = await restrict(database, keys, known.lines, marks)
    async with database.transaction() as session:
        await act_as_service(session)
        await go_on_from(session, known, marks)
    return done


async def erase_forgotten(database: Database, keys: CaseKeys, listed: Collection[UUID]) -> int:
    """Erase again what the list of the erased says, and the key store or the record forgot; returns how much that was."""
    kept = await not_destroyed(keys.database, listed)
    for case_id in kept:
        await keys.destroy(case_id)
    async with database.transaction() as session:
        await act_as_service(session)
        there = await cases.not_erased(session, listed)
    return len(kept) + await erase_again(database, keys, there)


async def restrict_forgotten(
    database: Database, keys: CaseKeys, forgotten: Sequence[Mapping[str, Any]], marks: Marks
) -> int:
    """Restrict again what these lines say, of which the record does not know; returns how much that was. What the
    directory hid counts: it is to be hidden there, too."""
    done = await restrict(database, keys, forgotten, marks)
    of_directory = {line["id"] for line in forgotten if line["kind"] in OF_DIRECTORY}
    return sum(done.values()) + len(of_directory)


async def restrict(
    database: Database, keys: CaseKeys, lines: Sequence[Mapping[str, Any]], marks: Marks
) -> dict[Kind, int]:
    """By the last word of these lines on each; returns how many of each kind were open."""
    async with database.transaction() as session:
        await act_as_service(session)
        organisations = await directory.organisations(session) | await cases.organisations(session)
    works: dict[Kind, tuple[_Concerned, _Work]] = {
        Kind.CONSENT: (consents.consents_in_force, partial(_consent, keys)),
        Kind.EXCEPTION: (consents.exceptions_in_force, partial(_exception, keys)),
        Kind.SHARING: (referrals.sharing, partial(_sharing, keys)),
        Kind.IMPLICATED: (_all, partial(_implicated, keys, marks, organisations)),
        Kind.LINE_REPORT: (_all, partial(_line_report, marks, organisations)),
        Kind.CONTACT: (_all, partial(_contact, keys)),
    }
    done = {
        kind: await _again(database, last_words(lines, kind), *those_and_work)
        for kind, those_and_work in works.items()
    }
    async with database.transaction() as session:
        await act_as_service(session)
        await restrict_copies(session, last_words(lines, Kind.SERVICE))
    return done


async def _again(
    database: Database, words: Mapping[UUID, Word], concerned: _Concerned, work: _Work
) -> int:
    """Most of a long list ended before the backup as well: what that holds of them is asked together."""
    subjects, done = list(words), 0
    for at in range(0, len(subjects), _AT_ONCE):
        asked = subjects[at : at + _AT_ONCE]
        async with database.transaction() as session:
            await act_as_service(session)
            found = await concerned(session, asked)
        for subject in (each for each in asked if each in found):
            done += await database.retried(partial(_one, work, subject, words[subject]))
    return done


async def _all(_session: AsyncSession, subjects: Collection[UUID]) -> set[UUID]:
    return set(subjects)


async def _one(work: _Work, subject: UUID, word: Word, session: AsyncSession) -> int:
    await act_as_service(session)
    return await work(session, subject, word)


async def _consent(keys: CaseKeys, session: AsyncSession, grant_id: UUID, _: Word) -> int:
    grant = await consents.consent_in_force(session, grant_id)
    if grant is None:
        return 0
    await withdraw_again(session, keys, grant)
    return 1


async def _exception(keys: CaseKeys, session: AsyncSession, exception_id: UUID, _: Word) -> int:
    exception = await consents.exception_in_force(session, exception_id)
    if exception is None:
        return 0
    await end_exception_again(session, keys, exception)
    return 1


async def _sharing(keys: CaseKeys, session: AsyncSession, referral_id: UUID, _: Word) -> int:
    referral = await referrals.one_held(session, referral_id)
    # One that the backup has as a draft was sent and ended since: it is theirs to send again.
    if referral is None or referral.sent_at is None:
        return 0
    return int(await end_sharing(session, None, keys, referral))


async def _implicated(
    keys: CaseKeys,
    marks: Marks,
    organisations: Collection[UUID],
    session: AsyncSession,
    case_id: UUID,
    word: Word,
) -> int:
    accused = marks.among(case_id, word, organisations)
    case = await cases.by_id(session, case_id) if accused else None
    if case is None or case.status == "erased":
        return 0
    known = await cases.implicated(session, case_id)
    if accused <= known:
        return 0
    of_holder = Principal(SYSTEM_CLIENT, SYSTEM_CLIENT, case.organisation_id)
    await set_implicated(session, of_holder, keys, case_id, accused | known)
    return 1


async def _contact(keys: CaseKeys, session: AsyncSession, case_id: UUID, word: Word) -> int:
    await hold_case(session, case_id)
    case = await cases.by_id(session, case_id, fresh=True)
    changed_at = datetime.fromisoformat(word["at"])
    if case is None or case.status == "erased" or case.changed_at >= changed_at:
        return 0
    caregiver_too = bool(word.get("caregiver"))
    await doubt_contact(session, keys, case, caregiver_too=caregiver_too)
    due_on = clock.today() + timedelta(days=_CONFIRM_DAYS)
    await open_task(session, case.organisation_id, CONFIRM, case_id=case_id, due_on=due_on)
    return 1


async def _line_report(
    marks: Marks,
    organisations: Collection[UUID],
    session: AsyncSession,
    report_id: UUID,
    word: Word,
) -> int:
    report = await line.one_locked(session, report_id)
    if report is None:
        return 0
    unwished = bool(word.get("no_case")) and report.wants_case
    if unwished:
        report.wants_case = False
        await line_service.remember_report(session, report)
        await line_service.tell_desk(session, report)
    accused = marks.among(report_id, word, organisations) - set(report.implicated)
    if accused:
        await desk_service.set_implicated(session, None, report, accused | set(report.implicated))
    return int(unwished or bool(accused))
