"""The gap map shows each area in its place and nothing hidden."""

from directory.pathways.gaps.matrix import Row
from directory.show.information.gap_map import Area, areas_of, shades, tiles


def row(area: str, need: str, coverage: str, group: str = "woman") -> Row:
    return Row(area, need, group, {}, coverage)


def test_a_need_is_met_where_any_group_is_helped_and_what_is_not_shown_does_not_count() -> None:
    rows = [
        row("VE23", "FOOD", "none"),
        row("VE23", "FOOD", "referable", "man"),
        row("VE23", "CVA", "stale"),
        row("VE23", "GBV-SHELTER", "not_shown"),
    ]
    assert areas_of(rows) == [Area("VE23", ("CVA",), 2)]


def test_the_more_is_missing_the_darker_and_no_map_leaves_an_area_out() -> None:
    needs = tuple(str(number) for number in range(8))
    states = ["VE23", "VE13", "VE01", "VE20"]
    areas = [
        Area(pcode, needs[:missing], 8) for pcode, missing in zip(states, (0, 1, 2, 4), strict=True)
    ]
    assert [tile.shade for tile in tiles(areas)] == [0, 1, 2, 4]
    assert tiles([*areas, Area("CO05", needs, 8)]) == []


def test_where_much_is_missing_everywhere_the_shades_still_tell_states_apart() -> None:
    needs = tuple(str(number) for number in range(40))
    counted = zip(["VE23", "VE13", "VE01", "VE20"], (27, 30, 33, 38), strict=True)
    areas = [Area(pcode, needs[:missing], 40) for pcode, missing in counted]
    assert [tile.shade for tile in tiles(areas)] == [1, 2, 3, 4]
    assert [(step[0], step[-1]) for step in shades(areas)] == [
        (27, 29),
        (30, 32),
        (33, 35),
        (36, 38),
    ]
