"""The README's tour works as pasted: only the port differs."""

import os
import re
import subprocess

import pytest

from tests.support.patience import PATIENCE
from tests.support.reference import ROOT
from tests.support.system import System

README = ROOT / "README.md"


def tour(url: str) -> str:
    """The bash blocks of the README, in order, against the stack at `url`."""
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
    assert "Ana Ficticia" in done.stdout  # the recipient read what was granted
    assert '"status":410' in done.stdout.replace(" ", "")  # and nothing after the withdrawal


def test_every_file_that_the_readme_names_exists() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    missing = [path for path in linked if not (ROOT / path).exists()]
    assert missing == []
