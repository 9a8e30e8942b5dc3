"""Kinds of channels, their pace, and reasons for switching them off. Pure."""

from enum import StrEnum

from common.words.choices import words_of


class ChannelKind(StrEnum):
    EMAIL = "email"
    PUSH = "push"
    SMS = "sms"


_ROWS = words_of("channels", ChannelKind)


def reached_by(kind: ChannelKind) -> str:
    """Mailbox, browser or telephone: decides the format of addresses."""
    return _ROWS[kind]["reached_by"]


class Pace(StrEnum):
    """How soon a channel notifies about routine matters; emergencies are always immediate."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    EMERGENCIES = "emergencies"


class SwitchedOff(StrEnum):
    REFUSED = "refused"
    """The relay, push service or gateway says that nothing can be delivered there."""
    GONE = "gone"
    """The browser gave up its subscription."""
    TAKEN = "taken"
    """Somebody else has confirmed the same address since."""
    UNCONFIRMED = "unconfirmed"
    """Nobody confirmed it again in time."""
    BY_SUPERVISOR = "by_supervisor"


class PingStatus(StrEnum):
    WAITING = "waiting"
    HANDING = "handing"
    """Its message is being handed over; at `next_attempt_at` nobody knows what became of it."""
    TOLD = "told"
    UNCLEAR = "unclear"
    """The gateway may have taken it; a second message would be one too many."""
    MOOT = "moot"
    """Somebody had acted before it was due."""
    ACCESS_ENDED = "access_ended"
    """Whoever would have been told could not find it any more when it was due."""
    GIVEN_UP = "given_up"


def masked(kind: ChannelKind, address: str) -> str:
    """Return enough of an address for its owner to recognise it, and too little to write to it."""
    if reached_by(kind) == "mailbox":
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}…@{domain}"
    if reached_by(kind) == "telephone":
        return f"{address[:3]}…{address[-2:]}"
    return "…"
