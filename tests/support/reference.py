"""Finds reference data next to the project (../shared/data, or RUTA_REFERENCE_DATA)."""

import json
import os
from pathlib import Path
from typing import Any

from tests.support.leaving_out import left_out

ROOT = Path(__file__).parents[2]


def reference_folder() -> Path:
    """Return the reference data folder, or None."""
    return Path(os.environ.get("RUTA_REFERENCE_DATA") or ROOT.parent / "shared" / "data")


def reference_data(relative: str) -> Path:
    """Return a file or folder of the reference data; skip the test if it is missing."""
    path = reference_folder() / relative
    if not path.exists():
        left_out(f"no reference data at {path}: set RUTA_REFERENCE_DATA to run this test")
    return path


def shipped_data(relative: str) -> Path:
    """Return small reference data that is part of the project; each file names its source."""
    return ROOT / "tests" / "data" / relative


def shipped_json(relative: str) -> Any:
    return json.loads(shipped_data(relative).read_text(encoding="utf-8"))
