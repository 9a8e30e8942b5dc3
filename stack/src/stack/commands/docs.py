"""`docs settings`, `docs events`, `docs errors`, `docs floors`: pages made from the code, and not stored."""

import json
import sys

import typer
from common.events.catalogue import asyncapi

from stack.commands.options import home
from stack.reference import floors_page, settings_page
from stack.reference.errors_page import errors_page

app = typer.Typer(name="docs", help="Print pages that are made from the code.")


@app.command()
def settings() -> None:
    """Print the page of all settings."""
    sys.stdout.write(settings_page.page())


@app.command()
def events() -> None:
    """Print the AsyncAPI 3 document of all events."""
    sys.stdout.write(json.dumps(asyncapi(), indent=1, sort_keys=True) + "\n")


@app.command()
def errors() -> None:
    """Print the page of all error codes, in English and Spanish."""
    sys.stdout.write(errors_page())


@app.command()
def floors() -> None:
    """Print the map of floors: which capability may import which."""
    sys.stdout.write(floors_page.page(home()))
