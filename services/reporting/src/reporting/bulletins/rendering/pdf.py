"""The bulletin as a tagged PDF (PDF/UA-1), typeset by typst with the fonts that ship with Ruta."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.apart import called_apart
from common.lazily import lazily

from reporting.bulletins.rendering.page import Page
from reporting.charts.render import FONT_DIRECTORY

if TYPE_CHECKING:
    import typst
else:
    typst = lazily("typst")


@contextmanager
def _sources(page: Page) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bulletin-") as folder:
        root = Path(folder)
        template = files("reporting.bulletins.rendering").joinpath("data", "bulletin.typ")
        (root / "bulletin.typ").write_bytes(template.read_bytes())
        (root / "page.json").write_text(json.dumps(_shown(page), default=_plain), encoding="utf-8")
        for name, image in page.images.items():
            (root / name).write_bytes(image)
        yield root / "bulletin.typ"


def as_pdf(page: Page) -> bytes:
    """Tagged for screen readers, with the alternative texts of the charts."""
    with _sources(page) as source:
        wanted = {"source": str(source), "fonts": FONT_DIRECTORY}
        return called_apart("reporting.bulletins.rendering.typesetting:pdf", wanted)


def as_page_images(page: Page, ppi: float = 110) -> list[bytes]:
    """Each page as a PNG, for people who check the layout."""
    with _sources(page) as source:
        made = typst.compile(
            str(source),
            font_paths=[FONT_DIRECTORY],
            ignore_system_fonts=True,
            format="png",
            ppi=ppi,
        )
    return [made] if isinstance(made, bytes) else list(made or ())


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
