"""The `/account/passkeys` pages for a person's own passkeys. Adding a passkey needs a recent sign-in and the only
script on these pages."""

import secrets
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Annotated, Any, cast
from uuid import UUID

from common import clock
from common.http import context_of, router
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.issuer.account.api import (
    ACCOUNT,
    PAGE,
    PASSKEYS,
    Visit,
    Visiting,
    form_on,
    html_answer,
    see_other,
    sign_in_again,
)
from gateway.issuer.account.enrolment import Enrolments, NotEnrolling
from gateway.issuer.account.page import passkeys_page
from gateway.issuer.people import own_service, queries
from gateway.issuer.people.api import Passkeying, script_address
from gateway.issuer.people.factors import MOST_KEYS, MOST_NAME, NotAPasskey, Passkeys
from gateway.issuer.requests import Anyone

routes = router(ACCOUNT, ["account"])
_FRESH = sign_in_again(PASSKEYS)
# Only for the script. The page that loads it allows its address in the policy.
_KEPT_SECONDS = 3600
_SCRIPT = files("gateway.issuer.account").joinpath("passkeys.js").read_text(encoding="utf-8")


_form = partial(form_on, routes)


@dataclass(frozen=True)
class Desk:
    """The objects, besides the person, that are needed to add a passkey."""

    request: Request
    passkeys: Passkeys
    enrolments: Enrolments


async def _desk(request: Request, passkeys: Passkeying) -> Desk:
    enrolments = cast("Enrolments", context_of(request).parts["passkey_enrolments"])
    return Desk(request, passkeys, enrolments)


AtDesk = Annotated[Desk, Depends(_desk)]


@routes.get(
    "/passkeys.js",
    summary="The script that asks the browser for a passkey",
    response_class=Response,
    responses={200: {"content": {"text/javascript": {"schema": {"type": "string"}}}}},
)
async def script(_caller: Anyone) -> Response:
    """Return the script, which is the same for everybody."""
    kept = {"Cache-Control": f"public, max-age={_KEPT_SECONDS}"}
    return Response(_SCRIPT, media_type="text/javascript", headers=kept)


@routes.get("/passkeys", summary="Own passkeys", responses=PAGE, response_class=HTMLResponse)
async def show(visit: Visiting, desk: AtDesk) -> Response:
    """Show the person's passkeys. Only for people who signed in with a browser."""
    return await _page(visit, desk)


@_form("/passkeys", "Add a passkey", "ticket", "name", "credential")
async def add(visit: Visiting, desk: AtDesk) -> Response:
    """Add a passkey. Ends all other sign-ins of the person. The ticket proves a recent sign-in."""
    ticket = visit.form.get("ticket", "")
    name = _name(visit)
    try:
        challenge = desk.enrolments.secret(
            ticket, visit.row["id"], visit.row["version"], clock.now()
        )
        key = desk.passkeys.registered(visit.form.get("credential", ""), challenge.encode())
    except NotEnrolling:
        return await _page(visit, desk, "factor_stale")
    except NotAPasskey:
        return await _page(visit, desk, "passkey_wrong")
    if not name:
        return await _page(visit, desk, "passkey_name")
    known = await queries.passkeys_of(visit.session, visit.row["id"])
    if len(known) >= MOST_KEYS:
        return await _page(visit, desk, "passkey_most")
    if not await own_service.add_passkey(visit.session, visit.caller, visit.row, key, name):
        return await _page(visit, desk, "passkey_taken")
    return visit.back("passkey", PASSKEYS)


@_form("/passkeys/{passkey}/name", "Give an own passkey another name", "name")
async def rename(passkey: UUID, visit: Visiting, desk: AtDesk) -> Response:
    """Rename a passkey. Another person's passkey stays unchanged, without an error."""
    if not (name := _name(visit)):
        return await _page(visit, desk, "passkey_name")
    await own_service.rename_passkey(visit.session, visit.row, passkey, name)
    return visit.back("renamed", PASSKEYS)


@_form("/passkeys/{passkey}/remove", "Remove an own passkey")
async def remove(passkey: UUID, visit: Visiting) -> Response:
    """Remove a passkey. Needs a recent sign-in. Ends all other sign-ins of the person."""
    if not visit.fresh:
        return see_other(_FRESH)
    await own_service.remove_passkey(visit.session, visit.caller, visit.row, passkey)
    return visit.back("removed", PASSKEYS)


async def _page(visit: Visit, desk: Desk, error: str | None = None) -> Response:
    row = visit.row
    keys = await queries.passkeys_of(visit.session, row["id"])
    fresh = visit.fresh
    adding: dict[str, Any] | None = None
    if fresh and desk.passkeys.offered and len(keys) < MOST_KEYS:
        challenge = secrets.token_urlsafe(32)
        known = [key["credential_id"] for key in keys]
        adding = {
            "ticket": desk.enrolments.begin(row["id"], row["version"], challenge, clock.now()),
            "question": desk.passkeys.to_register(
                row["id"], row["sign_in_name"], challenge.encode(), known
            ),
            "script": script_address(desk.request),
            "name": _name(visit),
        }
    html = passkeys_page(
        language=visit.language,
        csrf=visit.csrf,
        keys=keys,
        offered=desk.passkeys.offered,
        fresh=_FRESH if not fresh else None,
        adding=adding,
        most_name=MOST_NAME,
        error=error,
        done=visit.done,
    )
    address = script_address(desk.request) if adding else None
    return html_answer(html, visit.language, 422 if error else 200, script_address=address)


def _name(visit: Visit) -> str:
    return " ".join(visit.form.get("name", "").split())[:MOST_NAME]
