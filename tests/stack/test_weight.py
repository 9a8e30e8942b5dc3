"""The size of the environment is that of the wheels that a machine downloads, according to the lock file. It grows only
by decision."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

LOCK = Path(__file__).parents[2] / "uv.lock"
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(40, 4, -1)] + ["manylinux2014_x86_64"]
TAGS = [
    *cpython_tags((3, 13), platforms=PLATFORMS),
    *compatible_tags((3, 13), interpreter="cp313", platforms=PLATFORMS),
]
MACHINE = {
    "platform_machine": "x86_64", "platform_python_implementation": "CPython",
    "implementation_name": "cpython", "python_full_version": "3.13.5", "python_version": "3.13",
    "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
}  # fmt: skip
MOST = {
    "ruta": 222, "ruta-gateway": 36, "ruta-console": 68, "ruta-referrals": 51,
    "ruta-services-directory": 68, "ruta-reporting": 107, "ruta-drawing": 79, "ruta-stack": 150,
}  # fmt: skip
"""MB of wheels for x86-64 and Python 3.13, some 4 % above what they were when this was written."""
REPLACED = {
    "altair": "reporting/ground/charts/specs.py",
    "babel": "common/words/conventions.py",
    "zstandard": "nothing: the front codes answers with gzip",
    "brotli": "nothing: no answer is coded so",
    "pyarrow": "arro3",
    "pandas": "plain rows",
    "matplotlib": "charts by Vega-Lite",
    "import-linter": "tests/support/house_layers.py: a clone is checked, with the tools of developers",
}


@cache
def locked() -> dict[str, dict[str, Any]]:
    packages = tomllib.loads(LOCK.read_text())["package"]
    return {package["name"]: package for package in packages}


def needed_by(name: str) -> set[str]:
    """Return the packages in an environment of `name`, as deploy/Dockerfile and a machine that runs Ruta install
    them."""
    found: set[str] = set()
    own = (
        ("operations",) if name == "ruta-stack" else locked()[name].get("optional-dependencies", ())
    )
    waiting = [(name, frozenset(own))]
    while waiting:
        each, extras = waiting.pop()
        package = locked()[each]
        asked = list(package.get("dependencies", ()))
        asked += [a for e in extras for a in package.get("optional-dependencies", {}).get(e, ())]
        if each not in found or extras:
            found.add(each)
            waiting += [
                (a["name"], frozenset(a.get("extra", ())))
                for a in asked
                if "marker" not in a or Marker(a["marker"]).evaluate(MACHINE)
            ]
    return found


def size(name: str) -> int:
    """Return the size of this machine's wheel, or 0 for our own packages."""
    by_tag: dict[Tag, int] = {}
    for wheel in locked()[name].get("wheels", ()):
        *_, tags = parse_wheel_filename(wheel["url"].rpartition("/")[2])
        by_tag |= dict.fromkeys(tags, wheel.get("size", 0))
    return next((by_tag[tag] for tag in TAGS if tag in by_tag), 0)


@pytest.mark.parametrize("name", MOST)
def test_no_environment_grows_unnoticed(name: str) -> None:
    sizes = sorted(((size(each), each) for each in needed_by(name)), reverse=True)
    total = sum(each for each, _ in sizes) / 1e6
    heaviest = ", ".join(f"{each} {megabytes / 1e6:.1f}" for megabytes, each in sizes[:12])
    assert total <= MOST[name], (
        f"{name} fetches {total:.1f} MB of wheels: is there a lighter way? ({heaviest});"
        " if not, say why in docs/decisions and raise it here"
    )
    assert total > 0.8 * MOST[name], f"it is lighter now, {total:.1f} MB: lower the bound here"


@pytest.mark.parametrize("name", REPLACED)
def test_what_was_replaced_does_not_come_back(name: str) -> None:
    assert name not in needed_by("ruta"), f"there is a lighter way: {REPLACED[name]}"


def test_the_size_of_everything_is_known() -> None:
    assert [
        n for n in needed_by("ruta") if "registry" in locked()[n]["source"] and not size(n)
    ] == []


def test_extras_and_other_systems_are_told_apart() -> None:
    assert "greenlet" in needed_by("ruta-gateway")  # An extra of SQLAlchemy requires it.
    assert "colorama" not in needed_by("ruta")
