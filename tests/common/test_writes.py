"""Rows that wait with the session: nobody can miss them, and they share the transaction's fate."""

import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from common import writes
from common.database import Database
from common.ids import new_id
from common.reads import QuickStatement
from common.writes import RowRemoval, RowWriter, send_entities, write_soon
from sqlalchemy import event, orm
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.common import sample

NOTES = RowWriter(sample.NOTES, "id", "organisation_id", "text", "size")
FIRST = RowWriter(sample.NOTES, "id", "organisation_id", "text", "size", alone=True)
ENTITY = RowWriter(sample.NOTES, "id", "organisation_id", "text", "size", entity=True)
OF_ANOTHER = RowWriter(
    sample.NOTES,
    *("id", "organisation_id", "text", "size"),
    entity=True,
    given={"size": "(SELECT size FROM notes WHERE id = {})"},
)
INBOX = RowWriter(
    sample.TABLES.inbox, "consumer", "event_id", "handled_at", on_conflict="DO NOTHING"
)
GONE = RowRemoval(sample.NOTES, "id")
COUNT = sa.select(sa.func.count()).select_from(sample.NOTES)
QUICK_COUNT = QuickStatement(COUNT)


def note(session: AsyncSession, text: str, writer: RowWriter = NOTES) -> None:
    row = {"id": new_id(), "organisation_id": new_id(), "text": text, "size": 1}
    write_soon(session, writer, row)


async def stored(database: Database) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(COUNT) or 0)


async def test_rows_of_several_tables_go_in_one_statement(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    composed = writes._statement

    def kept(shape: Any) -> str:
        statements.append(composed(shape))
        return statements[-1]

    monkeypatch.setattr(writes, "_statement", kept)

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def keep(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    async with database.transaction() as session:
        note(session, "a")
        note(session, "b")
        now = await session.scalar(sa.text("SELECT now()"))
        seen = {"consumer": "c", "event_id": uuid.uuid4(), "handled_at": now}
        note(session, "c")
        write_soon(session, INBOX, seen)
    assert [s.split()[0] for s in statements] == ["INSERT", "SELECT", "WITH"]
    assert await stored(database) == 3


async def test_whatever_is_executed_next_sees_them(database: Database) -> None:
    async with database.transaction() as session:
        note(session, "a")
        assert await session.scalar(COUNT) == 1


async def test_what_asks_for_none_of_them_goes_past_them(database: Database) -> None:
    async with database.transaction() as session:
        assert await QUICK_COUNT.first(session, past=True) == (0,)
        note(session, "a")
        assert await QUICK_COUNT.first(session, past=True) == (0,)
        assert await QUICK_COUNT.first(session) == (1,)


async def test_many_rows_are_sent_in_parts_and_none_is_lost(database: Database) -> None:
    async with database.transaction() as session:
        for number in range(120):
            note(session, str(number), FIRST if number % 2 else NOTES)
    assert await stored(database) == 120


async def test_what_waits_to_be_deleted_goes_behind_what_waited_before_it(
    database: Database,
) -> None:
    first, second, third = new_id(), new_id(), new_id()
    async with database.transaction() as session:
        for each in (first, second, third):
            row = {"id": each, "organisation_id": new_id(), "text": str(each), "size": 1}
            write_soon(session, NOTES, row)
        write_soon(session, GONE, {"id": first})
        write_soon(session, GONE, {"id": third})
    async with database.transaction() as session:
        assert list(await session.scalars(sa.select(sample.NOTES.c.id))) == [second]


async def write_and_fail(database: Database) -> None:
    async with database.transaction() as session:
        note(session, "a")
        raise ZeroDivisionError


async def test_an_entity_goes_before_changed_objects_that_refer_to_it(
    database: Database,
) -> None:
    registry = orm.registry()

    class Mapped:
        def __init__(self, text: str) -> None:
            self.id, self.organisation_id, self.text, self.size = new_id(), new_id(), text, 1

    registry.map_imperatively(Mapped, sample.NOTES)
    order = sa.select(sample.NOTES.c.text).order_by(sa.text("notes.ctid"))
    async with database.transaction() as session:
        note(session, "accompanies")
        note(session, "entity", ENTITY)
        session.add(Mapped("object"))
        await session.flush()
        note(session, "later entity", ENTITY)
    async with database.transaction() as session:
        texts = list(await session.scalars(order))
    registry.dispose()
    assert texts[:2] == ["entity", "object"]
    assert set(texts[2:]) == {"accompanies", "later entity"}


@pytest.mark.parametrize("by", ["a statement", "changed objects"])
async def test_a_row_is_made_of_one_that_goes_alone_before_it(database: Database, by: str) -> None:
    first = {"id": new_id(), "organisation_id": new_id(), "text": "whole", "size": 7}
    second = {**first, "id": new_id(), "text": "of the first", "size": first["id"]}
    async with database.transaction() as session:
        write_soon(session, OF_ANOTHER, second)  # whatever waits longer
        write_soon(session, FIRST, first)
        if by == "changed objects":
            await session.run_sync(send_entities)
        sizes = await session.scalars(sa.select(sample.NOTES.c.size))
        assert list(sizes) == [7, 7]


async def test_they_are_undone_with_their_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(database)
    assert await stored(database) == 0


async def write_inside_and_fail(session: AsyncSession) -> None:
    async with session.begin_nested():
        note(session, "inside")
        raise ZeroDivisionError


async def test_a_savepoint_undoes_its_own_and_no_others(database: Database) -> None:
    async with database.transaction() as session:
        note(session, "before")
        with pytest.raises(ZeroDivisionError):
            await write_inside_and_fail(session)
        note(session, "after")
    async with database.transaction() as session:
        texts = set(await session.scalars(sa.select(sample.NOTES.c.text)))
    assert texts == {"before", "after"}


async def write_twice(database: Database) -> None:
    async with database.transaction() as session:
        note(session, "same")
        note(session, "same")


async def test_what_the_database_refuses_fails_the_commit(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await write_twice(database)
    assert await stored(database) == 0


def test_a_column_that_the_table_does_not_have_is_found_at_start() -> None:
    with pytest.raises(TypeError, match="colour"):
        RowWriter(sample.NOTES, "colour")


async def test_what_goes_to_the_driver_goes_there_in_a_transaction(database: Database) -> None:
    """The connection of one that ended may be another's."""
    own = QuickStatement(sa.select(sa.func.pg_current_xact_id()))
    async with database._sessions() as session:
        first = await own.first(session)
        await session.commit()
        assert await own.first(session) != first
        assert session.in_transaction()
