"""All known kinds of dirty files in one table. The import refuses the file, refuses some rows, or reports its changes;
it never changes data silently."""

import csv
import io
import json
import struct
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from common.errors import Problem
from directory.files.imports.formats import format_of
from directory.files.imports.options import Options
from directory.files.imports.outcomes.mapped import Mapped, validated
from directory.files.imports.outcomes.notes import Note, Verdict
from directory.files.imports.sources import open_source

from tests.services.directory.imports.test_broken_files import (
    HEADER,
    ROW,
    SHEET,
    bomb,
    climbing,
    crowded,
    entity_bomb,
    xlsx,
    xlsx_bomb,
)
from tests.services.directory.imports.test_package import ORG, PLACE, PLAIN, SERVICE, Tables

NAMES = ["external_id", "organisation", "name", "categories", "visibility"]
FIRST: dict[str, object] = dict(zip(NAMES, ["1", "Org", "Uno", "GP-INFO", "public"], strict=True))


def sheet(**cells: object) -> bytes:
    """Return a CSV with one row that contains these cells."""
    text = io.StringIO()
    row = {**FIRST, **cells}
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow(row)
    return text.getvalue().encode()


def encoded(text: str) -> bytes:
    return text.encode()


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def table(rows: Any) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def package(changes: Tables | None = None, **of_service: str) -> bytes:
    """Return the plain package with other tables, or with other texts in its only service."""
    tables = {**PLAIN, **(changes or {})}
    if of_service:
        tables["services.csv"] = [{**PLAIN["services.csv"][0], **of_service}]
    return zipped({name: table(rows) for name, rows in tables.items()})


def with_child(name: str, **row: str) -> bytes:
    return package({name: [{"id": "x", "service_id": SERVICE, **row}]})


def with_place(**cells: str) -> bytes:
    return package({"locations.csv": [{**PLAIN["locations.csv"][0], **cells}]})


def locked() -> bytes:
    """Return a package with tables that are marked as encrypted."""
    content = bytearray(package())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(mark, start + 1)) >= 0:
            (flags,) = struct.unpack_from("<H", content, start + at)
            struct.pack_into("<H", content, start + at, flags | 1)
    return bytes(content)


def feature(**changes: object) -> bytes:
    made = {
        "type": "Feature",
        "id": "A1",
        "geometry": {"type": "Point", "coordinates": [-66.9, 10.5]},
        "properties": {key: FIRST[key] for key in NAMES[1:]},
        **changes,
    }
    return json.dumps({"type": "FeatureCollection", "features": [made]}).encode()


TERMS = {
    "attributes.csv": [{"id": "1", "link_id": SERVICE, "taxonomy_term_id": "a", "link_entity": "service"}],
}  # fmt: skip


def terms(*parents: tuple[str, str]) -> bytes:
    rows = [{"id": own, "name": f"Tema {own}", "parent_id": parent} for own, parent in parents]
    return package({"taxonomy_terms.csv": rows, **TERMS})


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "an archive that unpacks to a disk full": (bomb, "archive_refused"),
    "a workbook that does": (xlsx_bomb, "archive_refused"),
    "an archive that writes outside its folder": (climbing, "archive_refused"),
    "an archive of thousands of files": (crowded, "archive_refused"),
    "a workbook of entities in entities": (entity_bomb, "unreadable_file"),
    "an archive broken off at once": (lambda: b"PK\x03\x04 broken", "unreadable_file"),
    "a workbook broken off at its end": (lambda: xlsx(SHEET)[:-200], "unreadable_file"),
    "a workbook of an old kind": (lambda: b"\xd0\xcf\x11\xe0 old workbook", "unreadable_file"),
    "an encrypted package": (locked, "unreadable_file"),
    "a package in a package": (lambda: zipped({"package.zip": package()}), "unknown_format"),
    "a package without services": (
        lambda: zipped({"organizations.csv": table(PLAIN["organizations.csv"])}),
        "headers_missing",
    ),
    "a program": (lambda: b"\x7fELF\x00\x00\x00", "unknown_format"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\x00\x00", "unknown_format"),
    "nothing": (lambda: b"", "unreadable_file"),
    "blanks": (lambda: b"   \n", "unreadable_file"),
    "JSON broken off": (lambda: b'[{"type": "Feature", ', "unreadable_file"),
    "JSON with what is no number": (lambda: b'{"features": [NaN]}', "unreadable_file"),
    "JSON without end": (lambda: b"[" * 100_000, "unreadable_file"),
    "prose": (lambda: b"hello world\nno header here\n", "headers_missing"),
    "a web page": (lambda: b"<!doctype html><html><body>403</body></html>", "headers_missing"),
    "a line of megabytes": (lambda: HEADER.encode() + b"x" * 5_000_000, "unreadable_file"),
    "columns that are needed and missing": (
        lambda: b"organisation,name\nx,y\n",
        "headers_missing",
    ),
}
"""Turned away as a whole: the code of the problem."""

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no organisation": (lambda: sheet(organisation=""), "value_missing"),
    "no name": (lambda: sheet(name=" "), "value_missing"),
    "a category that is none": (lambda: sheet(categories="GBV-CM; inventada"), "value_unknown"),
    "a level that is none": (lambda: sheet(visibility="secret"), "value_unknown"),
    "a place that is none": (lambda: sheet(pcode="VE9999"), "place_unknown"),
    "an age in words": (lambda: sheet(minimum_age="doce"), "number_unreadable"),
    "half a point in words": (lambda: sheet(latitude="north"), "number_unreadable"),
    "an organisation by a number": (lambda: sheet(organisation_id="12"), "value_unknown"),
    "a step of no pathway": (lambda: sheet(pathway_steps="XYZ:paso"), "value_unknown"),
    "a country that is none": (lambda: sheet(nationalities="Narnia"), "value_unknown"),
    "neither yes nor no": (lambda: sheet(pre_crisis="quizás"), "value_unknown"),
    "a sum of a spreadsheet": (lambda: sheet(description="@SUM(1+1)"), "formula"),
    "ages reversed": (lambda: sheet(minimum_age="30", maximum_age="20"), "ages_reversed"),
    "a formula": (lambda: sheet(name='=HYPERLINK("http://x")'), "formula"),
    "a command of a spreadsheet": (lambda: sheet(description="+cmd|' /C calc'!A0"), "formula"),
    "a text of a book": (lambda: sheet(description="x" * 30_000), "too_long"),
    "an id twice in a sheet": (lambda: encoded(HEADER + ROW + ROW), "duplicate_id"),
    "a feature that is none": (
        lambda: b'{"type": "FeatureCollection", "features": [7]}',
        "feature_invalid",
    ),
    "a feature without properties": (lambda: feature(properties=None), "feature_invalid"),
    "a service of nobody": (lambda: package(organization_id="nobody"), "organisation_dangling"),
    "a service without a name in a package": (lambda: package(name=""), "value_missing"),
    "an id twice in a package": (
        lambda: package({"services.csv": [PLAIN["services.csv"][0]] * 2}),
        "duplicate_id",
    ),
    "ages reversed in a package": (
        lambda: package(minimum_age="30", maximum_age="20"),
        "ages_reversed",
    ),
    "a list where an object belongs": (
        lambda: package(functional_status='["open"]'),
        "row_invalid",
    ),
    "a number of categories": (lambda: package(categories="5"), "row_invalid"),
    "a category that is an object": (lambda: package(categories='[{"code": 1}]'), "row_invalid"),
    "a hidden place in no state": (
        lambda: with_place(pcode="XX", visibility="restricted"),
        "row_invalid",
    ),
    "a crowd of children": (
        lambda: package(
            {"phones.csv": [{"id": f"{n}", "service_id": SERVICE, "number": f"{n}"} for n in range(700)]}
        ),
        "too_many",
    ),
}  # fmt: skip
"""A row is refused: the code of one of its notes."""

TOLD: dict[str, tuple[Callable[[], bytes], str]] = {
    "a line in another encoding": (
        lambda: HEADER.encode() + "2,Org,Niñez,CP-CFS,public\n".encode("cp1252"),
        "line_encoding",
    ),
    "letters broken by two encodings": (
        lambda: sheet(description="AtenciÃ³n integral"),
        "encoding_repaired",
    ),
    "control characters": (lambda: sheet(name="Casa\x07 abierta"), "control_characters"),
    "what turns the order of letters": (
        lambda: sheet(name="Casa \u202eabierta"),
        "control_characters",
    ),
    "an address of mail of many parts": (
        lambda: sheet(email="a@" + "b." * 200 + "org"),
        "email_unreadable",
    ),
    "more cells than columns": (lambda: encoded(HEADER + ROW.strip() + ",sobra\n"), "row_uneven"),
    "a column that is not known": (
        lambda: encoded(HEADER.strip() + ",Color\n" + ROW.strip() + ",azul\n"),
        "column_unknown",
    ),
    "a column twice": (
        lambda: encoded(HEADER.strip() + ",Organización\n" + ROW.strip() + ",Otra\n"),
        "columns_repeated",
    ),
    "hours in words": (lambda: sheet(hours="previa cita"), "hours_unreadable"),
    "an address of mail that is none": (lambda: sheet(email="no es correo"), "email_unreadable"),
    "a link without a scheme": (lambda: sheet(website="www.example.org"), "url_completed"),
    "a date in words": (lambda: sheet(verified_at="ayer"), "date_unreadable"),
    "a day that no month has": (lambda: sheet(verified_at="2026-02-31"), "date_unreadable"),
    "coordinates swapped": (
        lambda: sheet(pcode="VE2313", latitude="-71.6", longitude="10.6"),
        "coordinates_swapped",
    ),
    "a point on another continent than the place": (
        lambda: sheet(pcode="VE2313", latitude="59.9", longitude="10.7"),
        "coordinates_elsewhere",
    ),
    "the point where two zeros meet": (
        lambda: sheet(latitude="0", longitude="0"),
        "coordinates_invalid",
    ),
    "half a point": (lambda: with_place(longitude=""), "coordinates_invalid"),
    "latitude 999": (lambda: with_place(latitude="999"), "coordinates_invalid"),
    "no level": (lambda: sheet(visibility=""), "visibility_assumed"),
    "a shelter for everybody to see": (
        lambda: sheet(categories="GBV-SHELTER"),
        "visibility_raised",
    ),
    "a parish that is none": (
        lambda: sheet(admin1="Zulia", admin2="Maracaibo", admin3="Inventada"),
        "place_unresolved",
    ),
    "a state of a service that is none": (lambda: package(status="abierto"), "status_mapped"),
    "an age in words in a package": (lambda: package(maximum_age="many"), "number_dropped"),
    "ids that are no UUIDs": (
        lambda: package({"services.csv": [{**PLAIN["services.csv"][0], "id": "7"}]}),
        "id_replaced",
    ),
    "a child of nobody": (
        lambda: package({"phones.csv": [{"id": "p", "service_id": "gone", "number": "1"}]}),
        "link_dangling",
    ),
    "a child without what it is for": (lambda: with_child("phones.csv", number=""), "part_dropped"),
    "an hour that no day has": (
        lambda: with_child("schedules.csv", opens_at="25:99"),
        "hours_unreadable",
    ),
    "days in words": (
        lambda: with_child("schedules.csv", byday="whenever", opens_at="08:00"),
        "value_unreadable",
    ),
    "a term that is not there": (
        lambda: package(
            {"attributes.csv": [{"id": "1", "link_id": SERVICE, "taxonomy_term_id": "gone", "link_entity": "service"}]}
        ),
        "term_unknown",
    ),
    "a table that is none of HSDS": (
        lambda: package({"readme.csv": [{"hello": "world"}]}),
        "table_skipped",
    ),
    "a column that is none of HSDS": (lambda: package(colour="blue"), "field_unknown"),
    "a place of nobody": (
        lambda: package({"locations.csv": [*PLAIN["locations.csv"], {"id": "l2", "name": "Nadie"}]}),
        "unused_rows",
    ),
}  # fmt: skip
"""Read, and what was changed or left out is told: the code of one note."""

HARMLESS: dict[str, Callable[[], bytes]] = {
    "a mark of the byte order": lambda: b"\xef\xbb\xbf" + sheet(),
    "two bytes a letter": lambda: sheet().decode().encode("utf-16"),
    "semicolons": lambda: sheet().replace(b",", b";"),
    "tabs and the line ends of Windows": lambda: sheet().replace(b",", b"\t"),
    "a title above the header": lambda: b"Mapeo 2026\n\n" + sheet(),
    "fewer cells than columns": lambda: encoded(HEADER.strip() + ",Descripción\n" + ROW),
    "lines without cells": lambda: sheet() + b",,,,\n\n",
    "files that a Mac adds": lambda: zipped(
        {**{name: table(rows) for name, rows in PLAIN.items()}, "__MACOSX/._services.csv": b"\x00\x05"}
    ),
    "a term over itself": lambda: terms(("a", "a")),
    "terms in a circle": lambda: terms(("a", "b"), ("b", "c"), ("c", "a")),
    "an organisation over itself": lambda: package(
        {"organizations.csv": [{**PLAIN["organizations.csv"][0], "parent_organization_id": ORG}]}
    ),
    "a site twice": lambda: package(
        {"service_at_location.csv": [
            {"id": each, "service_id": SERVICE, "location_id": PLACE} for each in ("a", "b")
        ]}
    ),
}  # fmt: skip
"""Read as if nothing was wrong with it: one service."""

KINDS = len(FILES) + len(REFUSED) + len(TOLD) + len(HARMLESS)


def read(folder: Path, content: bytes) -> tuple[list[Mapped], list[Note]]:
    path = folder / "upload"
    path.write_bytes(content)
    with open_source(
        path, format_of(path, None), Options(date(2026, 11, 25), source="t")
    ) as source:
        rows = list(source.rows)
        for row in rows:
            if not row.organization:
                validated(row)
        return [row for row in rows if not row.organization], source.notes


def codes(rows: list[Mapped], notes: list[Note]) -> set[str]:
    return {each.code for each in (*notes, *(told for row in rows for told in row.notes))}


def test_the_list_is_as_long_as_it_was() -> None:
    assert KINDS >= 43


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_turned_away_with_its_reason(tmp_path: Path, kind: str) -> None:
    made, code = FILES[kind]
    with pytest.raises(Problem) as raised:
        read(tmp_path, made())
    assert raised.value.kind.code == code
    assert 400 <= raised.value.kind.status < 500
    assert raised.value.detail


@pytest.mark.parametrize("kind", REFUSED)
def test_a_row_is_refused_with_its_reason(tmp_path: Path, kind: str) -> None:
    made, code = REFUSED[kind]
    rows, _ = read(tmp_path, made())
    refused = [row for row in rows if row.verdict is Verdict.REFUSED]
    assert refused
    assert code in codes(refused, [])
    for each in (told for row in refused for told in row.notes):
        assert each.text("es") != each.text("en")


@pytest.mark.parametrize("kind", TOLD)
def test_what_was_made_of_it_is_told(tmp_path: Path, kind: str) -> None:
    made, code = TOLD[kind]
    rows, notes = read(tmp_path, made())
    (row,) = rows
    assert code in codes(rows, notes)
    assert row.verdict is not Verdict.REFUSED
    assert validated(row) is not None


@pytest.mark.parametrize("kind", HARMLESS)
def test_it_is_read_all_the_same(tmp_path: Path, kind: str) -> None:
    rows, _ = read(tmp_path, HARMLESS[kind]())
    (row,) = rows
    assert row.verdict is not Verdict.REFUSED
    assert validated(row) is not None
