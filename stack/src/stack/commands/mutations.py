"""`mutations`: removes each safety mechanism in a copy and shows which test notices."""

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
def mutations(context: typer.Context) -> None:
    """Break each safety mechanism in a copy and show which test fails.

    Options: [NAME …] [--list].
    """
    run_of_tests("drills.mutations", context.args)
