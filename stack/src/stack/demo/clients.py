"""The demo clients of the embedded stack and their rights."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from stack.embedded.layout import Layout
from stack.private_files import read_private_map, write_private, write_private_map

AORS = ("CP", "GBV", "TIP", "GP")
_PARTNER = "directory:read directory:write referrals:read referrals:write reports:read"
_COORDINATOR = "directory:read directory:write directory:curate referrals:read reports:read"
_SUPERVISOR = "referrals:read referrals:write directory:read reports:read"


def organisation(number: int) -> str:
    """Return the fixed id of a demo organisation, so that readers can paste the examples in the documentation."""
    return f"0190a000-0000-7000-8000-{number:012d}"


@dataclass(frozen=True)
class DemoClient:
    client_id: str
    name: str
    number: int
    roles: tuple[str, ...]
    scope: str
    aors: tuple[str, ...] = ()

    @property
    def organisation(self) -> str:
        return organisation(self.number)

    def record(self, secret: str) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "secret": secret,
            "name": self.name,
            "organisation": self.organisation,
            "roles": list(self.roles),
            "scopes": self.scope.split(),
            "aors": list(self.aors),
            "areas": [],
        }


CLIENTS = (
    DemoClient(
        "ngo-refugio", "Refugio", 1, ("partner", "caseworker"), _PARTNER, ("CP", "GBV", "TIP")
    ),
    DemoClient("ngo-salud", "Salud", 2, ("partner", "caseworker"), _PARTNER, ("GBV", "CP")),
    DemoClient("ngo-legal", "Legal", 3, ("partner", "caseworker"), _PARTNER, ("TIP", "GBV")),
    DemoClient("health-cluster", "Clúster de Salud", 4, ("reader",), "directory:read"),
    DemoClient("gbv-coordinator", "AdR de VBG", 5, ("coordinator",), _COORDINATOR, ("GBV",)),
    DemoClient("cp-coordinator", "AdR de Niñez", 6, ("coordinator",), _COORDINATOR, ("CP",)),
    DemoClient(
        "tip-coordinator",
        "Equipo contra la Trata",
        7,
        ("coordinator",),
        _COORDINATOR,
        ("TIP", "GP"),
    ),
    DemoClient(
        "im-officer",
        "Gestión de información",
        8,
        ("im", "admin"),
        "directory:read directory:curate referrals:read reports:read reports:publish admin",
        AORS,
    ),
    # The person who closes a period must not publish it alone.
    DemoClient(
        "im-publisher",
        "Publicación",
        8,
        ("im",),
        "directory:read reports:read reports:publish",
        AORS,
    ),
    DemoClient("auditor", "Auditoría", 9, ("auditor",), "referrals:read reports:read"),
    DemoClient("ngo-refugio-supervisor", "Refugio", 1, ("supervisor",), _SUPERVISOR),
    DemoClient("ngo-salud-supervisor", "Salud", 2, ("supervisor",), _SUPERVISOR),
)


def prepare_clients(layout: Layout) -> dict[str, str]:
    """Return the secret of each client. Clients that a later version adds get their secrets at the next start."""
    known = read_private_map(layout.clients_file)
    for client in CLIENTS:
        known.setdefault(client.client_id, secrets.token_urlsafe(32))
    write_private_map(layout.clients_file, known)
    records = [client.record(known[client.client_id]) for client in CLIENTS]
    write_private(layout.bootstrap_clients_file, json.dumps(records, indent=2) + "\n")
    return known
