"""A poster's page by typst, in a process of its own (`common.apart`): imports nothing else of ours."""

from importlib.resources import as_file, files
from typing import Any

import typst

PNG_DOTS_PER_INCH = 150


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
