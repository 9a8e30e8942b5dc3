"""`/account/invitations/{token}`: an invited person chooses a password and a second factor. Opening the page uses nothing
up, because chat programs open links by themselves."""

from contextlib import suppress
from typing import Annotated, Any, cast

from common import clock
from common.http import SWITCH, AnyQuery, Session, context_of, page_response, refusal_pages, router
from common.words.languages import PageLanguage, page_language
from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.issuer.account.enrolment import Enrolments, NotEnrolling
from gateway.issuer.account.page import invitation_page
from gateway.issuer.forms import BadForm, read_form
from gateway.issuer.people import invitation_service as service
from gateway.issuer.people.api import Factors
from gateway.issuer.requests import Anyone, Secrets, form_body, text_of
from gateway.issuer.secrets import password_fault

routes = router("/account/invitations", ["account"])
Token = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
Language = Annotated[PageLanguage | None, Query()]
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "The page."},
    **refusal_pages(410, 422),
}


@routes.get(
    "/{token}",
    summary="Open an invitation",
    responses=_PAGE,
    response_class=HTMLResponse,
    dependencies=[AnyQuery],
)
async def show(
    *,
    token: Token,
    request: Request,
    _anyone: Anyone,
    session: Session,
    factors: Factors,
    language: Language = None,
) -> Response:
    """Show the form with a new second factor, or why the link does not work."""
    person = await service.opened(session, token)
    if person is None:
        return _page(request, language, status=410)
    return _form(request, language, person, factors.new(person["id"])[0])


@routes.post(
    "/{token}",
    summary="Accept an invitation",
    responses=_PAGE,
    response_class=HTMLResponse,
    openapi_extra=form_body(
        ["ticket", "new_password", "repeated", "code"],
        {
            "ticket": text_of(4096),
            "new_password": text_of(200),
            "repeated": text_of(200),
            "code": {"type": "string", "pattern": "^[0-9]{6}$"},
            SWITCH: text_of(10),
        },
    ),
    dependencies=[AnyQuery],
)
async def accept(
    *,
    token: Token,
    request: Request,
    _anyone: Anyone,
    session: Session,
    checks: Secrets,
    factors: Factors,
    language: Language = None,
) -> Response:
    """Store the password and the second factor, and use the link up. The person then signs in."""
    form: dict[str, str] = {}
    with suppress(BadForm):  # an unreadable form gets the page again, like an old one
        form = read_form(request.headers.get("content-type", ""), await request.body())
    person = await service.opened(session, token, hold=True)
    if person is None:
        return _page(request, language, status=410)
    try:
        secret = _enrolments(request).secret(
            form.get("ticket", ""), person["id"], person["version"], clock.now()
        )
    except NotEnrolling:
        secret = factors.new(person["id"])[0]
        return _form(request, language, person, secret, "invited_stale")
    if SWITCH in form:
        return _form(request, language, person, secret)
    password = form.get("new_password", "")
    fault = password_fault(password, sign_in_name=person["sign_in_name"])
    if fault is None and password != form.get("repeated"):
        fault = "repeated"
    if fault is not None:
        return _form(request, language, person, secret, f"password_{fault}")
    if not await service.accept(
        session,
        checks,
        factors,
        person,
        password=password,
        secret=secret,
        code=form.get("code", ""),
    ):
        return _form(request, language, person, secret, "factor_wrong")
    return _page(request, language, person=person, accepted=True)


def _form(
    request: Request, language: str | None, person: Any, secret: str, error: str | None = None
) -> Response:
    ticket = _enrolments(request).begin(person["id"], person["version"], secret, clock.now())
    status = 422 if error else 200
    return _page(
        request, language, status, person=person, ticket=ticket, secret=secret, error=error
    )


def _page(request: Request, language: str | None, status: int = 200, **values: Any) -> Response:
    shown = page_language(language, request.headers.get("accept-language"))
    html = invitation_page(language=shown, **values)
    return page_response(html, language=shown, status=status)


def _enrolments(request: Request) -> Enrolments:
    return cast("Enrolments", context_of(request).parts["invited_enrolments"])
