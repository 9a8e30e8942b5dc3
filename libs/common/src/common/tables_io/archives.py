"""Opening archives (zip, XLSX) that may be broken or made to fill the disk."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

_RATIO_FROM = 1024 * 1024  # small entries compress oddly and harm nobody


class UnreadableArchiveError(Exception):
    """It is broken or protected; the text says how."""


class UnsafeArchiveError(Exception):
    """It is not what an honest sender packs; the text says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`unpacked`: bytes that all entries together may have; `ratio`: of one entry, to its packed
    size."""

    unpacked: int = 512 * 1024 * 1024
    entries: int = 2_000
    ratio: int = 200


_USUAL = Limits()

WORKBOOK_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    SyntaxError,  # what the XML parser raises
    OSError,
    NotImplementedError,  # an encrypted or oddly packed part
    RecursionError,
)
"""What openpyxl lets through, beside its own `InvalidFileException`, when a part of a workbook is
missing, cut or not what it says."""


@contextmanager
def archive(source: IO[bytes] | str, limits: Limits = _USUAL) -> Iterator[zipfile.ZipFile]:
    """The open archive, its directory checked.

    Declared sizes are safe to rely on: `zipfile` never unpacks an entry beyond its declared size.
    """
    try:
        with zipfile.ZipFile(source) as opened:
            _check(opened, limits)
            yield opened
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise UnreadableArchiveError(f"The zip archive is broken: {error}.") from error


def _check(opened: zipfile.ZipFile, limits: Limits) -> None:
    entries = opened.infolist()
    if len(entries) > limits.entries:
        raise UnsafeArchiveError(f"It has {len(entries)} entries; at most {limits.entries}.")
    total = sum(entry.file_size for entry in entries)
    if total > limits.unpacked:
        raise UnsafeArchiveError(
            f"Unpacked it would have {total:,} bytes; at most {limits.unpacked:,}."
        )
    for entry in entries:
        _check_entry(entry, limits)


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise UnsafeArchiveError(f"The entry name {entry.filename!r} leaves the archive.")
    if entry.flag_bits & 0x1:
        raise UnreadableArchiveError("The archive is protected by a password.")
    packed = max(entry.compress_size, 1)
    if entry.file_size > _RATIO_FROM and entry.file_size / packed > limits.ratio:
        raise UnsafeArchiveError(
            f"{entry.filename!r} unpacks to {entry.file_size // packed} times its size;"
            f" at most {limits.ratio}."
        )
