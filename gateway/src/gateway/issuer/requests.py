"""Shared parts of the issuer's routes: access rules, versions, process-wide parts, and slots for token requests.

Comparing a secret is slow, and an attacker who guesses secrets may send many requests at once. If these used all
database connections, nobody could revoke rights, and the front could not read revocations. A token request therefore
waits for a slot before it takes a connection. A sign-in takes a slot itself, but releases it while a password is
compared. Other pages need no slots.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast
from uuid import UUID

from common.auth import Principal, Role
from common.http import IfMatch, check_if_match, context_of, etag_of, open_to_all, requires
from common.http.bodies import again
from common.paging import CursorText, keys_in
from fastapi import Depends, Query, Response
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.tables import Wanted

Row = Any
"""A mapping of one record with its `version`."""


async def _after(cursor: CursorText = None) -> str | None:
    (after,) = keys_in(cursor, str) or (None,)
    return after


After = Annotated[str | None, Depends(_after)]
"""The last key of the previous page; None for the first page."""


async def _wanted(
    *,
    search: Annotated[
        str | None, Query(max_length=100, description="Part of the name by which you know it.")
    ] = None,
    organisation_id: Annotated[UUID | None, Query(description="Only of this organisation.")] = None,
    role: Annotated[Role | None, Query(description="Only those with this role.")] = None,
    active: Annotated[bool | None, Query(description="Only enabled or only disabled ones.")] = None,
) -> Wanted:
    return Wanted(search=search, organisation_id=organisation_id, role=role, active=active)


Narrowed = Annotated[Wanted, Depends(_wanted)]


class Answer:
    """Sets the headers of a response with one record."""

    def __init__(self, response: Response) -> None:
        self._headers = response.headers

    def of(self, row: Row) -> Row:
        """Return the row and send its version as the ETag."""
        self._headers["ETag"] = etag_of(row["version"])
        return row

    def made(self, row: Row, collection: str) -> Row:
        """Return a new record and send its address as `Location`."""
        self._headers["Location"] = f"{collection}/{row['id']}"
        return self.of(row)

    def once(self, row: Row) -> Row:
        """Return a record with a secret that is shown only once, and forbid caching."""
        self._headers["Cache-Control"] = "no-store"
        return self.of(row)


async def _answer(response: Response) -> Answer:
    return Answer(response)


class Change:
    """A change to the version that the caller has read."""

    def __init__(self, if_match: str | None) -> None:
        self._if_match = if_match

    def of(self, row: Row) -> Row:
        """Return the row. Raise 412 if the caller read another version, and 428 if the request names no version."""
        check_if_match(self._if_match, etag_of(row["version"]))
        return row


async def _change(if_match: IfMatch = None) -> Change:
    return Change(if_match)


def text_of(most: int, **more: Any) -> dict[str, Any]:
    """Return the schema of a text with at most `most` characters."""
    return {"type": "string", "maxLength": most, **more}


def form_body(
    required: Sequence[str], properties: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Return the description of a form for the API description. The route parses the form itself."""
    schema = {"type": "object", "required": list(required), "properties": dict(properties)}
    content = {"application/x-www-form-urlencoded": {"schema": schema, **more}}
    return {"requestBody": {"required": True, "content": content}}


Answered = Annotated[Answer, Depends(_answer)]
Changing = Annotated[Change, Depends(_change)]


def settings_of(request: Request) -> IssuerSettings:
    return cast("IssuerSettings", context_of(request).settings)


def turns_of(request: Request) -> asyncio.Semaphore:
    """Return the slots that sign-ins and token requests take before they open a database connection."""
    return cast("asyncio.Semaphore", context_of(request).parts["turns"])


async def _secrets(request: Request) -> SecretChecks:
    return cast("SecretChecks", context_of(request).parts["secrets"])


Secrets = Annotated[SecretChecks, Depends(_secrets)]


Admin = Annotated[Principal, requires("admin", {Role.ADMIN})]
Colleague = Annotated[Principal, requires("referrals:read")]
Auditor = Annotated[Principal, requires("referrals:read", {Role.AUDITOR})]
Anyone = Annotated[Principal, open_to_all()]


_THESE, _ITSELF = "/oauth/", "/oauth/authorize"


class Turns:
    """Takes one slot of `turns` for each command below `/oauth`. It reads the body first, so that a slow client blocks
    nobody."""

    def __init__(self, app: ASGIApp, turns: asyncio.Semaphore) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _takes_turns(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        async with self._turns:
            await self._app(scope, again(body, receive), send)


def _takes_turns(method: str, path: str) -> bool:
    return method == "POST" and path.startswith(_THESE) and path != _ITSELF
