"""Every `./ruta …`, `deploy/…` and `kubectl …` on a page is a valid command with valid options."""

import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import stack.cli
from typer.testing import CliRunner

from tests.support.leaving_out import left_out
from tests.support.reference import ROOT

pytestmark = pytest.mark.laborious

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "deploy/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
GUIDES = ("k3s", "operate", "partner-guide", "screening")
_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`(\./ruta [^`\n]+|deploy/[a-z-]+ [^`\n]+)`")


def shown(text: str, first: str = "./ruta") -> list[str]:
    """Return the lines that begin with this word in the page's code blocks, with continued lines joined."""
    lines = "\n".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if re.match(rf"\s*{first}(?=\s)", line)]


def told(text: str) -> list[str]:
    """Return the commands in sentences, without those that forward everything to a test program. Brackets mark optional
    parts."""
    spans = (re.sub(r"[\[\]]", "", span) for span in _SPAN.findall(_BLOCK.sub("", text)))
    return [span for span in spans if not re.match(r"\./ruta (faults|mutations|test)\b", span)]


def script_takes(line: str) -> bool:
    """Return whether a script in `deploy/` accepts the word after its name."""
    name, *words = shlex.split(re.split(r"\s[|>&#;]|;", line)[0], comments=True)
    script = ROOT / name
    if not os.access(script, os.X_OK):
        return False
    cases = script.read_text().partition('case "$what" in')[2]
    known = {word for label in re.findall(r"^  ([a-z| -]+)\)", cases, re.MULTILINE)
             for word in label.split(" | ")}  # fmt: skip
    return not words or words[0] in known


@cache
def usage(line: str) -> str:
    """Return the command's full name from its own help. Raise AssertionError if the command is invalid.

    Pages in both languages show the same lines. The program parses the options before it prints the help, so the test
    detects an unknown option.
    """
    words = shlex.split(re.split(r"\s[|>&#;]|;", line)[0], comments=True)[1:]
    # An ellipsis stands for more of the same.
    words = [word for word in words if word not in {"…", "..."}]
    answer = CliRunner().invoke(stack.cli.app, [*words, "--help"])
    assert answer.exit_code == 0, f"{line}: {answer.output}"
    found = re.search(r"Usage: (?:root )?(.*?)(?: \[OPTIONS\]|$)", answer.output, re.MULTILINE)
    # Commands that forward everything (`faults`, `test`) print another program's help.
    return found[1] if found else words[0]


@pytest.fixture(scope="module", autouse=True)
def mounted() -> None:
    stack.cli.mount([])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_can_be_typed(page: Path) -> None:
    text = page.read_text()
    named = told(text)
    for line in (*shown(text), *(each for each in named if each.startswith("./ruta"))):
        usage(line)
    of_scripts = (*shown(text, r"deploy/[\w-]+"), *(e for e in named if e.startswith("deploy/")))
    assert [line for line in of_scripts if not script_takes(line)] == []


_NOBODY_ANSWERS = "--server=http://127.0.0.1:9"
_OF_KUBECTL = re.compile(r"^kubectl [^\n]+|`(kubectl\s[^`]+)`", re.MULTILINE)
_PLUGINS = ("cnpg",)


def of_kubectl() -> list[str]:
    """Return a page's kubectl commands, without plugins and placeholders."""
    found = set()
    for page in PAGES:
        for match in _OF_KUBECTL.finditer(page.read_text()):
            line = " ".join((match[1] or match[0]).split())
            if len(line.split()) > 2 and "…" not in line and line.split()[1] not in _PLUGINS:
                found.add(line)
    return sorted(found)


def kubectl(line: str) -> str:
    """Return kubectl's output without a cluster; kubectl first rejects wrong options and missing arguments."""
    program = shutil.which("kubectl")
    if program is None:
        left_out("kubectl is not there (Debian: kubectl)")
    # The previous command creates the operation's own overlay.
    line = line.replace("overlays/pinned", "overlays/production")
    words = shlex.split(re.split(r"\s[|>&;]", line)[0])[1:]
    told = subprocess.run(
        [program, _NOBODY_ANSWERS, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stderr


@pytest.mark.slow
def test_the_real_kubectl_takes_what_pages_show() -> None:
    lines = of_kubectl()
    assert len(lines) >= 8, lines
    for line in lines:
        assert "refused" in kubectl(line), line


def test_kubectl_refuses_what_cannot_be_typed() -> None:
    for line in ("kubectl logs --previous", "kubectl get pods --loud", "kubectl mend pods"):
        assert "refused" not in kubectl(line)


def test_what_cannot_be_typed_is_noticed() -> None:
    assert script_takes("deploy/run-small backup FOLDER KEYFILE")
    assert script_takes("deploy/run-small boot-unit > x.service && systemctl enable x")
    assert not script_takes("deploy/run-small start")
    assert not script_takes("deploy/run-large up")
    for line in ("./ruta keys turn", "./ruta up --loud", "./ruta nothing"):
        with pytest.raises(AssertionError):
            usage(line)


@pytest.mark.parametrize("guide", GUIDES)
def test_both_languages_show_the_same_commands(guide: str) -> None:
    docs = ROOT / "docs"
    spanish, english = (
        [usage(line) for line in shown((docs / name).read_text())]
        for name in (f"{guide}.es.md", f"{guide}.md")
    )
    assert spanish == english
