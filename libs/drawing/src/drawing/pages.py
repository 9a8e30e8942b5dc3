"""Pages by Typst, with no font but Ruta's where the page asks for it, and no file but those that come with it."""

import tempfile
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
import typst

STAMP = datetime(2026, 1, 1, tzinfo=UTC)
"""A fixed creation time: the same page gives the same bytes."""
MAIN = "main.typ"


def page(wanted: dict[str, Any]) -> bytes:
    """A PDF of all pages, or the first page as PNG.

    `wanted`: `form`, pdf or png; `files`, base64 by name, of which `main.typ` is the page; `inputs`, texts by name
    (`sys.inputs`); `ppi`, dots of a PNG per inch; `standard`, of a PDF, such as ua-1; `own_font`, whether only Ruta's is
    used.
    """
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        for name, content in wanted["files"].items():
            # Names are the caller's own, and yet no file is written elsewhere.
            (Path(folder) / Path(name).name).write_bytes(b64decode(content))
        options: dict[str, Any] = {"ppi": wanted["ppi"]} if wanted["form"] == "png" else {}
        if wanted.get("standard"):
            options["pdf_standards"] = wanted["standard"]
        if wanted.get("own_font"):
            options |= {
                "font_paths": [font_source_sans_pro.font_directory],
                "ignore_system_fonts": True,
            }
        made = typst.compile(
            str(Path(folder) / MAIN),
            root=folder,
            format=wanted["form"],
            sys_inputs=wanted.get("inputs", {}),
            timestamp=STAMP,
            **options,
        )
    first: bytes = made[0] if isinstance(made, list) else made
    return first
