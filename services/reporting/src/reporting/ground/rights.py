"""Who works on publications: a scope and the roles. Routes, and answers that offer steps, ask the same rows. Pure."""

from typing import NamedTuple

from common.auth import Role


class Right(NamedTuple):
    scope: str
    roles: frozenset[Role]


PUBLISHING = Right("reports:publish", frozenset({Role.IM}))
PREPARING = Right("reports:read", frozenset({Role.IM, Role.COORDINATOR}))
SIGNING = Right("reports:read", frozenset({Role.COORDINATOR}))
CONTRIBUTING = Right("reports:read", frozenset({Role.PARTNER, Role.SUPERVISOR}))
