"""The command line: loads the command groups of `stack.commands` and prints failures as one line."""

import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.main import get_command, get_command_name

import stack.commands
from stack.errors import StackError, in_one_line
from stack.texts import LANGUAGE_VARIABLE, language_of, said, unknown_language

app = typer.Typer(
    name="ruta",
    help="Ruta, the referral backbone of a Protection Cluster. Start with: ./ruta up --demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ruta {version('ruta-stack')}\n")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_version, help="Show the release"),
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="For https: the certificates of the CA to trust, instead of the public ones",
        ),
    ] = None,
) -> None:
    if ca is not None:
        os.environ["SSL_CERT_FILE"] = str(ca)


@cache
def _group(module: str) -> typer.Typer | None:
    """Return the group of a module in `stack.commands`: its `app`, if it has one. A group that cannot be imported is
    reported and skipped, because operators need the other groups. Groups that need the services are silently skipped
    where those are not installed, as in the image for cluster operations."""
    try:
        group = getattr(importlib.import_module(f"stack.commands.{module}"), "app", None)
    except ImportError as error:
        from stack.embedded.plan import CONSOLE, SERVICES  # noqa: PLC0415 - nearly every command does without the plan

        if error.name not in {CONSOLE, *SERVICES.values()}:
            lacks = said(
                "the commands of {module} are not available: {error}", module=module, error=error
            )
            sys.stderr.write(f"ruta: {lacks}\n")
        return None
    return group if isinstance(group, typer.Typer) else None


def _has(group: typer.Typer, command: str) -> bool:
    named = ((each.name, each.callback) for each in group.registered_commands)
    return command in {name or get_command_name(of.__name__) for name, of in named if of}


def mount(arguments: Sequence[str]) -> None:
    """Load only the group of the given command, or all groups. Loading all groups took half of the startup time of
    `up`, and they would use memory while the stack runs."""
    modules = [each.name for each in pkgutil.iter_modules(stack.commands.__path__)]
    asked = arguments[0] if arguments else ""
    named = _group(asked) if asked in modules else None
    if named is not None and named.info.name == asked:
        modules = [asked]
    elif asked and (life := _group("lifecycle")) is not None and _has(life, asked):
        modules = ["lifecycle"]
    for group in filter(None, map(_group, modules)):
        app.add_typer(group)


def panels() -> dict[str, tuple[str, ...]]:
    """Return the panels of `./ruta --help` and their commands, in order."""
    return {
        said("Run"): (
            *("up", "demo", "status", "logs", "env", "token", "down"),
            *("k8s", "bundle", "wheels", "uninstall"),
        ),
        said("People and partners"): ("organisation", "person", "client"),
        said("Data"): ("directory", "crosswalks", "events"),
        said("Numbers"): ("closing", "bulletin"),
        said("Safety"): (
            *("doctor", "backup", "restore", "settle", "upgrade", "downgrade", "keys", "audit"),
        ),
        said("Develop"): (
            *("test", "check", "drills", "mutations", "faults", "bench", "docs", "reference"),
        ),
    }


def arranged() -> Any:
    """Return the root command with all loaded groups, each in its help panel."""
    command: Any = get_command(app)
    panel_of = {name: panel for panel, names in panels().items() for name in names}
    here = command.commands
    command.commands = {
        name: here[name] for name in dict.fromkeys((*panel_of, *here)) if name in here
    }
    for name, each in here.items():
        each.rich_help_panel = panel_of.get(name)
    return command


def main() -> None:
    mount(sys.argv[1:])
    terminal = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        if asked := unknown_language(os.environ):
            raise StackError(
                "{variable} is {asked}. Set it to en or es", variable=LANGUAGE_VARIABLE, asked=asked
            )
        command = arranged()
        if language_of(os.environ) != "en":
            from stack.commands.translation import speak  # noqa: PLC0415 - English is what the sources say

            speak(command)
        command(prog_name="ruta")
    except (StackError, OSError) as error:
        terminal.print(in_one_line(error), style="bold red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
