"""Changes that people make to their own credentials, and the changes that they have not confirmed. A change ends all
other sign-ins of the person. The current sign-in continues, because the person has just entered the password."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
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
from gateway.issuer.people.factors import NewKey, RecoveryCodes, SecondFactors, new_codes
from gateway.issuer.people.models import passkeys, people, recovery_codes
from gateway.issuer.people.service import attempt_name
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.sign_ins.service import (
    end_all_of_person,
    end_others_of_person,
    end_that_of_person,
)
from gateway.issuer.throttle import service as attempts


async def knows_password(
    session: AsyncSession, secrets: SecretChecks, row: Any, password: str, source: str
) -> bool:
    """Return whether the password is correct. Failures count like those of the sign-in page."""
    name = attempt_name(row["sign_in_name"])
    if not await secrets.matches(row["password_hash"], password):
        await attempts.failed(session, name, source)
        return False
    await attempts.succeeded(session, name, source)
    return True


async def set_password(
    session: AsyncSession, by: Principal, secrets: SecretChecks, row: Any, password: str
) -> None:
    await _changed(
        session, by, row, "changed own password", password_hash=await secrets.hashed(password)
    )


async def set_second_factor(
    session: AsyncSession, by: Principal, factors: SecondFactors, row: Any, secret: str, code: str
) -> bool:
    """Store the second factor. Return False without a change if the code does not match the secret."""
    sealed = factors.sealed(row["id"], secret)
    step = factors.step_of(row["id"], sealed, code, now=clock.now(), last_step=0)
    if step is None:
        return False
    what = "changed own second factor"
    await _changed(session, by, row, what, second_factor=sealed, second_factor_step=step)
    return True


async def renew_recovery_codes(
    session: AsyncSession, by: Principal, recovery: RecoveryCodes, row: Any
) -> list[str]:
    """Return eight new recovery codes, readable only now. The old codes become void."""
    codes, now = new_codes(), clock.now()
    await session.execute(sa.delete(recovery_codes).where(recovery_codes.c.person_id == row["id"]))
    await session.execute(
        sa.insert(recovery_codes),
        [
            {
                "person_id": row["id"],
                "code_digest": recovery.digest(row["id"], code),
                "made_at": now,
            }
            for code in codes
        ],
    )
    await _changed(session, by, row, "renewed own recovery codes")
    return codes


async def add_passkey(
    session: AsyncSession, by: Principal, row: Any, key: NewKey, name: str
) -> bool:
    """Add a passkey. Return False if anybody has already registered it."""
    taken = await session.scalar(
        sa.select(passkeys.c.id).where(passkeys.c.credential_id == key.credential_id)
    )
    if taken is not None:
        return False
    await session.execute(
        sa.insert(passkeys).values(
            id=new_id(),
            person_id=row["id"],
            credential_id=key.credential_id,
            public_key=key.public_key,
            sign_count=key.sign_count,
            name=name,
            made_at=clock.now(),
        )
    )
    await _changed(session, by, row, "added a passkey")
    return True


async def rename_passkey(session: AsyncSession, row: Any, passkey: UUID, name: str) -> None:
    """Rename a passkey of this person. Ignore passkeys of others."""
    await session.execute(
        sa.update(passkeys)
        .where(passkeys.c.id == passkey, passkeys.c.person_id == row["id"])
        .values(name=name)
    )


async def remove_passkey(session: AsyncSession, by: Principal, row: Any, passkey: UUID) -> None:
    """Remove a passkey of this person. Ignore passkeys of others."""
    removed = await session.execute(
        sa.delete(passkeys)
        .where(passkeys.c.id == passkey, passkeys.c.person_id == row["id"])
        .returning(passkeys.c.id)
    )
    if removed.scalar_one_or_none() is not None:
        await _changed(session, by, row, "removed a passkey")


async def end_sign_in(session: AsyncSession, by: Principal, row: Any, sign_in: UUID) -> None:
    """End an active sign-in of this person. Ignore sign-ins of others."""
    if await end_that_of_person(session, row["id"], sign_in):
        await record(session, by, "ended own sign-in", "person", row["id"])


async def end_other_sign_ins(session: AsyncSession, by: Principal, row: Any) -> None:
    await end_others_of_person(session, row["id"], _own(by))
    await record(session, by, "ended other own sign-ins", "person", row["id"])


def _own(by: Principal) -> UUID | None:
    return UUID(by.sign_in) if by.sign_in else None


async def _changed(
    session: AsyncSession, by: Principal, row: Any, what: str, **values: object
) -> None:
    await session.execute(
        sa.update(people)
        .where(people.c.id == row["id"])
        .values(**values, version=row["version"] + 1)
    )
    await end_others_of_person(session, row["id"], _own(by))
    await record(session, by, what, "person", row["id"])


@dataclass(frozen=True)
class News:
    """Unconfirmed changes: their ids, their lines, and their authors' names by id."""

    ids: Sequence[UUID]
    lines: Sequence[Line]
    names: Mapping[str, str]

    @property
    def mark(self) -> str:
        """Return a digest of these changes, so that a confirmation covers only them."""
        return sha256(b"".join(each.bytes for each in self.ids)).hexdigest()


Changes = tuple[Mapping[Part, Line], Mapping[str, str]]
"""The last change of each part of an account, and the authors' names by id."""


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
    """End all sign-ins of the person, who did not request the changes. The changes remain unconfirmed. The caller must
    have locked the person's row."""
    await end_all_of_person(session, person_id)
    await record(session, _on_the_page(person_id), NOT_ASKED_FOR, "person", person_id)


def _on_the_page(person_id: UUID) -> Principal:
    return Principal(client_id=SIGN_IN, subject=str(person_id))
