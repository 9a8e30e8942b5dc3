"""Determines a file's format, as specified by the caller or else from its content."""

from enum import StrEnum
from pathlib import Path

from directory.files.imports.errors import UNKNOWN_FORMAT, UNREADABLE_FILE
from directory.files.imports.package.loader import JSON
from directory.files.imports.package.nested import is_hsds
from directory.files.imports.reading.archive import archive

_XLS = b"\xd0\xcf\x11\xe0"


class Format(StrEnum):
    WORKBOOK = "workbook"
    CSV = "csv"
    GEOJSON = "geojson"
    PACKAGE = "hsds"


def format_of(path: Path, named: str | None) -> Format:
    """Return the format. `named` may also be `xlsx`, `hxl` (tagged rows, in CSV or XLSX) or `services-advisor`."""
    found = _by_content(path)
    if named is None:
        return found
    accepted = {
        "workbook": {Format.WORKBOOK, Format.CSV},
        "xlsx": {Format.WORKBOOK},
        "hxl": {Format.WORKBOOK, Format.CSV},
        "csv": {Format.CSV},
        "geojson": {Format.GEOJSON},
        "services-advisor": {Format.GEOJSON},
        "hsds": {Format.PACKAGE},
    }.get(named)
    if accepted is None:
        raise UNKNOWN_FORMAT.because(
            "is_not_one_of_workbook_xlsx_csv",
            repr(named),
            pointer="/format",
        )
    if found not in accepted:
        raise UNREADABLE_FILE.because("was_called_but_looks_like", named, found.value)
    return found


def _by_content(path: Path) -> Format:
    with path.open("rb") as source:
        start = source.read(4096)
    if not start.strip():
        raise UNREADABLE_FILE.because("file_is_empty")
    if start.startswith(b"PK"):
        return _by_entries(path)
    if start.startswith(_XLS):
        raise UNREADABLE_FILE.because("is_old_xls_workbook_save")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        with path.open("rb") as source:
            return Format.PACKAGE if is_hsds(source) else Format.GEOJSON
    if b"\x00" in start and start[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise UNKNOWN_FORMAT.because("is_binary_and_no_zip_archive")
    return Format.CSV


def _by_entries(path: Path) -> Format:
    with archive(path) as opened:
        names = [name.lower() for name in opened.namelist()]
    if "xl/workbook.xml" in names:
        return Format.WORKBOOK
    if any(name.endswith((".csv", *JSON)) for name in names):
        return Format.PACKAGE
    raise UNKNOWN_FORMAT.because("archive_holds_neither_workbook_nor_csv_tables")
