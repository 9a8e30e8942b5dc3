"""Chart specifications to images, without a browser and with the font that ships with Ruta."""

import threading
from functools import cache
from typing import Literal

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
import vl_convert

from reporting.charts.specs import Spec

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


def as_png(spec: Spec, language: str, scale: float = 2) -> bytes:
    """The chart as a PNG of ``scale`` pixels per point."""
    with _lock:
        _with_font()
        return vl_convert.vegalite_to_png(spec, scale=scale, format_locale=LOCALES[language])
