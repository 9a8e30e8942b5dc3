"""Scheduled work: request consent again at 18, erase expired cases, reapply tombstones."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from common.db.due_rows import one_by_one
from common.db.session import Database
from common.happenings import tell
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import person
from referrals.case.cases.ending_service import erase
from referrals.case.cases.models import Case
from referrals.case.cases.person import open_with
from referrals.ground import happenings
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import held, hold_case
from referrals.ground.row_security import act_as_service
from referrals.ground.sweeps import sweep

_BATCH = 500


async def ask_reconsent(database: Database, keys: CaseKeys, today: date) -> int:
    """Open a task for each case whose person has turned 18, and return the number of tasks. Birth dates are sealed, and
    a plain "adult on" date would reveal them. So this task reads the open cases of minors once a day."""
    turned, after = 0, UUID(int=0)
    while True:
        async with database.transaction() as session:
            await act_as_service(session)
            cases = (
                await session.scalars(
                    sa.select(Case)
                    .where(
                        col(Case.minor).is_(True), col(Case.status) == "open", col(Case.id) > after
                    )
                    .order_by(col(Case.id))
                    .limit(_BATCH)
                )
            ).all()
        if not cases:
            return turned
        after = cases[-1].id
        found = await keys.of_many([case.id for case in cases])
        due = [
            case.id for case in cases if case.id in found and _is_due(found[case.id], case, today)
        ]
        turned += await one_by_one(
            "reconsent", database, due, partial(_ask_one, keys=found, today=today)
        )


def _is_due(key: bytes, case: Case, today: date) -> bool:
    try:
        return _has_turned(key, case, today)
    except Exception:  # noqa: BLE001 - asking says what is wrong with it
        return True


def _has_turned(key: bytes, case: Case, today: date) -> bool:
    if case.identity is None:
        return False
    identity, _ = open_with(key, case)
    return person.is_minor(identity, today) is False


async def _ask_one(
    session: AsyncSession, case_id: UUID, *, keys: Mapping[UUID, bytes], today: date
) -> int:
    """Return 1 if the record now shows that the person is 18 and no task exists yet."""
    await act_as_service(session)
    await hold_case(session, case_id)
    case = await session.get(Case, case_id)
    if case is None or case.minor is not True or not _has_turned(keys[case_id], case, today):
        return 0
    case.minor = False
    await tell(session, happenings.CameOfAge(case.id, case.organisation_id, today))
    return 1


async def erase_expired(database: Database, keys: CaseKeys, today: date) -> int:
    """Erase closed cases whose retention has ended; return their number."""
    ended = (col(Case.status) == "closed", col(Case.retain_until) < today)

    async def due(session: AsyncSession) -> Sequence[UUID]:
        return (await session.scalars(sa.select(col(Case.id)).where(*ended))).all()

    async def erase_one(session: AsyncSession, case_id: UUID) -> int:
        still = sa.select(Case).where(
            col(Case.id) == case_id, *ended, held(col(Case.id), wait=False)
        )
        case = (await session.scalars(still.with_for_update())).one_or_none()
        if case is None:
            return 0
        await erase(session, None, keys, case, "retention")
        return 1

    return await sweep("retention", database, due, erase_one)


async def reapply_tombstones(database: Database, keys: CaseKeys) -> int:
    """Repeat erasures after restoring a backup; return their number. The key store and the case record each remember
    erasures that the other's backup may have lost."""
    tombstones = set(await keys.destroyed())
    erased = 0
    async with database.transaction() as session:
        await act_as_service(session)
        in_cases = set(
            await session.scalars(sa.select(col(Case.id)).where(col(Case.status) == "erased"))
        )
    erased += await erase_again(database, keys, tombstones - in_cases)
    for case_id in sorted(in_cases - tombstones):
        await keys.destroy(case_id)
        erased += 1
    return erased


async def erase_again(database: Database, keys: CaseKeys, case_ids: Collection[UUID]) -> int:
    """Erase again the given cases that a restore brought back; return their number."""
    erased = 0
    for case_id in sorted(case_ids):
        erased += await database.retried(partial(_erase_again, keys=keys, case_id=case_id))
    return erased


async def _erase_again(session: AsyncSession, keys: CaseKeys, case_id: UUID) -> int:
    await act_as_service(session)
    await hold_case(session, case_id)
    case = await session.get(Case, case_id)
    if (
        case is None or case.status == "erased"
    ):  # the store also contains keys of screenings and line reports
        return 0
    await erase(session, None, keys, case, "restored_backup")
    return 1
