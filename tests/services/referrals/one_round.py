"""Runs one round of the worker's jobs, for tests that check which job finds work."""

from common.db.session import Database
from referrals.worker import Calls


async def called(database: Database) -> set[str]:
    """Return the jobs that were called: timers, notices, webhooks, channels."""
    calls = Calls()
    await calls.look(database)
    return {name for name, event in vars(calls).items() if event.is_set()}
