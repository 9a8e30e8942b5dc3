"""Reading from a standby, and never from the past.

A standby follows its primary at a distance that nobody tells a reader. What was hidden, revoked or taken back must
not be shown any longer, whoever asks and whichever replica answers. So each reading first asks the primary how much
of its log is on disk, and a standby answers it only once it has replayed so much: then it knows every commit that
anybody had been told of when the reading began. It is waited for a moment; after that, and whenever anything is
wrong with it, the primary answers as it would without one. See docs/decisions/0173.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import sqlalchemy as sa
from prometheus_client import Counter
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from common.auth.principal import Principal
from common.database import Database, OpeningRead, answer_of
from common.database_errors import OF_DATABASE, sqlstate
from common.logs import get_logger
from common.positions import (
    AWAY,
    BEHIND,
    OK,
    OTHER_TIMELINE,
    UNKNOWN,
    NotThereError,
    Position,
    Row,
    of_primary,
    of_standby,
)
from common.telemetry import Metrics

WAIT_SECONDS = 0.05
"""So long a reading waits for a standby that is behind: longer than replay takes, shorter than anybody notices."""
CONNECT_SECONDS = 1.0
STATEMENT_SECONDS = 5.0
"""Of one statement: the primary can still answer then."""
# What was acknowledged is on disk. Where the server was told to acknowledge before that, all that was written counts.
WHERE_PRIMARY = (
    "SELECT left(pg_walfile_name(p), 8), (p - '0/0')::bigint FROM (SELECT CASE"
    " current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()"
    " ELSE pg_current_wal_flush_lsn() END) AS here (p)"
)
# The timeline from the control file: of a running receiver only PostgreSQL's monitors may ask it.
_STANDBY_COLUMNS = (
    "pg_is_in_recovery(), coalesce((pg_last_wal_replay_lsn() - '0/0')::bigint, 0),"
    " greatest((SELECT timeline_id FROM pg_control_checkpoint()),"
    " (SELECT min_recovery_end_timeline FROM pg_control_recovery()))"
)
WHERE_STANDBY = f"SELECT {_STANDBY_COLUMNS}"
_OPENING = OpeningRead(_STANDBY_COLUMNS, ())
_LOOK_SECONDS = 0.25
_LOOK_AT_MOST = 1.0
_QUESTION_AT_MOST = 5.0
_PAUSE_SECONDS = 0.002
_OTHERS_IN_THE_WAY = frozenset({"40001", "40P01", "57014"})
_READ_ONLY = "25006"
# Classes of PostgreSQL's codes: too many connections and the like; the connection, the server, its disk.
_NO_ROOM = "53"
_OF_ITSELF = frozenset({"08", "57", "58"})
T = TypeVar("T")
_log = get_logger(__name__)


async def reached(ask: Callable[[], Awaitable[Row]], wanted: Position) -> Position:
    """Where the standby is, once that includes `wanted`. NotThereError if it is not there soon."""
    until = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        position = of_standby(await ask())
        if position.includes(wanted):
            return position
        if position.timeline < wanted.timeline:
            raise NotThereError(OTHER_TIMELINE)
        if asyncio.get_running_loop().time() > until:
            raise NotThereError(BEHIND)
        await asyncio.sleep(_PAUSE_SECONDS)


class SharedQuestion:
    """Readings that begin while a question is on its way share the next one: an answer that was on its way already
    may be older than they are."""

    def __init__(self, ask: Callable[[], Awaitable[Position]]) -> None:
        self._ask = ask
        self._running: asyncio.Task[Position] | None = None
        self._next: asyncio.Task[Position] | None = None

    async def answer(self) -> Position:
        """Of a question that is sent after this was called."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask_after(self._running))
            self._next.add_done_callback(_looked_at)
        return await asyncio.shield(self._next)

    async def _ask_after(self, before: asyncio.Task[Position] | None) -> Position:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        async with asyncio.timeout(_QUESTION_AT_MOST):
            return await self._ask()


class Standby:
    """The standby of one service, in one process. Until `look` has found it well, and after anything that it fails
    at until `look` finds it well again, it is not read from."""

    def __init__(
        self, url: str, *, primary: Database, metrics: Metrics, pool_size: int, name: str
    ) -> None:
        self.database = Database.at(
            url,
            pool_size=pool_size,
            name=f"{name}-standby",
            connect_seconds=CONNECT_SECONDS,
            statement_seconds=STATEMENT_SECONDS,
        )
        # Of its own: what readings keep busy must not look like a standby that is away.
        self._look = Look(url, name=f"{name}-standby-look")
        self._primary = primary
        self._question = SharedQuestion(self._ask_primary)
        self.state = UNKNOWN
        self._seen = UNKNOWN
        self.readings = Counter(
            "ruta_standby_readings",
            "Questions by who answered and why: standby, or the primary because the standby was unused, behind,"
            " away, busy or broken off, or refused it.",
            ("outcome",),
            registry=metrics.registry,
        )
        self._in_use = metrics.gauge(
            "ruta_standby_in_use", "1 while readings are answered by the standby."
        )
        self._behind = metrics.gauge(
            "ruta_standby_behind_bytes", "Log of the primary that the standby has still to replay."
        )

    def reading(self) -> "Reading":
        return Reading(self)

    @property
    def is_used(self) -> bool:
        return self.state == OK

    async def position_of_primary(self) -> Position:
        return await self._question.answer()

    async def _ask_primary(self) -> Position:
        (row,) = await self._primary.once(WHERE_PRIMARY)
        return of_primary(row)

    @asynccontextmanager
    async def transaction(
        self, principal: Principal | None, wanted: Position
    ) -> AsyncIterator[AsyncSession]:
        """As `Database.transaction`, at a standby that knows what the primary knew at `wanted`; read only."""
        async with self.database.transaction(principal, _OPENING) as session:
            try:
                await reached(_asking(session), wanted)
                yield session
            except (asyncio.CancelledError, TimeoutError):
                # A server that answers no more would not answer a rollback either.
                await session.invalidate()
                raise

    async def look(self) -> None:
        """Whether it can be read from. Readings stop using it by themselves; this alone begins with it again."""
        try:
            wanted = await self.position_of_primary()
        except (
            OF_DATABASE
        ):  # nothing is known of a standby then, and nothing is read without its primary
            return
        try:
            async with asyncio.timeout(_LOOK_AT_MOST):
                self._behind.set(max(0, wanted.at - of_standby(await self._look.where()).at))
                await reached(self._look.where, wanted)
        except NotThereError as error:
            self.state = error.why
        except OF_DATABASE:
            self.state = AWAY
        else:
            self.state = OK
        self._say()

    def _say(self) -> None:
        self._in_use.set(self.is_used)
        if self.state == self._seen:
            return
        if self.is_used:
            _log.info("standby_in_use")
        else:
            _log.warning("standby_not_in_use", reason=self.state, setting="RUTA_DATABASE_READ_URL")
        self._seen = self.state

    def failed(self, error: BaseException) -> str:
        """What a reading met there, as an outcome. What will meet the next one as well ends its use."""
        if isinstance(error, NotThereError):
            self.state = error.why
            return BEHIND
        code = sqlstate(error)
        if code in _OTHERS_IN_THE_WAY:
            return "broken off"
        if isinstance(error, TimeoutError | PoolTimeout) or code[:2] == _NO_ROOM:
            return "busy"
        if code and code[:2] not in _OF_ITSELF:
            if code == _READ_ONLY:
                _log.warning("reading_that_writes", remedy="mark its route AtPrimary")
            return "refused"
        self.state = AWAY
        return AWAY

    async def close(self) -> None:
        await self.database.close()
        self._look.close()

    async def watch(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        while not stop.is_set():
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)


class Look:
    """One connection that is asked where its server is; whatever breaks it, the next question makes another."""

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._name = name
        self._connection: asyncpg.Connection | None = None
        self._alone = asyncio.Lock()

    async def where(self) -> Row:
        async with self._alone:
            try:
                if self._connection is None:
                    self._connection = await asyncpg.connect(
                        self._url, server_settings={"application_name": self._name}
                    )
                (row,) = await self._connection.fetch(WHERE_STANDBY)
                return tuple(row)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


class Reading:
    """One request, however many questions it asks: all of them know what had happened when the first was asked, and
    once the primary has answered one it answers the rest, so that none of them goes back."""

    def __init__(self, standby: Standby) -> None:
        self._standby = standby
        self._wanted: Position | None = None
        self._left = False

    async def either(
        self, there: Callable[[Position], Awaitable[T]], here: Callable[[], Awaitable[T]]
    ) -> T:
        """What `there` answers at the standby, or else `here` at the primary."""
        outcome, found = await self._there(there)
        self._standby.readings.labels(outcome).inc()
        if found is not None:
            return found[0]
        self._left = True
        return await here()

    async def _there(
        self, there: Callable[[Position], Awaitable[T]]
    ) -> tuple[str, tuple[T] | None]:
        if self._left or not self._standby.is_used:
            return "unused", None
        try:
            if self._wanted is None:
                self._wanted = await self._standby.position_of_primary()
        except OF_DATABASE:  # it will say itself what is wrong with it
            return "unused", None
        try:
            return "standby", (await there(self._wanted),)
        except (NotThereError, *OF_DATABASE) as error:
            return self._standby.failed(error), None


def _asking(session: AsyncSession) -> Callable[[], Awaitable[Row]]:
    """Where the session's server is: as its first statement said, and then anew."""
    begun = False

    async def ask() -> Row:
        nonlocal begun
        if begun:
            return tuple((await session.execute(sa.text(WHERE_STANDBY))).one())
        begun = True
        return tuple((await answer_of(session))[-3:])

    return ask


def _looked_at(task: asyncio.Task[Position]) -> None:
    """An error that nobody waits for any more is not one to be warned of."""
    if not task.cancelled():
        task.exception()
