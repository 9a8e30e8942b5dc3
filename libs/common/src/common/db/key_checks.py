"""Whether a secret is the one that the stored data was written with.

A database keeps a check value of each key that its rows depend on. With it a start can tell a fresh
installation, which records its keys, from one whose keys were lost or mixed up, which must not go on:
it would write new rows under keys that do not open the old ones.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from common.crypto import check_value
from common.db import errors as database_errors
from common.db.session import Database
from common.words.wording import Worded

_NO_SUCH_TABLE = "42P01"
CREATE = (
    "CREATE TABLE IF NOT EXISTS key_checks"
    " (name text PRIMARY KEY, value text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now())"
)
_READ = "SELECT name, value FROM key_checks"
_RECORD = (
    "INSERT INTO key_checks (name, value)"
    " SELECT * FROM unnest(CAST(:names AS text[]), CAST(:values AS text[]))"
    " ON CONFLICT DO NOTHING"
)


class WrongKeys(Worded):
    """Keys are missing or other ones than the data was written with; the message names them."""


class KeysAway(Worded, ConnectionError):
    """The key store does not answer now; the message names it. It may come back by itself."""


class NotMigrated(Exception):
    """The table of check values is not there yet: the migration of this release has to run."""


def grants(role: str) -> tuple[str, str]:
    """The run-time role records a first value; it neither changes nor removes one."""
    return (
        f"REVOKE ALL ON key_checks FROM {role}",
        f"GRANT SELECT, INSERT ON key_checks TO {role}",
    )


async def recorded(database: Database) -> dict[str, str]:
    """Check values by name; NotMigrated where no migration made the table."""
    try:
        async with database.transaction() as session:
            return {row.name: row.value for row in await session.execute(sa.text(_READ))}
    except sa.exc.ProgrammingError as error:
        if database_errors.sqlstate(error) != _NO_SUCH_TABLE:
            raise
        raise NotMigrated from None


async def record(database: Database, values: Mapping[str, str]) -> None:
    """Store check values that are not there yet; a stored one stays as it is."""
    async with database.transaction() as session:
        parameters = {"names": list(values), "values": list(values.values())}
        await session.execute(sa.text(_RECORD), parameters)


async def verify(database: Database, secrets: Mapping[str, str]) -> None:
    """Compare the secrets with what the database was written with; WrongKeys if one differs.

    What was never recorded is recorded now: a new installation, or a key that a release brought.
    """
    values = {name: check_value(name, secret) for name, secret in secrets.items()}
    known = await recorded(database)
    if missing := {name: value for name, value in values.items() if name not in known}:
        await record(database, missing)
        # Another replica may have been quicker, with another key.
        known = await recorded(database)
    if wrong := sorted(name for name in values if known.get(name) != values[name]):
        raise WrongKeys(
            "{names}: not the key that the stored data was written with. Nothing was changed. Put the right one back"
            " (./ruta restore --keys-only takes it from a backup); if it is lost for good, docs/operate.md says what that"
            " costs (Lost keys)",
            names=", ".join(wrong),
        )
