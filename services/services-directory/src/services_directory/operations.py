"""`python -m services_directory announce-gaps`: what waits for the hour goes out now.

For an operator who closes a period, and for the demo's past.
"""

import asyncio
import sys

from common.database import Database

from services_directory.gaps.announcing import announce_observed
from services_directory.settings import Settings


def run_announce(settings: Settings) -> int:
    """Print how many counters went out."""
    sys.stdout.write(f"{asyncio.run(_announce(settings))} gap counters go out\n")
    return 0


async def _announce(settings: Settings) -> int:
    database = Database.at(settings.database_url.get_secret_value())
    try:
        async with database.transaction() as session:
            return await announce_observed(session)
    finally:
        await database.close()


COMMANDS = {"announce-gaps": run_announce}
