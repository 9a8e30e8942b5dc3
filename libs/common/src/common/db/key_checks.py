"""Checks that a secret is the one with which the stored data was written.

The database keeps a check value of each key that its rows depend on. At startup, a service can therefore tell a new
installation from one whose keys were lost or mixed up. A new installation records its keys. An installation with wrong
keys must stop, because it would write new rows under keys that do not open the old rows.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from common.crypto import check_value
from common.db import errors as database_errors
from common.db.session import Database
from common.words.command_texts import Worded

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
    """Keys are missing or do not match the data. The message names them."""


class KeysAway(Worded, ConnectionError):
    """The key store is not responding. The message names it. It may recover by itself."""


class NotMigrated(Exception):
    """The table of check values does not exist yet, because this release's migration has not run."""


def grants(role: str) -> tuple[str, str]:
    """Grant the run-time role the right to insert a first value, but not to change or delete one."""
    return (
        f"REVOKE ALL ON key_checks FROM {role}",
        f"GRANT SELECT, INSERT ON key_checks TO {role}",
    )


async def recorded(database: Database) -> dict[str, str]:
    """Return check values by name. Raise NotMigrated if the table does not exist."""
    try:
        async with database.transaction() as session:
            return {row.name: row.value for row in await session.execute(sa.text(_READ))}
    except sa.exc.ProgrammingError as error:
        if database_errors.sqlstate(error) != _NO_SUCH_TABLE:
            raise
        raise NotMigrated from None


async def record(database: Database, values: Mapping[str, str]) -> None:
    """Store missing check values. Existing values remain unchanged."""
    async with database.transaction() as session:
        parameters = {"names": list(values), "values": list(values.values())}
        await session.execute(sa.text(_RECORD), parameters)


async def verify(database: Database, secrets: Mapping[str, str]) -> None:
    """Compare the secrets with the check values of the data. Raise WrongKeys if one differs. Values that were never
    recorded are recorded now, because the installation is new or a release added a key."""
    values = {name: check_value(name, secret) for name, secret in secrets.items()}
    known = await recorded(database)
    if missing := {name: value for name, value in values.items() if name not in known}:
        await record(database, missing)
        # Another replica may have recorded a different key first.
        known = await recorded(database)
    if wrong := sorted(name for name in values if known.get(name) != values[name]):
        raise WrongKeys(
            "{names}: this is not the key with which the stored data was written. Nothing was changed. Put the right key back (./ruta restore --keys-only takes it from a backup); if it is lost for good, see docs/operate.md (Lost keys)",
            names=", ".join(wrong),
        )
