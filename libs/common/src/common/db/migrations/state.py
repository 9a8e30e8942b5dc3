"""Compares the schema of a database with the code that uses it."""

import importlib.util
from enum import StrEnum

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.exc import ProgrammingError

from common.db.migrations.runner import config_of
from common.db.session import Database


class Schema(StrEnum):
    OK = "ok"
    BEHIND = "behind"


class Revisions:
    """The revisions that a package ships. A revision that is not among them belongs to a newer release."""

    def __init__(self, package: str) -> None:
        scripts = ScriptDirectory.from_config(config_of(package))
        self._head = scripts.get_current_head()
        self._older = {s.revision for s in scripts.walk_revisions()} - {self._head}

    @classmethod
    def shipped_by(cls, package: str) -> "Revisions | None":
        """Return the package's revisions, or None if it has no migrations."""
        try:
            found = importlib.util.find_spec(f"{package}.migrations")
        except ModuleNotFoundError:
            found = None
        return cls(package) if found is not None else None

    async def compare(self, database: Database) -> Schema:
        """Return BEHIND if the database was never migrated, or is older than this code's newest revision. A newer
        database is fine: during an upgrade, the old code runs on the expanded schema."""
        try:
            async with database.transaction() as session:
                reached = await session.scalar(sa.text("SELECT version_num FROM alembic_version"))
        except ProgrammingError:
            return Schema.BEHIND
        return Schema.BEHIND if reached is None or reached in self._older else Schema.OK
