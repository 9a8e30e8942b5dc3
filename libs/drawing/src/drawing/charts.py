"""Charts from Vega-Lite specifications, without a browser and with the font that ships with Ruta."""

import json
from typing import Any

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
import vl_convert


def charts(wanted: dict[str, Any]) -> bytes:
    """Every chart as SVG: `{sheet: {name: text}}`, as JSON.

    `wanted`: by sheet `specs`, Vega-Lite by name, and `notation`, es-ES or en-US, of the numbers on its axes.
    """
    vl_convert.register_font_directory(font_source_sans_pro.font_directory)
    made = {
        sheet: {
            name: vl_convert.vegalite_to_svg(spec, format_locale=each["notation"])
            for name, spec in each["specs"].items()
        }
        for sheet, each in wanted.items()
    }
    return json.dumps(made).encode()
