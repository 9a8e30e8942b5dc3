"""Draws the information points' pages and texts: Spanish and English, no scripts."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from common.places import Place, Places
from common.web import PAGE_STYLE, day_in_words, page_response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from services_directory.information.needs import needs
from services_directory.information.schemas import HelpPage, HelpQuery, RiskMessageView
from services_directory.settings import Settings

_STATE_LEVEL = 1


def help_page(
    settings: Settings, language: str, query: HelpQuery, found: HelpPage | None, status: int = 200
) -> HTMLResponse:
    t = texts(language)
    html = _drawn(
        "help.html",
        settings,
        language,
        title=t["title_help"],
        here="/directory/v1/help",
        query=query,
        found=found and found.model_dump(),
        updated=found and day_in_words(found.updated, language),
        needs=tuple(needs().values()),
        places=_places(settings.home_country, query.area),
        emergency=settings.emergency_number,
    )
    return page_response(html, language=language, status=status)


def risks_page(
    settings: Settings, language: str, messages: Sequence[RiskMessageView], here: str
) -> HTMLResponse:
    title = texts(language)["title_risks"]
    said = [_said(message, language) for message in messages]
    html = _drawn("risks.html", settings, language, title=title, here=here, messages=said)
    return page_response(html, language=language)


def snippet_page(
    settings: Settings, language: str, messages: Sequence[RiskMessageView]
) -> HTMLResponse:
    """A part for other websites: it has no form and nothing to click that acts."""
    title = texts(language)["title_risks"]
    said = [_said(message, language) for message in messages]
    base = str(settings.public_url).rstrip("/")
    html = _drawn(
        "snippet.html", settings, language, title=title, here="", messages=said, base=base
    )
    return page_response(
        html, language=language, embeddable=True, cache_control="public, max-age=300"
    )


def _drawn(template: str, settings: Settings, language: str, **values: Any) -> str:
    return (
        _environment()
        .get_template(template)
        .render(
            language=language,
            other="es" if language == "en" else "en",
            t=texts(language),
            style=PAGE_STYLE,
            exit_url=settings.exit_url,
            **values,
        )
    )


def _said(message: RiskMessageView, language: str) -> dict[str, Any]:
    text = message.texts.en if language == "en" else message.texts.es
    places = Places.load()
    return {
        "title": text.title,
        "paragraphs": [part.strip() for part in text.body.split("\n\n") if part.strip()],
        "sms": text.sms,
        "areas": ", ".join(places.require(area).label(language) for area in message.areas),
        "until": day_in_words(message.valid_until, language),
    }


def _places(country: str, chosen: str | None) -> list[Place]:
    """The states, and a more exact place if it was asked for (by a link or a program)."""
    states = sorted(Places.load().at_level(_STATE_LEVEL, country), key=lambda p: p.name)
    asked = Places.load().get(chosen) if chosen else None
    return states if asked is None or asked in states else [asked, *states]


def help_text(found: HelpPage, language: str, emergency: str) -> str:
    """The list as plain lines; empty parts leave no marks behind."""
    t = texts(language)
    if not found.items:
        return t["text_none"].format(number=emergency)
    lines = []
    for item in found.items:
        parts = [item.name, ", ".join(item.phones), item.place, item.hours]
        lines.append(". ".join(part for part in parts if part) + ".")
    return "\n".join(lines)


@cache
def texts(language: str) -> dict[str, str]:
    text = (
        files("services_directory.information").joinpath("texts.json").read_text(encoding="utf-8")
    )
    loaded: dict[str, dict[str, str]] = json.loads(text)
    return loaded[language]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("services_directory.information"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
