"""Routes for subscribers: pages for people, and one-click unsubscription for mail programs (RFC 8058)."""

from typing import Annotated, Any

from common.auth import Principal
from common.crypto import key_from_base64
from common.errors import NOT_FOUND
from common.http import (
    AnyQuery,
    Postmaster,
    ReturnedMail,
    Session,
    context_of,
    drawn,
    open_to_all,
    page_language,
    page_response,
    refusal_pages,
    router,
)
from common.messages.addresses import NotAnAddress, mailbox
from common.words.conventions import OWN_NAMES
from common.words.languages import PageLanguage
from fastapi import Depends, Form, Query
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from reporting.publish.subscribers import service
from reporting.publish.subscribers.due_mails import PATH
from reporting.publish.subscribers.keys import PATTERN, Keys
from reporting.publish.subscribers.schemas import Asked
from reporting.settings import Settings

MAIL = "mail"
routes = router(PATH, ["bulletins"])
bounces = router("/reports/v1/subscribers/bounces", ["bulletins"])
Anyone = Annotated[Principal, open_to_all()]
Speaking = Annotated[PageLanguage | None, Query(alias="language", description="Of the page.")]
Key = Annotated[
    str,
    Query(
        pattern=PATTERN,
        description="As it stands in the link of a mail.",
        examples=["0" * 32 + "." + "0" * 32],
    ),
]


async def _keys(request: Request) -> Keys:
    """Return the link keys. Raise 404 if this deployment sends no e-mail."""
    context = context_of(request)
    settings = context.settings
    if not isinstance(settings, Settings) or context.parts.get(MAIL) is None:
        raise NOT_FOUND.because("this_operation_sends_no_bulletins_by_mail")
    return Keys(key_from_base64(settings.stored_result_key.get_secret_value()))


KeysOf = Annotated[Keys, Depends(_keys)]


@routes.get("", response_class=HTMLResponse, responses=refusal_pages(404), dependencies=[AnyQuery])
async def show_subscription(
    request: Request, _anyone: Anyone, _keys: KeysOf, speaking: Speaking = None
) -> HTMLResponse:
    """Show the page on which anybody can subscribe to bulletins by mail."""
    return _page(request, speaking, "ask")


@routes.post(
    "",
    status_code=202,
    response_class=HTMLResponse,
    responses=refusal_pages(404, 422),
    dependencies=[AnyQuery],
)
async def ask_for_bulletins(
    *,
    request: Request,
    session: Session,
    _anyone: Anyone,
    keys: KeysOf,
    body: Annotated[Asked, Form()],
) -> HTMLResponse:
    """Mail a confirmation link to the address. The answer is the same whether the address is known or not, in the
    language of the bulletins."""
    try:
        address = mailbox(body.address)
    except NotAnAddress:
        return _page(request, body.language, "ask", typed=body.address, status=422)
    await service.ask(session, keys, address, body.language)
    return _page(request, body.language, "sent", status=202)


@routes.get(
    "/confirm",
    response_class=HTMLResponse,
    responses=refusal_pages(404, 422),
    dependencies=[AnyQuery],
)
async def show_confirmation(
    request: Request, _anyone: Anyone, _keys: KeysOf, key: Key, speaking: Speaking = None
) -> HTMLResponse:
    """Show the page behind a confirmation link. Opening it changes nothing, because mail scanners open links too."""
    return _page(request, speaking, "confirm", key=key)


@routes.post(
    "/confirm",
    response_class=HTMLResponse,
    responses=refusal_pages(404, 422),
    dependencies=[AnyQuery],
)
async def confirm_subscription(
    *,
    request: Request,
    session: Session,
    _anyone: Anyone,
    keys: KeysOf,
    key: Key,
    speaking: Speaking = None,
) -> HTMLResponse:
    """Confirm a subscription: from now on each published bulletin is mailed."""
    leave = await service.confirm(session, keys, key)
    return _page(request, speaking, "confirmed", leave=leave)


@routes.get(
    "/leave",
    response_class=HTMLResponse,
    responses=refusal_pages(404, 422),
    dependencies=[AnyQuery],
)
async def show_leaving(
    request: Request, _anyone: Anyone, _keys: KeysOf, key: Key, speaking: Speaking = None
) -> HTMLResponse:
    """Show the page behind the link at the end of each mail; opening it changes nothing."""
    return _page(request, speaking, "leave", key=key)


@routes.post(
    "/leave",
    response_class=HTMLResponse,
    responses=refusal_pages(404, 422),
    dependencies=[AnyQuery],
)
async def leave_subscription(
    *,
    request: Request,
    session: Session,
    _anyone: Anyone,
    keys: KeysOf,
    key: Key,
    speaking: Speaking = None,
) -> HTMLResponse:
    """Delete the address. Mail programs post here when somebody unsubscribes."""
    await service.leave(session, keys, key)
    return _page(request, speaking, "left")


@bounces.post("", status_code=204)
async def take_bounced_bulletin(body: ReturnedMail, session: Session, _caller: Postmaster) -> None:
    """Take a returned mail from the sender's mailbox.

    An address that accepts nothing is deleted; a mail that is no such report changes nothing.
    """
    await service.bounced(session, body.bounce())


def _page(
    request: Request,
    asked: PageLanguage | None,
    view: str,
    *,
    key: str | None = None,
    leave: str | None = None,
    typed: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    language = page_language(asked, request.headers.get("accept-language"))
    here = f"{PATH}/{view}" if key else PATH
    values: dict[str, Any] = {
        "view": view, "key": key, "leave": leave, "here": here,
        "problem": typed is not None, "typed": typed, "own_names": OWN_NAMES,
    }  # fmt: skip
    html = drawn("reporting.publish.subscribers", "subscription.html", language, **values)
    return page_response(html, language=language, status=status)
