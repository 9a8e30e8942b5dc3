"""`docs settings`, `docs events`, `docs floors`: pages that are made from the code."""

import json
import sys

import typer
from common.events.catalogue import asyncapi

from stack import floors_map, settings_page
from stack.commands.options import home

app = typer.Typer(name="docs", help="Pages that are made from the code.")


@app.command()
def settings() -> None:
    """Print docs/settings.md."""
    sys.stdout.write(settings_page.page())


@app.command()
def events() -> None:
    """Print the AsyncAPI 3 document of all events (docs/asyncapi.json)."""
    sys.stdout.write(json.dumps(asyncapi(), indent=1, sort_keys=True) + "\n")


@app.command()
def floors() -> None:
    """Write the map of floors into CONTRIBUTING.md."""
    floors_map.write(home())
