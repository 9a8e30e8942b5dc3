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
from reporting.facts.queries import forgotten_among, referrals_among
from reporting.releases.queries import closed_periods


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
    return Known(
        closed=closed,
        forgotten={mark for (mark,) in forgotten},
        referrals={fact[0].int: ReferralFact(*fact) for fact in facts},
    )
