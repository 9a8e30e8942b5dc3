"""Slim images still contain every file that runs."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLIM = ROOT / "deploy" / "slim.py"
COMPILED = ("uvloop", "asyncpg", "multidict")
"""Libraries that are compiled in C and carry symbols, and what each is asked below."""
_RUN = """
import asyncio, asyncpg.protocol.protocol, multidict, uvloop
assert all({place!r} in each.__file__ for each in (asyncpg.protocol.protocol, multidict, uvloop))
async def name():
    return type(asyncio.get_running_loop()).__module__
print(uvloop.run(name()), multidict.CIMultiDict(A=1)["a"])
try:
    uvloop.run(asyncpg.connect(host="127.0.0.1", port=1, timeout=5))
except OSError as error:
    print(type(error).__name__)
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    packages = tmp_path / "lib" / "python3.13" / "site-packages"
    for name in COMPILED:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, packages / name)
    for name in ("multidict/tests/test_it.py", "multidict/part.c", "tests/__init__.py"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("# nothing")
    return tmp_path


def slim(environment: Path) -> None:
    subprocess.run([sys.executable, SLIM, environment], check=True, capture_output=True)


def test_what_is_left_runs_as_before(environment: Path) -> None:
    before = sum(each.stat().st_size for each in environment.rglob("*.so"))
    slim(environment)
    packages = environment / "lib" / "python3.13" / "site-packages"
    assert sum(each.stat().st_size for each in environment.rglob("*.so")) < before / 3
    assert not (packages / "multidict" / "tests").exists()
    assert not (packages / "multidict" / "part.c").exists()
    assert (
        packages / "tests"
    ).exists()  # Here `tests` is a top-level package, so slimming keeps it.
    told = subprocess.run(
        [sys.executable, "-c", _RUN.format(place=str(packages))],
        env={"PYTHONPATH": str(packages), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["uvloop", "1", "ConnectionRefusedError"]


def test_what_is_slim_stays_as_it_is(environment: Path) -> None:
    slim(environment)
    once = {file: file.read_bytes() for file in environment.rglob("*") if file.is_file()}
    slim(environment)
    assert {file: file.read_bytes() for file in environment.rglob("*") if file.is_file()} == once


def test_what_is_no_shared_object_of_this_kind_is_left_alone(tmp_path: Path) -> None:
    linked = tmp_path / "libother.so.1"
    linked.write_text("INPUT(libreal.so)")
    slim(tmp_path)
    assert linked.read_text() == "INPUT(libreal.so)"


def test_each_image_is_made_slim_after_all_is_installed() -> None:
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    build = recipe.partition("\nFROM ${BASE}\n")[0]
    *_, last = [line for line in build.splitlines() if line.startswith("RUN ")]
    assert last == "RUN python3 /slim.py /app"
    assert "!deploy/slim.py" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_build_gets_every_file_that_the_recipe_copies() -> None:
    """A file that .dockerignore does not list would stop the build of each image."""
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    lines = [line.split()[1:-1] for line in recipe.splitlines() if line.startswith("COPY ")]
    copied = {place for places in lines if "--from=build" not in places for place in places}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert {"stack", "libs"} <= copied
    assert [place for place in copied if not {place, place.partition("/")[0]} & let] == []
