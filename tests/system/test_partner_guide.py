"""The partner guide works as pasted, in both languages."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.system import System

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]


def blocks(guide: str) -> list[str]:
    return re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / guide).read_text(), re.DOTALL)


@pytest.mark.parametrize("guide", ["partner-guide.md", "partner-guide.es.md"])
def test_from_the_first_token_to_a_closed_referral_and_a_form_of_another_system(
    system: System, guide: str
) -> None:
    script = "set -euo pipefail\n" + "\n".join(blocks(guide))
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={
            **os.environ,
            "RUTA": system.running.url,
            "RUTA_DATA": str(system.layout.root),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("completed\ntaken\nTrue")


def test_both_languages_give_the_same_commands() -> None:
    def commands(guide: str) -> list[str]:
        return [
            re.sub(r'"(situation|focal_point|safe_way)": "[^"]*"|#.*', "", b) for b in blocks(guide)
        ]

    assert commands("partner-guide.md") == commands("partner-guide.es.md")
    headings = [
        len(re.findall(r"^## ", (ROOT / "docs" / guide).read_text(), re.MULTILINE))
        for guide in ("partner-guide.md", "partner-guide.es.md")
    ]
    assert headings[0] == headings[1]
