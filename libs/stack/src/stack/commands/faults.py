"""`faults`: kills, stops and cuts off what runs, under load, and counts what became of each command."""

import os
import subprocess
import sys

import typer

from stack.commands.options import home

app = typer.Typer()


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def faults(context: typer.Context) -> None:
    """Run the fault table: [--seeds N] [--fault NAME] [--commands N] [--seed N] [--json FILE]."""
    root = home()
    done = subprocess.run(
        [sys.executable, "-u", "-m", "tests.faults", *context.args],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    raise typer.Exit(done.returncode)
