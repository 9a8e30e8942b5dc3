"""Opening archives (zip, XLSX) that may be broken or made to fill the disk."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from services_directory.imports.errors import ARCHIVE_REFUSED, UNREADABLE_FILE

MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes that all entries together may have: a workbook of 100,000 rows has about a fifth of it."""
MAX_ENTRIES = 2_000
MAX_RATIO = 200
_RATIO_FROM = 1024 * 1024  # small entries compress oddly and harm nobody


@contextmanager
def archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The open archive, its directory checked; 422 problems for what is broken or a bomb.

    Declared sizes are safe to rely on: `zipfile` never unpacks an entry beyond its declared size.
    """
    try:
        with zipfile.ZipFile(path) as opened:
            _check(opened)
            yield opened
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise UNREADABLE_FILE.because(f"The zip archive is broken: {error}.") from error


def _check(opened: zipfile.ZipFile) -> None:
    entries = opened.infolist()
    if len(entries) > MAX_ENTRIES:
        raise ARCHIVE_REFUSED.because(f"It has {len(entries)} entries; at most {MAX_ENTRIES}.")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_UNPACKED:
        raise ARCHIVE_REFUSED.because(
            f"Unpacked it would have {total:,} bytes; at most {MAX_UNPACKED:,}."
        )
    for entry in entries:
        _check_entry(entry)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise ARCHIVE_REFUSED.because(f"The entry name {entry.filename!r} leaves the archive.")
    if entry.flag_bits & 0x1:
        raise UNREADABLE_FILE.because("The archive is protected by a password.")
    packed = max(entry.compress_size, 1)
    if entry.file_size > _RATIO_FROM and entry.file_size / packed > MAX_RATIO:
        raise ARCHIVE_REFUSED.because(
            f"{entry.filename!r} unpacks to {entry.file_size // packed} times its size;"
            f" at most {MAX_RATIO}."
        )
