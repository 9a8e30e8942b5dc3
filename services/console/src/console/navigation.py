"""Pages that a visitor may open, by their rights. Pure."""

from dataclasses import dataclass

from common.auth import Role

from console.visitors import Visitor

HOME = "/console"
MOST_UNFOLDED = 8
"""Whoever has more sections unfolds them on a phone, where thirteen took a third of the screen on every page. Nobody who
works with cases has: what waits for a supervisor is two presses away."""
_ANY: frozenset[Role] = frozenset()
_CASES = frozenset({Role.CASEWORKER, Role.SUPERVISOR})
_SUPERVISES = frozenset({Role.SUPERVISOR})
_LINE = frozenset({Role.COORDINATOR})
_DECIDES = frozenset({Role.SUPERVISOR, Role.COORDINATOR})

_HEARS = _CASES | _LINE

_PLANS = frozenset({Role.COORDINATOR, Role.IM})
_CURATES = frozenset({Role.COORDINATOR, Role.IM})


@dataclass(frozen=True)
class Entry:
    key: str
    path: str
    current: bool


# Key of the text, address, scopes that all must be there, roles of which one must be (none: any).
_ALL: tuple[tuple[str, str, tuple[str, ...], frozenset[Role]], ...] = (
    ("nav.work", HOME, (), _ANY),
    ("nav.cases", "/console/cases", ("referrals:read",), _CASES),
    ("nav.received", "/console/received", ("referrals:read",), _CASES),
    ("nav.sent", "/console/sent", ("referrals:read",), _CASES),
    ("nav.find", "/console/find", ("directory:read",), _CASES),
    ("nav.services", "/console/services", ("directory:read",), _CASES),
    ("nav.decisions", "/console/decisions", ("referrals:read",), _DECIDES),
    ("nav.team", "/console/team", ("referrals:read",), _SUPERVISES),
    ("nav.line", "/console/line", ("referrals:read",), _LINE),
    ("nav.entries", "/console/entries", ("directory:curate",), _CURATES),
    ("nav.houses", "/console/houses", ("directory:curate",), _CURATES),
    ("nav.endorsements", "/console/endorsements", ("directory:curate",), _CURATES),
    ("nav.pathways", "/console/pathways", ("directory:read",), _CURATES),
    ("nav.risks", "/console/risks", ("directory:curate",), _CURATES),
    ("nav.figures", "/console/figures", (), _PLANS),
    ("nav.imports", "/console/imports", ("directory:curate",), frozenset({Role.IM})),
    ("nav.releases", "/console/releases", ("reports:read",), _PLANS),
    ("nav.bulletins", "/console/bulletins", (), _PLANS),
    ("nav.activities", "/console/activities", ("reports:read",), _PLANS),
    ("nav.series", "/console/series", ("reports:read",), _PLANS),
    ("nav.protocols", "/console/protocols", (), frozenset({Role.IM, Role.ADMIN})),
    ("nav.state", "/console/state", (), frozenset({Role.IM, Role.ADMIN})),
    ("nav.audit", "/console/audit", ("referrals:read",), frozenset({Role.AUDITOR})),
    ("nav.people", "/console/people", ("admin",), _ANY),
    ("nav.clients", "/console/clients", ("admin",), _ANY),
    ("nav.organisations", "/console/organisations", ("admin",), _ANY),
    ("nav.changes", "/console/changes", ("admin",), _ANY),
)


def entries(visitor: Visitor, path: str) -> list[Entry]:
    return [
        Entry(key, address, path == address or (address != HOME and path.startswith(f"{address}/")))
        for key, address, scopes, roles in _ALL
        if visitor.may(*scopes) and (not roles or roles & visitor.roles)
    ]


def has_channels(visitor: Visitor) -> bool:
    """Whom anything of cases or of the line may wait for."""
    return visitor.may("referrals:read") and bool(_HEARS & visitor.roles)
