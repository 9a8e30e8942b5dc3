"""`demo`: plays the whole story against the running stack, step by step."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console

from stack.commands.options import Data, Url
from stack.demo import releases, story
from stack.demo.storyteller import Storyteller
from stack.demo_data import load_demo_data
from stack.running import RunningStack, connect

app = typer.Typer()
_terminal = Console(highlight=False, soft_wrap=True)


@app.command()
def demo(
    data: Data = None,
    url: Url = None,
    *,
    load: Annotated[bool, typer.Option(help="Load the demo services first (as up --demo)")] = False,
) -> None:
    """Play the whole story and print each step with its call. Exit 0 only if every step held."""
    began = time.monotonic()
    running = connect(data, url)
    if load:
        asyncio.run(load_demo_data(running.layout, running.url))
    teller = play(running, _terminal)
    _terminal.print(
        f"\n[bold green]The whole story held[/]: {teller.steps} steps in {time.monotonic() - began:.1f} s"
    )


def play(running: RunningStack, terminal: Console) -> Storyteller:
    """Raises StackError at the first step that does not hold."""
    tell = Storyteller(running, terminal)
    facts = story.Facts()
    for act in (story.find_help, story.open_a_case, story.refer, story.withdraw, story.add_up):
        act(tell, facts)
    releases.publish(tell)
    return tell
