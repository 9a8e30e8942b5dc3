"""The response page, in Spanish and English: no scripts, no external resources, no personal data."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from common.auth import Principal
from common.errors import Problem
from common.http import (
    SWITCH,
    AnyQuery,
    IdempotencyRequired,
    Session,
    ShownOnce,
    Strict,
    drawn,
    open_to_all,
    page_response,
    page_texts,
    refusal_pages,
    router,
)
from common.unseen import without_turning
from common.words.languages import PageLanguage
from common.words.referral_states import ReferralState
from fastapi import Form, Path, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from referrals.errors import CONSENT_EXPIRED
from referrals.ground.dependencies import Keys, ServiceSettingsOf, Writer
from referrals.referral.links import answers, service
from referrals.referral.links.models import AnswerLink
from referrals.referral.referrals.models import Referral
from referrals.settings import Settings

_PACKAGE = "referrals.referral.links"
links = router("/referrals/v1/referrals/{referral_id}/answer-links", ["answer links"])
pages = router("/referrals/v1/answer", ["answer links"])
Anyone = Annotated[Principal, open_to_all()]
Token = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
Language = Annotated[PageLanguage | None, Query()]


class NewLink(Strict):
    language: PageLanguage = "es"


@dataclass(frozen=True)
class Typed:
    """The chosen and typed values, shown again if a value is missing."""

    answer: str = ""
    reason: str = ""
    focal_point: str = ""


class LinkView(BaseModel):
    url: ShownOnce = Field(
        None,
        description="Shown this once; give it to the recipient by a way that you trust. A repeated "
        "command shows null: if the first answer was lost, make another link.",
    )
    expires_at: Any


@links.post("", status_code=201, dependencies=[IdempotencyRequired])
async def make_answer_link(
    referral_id: UUID, body: NewLink, session: Session, caller: Writer, settings: ServiceSettingsOf
) -> LinkView:
    """A link by which a recipient that is not on the platform answers once."""
    token, link = await service.make(
        session, caller, referral_id, body.language, settings.answer_link_days
    )
    return LinkView(url=_url(settings.public_url, token), expires_at=link.expires_at)


@pages.get(
    "/{token}", response_class=HTMLResponse, responses=refusal_pages(410), dependencies=[AnyQuery]
)
async def show_answer_page(
    token: Token,
    session: Session,
    _anyone: Anyone,
    settings: ServiceSettingsOf,
    language: Language = None,
) -> HTMLResponse:
    """The page. Looking at it spends nothing: chat programs look at links by themselves."""
    try:
        link, referral = await service.open_link(session, token)
    except Problem:
        return _spent(settings, language)
    return _form(settings, link, referral, language)


@pages.post(
    "/{token}",
    response_class=HTMLResponse,
    responses=refusal_pages(410, 422),
    dependencies=[AnyQuery],
)
async def take_answer(
    token: Token,
    session: Session,
    _anyone: Anyone,
    keys: Keys,
    settings: ServiceSettingsOf,
    answer: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=40)] = "",
    focal_point: Annotated[str, Form(max_length=200)] = "",
    switched: Annotated[str, Form(alias=SWITCH, max_length=10)] = "",
    language: Language = None,
) -> HTMLResponse:
    """Record the answer; the link works once."""
    try:
        link, referral = await service.open_link(session, token, lock=True)
    except Problem:
        return _spent(settings, language)
    focal_point = without_turning(focal_point)
    typed = Typed(answer, reason, focal_point)
    if switched:
        return _form(settings, link, referral, language, typed)
    try:
        given = answers.read(ReferralState(referral.state), answer, reason, focal_point)
    except answers.Incomplete:
        return _form(settings, link, referral, language, typed, problem="missing")
    shown = language or link.language
    try:
        following = await service.answer(
            session, keys, link, referral, given, settings.answer_link_days
        )
    except Problem as problem:
        if problem.kind is not CONSENT_EXPIRED:
            raise
        return _form(settings, link, referral, language, typed, problem="consent_ended")
    next_url = _url(settings.public_url, following) if following else None
    return _page(settings, shown, message=_texts(shown)["thanks"], next_url=next_url)


def _url(public_url: str, token: str) -> str:
    return f"{public_url.rstrip('/')}/referrals/v1/answer/{token}"


def _form(
    settings: Settings,
    link: AnswerLink,
    referral: Referral,
    language: str | None,
    typed: Typed = Typed(),
    *,
    problem: Literal["missing", "consent_ended"] | None = None,
) -> HTMLResponse:
    shown = language or link.language
    state = ReferralState(referral.state)
    texts = _texts(shown)
    if not answers.choices(state):
        return _page(settings, shown, message=texts["closed"])
    return _page(
        settings,
        shown,
        422 if problem else 200,
        message=texts[problem] if problem else None,
        choices=answers.choices(state),
        reasons=answers.reasons(state),
        typed=typed,
        code=str(referral.id)[-8:].upper(),
        urgency=referral.urgency,
    )


def _spent(settings: Settings, language: str | None) -> HTMLResponse:
    shown = language or "es"
    return _page(settings, shown, 410, message=_texts(shown)["spent"])


def _page(settings: Settings, language: str, status: int = 200, **values: Any) -> HTMLResponse:
    nothing: dict[str, Any] = {"message": None, "next_url": None, "choices": (), "reasons": {}}
    shown = {"switch": "typed" if values.get("choices") else None, **nothing, **values}
    # The URL contains the link's secret, so the other language uses the same URL.
    html = drawn(_PACKAGE, "answer.html", language, here="", exit_url=settings.exit_url, **shown)
    return page_response(html, language=language, status=status)


def _texts(language: str) -> dict[str, str]:
    return page_texts(_PACKAGE, language)
