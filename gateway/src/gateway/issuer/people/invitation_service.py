"""Invitations: one-use links by which people choose their own password and second factor.

The database stores only the digest of a link's token. Whoever opens the link first gets in, so a link expires, and an
administrator sees whether it was used and can revoke it.
"""

import hashlib
import secrets as random_secrets
from datetime import timedelta
from typing import Any

from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.news import SIGN_IN
from gateway.issuer.changes.service import record
from gateway.issuer.people import queries
from gateway.issuer.people.factors import SecondFactors
from gateway.issuer.people.models import NO_INVITATION, people
from gateway.issuer.people.service import found, replace_credentials
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.tables import change_version


async def invite(session: AsyncSession, by: Principal, row: Any, days: int) -> tuple[Any, str]:
    """Return the person and the token of a new link. Voids the person's credentials and earlier link."""
    token = random_secrets.token_urlsafe(32)
    given = {
        "password_hash": None,
        "second_factor": None,
        "invitation_digest": _digest(token),
        "invited_until": clock.now() + timedelta(days=days),
    }
    await replace_credentials(session, by, row, given, "invited")
    return await found(session, row["id"]), token


async def revoke(session: AsyncSession, by: Principal, row: Any) -> Any:
    """Void the person's link. Does nothing if the person has none."""
    if row["invited_until"] is None:
        return row
    await change_version(session, people, row, **NO_INVITATION)
    await record(session, by, "revoked an invitation", "person", row["id"])
    return await found(session, row["id"])


async def opened(session: AsyncSession, token: str, *, hold: bool = False) -> Any | None:
    """Return the invited person, or None if the link is unknown, used, revoked or expired, or its person suspended."""
    row = await queries.invited(session, _digest(token), hold=hold)
    if row is None or row["invited_until"] <= clock.now():
        return None
    return row if row["active"] and row["organisation_active"] else None


async def accept(
    session: AsyncSession,
    checks: SecretChecks,
    factors: SecondFactors,
    row: Any,
    *,
    password: str,
    secret: str,
    code: str,
) -> bool:
    """Store the credentials and use up the link. Return False without a change if the code does not match the
    secret."""
    sealed = factors.sealed(row["id"], secret)
    if factors.step_of(row["id"], sealed, code, now=clock.now(), last_step=0) is None:
        return False
    await change_version(
        session,
        people,
        row,
        password_hash=await checks.hashed(password),
        second_factor=sealed,
        # The code proves that the app works. The person may type it again to sign in.
        second_factor_step=0,
        **NO_INVITATION,
    )
    by = Principal(client_id=SIGN_IN, subject=str(row["id"]))
    await record(session, by, "accepted an invitation", "person", row["id"])
    return True


def _digest(token: str) -> bytes:
    """Return the stored digest. A token of 256 random bits needs no slow hash."""
    return hashlib.sha256(token.encode()).digest()
