"""Loads the fictional Venezuelan demo services through the front door, as a person would."""

import asyncio

from services_directory.demo_data import demo_services

from stack.errors import StackError
from stack.layout import Layout
from stack.running import RunningStack

IMPORTER = "im-officer"


async def load_demo_data(layout: Layout, url: str) -> None:
    """Loading twice changes nothing: rows are recognised by their source and external id."""
    await asyncio.to_thread(_import_services, RunningStack(url, layout))


def _import_services(running: RunningStack) -> None:
    answer = running.request(
        IMPORTER,
        "POST",
        "/directory/v1/imports",
        params={"mode": "all", "source": "demo", "file_name": "demo.csv"},
        content=demo_services(),
        headers={"Content-Type": "text/csv"},
    )
    if answer.status_code not in (201, 202):
        raise StackError(f"demo data was refused: HTTP {answer.status_code} {answer.text[:300]}")
