"""A person is told what was changed of how they sign in, until they said that they have read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes import queries as changes
from gateway.issuer.changes.news import (
    NOT_ASKED_FOR,
    READ,
    SIGN_IN,
    Line,
    Part,
    last_of_each,
    lines,
)
from gateway.issuer.changes.service import mark_read, record
from gateway.issuer.people import queries
from gateway.issuer.sign_ins.service import end_all_of_person


@dataclass(frozen=True)
class News:
    """`ids`: of the changes; `names`: of who made them."""

    ids: Sequence[UUID]
    lines: Sequence[Line]
    names: Mapping[str, str]

    @property
    def mark(self) -> str:
        """Of these changes alone: whoever says that they have read them has been shown no others."""
        return sha256(b"".join(each.bytes for each in self.ids)).hexdigest()


Changes = tuple[Mapping[Part, Line], Mapping[str, str]]
"""The last of each part of an account, and the names of who made them."""


async def unread(session: AsyncSession, person_id: UUID) -> News:
    rows = await changes.unread(session, person_id)
    told = lines(rows, str(person_id))
    names = await queries.names_of(session, [line.by for line in told])
    return News([row["id"] for row in rows], told, names)


async def last_changes(session: AsyncSession, row: Any) -> Changes:
    rows = await changes.last_of_each(session, row["id"], row["organisation_id"])
    last = last_of_each(rows, str(row["id"]))
    return last, await queries.names_of(session, [line.by for line in last.values()])


async def said_read(session: AsyncSession, person_id: UUID, news: News) -> None:
    await mark_read(session, news.ids)
    await record(session, _on_the_page(person_id), READ, "person", person_id)


async def said_not_asked_for(session: AsyncSession, person_id: UUID) -> None:
    """Ends all that is signed in as them; it is told again the next time. The caller holds the person's row."""
    await end_all_of_person(session, person_id)
    await record(session, _on_the_page(person_id), NOT_ASKED_FOR, "person", person_id)


def _on_the_page(person_id: UUID) -> Principal:
    return Principal(client_id=SIGN_IN, subject=str(person_id))
