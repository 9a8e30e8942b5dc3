"""Renders Vega-Lite charts without a browser, in the font that ships with Ruta."""

import json
from typing import Any

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
import vl_convert


def charts(wanted: dict[str, Any]) -> bytes:
    """Return the charts as SVG: `{sheet: {name: text}}`, as JSON. For each sheet, `wanted` contains `specs` (Vega-Lite
    by name) and `notation` (es-ES or en-US, for numbers on axes)."""
    vl_convert.register_font_directory(font_source_sans_pro.font_directory)
    made = {
        sheet: {
            name: vl_convert.vegalite_to_svg(spec, format_locale=each["notation"])
            for name, spec in each["specs"].items()
        }
        for sheet, each in wanted.items()
    }
    return json.dumps(made).encode()
