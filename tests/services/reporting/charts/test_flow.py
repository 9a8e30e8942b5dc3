"""The flow chart's geometry: bands keep their proportions and stay in their columns."""

from itertools import pairwise

import pytest
from reporting.ground.charts.flow import GAP, Band, flow, has_room, nodes

BANDS = [
    Band("Zulia", "Colombia", 33, "33"),
    Band("Zulia", "Brasil", 22, "22"),
    Band("Táchira", "Colombia", 88, "88"),
]


def test_places_fill_the_height_with_gaps_between() -> None:
    placed = list(nodes({"a": 30, "b": 10, "c": 60}).values())
    assert placed[0].high == 1
    assert placed[-1].low == pytest.approx(0)
    for upper, lower in pairwise(placed):
        assert upper.low - lower.high == pytest.approx(GAP)
    heights = [node.high - node.low for node in placed]
    assert heights[2] / heights[1] == pytest.approx(6)


def test_bands_are_as_thick_as_their_numbers_on_both_sides() -> None:
    made = flow(BANDS, title="t")
    ribbons = made["layer"][0]["data"]["values"]
    for t in (0, 1):
        edges = [row for row in ribbons if row["t"] == t]
        thick = {row["band"]: row["high"] - row["low"] for row in edges}
        assert thick[0] / thick[1] == pytest.approx(33 / 22)
        assert thick[2] / thick[0] == pytest.approx(88 / 33)
        assert min(row["low"] for row in edges) == pytest.approx(0)
        assert max(row["high"] for row in edges) == pytest.approx(1)
        spans = sorted((row["low"], row["high"]) for row in edges)
        assert all(one[1] <= two[0] + 1e-9 for one, two in pairwise(spans))


def test_bands_have_all_their_numbers_or_none() -> None:
    thin = Band("Zulia", "Curazao", 1, "1")
    assert has_room(BANDS)
    assert not has_room([*BANDS, thin])
    for bands, numbers in ((BANDS, ["33", "22", "88"]), ([*BANDS, thin], [])):
        made = flow(bands, title="t")
        rows = made["layer"][-1]["data"]["values"]
        assert [row["text"] for row in rows] == numbers
