"""Repeats restrictions made since a backup, before any service answers.

Their list is beside the databases, like the list of the erased. A restore in place first adds to the list what the
present record restricts, as that is the newest state.
"""

from pathlib import Path

from stack.embedded.plan import SERVICES
from stack.errors import StackError
from stack.operate.offline_commands import StoppedCommands
from stack.wording import said


def tell_before(commands: StoppedCommands, work: Path) -> str:
    """Adds the restrictions of the present record to the list; returns a warning if that fails, else ""."""
    words = work / "directory-words"
    try:
        words.write_text(commands.run("list-restrictions", service="directory"))
        commands.run("tell-restrictions", "--directory", str(words))
    except StackError as error:
        # It may be what was spoiled, or of an older version: then the list is what there is.
        return said(
            "the record as it was could not be asked what it restricts ({error}): the list of restrictions alone says"
            " it, look yourself at what was hidden or taken back in the minute before",
            error=error,
        )
    return ""


def restrict_again(commands: StoppedCommands, work: Path, *lists: str) -> tuple[str, str]:
    """Migrates each service and applies the lists by its own rules; returns what both services printed."""
    for service in SERVICES:
        commands.run("migrate", service=service, owner=True)
    told = commands.run("apply-restrictions", *lists)
    words = work / "restrictions"
    words.write_text(commands.run("list-restrictions"))
    of_directory = commands.run("apply-restrictions", "--from", str(words), service="directory")
    return told, of_directory
