"""Repeats restrictions made after a backup, before any service accepts requests.

The list of restrictions is stored outside the databases, like the list of erased people. A restore in place first adds
the restrictions of the current record to the list, because they are the newest.
"""

from pathlib import Path

from stack.embedded.plan import SERVICES
from stack.errors import StackError
from stack.operate.offline_commands import StoppedCommands
from stack.texts import said


def tell_before(commands: StoppedCommands, work: Path) -> str:
    """Add the restrictions of the current record to the list. Return a warning if this fails, or else ""."""
    words = work / "directory-words"
    try:
        words.write_text(commands.run("list-restrictions", service="directory"))
        commands.run("tell-restrictions", "--directory", str(words))
    except StackError as error:
        # The record may be damaged or of an older version. In that case, only the list applies.
        return said(
            "the earlier record could not be read for its restrictions ({error}). Only the list of restrictions has them: check yourself what was hidden or withdrawn in the minute before",
            error=error,
        )
    return ""


def restrict_again(commands: StoppedCommands, work: Path, *lists: str) -> tuple[str, str]:
    """Migrate each service and apply the lists according to its own rules. Return the output of both services."""
    for service in SERVICES:
        commands.run("migrate", service=service, owner=True)
    told = commands.run("apply-restrictions", *lists)
    words = work / "restrictions"
    words.write_text(commands.run("list-restrictions"))
    of_directory = commands.run("apply-restrictions", "--from", str(words), service="directory")
    return told, of_directory
