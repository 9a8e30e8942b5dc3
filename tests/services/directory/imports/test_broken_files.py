"""Broken, hostile or oddly encoded files, as people send them. The import returns a clear problem or rows."""

import io
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from common.errors import Problem
from directory.files.imports.columns import columns
from directory.files.imports.formats import Format, format_of
from directory.files.imports.options import Options
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Note, Verdict
from directory.files.imports.reading import sheet
from directory.files.imports.sources import open_source
from directory.files.imports.workbook.template import WorkbookWriter, template_csv, template_xlsx

HEADER = "Código externo,Organización,Nombre del servicio,Categorías,Visibilidad\n"
OPTIONS = Options(date(2026, 11, 25), source="test")


def read(path: Path, named: str | None = None) -> tuple[list[Mapped], list[Note]]:
    with open_source(path, format_of(path, named), OPTIONS) as source:
        return list(source.rows), source.notes


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


def codes(notes: list[Note]) -> list[str]:
    return [each.code for each in notes]


def xlsx(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


ROW = "1,Org,Atención,GP-INFO,public\n"
SHEET: list[list[object]] = [[*HEADER.strip().split(",")], [*ROW.strip().split(",")]]


def test_rows_count_as_lines_of_the_file_even_with_line_breaks_in_cells(tmp_path: Path) -> None:
    content = HEADER + '1,Org,"Dos\nlíneas",GP-INFO,public\n\n3,Org,Tercera,GP-INFO,public\n'
    rows, _ = read(saved(tmp_path, content.encode()))
    assert [row.number for row in rows] == [2, 5]


def test_hxl_tags_choose_the_columns(tmp_path: Path) -> None:
    content = (
        "Quién,Qué,Tipo,Dónde\n#org+name,#service+name,#sector,#adm2+code\n"
        "Org,Atención,GP-INFO,VE2313\n"
    )
    rows, notes = read(saved(tmp_path, content.encode()), "hxl")
    assert notes == []
    assert rows[0].document is not None
    assert rows[0].document["service_at_locations"][0]["location"]["pcode"] == "VE2313"
    assert rows[0].number == 3


def test_a_workbook_is_read_from_the_sheet_with_the_header(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Portada"])
    sheet = book.create_sheet("Datos")
    for row in SHEET:
        sheet.append(row)
    target = io.BytesIO()
    book.save(target)
    rows, notes = read(saved(tmp_path, target.getvalue()))
    assert [row.name for row in rows] == ["Atención"]
    assert [(each.code, each.after) for each in notes] == [("sheet_chosen", "Datos")]


def test_a_formula_in_a_workbook_refuses_its_row(tmp_path: Path) -> None:
    rows, _ = read(
        saved(tmp_path, xlsx([*SHEET, [2, "Org", '=HYPERLINK("http://x";"y")', "GP-INFO"]]))
    )
    assert rows[1].verdict is Verdict.REFUSED
    assert "formula" in codes(rows[1].notes)


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_template_is_read_by_the_importer(tmp_path: Path, language: str) -> None:
    keys = [column.key for column in columns()]
    values = {"organisation": "Org", "name": "=1+1", "categories": "GP-INFO", "latitude": 10.5}
    filled = tmp_path / "filled.xlsx"
    writer = WorkbookWriter(filled, language)
    writer.add([values.get(key) for key in keys])
    writer.close()
    rows, notes = read(filled)
    assert [each.code for each in notes] == ["sheet_chosen"]
    assert [row.number for row in rows] == [2]
    # The cell is text and not a formula, but the import refuses it anyway.
    assert "formula" in codes(rows[0].notes)
    assert read(saved(tmp_path, template_xlsx(language)))[0] == []
    assert read(saved(tmp_path, template_csv(language)))[0] == []


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("services.csv", b"0" * 50_000_000)
    return target.getvalue()


def xlsx_bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
        archive.writestr("xl/sharedStrings.xml", b" " * 50_000_000)
    return target.getvalue()


def climbing() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("../../etc/services.csv", b"id\n")
    return target.getvalue()


def crowded() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(3_000):
            archive.writestr(f"{number}.csv", b"")
    return target.getvalue()


def entity_bomb() -> bytes:
    """Return a workbook whose sheet expands entities endlessly (billion laughs)."""
    content = xlsx(SHEET)
    target = io.BytesIO()
    laughs = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
        + "".join(
            f'<!ENTITY a{n} "{"&a" + (str(n - 1) if n else "") + ";"}{"&a;" * 9}">'
            for n in range(9)
        )
        + "]><worksheet>&a8;</worksheet>"
    )
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            is_sheet = name.startswith("xl/worksheets/sheet")
            archive.writestr(name, laughs if is_sheet else source.read(name))
    return target.getvalue()


def test_a_row_of_a_number_that_no_sheet_has_is_not_counted_up_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import does not count up to a row number that no sheet has. A file of a few kilobytes would keep the service
    counting for hours."""
    monkeypatch.setattr(sheet, "LAST_ROW", 1_000)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx(SHEET))) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert b'<row r="2">' in content
                content = content.replace(b'<row r="2">', b'<row r="2000">')
                content = content.replace(b'r="A2"', b'r="A2000"')
            made.writestr(name, content)
    with pytest.raises(Problem) as raised:
        read(saved(tmp_path, target.getvalue()))
    assert raised.value.kind.code == "unreadable_file"
    assert "more than 1,000 rows" in raised.value.detail


def test_a_named_format_must_fit_the_content(tmp_path: Path) -> None:
    path = saved(tmp_path, (HEADER + ROW).encode())
    assert format_of(path, "hxl") is Format.CSV
    with pytest.raises(Problem):
        format_of(path, "hsds")


def test_a_list_in_a_cell_is_not_taken_for_the_separator(tmp_path: Path) -> None:
    many = "GBV-CM;GBV-PSS;GBV-LEGAL;GBV-CMR;GBV-DIGNITY;GBV-LIV;HLT;GP-INFO;GP-DOC"
    rows = "".join(f"x{n},Red,Uno,{many},partners\n" for n in range(4))
    mapped, _ = read(saved(tmp_path, (HEADER + rows).encode()))
    assert [len((each.document or {})["categories"]) for each in mapped] == [9] * 4
