"""A tar file with checksums of all its files, signed in minisign's format.

Two common programs verify it without Ruta: `minisign -Vm SHA256SUMS`, then `sha256sum -c SHA256SUMS`. This module
verifies it without unpacking, and refuses unlisted content.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import minisign  # type: ignore[import-untyped]  # it ships no types

from stack.errors import StackError
from stack.private_files import write_private

SUMS = "SHA256SUMS"
SIGNATURE = f"{SUMS}.minisig"
_BLOCK = 1 << 20
_MOST = 16 << 20  # larger than any list of checksums


def new_key(path: Path) -> str:
    """Create a signing key without a password in `path`, readable only by its owner. Return the public key as one
    line."""
    if path.exists():
        raise StackError(
            "{path} already exists: a key that signed a bundle is never overwritten", path=path
        )
    pair = minisign.KeyPair.generate()
    write_private(path, bytes(pair.secret_key) + b"\n")
    path.with_suffix(".pub").write_bytes(bytes(pair.public_key) + b"\n")
    return str(pair.public_key.to_base64(), "ascii")


def signing_key(path: Path, password: str | None = None) -> minisign.SecretKey:
    """Read a signing key that Ruta or `minisign -G` created. Raise StackError if it is unusable."""
    try:
        key = minisign.SecretKey.from_file(path)
        if key.is_encrypted():
            if not password:
                raise StackError("{path} has a password: set RUTA_BUNDLE_PASSWORD", path=path)
            key.decrypt(password)
    except minisign.Error as error:
        raise StackError.passed_on(f"{path}: {error}") from error
    return key


def public_key(given: str) -> minisign.PublicKey:
    """Read a public key from a file or from its line of 56 characters."""
    try:
        if Path(given).is_file():
            return minisign.PublicKey.from_file(given)
        return minisign.PublicKey.from_base64(given)
    except (minisign.Error, ValueError) as error:
        raise StackError(
            "this is not a public key: give a .pub file or its second line, which begins with RW"
        ) from error


def seal(folder: Path, file: Path, key: minisign.SecretKey, told: str) -> None:
    """Pack `folder` into `file`. The signature also covers `told`, which contains the release and its architectures."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    lines = [f"{_digest_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    sums = "".join(lines).encode()
    signature = bytes(key.sign(sums, trusted_comment=told)) + b"\n"
    partial = file.with_name(f"{file.name}.partial")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in ((SUMS, sums), (SIGNATURE, signature)):
            entry = tarfile.TarInfo(f"{folder.name}/{name}")
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
        for path in files:
            tar.add(path, f"{folder.name}/{path.relative_to(folder).as_posix()}", recursive=False)
    partial.replace(file)


def verify(bundle: Path, trusted: minisign.PublicKey) -> tuple[str, int]:
    """Verify a bundle. Return its signed comment and the number of its files. Raise a StackError that names the first
    invalid file. `bundle` is the file, or the folder into which it was unpacked."""
    parts = _in_folder(bundle) if bundle.is_dir() else _in_tar(bundle)
    sums, signature = _head(parts)
    try:
        told = minisign.Signature.from_bytes(signature)
        trusted.verify(sums, told)
    except (minisign.Error, ValueError) as error:
        raise StackError(
            "{bundle} was not signed with that key ({error})", bundle=bundle, error=error
        ) from error
    lines = [line.partition("  ") for line in sums.decode().splitlines()]
    expected = {name: digest for digest, _, name in lines}
    left = dict(expected)
    for name, content in parts:
        digest = left.pop(name, None)
        if digest is None:
            raise StackError(
                "{bundle}: {name} is not the file that was signed. Remove the bundle",
                bundle=bundle,
                name=name,
            )
        if _digest(content) != digest:
            raise StackError(
                "{bundle}: {name} is damaged or was changed. Download the bundle again",
                bundle=bundle,
                name=name,
            )
    if left:
        raise StackError(
            "{bundle}: {name} is missing. Download the bundle again", bundle=bundle, name=min(left)
        )
    return told.trusted_comment, len(expected)


Parts = Iterator[tuple[str, IO[bytes]]]


def _head(parts: Parts) -> tuple[bytes, bytes]:
    """Return the first two entries without reading any others."""
    found = []
    for expected in (SUMS, SIGNATURE):
        name, content = next(parts, ("", io.BytesIO()))
        if name != expected:
            raise StackError(
                "this is not a bundle of Ruta: it does not begin with {expected}", expected=expected
            )
        found.append(content.read(_MOST))
    return found[0], found[1]


def _in_tar(file: Path) -> Parts:
    try:
        with tarfile.open(file) as tar:
            whole = ""
            for entry in tar:
                folder, _, name = entry.name.partition("/")
                whole = whole or folder
                content = tar.extractfile(entry) if entry.isreg() else None
                if content is None or folder != whole or folder in ("", ".", ".."):
                    # Refuse links and devices, and allow only one folder, so that unpacking cannot write elsewhere.
                    raise StackError(
                        "{file}: {name} is not a regular file", file=file, name=entry.name
                    )
                yield name, content
            _nothing_follows(file, tar)
    except (tarfile.TarError, EOFError) as error:
        raise StackError(
            "{file} is incomplete or is not a bundle ({error})", file=file, error=error
        ) from error


def _nothing_follows(file: Path, tar: tarfile.TarFile) -> None:
    """Refuse data after the end of the tar. Other programs may continue where Python stops: after a damaged header, GNU
    tar looks for the next one and unpacks the entries that follow."""
    rest = tar.fileobj
    assert rest is not None  # noqa: S101 - it is open
    rest.seek(tar.offset)
    while block := rest.read(_BLOCK):
        if block.strip(b"\0"):
            raise StackError("{file} has extra data after its end. Remove the bundle", file=file)


def _in_folder(folder: Path) -> Parts:
    """Yield the files of an unpacked bundle, except those that `./ruta` itself creates."""
    own = {".venv", ".ruta", ".ruta-env", ".ruta-small", "__pycache__"}
    head = [folder / SUMS, folder / SIGNATURE]
    rest = sorted(
        path
        for path in folder.rglob("*")
        if path not in head and not own & set(path.relative_to(folder).parts)
    )
    for path in [*(path for path in head if path.is_file()), *rest]:
        if path.is_symlink():
            raise StackError("{path} is not a regular file", path=path)
        if path.is_file():
            with path.open("rb") as content:
                yield path.relative_to(folder).as_posix(), content


def _digest_of(path: Path) -> str:
    with path.open("rb") as content:
        return _digest(content)


def _digest(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := content.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
