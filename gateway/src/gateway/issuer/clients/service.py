"""Use cases for machine clients. A change of rights voids tokens with the old rights and ends sign-ins through the
client. If the database lost data, the client's later rights are restored from the external list."""

import hashlib
from datetime import timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from common import clock
from common.auth import SCOPES, Principal
from common.auth.tokens import ASSERTION_SECONDS, LEEWAY_SECONDS
from common.errors import CONFLICT, INVALID, NOT_FOUND
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.service import record
from gateway.issuer.clients import queries
from gateway.issuer.clients.models import clients, used_assertions
from gateway.issuer.clients.schemas import ClientChange, NewClient
from gateway.issuer.organisations.queries import organisation
from gateway.issuer.rights import Marks, Word, rights_again, rights_of
from gateway.issuer.secrets import SecretChecks, new_secret
from gateway.issuer.sign_ins.service import end_all_through
from gateway.issuer.tables import change_version

_HARMLESS = {"name", "redirect_uris"}


async def found(session: AsyncSession, client_id: str) -> Any:
    """Return the row, or raise 404."""
    row = await queries.client(session, client_id)
    if row is None:
        raise NOT_FOUND.because("no_such_client")
    return row


async def create(
    session: AsyncSession, by: Principal, secrets: SecretChecks, new: NewClient
) -> tuple[Any, str | None]:
    """Create a client. Return it with its secret, of which only a hash is stored; the secret is None for a client with
    keys."""
    if await queries.client(session, new.id) is not None:
        raise CONFLICT.because("client_with_this_id_exists_already", pointer="/id")
    if await organisation(session, new.organisation_id) is None:
        raise INVALID.because("no_such_organisation", pointer="/organisation_id")
    secret = new_secret()
    await add(session, **new.model_dump(), secret_hash=await secrets.hashed(secret))
    await record(session, by, "created", "client", new.id)
    return await found(session, new.id), None if new.jwks else secret


async def add(session: AsyncSession, **columns: Any) -> None:
    """Insert an active client with these columns."""
    row = {"redirect_uris": [], **columns}
    await session.execute(
        sa.insert(clients).values(**row, active=True, version=1, created_at=clock.now())
    )


async def used(session: AsyncSession, row: Any) -> None:
    """Record the day of use, at most once a day. If another transaction has locked the row, a later request records the
    day."""
    today = clock.today()
    if row["last_used_on"] == today:
        return
    free = sa.select(clients.c.id).where(clients.c.id == row["id"])
    await session.execute(
        sa.update(clients)
        .where(clients.c.id.in_(free.with_for_update(skip_locked=True)))
        .values(last_used_on=today)
    )


def has_ended(row: Any) -> bool:
    return row["ends_on"] is not None and row["ends_on"] < clock.today()


async def use_assertion(session: AsyncSession, client_id: str, jti: str) -> bool:
    """Return whether this assertion is used for the first time. Delete expired assertions, which nobody can use
    again."""
    table = used_assertions
    until = clock.now() + timedelta(seconds=ASSERTION_SECONDS + 2 * LEEWAY_SECONDS)
    await session.execute(sa.delete(table).where(table.c.until < clock.now()))
    digest = hashlib.sha256(f"{client_id} {jti}".encode()).digest()
    added = insert(table).values(digest=digest, until=until).on_conflict_do_nothing()
    return (await session.execute(added.returning(table.c.digest))).first() is not None


async def ensure_browser_client(session: AsyncSession, client_id: str, redirect_uri: str) -> None:
    """Create the client through which people of all organisations sign in. It restricts no scope."""
    own = {"redirect_uris": [redirect_uri], "scopes": list(SCOPES)}
    row = {"id": client_id, "name": "Ruta web console", "roles": [], "aors": [], "areas": [], **own}
    await session.execute(
        insert(clients)
        .values(**row, active=True, version=1, created_at=clock.now())
        .on_conflict_do_update(
            index_elements=["id"], set_=own, where=clients.c.secret_hash.is_(None)
        )
    )


async def change(session: AsyncSession, by: Principal, row: Any, wanted: ClientChange) -> Any:
    values = wanted.model_dump(exclude_unset=True)
    values = {name: value for name, value in values.items() if value is not None}
    await change_version(session, clients, row, **values)
    if values.keys() - _HARMLESS:
        await end_all_through(session, row["id"])
    await record(session, by, f"changed {' '.join(sorted(values))}", "client", row["id"])
    return await found(session, row["id"])


async def renew_secret(
    session: AsyncSession, by: Principal, secrets: SecretChecks, row: Any
) -> tuple[Any, str]:
    """Issue a new secret. The old secret, registered keys, and all tokens issued for them are void at once."""
    secret = new_secret()
    await session.execute(
        sa.update(clients)
        .where(clients.c.id == row["id"])
        .values(
            secret_hash=await secrets.hashed(secret), jwks=sa.null(), version=row["version"] + 1
        )
    )
    await end_all_through(session, row["id"])
    await record(session, by, "renewed the secret", "client", row["id"])
    return await found(session, row["id"]), secret


async def void_tokens(session: AsyncSession, by: Principal, row: Any) -> None:
    await queries.hold(session, row["id"])
    await end_all_through(session, row["id"])
    await record(session, by, "voided tokens", "client", row["id"])


async def standing(session: AsyncSession, marks: Marks, client_id: str) -> Word | None:
    """Return the client's current state for the list, or None if it does not exist."""
    row = await queries.client(session, client_id)
    return None if row is None else _standing(marks, row)


async def hold_to(
    session: AsyncSession, marks: Marks, secrets: SecretChecks, client_id: str, word: Word
) -> bool:
    """Apply the rights from the list. Return whether anything differed. A different secret and different keys are
    replaced with unknown ones. Different redirect URIs are removed."""
    await queries.hold(session, client_id)
    row = await queries.client(session, client_id)
    if row is None:
        return False
    now, values = _standing(marks, row), rights_again(row, word)
    other_keys = now["keys"] != word.get("keys", "")
    if other_keys:
        values["jwks"] = sa.null()
    if (other_keys or now["secret"] != word["secret"]) and row["secret_hash"] is not None:
        # Without a secret, the client would become public and would not need to authenticate at all.
        values["secret_hash"] = await secrets.hashed(new_secret())
    if now["redirects"] != word["redirects"]:
        values["redirect_uris"] = []
    await change_version(session, clients, row, **values)
    await end_all_through(session, client_id)
    return now != word


def _standing(marks: Marks, row: queries.Row) -> Word:
    redirects = "\n".join(row["redirect_uris"]) or None
    keys = None if row["jwks"] is None else orjson.dumps(row["jwks"], option=orjson.OPT_SORT_KEYS)
    return {
        **rights_of(row),
        "keys": marks.of(row["id"], "keys", keys),
        "secret": marks.of(row["id"], "secret", row["secret_hash"]),
        "redirects": marks.of(row["id"], "redirects", redirects),
    }
