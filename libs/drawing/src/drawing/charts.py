"""Charts from Vega-Lite specifications, without a browser and with the font that ships with Ruta."""

import json
from base64 import b64encode
from typing import Any

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
import vl_convert


def charts(wanted: dict[str, Any]) -> bytes:
    """Every chart as SVG and PNG: `{sheet: {name: {"svg": text, "png": base64}}}`, as JSON.

    `wanted`: `sheets`, by name, each with `specs`, Vega-Lite by name, and `notation`, es-ES or en-US, of the numbers
    on its axes; `scale`, pixels of a PNG per point.
    """
    vl_convert.register_font_directory(font_source_sans_pro.font_directory)
    sheets = {name: _drawn(each, wanted["scale"]) for name, each in wanted["sheets"].items()}
    return json.dumps(sheets).encode()


def _drawn(sheet: dict[str, Any], scale: float) -> dict[str, dict[str, str]]:
    made = {}
    for name, spec in sheet["specs"].items():
        svg = vl_convert.vegalite_to_svg(spec, format_locale=sheet["notation"])
        # From the SVG: the bytes that the specification would give, for a tenth of the work.
        png = vl_convert.svg_to_png(svg, scale=scale)
        made[name] = {"svg": svg, "png": b64encode(png).decode()}
    return made
