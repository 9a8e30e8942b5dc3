"""Renders the information points' pages and texts in Spanish and English, without scripts."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from common.http import PAGE_STYLE, drawn, page_response, page_texts, with_number
from common.words import codelists
from common.words.conventions import whole_date
from common.words.places import Place, Places
from starlette.responses import HTMLResponse

from directory.pathways.definition.proposals import AORS
from directory.settings import Settings
from directory.show.information.gap_map import SIDE, Area, shades, tiles
from directory.show.information.needs import needs
from directory.show.information.schemas import HelpPage, HelpQuery, HelpView, RiskMessageView
from directory.show.posters.poster_files import as_call

_PACKAGE = "directory.show.information"
_STATE_LEVEL = 1
_MAP_STYLE = (
    ".map{width:100%;max-width:30rem;display:block}.map text{font:bold 12px sans-serif;"
    "text-anchor:middle}.map rect,.key rect{stroke:#1a1a1a}.s0{fill:#fff}.s1{fill:#fde0d2}"
    ".s2{fill:#f0a08a}.s3{fill:#b5433a}.s4{fill:#5c0d0a}.t0,.t1,.t2{fill:#1a1a1a}"
    ".t3,.t4{fill:#fff}.map a:focus-visible rect{stroke-width:3}"
    ".key{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;list-style:none;padding:0}"
    ".key svg{vertical-align:middle}summary{padding:.4rem 0;min-height:24px}"
)
"""Gaps stand out most. Each tile also has its number, for print and for people who cannot see red."""


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
        switch="typed",
        query=query,
        found=found and found.model_dump(),
        problem=t["unknown"] if status >= 400 else None,
        as_call=as_call,
        updated=found and whole_date(found.updated, language),
        needs=tuple(needs().values()),
        places=_places(settings.home_country, query.area),
        danger_now=with_number(t["danger_now"], settings.emergency_number),
    )
    return page_response(html, language=language, status=status)


def risks_page(
    settings: Settings, language: str, messages: Sequence[RiskMessageView], here: str
) -> HTMLResponse:
    title = texts(language)["title_risks"]
    said = [_said(message, language) for message in messages]
    html = _drawn("risks.html", settings, language, title=title, here=here, messages=said)
    return page_response(html, language=language)


def posters_page(settings: Settings, language: str) -> HTMLResponse:
    t = texts(language)
    html = _drawn(
        "posters.html",
        settings,
        language,
        title=t["title_posters"],
        here="/directory/v1/posters",
        places=_places(settings.home_country, None),
        aors=[(aor, t[f"aor_{aor}"]) for aor in AORS],
    )
    return page_response(html, language=language)


def gaps_page(
    settings: Settings, language: str, own: Area | None, areas: Sequence[Area], as_of: date
) -> HTMLResponse:
    """Render the gap page. `own` is the chosen place with its needs; `areas` are its parts, or all states. Add a map if
    every area has a position."""
    t, places = texts(language), Places.load()
    title = t["title_gaps"]
    if own is not None:
        title += f" – {places.require(own.pcode).label(language)}"
    shown = tiles(areas)
    style = PAGE_STYLE + _MAP_STYLE
    html = _drawn(
        "gaps.html",
        settings,
        language,
        style=style,
        title=title,
        here="/directory/v1/gaps/page",
        areas=sorted(areas, key=lambda area: -len(area.missing)),
        names={area.pcode: places.require(area.pcode).label(language) for area in areas},
        labels={
            need: codelists.categories().label(need, language)
            for need in (own.missing if own else ())
        },
        tiles=shown,
        shades=[(number, step[0], step[-1]) for number, step in enumerate(shades(areas), 1)],
        side=SIDE,
        width=max((tile.x for tile in shown), default=0) + SIDE,
        height=max((tile.y for tile in shown), default=0) + SIDE,
        own=own,
        updated=whole_date(as_of, language),
    )
    return page_response(html, language=language, style=style)


def snippet_page(
    settings: Settings, language: str, messages: Sequence[RiskMessageView]
) -> HTMLResponse:
    """Render an embeddable part for other websites, without a form or an action button."""
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
    return drawn(_PACKAGE, template, language, exit_url=settings.exit_url, **values)


def _said(message: RiskMessageView, language: str) -> dict[str, Any]:
    text = message.texts.en if language == "en" else message.texts.es
    places = Places.load()
    return {
        "title": text.title,
        "paragraphs": [part.strip() for part in text.body.split("\n\n") if part.strip()],
        "sms": text.sms,
        "areas": ", ".join(places.require(area).label(language) for area in message.areas),
        "until": whole_date(message.valid_until, language),
    }


def _places(country: str, chosen: str | None) -> list[Place]:
    """Return the states, and a more specific place if a link or a program requests it."""
    states = sorted(Places.load().at_level(_STATE_LEVEL, country), key=lambda p: p.name)
    asked = Places.load().get(chosen) if chosen else None
    return states if asked is None or asked in states else [asked, *states]


def help_text(items: Sequence[HelpView], language: str, emergency: str) -> str:
    """Return the list as plain lines, without punctuation for empty parts."""
    t = texts(language)
    if not items:
        return t["text_none"].format(number=emergency)
    lines = []
    for item in items:
        parts = [item.name, ", ".join(item.phones), item.place, item.hours]
        lines.append(". ".join(part for part in parts if part) + ".")
    return "\n".join(lines)


def texts(language: str) -> dict[str, str]:
    return page_texts(_PACKAGE, language)
