"""Creates missing clients from a bootstrap file. Existing clients remain unchanged."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from common.db.session import Database
from common.process.logs import get_logger
from pydantic import AliasChoices, BaseModel, Field, TypeAdapter

from gateway.issuer.clients import queries, service
from gateway.issuer.organisations.service import ensure
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
    """Return the file's clients. Raise a pydantic ValueError if the file is malformed."""
    return TypeAdapter(list[BootstrapClient]).validate_json(file.read_bytes())


async def load(database: Database, secrets: SecretChecks, wanted: Sequence[BootstrapClient]) -> int:
    """Create the missing clients and return their number."""
    async with database.transaction() as session:
        present = await queries.names(session)
        missing = [client for client in wanted if client.client_id not in present]
        for client in missing:
            name = client.organisation_name or client.client_id
            await ensure(session, client.organisation_id, name, client.aors)
            await service.add(
                session,
                id=client.client_id,
                organisation_id=client.organisation_id,
                name=name,
                secret_hash=await secrets.hashed(client.secret),
                roles=client.roles,
                scopes=client.scopes,
                aors=client.aors,
                areas=client.areas,
            )
    _log.info("bootstrap_clients", made=len(missing), present=len(wanted) - len(missing))
    return len(missing)


async def ensure_console(database: Database, client_id: str, redirect_uri: str) -> None:
    """Create the public client with which people sign in from a browser (PKCE, no secret)."""
    async with database.transaction() as session:
        await service.ensure_browser_client(session, client_id, redirect_uri)
