"""Translates the help texts, headings and errors of the command line. It translates our help texts in Typer's objects,
and Typer's own texts when Typer prints them."""

import re
from collections.abc import Iterator
from functools import cache
from string import Formatter
from typing import Any

from typer import rich_utils

from stack.texts import said

HEADINGS = {
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "ERRORS_PANEL_TITLE": "Error",
    "ABORTED_TEXT": "Aborted.",
    "DEFAULT_STRING": "[default: {}]",
    "ENVVAR_STRING": "[env var: {}]",
    "REQUIRED_LONG_STRING": "[required]",
    "RICH_HELP": "Try [blue]'{command_path} {help_option}'[/] for help.",
}
"""Typer's headings around help texts and errors, by Typer's own constants."""
USAGE = ("Usage: ", "[OPTIONS]", "COMMAND [ARGS]...", "Show this message and exit.")
ERRORS = (
    "{wrong}. Did you mean {names}?",
    "No such option: {option} (Possible options: {names})",
    "No such option: {option}",
    "No such command {name}.",
    "No such command {name}",
    "Missing command.",
    "Missing argument {name}. Choose from: {names}",
    "Missing argument {name}.",
    "Missing option {name}. Choose from: {names}",
    "Missing option {name}.",
    "Option {option} does not take a value.",
    "Option {option} requires an argument.",
    "Got unexpected extra argument ({words})",
    "Got unexpected extra arguments ({words})",
    "Invalid value for {name}: {wrong}",
    "Invalid value: {wrong}",
    "{name} (env var: {variable})",
    "Value error, {wrong}",
    "{value} is not one of {names}.",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
    "Input should be greater than or equal to {least}",
    "Input should be less than or equal to {most}",
    "Input should be {names}",
    "{kind} {path} does not exist.",
    "{kind} {path} is a file.",
    "{kind} {path} is a directory.",
    "{kind} {path} is not readable.",
    "{kind} {path} is not writable.",
)
"""Typer's messages about wrong arguments, which Typer does not translate. Longer texts come before those they
contain."""


def folded(text: str) -> str:
    """Fold a help text into its catalogue key: one line for each paragraph, with empty lines between them."""
    return "\n\n".join(" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip()))


def helps_of(command: Any) -> Iterator[tuple[Any, str]]:
    """Yield each command, option and argument with a help text, and the name of the attribute with that text."""
    for holder in (command, *command.params):
        for name in ("help", "short_help", "epilog"):
            if getattr(holder, name, None):
                yield holder, name
    for each in getattr(command, "commands", {}).values():
        yield from helps_of(each)


def speak(command: Any) -> None:
    """Translate the command tree below `command`, and Typer's own texts."""
    for holder, name in helps_of(command):
        setattr(holder, name, said(folded(getattr(holder, name))))
    _speak_of_usage(command)
    for name, text in HEADINGS.items():
        setattr(rich_utils, name, said(text))
    told = rich_utils.rich_format_error

    def format_error(error: Any) -> None:
        words = said_of(error.format_message())
        error.format_message = lambda: words
        told(error)

    rich_utils.rich_format_error = format_error  # type: ignore[assignment] # whatever of theirs it is given


def said_of(words: str) -> str:
    """Translate a command-line error. Unknown errors remain unchanged."""
    flat = " ".join(words.split())
    for text in ERRORS:
        if found := _shape(text).fullmatch(flat):
            values = {name: said_of(value) for name, value in found.groupdict().items()}
            return said(text, **values)
    return words


@cache
def _shape(text: str) -> re.Pattern[str]:
    parts = (
        re.escape(before) + (f"(?P<{name}>.+)" if name else "")
        for before, name, _, _ in Formatter().parse(text)
    )
    return re.compile("".join(parts))


def _speak_of_usage(command: Any) -> None:
    prefix, *metavars, shown = map(said, USAGE)
    command.options_metavar = metavars[0]
    if hasattr(command, "commands"):
        command.subcommand_metavar = metavars[1]

    def format_usage(ctx: Any, formatter: Any) -> None:
        pieces = command.collect_usage_pieces(ctx)
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=prefix)

    def help_option(ctx: Any) -> Any:
        option = found(ctx)
        if option is not None:
            option.help = shown
        return option

    found = command.get_help_option
    command.format_usage, command.get_help_option = format_usage, help_option
    for each in getattr(command, "commands", {}).values():
        _speak_of_usage(each)
