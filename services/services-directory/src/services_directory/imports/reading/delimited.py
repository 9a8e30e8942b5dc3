"""CSV as found: any of the usual separators, UTF-8 or not, or both in one file."""

import codecs
import csv
from collections.abc import Iterator
from typing import BinaryIO

from services_directory.imports.errors import UNREADABLE_FILE
from services_directory.imports.outcomes.notes import Note, note
from services_directory.imports.reading.rows import RawRow, Table

MAX_LINE = 4 * 1024 * 1024
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS = (",", ";", "\t", "|")


class _Lines:
    """Decoded lines; remembers which encodings the lines since the last row needed."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.fell_back = False

    def __iter__(self) -> Iterator[str]:
        start = self._source.read(3)
        self._source.seek(0)
        if start[:2] in _UTF16:
            yield from self._utf16()
            return
        if start == codecs.BOM_UTF8:
            self._source.seek(3)
        while line := self._source.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                raise UNREADABLE_FILE.because(f"A line is longer than {MAX_LINE:,} bytes.")
            yield self._decoded(line)

    def _utf16(self) -> Iterator[str]:
        reader = codecs.getreader("utf-16")(self._source)
        try:
            while line := reader.readline(MAX_LINE):
                yield line
        except UnicodeError as error:
            raise UNREADABLE_FILE.because(f"It starts as UTF-16, but: {error}.") from error

    def _decoded(self, line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.fell_back = True
            # Five bytes mean nothing in Windows-1252; they become visible marks and no error.
            return line.decode("cp1252", errors="replace")


def read_delimited(source: BinaryIO) -> Table:
    """Rows of a CSV file that is open for reading in binary and can seek."""
    notes: list[Note] = []
    return Table(_rows(source, _separator(source)), notes)


def _separator(source: BinaryIO) -> str:
    """The one that most of the first lines have; of several the one that they use most. A list in a cell
    may have more of another than the line has cells, but the header has none."""
    source.seek(0)
    sample = source.read(64 * 1024)
    encoding = "utf-16" if sample[:2] in _UTF16 else "latin-1"
    lines = sample.decode(encoding, errors="ignore").splitlines()[:5]
    source.seek(0)
    counts = {each: [line.count(each) for line in lines] for each in _SEPARATORS}
    return max(_SEPARATORS, key=lambda each: (sum(map(bool, counts[each])), sum(counts[each])))


def _rows(source: BinaryIO, separator: str) -> Iterator[RawRow]:
    lines = _Lines(source)
    reader = csv.reader(lines, delimiter=separator)
    start = 1
    try:
        for cells in reader:
            notes = [note("line_encoding")] if lines.fell_back else []
            lines.fell_back = False
            yield RawRow(start, cells, notes)
            start = reader.line_num + 1
    except csv.Error as error:
        raise UNREADABLE_FILE.because(f"Line {reader.line_num}: {error}.") from error
