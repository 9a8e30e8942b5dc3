"""Activity bodies and workbooks for the tests."""

import io
from typing import Any

import openpyxl
from common.words.places import Places
from reporting.count.activities import codes
from reporting.count.activities.template import template
from reporting.count.activities.workbook import SHEETS


def body(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a training in Zulia with 30 people; `changes` replaces values, or removes them (None)."""
    values: dict[str, Any] = {
        "external_id": f"row-{number}",
        "activity_code": "TIP/TRN",
        "org_leader": "Fundación Refugio",
        "org_leader_type": "NNGO",
        "adm1_pcode": "VE23",
        "start": "2026-11-03",
        "end": "2026-11-04",
        "status": "Completed",
        "quantity": 2,
        "women": 12,
        "men": 8,
        "girls": 6,
        "boys": 4,
    } | changes
    return {key: value for key, value in values.items() if value is not None}


def filled(language: str, *rows: dict[str, Any]) -> bytes:
    """Return the template in that language, filled with rows."""
    book = openpyxl.load_workbook(io.BytesIO(template(language, Places.load(), "VEN")))
    sheet = book[SHEETS["data"][language]]
    places = {column.key: number for number, column in enumerate(codes.columns(), start=1)}
    for line, row in enumerate(rows, start=2):
        for key, value in row.items():
            sheet.cell(line, places[key], value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
