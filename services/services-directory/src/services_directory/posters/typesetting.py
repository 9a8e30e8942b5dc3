"""A poster's page, or a drawing, by typst, in a process of its own (`common.apart`): imports nothing else of ours."""

from importlib.resources import as_file, files
from typing import Any

import typst

PNG_DOTS_PER_INCH = 150
_DRAWING = b"""
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.drawing), format: "svg")
"""


def page(wanted: dict[str, Any]) -> bytes:
    """One A4 page. `wanted`: form (pdf or png), poster (JSON text), smallest (points, as text)."""
    with as_file(files(__package__) / "templates" / "poster.typ") as template:
        pages = typst.compile(
            str(template),
            format=wanted["form"],
            ppi=float(PNG_DOTS_PER_INCH),
            sys_inputs={"poster": wanted["poster"], "smallest": wanted["smallest"]},
        )
    made: bytes = pages[0] if isinstance(pages, list) else pages
    return made


def drawing(svg: str) -> bytes:
    """A drawing as PNG, two dots for each of its own, of which 96 are an inch."""
    made: bytes = typst.compile(_DRAWING, format="png", ppi=192.0, sys_inputs={"drawing": svg})
    return made
