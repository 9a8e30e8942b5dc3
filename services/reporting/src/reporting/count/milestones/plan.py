"""Work-plan milestones: possible status changes, and lateness. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from reporting.ground.language import Text, text

Status = Literal["planned", "under-way", "done", "dropped"]
NEXT: Mapping[str, tuple[str, ...]] = {
    "planned": ("under-way", "done", "dropped"),
    "under-way": ("planned", "done", "dropped"),
    "done": ("under-way",),
    "dropped": ("planned",),
}
LABELS: Mapping[str, Text] = {
    "planned": text("previsto", "planned"),
    "under-way": text("en curso", "under way"),
    "done": text("hecho", "done"),
    "dropped": text("descartado", "dropped"),
}
OPEN = ("planned", "under-way")


def late(status: str, last_day: date, today: date) -> bool:
    """Return whether the quarter in which the milestone was due ended before the milestone was completed."""
    return status in OPEN and last_day < today
