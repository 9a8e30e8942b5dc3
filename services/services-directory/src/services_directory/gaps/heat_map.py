"""The matrix as a heat map (SVG or PNG) that stays legible in black and white."""

import json
from typing import TYPE_CHECKING, Any

from common import codelists
from common.lazily import lazily
from common.places import Places

from services_directory.gaps.picture import Picture

if TYPE_CHECKING:
    import vl_convert
else:
    vl_convert = lazily("vl_convert")

_TITLES = {
    "es": ("Servicios referibles por área y necesidad", "✕ brecha   – no se muestra"),
    "en": ("Referable services by area and need", "✕ gap   – not shown"),
}


def svg(picture: Picture, language: str) -> bytes:
    """One cell per area and need; the number of services that can be referred to now."""
    return vl_convert.vegalite_to_svg(json.dumps(_chart(picture, language))).encode()


def png(picture: Picture, language: str) -> bytes:
    """The same at twice the resolution."""
    return vl_convert.vegalite_to_png(json.dumps(_chart(picture, language)), scale=2)


def _chart(picture: Picture, language: str) -> dict[str, Any]:
    title, legend = _TITLES[language]
    axes = {
        "x": {"field": "area", "type": "nominal", "title": None, "axis": {"labelAngle": -50}},
        "y": {"field": "need", "type": "nominal", "title": None, "axis": {"labelLimit": 420}},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {"text": title, "subtitle": f"{picture.as_of.isoformat()}   {legend}"},
        "data": {"values": _values(picture, language)},
        "width": {"step": 34},
        "height": {"step": 18},
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "#777", "strokeWidth": 0.5},
                "encoding": {
                    **axes,
                    "color": {
                        "field": "services",
                        "type": "quantitative",
                        "scale": {"scheme": "greys", "domainMin": 0},
                        "legend": None,
                    },
                },
            },
            {
                "mark": {"type": "text", "fontSize": 9},
                "encoding": {
                    **axes,
                    "text": {"field": "text", "type": "nominal"},
                    "color": {
                        "condition": {"test": "datum.dark", "value": "white"},
                        "value": "black",
                    },
                },
            },
        ],
    }


def _values(picture: Picture, language: str) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], int] = {}
    hidden: set[tuple[str, str]] = set()
    for row in picture.rows:
        key = (row.area, row.need)
        # A service for everybody counts once in each group: the most of any group is the number.
        most = row.counts.get("referable", 0) + row.counts.get("waitlist", 0)
        counts[key] = max(counts.get(key, 0), most)
        if row.coverage == "not_shown":
            hidden.add(key)
    top = max(counts.values(), default=0)
    categories, places = codelists.categories(), Places.load()
    return [
        {
            "area": places.require(area).label(language),
            "need": categories[need].label(language),
            "services": count,
            "text": str(count) if count else ("–" if (area, need) in hidden else "✕"),
            "dark": count > top * 0.55,
        }
        for (area, need), count in sorted(counts.items())
    ]
