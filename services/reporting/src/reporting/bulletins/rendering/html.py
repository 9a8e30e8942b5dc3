"""The bulletin as one self-contained web page: each number in a ``data`` element with its source."""

import base64
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from reporting.bulletins.document.reading import Run
from reporting.bulletins.document.sources import described
from reporting.bulletins.rendering.page import Page


@cache
def _template() -> Template:
    source = files("reporting.bulletins.rendering").joinpath("data", "bulletin.html.j2")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(source.read_text(encoding="utf-8"))


def as_html(page: Page) -> str:
    """Without scripts and without anything fetched from elsewhere."""

    def image(name: str) -> str:
        return base64.b64encode(page.images[name]).decode()

    def value(run: Run) -> str:
        return "" if run.figure is None or run.figure.value is None else str(run.figure.value)

    def source(run: Run) -> str:
        return described(run.figure.source, page.language) if run.figure else ""

    return _template().render(
        language=page.language,
        title=page.title,
        period=page.period,
        standing=page.standing,
        draft=page.draft,
        words=page.words,
        sections=page.sections,
        image=image,
        value=value,
        source=source,
    )
