"""What is known already of what a batch of events tells of: read in one statement that is put
together of what each owner selects."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from common.reads import QuickStatement
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.facts.progress import ReferralFact
from reporting.facts.queries import forgotten, forgotten_among, referral, referrals_among
from reporting.recording.models import projection_turns
from reporting.releases.queries import closed_periods
from reporting.tables import COMMON


def _records(query: sa.Select[Any]) -> sa.ColumnElement[Any]:
    """The rows of a query as one array of records."""
    columns = query.selected_columns
    return sa.func.array(query.with_only_columns(sa.func.row(*columns)).scalar_subquery())


_KNOWN = QuickStatement(
    sa.select(
        _records(closed_periods()),
        _records(forgotten_among("marks")),
        _records(referrals_among("referrals")),
    )
)


class Known(NamedTuple):
    """What is known already of what a batch of events tells of.

    `closed` are the populations and the first and last days of their closed periods, `forgotten`
    the marks that belong to erased persons. `referrals` go by the numbers of their ids: looking up an id runs
    Python code, several times for each event of a rebuild.
    """

    closed: Sequence[tuple[str, date, date]]
    forgotten: AbstractSet[bytes]
    referrals: Mapping[int, ReferralFact]


async def known(
    session: AsyncSession, *, marks: Collection[bytes], referrals: Collection[UUID]
) -> Known:
    """Read once for a batch; the marks and referrals that are not known are absent."""
    closed, forgotten, facts = await _KNOWN.first(
        session, {"marks": list(marks), "referrals": list(referrals)}
    )
    return _known(closed, forgotten, facts)


def _known(closed: Any, forgotten: Any, facts: Any) -> Known:
    return Known(
        closed=closed,
        forgotten={mark for (mark,) in forgotten},
        referrals={fact[0].int: ReferralFact(*fact) for fact in facts},
    )


_HANDLED = sa.and_(
    COMMON.inbox.c.consumer == sa.bindparam("consumer", type_=sa.Text()),
    COMMON.inbox.c.event_id == sa.bindparam("event", type_=sa.Uuid()),
)
_KNOWN_ALONE = QuickStatement(
    # By single values, not arrays: the plan for any value costs the same and is kept.
    sa.select(
        sa.select(projection_turns.c.turn).scalar_subquery(),
        sa.exists().where(_HANDLED),
        _records(closed_periods()),
        _records(forgotten("mark")),
        _records(referral("referral")),
    )
)


class KnownAlone(NamedTuple):
    """What is known of one event, as of one `turn` of the projection's writers; `handled`: it had its effect."""

    turn: int
    handled: bool
    known: Known


async def known_alone(
    driver: Any, consumer: str, event: UUID, *, mark: bytes | None, referral: UUID
) -> KnownAlone:
    """Read without a lock, in a transaction of its own."""
    turn, handled, closed, gone, facts = await _KNOWN_ALONE.straight(
        driver, {"consumer": consumer, "event": event, "mark": mark, "referral": referral}
    )
    return KnownAlone(turn, handled, _known(closed, gone, facts))
