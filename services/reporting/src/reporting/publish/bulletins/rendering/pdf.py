"""The bulletin as a tagged PDF (PDF/UA-1), typeset by Typst with the fonts that ship with Ruta."""

import json
from base64 import b64encode
from dataclasses import asdict, is_dataclass
from importlib.resources import files
from typing import Any

from drawing.client import drawn

from reporting.publish.bulletins.rendering.page import Page


def as_pdf(page: Page) -> bytes:
    """Tagged for screen readers, with the alternative texts of the charts."""
    return drawn(
        "page", {"form": "pdf", "standard": "ua-1", "own_font": True, "files": sources(page)}
    )


def sources(page: Page) -> dict[str, str]:
    """The input of Typst: the page's template, its content and its pictures by name, in base64."""
    template = (
        files("reporting.publish.bulletins.rendering").joinpath("data", "bulletin.typ").read_bytes()
    )
    content = json.dumps(_shown(page), default=_plain).encode()
    given = {"main.typ": template, "page.json": content, **page.images}
    return {name: b64encode(each).decode() for name, each in given.items()}


def _shown(page: Page) -> dict[str, Any]:
    return {
        "language": page.language,
        "title": page.title,
        "period": page.period,
        "standing": page.standing,
        "draft": page.draft,
        "words": page.words,
        "sections": page.sections,
    }


def _plain(value: Any) -> Any:
    """Runs as objects of text and role; their sources are not typeset."""
    if is_dataclass(value) and not isinstance(value, type):
        return {k: v for k, v in asdict(value).items() if k in {"text", "role"}}
    raise TypeError(f"{type(value).__name__} has no place in a page")
