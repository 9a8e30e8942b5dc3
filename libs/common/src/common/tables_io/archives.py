"""Opens archives (zip, XLSX) that may be broken or designed to fill the disk."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from common.words.details import Coded

_RATIO_FROM = 1024 * 1024  # small entries may compress unusually well and are harmless


class UnreadableArchiveError(Coded):
    """The archive is broken or protected. The message describes the problem."""


class UnsafeArchiveError(Coded):
    """The archive looks malicious. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for an archive. `unpacked` is the total size in bytes. `ratio` is the size of an entry divided by its
    packed size. `texts` limits the distinct texts of a workbook, which its reader loads before the first row (400,000
    texts take half a minute)."""

    unpacked: int = 512 * 1024 * 1024
    entries: int = 2_000
    ratio: int = 200
    texts: int = 250_000


_USUAL = Limits()
_TEXTS = "xl/sharedStrings.xml"
_TEXT = re.compile(rb"<(?:\w{1,20}:)?si[ />]")
_LONGEST_TAG = 64

WORKBOOK_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    SyntaxError,  # raised by the XML parser
    OSError,
    NotImplementedError,  # an encrypted or unsupported entry
    RecursionError,
)
"""Errors that openpyxl raises besides its own `InvalidFileException` if a part of a workbook is missing, truncated or
malformed."""


@contextmanager
def archive(source: IO[bytes] | str, limits: Limits = _USUAL) -> Iterator[zipfile.ZipFile]:
    """Open the archive and check its directory. Declared sizes are reliable: `zipfile` never unpacks an entry beyond
    its declared size."""
    try:
        with zipfile.ZipFile(source) as opened:
            _check(opened, limits)
            _check_texts(opened, limits.texts)
            yield opened
    except (
        zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError,
    ) as error:  # fmt: skip
        raise UnreadableArchiveError("zip_archive_is_broken", error) from error


def _check(opened: zipfile.ZipFile, limits: Limits) -> None:
    entries = opened.infolist()
    if len(entries) > limits.entries:
        raise UnsafeArchiveError("archive_has_too_many_entries", len(entries), limits.entries)
    total = sum(entry.file_size for entry in entries)
    if total > limits.unpacked:
        raise UnsafeArchiveError(
            "archive_unpacks_to_too_many_bytes", f"{total:,}", f"{limits.unpacked:,}"
        )
    for entry in entries:
        _check_entry(entry, limits)


def _check_texts(opened: zipfile.ZipFile, most: int) -> None:
    if _TEXTS not in opened.namelist():
        return
    found, rest = 0, b""
    with opened.open(_TEXTS) as part:
        while chunk := part.read(_RATIO_FROM):
            held = rest + chunk
            whole = held.rfind(b">") + 1
            rest = held[whole:][-_LONGEST_TAG:]
            found += len(_TEXT.findall(held, 0, whole))
            if found > most:
                raise UnsafeArchiveError("cells_have_too_many_different_texts", f"{most:,}")


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise UnsafeArchiveError("entry_name_leaves_archive", repr(entry.filename))
    if entry.flag_bits & 0x1:
        raise UnreadableArchiveError("archive_is_protected_by_password")
    packed = max(entry.compress_size, 1)
    if entry.file_size > _RATIO_FROM and entry.file_size / packed > limits.ratio:
        raise UnsafeArchiveError(
            "entry_unpacks_to_too_many_times_its_size",
            repr(entry.filename),
            entry.file_size // packed,
            limits.ratio,
        )
