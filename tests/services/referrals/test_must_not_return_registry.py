"""One registry states, for every table and happening, how a restore keeps its endings. A new one fails the test until
it is listed."""

import inspect

import pytest
import sqlalchemy as sa
from common.db import must_not_return
from referrals.ground import happenings
from referrals.ground.restrictions.words import Kind
from sqlalchemy.ext.asyncio import create_async_engine
from stack.embedded.layout import Layout
from stack.operate.backup import published

from tests.support.databases import MigratedDatabases

PACKAGES = {
    "referrals": "referrals",
    "directory": "directory",
    "reporting": "reporting",
    "issuer": "gateway.issuer",
}
HAPPENINGS = {
    name
    for name, kind in inspect.getmembers(happenings, inspect.isclass)
    if kind.__module__ == happenings.__name__
}
_TABLES = sa.text(
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)


@pytest.mark.parametrize("name", PACKAGES)
async def test_every_table_says_what_keeps_its_ends(
    name: str, databases: MigratedDatabases
) -> None:
    made = await databases.of(PACKAGES[name], f"{name}_registry")
    engine = create_async_engine(made.owner_url)
    async with engine.connect() as connection:
        there = {row.removeprefix("public.") for row in await connection.scalars(_TABLES)}
    await engine.dispose()
    more = HAPPENINGS if name == "referrals" else set()
    assert must_not_return.things(name) == there | more


def test_the_registry_and_what_is_made_from_it_say_the_same() -> None:
    assert must_not_return.kinds() == {*Kind}
    assert must_not_return.things("reporting", kept_by="place") == {*published.TABLES}
    assert {file.stem for file in Layout.of(None).lists} == {*must_not_return.LISTS}
