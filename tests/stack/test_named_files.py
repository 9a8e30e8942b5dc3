"""Every file that a page names exists."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.reference import ROOT

PAGES = [
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/decisions").glob("*.md")),
]
FOLDERS = (
    "libs",
    "stack",
    "gateway",
    "services",
    "tests",
    "drills",
    "docs",
    "deploy",
    "benchmarks",
)
_FILE = re.compile(r"(?<![\w./{}…*-])([\w.-]+/)+[\w.-]+\.(?:py|csv|json|md|toml|html|yaml)\b")
_WITHOUT_FOLDER = re.compile(r"`([\w-]+\.(?:py|csv|toml))`")

_WRITTEN = re.compile(r"^\./ruta .* > (\S+)$", re.MULTILINE)
"""What a command of the page makes."""
_OF_A_STACK = {"postgres/passwords.json", "keys/referrals-kek.json", ".ruta/clients.json"}
"""In a data directory, not in the project."""


@cache
def files() -> str:
    """Return all file paths, one per line and after a slash, because pages name only the end of a path."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*"))
    return "\n".join(f"/{path.relative_to(ROOT)}" for path in (*found, *ROOT.glob("*.toml"))) + "\n"


def missing(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    named = {match[0] for match in _FILE.finditer(text)} - set(_WRITTEN.findall(text))
    if page.name == "CONTRIBUTING.md":
        named |= set(_WITHOUT_FOLDER.findall(text))
    return {
        name
        for name in named - _OF_A_STACK
        if f"/{name}\n" not in files() and not (page.parent / name).exists()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    assert missing(page) == set()


def test_a_file_that_moved_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "CONTRIBUTING.md"
    page.write_text("See `referrals/lifecycle.py`, `referrals/life_cycle.py` and `nowhere.py`.")
    assert missing(page) == {"referrals/life_cycle.py", "nowhere.py"}
