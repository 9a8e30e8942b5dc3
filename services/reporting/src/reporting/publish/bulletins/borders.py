"""The borders on bulletin maps, read from a GeoJSON file that a deployment uploads."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, mapping, shape
from shapely.geometry.base import BaseGeometry

from reporting.ground.charts.tiles import layout

MOST_BYTES = 5_000_000
MOST_POINTS = 8_000
_DEGREES = 0.04
"""Shapes narrower than about 4 km are drawn no finer."""


def polygons(content: bytes) -> dict[str, Any]:
    """Return each state's simplified polygons by P-code, as coordinates of a GeoJSON MultiPolygon.

    A feature is a state if its id or one of its properties is the P-code; other features are omitted. Neighbours keep
    common borders. Raise ValueError if the file is not such GeoJSON, or if its shapes are too detailed to draw.
    """
    try:
        found = {
            code: _area(each["geometry"])
            for each in json.loads(content)["features"]
            if (code := _code(each))
        }
    except (
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        shapely.errors.ShapelyError,
    ) as error:
        raise ValueError("the file is no GeoJSON of areas") from error
    if not found:
        raise ValueError("no feature names a state")
    drawn = shapely.set_precision(
        shapely.coverage_simplify(np.array(list(found.values())), _DEGREES), 0.01
    )
    if shapely.get_num_coordinates(drawn).sum() > MOST_POINTS:
        raise ValueError("the shapes are too detailed")
    return {
        code: mapping(_several(each))["coordinates"]
        for code, each in zip(found, drawn, strict=True)
        if not each.is_empty
    }


def _code(feature: Mapping[str, Any]) -> str | None:
    names = (feature.get("id"), *(feature.get("properties") or {}).values())
    return next((each for each in names if isinstance(each, str) and each in layout()), None)


def _area(geometry: dict[str, Any]) -> BaseGeometry:
    with np.errstate(invalid="ignore"):  # NaN fails the check below
        area = shapely.make_valid(shape(geometry))
    west, south, east, north = area.bounds
    on_earth = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    if geometry["type"] not in {"Polygon", "MultiPolygon"} or not on_earth:
        raise ValueError("a state is an area in degrees")
    return area


def _several(area: BaseGeometry) -> MultiPolygon:
    """Return the area as polygons, without the lines and points that repairs leave over."""
    return MultiPolygon([p for p in shapely.get_parts(area) if p.geom_type == "Polygon"])
