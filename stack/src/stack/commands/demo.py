"""`demo`: plays the whole story against the running stack. `demo history` adds past data."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console

from stack.commands.options import Data, Url
from stack.demo import releases, story
from stack.demo.data import load_demo_data
from stack.demo.history import live_the_past
from stack.demo.storyteller import Storyteller
from stack.embedded.connection import RunningStack, connect
from stack.texts import said

app = typer.Typer(name="demo", invoke_without_command=True)
_terminal = Console(highlight=False, soft_wrap=True)


@app.callback()
def demo(
    context: typer.Context,
    data: Data = None,
    url: Url = None,
    *,
    load: Annotated[
        bool, typer.Option(help="First load the demo services (as `up --demo` does)")
    ] = False,
) -> None:
    """Run a referral from start to end and print each call.

    Exit 0 only if every step succeeds.
    """
    if context.invoked_subcommand is not None:
        return
    began = time.monotonic()
    running = connect(data, url)
    if load:
        asyncio.run(load_demo_data(running.layout, running.url))
    teller = play(running, _terminal)
    _terminal.print(
        said(
            "\n[bold green]Every step succeeded[/]: {steps} steps in {seconds:.1f} s",
            steps=teller.steps,
            seconds=time.monotonic() - began,
        )
    )


@app.command()
def history(
    *,
    half_months: Annotated[int, typer.Option(min=1, max=24, help="Half months to go back")] = 6,
    people: Annotated[
        int, typer.Option(min=1, max=500, help="Number per half month, on average")
    ] = 60,
    screened: Annotated[
        int, typer.Option(min=0, max=500, help="Number in the last quarter that has ended")
    ] = 120,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print each step")] = False,
    data: Data = None,
) -> None:
    """Add some months of past referrals and screenings to the demo, and publish their figures.

    Nobody else should use the stack in the meantime, because its clock shows past days.
    """
    began = time.monotonic()
    running = connect(data)
    teller = Storyteller(running, Console(quiet=not verbose, highlight=False, soft_wrap=True))
    with _terminal.status(said("creating past data")):
        referred = live_the_past(
            teller, running.layout, number=half_months, people=people, screened=screened
        )
    _terminal.print(
        said(
            "{referred} people referred and their figures published in {seconds:.1f} s",
            referred=referred,
            seconds=time.monotonic() - began,
        )
    )


def play(running: RunningStack, terminal: Console) -> Storyteller:
    """Play the story. Raise StackError at the first step that fails."""
    tell = Storyteller(running, terminal)
    facts = story.Facts()
    acts = (
        *(story.find_help, story.open_a_case, story.refer, story.screen),
        *(story.withdraw, story.add_up),
    )
    for act in acts:
        act(tell, facts)
    releases.publish(tell)
    return tell
