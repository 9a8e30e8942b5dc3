"""The partner guide works as pasted, in both languages."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.poor_line import BREAKS, poor_line
from tests.support.system import System

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]


def blocks(guide: str) -> list[str]:
    return re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / guide).read_text(), re.DOTALL)


@pytest.mark.parametrize("guide", ["partner-guide.md", "partner-guide.es.md"])
def test_from_the_first_token_to_a_closed_referral_and_a_form_of_another_system(
    system: System, guide: str
) -> None:
    assert pasted(system, blocks(guide), system.running.url).endswith("completed\ntaken\nTrue")


def pasted(system: System, code: list[str], url: str) -> str:
    done = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + "\n".join(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, "RUTA": url, "RUTA_DATA": str(system.layout.root)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.rstrip()


def test_on_a_line_that_breaks_each_command_runs_once(system: System) -> None:
    def cases() -> set[str]:
        found = system.running.request("ngo-refugio", "GET", "/referrals/v1/cases?limit=500").json()
        return {each["id"] for each in found["items"]}

    before = cases()
    with poor_line(system.state.port, share=0) as line, line.breaking(0.1):
        told = pasted(system, blocks("partner-guide.md")[:4], f"http://127.0.0.1:{line.port}")
        assert {place for place in BREAKS if line.commands_cut[place]} == {*BREAKS}
    assert told.endswith("completed")
    assert len(cases() - before) == 1


def test_a_refusal_is_printed_and_not_repeated(system: System) -> None:
    wrong = (
        'call "$RUTA/directory/v1/services/0190a000-0000-7000-8000-00000000dead" | field id 2>&1'
    )
    told = pasted(system, [blocks("partner-guide.md")[0], f"{wrong} || true"], system.running.url)
    assert told.splitlines()[-1].count("'code': 'not_found'") == 1


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
