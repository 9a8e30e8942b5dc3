"""Writes the matrix as a workbook or as an HXL-tagged table."""

import io
from collections.abc import Iterator
from typing import Any

from common.process.lazily import lazily
from common.tables_io.cells import TEXT_STAYS_TEXT, GuardedCsv
from common.words import codelists
from common.words.places import Places

from directory.pathways.gaps.matrix import Picture, Row
from directory.pathways.gaps.shares import STATES
from directory.pathways.texts.sentences import say

xlsxwriter = lazily("xlsxwriter")  # has no type hints

# HXL core schema hashtags; attributes describe the columns of this table.
_COLUMNS = (
    ("adm1_pcode", "#adm1+code"),
    ("adm1_name", "#adm1+name"),
    ("adm2_pcode", "#adm2+code"),
    ("adm2_name", "#adm2+name"),
    ("need", "#service+code"),
    ("need_en", "#service+name+i_en"),
    ("need_es", "#service+name+i_es"),
    ("group", "#beneficiary+group"),
    ("coverage", "#status+coverage"),
    ("gap", "#indicator+gap+bool"),
    *((state, f"#capacity+num+{state}") for state in STATES),
    ("people", "#population+num"),
)


def hxl(picture: Picture) -> bytes:
    """Return CSV in UTF-8: a header row, a hashtag row, then the data."""
    out = io.StringIO()
    writer = GuardedCsv(out, line_end="\n")
    writer.row([name for name, _ in _COLUMNS])
    writer.row([tag for _, tag in _COLUMNS])
    writer.rows(_lines(picture))
    return out.getvalue().encode()


def workbook(picture: Picture) -> bytes:
    """Return a workbook with three sheets: the matrix, pathway steps without a service, people without a service."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, **TEXT_STAYS_TEXT})
    bold = book.add_format({"bold": True, "bottom": 1})
    gap = book.add_format({"bold": True, "bg_color": "#D9D9D9"})
    sheet = book.add_worksheet("brechas-gaps")
    sheet.write_row(0, 0, [name for name, _ in _COLUMNS], bold)
    for at, (row, line) in enumerate(zip(picture.rows, _lines(picture), strict=True), start=1):
        sheet.write_row(at, 0, line, gap if row.is_gap else None)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(picture.rows)), len(_COLUMNS) - 1)
    steps = book.add_worksheet("pasos-steps")
    steps.write_row(0, 0, ["area", "aor", "version", "step", "need"], bold)
    for at, each in enumerate(picture.open_steps, start=1):
        steps.write_row(at, 0, [each.area, each.aor, each.version, each.step, each.need])
    people = book.add_worksheet("personas-people")
    people.write_row(0, 0, ["need", "people", "without_service"], bold)
    for at, (need, counts) in enumerate(sorted(picture.weighted.items()), start=1):
        people.write_row(at, 0, [need, counts["people"], counts["without_service"]])
    book.close()
    return out.getvalue()


def _lines(picture: Picture) -> Iterator[list[Any]]:
    for row in picture.rows:
        label = codelists.categories()[row.need]
        yield [
            *_area_cells(row.area),
            row.need,
            label.label_en,
            label.label_es,
            _group(row),
            row.coverage,
            "yes" if row.is_gap else "no",
            *(row.counts.get(state, 0) for state in STATES),
            "" if row.people is None else row.people,
        ]


def _group(row: Row) -> str:
    said = say("groups", row.group)
    return f"{said['es']} / {said['en']}"


def _area_cells(area: str) -> list[str]:
    places = Places.load()
    lineage = [area, *places.ancestors(area)]
    cells = []
    for level in (1, 2):
        place = next((p for each in lineage if (p := places.require(each)).level == level), None)
        cells += [place.pcode, place.name] if place else ["", ""]
    return cells
