"""Runs axe-core (MPL-2.0), which npm installs at test time, on a page in a real browser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.leaving_out import left_out

WANTED = Path(__file__).resolve().parents[2] / "drills" / "conformance" / "axe" / "package.json"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Colour checks take half the time. Colours do not depend on the language, so only one language checks them.
OF_COLOURS = ["color-contrast"]
# A page shown in a frame has no first heading and no landmark.
IN_A_FRAME = ["page-has-heading-one", "landmark-one-main", "region"]


def axe_source(folder: Path) -> str:
    """Return the script, which npm installs into `folder`; the folder may be empty."""
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
    """Return an expression whose promise resolves to [rule, nodes] of each violation, for a page in this language."""
    not_asked = [*(IN_A_FRAME if framed else []), *(OF_COLOURS if language == "en" else [])]
    off = {rule: {"enabled": False} for rule in not_asked}
    options: dict[str, Any] = {"runOnly": RULES, "rules": off}
    return (
        f"axe.run({json.dumps(options)}).then(r =>"
        " r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200)).slice(0, 3)]))"
    )
