"""The bundle is one file. An office verifies it before anything in it runs, and installs it without a network."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import minisign  # type: ignore[import-untyped]  # it ships no types
import pytest
from stack.errors import StackError
from stack.operate.supply import signature

from tests.support.leaving_out import left_out

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ruta-0.1.0"
    (made / "wheels").mkdir(parents=True)
    (made / "ruta").write_text("#!/bin/sh\n")
    (made / "ruta").chmod(0o755)
    (made / "wheels" / "a.whl").write_bytes(b"a wheel")
    (made / "wheels" / "b.whl").write_bytes(b"another")
    return made


@pytest.fixture
def key(tmp_path: Path) -> minisign.SecretKey:
    signature.new_key(tmp_path / "release.key")
    return signature.signing_key(tmp_path / "release.key")


@pytest.fixture
def bundle(folder: Path, key: minisign.SecretKey, tmp_path: Path) -> Path:
    file = tmp_path / "ruta.tar"
    signature.seal(folder, file, key, "ruta 0.1.0 for a test")
    return file


def test_what_was_sealed_is_verified_packed_and_unpacked(
    bundle: Path, key: minisign.SecretKey, tmp_path: Path
) -> None:
    trusted = key.get_public_key()
    assert signature.verify(bundle, trusted) == ("ruta 0.1.0 for a test", 3)
    unpacked = _unpack(bundle, tmp_path / "office")
    assert signature.verify(unpacked, trusted)[1] == 3
    assert os.access(unpacked / "ruta", os.X_OK)
    (unpacked / ".venv").mkdir()  # What ./ruta creates there.
    (unpacked / ".venv" / "pyvenv.cfg").write_text("")
    assert signature.verify(unpacked, trusted)[1] == 3


def _unpack(bundle: Path, where: Path) -> Path:
    with tarfile.open(bundle) as tar:
        tar.extractall(where, filter="data")
    (only,) = where.iterdir()
    return only


def _changed(unpacked: Path) -> None:
    (unpacked / "wheels" / "b.whl").write_bytes(b"anothes")


def _added(unpacked: Path) -> None:
    (unpacked / "wheels" / "c.whl").write_bytes(b"one more")


def _removed(unpacked: Path) -> None:
    (unpacked / "wheels" / "a.whl").unlink()


def _linked(unpacked: Path) -> None:
    (unpacked / "wheels" / "a.whl").unlink()
    (unpacked / "wheels" / "a.whl").symlink_to("/etc/passwd")


def _sums_rewritten(unpacked: Path) -> None:
    _changed(unpacked)
    content = (unpacked / "wheels" / "b.whl").read_bytes()
    sums = (unpacked / signature.SUMS).read_text().splitlines()
    digest = hashlib.sha256(content).hexdigest()
    kept = [line for line in sums if not line.endswith("wheels/b.whl")]
    (unpacked / signature.SUMS).write_text("\n".join([*kept, f"{digest}  wheels/b.whl"]) + "\n")


HARMS = [
    (_changed, "wheels/b.whl is damaged or was changed"),
    (_added, "wheels/c.whl is not the file that was signed"),
    (_removed, "wheels/a.whl is missing"),
    (_linked, "is not a regular file"),
    (_sums_rewritten, "not signed with that key"),
]


@pytest.mark.parametrize(("harm", "told"), HARMS)
@pytest.mark.parametrize("packed", [True, False])
def test_whatever_was_done_to_it_is_named(
    bundle: Path,
    key: minisign.SecretKey,
    tmp_path: Path,
    harm: Callable[[Path], None],
    told: str,
    packed: bool,
) -> None:
    unpacked = _unpack(bundle, tmp_path / "office")
    harm(unpacked)
    harmed = unpacked
    if packed:
        harmed = tmp_path / "harmed.tar"
        with tarfile.open(harmed, "w") as tar:
            first = [unpacked / signature.SUMS, unpacked / signature.SIGNATURE]
            rest = [p for p in sorted(unpacked.rglob("*")) if p not in first and not p.is_dir()]
            for path in [*first, *rest]:
                tar.add(path, path.relative_to(unpacked.parent).as_posix())
    with pytest.raises(StackError, match=told):
        signature.verify(harmed, key.get_public_key())


def test_another_key_a_cut_file_and_something_else_are_refused(
    bundle: Path, key: minisign.SecretKey, tmp_path: Path
) -> None:
    other = minisign.KeyPair.generate().public_key
    with pytest.raises(StackError, match="not signed with that key"):
        signature.verify(bundle, other)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(bundle.read_bytes()[:2560])
    with pytest.raises(StackError, match=r"is incomplete|missing"):
        signature.verify(cut, key.get_public_key())
    with tarfile.open(cut, "w") as tar:
        tar.addfile(tarfile.TarInfo("x/readme"), io.BytesIO())
    with pytest.raises(StackError, match="does not begin with SHA256SUMS"):
        signature.verify(cut, key.get_public_key())


def _entry(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
        return made.getvalue()[: tar.offset]


@pytest.mark.parametrize("between", [b"x" * 512, bytes(1024)], ids=["damaged", "ended"])
def test_what_another_program_would_unpack_behind_the_end_is_refused(
    bundle: Path, key: minisign.SecretKey, between: bytes
) -> None:
    with tarfile.open(bundle) as tar:
        ends = max(each.offset_data + (each.size + 511) // 512 * 512 for each in tar)
    more = _entry("ruta-0.1.0/ruta", b"echo theirs\n")
    bundle.write_bytes(bundle.read_bytes()[:ends] + between + more + bytes(10240))
    with pytest.raises(StackError, match="has extra data after its end"):
        signature.verify(bundle, key.get_public_key())


@pytest.mark.parametrize("folder_there", ["ruta-0.0.9", "..", ""])
def test_no_file_of_a_bundle_is_unpacked_into_another_folder(
    bundle: Path, key: minisign.SecretKey, tmp_path: Path, folder_there: str
) -> None:
    """No file of a bundle can overwrite a file in another folder, such as the running version's."""
    moved = tmp_path / "moved.tar"
    with tarfile.open(bundle) as tar, tarfile.open(moved, "w") as other:
        for each in tar:
            content = tar.extractfile(each)
            if each.name.endswith("/ruta"):
                each.name = f"{folder_there}/ruta"
            other.addfile(each, content)
    with pytest.raises(StackError, match="is not a regular file"):
        signature.verify(moved, key.get_public_key())


@pytest.mark.parametrize("page", ["supply.md", "supply.es.md"])
def test_what_an_office_is_told_to_type_notices_a_file_that_nobody_signed(
    bundle: Path, tmp_path: Path, page: str
) -> None:
    """The check detects an added wheel, which no checksum covers and pip would install with the others."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (block,) = [each for each in text.split("```") if "sha256sum --check" in each]
    kept = [line for line in block.strip().splitlines() if not line.startswith("minisign")]
    *typed, last = [line.replace("ruta-0.1.0.tar", "../ruta.tar") for line in kept]
    assert last.startswith("./ruta up")
    told = []
    for number in range(2):
        office = tmp_path / f"office{number}"
        office.mkdir()
        script = "\n".join(["set -e", *typed[:1], *[": >.venv-of-theirs"] * number, *typed[1:]])
        done = subprocess.run(
            ["sh", "-c", script], cwd=office, capture_output=True, text=True, check=False
        )
        told.append((done.returncode, done.stdout + done.stderr))
    assert told[0] == (0, "")
    assert told[1][0] != 0
    assert ".venv-of-theirs" in told[1][1]


@pytest.mark.parametrize("name", ["wheels/own/theirs-1-py3-none-any.whl", "typer.py"])
def test_nothing_is_installed_of_a_bundle_to_which_somebody_added_a_file(
    folder: Path, key: minisign.SecretKey, tmp_path: Path, name: str
) -> None:
    shutil.copy(ROOT / "ruta", folder / "ruta")
    signature.seal(folder, tmp_path / "ruta.tar", key, "told")
    office = _unpack(tmp_path / "ruta.tar", tmp_path / "office")
    (office / name).parent.mkdir(exist_ok=True)
    (office / name).write_bytes(b"theirs")
    own = {"HOME": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(
        [str(office / "ruta"), "--version"], env=own, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{name} is not the file that was signed" in done.stderr
    assert not (office / ".ruta-env").exists()


def test_a_key_is_never_overwritten_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "release.key"
    line = signature.new_key(file)
    assert file.stat().st_mode & 0o077 == 0
    before = file.read_bytes()
    with pytest.raises(StackError, match="never overwritten"):
        signature.new_key(file)
    assert file.read_bytes() == before
    given = (signature.public_key(line), signature.public_key(str(file.with_suffix(".pub"))))
    assert given[0] == given[1] == signature.signing_key(file).get_public_key()
    with pytest.raises(StackError, match="this is not a public key"):
        signature.public_key("RWnonsense")


def test_two_programs_of_every_distribution_check_it_too(bundle: Path, tmp_path: Path) -> None:
    """The check runs before any code of the bundle, because the bundle's own `verify` could report anything that its
    author wants."""
    program = shutil.which("minisign")
    if program is None:
        left_out("no minisign (Debian: minisign)")
    unpacked = _unpack(bundle, tmp_path / "office")
    public = tmp_path / "release.pub"
    commands = (
        [program, "-Vm", signature.SUMS, "-p", str(public)],
        ["sha256sum", "--check", "--quiet", signature.SUMS],
    )
    for command in commands:
        subprocess.run(command, cwd=unpacked, check=True, capture_output=True)
    _changed(unpacked)
    assert subprocess.run(commands[1], cwd=unpacked, check=False).returncode != 0
    _sums_rewritten(unpacked)
    assert subprocess.run(commands[0], cwd=unpacked, check=False).returncode != 0


@pytest.mark.slow
def test_a_key_of_minisign_with_a_password_signs(folder: Path, tmp_path: Path) -> None:
    program = shutil.which("minisign")
    if program is None:
        left_out("no minisign (Debian: minisign)")
    public, secret = tmp_path / "m.pub", tmp_path / "m.key"
    subprocess.run(
        [program, "-G", "-p", str(public), "-s", str(secret)],
        input="once upon\nonce upon\n", text=True, check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(StackError, match="RUTA_BUNDLE_PASSWORD"):
        signature.signing_key(secret)
    with pytest.raises(StackError, match="wrong password"):
        signature.signing_key(secret, "twice")
    signature.seal(folder, tmp_path / "b.tar", signature.signing_key(secret, "once upon"), "told")
    assert signature.verify(tmp_path / "b.tar", signature.public_key(str(public))) == ("told", 3)


@pytest.mark.slow
def test_an_office_without_a_network_installs_it_and_plays_the_demo(tmp_path: Path) -> None:
    """The office follows docs/supply.md in a network namespace that has only loopback."""
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "alone"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        left_out("this machine gives no network of its own (unshare --net)")
    ruta, key, file = str(ROOT / "ruta"), tmp_path / "release.key", tmp_path / "ruta.tar"
    line = _told([ruta, "bundle", "key", str(key)]).strip()
    hand = os.environ.get("RUTA_TEST_WHEELS")  # What was downloaded before.
    more = ["--wheels", hand] if hand else []
    here = os.uname().machine
    _told([ruta, "bundle", "make", str(file), "--key", str(key), "--architecture", here, *more])
    assert "match the signature" in _told(
        [ruta, "bundle", "verify", str(file), "--public-key", line]
    )

    office = _unpack(file, tmp_path / "office")
    data = tmp_path / "data"
    own = {"HOME": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    script = str(office / "ruta")
    try:
        assert "ruta 0.1.0" in _told([*alone, script, "--version"], env=own)
        told = _told([*alone, "sh", "-c", _STORY, "story", script, str(data)], env=own)
        assert "Every step succeeded" in told
        assert "0 findings" in told
    finally:
        subprocess.run([script, "down", "--data", str(data)], env=own, check=False)
    assert "match the signature" in _told(
        [script, "bundle", "verify", str(office), "--public-key", line]
    )


_STORY = """
set -e
"$1" up --detach --data "$2" --port 18999
"$1" demo --load --data "$2"
"$1" audit verify --data "$2"
"$1" down --data "$2"
"""


def _told(command: list[str], env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
