"""Upgrades a service's database to the newest revision, under a lock and with narrow grants."""

import asyncio
import importlib.resources
import re
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from common.db import key_checks
from common.words.command_texts import Worded

_LOCK = 0x5255_5441_4D49  # "RUTAMI" in ASCII: one migration at a time per database
_TURN = 0.2
"""Seconds until a migration checks again whether another one has finished."""
LOCK_TIMEOUT = "5s"
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


_LOCK_NOT_AVAILABLE = "55P03"


class MigrationFailedError(Worded):
    """A migration failed. The message names the revision. Earlier revisions remain applied."""

    def __init__(self, package: str, revision: str | None, error: DBAPIError) -> None:
        # Keep only the first line, because a DETAIL contains row values.
        reason = str(error.orig).partition("\n")[0]
        if revision:
            text = "the migration of {package} stopped at revision {revision}: {reason}"
            super().__init__(text, package=package, revision=revision, reason=reason)
        else:
            text = "the migration of {package} stopped: {reason}"
            super().__init__(text, package=package, reason=reason)
        self.in_the_way = getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE
        """Traffic held a lock for too long; the same migration may succeed later."""


async def migrate(package: str, owner_url: str, run_time_role: str) -> str:
    """Upgrade the database of `package` to head as its owner, and return the revision that it reaches.

    `run_time_role` can read and write new tables but owns nothing; a revision revokes more rights where needed (no
    UPDATE of the audit). DDL waits at most five seconds for a lock, so that a migration cannot block traffic. Raise
    MigrationFailedError if PostgreSQL refuses.
    """
    if not _ROLE.fullmatch(run_time_role):
        raise ValueError(f"not a role name: {run_time_role!r}")
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            # Poll, because a session that waits inside the query holds a snapshot. Building an index concurrently
            # would wait for that snapshot.
            while not await connection.scalar(
                sa.text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}
            ):
                await connection.rollback()
                await asyncio.sleep(_TURN)
            await connection.commit()
            try:
                try:
                    await connection.run_sync(_upgrade, package, run_time_role)
                except DBAPIError as error:
                    await connection.rollback()
                    try:
                        stopped = await connection.run_sync(_next_revision, package)
                    except DBAPIError:  # the blocking session blocks this query too
                        stopped = None
                    raise MigrationFailedError(package, stopped, error) from error
                await connection.commit()
                revision = await connection.scalar(
                    sa.text("SELECT version_num FROM alembic_version")
                )
                await connection.commit()
            finally:
                if connection.in_transaction():
                    await connection.rollback()
                await connection.execute(
                    sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK}
                )
                await connection.commit()
        return str(revision)
    finally:
        await engine.dispose()


def migrate_now(package: str, owner_url: str, run_time_role: str) -> str:
    """Run `migrate` without an event loop."""
    return asyncio.run(migrate(package, owner_url, run_time_role))


def config_of(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    versions = importlib.resources.files(package) / "migrations" / "versions"
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: sa.Connection, package: str, role: str) -> None:
    config = config_of(package)
    config.attributes["connection"] = connection
    config.attributes["run_time_role"] = role  # for revisions that grant or revoke
    connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    for statement in _grants(role):
        connection.execute(sa.text(statement))
    make_key_checks(connection, role)
    connection.commit()
    command.upgrade(config, "head")


def _next_revision(connection: sa.Connection, package: str) -> str | None:
    """Return the revision after the database's current one, or None after the last."""
    there = sa.inspect(connection).has_table("alembic_version")
    has = connection.scalar(sa.text("SELECT version_num FROM alembic_version")) if there else None
    known = ScriptDirectory.from_config(config_of(package)).walk_revisions()
    return next((each.revision for each in known if each.down_revision == has), None)


def make_key_checks(connection: sa.Connection, role: str) -> None:
    """Create the table of check values outside the revisions, like Alembic's own table."""
    for statement in (key_checks.CREATE, *key_checks.grants(role)):
        connection.execute(sa.text(statement))


def _grants(role: str) -> list[str]:
    return [
        f"GRANT USAGE ON SCHEMA public TO {role}",
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        ),
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    ]
