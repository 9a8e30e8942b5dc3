"""A bulletin's pages by typst, in a process of its own (`common.apart`): imports nothing else of ours."""

from datetime import UTC, datetime
from typing import Any

import typst

STAMP = datetime(2026, 1, 1, tzinfo=UTC)
"""A fixed creation time: the same bulletin gives the same bytes."""


def pdf(wanted: dict[str, Any]) -> bytes:
    """Tagged (PDF/UA-1). `wanted`: source (a path), fonts (a folder)."""
    made = typst.compile(
        wanted["source"],
        font_paths=[wanted["fonts"]],
        ignore_system_fonts=True,
        pdf_standards="ua-1",
        timestamp=STAMP,
    )
    assert isinstance(made, bytes)  # noqa: S101 - one file, since a PDF has all pages
    return made
