"""Makes the clients of a bootstrap file that are missing; existing ones are left as they are."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.database import Database
from common.logs import get_logger
from pydantic import AliasChoices, BaseModel, Field, TypeAdapter
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients.models import clients
from gateway.issuer.organisations.models import memberships, organisations
from gateway.issuer.rights import SCOPES
from gateway.issuer.secrets import SecretChecks

_log = get_logger(__name__)


class BootstrapClient(BaseModel):
    client_id: str
    secret: str = Field(min_length=16)
    organisation_id: UUID = Field(validation_alias=AliasChoices("organisation_id", "organisation"))
    organisation_name: str = Field("", validation_alias=AliasChoices("organisation_name", "name"))
    roles: list[str]
    scopes: list[str]
    aors: list[str] = []
    areas: list[str] = []


def read(file: Path) -> list[BootstrapClient]:
    """The file's clients; ValueError (pydantic) if it is no such list."""
    return TypeAdapter(list[BootstrapClient]).validate_json(file.read_bytes())


async def load(database: Database, secrets: SecretChecks, wanted: Sequence[BootstrapClient]) -> int:
    """How many were made."""
    async with database.transaction() as session:
        present = set(await session.scalars(sa.select(clients.c.id)))
        missing = [client for client in wanted if client.client_id not in present]
        for client in missing:
            await _make(session, client, await secrets.hashed(client.secret))
    _log.info("bootstrap_clients", made=len(missing), present=len(wanted) - len(missing))
    return len(missing)


async def ensure_console(database: Database, client_id: str, redirect_uri: str) -> None:
    """The public client through which people sign in with a browser (PKCE, no secret)."""
    async with database.transaction() as session:
        await session.execute(
            insert(clients)
            .values(
                id=client_id,
                name="Ruta web console",
                roles=[],
                scopes=list(SCOPES),
                aors=[],
                areas=[],
                redirect_uris=[redirect_uri],
                active=True,
                version=1,
                created_at=clock.now(),
            )
            .on_conflict_do_update(
                index_elements=["id"],
                set_={"redirect_uris": [redirect_uri], "scopes": list(SCOPES)},
                where=clients.c.secret_hash.is_(None),
            )
        )


async def _make(session: AsyncSession, client: BootstrapClient, secret_hash: str) -> None:
    now = clock.now()
    await session.execute(
        insert(organisations)
        .values(
            id=client.organisation_id,
            name=client.organisation_name or client.client_id,
            active=True,
            version=1,
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    for aor in client.aors:
        await session.execute(
            insert(memberships)
            .values(organisation_id=client.organisation_id, aor=aor)
            .on_conflict_do_nothing()
        )
    await session.execute(
        sa.insert(clients).values(
            id=client.client_id,
            organisation_id=client.organisation_id,
            name=client.organisation_name or client.client_id,
            secret_hash=secret_hash,
            roles=client.roles,
            scopes=client.scopes,
            aors=client.aors,
            areas=client.areas,
            redirect_uris=[],
            active=True,
            version=1,
            created_at=now,
        )
    )
