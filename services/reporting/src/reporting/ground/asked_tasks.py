"""Tasks that people request from a worker. Each one is stored as a row in its capability's table.

The row contains the requester (`asked_by`, with `claims`), the number of attempts (`attempts`), the due time (`due_at`,
NULL once the task is done or refused) and the refusal (`problem`). One transaction performs the task and settles its
row. If a worker is killed, the task is therefore either done or untouched for the next worker.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.auth.ended import claims_to_act
from common.db.ended_rights import refuse_ended
from common.db.session import Database
from common.errors import Problem, ProblemType
from common.process.logs import get_logger
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.errors import STEP_FAILED
from reporting.tables import ENDED_RIGHTS

EVERY_SECONDS = 1.0
MOST_ATTEMPTS = 5
"""A task that kills its worker or fails unexpectedly is given up after this many attempts."""
_log = get_logger(__name__)


class Asked(Protocol):
    """A due row, as its capability reads it."""

    @property
    def asked_by(self) -> str: ...
    @property
    def claims(self) -> dict[str, Any] | None: ...
    @property
    def attempts(self) -> int: ...


T = TypeVar("T", bound=Asked)
Work = Callable[[AsyncSession, Principal, T], Awaitable[None]]
"""Performs the task in the requester's name; a raised problem becomes the refusal."""


@dataclass(frozen=True)
class Tasks(Generic[T]):
    """A table of tasks.

    `due` locks and returns the longest-waiting task that is not in progress. `pause` is how long an attempt keeps the
    task reserved; it doubles with each attempt. `held` checks that the task is still due, if the work itself does not.
    `begun` contains further values set by an attempt. `moot` lists problems which mean that somebody has done the task
    directly in the meantime.
    """

    table: sa.Table
    key: tuple[str, ...]
    due: Callable[[AsyncSession], Awaitable[T | None]]
    pause: timedelta
    held: Callable[[AsyncSession, T], Awaitable[bool]] | None = None
    begun: Mapping[str, Any] = field(default_factory=dict)
    moot: frozenset[ProblemType] = frozenset()

    async def one(self, database: Database, work: Work[T]) -> bool:
        """Perform the first due task. Return False if there is none."""
        async with database.transaction() as session:
            task = await self.due(session)
            if task is None:
                return False
            if task.attempts >= MOST_ATTEMPTS:
                gave_up = STEP_FAILED.because("it_failed_times", task.attempts)
                await self._settle(session, task, gave_up)
                return True
            due_at = clock.now() + self.pause * 2**task.attempts
            begun = {"attempts": task.attempts + 1, "due_at": due_at, **self.begun}
            await self.change(session, task, **begun)
        try:
            async with database.transaction() as session:
                if self.held is None or await self.held(session, task):
                    await self._settle(session, task, await self._refused(session, task, work))
        except Exception as error:  # noqa: BLE001 - whatever failed, the next attempt may succeed
            which = {name: str(value) for name, value in self._key(task).items()}
            _log.warning("task_failed", tasks=self.table.name, **which, exc_info=error)
        return True

    async def change(self, session: AsyncSession, task: T, **values: object) -> None:
        await session.execute(self.table.update().filter_by(**self._key(task)).values(**values))

    async def _refused(self, session: AsyncSession, task: T, work: Work[T]) -> Problem | None:
        """Return the refusal, if any, after undoing the whole attempt."""
        # The route has checked the requester's role and scope.
        caller = Principal(
            task.asked_by,
            task.asked_by,
            roles=frozenset({Role.IM}),
            scopes=frozenset({"reports:publish"}),
        )
        claims = task.claims or {"sub": task.asked_by, "client_id": task.asked_by}
        try:
            async with session.begin_nested():
                await work(session, caller, task)
                # Check at the end, because drawing and counting take time. A refusal undoes all work.
                await refuse_ended(session, ENDED_RIGHTS, claims)
        except Problem as problem:
            return None if problem.kind in self.moot else problem
        return None

    async def _settle(self, session: AsyncSession, task: T, problem: Problem | None) -> None:
        await self.change(session, task, due_at=None, problem=problem.body() if problem else None)

    def _key(self, task: T) -> dict[str, Any]:
        return {name: getattr(task, name) for name in self.key}


def asked(caller: Principal) -> dict[str, Any]:
    """Return a row's values for a new or repeated request."""
    return {
        "asked_by": caller.subject,
        "claims": claims_to_act(caller, time.time()),
        "attempts": 0,
        "due_at": clock.now(),
        "problem": None,
    }
