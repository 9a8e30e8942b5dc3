"""Typesets pages with Typst, in Ruta's own font if requested. Typst can access only the files provided."""

import json
import re
import tempfile
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
import typst

STAMP = datetime(2026, 1, 1, tzinfo=UTC)
"""A fixed creation time, so that the same page gives the same bytes."""
MAIN = "main.typ"
_UNDRAWN = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
"""Typst's error when PDF/UA refuses a letter that no font draws. The page shows U+FFFD instead of this letter."""
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_MOST_UNDRAWN = 20
"""Each such letter costs another run of Typst."""
_POINTS_PER_INCH = 72
_ONE_EACH = b"""
#for number in range(int(sys.inputs.drawings)) {
  let drawing = str(number) + ".svg"
  let size = xml(drawing).first().attrs
  page(width: float(size.width) * 1pt, height: float(size.height) * 1pt, margin: 0pt, image(drawing, width: 100%))
}
"""
"""One point for each pixel of a drawing, because a PNG placed between pixels is blurred."""


def page(wanted: dict[str, Any]) -> bytes:
    """Return a PDF of all pages, or the first page as PNG. `wanted` contains `form` (pdf or png), `files` (base64 by
    name; `main.typ` is the page), `inputs` (texts by name, `sys.inputs`), `ppi` (dots per inch of a PNG), `standard`
    (of a PDF, such as ua-1) and `own_font` (use only Ruta's font)."""
    options: dict[str, Any] = {"ppi": wanted["ppi"]} if wanted["form"] == "png" else {}
    if wanted.get("standard"):
        options["pdf_standards"] = wanted["standard"]
    options |= {"format": wanted["form"], "sys_inputs": wanted.get("inputs", {})}
    options["own_font"] = bool(wanted.get("own_font"))
    files = {name: b64decode(content) for name, content in wanted["files"].items()}
    undrawn: set[str] = set()
    for _ in range(_MOST_UNDRAWN):
        instead = "".join(f"\\u{{{ord(letter):x}}}" for letter in sorted(undrawn))
        rule = f'#show regex("[{instead}]"): "\\u{{fffd}}"\n' if undrawn else ""
        try:
            return _typeset({**files, MAIN: rule.encode() + files[MAIN]}, **options)[0]
        except typst.TypstError as error:
            refused = _UNDRAWN.search(str(error))
            if refused is None:
                raise
            letters = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), refused[1])
            undrawn |= {letter for letter in letters if not letter.isascii()}
    # Too many: draw them as empty boxes, which only PDF/UA forbids.
    options.pop("pdf_standards", None)
    return _typeset(files, **options)[0]


def _typeset(files: dict[str, bytes], *, own_font: bool, **options: Any) -> list[bytes]:
    """Run Typst on the files. Return one document, or a picture of each page. `options` are Typst's options."""
    if own_font:
        options |= {
            "font_paths": [font_source_sans_pro.font_directory],
            "ignore_system_fonts": True,
        }
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        for name, content in files.items():
            # the caller chooses the names, but every file stays in this folder
            (Path(folder) / Path(name).name).write_bytes(content)
        made = typst.compile(str(Path(folder) / MAIN), root=folder, timestamp=STAMP, **options)
    return made if isinstance(made, list) else [made]


def pictures(wanted: dict[str, Any]) -> bytes:
    """Return drawings as PNG: a JSON list in the given order, in base64. `wanted` contains `drawings` (SVG as text) and
    `scale` (PNG pixels per pixel of the drawing)."""
    drawings = {f"{n}.svg": svg.encode() for n, svg in enumerate(wanted["drawings"])}
    made = _typeset(
        {MAIN: _ONE_EACH, **drawings},
        format="png",
        ppi=wanted["scale"] * _POINTS_PER_INCH,
        sys_inputs={"drawings": str(len(drawings))},
        own_font=True,
    )
    return json.dumps([b64encode(each).decode() for each in made]).encode()
