"""The README's tour works as pasted; only the port differs."""

import os
import re
import subprocess

import pytest
from console.app import SCREENS
from console.texts import wording

from tests.support.patience import PATIENCE
from tests.support.reference import ROOT
from tests.support.system import System

README = ROOT / "README.md"


def tour(url: str) -> str:
    """Run the README's bash blocks in order against the stack at `url`."""
    blocks = re.findall(r"```bash\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 6
    return "\n".join(blocks).replace("http://127.0.0.1:8080", url)


@pytest.mark.system
def test_the_tour_works_as_pasted(system: System) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tour(system.state.url)],
        cwd=ROOT,
        env={**os.environ, "RUTA_DATA": str(system.layout.root)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    assert "Ana Ficticia" in done.stdout  # The recipient read the granted content.
    assert '"status":410' in done.stdout.replace(
        " ", ""
    )  # The recipient read nothing after the withdrawal.


def test_what_the_tour_says_of_the_console_stands_on_its_pages() -> None:
    """Each address in the tour is a page, and each bold word is on one of its buttons, in the language of that half of
    the line."""
    said = [line for line in README.read_text().splitlines() if line.startswith("> In the console")]
    assert len(said) == 6
    routes = {route.path for screens in SCREENS for route in screens.router.routes}  # type: ignore[attr-defined]
    for line in said:
        for half, language in zip(line.split(" · "), ("en", "es"), strict=True):
            (path,) = re.findall(r"`([^`]+)`", half)
            words = re.findall(r"\*\*([^*]+)\*\*", half)
            assert words, line
            if path == "/help":
                continue  # A public page, which tests/pages covers.
            assert path in routes, line
            say = wording(language)
            known = {say(key) for key in say.keys if "{" not in str(say(key))}
            assert set(words) <= known, line


def test_every_file_that_the_readme_names_exists() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    missing = [path for path in linked if not (ROOT / path).exists()]
    assert missing == []
