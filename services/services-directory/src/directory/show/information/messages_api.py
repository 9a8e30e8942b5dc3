"""HTTP for risk messages: coordinators write and publish them; anybody can read and embed them."""

from html import escape
from typing import Annotated, Literal
from uuid import UUID

from common import clock
from common.auth import Principal, Role
from common.errors import INVALID
from common.http import (
    AnyQuery,
    IdempotencyRequired,
    IfMatch,
    Session,
    etag_of,
    open_to_all,
    requires,
    router,
)
from common.words.places import Places
from fastapi import Query, Response
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from directory.show.information import queries, service
from directory.show.information.api import Asked, as_text, language_in, settings_of
from directory.show.information.renderer import risks_page, snippet_page
from directory.show.information.schemas import (
    NewRiskMessage,
    OwnRiskMessage,
    RiskMessageView,
    SnippetCode,
)
from directory.show.information.short_text import messages, plain

risk_routes = router("/directory/v1/risk-messages", ["information points"])
Anyone = Annotated[Principal, open_to_all()]
Writer = Annotated[Principal, requires("directory:curate", roles={Role.COORDINATOR, Role.IM})]
Coordinator = Annotated[Principal, requires("directory:curate", roles={Role.COORDINATOR})]
Area = Annotated[str | None, Query(max_length=20, description="A P-code.")]
_IN_SNIPPET = 5


def _known(area: str | None) -> str | None:
    if area and not Places.load().is_known(area):
        raise INVALID.because("not_known_p_code", pointer="/area")
    return area or None


@risk_routes.get("")
async def list_messages(
    session: Session, _anyone: Anyone, area: Area = None
) -> list[RiskMessageView]:
    """Messages in force, newest first."""
    return list(await service.in_force(session, _known(area)))


@risk_routes.get("/own")
async def list_own_messages(
    request: Request,
    session: Session,
    caller: Writer,
    state: Literal["draft", "published", "withdrawn"] | None = None,
) -> list[OwnRiskMessage]:
    """Messages of your areas of responsibility, including drafts."""
    alone = settings_of(request).one_person_publishes
    found = await queries.own(session, caller, state)
    return [service.own_view(caller, row, alone=alone) for row in found]


@risk_routes.get("/page", response_class=HTMLResponse, dependencies=[AnyQuery])
async def show_messages(
    request: Request,
    session: Session,
    _anyone: Anyone,
    area: Area = None,
    asked: Asked = None,
) -> HTMLResponse:
    """Shows the page for people."""
    found = await service.in_force(session, _known(area))
    language = language_in(request, asked)
    return risks_page(settings_of(request), language, found, "/directory/v1/risk-messages/page")


@risk_routes.get("/snippet", response_class=HTMLResponse, dependencies=[AnyQuery])
async def show_snippet(
    request: Request,
    session: Session,
    _anyone: Anyone,
    area: Area = None,
    asked: Asked = None,
) -> HTMLResponse:
    """A part that any website may show in a frame: no script, no cookie, no form."""
    found = await service.in_force(session, _known(area), _IN_SNIPPET)
    return snippet_page(settings_of(request), language_in(request, asked), found)


@risk_routes.get("/snippet/code")
async def get_snippet_code(
    request: Request,
    session: Session,
    _anyone: Anyone,
    area: Area = None,
    asked: Asked = None,
) -> SnippetCode:
    """The lines that a website copies into its page."""
    language = language_in(request, asked)
    base = str(settings_of(request).public_url).rstrip("/")
    query = f"?language={language}" + (f"&area={found}" if (found := _known(area)) else "")
    link = f"{base}/directory/v1/risk-messages/snippet{query}"
    title = "Riesgos que conviene conocer" if language == "es" else "Risks to know about"
    html = (
        f'<iframe src="{escape(link)}" title="{title}" width="100%" height="320" loading="lazy"'
        ' sandbox="allow-popups" referrerpolicy="no-referrer"></iframe>'
    )
    return SnippetCode(html=html, link=link)


@risk_routes.get("/text", response_class=Response)
async def show_as_text(
    request: Request,
    session: Session,
    _anyone: Anyone,
    area: Area = None,
    asked: Asked = None,
    form: Literal["text", "sms"] = "text",
) -> Response:
    """All messages in force as plain text; with `form=sms` one text message per line."""
    found = await service.in_force(session, _known(area))
    language = language_in(request, asked)
    said = [message.texts.en if language == "en" else message.texts.es for message in found]
    if form == "sms":
        return as_text(
            "\n".join(line for text in said for line in messages(plain(text.sms))), language
        )
    return as_text("\n\n".join(f"{text.title}\n{text.body}" for text in said), language)


@risk_routes.get("/{message_id}")
async def read_message(message_id: UUID, session: Session, _anyone: Anyone) -> RiskMessageView:
    """A risk message with its texts and its state, for its editors."""
    row = await queries.one_published(session, message_id, clock.today())
    return service.view(row)


@risk_routes.post("", status_code=201, dependencies=[IdempotencyRequired])
async def write_message(
    body: NewRiskMessage, session: Session, caller: Writer, response: Response
) -> RiskMessageView:
    """Creates a draft in both languages, with a text that fits one text message."""
    return _tagged(response, await service.write_message(session, caller, body))


def _tagged(response: Response, message: RiskMessageView) -> RiskMessageView:
    response.headers["ETag"] = etag_of(message.version)
    return message


@risk_routes.put("/{message_id}")
async def rewrite_message(
    *,
    message_id: UUID,
    body: NewRiskMessage,
    session: Session,
    caller: Writer,
    response: Response,
    if_match: IfMatch = None,
) -> RiskMessageView:
    """Replaces a draft. With `If-Match` (its `version` in quotes), it is refused if the draft has changed since you
    read it."""
    return _tagged(
        response,
        await service.rewrite_message(session, caller, message_id, body, if_match=if_match),
    )


@risk_routes.post("/{message_id}/publish")
async def publish_message(
    *,
    request: Request,
    message_id: UUID,
    session: Session,
    caller: Coordinator,
    response: Response,
    if_match: IfMatch = None,
) -> RiskMessageView:
    """Makes the message public. Another person must have written it. With `If-Match`, it is refused if the message has
    changed since you read it."""
    alone = settings_of(request).one_person_publishes
    return _tagged(
        response,
        await service.publish_message(session, caller, message_id, alone=alone, if_match=if_match),
    )


@risk_routes.post("/{message_id}/withdraw")
async def withdraw_message(
    message_id: UUID, session: Session, caller: Coordinator
) -> RiskMessageView:
    """Withdraw the message from all pages. Its text stays in the record."""
    return await service.withdraw_message(session, caller, message_id)
