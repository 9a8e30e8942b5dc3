"""Who gives a case to whom inside the organisation that holds it. Pure.

It says who is to act; everybody of the organisation who reads cases goes on reading it.
"""

from common.auth import Principal, Role

_GIVES_ANY = frozenset({Role.SUPERVISOR, Role.PARTNER})
"""A supervisor shares out the work; so does the organisation's own system."""


def may_assign(caller: Principal, owner: str | None, to: str | None) -> bool:
    """Others take what nobody has, and hand on or let go what is theirs."""
    if _GIVES_ANY & caller.roles:
        return True
    return owner == caller.subject or (owner is None and to == caller.subject)
