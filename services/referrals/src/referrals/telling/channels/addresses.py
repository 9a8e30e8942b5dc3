"""Addresses of people as they are shown. Pure."""

from referrals.telling.channels.kinds import ChannelKind


def masked(kind: ChannelKind, address: str) -> str:
    """Enough for its owner to tell it from another one of theirs, too little to write to."""
    if kind is ChannelKind.EMAIL:
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}…@{domain}"
    if kind is ChannelKind.SMS:
        return f"{address[:3]}…{address[-2:]}"
    return "…"
