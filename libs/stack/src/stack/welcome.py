"""What is done once a stack is ready: `python -m stack.welcome DATA URL`, and `demo`, `greet` or both.

A program that ends: who keeps the stack running does without what it needs.
"""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from stack.demo_data import load_demo_data
from stack.demo_people import PEOPLE, make_people
from stack.errors import StackError
from stack.layout import Layout
from stack.running import RunningStack

_terminal = Console(highlight=False, soft_wrap=True)


def load(layout: Layout, url: str) -> None:
    """The fictional services, and who signs in."""
    asyncio.run(load_demo_data(layout, url))
    make_people(RunningStack(url, layout))


def greet(layout: Layout, url: str) -> None:
    data = "" if layout == Layout.of(None) else f" --data {layout.root}"
    people = (
        f"\n  sign in           {url}/console as {PEOPLE[0].sign_in_name}"
        f" or another of: {' '.join(person.sign_in_name for person in PEOPLE[1:])}"
        f"\n                    password and code: ./ruta person code {PEOPLE[0].sign_in_name}{data}"
        if layout.people_file.exists()
        else ""
    )
    _terminal.print(
        f"\n[bold green]Ruta is ready[/] at [bold]{url}[/]"
        f"\n  API description   {url}/docs"
        f"\n  a token           ./ruta token ngo-refugio{data}"
        f"\n  the whole story   ./ruta demo{data}"
        f"{people}"
        f"\n  stop              Ctrl-C, or ./ruta down{data}\n"
    )


def main(data: str, url: str, *doings: str) -> None:
    layout = Layout(Path(data))
    for name, doing in (("demo", load), ("greet", greet)):
        if name in doings:
            doing(layout, url)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except StackError as error:
        sys.exit(str(error))
