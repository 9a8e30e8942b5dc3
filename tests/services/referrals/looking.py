"""Whom the worker's look calls, for tests that then see who finds something."""

from common.db.session import Database
from referrals.worker import Calls


async def called(database: Database) -> set[str]:
    """Of timers, notices, webhooks, channels."""
    calls = Calls()
    await calls.look(database)
    return {name for name, event in vars(calls).items() if event.is_set()}
