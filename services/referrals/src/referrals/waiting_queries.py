"""What waits for somebody: how each capability says which of its rows do, so that one list holds all.

Every row is one that the capability's own list shows to the caller: its conditions are those of that
list, from the same place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from referrals.vocabulary.work_kinds import Whose, WorkKind

_INSTANT = sa.DateTime(timezone=True)
NEVER: sa.ColumnElement[Any] = sa.cast(sa.literal_column("'infinity'"), _INSTANT)


@dataclass(frozen=True, kw_only=True)
class WorkRow:
    """One thing that waits, in ids and codes. `about`: the need, the task's or report's kind, the
    basis. `organisation_id`: whom it comes from."""

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
    """One kind, asked in one statement.

    `what`: what is read of a row; `shown` makes it a `WorkRow`, without the time at which it is due.
    `due`: an instant or a day, None: nothing says it; `ends_by_day`: an instant that stands for a day.
    `has_it`: the column of who has it, NULL while nobody does. `works`: whether the caller works in
    its queue, or with who has it. `urgency`, `aor`: the columns that filters speak of.
    """

    kind: WorkKind
    what: sa.Select[*tuple[Any, ...]]
    id: Any
    shown: Callable[[Any], WorkRow]
    due: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)
    has_it: Any = None
    works: sa.ColumnElement[bool] | None = None
    ends_by_day: bool = False
    urgency: Any = None
    aor: Any = None

    @property
    def by_day(self) -> bool:
        """It is due when a day begins (in UTC), and overdue when it has ended at home."""
        return self.ends_by_day or self._is_day

    @property
    def _is_day(self) -> bool:
        return self.due is not None and isinstance(self.due.type, sa.Date)

    @property
    def due_at(self) -> sa.ColumnElement[Any]:
        """NULL where nothing says it."""
        if self.due is None:
            return sa.cast(sa.null(), _INSTANT)
        if self._is_day:
            return sa.func.timezone("UTC", sa.cast(self.due, sa.DateTime()), type_=_INSTANT)
        moment: sa.ColumnElement[Any] = self.due
        return moment

    def of(self, whose: Whose, doer: str) -> sa.ColumnElement[bool]:
        """Mine: what I have, and what nobody has that I may take. Team: what those have with whom I
        work, too. What has no owner by its nature is everybody's who may do it."""
        works = sa.true() if self.works is None else self.works
        if whose == "organisation" or self.has_it is None:
            return sa.true() if whose == "organisation" else works
        theirs = sa.or_(self.has_it == doer, sa.and_(self.has_it.is_(None), works))
        return theirs if whose == "mine" else sa.or_(theirs, works)
