"""`faults`: kills, stops and cuts off what runs, under load, and counts what became of each command."""

import typer

from stack.commands.options import run_of_tests

app = typer.Typer()


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def faults(context: typer.Context) -> None:
    """Stop parts of the stack under load and count what became of each command.

    Options: [--seeds N] [--fault NAME] [--commands N] [--seed N] [--json FILE].
    """
    run_of_tests("drills.faults", context.args)
