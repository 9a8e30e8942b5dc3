"""The bulletin as one self-contained web page. Each number is in a ``data`` element with its source."""

from base64 import b64encode
from functools import cache
from importlib.resources import files
from urllib.parse import quote

from common.words.conventions import OWN_NAMES
from common.words.languages import next_language
from jinja2 import Environment, StrictUndefined, Template

from reporting.publish.bulletins.document.runs import Run
from reporting.publish.bulletins.document.sources import described
from reporting.publish.bulletins.rendering.page import Page

_AS_THEY_ARE = " !$&()*+,-./:;=?@_~'"


@cache
def _template() -> Template:
    source = files("reporting.publish.bulletins.rendering").joinpath("data", "bulletin.html.j2")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(source.read_text(encoding="utf-8"))


def as_html(page: Page) -> str:
    """Return the page, without scripts or external resources."""

    def image(name: str) -> str:
        # Text rather than base64, so that repetitions compress well.
        return quote(page.drawings[name].decode(), safe=_AS_THEY_ARE)

    def value(run: Run) -> str:
        return "" if run.figure is None or run.figure.value is None else str(run.figure.value)

    def source(run: Run) -> str:
        return described(run.figure.source, page.language) if run.figure else ""

    def logo(name: str) -> str:
        return b64encode(page.logos[name]).decode()

    return _template().render(
        language=page.language,
        other=next_language(page.language),
        names=OWN_NAMES,
        title=page.title,
        period=page.period,
        standing=page.standing,
        draft=page.draft,
        words=page.words,
        sections=page.sections,
        lines=page.lines,
        issuers=page.issuers,
        logo=logo,
        image=image,
        value=value,
        source=source,
    )


def style_of(page: bytes) -> str:
    """Return the style from the head of a page that Ruta rendered, possibly years ago."""
    head = page.partition(b"</head>")[0]
    return head.partition(b"<style>")[2].partition(b"</style>")[0].decode()
