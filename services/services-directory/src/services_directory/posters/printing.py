"""A poster as PDF, PNG or HTML. Texts are handed over as data, never as markup."""

import json
from dataclasses import asdict
from functools import cache
from importlib.resources import as_file, files
from typing import Literal

import jinja2
import segno
import typst

from services_directory.posters.content import Poster

PNG_DOTS_PER_INCH = 150


def pdf(poster: Poster) -> bytes:
    """One A4 page."""
    return _compiled(poster, "pdf")


def png(poster: Poster) -> bytes:
    """The same page as an image."""
    return _compiled(poster, "png")


def _compiled(poster: Poster, form: Literal["pdf", "png"]) -> bytes:
    data = json.dumps({**asdict(poster), "qr": qr_svg(poster.url)}, ensure_ascii=False)
    with as_file(files(__package__) / "templates" / "poster.typ") as template:
        pages = typst.compile(
            str(template),
            format=form,
            ppi=float(PNG_DOTS_PER_INCH),
            sys_inputs={"poster": data},
        )
    return pages[0] if isinstance(pages, list) else pages


def qr_svg(url: str) -> str:
    """The QR code of the living page, with a quiet zone, black on white."""
    return segno.make(url, error="m").svg_inline(scale=4, border=2)


def html(poster: Poster) -> str:
    """A page without scripts that prints on A4."""
    return _page().render(poster=poster, qr=qr_svg(poster.url))


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("poster.html.j2")
