"""Rows that accompany a change (event, audit, history, stored answer), sent in one statement.

Nothing reads them before the commit, yet each would cost a round trip of its own. They wait with
the session and go to the database with the next statement or the commit, whichever comes first:
whoever looks sees them, and they share the fate of the transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

WAITING = "rows_waiting"
STRAIGHT = "straight"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_MOST_ROWS = 50
_Waiting = dict["RowWriter", list[tuple[Any, ...]]]


class RowWriter:
    """Inserts rows of these columns of one table.

    Values go to the driver as they are: the text of a JSON document for `jsonb`. `notify` wakes
    the listeners of that channel at commit. `on_conflict` is SQL after `ON CONFLICT`; a statement
    may then not hold two rows with the same key. `entity`: other rows may refer to this one, so it
    goes before changed objects do. `alone`: also in a statement before the others, which look for
    this row. `given`: what is not the value itself but made of it, by column: SQL with `{}` for it.
    """

    def __init__(
        self,
        table: sa.Table,
        *columns: str,
        on_conflict: str = "",
        notify: str = "",
        entity: bool = False,
        alone: bool = False,
        given: Mapping[str, str] | None = None,
    ) -> None:
        for name in columns:
            if name not in table.c:
                raise TypeError(f"{table.name} has no column {name}")
        self.table = table
        self._shown = [(given or {}).get(name, "{}") for name in columns]
        self.columns = columns
        of = itemgetter(*columns)
        self.row_of = of if len(columns) > 1 else lambda values: (of(values),)
        self.notify = notify
        self.entity = entity or alone
        self.alone = alone
        names = ", ".join(columns)
        self._head = f"INSERT INTO {table.name} ({names}) VALUES "  # noqa: S608 - our own table
        self._tail = f" ON CONFLICT {on_conflict}" if on_conflict else ""

    def sql(self, rows: int, first: int) -> str:
        """The statement for `rows` rows whose parameters begin at `$first`."""
        numbers = count(first)
        shown = (
            f"({','.join(each.format(f'${next(numbers)}') for each in self._shown)})"
            for _ in range(rows)
        )
        return self._head + ", ".join(shown) + self._tail


class RowCall(RowWriter):
    """Calls a function of the database, which changes `table`, for each of the rows: with their columns in this order."""

    def __init__(self, table: sa.Table, function: str, *columns: str) -> None:
        super().__init__(table, *columns)
        self._call = f"{function}({', '.join(self._shown)})"

    def sql(self, rows: int, first: int) -> str:
        numbers = count(first)
        return ", ".join(
            self._call.format(*(f"${next(numbers)}" for _ in self.columns)) for _ in range(rows)
        )


def write_soon(session: AsyncSession, writer: RowWriter, values: Mapping[str, Any]) -> None:
    """Write a row before anybody can miss it: with the next statement, or at commit. Two writers of one table go in
    the order in which each was first given a row."""
    waiting: _Waiting = session.info.setdefault(WAITING, {})
    waiting.setdefault(writer, []).append(writer.row_of(values))


def send(session: Session) -> None:
    """Send what waits, after the changed objects that it may refer to."""
    if WAITING not in session.info:
        return
    session.flush()
    waiting: _Waiting = session.info.pop(WAITING)
    if not waiting:
        return
    _send(session.connection(), waiting)


def _send(connection: sa.Connection, waiting: _Waiting) -> None:
    for statement, values in _statements(waiting):
        send_straight(connection, statement, values)


def _send_all(session: Session) -> None:
    send(session)
    session.flush()


def send_straight(
    connection: sa.Connection, statement: str, values: Sequence[Any]
) -> Sequence[tuple[Any, ...]]:
    """The rows of a statement in the driver's own words: what SQLAlchemy does around one costs more than the driver
    does, and of that only how errors are told is wanted."""
    adapted: Any = connection.connection.dbapi_connection
    try:
        rows: Sequence[tuple[Any, ...]] = await_only(_begun(adapted, statement, values))
    except Exception as error:
        _raise(connection, statement, error)
        raise
    return rows


async def _begun(adapted: Any, statement: str, values: Sequence[Any]) -> Any:
    if adapted._transaction is None:  # noqa: SLF001 - as its cursor does
        await adapted._start_transaction()  # noqa: SLF001 - as above
    return await adapted.driver_connection.fetch(statement, *values)


@dataclass(frozen=True, slots=True)
class Straight:
    """What a session's statements go to within its transaction, and where its tables lie instead."""

    driver: Any
    moved: Mapping[str, str]


def open_straight(session: Session, connection: sa.Connection) -> Straight:
    """Its transaction has begun on `connection`."""
    moved = connection.get_execution_options().get("schema_translate_map", _NOTHING)
    straight = Straight(connection.connection.driver_connection, moved)
    session.info[STRAIGHT] = straight
    return straight


def close_straight(session: Session) -> None:
    """Its transaction is over, and the connection may be another's."""
    session.info.pop(STRAIGHT, None)


def is_clean(session: AsyncSession) -> bool:
    """Whether no changed object waits to be written."""
    return session.sync_session._is_clean()  # noqa: SLF001 - `new`, `dirty` and `deleted` copy what there is


async def straight_of(session: AsyncSession) -> Straight:
    """For a statement that is to see all that the session has still to write."""
    info = session.info
    if STRAIGHT in info and WAITING not in info and is_clean(session):
        straight: Straight = info[STRAIGHT]
        return straight
    return await session.run_sync(_sent)


async def straight_past(session: AsyncSession) -> Straight:
    """For a statement that asks for nothing of what the session has still to write, which goes on waiting."""
    straight: Straight | None = session.info.get(STRAIGHT)
    return straight or await straight_of(session)


def _sent(session: Session) -> Straight:
    _send_all(session)
    return open_straight(session, session.connection())


async def fetch(session: AsyncSession, statement: str, values: Sequence[Any]) -> Sequence[Any]:
    """The rows of a statement in a transaction that has begun; errors as SQLAlchemy tells them."""
    try:
        rows: Sequence[Any] = await session.info[STRAIGHT].driver.fetch(statement, *values)
    except Exception as error:
        await session.run_sync(_tell, statement, error)
        raise
    return rows


def _tell(session: Session, statement: str, error: Exception) -> None:
    _raise(session.connection(), statement, error)


def _raise(connection: sa.Connection, statement: str, error: Exception) -> None:
    """As SQLAlchemy's. It drops a pool whose server is gone."""
    adapted: Any = connection.connection.dbapi_connection
    try:
        adapted._handle_exception(error)  # noqa: SLF001 - as its cursor does
    except Exception as told:  # noqa: BLE001 - as SQLAlchemy catches it
        connection._handle_dbapi_exception(told, statement, None, None, None)  # noqa: SLF001 - the one way to do that


def send_entities(session: Session) -> None:
    """Send what changed objects may refer to, before they are flushed."""
    waiting: _Waiting = session.info.get(WAITING, {})
    entities = {w: waiting.pop(w) for w in list(waiting) if w.entity}
    if entities:
        _send(session.connection(), entities)


def forget(session: Session) -> None:
    """The transaction was rolled back, and they with it."""
    session.info.pop(WAITING, None)


def _statements(waiting: _Waiting) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What waits, with its values; nothing waits afterwards."""
    groups = [{writer: waiting.pop(writer)} for writer in list(waiting) if writer.alone]
    for group in (*groups, *_apart(waiting)):
        while group:
            shape, values = _take(group)
            yield _statement(shape), values


def _apart(waiting: _Waiting) -> Iterator[_Waiting]:
    """Two writers of one table go one after the other: no part of a statement sees the rows of another part."""
    while waiting:
        tables: set[sa.Table] = set()
        group: _Waiting = {}
        for writer in list(waiting):
            if writer.table in tables:
                break
            tables.add(writer.table)
            group[writer] = waiting.pop(writer)
        yield group


def _take(waiting: _Waiting) -> tuple[tuple[tuple[RowWriter, int], ...], tuple[Any, ...]]:
    """Up to fifty rows: a statement has room for 32,767 parameters, and its shape is kept."""
    shape: list[tuple[RowWriter, int]] = []
    values: list[Any] = []
    room = _MOST_ROWS
    while waiting and room:
        writer = next(iter(waiting))
        rows = waiting[writer]
        taken = rows[:room]
        if len(taken) == len(rows):
            del waiting[writer]
        else:
            waiting[writer] = rows[room:]
        room -= len(taken)
        shape.append((writer, len(taken)))
        values.extend(chain.from_iterable(taken))
    return tuple(shape), tuple(values)


@lru_cache(maxsize=1000)
def _statement(shape: tuple[tuple[RowWriter, int], ...]) -> str:
    parts: list[str] = []
    called: list[str] = []
    first = 1
    for writer, rows in shape:
        (called if isinstance(writer, RowCall) else parts).append(writer.sql(rows, first))
        first += rows * len(writer.columns)
    channels = sorted({writer.notify for writer, _ in shape if writer.notify})
    called += [f"pg_notify('{channel}', '')" for channel in channels]
    if len(parts) == 1 and not called:
        return parts[0]
    written = ", ".join(f"w{at} AS ({part})" for at, part in enumerate(parts))
    return f"{f'WITH {written} ' if parts else ''}SELECT {', '.join(called) or '1'}"
