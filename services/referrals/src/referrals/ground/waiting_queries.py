"""How each capability describes its waiting rows, using the conditions of its own list, so that one list can merge all
rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from referrals.ground.vocabulary.work_kinds import ROWS, Whose, WorkKind
from referrals.ground.vocabulary.work_order import CLOCKS, RANKS, Rank, clock_of, rank_of

_INSTANT = sa.DateTime(timezone=True)
NEVER: sa.ColumnElement[Any] = sa.cast(sa.literal_column("'infinity'"), _INSTANT)


@dataclass(frozen=True, kw_only=True)
class WorkRow:
    """A waiting item, in ids and codes. `about`: the need, kind or basis. `organisation_id`: the sender."""

    id: UUID
    since: datetime
    ids: Mapping[str, UUID]
    due: datetime | None = None
    urgency: str | None = None
    about: str | None = None
    aor: str | None = None
    area: str | None = None
    state: str | None = None
    organisation_id: UUID | None = None
    reasons: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One kind of work, read by one statement, `what`. `shown` turns a row into a `WorkRow` without its deadline.

    `due`: an instant, a day or None; `ends_by_day`: the instant means its whole day. `since`: the start of the default
    deadline. `told`: the start that both sides know, if it is not `since`. `has_it`: the owner column, NULL for no
    owner. `works`: whether the caller works in its queue or with its owner. `urgency`, `aor`: columns for filters.
    `weighs`: the urgency for sorting, if the row shows none.
    """

    kind: WorkKind
    what: sa.Select[*tuple[Any, ...]]
    id: Any
    since: Any
    shown: Callable[[Any], WorkRow]
    due: Any = None
    told: Any = None
    has_it: Any = None
    works: sa.ColumnElement[bool] | None = None
    ends_by_day: bool = False
    urgency: Any = None
    aor: Any = None
    weighs: Any = None

    @property
    def by_day(self) -> bool:
        """Return whether the work is due at the start of a day (in UTC) and overdue once that day ends in local
        time."""
        return self.ends_by_day or self._is_day

    @property
    def _is_day(self) -> bool:
        return self.due is not None and isinstance(self.due.type, sa.Date)

    @property
    def due_at(self) -> sa.ColumnElement[Any]:
        """Return the row's own deadline, or else the default for its kind and urgency."""
        by_default = self.since + self._by_urgency(self._clocks())
        return sa.func.coalesce(self._said, by_default, type_=_INSTANT)

    @property
    def _said(self) -> sa.ColumnElement[Any]:
        if self.due is None:
            return sa.cast(sa.null(), _INSTANT)
        if self._is_day:
            return sa.func.timezone("UTC", sa.cast(self.due, sa.DateTime()), type_=_INSTANT)
        moment: sa.ColumnElement[Any] = self.due
        return moment

    @property
    def rank_at(self) -> sa.ColumnElement[Any]:
        ranks = list(Rank)
        return self._by_urgency({u: sa.literal(ranks.index(rank_of(self.kind, u))) for u in RANKS})

    def _clocks(self) -> dict[str, Any]:
        return {u: sa.literal(clock_of(self.kind, u), sa.Interval) for u in CLOCKS}

    def _by_urgency(self, values: Mapping[str, Any]) -> sa.ColumnElement[Any]:
        otherwise: sa.ColumnElement[Any] = values[ROWS[self.kind]["urgency"]]
        urgency = self.urgency if self.weighs is None else self.weighs
        if urgency is None:
            return otherwise
        return sa.case(*((urgency == u, value) for u, value in values.items()), else_=otherwise)

    def of(self, whose: Whose, doer: str) -> sa.ColumnElement[bool]:
        """Return the condition for `whose`. Mine: work that I own, and unowned work that I may take. Team: my
        colleagues' work as well. Kinds without owners belong to both."""
        works = sa.true() if self.works is None else self.works
        if whose == "organisation" or self.has_it is None:
            return sa.true() if whose == "organisation" else works
        theirs = sa.or_(self.has_it == doer, sa.and_(self.has_it.is_(None), works))
        return theirs if whose == "mine" else sa.or_(theirs, works)
