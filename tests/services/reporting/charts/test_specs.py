"""Every chart is a valid Vega-Lite specification according to the schema of the release that draws it."""

from typing import Any

import pytest
import vl_convert
from altair.utils.schemapi import validate_jsonschema
from altair.vegalite.v6.schema import SCHEMA_URL
from altair.vegalite.v6.schema.core import load_schema
from common.words.languages import LANGUAGES
from jsonschema import ValidationError
from reporting.ground.charts.flow import Band, flow
from reporting.ground.charts.specs import SCHEMA, Point, Spec, bars, heat_map, trend
from reporting.ground.charts.tiles import Tile, layout, tiles
from reporting.publish.bulletins.document.runs import all_charts
from reporting.publish.bulletins.rendering.chart_drawings import spec

from tests.services.reporting.bulletins.story import bulletin

POINTS = [
    Point("Zulia", "Personas", 11, "11 (2–14)", 2, 14, 0.4),
    Point("Un estado cuyo nombre ocupa más de una línea", "Personas", 22, "22", 17, 22, 1.0),
    Point("Zulia", "Necesidades", 0, "0 (0–10)", 0, 10),
]
SPECS: dict[str, Spec] = {
    "bars": bars(POINTS[:2], title="1"),
    "trend": trend(POINTS, title="2"),
    "heat-map": heat_map(POINTS, title="3"),
    "flow": flow([Band("Zulia", "Colombia", 33, "33"), Band("Zulia", "Brasil", 1, "1")], title="4"),
    "map": tiles([Tile(each, each, "11", 0.9) for each in layout()], title="5"),
    "empty": bars([], title="6"),
    "no flow": flow([], title="7"),
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = load_schema()
    return found


@pytest.mark.parametrize("form", SPECS)
def test_each_form_is_what_vega_lite_takes(form: str, schema: dict[str, Any]) -> None:
    validate_jsonschema(SPECS[form], schema, schema)


@pytest.mark.laborious
def test_so_are_the_charts_of_a_bulletin(schema: dict[str, Any]) -> None:
    for chart in all_charts(bulletin()):
        for language in LANGUAGES:
            validate_jsonschema(spec(chart, language), schema, schema)


def test_what_it_does_not_take_is_noticed(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="wide"):
        validate_jsonschema(SPECS["bars"] | {"width": "wide"}, schema, schema)
    marked = SPECS["bars"]["layer"][0] | {"mark": {"type": "bar", "colour": "red"}}
    with pytest.raises(ValidationError):
        validate_jsonschema(SPECS["bars"] | {"layer": [marked]}, schema, schema)


def test_the_schema_is_that_of_the_release_that_draws() -> None:
    assert SCHEMA == SCHEMA_URL
    release = SCHEMA.rpartition("/v")[2].split(".")
    assert ".".join(release[:2]) == vl_convert.get_vegalite_versions()[-1]


def test_an_interval_is_drawn_where_there_is_one() -> None:
    certain = [Point("Zulia", "Personas", 11, "11")]
    for form in (bars, trend):
        marks = [
            [each["mark"]["type"] for each in form(points, title="t")["layer"]]
            for points in (POINTS, certain)
        ]
        assert "rule" in marks[0]
        assert "rule" not in marks[1]
