"""Every `./ruta …` that a page shows can be typed: commands and options exist."""

import re
import shlex
from pathlib import Path

import pytest
import stack.cli
from typer.testing import CliRunner

from tests.support.reference import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "deploy/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
GUIDES = ("im-guide", "partner-guide", "data-exchange", "screening")
_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def shown(text: str) -> list[str]:
    """The lines of the page's blocks that begin with `./ruta`, continued lines joined."""
    lines = "\n".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("./ruta ")]


def usage(line: str) -> str:
    """The command's whole name, as its own help prints it. AssertionError: it can't be typed so.

    The help comes after the options were read, so an unknown command or option is noticed.
    """
    words = shlex.split(re.split(r"\s[|>&#;]|;", line)[0], comments=True)[1:]
    # An ellipsis stands for more of the same.
    words = [word for word in words if word not in {"…", "..."}]
    answer = CliRunner().invoke(stack.cli.app, [*words, "--help"])
    assert answer.exit_code == 0, f"{line}: {answer.output}"
    found = re.search(r"Usage: (?:root )?(.*?)(?: \[OPTIONS\]|$)", answer.output, re.MULTILINE)
    # Commands that pass everything on (`faults`, `test`) print somebody else's help.
    return found[1] if found else words[0]


@pytest.fixture(scope="module", autouse=True)
def mounted() -> None:
    stack.cli._mount()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_can_be_typed(page: Path) -> None:
    for line in shown(page.read_text()):
        usage(line)


@pytest.mark.parametrize("guide", GUIDES)
def test_both_languages_show_the_same_commands(guide: str) -> None:
    docs = ROOT / "docs"
    spanish, english = (
        [usage(line) for line in shown((docs / name).read_text())]
        for name in (f"{guide}.es.md", f"{guide}.md")
    )
    assert spanish == english
