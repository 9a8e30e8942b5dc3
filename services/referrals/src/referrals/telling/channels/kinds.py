"""Kinds of channels, their pace, and the reasons for switching them off. Pure."""

from enum import StrEnum

from common.words.choices import words_of


class ChannelKind(StrEnum):
    EMAIL = "email"
    PUSH = "push"
    SMS = "sms"


_ROWS = words_of("channels", ChannelKind)


def reached_by(kind: ChannelKind) -> str:
    """Return how this kind of channel reaches a person: mailbox, browser or telephone. This determines the address
    format."""
    return _ROWS[kind]["reached_by"]


class Pace(StrEnum):
    """How soon a channel sends routine notices; emergencies are always immediate."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    EMERGENCIES = "emergencies"


class SwitchedOff(StrEnum):
    REFUSED = "refused"
    """The relay, push service or gateway refuses the address."""
    GONE = "gone"
    """The browser ended its subscription."""
    TAKEN = "taken"
    """Somebody else has since confirmed the same address."""
    UNCONFIRMED = "unconfirmed"
    """Its owner did not confirm it again in time."""
    BY_SUPERVISOR = "by_supervisor"


class PingStatus(StrEnum):
    WAITING = "waiting"
    HANDING = "handing"
    """A worker is sending its message; after `next_attempt_at` the outcome is unknown."""
    TOLD = "told"
    UNCLEAR = "unclear"
    """The gateway may have accepted it, so a second message could be a duplicate."""
    MOOT = "moot"
    """Somebody acted before it was due."""
    ACCESS_ENDED = "access_ended"
    """Its receiver could no longer find the subject when it was due."""
    GIVEN_UP = "given_up"


def masked(kind: ChannelKind, address: str) -> str:
    """Return enough of an address for its owner to recognise it, but too little to write to it."""
    if reached_by(kind) == "mailbox":
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}…@{domain}"
    if reached_by(kind) == "telephone":
        return f"{address[:3]}…{address[-2:]}"
    return "…"
