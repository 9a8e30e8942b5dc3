"""Runs once when a stack is ready: `python -m stack.demo.welcome DATA URL`, with `demo`, `greet` or both. It is a
separate program, so that the process that keeps the stack running does not load the libraries of this program."""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from stack.demo.data import load_demo_data
from stack.demo.people import PEOPLE, make_people
from stack.embedded.connection import RunningStack
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.texts import said

_terminal = Console(highlight=False, soft_wrap=True)


def load(layout: Layout, url: str) -> None:
    """Load the fictional services, and create the people who sign in."""
    asyncio.run(load_demo_data(layout, url))
    make_people(RunningStack(url, layout))


def greet(layout: Layout, url: str) -> None:
    data = "" if layout == Layout.of(None) else f" --data {layout.root}"
    lines = [
        "",
        said("[bold green]Ruta is ready[/] at [bold]{url}[/]", url=url),
        said("  API description   {url}/docs", url=url),
        said("  a token           ./ruta token ngo-refugio{data}", data=data),
        said("  the whole story   ./ruta demo{data}", data=data),
    ]
    if layout.people_file.exists():
        first, *others = (person.sign_in_name for person in PEOPLE)
        lines += [
            said(
                "  sign in           {url}/console as {name} or another of: {others}",
                url=url,
                name=first,
                others=" ".join(others),
            ),
            said(
                "                    password and code: ./ruta person code {name}{data}",
                name=first,
                data=data,
            ),
        ]
    lines += [said("  stop              Ctrl-C, or ./ruta down{data}", data=data), ""]
    _terminal.print("\n".join(lines))


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
