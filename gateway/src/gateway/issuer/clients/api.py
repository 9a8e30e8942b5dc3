"""Routes for machine clients, for administrators."""

from operator import itemgetter
from typing import Annotated

from common.http import Session, StepUp, router
from common.paging import Limit, Page, page_of
from fastapi import Path

from gateway.issuer.clients import queries, service
from gateway.issuer.clients.schemas import Client, ClientChange, ClientWithSecret, NewClient
from gateway.issuer.requests import Admin, After, Answered, Changing, Narrowed, Secrets

PATH = "/identity/v1/clients"
routes = router(PATH, ["identity"])
Id = Annotated[str, Path(max_length=63, pattern=r"^[a-z0-9-]+$")]


@routes.post(
    "",
    status_code=201,
    summary="Add a machine client; its secret is shown once",
    dependencies=[StepUp],
)
async def create(
    new: NewClient, admin: Admin, session: Session, secrets: Secrets, answer: Answered
) -> ClientWithSecret:
    """Create a client. It can get tokens at once, with these roles and scopes and no others."""
    row, secret = await service.create(session, admin, secrets, new)
    return ClientWithSecret(**answer.once(answer.made(row, PATH)), secret=secret)


@routes.get("", summary="List clients")
async def listed(
    _admin: Admin, session: Session, wanted: Narrowed, after: After, limit: Limit = 100
) -> Page[Client]:
    """All machine clients by id, without secrets, with the day of their last use."""
    rows = await queries.page(session, wanted, after, limit)
    return page_of(rows, limit, lambda row: Client(**row), itemgetter("id"))


@routes.get("/{client_id}", summary="One client")
async def one(client_id: Id, _admin: Admin, session: Session, answer: Answered) -> Client:
    """Rights, end and last use of one client, without its secret."""
    return Client(**answer.of(await service.found(session, client_id)))


@routes.patch(
    "/{client_id}",
    summary="Change what a client may do, or switch it off",
    dependencies=[StepUp],
)
async def change(
    *,
    client_id: Id,
    wanted: ClientChange,
    admin: Admin,
    session: Session,
    answer: Answered,
    changing: Changing,
) -> Client:
    """Change a client. A change of rights voids its tokens within a minute."""
    row = changing.of(await service.found(session, client_id))
    return Client(**answer.of(await service.change(session, admin, row, wanted)))


@routes.post(
    "/{client_id}/secret",
    summary="Renew a client's secret; it is shown once",
    dependencies=[StepUp],
)
async def renew_secret(
    client_id: Id, admin: Admin, session: Session, secrets: Secrets, answer: Answered
) -> ClientWithSecret:
    """Replace the secret of the client. The old secret and its tokens stop working at once."""
    row = await service.found(session, client_id)
    changed, secret = await service.renew_secret(session, admin, secrets, row)
    return ClientWithSecret(**answer.once(changed), secret=secret)


@routes.post("/{client_id}/revocation", status_code=204, summary="Void a client's tokens")
async def void_tokens(client_id: Id, admin: Admin, session: Session) -> None:
    """Revoke all tokens of the client within a minute. To prevent new ones, set `active` to false."""
    await service.void_tokens(session, admin, await service.found(session, client_id))
