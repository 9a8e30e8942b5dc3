"""What was restricted since a backup is restricted again, before anybody is answered.

The list of it lies beside the databases, as that of the erased does. Where a stack is restored in place, its record as it
was is the last word: it is brought into the list before the backup takes its place.
"""

from pathlib import Path

from stack.embedded.plan import SERVICES
from stack.errors import StackError
from stack.operate.offline_commands import StoppedCommands
from stack.wording import said


def tell_before(commands: StoppedCommands, work: Path) -> str:
    """Bring what the record restricts now into the list; returns what to say, where that is not possible."""
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
    """By each service's own rules, in the newest form of its tables; returns what both told."""
    for service in SERVICES:
        commands.run("migrate", service=service, owner=True)
    told = commands.run("apply-restrictions", *lists)
    words = work / "restrictions"
    words.write_text(commands.run("list-restrictions"))
    of_directory = commands.run("apply-restrictions", "--from", str(words), service="directory")
    return told, of_directory
