"""Tells a service which rights have ended, as the front does."""

import itertools
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from common.auth.ended import Named
from common.db.ended_rights import take_in
from common.db.session import Database
from httpx import AsyncClient, Response

from tests.support.principals import bearer, claims_of

_LATER = itertools.count(1)


async def tell(
    api: AsyncClient,
    service: str,
    *,
    suspended: Mapping[str, list[str]] | None = None,
    as_of: float | None = None,
    scope: str = "internal",
) -> Response:
    """Send the whole list, by default as of now. Each list has a later time than the previous one."""
    claims: dict[str, Any] = {
        "sub": "ruta-gateway",
        "client_id": "ruta-gateway",
        "org": None,
        "roles": [],
    }
    headers = bearer("ngo-refugio", audience=f"ruta-{service}", scope=scope, **claims)
    moment = time.time() + next(_LATER) / 1000 if as_of is None else as_of
    body = {"as_of": moment, "suspended": suspended or {}, "changed": {}}
    return await api.put("/internal/ended-rights", json=body, headers=headers)


async def told(
    api: AsyncClient, service: str, *, suspended: Mapping[str, list[str]] | None = None
) -> None:
    answer = await tell(api, service, suspended=suspended)
    assert answer.status_code == 204, answer.text


async def people_told(
    api: AsyncClient,
    rights: Mapping[str, Mapping[str, Any]],
    *,
    after: str = "",
    until: str | None = None,
    as_of: float | None = None,
    scope: str = "internal",
) -> Response:
    """Tell referrals the rights of demo clients, by default as of now. `rights` maps a client to the changes in its
    claims."""
    claims: dict[str, Any] = {"sub": "ruta-gateway", "client_id": "ruta-gateway", "org": None}
    headers = bearer("ngo-refugio", audience="ruta-referrals", scope=scope, **claims, roles=[])
    body = {
        "as_of": time.time() + next(_LATER) / 1000 if as_of is None else as_of,
        "after": after,
        "until": until,
        "people": {name: standing(name, **changes) for name, changes in rights.items()},
    }
    return await api.put("/internal/people", json=body, headers=headers)


def standing(client: str, **changes: Any) -> dict[str, Any]:
    claims = claims_of(client)
    return {
        "organisation_id": claims["org"],
        "roles": claims["roles"],
        "scopes": str(claims["scope"]).split(),
        "aors": claims["aors"],
        "areas": claims["areas"],
        **changes,
    }


async def said(
    database: Database,
    table: sa.Table,
    *,
    suspended: Mapping[Named, list[str]] | None = None,
    changed: Mapping[Named, Mapping[str, float]] | None = None,
) -> None:
    """Store the list directly, without an app."""
    moment = time.time() + next(_LATER) / 1000
    async with database.transaction() as session:
        await take_in(session, table, moment, suspended or {}, changed or {})
