"""Reads CSV with any common separator, in UTF-8, another encoding or a mix of both."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from common.errors import Problem

from directory.files.imports.errors import UNREADABLE_FILE
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.reading.rows import RawRow, Table

MAX_LINE = 4 * 1024 * 1024
_PIECE = 64 * 1024
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS = (",", ";", "\t", "|")


class _Lines:
    """Decodes lines, and remembers whether any line since the last row was not UTF-8."""

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
        rest = b""
        while piece := self._source.read(_PIECE):
            held = rest + piece if rest else piece
            whole = held.rfind(b"\n") + 1
            rest = held[whole:]
            yield from self._of(held[:whole])
            if len(rest) > MAX_LINE:
                raise _too_long()
        yield from self._of(rest)

    def _of(self, lines: bytes) -> Iterator[str]:
        """Decode all lines at once, or one by one if that fails."""
        if len(lines) <= MAX_LINE:
            try:
                return iter(io.StringIO(lines.decode("utf-8"), newline="\n"))
            except UnicodeDecodeError:
                pass
        return self._one_by_one(lines)

    def _one_by_one(self, lines: bytes) -> Iterator[str]:
        for line in io.BytesIO(lines):
            if len(line) > MAX_LINE:
                raise _too_long()
            yield self._decoded(line)

    def _utf16(self) -> Iterator[str]:
        reader = codecs.getreader("utf-16")(self._source)
        try:
            while line := reader.readline(MAX_LINE):
                yield line
        except UnicodeError as error:
            raise UNREADABLE_FILE.because("it_starts_as_utf_16_but", error) from error

    def _decoded(self, line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.fell_back = True
            # Five bytes are undefined in Windows-1252, so insert a replacement character instead of failing.
            return line.decode("cp1252", errors="replace")


def _too_long() -> Problem:
    return UNREADABLE_FILE.because("line_is_longer_than_bytes", f"{MAX_LINE:,}")


def read_delimited(source: BinaryIO) -> Table:
    """Read the rows of a CSV file that is open in binary mode and seekable."""
    notes: list[Note] = []
    return Table(_rows(source), notes)


def _rows(source: BinaryIO) -> Iterator[RawRow]:
    for number, cells, fell_back in read_cells(source):
        yield RawRow(number, cells, [note("line_encoding")] if fell_back else [])


def _separator(source: BinaryIO) -> str:
    """Return the separator that occurs in most of the first lines, or else the one that occurs most often. A list in a
    cell may contain more of another separator than the line has cells, but the header has no lists."""
    source.seek(0)
    sample = source.read(64 * 1024)
    encoding = "utf-16" if sample[:2] in _UTF16 else "latin-1"
    lines = sample.decode(encoding, errors="ignore").splitlines()[:5]
    source.seek(0)
    counts = {each: [line.count(each) for line in lines] for each in _SEPARATORS}
    return max(_SEPARATORS, key=lambda each: (sum(map(bool, counts[each])), sum(counts[each])))


def read_cells(source: BinaryIO) -> Iterator[tuple[int, list[str], bool]]:
    """Yield each row's number, its cells, and whether any of its lines is not UTF-8."""
    separator = _separator(source)
    lines = _Lines(source)
    reader = csv.reader(lines, delimiter=separator)
    start = 1
    try:
        for cells in reader:
            yield start, cells, lines.fell_back
            lines.fell_back = False
            start = reader.line_num + 1
    except csv.Error as error:
        raise UNREADABLE_FILE.because("line_of_file_is_wrong", reader.line_num, error) from error
