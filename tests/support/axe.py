"""axe-core (MPL-2.0), had by npm at the moment of the test: what it finds on a page of a real browser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.leaving_out import left_out

WANTED = Path(__file__).resolve().parents[2] / "drills" / "conformance" / "axe" / "package.json"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Half of what axe computes. Colours are the same in both languages, so it is asked in one.
OF_COLOURS = ["color-contrast"]
# A part of other people's pages has no first heading and no landmark of its own.
IN_A_FRAME = ["page-has-heading-one", "landmark-one-main", "region"]


def axe_source(folder: Path) -> str:
    """The script; `folder` is empty and may be filled."""
    npm = shutil.which("npm")
    if npm is None:
        left_out("npm is not installed: axe-core cannot be had")
    shutil.copy(WANTED, folder)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        left_out(f"axe-core could not be installed: {done.stderr[-300:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def asking(language: str = "es", *, framed: bool = False) -> str:
    """An expression whose promise holds [rule, nodes] of each violation. `language`: of the page, which there is in
    both."""
    not_asked = [*(IN_A_FRAME if framed else []), *(OF_COLOURS if language == "en" else [])]
    off = {rule: {"enabled": False} for rule in not_asked}
    options: dict[str, Any] = {"runOnly": RULES, "rules": off}
    return (
        f"axe.run({json.dumps(options)}).then(r =>"
        " r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200)).slice(0, 3)]))"
    )
