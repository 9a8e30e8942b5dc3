"""`python -m services_directory announce-gaps|list-restrictions|apply-restrictions`, for an operator.

`announce-gaps`: what waits for the hour goes out now; for whoever closes a period, and for the demo's past. The other
two belong to a restore: what the record restricts, and restricting it again.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from common.database import Database
from common.start import fail

from services_directory.followers_service import declare_followers
from services_directory.gaps.announcing import announce_observed
from services_directory.services import restoring
from services_directory.settings import Settings


async def _announce(database: Database) -> int:
    """Print how many counters went out."""
    async with database.transaction() as session:
        gone = await announce_observed(session)
    _say(f"{gone} gap counters go out")
    return 0


async def _list_restrictions(database: Database) -> int:
    """Print what each entry restricts now, a line each: for `tell-restrictions` of referrals."""
    async with database.transaction() as session:
        async for service_id, word in restoring.words_now(session):
            _say(json.dumps({"id": str(service_id), "word": word}, separators=(",", ":")))
    return 0


async def _apply_restrictions(database: Database) -> int:
    """After restoring a backup: restrict again what was restricted last. The words, as `list-restrictions` of
    referrals prints them, are arguments, or the lines of `--from`."""
    parser = argparse.ArgumentParser(prog="apply-restrictions")
    parser.add_argument("--from", dest="file", type=Path)
    parser.add_argument("line", nargs="*")
    asked = parser.parse_args(sys.argv[2:])
    lines = asked.line
    if asked.file is not None:
        lines = (await asyncio.to_thread(asked.file.read_text)).splitlines()
    try:
        words = [restoring.read_word(json.loads(line)) for line in lines]
    except (ValueError, KeyError, TypeError, AttributeError):
        fail("these are not the words that `referrals list-restrictions` prints: nothing was done")
    done = 0
    for service_id, word in words:
        done += await database.retried(
            partial(restoring.restrict_again, service_id=service_id, word=word)
        )
    _say(f"{done} entries of the directory are restricted again")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


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
