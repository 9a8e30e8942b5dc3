"""Stored answers of commands: which things they are about, and who may read them again.

A command names its subjects while it runs. The service supplies the rule by which the answer is kept and shown again:
a caller who may no longer read the thing does not learn it by repeating an old command either.
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
    """One thing that an answer is about. `record` is its owner: a person's case, a report of the anonymous line, or
    the organisation if no person is concerned."""

    record: UUID
    kind: str
    id: UUID


class AnswerRule(Protocol):
    """How a service whose answers may be about people keeps them."""

    def about(
        self, caller: Principal, subjects: Sequence[Subject]
    ) -> tuple[UUID | None, Sequence[Subject]]:
        """The owner whose key seals the answer, and the subjects that decide who may read it again. Without an owner
        the organisation itself is meant."""

    async def keys_of(self, owners: Sequence[UUID]) -> Mapping[UUID, bytes]:
        """Those keys; one that was destroyed is absent."""

    async def refuse_unless_readable(
        self, session: AsyncSession, caller: Principal, subjects: Sequence[Subject]
    ) -> None:
        """Raise what a reading of these things would answer the caller now, if it refused."""


def answer_is_about(session: AsyncSession, subject: Subject) -> None:
    """The answer of the command that runs in this session tells of `subject`."""
    told: dict[Subject, None] = session.info.setdefault(_SUBJECTS, {})
    told[subject] = None


def answer_is_only_about(session: AsyncSession, subject: Subject) -> None:
    """The answer tells of `subject`, whatever else the command did."""
    session.info[_SUBJECTS] = {subject: None}


def subjects_of(session: AsyncSession) -> list[Subject]:
    """The subjects of the command that runs in this session, in order."""
    return list(session.info.get(_SUBJECTS, {}))


def subjects_to_json(subjects: Sequence[Subject]) -> list[list[str]]:
    return [[str(each.record), each.kind, str(each.id)] for each in subjects]


def subjects_from_json(stored: Sequence[Sequence[Any]]) -> list[Subject]:
    return [Subject(UUID(record), kind, UUID(thing)) for record, kind, thing in stored]


async def forget_answers(session: AsyncSession, tables: CommonTables, owner: UUID) -> None:
    """Delete the stored answers about `owner`. The keys of their commands stay, so that no command takes effect
    twice."""
    stored = tables.stored_results
    await session.execute(
        stored.update().where(stored.c.subject == owner).values(result=b"", fingerprint=b"")
    )


async def forget_old_answers(session: AsyncSession, tables: CommonTables, before: datetime) -> int:
    """The same for everything that was answered before that moment; returns how many."""
    stored = tables.stored_results
    forgotten = await session.execute(
        stored.update()
        .where(stored.c.created_at <= before, stored.c.result != b"")
        .values(result=b"", fingerprint=b"")
        .returning(sa.literal(1))
    )
    return len(forgotten.all())
