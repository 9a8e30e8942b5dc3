"""One guard covers every imported or exported table."""

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest
from common.tables_io.archives import Limits, UnsafeArchiveError, archive
from common.tables_io.cells import GuardedCsv

ROOT = Path(__file__).parents[2]
RAW_WRITERS = re.compile(r"\bcsv\.(writer|DictWriter)\(")
RAW_BOOKS = re.compile(r"\bxlsxwriter\.Workbook\(")
RAW_ARCHIVES = re.compile(r"\bZipFile\((?!target|packed)|\bload_workbook\(")
# `guarded_cell` guards the rows of these writers, or exports/tables.py guards each field.
OWN_WRITERS = {
    "libs/common/src/common/tables_io/cells.py",
    "stack/src/stack/demo/data.py",  # Reads a file shipped with Ruta, in order to import it.
    "services/services-directory/src/directory/files/exports/package.py",
    "services/services-directory/src/directory/files/exports/writers.py",
}
OWN_ARCHIVES = {
    "libs/common/src/common/tables_io/archives.py",
    "services/reporting/src/reporting/publish/bulletins/trace.py",  # Reads the new workbook that it has just written.
}
WAYS_INTO_ARCHIVES = ("common.tables_io.archives", "imports.reading.archive")


def naming(pattern: re.Pattern[str]) -> dict[str, str]:
    """Return the text of each product file that matches the pattern, by path."""
    found = {}
    for folder in ("libs", "stack", "gateway", "services"):
        for file in (ROOT / folder).rglob("src/**/*.py"):
            text = file.read_text(encoding="utf-8")
            if pattern.search(text):
                found[file.relative_to(ROOT).as_posix()] = text
    return found


def test_csv_is_written_guarded() -> None:
    assert naming(RAW_WRITERS).keys() == OWN_WRITERS


def test_in_a_workbook_text_stays_text() -> None:
    books = naming(RAW_BOOKS)
    assert len(books) == 5
    assert [path for path, text in books.items() if "TEXT_STAYS_TEXT" not in text] == []


def test_archives_are_opened_with_their_limits() -> None:
    opened = naming(RAW_ARCHIVES)
    assert len(opened) > len(OWN_ARCHIVES)
    without = {
        path for path, text in opened.items() if not any(way in text for way in WAYS_INTO_ARCHIVES)
    }
    assert without | {"libs/common/src/common/tables_io/archives.py"} == OWN_ARCHIVES


def test_what_a_spreadsheet_would_run_is_written_with_an_apostrophe() -> None:
    out = io.StringIO()
    GuardedCsv(out).rows([["=1+1", " @SUM(A1)", "＝1", "-5", "+58 412 0000000", 7, None]])
    (row,) = csv.reader(io.StringIO(out.getvalue()))
    assert row == ["'=1+1", "' @SUM(A1)", "'＝1", "-5", "+58 412 0000000", "7", ""]


@pytest.mark.parametrize(
    "limits", [Limits(unpacked=999), Limits(entries=1), Limits(ratio=50)], ids=repr
)
def test_an_archive_beyond_any_limit_is_refused(limits: Limits) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("one", bytes(2 * 1024 * 1024))
        made.writestr("two", b"2")
    with pytest.raises(UnsafeArchiveError), archive(packed, limits):
        pass


def test_a_workbook_of_more_texts_than_anybody_waits_for_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        texts = b"".join(b"<si><t>%d</t></si>" % number for number in range(70_000))
        target.writestr("xl/sharedStrings.xml", b'<sst xmlns="x">' + texts + b"</sst>")
    with archive(packed, Limits(texts=70_000)) as opened:
        assert opened.namelist() == ["xl/sharedStrings.xml"]
    with pytest.raises(UnsafeArchiveError, match="69,999"), archive(packed, Limits(texts=69_999)):
        pass
