"""The page on which a person withdraws a consent, and the printed slip with instructions. It uses no scripts."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import segno
from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND, Problem
from common.http import (
    SWITCH,
    AnyQuery,
    Session,
    drawn,
    open_to_all,
    page_language,
    page_response,
    page_texts,
    refusal_pages,
    router,
)
from common.words.choices import in_sentence
from common.words.conventions import whole_date
from common.words.languages import PageLanguage
from fastapi import Form, Query
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from referrals.ground.audit.models import Restore
from referrals.ground.dependencies import Keys, ServiceSettingsOf
from referrals.referral.referrals import withdrawal
from referrals.referral.referrals.readers import Reading
from referrals.settings import Settings

_PACKAGE = "referrals.referral.referrals"
withdrawal_page = router("/referrals/v1/withdraw", ["consents"])
Anyone = Annotated[Principal, open_to_all()]
Asked = Annotated[PageLanguage | None, Query(alias="language")]
_CODE = re.compile(r"[0-9A-Z]{16}")


@withdrawal_page.get("", response_class=HTMLResponse, dependencies=[AnyQuery])
async def show_withdrawal(
    request: Request, settings: ServiceSettingsOf, _anyone: Anyone, asked: Asked = None
) -> HTMLResponse:
    """Show the page with the field for the code."""
    return _page(_language(request, asked), settings, "start")


@withdrawal_page.post(
    "", response_class=HTMLResponse, responses=refusal_pages(404, 422), dependencies=[AnyQuery]
)
async def withdraw_on_the_page(
    *,
    request: Request,
    session: Session,
    keys: Keys,
    settings: ServiceSettingsOf,
    _anyone: Anyone,
    code: Annotated[str, Form(max_length=200)] = "",
    action: Annotated[str, Form(max_length=20)] = "withdraw",
    switched: Annotated[str, Form(alias=SWITCH, max_length=10)] = "",
    asked: Asked = None,
) -> HTMLResponse:
    """Withdraw and show who had read the content; or print the slip of a code without looking it up."""
    language = _language(request, asked)
    typed = re.sub(r"[\s-]", "", code).upper()
    grouped = "-".join(typed[at : at + 4] for at in range(0, len(typed), 4))
    if switched and action != "slip":
        return _page(language, settings, "start", code=code)
    if not _CODE.fullmatch(typed):
        return _page(language, settings, "start", 422, code=code, problem="malformed")
    if action == "slip":
        address = f"{str(settings.public_url).rstrip('/')}/withdraw"
        return _page(
            language,
            settings,
            "slip",
            code=grouped,
            address=address,
            qr=segno.make(address, error="m").svg_inline(scale=4, border=2),
        )
    try:
        withdrawn = await withdrawal.withdraw_by_code(session, keys, typed)
    except Problem as problem:
        if problem.kind is not NOT_FOUND:
            raise
        return _page(language, settings, "start", 404, code=code, problem="wrong")
    before = withdrawn.ended_before
    return _page(
        language,
        settings,
        "done",
        read=_read(withdrawn.reads, language),
        missing=_missing(withdrawn.restores, language),
        goes_on=withdrawn.goes_on is not None,
        over=whole_date(clock.day_of(before), language) if before else None,
    )


def _read(reads: Sequence[Reading], language: str) -> list[str]:
    """Return a line for each day on which somebody read shared content."""
    texts: dict[str, Any] = page_texts(_PACKAGE, language)
    lines = [
        texts["line"].format(
            day=whole_date(clock.day_of(read.at), language),
            who=texts["roads"][read.road],
            items=", ".join(in_sentence(item, language) for item in read.items) or texts["whole"],
        )
        for read in reads
    ]
    return list(dict.fromkeys(lines))


def _missing(restores: Sequence[Restore], language: str) -> list[str]:
    """Return a line for each period without recorded reads."""
    text = page_texts(_PACKAGE, language)["missing"]
    lines = [
        text.format(
            since=whole_date(clock.day_of(each.kept_until), language),
            until=whole_date(clock.day_of(each.at), language),
        )
        for each in restores
    ]
    return list(dict.fromkeys(lines))


def _language(request: Request, asked: str | None) -> str:
    return page_language(asked, request.headers.get("accept-language"))


def _page(
    language: str,
    settings: Settings,
    view: str,
    status: int = 200,
    *,
    code: str = "",
    problem: str | None = None,
    **values: Any,
) -> HTMLResponse:
    html = drawn(
        _PACKAGE,
        "withdraw.html",
        language,
        view=view,
        switch="typed",
        here="/referrals/v1/withdraw",
        exit_url=settings.exit_url,
        code=code,
        problem=problem,
        **values,
    )
    return page_response(html, language=language, status=status)
