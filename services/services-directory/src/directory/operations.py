"""Operator commands: `python -m directory announce-gaps|list-restrictions|apply-restrictions`.

`announce-gaps` sends the waiting gap counters now, to close a period or to create the demo's history. The other two are
for a restore: they list the restrictions in the database and apply them again.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from common.db.session import Database
from common.process.start import fail, say

from directory.find.webhooks import service as webhooks
from directory.followers_service import declare_followers
from directory.ground.hsds.restricted import Word
from directory.lost_restrictions import AGAIN
from directory.pathways.gaps.announcements import announce_observed
from directory.record.organizations import service as organizations
from directory.record.services import restored_restrictions
from directory.settings import Settings
from directory.show.information import queries as messages
from directory.spoken import said


async def _announce(database: Database) -> int:
    """Send the gap counters and print how many were sent."""
    async with database.transaction() as session:
        gone = await announce_observed(session)
    say(said("{count} gap counts are published", count=gone))
    return 0


async def _list_restrictions(database: Database) -> int:
    """Print the current restrictions, one line per entry, for referrals' `tell-restrictions`."""
    async with database.transaction() as session:
        async for own, word in restored_restrictions.words_now(session):
            _say_word("service", own, word)
        for own, word in await organizations.words_now(session):
            _say_word("organisation", own, word)
        for own in await messages.withdrawn(session):
            _say_word("risk_message", own, {"withdrawn": True})
    return 0


def _say_word(entry: str, own: UUID, word: Word) -> None:
    line = {"entry": entry, "id": str(own), "word": word}
    say(json.dumps(line, separators=(",", ":")))


def _read_word(text: str) -> tuple[str, UUID, Word]:
    """Parse one line. Raise ValueError or another error if the line is invalid."""
    line = json.loads(text)
    word = line["word"]
    levels = {str(part): int(level) for part, level in word.get("hidden", {}).items()}
    return line["entry"], UUID(line["id"]), {**word, "hidden": levels}


async def _apply_restrictions(database: Database) -> int:
    """Apply the last restrictions again after a restore. The arguments, or the lines of the file `--from`, are the
    restrictions as printed by the `list-restrictions` command of referrals."""
    parser = argparse.ArgumentParser(prog="apply-restrictions")
    parser.add_argument("--from", dest="file", type=Path)
    parser.add_argument("line", nargs="*")
    asked = parser.parse_args(sys.argv[2:])
    lines = asked.line
    if asked.file is not None:
        lines = (await asyncio.to_thread(asked.file.read_text)).splitlines()
    try:
        words = [_read_word(line) for line in lines]
        works = [partial(AGAIN[entry], own=own, word=word) for entry, own, word in words]
    except (ValueError, KeyError, TypeError, AttributeError):
        fail(said("this is not the output of `referrals list-restrictions`: nothing was done"))
    async with database.transaction() as session:
        await webhooks.silence_all(session)
    done = 0
    for work in works:
        done += await database.retried(work)
    say(said("{count} entries of the directory are restricted again", count=done))
    return 0


def _command(work: Callable[[Database], Awaitable[int]]) -> Callable[[Settings], int]:
    async def run(settings: Settings) -> int:
        declare_followers()
        database = Database.at(settings.database_url.get_secret_value())
        try:
            return await work(database)
        finally:
            await database.close()

    return lambda settings: asyncio.run(run(settings))


COMMANDS = {
    "announce-gaps": _command(_announce),
    "list-restrictions": _command(_list_restrictions),
    "apply-restrictions": _command(_apply_restrictions),
}
