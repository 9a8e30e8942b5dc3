"""A sealed archive: files in a tar, encrypted in chunks, so that any size needs little memory.

Each chunk uses AES-256-GCM, with its number and an end mark as authenticated context. A chunk that was changed, moved,
removed or truncated therefore does not open.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from common.crypto import CannotOpen, open_sealed, seal

from stack.errors import StackError

MAGIC = b"RUTA-BACKUP-1\n"
_CHUNK = 1 << 20
_LENGTH_BYTES = 4


class SealingWriter(io.RawIOBase):
    """A file object that seals everything written to it."""

    def __init__(self, target: BinaryIO, key: bytes, kind: str) -> None:
        self._target = target
        self._key = key
        self._kind = kind
        self._pending = bytearray()
        self._number = 0
        target.write(MAGIC)

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        written = bytes(content)  # type: ignore[call-overload]  # any buffer, as tarfile hands over
        self._pending += written
        while len(self._pending) > _CHUNK:
            self._emit(bytes(self._pending[:_CHUNK]), last=False)
            del self._pending[:_CHUNK]
        return len(written)

    def finish(self) -> None:
        self._emit(bytes(self._pending), last=True)
        self._pending.clear()

    def _emit(self, content: bytes, *, last: bool) -> None:
        sealed = seal(self._key, content, _context(self._kind, self._number, last=last))
        self._target.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        self._number += 1


def opened(source: BinaryIO, key: bytes, kind: str) -> Iterator[bytes]:
    """Yield the decrypted chunks. Raise StackError if the key is wrong or anything was changed."""
    if source.read(len(MAGIC)) != MAGIC:
        raise StackError("this is not a backup of Ruta")
    number = 0
    current = _next(source)
    while current is not None:
        following = _next(source)
        try:
            yield open_sealed(key, current, _context(kind, number, last=following is None))
        except CannotOpen:
            raise StackError(
                "the backup cannot be opened: the key is wrong, or the backup was changed"
            ) from None
        number += 1
        current = following
    if number == 0:
        raise StackError("the backup is empty")


def write_archive(folder: Path, target: Path, key: bytes, kind: str) -> None:
    """Seal all files in `folder`. `target` appears only when it is complete and verified. A partial archive is removed,
    so that the disk has room for the next archive."""
    draft = target.with_name(target.name + ".new")
    try:
        with draft.open("wb") as out:
            writer = SealingWriter(out, key, kind)
            with tarfile.open(fileobj=writer, mode="w|") as archive:
                archive.add(folder, arcname=".")
            writer.finish()
        draft.chmod(0o600)
        if _names(draft, key, kind) != {path.name for path in folder.rglob("*") if path.is_file()}:
            raise StackError("{target} could not be verified after writing", target=target)
        draft.replace(target)
    except OSError as error:
        raise StackError(
            "{target} could not be written ({why}), so there is no usable backup. Free some space there, then try again",
            target=target,
            why=error.strerror,
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def read_archive(source: Path, folder: Path, key: bytes, kind: str) -> None:
    with source.open("rb") as sealed:
        stream = _Stream(opened(sealed, key, kind))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            archive.extractall(folder, filter="data")
        stream.drain()


class _Stream(io.RawIOBase):
    """A sequence of chunks as a file object for tarfile."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._left += chunk
        taken = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(taken) :]
        return taken

    def drain(self) -> None:
        """Read to the end, to detect a missing tail even after the last file."""
        for _ in self._chunks:
            pass


def _names(source: Path, key: bytes, kind: str) -> set[str]:
    with source.open("rb") as sealed:
        stream = _Stream(opened(sealed, key, kind))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            names = {Path(member.name).name for member in archive if member.isfile()}
        stream.drain()
        return names


def _next(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    return source.read(int.from_bytes(head, "big"))


def _context(kind: str, number: int, *, last: bool) -> bytes:
    return f"{kind}:{number}:{'last' if last else 'more'}".encode()
