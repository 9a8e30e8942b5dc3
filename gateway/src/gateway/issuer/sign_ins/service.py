"""Sign-ins with their authorization codes and refresh tokens, which are random, stored as hashes, and used once.

When a sign-in ends, all its tokens end. A second use of a code, or a late second use of a refresh token, indicates
theft, so the sign-in ends (RFC 6749 §4.1.2, RFC 9700 §4.14.2). Each use or end of a sign-in first locks its row, so
that no token is issued while the sign-in ends.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.revocations.service import revoke
from gateway.issuer.sign_ins import queries
from gateway.issuer.sign_ins.models import authorization_codes, refresh_tokens, sign_ins
from gateway.issuer.sign_ins.proofs import Factor
from gateway.issuer.sign_ins.queries import KEPT, LONGEST_SIGN_IN, lives

CODE_LIFETIME = timedelta(minutes=1)
REFRESH_IDLE = timedelta(hours=1)
# Two tabs, or two replicas of the front, may refresh at the same moment. Both get the same successor.
TOGETHER = timedelta(seconds=30)
# On a bad connection, the response with the successor may be lost, and the client sends the old token again. A thief
# who keeps pace with the person looks the same, so this is limited.
LOST_ANSWERS = 3


async def begin(
    session: AsyncSession,
    *,
    client_id: str,
    person_id: UUID,
    scopes: tuple[str, ...],
    redirect_uri: str,
    challenge: str,
    nonce: str | None,
    factor: Factor,
    signed_in_at: datetime,
) -> str:
    """Create a sign-in and return its authorization code. `signed_in_at` is the time when the person authenticated with
    `factor`."""
    code, now, sign_in = secrets.token_urlsafe(32), clock.now(), new_id()
    for table, kept in (
        (authorization_codes, LONGEST_SIGN_IN),
        (refresh_tokens, LONGEST_SIGN_IN),
        (sign_ins, KEPT),
    ):
        await session.execute(sa.delete(table).where(table.c.signed_in_at < now - kept))
    await session.execute(
        sa.insert(sign_ins).values(
            id=sign_in,
            client_id=client_id,
            person_id=person_id,
            signed_in_at=signed_in_at,
            factor=factor,
        )
    )
    await session.execute(
        sa.insert(authorization_codes).values(
            code_hash=_hash(code),
            family=sign_in,
            client_id=client_id,
            person_id=person_id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            nonce=nonce,
            amr=factor.amr,
            scopes=list(scopes),
            signed_in_at=signed_in_at,
            expires_at=now + CODE_LIFETIME,
        )
    )
    return code


async def use_code(session: AsyncSession, code: str) -> Any | None:
    """Mark the code as used and return its row, or None if it is unknown, expired or already used."""
    row = await _locked(session, authorization_codes, authorization_codes.c.code_hash, code)
    if row is None:
        return None
    if row["used_at"] is not None:
        await end(session, row["family"])
        return None
    return await _used(session, authorization_codes, authorization_codes.c.code_hash, row)


async def use_refresh_token(session: AsyncSession, token: str, successor_key: bytes) -> Any | None:
    """Mark the refresh token as used and return its row, or None as for a code. While its successor is unused, the
    token is accepted again: immediately from every tab, and later up to `LOST_ANSWERS` times per sign-in."""
    row = await _locked(session, refresh_tokens, refresh_tokens.c.token_hash, token)
    if row is None:
        return None
    if row["used_at"] is None:
        return await _used(session, refresh_tokens, refresh_tokens.c.token_hash, row)
    if await queries.never_used(session, _hash(_successor(token, successor_key))):
        if clock.now() - row["used_at"] <= TOGETHER:
            return row
        if await _forgiven(session, row["family"]):
            # All tabs repeat the request at the same moment, perhaps to different replicas. This counts as one lost
            # response.
            await _mark_used(session, refresh_tokens, refresh_tokens.c.token_hash, row)
            return row
    await end(session, row["family"])
    return None


async def first_refresh_token(session: AsyncSession, grant: Any) -> str:
    """Return the refresh token for a used code, given its row."""
    token = secrets.token_urlsafe(32)
    await _keep(session, grant, token)
    return token


async def next_refresh_token(
    session: AsyncSession, grant: Any, former: str, successor_key: bytes
) -> str:
    """Return the successor of a refresh token (its row and value). It is derived from the old token and the issuer's
    key, so it can be returned twice without being stored."""
    token = _successor(former, successor_key)
    if grant["used_at"] is None:
        await _keep(session, grant, token)
    return token


async def end(session: AsyncSession, sign_in: UUID) -> None:
    """End a sign-in with its code and refresh tokens. Its access tokens are void within seconds."""
    await session.execute(
        sa.update(sign_ins)
        .where(sign_ins.c.id == sign_in, sign_ins.c.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
    await revoke(session, "sign_in", str(sign_in))


async def end_that_of(session: AsyncSession, refresh_token: str) -> None:
    """End the sign-in of a refresh token. Ignore unknown tokens."""
    row = await _locked(session, refresh_tokens, refresh_tokens.c.token_hash, refresh_token)
    if row is not None:
        await end(session, row["family"])


async def end_all_of_person(session: AsyncSession, person_id: UUID) -> None:
    """End all sign-ins of a person. The caller must have locked the person's row, so that no sign-in begins in the
    meantime."""
    await _end_all(session, sign_ins.c.person_id == person_id)
    await revoke(session, "subject", str(person_id))


async def end_others_of_person(session: AsyncSession, person_id: UUID, kept: UUID | None) -> None:
    """End all sign-ins of a person except one. The caller must have locked the person's row."""
    for sign_in in await queries.living_of_person(session, person_id):
        if sign_in["id"] != kept:
            await end(session, sign_in["id"])


async def end_that_of_person(session: AsyncSession, person_id: UUID, sign_in: UUID) -> bool:
    """End one sign-in of the person. Return False if it belongs to another person or has already ended."""
    living = await queries.living_of_person(session, person_id)
    if sign_in not in {row["id"] for row in living}:
        return False
    await end(session, sign_in)
    return True


async def end_all_through(session: AsyncSession, client_id: str) -> None:
    """End all sign-ins through a client and void its own tokens. The caller must have locked the client's row."""
    await _end_all(session, sign_ins.c.client_id == client_id)
    await revoke(session, "client", client_id)


async def end_every_one(session: AsyncSession) -> None:
    """End all sign-ins, because after a data loss nobody knows which of them had ended."""
    ended = await session.scalars(
        sa.update(sign_ins).where(lives()).values(ended_at=clock.now()).returning(sign_ins.c.id)
    )
    for sign_in in ended.all():
        await revoke(session, "sign_in", str(sign_in))


async def _end_all(session: AsyncSession, which: sa.ColumnElement[bool]) -> None:
    await session.execute(sa.update(sign_ins).where(which, lives()).values(ended_at=clock.now()))


async def _locked(
    session: AsyncSession, table: sa.Table, key: sa.Column[Any], value: str
) -> Any | None:
    """Return the row of a code or token and lock its sign-in. Return None if the code or token is unknown, or if its
    sign-in is unknown or has ended."""
    digest = _hash(value)
    sign_in = await session.scalar(sa.select(table.c.family).where(key == digest))
    if sign_in is None:
        return None
    living = await session.execute(
        sa.select(sign_ins.c.ended_at).where(sign_ins.c.id == sign_in).with_for_update()
    )
    if living.all() != [(None,)]:
        return None
    rows = await session.execute(sa.select(table).where(key == digest))
    return rows.mappings().one_or_none()


async def _forgiven(session: AsyncSession, sign_in: UUID) -> bool:
    """Count a lost response. Return False if there were too many. The caller must have locked the sign-in's row."""
    counted = await session.execute(
        sa.update(sign_ins)
        .where(sign_ins.c.id == sign_in, sign_ins.c.lost_answers < LOST_ANSWERS)
        .values(lost_answers=sign_ins.c.lost_answers + 1)
        .returning(sign_ins.c.id)
    )
    return counted.first() is not None


async def _used(
    session: AsyncSession, table: sa.Table, key: sa.Column[Any], row: Any
) -> Any | None:
    if row["expires_at"] < clock.now():
        return None
    await _mark_used(session, table, key, row)
    return row


async def _mark_used(session: AsyncSession, table: sa.Table, key: sa.Column[Any], row: Any) -> None:
    await session.execute(sa.update(table).where(key == row[key.name]).values(used_at=clock.now()))


async def _keep(session: AsyncSession, grant: Any, token: str) -> None:
    end_of_all = grant["signed_in_at"] + LONGEST_SIGN_IN
    await session.execute(
        sa.insert(refresh_tokens).values(
            token_hash=_hash(token),
            family=grant["family"],
            client_id=grant["client_id"],
            person_id=grant["person_id"],
            scopes=grant["scopes"],
            signed_in_at=grant["signed_in_at"],
            expires_at=min(clock.now() + REFRESH_IDLE, end_of_all),
        )
    )


def _successor(former: str, key: bytes) -> str:
    digest = hmac.new(key, former.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
