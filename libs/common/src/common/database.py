"""The database of one service: engine, sessions, and the caller made known to row-level security."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, SessionTransaction

from common.auth.principal import Principal

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30


class ScopedSession(Session):
    """A session that tells PostgreSQL who is calling at the start of each transaction."""


_SET_CALLER = sa.text(
    "SELECT set_config('ruta.organisation', :organisation, true),"
    " set_config('ruta.client', :client, true), set_config('ruta.roles', :roles, true),"
    " set_config('ruta.aors', :aors, true), set_config('ruta.as_service', '', true)"
)


@event.listens_for(ScopedSession, "after_begin")
def _tell_caller(session: Session, _t: SessionTransaction, connection: sa.Connection) -> None:
    connection.execute(_SET_CALLER, _caller(session.info.get("principal")))


def _caller(principal: Principal | None) -> dict[str, str]:
    # All are always set: a value of the transaction before must not survive on the connection.
    if principal is None:
        return {"organisation": "", "client": "", "roles": "", "aors": ""}
    return {
        "organisation": str(principal.organisation_id or ""),
        "client": principal.client_id,
        "roles": ",".join(sorted(principal.roles)),
        "aors": ",".join(sorted(principal.aors)),
    }


class Database:
    """Opens transactions; each `transaction()` commits at the end of its block, or rolls back."""

    def __init__(self, engine: AsyncEngine, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.engine = engine
        self._sessions = sessions

    @classmethod
    def at(
        cls, url: str, *, pool_size: int = 8, via_pgbouncer: bool = False, name: str = "ruta"
    ) -> "Database":
        """The database behind a `postgresql+asyncpg://` URL; connects on first use."""
        arguments: dict[str, Any] = {
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "server_settings": {"application_name": name, "timezone": "UTC"},
        }
        if via_pgbouncer:  # prepared statements of one transaction are gone in the next
            arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
            arguments["prepared_statement_name_func"] = lambda: ""
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            connect_args=arguments,
            json_serializer=_to_json,
        )
        return cls(engine, _sessions_of(engine))

    @classmethod
    def bound_to(cls, connection: AsyncConnection) -> "Database":
        """A database whose commits are savepoints of `connection`: tests roll it all back."""
        sessions = _sessions_of(connection, join_transaction_mode="create_savepoint")
        return cls(connection.engine, sessions)

    @asynccontextmanager
    async def transaction(self, principal: Principal | None = None) -> AsyncIterator[AsyncSession]:
        """One transaction as `principal` (None: the service itself). Commits unless it raises."""
        async with self._sessions(info={"principal": principal}) as session, session.begin():
            yield session

    async def ping(self) -> None:
        async with self.transaction() as session:
            await session.execute(sa.text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def _sessions_of(
    bind: AsyncEngine | AsyncConnection, **options: Any
) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(
        bind, expire_on_commit=False, sync_session_class=ScopedSession, **options
    )


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
