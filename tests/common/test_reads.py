"""Queries that are composed once and sent straight through the driver."""

from dataclasses import dataclass

import asyncpg
import pytest
import sqlalchemy as sa
from common.database import Database
from common.ids import new_id
from common.reads import QuickStatement, columns_of, split
from common.writes import RowChange, write_soon

from tests.common import sample
from tests.common.test_writes import ENTITY, note

NOTES = sample.NOTES
TEXTS = QuickStatement(
    sa.select(NOTES.c.text, NOTES.c.size)
    .where(NOTES.c.text >= sa.bindparam("first"), NOTES.c.size == 1)
    .order_by(NOTES.c.text)
)
QUOTIENT = QuickStatement(sa.select(1 / sa.bindparam("by", type_=sa.Integer())))
CHANGE = RowChange(NOTES, "id", "text", "size")


async def test_a_query_sees_what_waits_and_what_is_changed(database: Database) -> None:
    async with database.transaction() as session:
        note(session, "a")
        note(session, "b")
        assert [tuple(row) for row in await TEXTS.rows(session, {"first": "b"})] == [("b", 1)]
        note(session, "c")
        assert (await TEXTS.first(session, {"first": "c"}))["text"] == "c"
        assert await TEXTS.first(session, {"first": "d"}) is None


async def test_a_row_is_changed_with_the_rows_that_accompany_it(database: Database) -> None:
    own = {"id": new_id(), "organisation_id": new_id(), "text": "draft", "size": 1}
    async with database.transaction() as session:
        write_soon(session, ENTITY, own)
    async with database.transaction() as session:
        write_soon(session, CHANGE, own | {"text": "sent"})
        note(session, "step")
    async with database.transaction() as session:
        found = await TEXTS.rows(session, {"first": ""})
    assert [row["text"] for row in found] == ["sent", "step"]


async def divide(database: Database) -> None:
    async with database.transaction() as session:
        note(session, "a")
        await QUOTIENT.rows(session, {"by": 0})


async def test_what_the_database_refuses_ends_the_transaction(database: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await divide(database)
    async with database.transaction() as session:
        assert await TEXTS.rows(session, {"first": ""}) == []


@dataclass(frozen=True, slots=True)
class Pair:
    one: int | None
    two: str


def test_a_row_is_split_into_records_and_an_absent_one_is_none() -> None:
    assert split((1, "a", None, None, True), Pair, Pair) == ([Pair(1, "a"), None], [True])


def test_a_list_of_unknown_length_is_refused() -> None:
    with pytest.raises(TypeError, match="ANY"):
        QuickStatement(sa.select(NOTES.c.text).where(NOTES.c.size.in_([1, 2])))


class Mapped:
    """Stands for a mapped class with one column."""

    text: sa.ColumnClause[str] = sa.column("text", sa.Text)


@dataclass
class Changeable:
    text: str


@dataclass(frozen=True)
class Stranger:
    colour: str


@pytest.mark.parametrize(
    ("record", "refusal"), [(Changeable, TypeError), (Stranger, AttributeError)]
)
def test_a_record_that_can_be_changed_or_names_no_column_is_refused_at_start(
    record: type[object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        columns_of(record, Mapped)
