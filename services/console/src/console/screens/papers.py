"""Printable PDF documents, tagged for screen readers, made with Typst."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

from drawing.client import drawn
from drawing.processes import FailedDrawing

from console.answers import Answer
from console.screens.visit import Download, NotShown


@dataclass(frozen=True)
class Part:
    """A part of a paper: pairs of label and value, a table, or lines."""

    heading: str
    facts: Sequence[tuple[str, str]] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    lines: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Paper:
    language: str
    title: str
    lead: str
    parts: Sequence[Part]
    page: str
    """The word before a page's number."""
    end: str = ""


async def printed(paper: Paper, name: str) -> Download:
    """Return the paper as a PDF with this file name. Raise NotShown (503) if no renderer is available."""
    try:
        content = await asyncio.to_thread(pdf, paper)
    except FailedDrawing as error:
        raise NotShown(Answer(503, {"code": "not_drawn"})) from error
    return Download(name, "application/pdf", content)


def pdf(paper: Paper) -> bytes:
    """Return the paper as a PDF. Blocking. Its texts are passed as data, so they are never read as markup or written to
    a file. A letter that the font lacks is printed as a box; PDF/UA would reject the whole paper."""
    wanted = {
        "form": "pdf",
        "own_font": True,
        "inputs": {"paper": json.dumps(asdict(paper), ensure_ascii=False)},
        "files": {"main.typ": _template()},
    }
    return drawn("page", wanted)


@cache
def _template() -> str:
    return b64encode(files("console").joinpath("templates", "paper.typ").read_bytes()).decode()
