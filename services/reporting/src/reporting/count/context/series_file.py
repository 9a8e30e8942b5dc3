"""Reads the points of an outside series from a CSV file, plain or with an HXL tag row. Pure. An ambiguous cell is an
error whose message explains how to write it. A file with an error gives no points at all."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from common.tables_io.cells import is_formula, unguarded
from common.words.places import Places, folded

from reporting.count.context.series import SeriesPoint
from reporting.ground.tabular.csv_reader import CellFlaw, UnreadableTableError, csv_rows

MOST_POINTS = 5000
_HEADS = {
    "day": ("day", "date", "fecha", "dia"),
    "area": ("area", "pcode", "p-code", "lugar", "codigo", "adm1_pcode", "adm2_pcode"),
    "value": ("value", "valor"),
}
_VALUE_TAGS = ("#indicator", "#value", "#affected", "#inneed", "#population")
_TAGS_WITHIN = 10
"""An HXL tag row must be among the first rows."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?")
_FIRST, _LAST = date(1990, 1, 1), date(2100, 1, 1)


def points(content: bytes, places: Places) -> list[SeriesPoint]:
    """Return the points by row, ignoring other columns. Raise UnreadableTableError with all errors."""
    rows = csv_rows(content)
    first, columns = _header(rows)
    read: list[SeriesPoint] = []
    flaws: list[CellFlaw] = []
    seen: dict[tuple[date, str | None], int] = {}
    for number, cells in enumerate(rows[first:], start=first + 1):
        if not any(cell.strip() for cell in cells):
            continue
        point = _point(number, _named(cells, columns), places)
        if isinstance(point, list):
            flaws += point
            continue
        if (point.day, point.area) in seen:
            row = seen[point.day, point.area]
            flaws.append(CellFlaw.of(number, "area", "this_day_and_place_are_in_row", row))
        seen.setdefault((point.day, point.area), number)
        read.append(point)
    if not flaws and not read:
        flaws.append(CellFlaw.of(0, "", "file_has_no_rows"))
    if len(read) > MOST_POINTS:
        flaws.append(CellFlaw.of(0, "", "more_rows_split_the_series", MOST_POINTS))
    if flaws:
        raise UnreadableTableError(flaws)
    return read


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]]:
    """Return the first data row, and the position of each column."""
    for place, cells in enumerate(rows[:_TAGS_WITHIN]):
        tags = [cell.strip().casefold() for cell in cells]
        if any(tags) and all(tag.startswith("#") for tag in tags if tag):
            return place + 1, _columns([_of_tag(tag) for tag in tags])
    heads = [_of_head(cell) for cell in rows[0]] if rows else []
    return 1, _columns(heads)


def _of_head(cell: str) -> str | None:
    word = folded(cell)
    return next((key for key, names in _HEADS.items() if word in names), None)


def _of_tag(tag: str) -> str | None:
    name, *attributes = tag.split("+")
    if name == "#date":
        return "day"
    if re.fullmatch(r"#adm\d?|#country|#loc", name) and "code" in attributes:
        return "area"
    named = {"name", "code", "unit"} & set(attributes)
    return "value" if name in _VALUE_TAGS and not named else None


def _columns(heads: Sequence[str | None]) -> dict[str, int]:
    found = [key for key in heads if key]
    lacking = [key for key in ("day", "value") if key not in found]
    if lacking:
        raise UnreadableTableError(
            [CellFlaw.of(1, key, "column_of_series_is_missing") for key in lacking]
        )
    twice = [key for key in dict.fromkeys(found) if found.count(key) > 1]
    if twice:
        raise UnreadableTableError(
            [CellFlaw.of(1, key, "column_is_there_twice_leave_one") for key in twice]
        )
    return {key: place for place, key in enumerate(heads) if key}


def _named(cells: Sequence[str], columns: dict[str, int]) -> dict[str, str]:
    return {
        key: cells[place].strip() if place < len(cells) else "" for key, place in columns.items()
    }


def _point(number: int, cells: dict[str, str], places: Places) -> SeriesPoint | list[CellFlaw]:
    flaws = [
        CellFlaw.of(number, key, "is_formula_write_value")
        for key, cell in cells.items()
        if is_formula(cell)
    ]
    if flaws:
        return flaws
    day, value = _day(cells["day"]), cells["value"]
    area = unguarded(cells.get("area", "")).upper() or None
    if day is None:
        flaws.append(CellFlaw.of(number, "day", "write_date_from_1990_on"))
    if area is not None and not places.is_known(area):
        flaws.append(CellFlaw.of(number, "area", "this_code_of_place_is_not_known"))
    if not _NUMBER.fullmatch(value):
        flaws.append(CellFlaw.of(number, "value", "write_number_with_decimal_point"))
    if flaws or day is None:
        return flaws
    return SeriesPoint(day, area, Decimal(value))


def _day(cell: str) -> date | None:
    try:
        day = date.fromisoformat(cell) if _DAY.fullmatch(cell) else None
    except ValueError:
        return None
    return day if day is not None and _FIRST <= day <= _LAST else None
