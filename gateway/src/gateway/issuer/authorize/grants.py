"""Authorization codes and refresh tokens: random, hashed at rest, used once, in families.

A code or refresh token that comes a second time was stolen by somebody: its whole family ends
(RFC 9700 §4.14.2).
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.authorize.asked import Asked
from gateway.issuer.people.models import authorization_codes, refresh_tokens

CODE_LIFETIME = timedelta(minutes=1)
REFRESH_IDLE = timedelta(hours=1)
LONGEST_SIGN_IN = timedelta(hours=12)


async def new_code(
    session: AsyncSession, asked: Asked, person_id: UUID, scopes: tuple[str, ...]
) -> str:
    code = secrets.token_urlsafe(32)
    now = clock.now()
    await session.execute(
        sa.delete(authorization_codes).where(
            authorization_codes.c.expires_at < now - LONGEST_SIGN_IN
        )
    )
    await session.execute(
        sa.insert(authorization_codes).values(
            code_hash=_hash(code),
            family=new_id(),
            client_id=asked.client_id,
            person_id=person_id,
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
            nonce=asked.nonce,
            scopes=list(scopes),
            signed_in_at=now,
            expires_at=now + CODE_LIFETIME,
        )
    )
    return code


async def use_code(session: AsyncSession, code: str) -> Any | None:
    """The code's row, now used; None if there is no such code, it is too old or was used."""
    return await _use(session, authorization_codes, authorization_codes.c.code_hash, code)


async def new_refresh_token(session: AsyncSession, grant: Any) -> str:
    """A refresh token of the same family as `grant` (a code's or refresh token's row)."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    end = grant["signed_in_at"] + LONGEST_SIGN_IN
    await session.execute(
        sa.insert(refresh_tokens).values(
            token_hash=_hash(token),
            family=grant["family"],
            client_id=grant["client_id"],
            person_id=grant["person_id"],
            scopes=grant["scopes"],
            signed_in_at=grant["signed_in_at"],
            expires_at=min(now + REFRESH_IDLE, end),
        )
    )
    return token


async def use_refresh_token(session: AsyncSession, token: str) -> Any | None:
    return await _use(session, refresh_tokens, refresh_tokens.c.token_hash, token)


async def end_family(session: AsyncSession, token: str) -> None:
    """Sign out: the refresh token and all of its family are gone. Silent if unknown."""
    family = await session.scalar(
        sa.select(refresh_tokens.c.family).where(refresh_tokens.c.token_hash == _hash(token))
    )
    if family is not None:
        await session.execute(sa.delete(refresh_tokens).where(refresh_tokens.c.family == family))


async def _use(
    session: AsyncSession, table: sa.Table, key: sa.Column[Any], value: str
) -> Any | None:
    now = clock.now()
    rows = await session.execute(sa.select(table).where(key == _hash(value)).with_for_update())
    row = rows.mappings().one_or_none()
    if row is None:
        return None
    if row["used_at"] is not None:
        await session.execute(
            sa.delete(refresh_tokens).where(refresh_tokens.c.family == row["family"])
        )
        return None
    if row["expires_at"] < now:
        return None
    await session.execute(sa.update(table).where(key == _hash(value)).values(used_at=now))
    return row


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
