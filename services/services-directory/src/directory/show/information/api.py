"""HTTP for information points: help near a place, for programs, phones and text messages."""

from typing import Annotated, Any, Literal

from common.auth import Principal
from common.errors import INVALID, Problem
from common.http import (
    SWITCH,
    AnyQuery,
    OwnQuery,
    Session,
    context_of,
    open_to_all,
    page_language,
    refusal_pages,
    router,
)
from common.words.languages import PageLanguage
from fastapi import Query, Response
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from directory.ground.reading.parameters import body_of, described
from directory.ground.reading.request_parameters import parameters
from directory.settings import Settings
from directory.show.information import service
from directory.show.information.renderer import help_page, help_text
from directory.show.information.schemas import HelpPage, HelpQuery
from directory.show.information.short_text import messages, plain

routes = router("/directory/v1/help", ["information points"])
Anyone = Annotated[Principal, open_to_all()]
Asked = Annotated[PageLanguage | None, Query(alias="language")]
_BODY_ONLY = ("latitude", "longitude", "words")
_ASKED = {"parameters": [p for p in described(HelpQuery) if p["name"] not in _BODY_ONLY]}
_ASKED_PRIVATELY = _ASKED | body_of(HelpQuery)
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}


_REFUSED = refusal_pages(400, 415, 422)


@routes.api_route(
    "",
    methods=["GET"],
    response_class=HTMLResponse,
    openapi_extra=_ASKED,
    responses=_REFUSED,
    dependencies=[AnyQuery],
)
async def show_help(request: Request, session: Session, caller: Anyone) -> HTMLResponse:
    """Shows the page and, with parameters (from a poster's link), the list."""
    return await _page(request, session)


@routes.api_route(
    "",
    methods=["POST"],
    response_class=HTMLResponse,
    openapi_extra=_ASKED_PRIVATELY,
    responses=_REFUSED,
    dependencies=[AnyQuery],
)
async def search_help(request: Request, session: Session, caller: Anyone) -> HTMLResponse:
    """Shows the list. The form uses POST, so that no need appears in the browser history."""
    return await _page(request, session)


async def _page(request: Request, session: Session) -> HTMLResponse:
    settings = settings_of(request)
    language = language_in(request, request.query_params.get("language"))
    try:
        without = (SWITCH,) if request.method == "POST" else ()
        query = await asked(request, without=without, any_query=True)
    except Problem as problem:
        return help_page(settings, language, HelpQuery(), None, problem.kind.status)
    shown = query.asks or query.open_now or request.method == "POST"
    found = None
    if shown:
        found = await service.find_help(session, query, language, settings.home_country)
    return help_page(settings, language, query, found)


@routes.api_route("/services", methods=["GET"], openapi_extra=_ASKED, dependencies=[OwnQuery])
async def help_services(request: Request, session: Session, caller: Anyone) -> HelpPage:
    """Public services for a need in or around a place. Every caller sees only the public level."""
    return await _found(request, session)


@routes.api_route(
    "/services", methods=["POST"], openapi_extra=_ASKED_PRIVATELY, dependencies=[OwnQuery]
)
async def help_services_privately(request: Request, session: Session, caller: Anyone) -> HelpPage:
    """The same list, with a position (latitude, longitude) in the body. The nearest services come first."""
    return await _found(request, session)


@routes.get(
    "/text", openapi_extra=_ASKED, response_class=Response, responses=_TEXT, dependencies=[OwnQuery]
)
async def help_as_text(
    request: Request, session: Session, caller: Anyone, form: Literal["text", "sms"] = "text"
) -> Response:
    """The list as plain text; with `form=sms` as at most three text messages, one per line."""
    settings = settings_of(request)
    query = await asked(request, without=("form",))
    language = language_in(request, query.language)
    found = await service.find_help(session, query, language, settings.home_country)
    text = help_text(found.items, language, settings.emergency_number)
    return as_text("\n".join(messages(plain(text))) if form == "sms" else text, language)


async def _found(request: Request, session: Session) -> HelpPage:
    query = await asked(request)
    language, country = language_in(request, query.language), settings_of(request).home_country
    return await service.find_help(session, query, language, country)


async def asked(
    request: Request, without: tuple[str, ...] = (), *, any_query: bool = False
) -> HelpQuery:
    for name in _BODY_ONLY:
        if name in request.query_params:
            raise INVALID.because("position_is_sent_in_body", pointer=f"/{name}")
    return await parameters(request, HelpQuery, without=without, any_query=any_query)


def language_in(request: Request, asked: str | None) -> str:
    return page_language(asked, request.headers.get("accept-language"))


def as_text(text: str, language: str) -> Response:
    return Response(
        text + "\n",
        media_type="text/plain; charset=utf-8",
        headers={"Content-Language": language, "Cache-Control": "no-store"},
    )


def settings_of(request: Request) -> Settings:
    settings = context_of(request).settings
    if not isinstance(settings, Settings):
        raise TypeError("the app was made with settings of another service")
    return settings
