"""The database of one service: engine, sessions, and the caller for row-level security."""

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
    """Sets the caller in PostgreSQL at the start of each transaction."""


# Always set all of them, so that no value from an earlier transaction remains on the connection.
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
    """Prepare the transaction for the next command of a batch. That command runs as the caller, without the rights
    (`ruta.as_service`) or the session `info` of the previous command."""
    for name in session.info.keys() - {"principal"}:
        del session.info[name]
    await session.execute(_SET_CALLER, _caller(session.info.get("principal")))


class Database:
    """Opens transactions. Each `transaction()` commits at the end of its block, or rolls back on an error."""

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
        """Return the database for a `postgresql+asyncpg://` URL. It connects on first use. Under load, it opens up to
        `overflow` (default: `pool_size`) more connections, which stay open until `give_back`."""
        arguments: dict[str, Any] = {
            "timeout": connect_seconds,
            "command_timeout": statement_seconds,
            "server_settings": {"application_name": name, "timezone": "UTC"},
            "prepared_statement_cache_size": _KEPT_STATEMENTS,
            "statement_cache_size": _KEPT_STATEMENTS,  # for statements sent directly to the driver
            "max_cached_statement_lifetime": 0,
        }
        if via_pgbouncer:  # prepared statements do not outlast a transaction
            arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
            arguments["prepared_statement_name_func"] = lambda: ""
        engine = create_async_engine(
            url,
            # Keep all connections until `give_back`. Closing one after a burst discards its cached plans, and a new connection
            # costs both sides about 10 ms.
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
        """Return a database whose commits are savepoints of `connection`, so that tests can roll everything back."""
        sessions = _sessions_of(connection, join_transaction_mode="create_savepoint")
        return cls(connection.engine, sessions)

    @asynccontextmanager
    async def transaction(self, principal: Principal | None = None) -> AsyncIterator[AsyncSession]:
        """Open a transaction as `principal` (None means the service itself). It commits unless the block raises an
        error."""
        async with self._sessions(info={"principal": principal}) as session:
            yield session
            await session.commit()

    async def retried(
        self, work: Callable[[AsyncSession], Awaitable[T]], principal: Principal | None = None
    ) -> T:
        """Run `work` in its own transaction. Run it again if PostgreSQL aborted the transaction (`retrying`)."""

        async def whole() -> T:
            async with self.transaction(principal) as session:
                return await work(session)

        return await retrying(whole)

    async def once(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement in its own transaction, directly on the driver, and return its rows. Use this for hot paths
        on tables without row security. Parameters are `$1` …, and errors are those of asyncpg."""
        async with self.straight() as driver:
            found: list[Any] = await driver.fetch(statement, *values)
        return found

    @asynccontextmanager
    async def straight(self) -> AsyncIterator[Any]:
        """Yield the driver's connection for several statements, each in its own transaction, as for `once`."""
        connection = await self.engine.raw_connection()
        try:
            driver: Any = connection.driver_connection
            try:
                yield driver
            finally:
                if driver.is_closed():
                    connection.invalidate()
        finally:
            # Close a broken connection here, because closing waits for the server
            await greenlet_spawn(connection.close)

    async def told(self) -> tuple[float, dict[str, str]]:
        """Return the server's time (seconds since 1970) and its durability settings (`common.db.durability`)."""
        async with self.transaction() as session:
            asked = (await session.execute(_ABOUT_ITSELF)).one()
        return float(asked[0]), dict(zip(durability.SETTINGS, asked[1:], strict=True))

    async def close(self) -> None:
        await self.engine.dispose()

    async def give_back(self) -> None:
        """Close idle connections if the pool has more than were in use at the same time since the last call. They
        reopen when needed. A pool never shrinks by itself, and each connection costs the server 4 MiB."""
        pool = self._pool
        for _ in range(_LOOKS):
            if not pool.checkedout():
                break
            await asyncio.sleep(random.uniform(0, 2 * _PAUSE_SECONDS))  # noqa: S311 - no secret
        else:  # connections in use could not move to the new pool
            return
        needed, self._in_use_at_most = self._in_use_at_most, 0
        if pool.checkedin() <= needed:
            return
        # There is no await since the check above, so nobody can have taken a connection from the old pool.
        self.engine.sync_engine.dispose(close=False)
        await greenlet_spawn(pool.dispose)

    def _counted(self, *_: object) -> None:
        self._in_use_at_most = max(self._in_use_at_most, self._pool.checkedout())

    @property
    def _pool(self) -> sa.QueuePool:
        return cast(sa.QueuePool, self.engine.sync_engine.pool)


def was_given_up(error: BaseException) -> bool:
    """Return whether PostgreSQL aborted the transaction in favour of another one."""
    return sqlstate(error) in _GIVEN_UP


async def retrying(whole: Callable[[], Awaitable[T]]) -> T:
    """Run `whole`. Run it again if PostgreSQL aborted it in favour of another transaction. Deadlocks and serialization
    failures have no culprit and leave no trace."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return await whole()
        except Exception as error:
            if not was_given_up(error):
                raise
            _log.warning("transaction_given_up", sqlstate=sqlstate(error), attempt=attempt)
        # a random pause, so that two aborted transactions do not collide again
        await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - no secret
    return await whole()


def _sessions_of(
    bind: AsyncEngine | AsyncConnection, **options: Any
) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(
        bind, expire_on_commit=False, sync_session_class=ScopedSession, **options
    )


def _ping_after_idling(engine: AsyncEngine) -> None:
    """Check a connection only after it was idle, because a ping costs three round trips. If a connection broke within
    the last two seconds, its transaction fails with 503, and the pool drops all other connections with it."""

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
    """Encode like `json`. The faster encoder turns NaN into null, which PostgreSQL could then not reject, and it
    rejects long integers and keys that are not text. Therefore `json` encodes such values and all values that contain
    null."""
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
    """Decode like `json`. The module `json` also decodes the few values that are too deep or too long for the faster
    decoder."""
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        return json.loads(text)
