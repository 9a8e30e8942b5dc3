"""Prints a poster as PDF, PNG or HTML. Texts are passed as data, never as markup."""

import json
import re
from base64 import b64encode
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Literal

import jinja2
import segno
from common.words.conventions import OWN_NAMES
from common.words.languages import next_language
from drawing.client import drawn
from drawing.processes import FailedDrawing
from markupsafe import Markup, escape

from directory.show.posters.content import Poster

_DOES_NOT_FIT = "the poster does not fit"
# The number of services per step and the smallest font size (points), from the fullest form to the last resort.
_NUMBER = re.compile(r"[+(]?\d[\d ().\-]{1,20}\d")
_DOTS_PER_INCH = 150.0
_FORMS = ((3, 8.0), (2, 8.0), (1, 7.0), (0, 6.0))


def pdf(poster: Poster) -> bytes:
    """Return one A4 page."""
    return _compiled(poster, "pdf")


def png(poster: Poster) -> bytes:
    """Return the same page as an image."""
    return _compiled(poster, "png")


def _compiled(poster: Poster, form: Literal["pdf", "png"]) -> bytes:
    """Compile the fullest form that is still legible. Fewer services are better than smaller letters."""
    for services, smallest in _FORMS[:-1]:
        try:
            return _typeset(poster.with_at_most(services), form, smallest)
        except FailedDrawing as error:
            if _DOES_NOT_FIT not in str(error):
                raise
    services, smallest = _FORMS[-1]
    return _typeset(poster.with_at_most(services), form, smallest)


def _typeset(poster: Poster, form: Literal["pdf", "png"], smallest: float) -> bytes:
    data = json.dumps({**asdict(poster), "qr": qr_svg(poster.url)}, ensure_ascii=False)
    return drawn(
        "page",
        {
            "form": form,
            "ppi": _DOTS_PER_INCH,
            "inputs": {"poster": data, "smallest": str(smallest)},
            "files": {"main.typ": _template()},
        },
    )


@cache
def _template() -> str:
    return b64encode(files(__package__).joinpath("templates", "poster.typ").read_bytes()).decode()


def qr_svg(url: str) -> str:
    """Return the QR code for the page's address, black on white, with a quiet zone."""
    return segno.make(url, error="m").svg_inline(scale=4, border=2)


def html(poster: Poster, exit_url: str) -> str:
    """Return a page that prints on A4. On a phone that scanned the poster's code, the page has a quick exit."""
    return _page().render(
        poster=poster,
        qr=qr_svg(poster.url),
        other=next_language(poster.language),
        names=OWN_NAMES,
        exit_url=exit_url,
    )


@cache
def page_style() -> str:
    """Return the page's only stylesheet, which its Content-Security-Policy allows by hash."""
    source = files(__package__).joinpath("templates", "poster.html.j2").read_text("utf-8")
    return source.split("<style>")[1].split("</style>")[0]


def as_call(text: str) -> Markup:
    """Return the text with its first number as a link that starts a call. A link never contains a phone command (with *
    or #), because some commands forward all calls."""
    found = _NUMBER.search(text)
    if found is None:
        return escape(text)
    link = Markup('<a href="tel:{}">{}</a>').format(re.sub(r"[^\d+]", "", found[0]), found[0])
    return escape(text[: found.start()]) + link + escape(text[found.end() :])


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["as_call"] = as_call
    return environment.get_template("poster.html.j2")
