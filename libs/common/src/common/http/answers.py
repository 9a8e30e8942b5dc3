"""The subjects of stored responses, which decide who may read a response again.

A command names its subjects while it runs. The service's rule decides how the response is stored and who may see it. A
caller who may no longer read a record cannot get it by repeating an old command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from common.auth.principal import Principal
from common.db.tables import CommonTables

_SUBJECTS = "answer_subjects"


@dataclass(frozen=True)
class Subject:
    """A subject of a response. `record` is its owner: a person's case, a report of the anonymous line, or the
    organisation if no person is concerned."""

    record: UUID
    kind: str
    id: UUID


class AnswerRule(Protocol):
    """How a service stores responses that may concern people."""

    def about(
        self, caller: Principal, subjects: Sequence[Subject]
    ) -> tuple[UUID | None, Sequence[Subject]]:
        """Return the owner whose key seals the response, and the subjects that decide who may read it again. Without an
        owner, the organisation is used."""

    async def keys_of(self, owners: Sequence[UUID]) -> Mapping[UUID, bytes]:
        """Return the keys of these owners, except destroyed ones."""

    async def refuse_unless_readable(
        self, session: AsyncSession, caller: Principal, subjects: Sequence[Subject]
    ) -> None:
        """Raise the error, if any, that the caller would now get for reading these subjects."""


def answer_is_about(session: AsyncSession, subject: Subject) -> None:
    """Record that the current command's response contains `subject`."""
    told: dict[Subject, None] = session.info.setdefault(_SUBJECTS, {})
    told[subject] = None


def answer_is_only_about(session: AsyncSession, subject: Subject) -> None:
    """Record that the response contains only `subject`, whatever else the command did."""
    session.info[_SUBJECTS] = {subject: None}


def subjects_of(session: AsyncSession) -> list[Subject]:
    """Return the subjects of the current command, in order."""
    return list(session.info.get(_SUBJECTS, {}))


def subjects_to_json(subjects: Sequence[Subject]) -> list[list[str]]:
    return [[str(each.record), each.kind, str(each.id)] for each in subjects]


def subjects_from_json(stored: Sequence[Sequence[Any]]) -> list[Subject]:
    return [Subject(UUID(record), kind, UUID(thing)) for record, kind, thing in stored]


async def forget_answers(session: AsyncSession, tables: CommonTables, owner: UUID) -> None:
    """Delete the stored responses about `owner`. The commands' keys remain, so that no command takes effect twice."""
    stored = tables.stored_results
    await session.execute(
        stored.update().where(stored.c.subject == owner).values(result=b"", fingerprint=b"")
    )


async def forget_old_answers(session: AsyncSession, tables: CommonTables, before: datetime) -> int:
    """Delete all responses stored before `before` and return their number."""
    stored = tables.stored_results
    forgotten = await session.execute(
        stored.update()
        .where(stored.c.created_at <= before, stored.c.result != b"")
        .values(result=b"", fingerprint=b"")
        .returning(sa.literal(1))
    )
    return len(forgotten.all())
