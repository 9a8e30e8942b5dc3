"""Machine clients, for administrators."""

from operator import itemgetter
from typing import Annotated, Any

from common.paging import CursorText, Limit, Page, keys_in, page_of
from common.web import IfMatch, Session, StepUp, check_if_match, etag_of, router
from fastapi import Path, Response

from gateway.issuer.access import Admin
from gateway.issuer.clients import queries, service
from gateway.issuer.clients.schemas import Client, ClientChange, ClientWithSecret, NewClient
from gateway.issuer.parts import Secrets

routes = router("/identity/v1/clients", ["identity"])
Id = Annotated[str, Path(max_length=63, pattern=r"^[a-z0-9-]+$")]


@routes.post(
    "",
    status_code=201,
    summary="Add a machine client; its secret is shown once",
    dependencies=[StepUp],
)
async def create(
    new: NewClient, admin: Admin, session: Session, secrets: Secrets, response: Response
) -> ClientWithSecret:
    row, secret = await service.create(session, admin, secrets, new)
    response.headers["Location"] = f"/identity/v1/clients/{row['id']}"
    return _with_secret(row, secret, response)


@routes.get("", summary="List clients")
async def listed(
    _admin: Admin, session: Session, limit: Limit = 100, cursor: CursorText = None
) -> Page[Client]:
    (after,) = keys_in(cursor, str) or (None,)
    rows = await queries.page(session, after, limit)
    return page_of(rows, limit, lambda row: Client(**row), itemgetter("id"))


@routes.get("/{client_id}", summary="One client")
async def one(client_id: Id, _admin: Admin, session: Session, response: Response) -> Client:
    row = await service.found(session, client_id)
    response.headers["ETag"] = etag_of(row["version"])
    return Client(**row)


@routes.patch("/{client_id}", summary="Change what a client may do, or switch it off")
async def change(
    *,
    client_id: Id,
    wanted: ClientChange,
    admin: Admin,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> Client:
    """A change of rights voids the client's tokens within a minute."""
    row = await service.found(session, client_id)
    check_if_match(if_match, etag_of(row["version"]))
    changed = await service.change(session, admin, row, wanted)
    response.headers["ETag"] = etag_of(changed["version"])
    return Client(**changed)


@routes.post(
    "/{client_id}/secret",
    summary="Renew a client's secret; it is shown once",
    dependencies=[StepUp],
)
async def renew_secret(
    client_id: Id, admin: Admin, session: Session, secrets: Secrets, response: Response
) -> ClientWithSecret:
    row = await service.found(session, client_id)
    changed, secret = await service.renew_secret(session, admin, secrets, row)
    return _with_secret(changed, secret, response)


@routes.post("/{client_id}/revocation", status_code=204, summary="Void a client's tokens")
async def void_tokens(client_id: Id, admin: Admin, session: Session) -> None:
    await service.void_tokens(session, admin, await service.found(session, client_id))


def _with_secret(row: Any, secret: str, response: Response) -> ClientWithSecret:
    response.headers["ETag"] = etag_of(row["version"])
    response.headers["Cache-Control"] = "no-store"
    return ClientWithSecret(**row, secret=secret)
