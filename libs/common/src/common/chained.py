"""Append-only lists outside the database. Each line is signed and linked to the previous one. Anybody with a copy can
read it but cannot change it undetected. The caller decides what a line contains."""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from common.words.command_texts import Worded

_BLOCK = 65_536


class BrokenList(Worded):
    """A list was edited, truncated in the middle, or signed with another key. The message gives the position."""


@dataclass(frozen=True)
class Head:
    """The end of a list: the number, digest and time of its last line. An empty list has the number 0."""

    number: int = 0
    digest: str = ""
    at: str = ""


@dataclass(frozen=True)
class Chained:
    """A verified list; `lines` contains the content of each line."""

    lines: tuple[Mapping[str, Any], ...] = ()
    digests: tuple[str, ...] = ()
    head: Head = Head()

    def reaches(self, other: Head) -> bool:
        """Return whether this list equals or extends `other`."""
        if other.number == 0:
            return True
        return self.head.number >= other.number and self.digests[other.number - 1] == other.digest


class Signer:
    """Signs lines with a key that is derived for one purpose from a secret of the installation. A line contains
    `number`, `previous` and the fields listed in `said`, which include `at`."""

    def __init__(self, secret: bytes, use: bytes, said: Sequence[str]) -> None:
        seed = HKDF(hashes.SHA256(), 32, salt=None, info=use).derive(secret)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._names = ("number", *said, "previous")

    def line(self, number: int, said: Mapping[str, Any], previous: str) -> str:
        known = {"number": number, **said, "previous": previous}
        body = {name: known[name] for name in self._names}
        signature = base64.b64encode(self._key.sign(_bytes(body))).decode()
        return json.dumps({**body, "signature": signature}, separators=(",", ":"))

    def check(self, line: dict[str, Any]) -> None:
        """Verify a line. Raise InvalidSignature, or KeyError or a similar error for a malformed line."""
        body = {name: line[name] for name in self._names}
        self._key.public_key().verify(base64.b64decode(line["signature"]), _bytes(body))


def read(path: Path, signer: Signer) -> Chained:
    """Read and verify the whole list. A missing file is an empty list. An incomplete last line is ignored: its writer
    was killed, and the next writer overwrites it."""
    lines: list[dict[str, Any]] = []
    digests: list[str] = []
    head = Head()
    for number, text in enumerate(_whole_lines(path), start=1):
        try:
            line = json.loads(text)
            signer.check(line)
        except (ValueError, KeyError, TypeError, InvalidSignature) as error:
            raise BrokenList(
                "{path}: line {number} was edited or was not written by Ruta",
                path=path,
                number=number,
            ) from error
        if line["number"] != number or line["previous"] != head.digest:
            raise BrokenList(
                "{path}: line {number} does not follow the line before it", path=path, number=number
            )
        lines.append(line)
        head = Head(number, hashlib.sha256(text.encode()).hexdigest(), str(line["at"]))
        digests.append(head.digest)
    return Chained(tuple(lines), tuple(digests), head)


def latest(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Return the lines in the last 64 KiB without verifying them. A caller that applies the list must read all of
    it."""
    if not path.exists():
        return ()
    with path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - _BLOCK)
        file.seek(start)
        whole = file.read().rpartition(b"\n")[0].decode(errors="replace").splitlines()
    try:
        return tuple(json.loads(text) for text in whole[1 if start else 0 :])
    except ValueError as error:
        raise BrokenList("{path}: one of the last lines cannot be read", path=path) from error


def append(path: Path, signer: Signer, said: Iterable[Mapping[str, Any]]) -> Head:
    """Append these lines after the last complete line. They are on disk when the function returns. Raise BrokenList if
    the list is damaged."""
    size, last = last_line(path)
    head = _head(path, last, signer)
    lines = []
    for each in said:
        text = signer.line(head.number + 1, each, head.digest)
        head = Head(head.number + 1, hashlib.sha256(text.encode()).hexdigest(), str(each["at"]))
        lines.append(text + "\n")
    if lines:
        _write_after(path, size, "".join(lines).encode())
    return head


def carry(path: Path, places: Sequence[Path]) -> list[Path]:
    """Extend the copies of the list in other places, and return the places that could not be reached. A copy only ever
    grows. If a copy is not a prefix of the list, raise BrokenList and change nothing."""
    unreachable = []
    content = b"".join(text.encode() + b"\n" for text in _whole_lines(path))
    for place in places:
        try:
            there, _ = last_line(place)
            if place.exists() and place.read_bytes()[:there] != content[:there]:
                raise BrokenList("{place} is not a copy of {path}", place=place, path=path)
            if there < len(content):
                _write_after(place, there, content[there:])
        except OSError:
            unreachable.append(place)
    return unreachable


def places_of(text: str) -> list[Path]:
    """Parse the setting that lists second places, which are folders separated by commas."""
    return [Path(part.strip()) for part in text.split(",") if part.strip()]


def longer_copies(path: Path, places: Sequence[Path]) -> list[Path]:
    """Return copies that are longer than the list here. In that case, the list here is lost or truncated, because every
    line is written here first."""
    copies = [copy for place in places if (copy := place / path.name).exists()]
    # Read the copies first, then our list, because somebody may append a line in the meantime
    sizes = [copy.stat().st_size for copy in copies]
    here = path.stat().st_size if path.exists() else 0
    return [copy for copy, size in zip(copies, sizes, strict=True) if size > here]


def put_back_if_lost(path: Path, places: Sequence[Path], signer: Signer) -> bool:
    """Restore the list from a second place if it is missing or truncated here. This happens when the machine's disk was
    reset to an older state, so that later lines exist only in the copy. The caller prevents concurrent appends."""
    for copy in longer_copies(path, places):
        if _goes_on(copy, path, signer):
            replace(path, copy.read_bytes())
            return True
    return False


def _goes_on(copy: Path, path: Path, signer: Signer) -> bool:
    """Return whether a longer copy extends this list."""
    try:
        return read(copy, signer).reaches(read(path, signer).head)
    except BrokenList:
        return False


def carry_all(files: Sequence[Path], places: Sequence[Path]) -> dict[Path, str]:
    """Extend the copies of all files in all second places. Return the places that failed, with the reason. A place is a
    mounted folder, and this function never creates it."""
    left = {place: "it is missing" for place in places if not place.is_dir()}
    for place in places:
        for file in files if place not in left else ():
            try:
                if file.exists() and carry(file, [place / file.name]):
                    left[place] = "cannot be written"
            except BrokenList as error:
                left[place] = f"{error}: one of both was put back or exchanged"
    return left


def replace(path: Path, content: bytes) -> None:
    """Replace a file atomically. Otherwise, a full disk could leave half of a list, which would look like a shorter
    list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write_after(fresh, 0, content)
    fresh.replace(path)


def _bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _whole_lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    return path.read_bytes()[: last_line(path)[0]].decode(errors="replace").splitlines()


def end_of(path: Path, signer: Signer) -> Head:
    """Return the end of the list by reading only its last line."""
    return _head(path, last_line(path)[1], signer)


def _head(path: Path, last: str, signer: Signer) -> Head:
    if not last:
        return Head()
    try:
        line = json.loads(last)
        signer.check(line)
    except (ValueError, KeyError, TypeError, InvalidSignature) as error:
        raise BrokenList(
            "{path}: the last line was edited or was not written by Ruta", path=path
        ) from error
    digest = hashlib.sha256(last.encode()).hexdigest()
    return Head(int(line["number"]), digest, str(line["at"]))


def last_line(path: Path) -> tuple[int, str]:
    """Return the total length of all complete lines in bytes, and the last complete line (empty if there is none). This
    reads only the end of the file, because the file grows for years."""
    if not path.exists():
        return 0, ""
    with path.open("rb") as file:
        start = size = file.seek(0, os.SEEK_END)
        tail = b""
        while start > 0 and tail.count(b"\n") < 2:
            step = min(_BLOCK, start)
            start = file.seek(start - step)
            tail = file.read(step) + tail
    whole, _, torn = tail.rpartition(b"\n")
    return size - len(torn), whole.rsplit(b"\n", 1)[-1].decode(errors="replace")


def _write_after(path: Path, size: int, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
