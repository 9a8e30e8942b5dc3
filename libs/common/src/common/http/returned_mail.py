"""Routes that receive returned e-mail and ended rights. The operator's script at the relay sends each returned e-mail
to every service that sends e-mail. One of these services recognises it."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from common.auth import Principal, Role
from common.auth.ended import Named
from common.db.ended_rights import take_in
from common.errors import FORBIDDEN, INVALID
from common.http.access import open_to_all, requires
from common.http.routing import Session, router
from common.http.strict import Strict
from common.messages.bounces import Bounce, NotAReport, read

Postmaster = Annotated[Principal, requires("admin", roles={Role.IM, Role.ADMIN})]


class ReturnedMail(Strict):
    message: str = Field(
        max_length=500_000,
        description="The report as it came (RFC 3464), with the headers of the mail that it returns.",
    )

    def bounce(self) -> Bounce:
        try:
            return read(self.message)
        except NotAReport as error:
            raise INVALID.because(error.said, pointer="/message") from error


PATH = "/internal/ended-rights"
Followed = Callable[[AsyncSession, frozenset[str]], Awaitable[None]]
"""What a service does in the same transaction for newly suspended identities (their ids)."""
Anyone = Annotated[Principal, open_to_all()]


class Told(Strict):
    """The issuer's complete list at `as_of`. `changed` contains the time until which the tokens of each identity are
    void. Times are seconds since 1970."""

    as_of: float
    suspended: dict[Named, list[str]]
    changed: dict[Named, dict[str, float]]


def told_rights(table: sa.Table, follow: Followed | None) -> APIRouter:
    routes = router(PATH, ["internal"])

    @routes.put("", status_code=204, include_in_schema=False)
    async def tell(caller: Anyone, session: Session, body: Told) -> Response:
        # The front sends its own internal token, which belongs to no organisation
        if "internal" not in caller.scopes:
            raise FORBIDDEN.because("only_gateway_may_tell_this")
        anew = await take_in(session, table, body.as_of, body.suspended, body.changed)
        if anew and follow is not None:
            await follow(session, anew)
        return Response(status_code=204)

    return routes
