"""Decisions are short and have plain titles, and every cited number exists."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.reference import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("0*.md"))
_NAMED = re.compile(r"(?:decisions?/|decisions? |decisión )(0\d{3})\b|\((0[0-2]\d{2})\)")
_WITHOUT_NOUN = re.compile(r"(What|Who|Whoever|Whose|That|How)\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_decision_is_a_page_with_a_plain_title(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    number, _, title = text.partition("\n")[0].removeprefix("# ").partition(" ")
    assert page.name.startswith(f"{number}-")
    assert title
    assert not _WITHOUT_NOUN.match(title), "name the decision as a command"
    assert len(title.split()) <= 16
    assert "**Why.**" in text
    assert len(text.split()) <= 200


def test_no_number_is_used_twice() -> None:
    numbers = [page.name[:4] for page in PAGES]
    assert len(set(numbers)) == len(numbers) > 40


def test_every_decision_that_is_named_exists() -> None:
    numbers = {page.name[:4] for page in PAGES}
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "*.py", "*.toml", "*.yaml"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    found = {
        f"{name}: {number}"
        for name in listed
        if (ROOT / name).is_file()
        for match in _NAMED.finditer((ROOT / name).read_text(encoding="utf-8"))
        for number in match.groups()
        if number and number not in numbers
    }
    assert found == set()
