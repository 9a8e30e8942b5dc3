"""`docs settings`, `docs events`, `docs errors`, `docs alerts`, `docs floors`: pages made from the code."""

import json
import os
import sys

import typer
from common.events.catalogue import asyncapi

from stack.commands.options import home
from stack.reference import alerts_page, floors_page, settings_page
from stack.reference.errors_page import errors_page
from stack.wording import language_of

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
def alerts() -> None:
    """Print the table of alerts in docs/operate.md."""
    sys.stdout.write(alerts_page.table(home() / alerts_page.RULES, language_of(os.environ)))


@app.command()
def floors() -> None:
    """Print the map of floors: which capability may import which."""
    sys.stdout.write(floors_page.page(home()))
