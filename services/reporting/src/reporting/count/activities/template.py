"""The empty activity workbook in one language: headers, drop-down lists, and a help page."""

import io
from typing import Any

from common.process.lazily import lazily
from common.tables_io.cells import TEXT_STAYS_TEXT
from common.words.places import Places

from reporting.count.activities import codes
from reporting.count.activities.rules import LISTS
from reporting.count.activities.workbook import DATES, MAX_ROWS, SHEETS
from reporting.ground.language import text

xlsxwriter = lazily("xlsxwriter")  # has no types

HELP = text(
    "Una fila por actividad. Las columnas oscuras son obligatorias. Use los valores de las listas. "
    "No escriba nombres de personas ni lugares de casas de abrigo. Una segunda importación con el "
    "mismo número de fila corrige la actividad. Si una fila tiene un error, no se guarda ninguna.",
    "One row per activity. The dark columns are required. Use the values of the lists. "
    "Write no names of persons and no places of safe houses. A second import with the same row "
    "number corrects the activity. If one row has an error, none is saved.",
)


def template(language: str, places: Places, country: str | None = None) -> bytes:
    """Return an empty workbook: a data sheet with drop-down lists, the lists, and a help page. ``country`` (ISO 3166-1
    alpha-3) restricts the list of states to one country."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, **TEXT_STAYS_TEXT})
    required = book.add_format(
        {"bold": True, "bg_color": "#1B3A57", "font_color": "#FFFFFF", "text_wrap": True}
    )
    optional = book.add_format({"bold": True, "bg_color": "#D9E4EC", "text_wrap": True})
    dates = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(SHEETS["data"][language])
    lists = book.add_worksheet(SHEETS["lists"][language])
    ranges = _write_lists(lists, language, places, country)
    for place, column in enumerate(codes.columns()):
        sheet.write_string(
            0, place, column.label[language], required if column.required else optional
        )
        sheet.set_column(place, place, 20, dates if column.key in DATES else None)
        if column.hint[language]:
            sheet.write_comment(0, place, column.hint[language])
        if column.key in ranges:
            sheet.data_validation(
                1,
                place,
                MAX_ROWS,
                place,
                {
                    "validate": "list",
                    "source": f"='{SHEETS['lists'][language]}'!{ranges[column.key]}",
                },
            )
    sheet.set_row(0, 45)
    sheet.freeze_panes(1, 1)
    page = book.add_worksheet(SHEETS["help"][language])
    page.set_column(0, 0, 100)
    page.write_string(0, 0, HELP[language], book.add_format({"text_wrap": True}))
    for line, column in enumerate(codes.columns(), start=2):
        page.write_string(
            line, 0, ": ".join(filter(None, (column.label[language], column.hint[language])))
        )
    book.close()
    return buffer.getvalue()


def _write_lists(sheet: Any, language: str, places: Places, country: str | None) -> dict[str, str]:
    """Write each list into its own column; return the cell range for each data column."""
    ranges: dict[str, str] = {}
    shown: list[tuple[tuple[str, ...], str, list[tuple[str, str]]]] = [
        (
            ("activity_code",),
            "activity_code",
            [(c.code, c.label[language]) for c in codes.activity_codes().values()],
        ),
        (("adm1_pcode",), "adm1_pcode", [(p.pcode, p.name) for p in places.at_level(1, country)]),
    ]
    for name in dict.fromkeys(LISTS.values()):
        fields = tuple(field for field, of in LISTS.items() if of == name)
        shown.append(
            (fields, fields[0], [(t.label[language], t.code) for t in codes.terms(name).values()])
        )
    labels = {column.key: column.label[language] for column in codes.columns()}
    for number, (fields, heading, entries) in enumerate(shown):
        place = number * 3
        sheet.write_string(0, place, labels[heading])
        sheet.set_column(place, place, 30)
        sheet.set_column(place + 1, place + 1, 40)
        for line, (value, note) in enumerate(entries, start=1):
            sheet.write_string(line, place, value)
            sheet.write_string(line, place + 1, note)
        letter = _letter(place)
        for field in fields:
            ranges[field] = f"${letter}$2:${letter}${len(entries) + 1}"
    return ranges


def _letter(place: int) -> str:
    return str(xlsxwriter.utility.xl_col_to_name(place))
