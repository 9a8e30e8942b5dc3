"""One person requests a withdrawal with a reason; another person agrees. Never commits."""

from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import CONFLICT, NOT_FOUND, PROBLEMS, Problem
from common.two_people import is_same_person, refuse_same_person
from common.words.details import Detail
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.ground.rights import PREPARING
from reporting.protect.withdrawals import queries
from reporting.protect.withdrawals.models import withdrawals
from reporting.protect.withdrawals.queries import Withdrawal
from reporting.protect.withdrawals.schemas import Reason

WITHDRAWN = PROBLEMS["withdrawn"]


def gone(withdrawal: Withdrawal) -> Problem:
    """Return the tombstone that everybody gets in place of numbers and files."""
    assert withdrawal.withdrawn_at is not None  # noqa: S101 - the caller asks for tombstones
    return WITHDRAWN.because(
        "two_people_withdrew_it_on",
        clock.day_of(withdrawal.withdrawn_at).isoformat(),
        reason=dict(withdrawal.reason),
        withdrawn_at=withdrawal.withdrawn_at.isoformat(),
    )


def legal(
    caller: Principal, withdrawal: Withdrawal | None, *, published: bool, alone: bool
) -> list[str]:
    """Return the steps of a withdrawal that the caller can take now."""
    open_ = withdrawal is None or withdrawal.withdrawn_at is None
    prepares = caller.may(*PREPARING) and published and open_
    second = withdrawal is not None and (alone or not is_same_person(caller, withdrawal.asked_by))
    steps = {"withdraw": prepares, "agree": prepares and second}
    return [step for step, may in steps.items() if may]


async def refuse_withdrawn(session: AsyncSession, subject: UUID) -> None:
    """Raise 410 with the tombstone if the release or bulletin was withdrawn."""
    known = (await queries.of(session, [subject])).get(subject)
    if known is not None and known.withdrawn_at is not None:
        raise gone(known)


async def ask(
    session: AsyncSession, caller: Principal, subject: UUID, reason: Reason, *, published: bool
) -> None:
    """Request a withdrawal. Until somebody agrees, a repeated request replaces the reason."""
    await refuse_withdrawn(session, subject)
    if not published:
        raise CONFLICT.because("only_published_things_can_be_withdrawn")
    values = {
        "reason": reason.model_dump(),
        "asked_at": clock.now(),
        "asked_by": caller.subject,
    }
    await session.execute(
        pg.insert(withdrawals)
        .values(subject=subject, **values)
        .on_conflict_do_update(
            index_elements=["subject"], set_=values, where=withdrawals.c.withdrawn_at.is_(None)
        )
    )


async def agree(
    session: AsyncSession, caller: Principal, subject: UUID, *, alone: bool = False
) -> None:
    """Agree as the second person. After this commit, nobody can read the publication. `alone` lets one person do
    both."""
    known = (await queries.of(session, [subject], hold=True)).get(subject)
    if known is None:
        raise NOT_FOUND.because("nobody_asked_to_withdraw_it")
    if known.withdrawn_at is not None:
        raise gone(known)
    if not alone:
        refuse_same_person(caller, known.asked_by, because=Detail("you_asked_for_this_withdrawal"))
    await session.execute(
        withdrawals.update()
        .where(withdrawals.c.subject == subject)
        .values(withdrawn_at=clock.now(), withdrawn_by=caller.subject)
    )
