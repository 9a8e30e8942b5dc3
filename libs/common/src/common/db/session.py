"""The database of one service: engine, sessions, and the caller made known to row-level security."""

import asyncio
import json
import random
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
)
from contextlib import asynccontextmanager
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
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from common.auth.principal import Principal
from common.db import durability
from common.db.errors import sqlstate
from common.process.logs import get_logger

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
_TRUSTED_IDLE_SECONDS = 2.0
_KEPT_STATEMENTS = 400
_ATTEMPTS = 6
_LOOKS = 50
_PAUSE_SECONDS = 0.02
_GIVEN_UP = frozenset({"40001", "40P01"})
_ABOUT_ITSELF = sa.select(
    sa.func.extract("epoch", sa.func.clock_timestamp()),
    *(sa.func.current_setting(name) for name in durability.SETTINGS),
)
T = TypeVar("T")
_log = get_logger(__name__)


class ScopedSession(Session):
    """A session that tells PostgreSQL who is calling at the start of each transaction."""


# All are always set: a value of the transaction before must not survive on the connection.
_SET_CALLER = sa.text(
    "SELECT set_config('ruta.organisation', :organisation, true),"
    " set_config('ruta.client', :client, true), set_config('ruta.roles', :roles, true),"
    " set_config('ruta.aors', :aors, true), set_config('ruta.as_service', '', true)"
)


@event.listens_for(ScopedSession, "after_begin")
def _tell_caller(
    session: Session, _t: SessionTransaction | None, connection: sa.Connection
) -> None:
    connection.execute(_SET_CALLER, _caller(session.info.get("principal")))


def _caller(principal: Principal | None) -> dict[str, str]:
    if principal is None:
        return dict.fromkeys(("organisation", "client", "roles", "aors"), "")
    return {
        "organisation": str(principal.organisation_id or ""),
        "client": principal.client_id,
        "roles": ",".join(sorted(principal.roles)),
        "aors": ",".join(sorted(principal.aors)),
    }


async def begin_next(session: AsyncSession) -> None:
    """The next command of a batch begins in the same transaction, as its caller and with no more rights: what the
    command before was given (`ruta.as_service`) and kept in the session's `info` is gone."""
    for name in session.info.keys() - {"principal"}:
        del session.info[name]
    await session.execute(_SET_CALLER, _caller(session.info.get("principal")))


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
            pool_use_lifo=True,
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
    async def transaction(self, principal: Principal | None = None) -> AsyncIterator[AsyncSession]:
        """One transaction as `principal` (None: the service itself). Commits unless it raises."""
        async with self._sessions(info={"principal": principal}) as session:
            yield session
            await session.commit()

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
        """The server's clock, seconds since 1970, and its durability settings (`common.db.durability`)."""
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
