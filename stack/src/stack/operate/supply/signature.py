"""One tar file whose every byte is vouched for: checksums of all files, signed as minisign does.

Without Ruta it is checked by two programs that distributions have: `minisign -Vm SHA256SUMS`, then
`sha256sum -c SHA256SUMS`. Here it is read without unpacking anything, and what is not listed is refused.
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
_MOST = 16 << 20  # more than any list of checksums


def new_key(path: Path) -> str:
    """A signing key without a password in `path`, for its owner only; the public key as one line."""
    if path.exists():
        raise StackError(
            "{path} is there already: a key that signed a bundle is never overwritten", path=path
        )
    pair = minisign.KeyPair.generate()
    write_private(path, bytes(pair.secret_key) + b"\n")
    path.with_suffix(".pub").write_bytes(bytes(pair.public_key) + b"\n")
    return str(pair.public_key.to_base64(), "ascii")


def signing_key(path: Path, password: str | None = None) -> minisign.SecretKey:
    """One of ours, or of `minisign -G`; StackError if it cannot be used."""
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
    """A file, or the line of 56 characters itself."""
    try:
        if Path(given).is_file():
            return minisign.PublicKey.from_file(given)
        return minisign.PublicKey.from_base64(given)
    except (minisign.Error, ValueError) as error:
        raise StackError(
            "no public key: a file .pub, or its second line, which begins with RW"
        ) from error


def seal(folder: Path, file: Path, key: minisign.SecretKey, told: str) -> None:
    """Pack `folder` into `file`; `told` is signed along: which release this is, for which machines."""
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
    """What its maker signed along, and how many files it holds; StackError names the first wrong one.

    `bundle` is the file, or the folder that it was unpacked into.
    """
    parts = _in_folder(bundle) if bundle.is_dir() else _in_tar(bundle)
    sums, signature = _head(parts)
    try:
        told = minisign.Signature.from_bytes(signature)
        trusted.verify(sums, told)
    except (minisign.Error, ValueError) as error:
        raise StackError(
            "{bundle}: not signed by that key ({error})", bundle=bundle, error=error
        ) from error
    lines = [line.partition("  ") for line in sums.decode().splitlines()]
    expected = {name: digest for digest, _, name in lines}
    left = dict(expected)
    for name, content in parts:
        digest = left.pop(name, None)
        if digest is None:
            raise StackError(
                "{bundle}: {name} is not what was signed: remove the bundle",
                bundle=bundle,
                name=name,
            )
        if _digest(content) != digest:
            raise StackError(
                "{bundle}: {name} is damaged or was changed: fetch the bundle again",
                bundle=bundle,
                name=name,
            )
    if left:
        raise StackError(
            "{bundle}: {name} is missing: fetch the bundle again", bundle=bundle, name=min(left)
        )
    return told.trusted_comment, len(expected)


Parts = Iterator[tuple[str, IO[bytes]]]


def _head(parts: Parts) -> tuple[bytes, bytes]:
    """The first two entries, whatever else there is."""
    found = []
    for expected in (SUMS, SIGNATURE):
        name, content = next(parts, ("", io.BytesIO()))
        if name != expected:
            raise StackError(
                "no bundle of Ruta: it does not begin with {expected}", expected=expected
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
                    # Neither links nor devices, and one folder: unpacked files stay in it.
                    raise StackError("{file}: {name} is no plain file", file=file, name=entry.name)
                yield name, content
            _nothing_follows(file, tar)
    except (tarfile.TarError, EOFError) as error:
        raise StackError(
            "{file}: not whole, or no bundle ({error})", file=file, error=error
        ) from error


def _nothing_follows(file: Path, tar: tarfile.TarFile) -> None:
    """What Python reads a tar to the end of may go on for another program: GNU tar looks for the next header
    behind one that is damaged, and unpacks what follows."""
    rest = tar.fileobj
    assert rest is not None  # noqa: S101 - it is open
    rest.seek(tar.offset)
    while block := rest.read(_BLOCK):
        if block.strip(b"\0"):
            raise StackError("{file}: more follows after its end: remove the bundle", file=file)


def _in_folder(folder: Path) -> Parts:
    """Files that `./ruta` makes beside those of the bundle."""
    own = {".venv", ".ruta", ".ruta-env", ".ruta-small", "__pycache__"}
    head = [folder / SUMS, folder / SIGNATURE]
    rest = sorted(
        path
        for path in folder.rglob("*")
        if path not in head and not own & set(path.relative_to(folder).parts)
    )
    for path in [*(path for path in head if path.is_file()), *rest]:
        if path.is_symlink():
            raise StackError("{path} is no plain file", path=path)
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
