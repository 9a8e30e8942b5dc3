"""A rate as it is set: so many requests in so many seconds. Pure."""

import re

_RATE = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)? ?(second|minute|hour|day)s?")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def read_rate(text: str) -> tuple[int, int]:
    """Requests and seconds of `600/minute` or `20/10 seconds`; ValueError for anything else."""
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no rate such as 600/minute")
    return int(found[1]), int(found[2] or 1) * _SECONDS[found[3]]
