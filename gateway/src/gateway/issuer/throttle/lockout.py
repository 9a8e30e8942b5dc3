"""When guessing is slowed down, and for whom: only for the source that guesses.

A lock on the name alone would let anybody lock a partner out by guessing wrongly on purpose. So
failures count per (name, source): the partner's own system, at another source, goes on. One source
that tries many names is slowed down by its own sum, of the names that it did not get in with. Only who has the password guesses codes: those are counted
wherever they come from, as sources are cheap and codes are short. From many sources together a name has a ceiling:
above it a password is compared only for whoever shows a second factor that is right.
"""

from datetime import datetime, timedelta

FREE_FAILURES = 5
FREE_FAILURES_OF_A_SOURCE = 30
CEILING_OF_A_NAME = 50
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)


def pause(failures: int, free: int) -> timedelta:
    """How long after the last failure the next attempt may come; it doubles each time."""
    beyond = failures - free
    if beyond < 0:
        return timedelta(0)
    return LONGEST_PAUSE if beyond > 10 else min(FIRST_PAUSE * 2**beyond, LONGEST_PAUSE)


def wait(failures: int, last_at: datetime, now: datetime, free: int) -> timedelta:
    """How long to wait from `now`; zero if an attempt may come."""
    if forgotten(last_at, now):
        return timedelta(0)
    return max(last_at + pause(failures, free) - now, timedelta(0))


def forgotten(last_at: datetime, now: datetime) -> bool:
    return now - last_at > FORGOTTEN_AFTER
