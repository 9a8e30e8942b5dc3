"""The `/account` pages, on which people manage their own sign-in, without scripts."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial, wraps
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from common import clock
from common.auth import Principal
from common.auth.freshness import is_fresh
from common.errors import CSRF, FORBIDDEN
from common.http import Session, context_of, page_response, refusal_pages, router
from common.pages.form_tokens import FIELD, form_token, is_form_token
from common.words.languages import PageLanguage, page_language
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.issuer.account.enrolment import Enrolments, NotEnrolling
from gateway.issuer.account.page import account_page, again_page, codes_page, enrolment_page
from gateway.issuer.forms import BadForm, read_form
from gateway.issuer.people import own_service, queries
from gateway.issuer.people.api import Factors, Recovery
from gateway.issuer.people.factors import provisioning_uri
from gateway.issuer.people.service import seconds_to_wait
from gateway.issuer.requests import Anyone, Secrets, form_body, settings_of, text_of
from gateway.issuer.secrets import SecretChecks, password_fault
from gateway.issuer.sign_ins.queries import living_of_person, recent_of_person

ACCOUNT, PASSKEYS = "/account", "/account/passkeys"
routes = router(ACCOUNT, ["account"])
PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "The page."},
    303: {"description": "To sign in, or back to the page."},
    **refusal_pages(401, 403, 422, 429),
}


# The only field that is not secret, and the fields that are sent again with it.
_TYPED = "name"
_SENT_AGAIN = {"csrf_token", "ticket", "credential"}
Done = Literal["password", "factor", "ended", "passkey", "renamed", "removed"]


class Visit:
    """One request of a signed-in person: the form, and the language of the response."""

    def __init__(
        self,
        request: Request,
        session: Any,
        caller: Principal,
        checks: SecretChecks,
        row: Any,
        form: Mapping[str, str],
    ) -> None:
        self.session, self.caller, self.checks = session, caller, checks
        self.row, self.form = row, form
        header = request.headers.get("accept-language")
        self.language = page_language(request.query_params.get("language"), header)
        self._csrf = request.headers.get("ruta-csrf", "")
        self.source = request.headers.get("ruta-source", "account")
        self.done = request.query_params.get("done")
        minutes = settings_of(request).step_up_minutes
        self.fresh = minutes == 0 or is_fresh(caller, time.time(), minutes * 60)
        """Whether this person proved who they are recently, with the second factor."""

    def csrf(self, path: str) -> str:
        """Return the CSRF token for a form that posts to this path."""
        return form_token(self._csrf, path)

    async def page(self, error: str | None = None, status: int = 200) -> Response:
        html = account_page(
            language=self.language,
            csrf=self.csrf,
            person=self.row,
            codes=await queries.recovery_codes_of(self.session, self.row["id"]),
            passkeys=len(await queries.passkeys_of(self.session, self.row["id"])),
            sign_ins=await living_of_person(self.session, self.row["id"]),
            recent=await recent_of_person(self.session, self.row["id"]),
            unread=await own_service.unread(self.session, self.row["id"]),
            last=await own_service.last_changes(self.session, self.row),
            own=self.caller.sign_in,
            fresh=None if self.fresh else sign_in_again(ACCOUNT),
            error=error,
            done=self.done,
        )
        return html_answer(html, self.language, status)

    async def refused_password(self) -> Response | None:
        """Return the response to a wrong password or too many attempts, or None if the password is correct."""
        if await seconds_to_wait(self.session, self.row["sign_in_name"], self.source):
            return await self.page("wait", 429)
        given = self.form.get("password", "")
        if await own_service.knows_password(
            self.session, self.checks, self.row, given, self.source
        ):
            return None
        return await self.page("password_wrong", 401)

    def back(self, done: str, path: str = ACCOUNT) -> Response:
        return see_other(f"{path}?language={self.language}&done={done}")


class NotSignedIn(Exception):
    """Nobody is signed in. `answer` redirects to the sign-in, which leads back here."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


async def led_to_sign_in(_request: Request, error: Exception) -> Response:
    return cast("NotSignedIn", error).answer


async def _visit(
    request: Request,
    caller: Anyone,
    session: Session,
    checks: Secrets,
    _language: Annotated[PageLanguage | None, Query(alias="language")] = None,
    _done: Annotated[Done | None, Query(alias="done")] = None,
) -> Visit:
    """Return the visiting person. A form must contain the CSRF token of this browser's session. The front forwards this
    token (`ruta-csrf`), and only Ruta's pages can read it."""
    if caller.anonymous:
        raise await _nobody(request)
    if not caller.is_person:
        raise FORBIDDEN.because("only_people_have_this_page_clients_secret")
    # Only a change locks the person's row, because the lock delays concurrent sign-ins.
    person = queries.held if request.method == "POST" else queries.by_id
    row = await person(session, UUID(caller.subject))
    if row is None or not (row["active"] and row["organisation_active"]):
        raise await _nobody(request)
    form: dict[str, str] = {}
    if request.method == "POST":
        try:
            form = read_form(request.headers.get("content-type", ""), await request.body())
        except BadForm as bad:
            raise FORBIDDEN.because(bad.said) from None
        csrf = request.headers.get("ruta-csrf", "")
        if not is_form_token(form.get(FIELD, ""), csrf, request.url.path):
            raise CSRF.because("form_does_not_come_from_this_page")
    return Visit(request, session, caller, checks, row, form)


async def _nobody(request: Request) -> NotSignedIn:
    """Redirect to the sign-in. The page then shows the typed values again, except secrets."""
    path = PASSKEYS if request.url.path.startswith(PASSKEYS) else ACCOUNT
    form: dict[str, str] = {}
    if request.method == "POST":
        with suppress(BadForm):
            form = read_form(request.headers.get("content-type", ""), await request.body())
    name = form.get(_TYPED)
    if not name:
        return NotSignedIn(see_other(f"/session/start?return_to={path}"))
    header = request.headers.get("accept-language")
    language = page_language(request.query_params.get("language"), header)
    html = again_page(
        language=language,
        action=f"{request.url.path}?language={language}",
        hidden={key: value for key, value in form.items() if key in _SENT_AGAIN},
        name=name,
        path=path,
    )
    return NotSignedIn(html_answer(html, language, 401))


Visiting = Annotated[Visit, Depends(_visit)]


async def _enrolments(request: Request) -> Enrolments:
    return cast("Enrolments", context_of(request).parts["enrolments"])


Enrolling = Annotated[Enrolments, Depends(_enrolments)]


Shown = Callable[..., Awaitable[Response]]


def form_on(routes: APIRouter, path: str, summary: str, *fields: str) -> Callable[[Shown], Shown]:
    """Declare a form of the page for the signed-in person.

    A form with a password field requires the correct password and a recent sign-in. An unattended or stolen session, or
    a password that somebody saw, must not be enough to replace the second factor.
    """

    names = ("csrf_token", *fields)

    def added(handle: Shown) -> Shown:
        @routes.post(
            path,
            summary=summary,
            responses=PAGE,
            response_class=HTMLResponse,
            openapi_extra=form_body(names, dict.fromkeys(names, text_of(4096))),
        )
        @wraps(handle)
        async def answer(visit: Visit, **parts: Any) -> Response:
            refused = None
            if "password" in fields:
                if not visit.fresh:
                    return see_other(sign_in_again(ACCOUNT))
                refused = await visit.refused_password()
            return refused or await handle(visit=visit, **parts)

        return answer

    return added


_form = partial(form_on, routes)


@routes.get("", summary="Own account page", responses=PAGE, response_class=HTMLResponse)
async def show(visit: Visiting) -> Response:
    """Show the account page. Only for people who signed in with a browser."""
    return await visit.page()


@_form("/password", "Change own password", "password", "new_password", "repeated")
async def change_password(visit: Visiting) -> Response:
    """Change the password. Ends all other sign-ins of the person."""
    new = visit.form.get("new_password", "")
    fault = password_fault(new, sign_in_name=visit.row["sign_in_name"])
    if fault is None and new == visit.form.get("password"):
        fault = "same"
    if fault is None and new != visit.form.get("repeated"):
        fault = "repeated"
    if fault is not None:
        return await visit.page(f"password_{fault}", 422)
    await own_service.set_password(visit.session, visit.caller, visit.checks, visit.row, new)
    return visit.back("password")


@_form("/second-factor", "Begin a new second factor: a QR code for the phone", "password")
async def begin_second_factor(visit: Visiting, factors: Factors, enrolments: Enrolling) -> Response:
    """Begin to replace the second factor. The old one stays valid until the new one is confirmed."""
    secret, _ = factors.new(visit.row["id"])
    ticket = enrolments.begin(visit.row["id"], visit.row["version"], secret, clock.now())
    return _enrolling(visit, ticket, secret)


@_form(
    "/second-factor/confirmation", "Confirm the new second factor by a code of it", "ticket", "code"
)
async def confirm_second_factor(
    visit: Visiting, factors: Factors, enrolments: Enrolling
) -> Response:
    """Confirm the new second factor. Ends all other sign-ins of the person."""
    ticket = visit.form.get("ticket", "")
    try:
        secret = enrolments.secret(ticket, visit.row["id"], visit.row["version"], clock.now())
    except NotEnrolling:
        return await visit.page("factor_stale", 422)
    code = visit.form.get("code", "")
    if not await own_service.set_second_factor(
        visit.session, visit.caller, factors, visit.row, secret, code
    ):
        return _enrolling(visit, ticket, secret, error="factor_wrong", status=422)
    return visit.back("factor")


@_form("/recovery-codes", "Make eight new recovery codes, shown once", "password")
async def renew_recovery_codes(visit: Visiting, recovery: Recovery) -> Response:
    """Replace the recovery codes; the old ones become void. Ends all other sign-ins of the person."""
    codes = await own_service.renew_recovery_codes(visit.session, visit.caller, recovery, visit.row)
    return html_answer(codes_page(visit.language, codes), visit.language)


@_form("/sign-ins/{sign_in}/end", "End one of the own sign-ins")
async def end_one(sign_in: UUID, visit: Visiting) -> Response:
    """End one sign-in. An unknown or ended sign-in is not an error."""
    await own_service.end_sign_in(visit.session, visit.caller, visit.row, sign_in)
    return visit.back("ended")


@_form("/sign-ins/end-others", "End all own sign-ins but this one")
async def end_others(visit: Visiting) -> Response:
    """End all other sign-ins. Their tokens are void within a minute."""
    await own_service.end_other_sign_ins(visit.session, visit.caller, visit.row)
    return visit.back("ended")


def _enrolling(
    visit: Visit, ticket: str, secret: str, *, error: str | None = None, status: int = 200
) -> Response:
    html = enrolment_page(
        language=visit.language,
        csrf=visit.csrf,
        ticket=ticket,
        secret=secret,
        uri=provisioning_uri(secret, visit.row["sign_in_name"]),
        error=error,
    )
    return html_answer(html, visit.language, status)


def html_answer(
    html: str, language: str, status: int = 200, *, script_address: str | None = None
) -> Response:
    return page_response(html, language=language, status=status, script_address=script_address)


def sign_in_again(path: str) -> str:
    """Return the address of a new sign-in that leads back to the page."""
    return f"/session/start?fresh=true&return_to={path}"


def see_other(address: str) -> Response:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})
