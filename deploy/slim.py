"""Removes everything that no program runs from an installed environment: python slim.py FOLDER

Libraries include their own tests, the sources of their compiled parts, and debug symbols, which make up a third of an
image. The loaded part of a shared object stays the same byte by byte. The script removes only the part after its last
segment, with the table that would locate that part.
"""

import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

NOT_RUN = frozenset({".a", ".c", ".cpp", ".h", ".hpp", ".map", ".pxd", ".pyi", ".pyx"})
# pyxform calls this validator, with Java, only to validate its own output.
NAMED = ("pyxform/validators/odk_validate/bin",)
TESTS = frozenset({"test", "tests"})
_ELF64_LITTLE = b"\x7fELF\x02\x01"
_HEAD = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOADED = 1


def slim(folder: Path) -> int:
    """Remove the unused files; return the number of bytes removed."""
    before = _size(folder)
    for packages in folder.glob("lib/python*/site-packages"):
        for name in NAMED:
            shutil.rmtree(packages / name, ignore_errors=True)
        for tests in list(_tests(packages)):
            shutil.rmtree(tests, ignore_errors=True)
    for file in _files(folder):
        if file.suffix in NOT_RUN:
            file.unlink()
        elif ".so" in file.suffixes:
            strip(file)
    return before - _size(folder)


def strip(file: Path) -> None:
    """Cut a shared object after its last loaded byte."""
    content = file.read_bytes()
    if not content.startswith(_ELF64_LITTLE):
        return
    head = list(_HEAD.unpack_from(content))
    first, size, number = head[5], head[9], head[10]
    segments = [_SEGMENT.unpack_from(content, first + size * each) for each in range(number)]
    end = max(offset + length for kind, _, offset, _, _, length, *_ in segments if kind == _LOADED)
    head[6], head[12], head[13] = 0, 0, 0  # no table of sections
    file.write_bytes(_HEAD.pack(*head) + content[_HEAD.size : max(end, first + size * number)])


def _tests(packages: Path) -> Iterator[Path]:
    """Yield the test folders of libraries, except a top-level package with such a name."""
    for folder in packages.glob("*/**/"):
        if folder.name in TESTS and folder.parent != packages:
            yield folder


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()]


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in _files(folder))


if __name__ == "__main__":
    environment = Path(sys.argv[1])
    sys.stdout.write(f"{environment}: {slim(environment) / 1e6:.0f} MB taken out\n")
