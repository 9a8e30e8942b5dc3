"""Rejects workbooks that could harm the person who opens them, before any other code reads the bytes."""

import io
from typing import TYPE_CHECKING

from common.process.lazily import lazily
from common.tables_io.archives import (
    WORKBOOK_DAMAGE,
    Limits,
    UnreadableArchiveError,
    UnsafeArchiveError,
    archive,
)

if TYPE_CHECKING:
    import openpyxl
    import openpyxl.utils.exceptions
else:
    openpyxl = lazily("openpyxl")

MAX_BYTES = 1024 * 1024
_LIMITS = Limits(unpacked=16 * 1024 * 1024, entries=200)
MAX_ROWS = 3_000
MAX_CELLS = 120_000
_ACTIVE = ("vbaproject", "externallinks", "embeddings", "activex", "connections", "querytables")


class UnreadableWorkbook(ValueError):
    """The workbook is rejected. `pointer` gives the sheet and, if there is one, the cell."""

    def __init__(self, message: str, pointer: str = "/file") -> None:
        super().__init__(message)
        self.pointer = pointer


_DAMAGED = "This is no readable XLSX workbook."


def check_workbook(content: bytes) -> None:
    """Raise UnreadableWorkbook unless the file is a plain XLSX of reasonable size without formulas."""
    if len(content) > MAX_BYTES:
        raise UnreadableWorkbook(f"The workbook has more than {MAX_BYTES} bytes.")
    try:
        _check_parts(content)
        _check_cells(content)
    except UnreadableWorkbook:
        raise
    except UnsafeArchiveError as refused:
        raise UnreadableWorkbook(
            f"The workbook unpacks to far more than an instrument needs. {refused}"
        ) from refused
    except (
        UnreadableArchiveError,
        openpyxl.utils.exceptions.InvalidFileException,
        *WORKBOOK_DAMAGE,
    ) as damage:
        raise UnreadableWorkbook(_DAMAGED) from damage


def _check_parts(content: bytes) -> None:
    with archive(io.BytesIO(content), _LIMITS) as opened:
        for part in opened.infolist():
            name = part.filename.lower()
            if any(word in name for word in _ACTIVE):
                raise UnreadableWorkbook(
                    "The workbook has macros, links or embedded objects: save it as plain XLSX."
                )
            with opened.open(part) as stream:
                while chunk := stream.read(64 * 1024):
                    if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
                        raise UnreadableWorkbook("The workbook declares XML entities.")


def _check_cells(content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    cells = 0
    try:
        for sheet in book.worksheets:
            for number, row in enumerate(sheet.iter_rows(), start=1):
                cells += len(row)
                if number > MAX_ROWS or cells > MAX_CELLS:
                    raise UnreadableWorkbook(
                        "The workbook goes on beyond what an instrument needs:"
                        " delete empty rows and columns.",
                        f"/{sheet.title}",
                    )
                for cell in row:
                    if cell.data_type == "f":
                        raise UnreadableWorkbook(
                            "A cell holds a formula: write its value instead.",
                            f"/{sheet.title}/{cell.coordinate}",
                        )
    finally:
        book.close()
