"""The database of one service: engine, sessions, and the caller made known to row-level security."""

import asyncio
import json
import random
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

import orjson
import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy import event
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from common import durability, writes
from common.auth.principal import Principal
from common.database_errors import sqlstate
from common.known_types import Connection
from common.logs import get_logger
from common.pool import OldestFirst

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
_TRUSTED_IDLE_SECONDS = 2.0
_KEPT_STATEMENTS = 400
_ATTEMPTS = 6
_LOOKS = 50
_PAUSE_SECONDS = 0.02
_GIVEN_UP = frozenset({"40001", "40P01"})
_OF_TRANSACTION = "of_transaction"
_BESIDE = "beside"
_TOLD = "told"
_SET_SINCE = "set_since_told"
_MAY_WAIT = "may_wait"
_HANDED_ON = "handed_on"
_HANDED = "handed"
_OF_ALL_COMMANDS = ("principal", _OF_TRANSACTION, _BESIDE, writes.STRAIGHT, writes.WAITING)
_ABOUT_ITSELF = sa.select(
    sa.func.extract("epoch", sa.func.clock_timestamp()),
    *(sa.func.current_setting(name) for name in durability.SETTINGS),
)
T = TypeVar("T")
_log = get_logger(__name__)


class ScopedSession(Session):
    """A session that tells PostgreSQL who is calling at the start of each transaction."""

    def begin_nested(self) -> SessionTransaction:
        # What waits belongs to the transaction outside: it must not be undone with a savepoint.
        writes.send(self)
        return super().begin_nested()


@dataclass(frozen=True)
class OpeningRead:
    """What the first statement of a transaction answers beside telling the caller.

    `columns` is a select list; its parameters begin at `$5`. The row is in `answer_of(session)`.
    `beside` is what is written in the same statement, as common table expressions: for a table
    whose row security does not ask who is calling.
    """

    columns: str
    values: tuple[Any, ...]
    beside: str = ""


_SET_CALLER = (
    "SELECT set_config('ruta.organisation', $1, true),"
    " set_config('ruta.client', $2, true), set_config('ruta.roles', $3, true),"
    " set_config('ruta.aors', $4, true), set_config('ruta.as_service', '', true)"
)


@event.listens_for(ScopedSession, "after_begin")
def _tell_caller(
    session: Session, _t: SessionTransaction | None, connection: sa.Connection
) -> None:
    rows = writes.send_straight(connection, *_opening(session.info))
    _opened(session.info, rows)
    writes.open_straight(session, connection)


def _opening(info: Mapping[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """What a transaction begins with, and its values."""
    caller = _caller(info.get("principal"))
    question: OpeningRead | None = info.get("question")
    if question is None:
        return _SET_CALLER, caller
    beside = f"WITH {question.beside} " if question.beside else ""
    return f"{beside}{_SET_CALLER}, {question.columns}", (*caller, *question.values)


def _opened(info: MutableMapping[Any, Any], rows: Sequence[Any]) -> None:
    info[_TOLD] = True
    if info.pop("question", None) is not None:
        (info["answer"],) = rows


@event.listens_for(ScopedSession, "do_orm_execute")
def _send_first(state: ORMExecuteState) -> None:
    writes.send(state.session)


@event.listens_for(ScopedSession, "before_flush")
def _send_entities(session: Session, _context: UOWTransaction, _objects: object) -> None:
    writes.send_entities(session)


@event.listens_for(ScopedSession, "before_commit")
def _send_last(session: Session) -> None:
    writes.send(session)


@event.listens_for(ScopedSession, "after_soft_rollback")
def _forget(session: Session, _transaction: SessionTransaction) -> None:
    writes.forget(session)


@event.listens_for(ScopedSession, "after_transaction_end")
def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        writes.close_straight(session)


@lru_cache(maxsize=1000)
def _caller(principal: Principal | None) -> tuple[str, str, str, str]:
    # All are always set: a value of the transaction before must not survive on the connection.
    if principal is None:
        return ("", "", "", "")
    return (
        str(principal.organisation_id or ""),
        principal.client_id,
        ",".join(sorted(principal.roles)),
        ",".join(sorted(principal.aors)),
    )


async def begin_command(
    session: AsyncSession,
    question: OpeningRead | None,
    *,
    first: bool = False,
    answer: Sequence[Any] | None = None,
) -> None:
    """A transaction of several commands of one caller goes on with the next: it begins as in one of its own,
    but that it sees what those before it wrote. The `first` one begins the transaction, too. What `question` would
    be answered may be known: the `answer`."""
    session.expunge_all()  # what those before it read may have been changed since by themselves
    info = session.info
    kept = {name: info[name] for name in _OF_ALL_COMMANDS if name in info}
    handed = info.get(_HANDED_ON)
    info.clear()
    info.update(kept, question=question, answer=answer)
    info[_HANDED] = handed
    if first:
        await session.connection()
    elif question is None and not of_transaction(session).get(_SET_SINCE):
        info[_TOLD] = True  # what PostgreSQL was told of the caller still stands
    else:
        of_transaction(session)[_SET_SINCE] = False
        _opened(info, await writes.fetch(session, *_opening(info)))


async def end_command(session: AsyncSession) -> None:
    """Send what it has still to write, and wait for what it began beside: so what is refused of it is told by
    this command."""
    await writes.send_now(session)
    await _ended_beside(session)


def let_wait(session: AsyncSession) -> None:
    """What this command writes may wait for what the next one of its transaction writes, or looks for."""
    session.info[_MAY_WAIT] = True


def may_wait(session: AsyncSession) -> bool:
    return _MAY_WAIT in session.info and writes.is_clean(session)


def hand_on(session: AsyncSession, known: object) -> None:
    """To the next command of the same transaction, and to no other: whoever does not know of it forgets it."""
    session.info[_HANDED_ON] = known


def handed(session: AsyncSession) -> Any:
    """What the command before this one handed on; None without."""
    return session.info.get(_HANDED)


async def begin_beside(
    session: AsyncSession, work: Coroutine[Any, Any, object]
) -> asyncio.Task[object]:
    """Elsewhere than in this database, while the transaction goes on: it commits only when `work` has ended, and
    not if that raises."""
    task = asyncio.create_task(work)
    session.info.setdefault(_BESIDE, []).append(task)
    await asyncio.sleep(0)  # it begins now, not when this one waits for something
    return task


async def _ended_beside(session: AsyncSession) -> None:
    if _BESIDE in session.info:
        await asyncio.gather(*session.info.pop(_BESIDE))


def of_transaction(session: AsyncSession) -> dict[str, Any]:
    """What is known until the transaction ends, whichever of its commands found it out."""
    known: dict[str, Any] = session.info.setdefault(_OF_TRANSACTION, {})
    return known


async def answer_of(session: AsyncSession) -> Any:
    """The row that answers the `OpeningRead` which the transaction was opened with."""
    if _TOLD not in session.info:
        await session.connection()
    return session.info["answer"]


PLANNED_ONCE = "set_config('plan_cache_mode', 'force_generic_plan', true)"
"""For `set_for_transaction`: a statement is planned once for a connection, not anew for each values because that seems
cheaper by more than planning costs."""


async def set_for_transaction(session: AsyncSession, settings: str) -> None:
    """For the rest of the transaction: a select list of `set_config(…, true)`. It goes with the caller where
    nothing was asked yet, and costs no round trip of its own. For a next command of the same transaction the caller
    is told anew."""
    of_transaction(session)[_SET_SINCE] = True
    if _TOLD in session.info or session.info.get("question"):
        await session.execute(sa.text(f"SELECT {settings}"))
    else:
        session.info["question"] = OpeningRead(settings, ())


class Database:
    """Opens transactions; each `transaction()` commits at the end of its block, or rolls back."""

    def __init__(self, engine: AsyncEngine, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.engine = engine
        self._sessions = sessions
        self._in_use_at_most = 0

    @classmethod
    def at(
        cls,
        url: str,
        *,
        pool_size: int = 8,
        overflow: int | None = None,
        via_pgbouncer: bool = False,
        name: str = "ruta",
        connect_seconds: float = CONNECT_SECONDS,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> "Database":
        """The database behind a `postgresql+asyncpg://` URL; connects on first use.

        Under load it opens up to `overflow` (by default `pool_size`) connections more; all stay until
        `give_back`.
        """
        arguments: dict[str, Any] = {
            "timeout": connect_seconds,
            "command_timeout": statement_seconds,
            "server_settings": {"application_name": name, "timezone": "UTC"},
            "prepared_statement_cache_size": _KEPT_STATEMENTS,
            "statement_cache_size": _KEPT_STATEMENTS,  # of those that go to the driver directly
            "max_cached_statement_lifetime": 0,
            "connection_class": Connection,
        }
        if via_pgbouncer:  # prepared statements of one transaction are gone in the next
            arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
            arguments["prepared_statement_name_func"] = lambda: ""
        engine = create_async_engine(
            url,
            # All that were opened are kept until they are given back: with each one that is closed behind a
            # burst the server forgets its plans, and a new one costs both sides some 10 ms.
            pool_size=pool_size + (pool_size if overflow is None else overflow),
            max_overflow=0,
            poolclass=OldestFirst,
            pool_timeout=connect_seconds,
            connect_args=arguments,
            json_serializer=_to_json,
            json_deserializer=_from_json,
        )
        _ping_after_idling(engine)
        database = cls(engine, _sessions_of(engine))
        event.listen(engine.sync_engine, "checkout", database._counted)
        return database

    @classmethod
    def bound_to(cls, connection: AsyncConnection) -> "Database":
        """A database whose commits are savepoints of `connection`: tests roll it all back."""
        sessions = _sessions_of(connection, join_transaction_mode="create_savepoint")
        return cls(connection.engine, sessions)

    @asynccontextmanager
    async def transaction(
        self, principal: Principal | None = None, question: OpeningRead | None = None
    ) -> AsyncIterator[AsyncSession]:
        """One transaction as `principal` (None: the service itself). Commits unless it raises."""
        info = {"principal": principal, "question": question}
        session = self._sessions(info=info)
        try:
            try:
                yield session
            except BaseException:
                # It is all undone: what they raise is nobody's answer any more.
                await asyncio.gather(*session.info.pop(_BESIDE, ()), return_exceptions=True)
                raise
            await end_command(session)
            await greenlet_spawn(_commit, session.sync_session)
        except BaseException:
            async with session:  # closed even if it is cancelled meanwhile
                await session.rollback()
            raise

    async def retried(
        self, work: Callable[[AsyncSession], Awaitable[T]], principal: Principal | None = None
    ) -> T:
        """`work` in a transaction of its own, again if the database gave it up (`retrying`)."""

        async def whole() -> T:
            async with self.transaction(principal) as session:
                return await work(session)

        return await retrying(whole)

    async def once(self, statement: str, *values: Any) -> list[Any]:
        """One statement that is its own transaction, straight through the driver; its rows.

        For a table without row security on a hot path: parameters are `$1` …, errors asyncpg's.
        """
        async with self.straight() as driver:
            found: list[Any] = await driver.fetch(statement, *values)
        return found

    @asynccontextmanager
    async def straight(self) -> AsyncIterator[Any]:
        """The driver's connection, for some statements of which each is its own transaction; as for `once`."""
        connection = await self.engine.raw_connection()
        try:
            driver: Any = connection.driver_connection
            try:
                yield driver
            finally:
                if driver.is_closed():
                    connection.invalidate()
        finally:
            # One that broke is closed, and that waits for the server.
            await greenlet_spawn(connection.close)

    async def told(self) -> tuple[float, dict[str, str]]:
        """The server's clock, seconds since 1970, and what it promises (`common.durability`)."""
        async with self.transaction() as session:
            asked = (await session.execute(_ABOUT_ITSELF)).one()
        return float(asked[0]), dict(zip(durability.SETTINGS, asked[1:], strict=True))

    async def close(self) -> None:
        await self.engine.dispose()

    async def give_back(self) -> None:
        """Close the connections if more are open than were in use at once since the last call.

        Those that are needed come back with the next transactions. A pool keeps all it ever opened,
        and each costs the server 4 MiB.
        """
        pool = self._pool
        for _ in range(_LOOKS):
            if not pool.checkedout():
                break
            await asyncio.sleep(random.uniform(0, 2 * _PAUSE_SECONDS))  # noqa: S311 - no secret
        else:  # what is in use would not find its way into the new pool
            return
        needed, self._in_use_at_most = self._in_use_at_most, 0
        if pool.checkedin() <= needed:
            return
        # Nothing waits between the look above and this: nobody can take one of the old pool meanwhile.
        self.engine.sync_engine.dispose(close=False)
        await greenlet_spawn(pool.dispose)

    def _counted(self, *_: object) -> None:
        self._in_use_at_most = max(self._in_use_at_most, self._pool.checkedout())

    @property
    def _pool(self) -> sa.QueuePool:
        return cast(sa.QueuePool, self.engine.sync_engine.pool)


def _commit(session: Session) -> None:
    session.commit()
    session.close()


def was_given_up(error: BaseException) -> bool:
    """Whether PostgreSQL ended the transaction for the sake of another."""
    return sqlstate(error) in _GIVEN_UP


async def retrying(whole: Callable[[], Awaitable[T]]) -> T:
    """Do `whole` transactions, again if PostgreSQL gave one up for the sake of another.

    A deadlock, or what could not be serialised, is nobody's mistake and leaves nothing behind.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            return await whole()
        except Exception as error:
            if not was_given_up(error):
                raise
            _log.warning("transaction_given_up", sqlstate=sqlstate(error), attempt=attempt)
        # Not in step with whoever gave way as well.
        await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - no secret
    return await whole()


def _sessions_of(
    bind: AsyncEngine | AsyncConnection, **options: Any
) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(
        bind, expire_on_commit=False, sync_session_class=ScopedSession, **options
    )


def _ping_after_idling(engine: AsyncEngine) -> None:
    """Ask whether a connection is alive only if it idled: a ping is three round trips.

    One that broke within the last two seconds fails its transaction with 503, and the pool drops
    the others with it.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def left(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, entry: ConnectionPoolEntry, _fairy: Any) -> None:
        since = entry.info.get("idle_since")
        if since is None or time.monotonic() - since < _TRUSTED_IDLE_SECONDS:
            return
        try:
            connection.ping()
        except Exception as error:
            raise sa.exc.InvalidatePoolError from error


def _to_json(value: Any) -> str:
    """As `json` writes it. The faster writer makes null of what is no number, which PostgreSQL must refuse, and
    knows neither long numbers nor keys that are no text: such values, and any null, are left to `json`."""
    try:
        fast = orjson.dumps(value, default=_other, option=_AS_JSON_DOES)
    except orjson.JSONEncodeError:
        fast = b"null"
    if b"null" not in fast:
        return fast.decode()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


_AS_JSON_DOES = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _other(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else str(value)


def _from_json(text: str) -> Any:
    """As `json` reads it, who also takes the few that are too deep or too long for the faster reader."""
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        return json.loads(text)
