"""Chart specifications to images, without a browser and with the font that ships with Ruta."""

import threading
from functools import cache
from typing import TYPE_CHECKING, Literal

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
from common.lazily import lazily

from reporting.charts.specs import Spec

if TYPE_CHECKING:
    import vl_convert
else:
    vl_convert = lazily("vl_convert")

FONT_DIRECTORY: str = font_source_sans_pro.font_directory
LOCALES: dict[str, Literal["es-ES", "en-US"]] = {"es": "es-ES", "en": "en-US"}
_lock = threading.Lock()  # the converter holds one JavaScript engine


@cache
def _with_font() -> None:
    vl_convert.register_font_directory(FONT_DIRECTORY)


def as_svg(spec: Spec, language: str) -> str:
    """The chart as an SVG document; numbers of axes in the notation of ``language``."""
    with _lock:
        _with_font()
        return vl_convert.vegalite_to_svg(spec, format_locale=LOCALES[language])


def as_png(drawn: str, scale: float = 2) -> bytes:
    """A chart that is drawn as SVG as a PNG of ``scale`` pixels per point: the bytes that its
    specification would give, for a tenth of the work."""
    with _lock:
        _with_font()
        return vl_convert.svg_to_png(drawn, scale=scale)
