"""One fictional person per role, for trying the browser sign-in: `./ruta up --demo`.

Their credentials are stored next to the secrets of the demo clients. Only the stack's owner can read them. Only
`--demo` of the embedded stack creates them.
"""

import json
from dataclasses import dataclass
from typing import Any

from common import clock
from gateway.issuer.people.factors import code_at

from stack.demo.clients import CLIENTS, DemoClient
from stack.embedded.connection import RunningStack
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.private_files import write_private
from stack.texts import said

ADMINISTRATOR = "im-officer"
_PEOPLE = "/identity/v1/people"
_CASEWORK = "directory:read referrals:read referrals:write"


@dataclass(frozen=True)
class DemoPerson:
    """A person with one role, and the organisation and AoRs of a demo client."""

    sign_in_name: str
    role: str
    client: str
    scope: str | None = None

    def wanted(self) -> dict[str, Any]:
        client = _client(self.client)
        return {
            "sign_in_name": self.sign_in_name,
            "organisation_id": client.organisation,
            "roles": [self.role],
            "scopes": (self.scope or client.scope).split(),
            "aors": list(client.aors),
        }


PEOPLE = (
    DemoPerson("demo-caseworker", "caseworker", "ngo-refugio", _CASEWORK),
    # also updates the capacity of the organisation's services
    DemoPerson("demo-recipient", "caseworker", "ngo-salud", f"{_CASEWORK} directory:write"),
    DemoPerson("demo-supervisor", "supervisor", "ngo-refugio-supervisor"),
    DemoPerson("demo-coordinator", "coordinator", "gbv-coordinator"),
    DemoPerson(
        "demo-im",
        "im",
        "im-officer",
        "directory:read directory:curate referrals:read reports:read reports:publish",
    ),
    DemoPerson("demo-admin", "admin", "im-officer", "directory:read admin"),
    DemoPerson("demo-auditor", "auditor", "auditor"),
    DemoPerson("demo-reader", "reader", "health-cluster"),
)


def make_people(running: RunningStack) -> None:
    """Create missing people. A person whose password is not in the file gets a new one."""
    known = _known(running.layout)
    present = _present(running)
    for person in PEOPLE:
        identifier = present.get(person.sign_in_name)
        if identifier is not None and person.sign_in_name in known:
            continue
        path = _PEOPLE if identifier is None else f"{_PEOPLE}/{identifier}/credentials"
        body = {"json": person.wanted()} if identifier is None else {}
        answer = running.request(ADMINISTRATOR, "POST", path, **body)
        if answer.status_code >= 300:
            raise StackError(
                "{name} was refused: {answer}", name=person.sign_in_name, answer=answer.text[:300]
            )
        made = answer.json()
        known[person.sign_in_name] = {
            "password": made["password"],
            "second_factor_uri": made["second_factor_uri"],
        }
        # Write the file at once: the secret is shown only once, and a lost secret would have to be renewed.
        write_private(running.layout.people_file, json.dumps(known, indent=2) + "\n")


def sign_in_of(layout: Layout, sign_in_name: str) -> tuple[str, str]:
    """Return the password and the current one-time code."""
    known = _known(layout)
    if sign_in_name not in known:
        names = ", ".join(known) or said("there are none; create them with ./ruta up --demo")
        raise StackError(
            "{root} has no demo person {sign_in_name!r} (it has: {names})",
            sign_in_name=sign_in_name,
            root=layout.root,
            names=names,
        )
    clock.follow(layout.clock_file)
    known_of = known[sign_in_name]
    return known_of["password"], code_at(known_of["second_factor_uri"], clock.now())


def _known(layout: Layout) -> dict[str, dict[str, str]]:
    """Return the password and second factor of each sign-in name."""
    if not layout.people_file.exists():
        return {}
    known: dict[str, dict[str, str]] = json.loads(layout.people_file.read_text())
    return known


def _client(client_id: str) -> DemoClient:
    return next(client for client in CLIENTS if client.client_id == client_id)


def _present(running: RunningStack) -> dict[str, str]:
    """Return the id of each sign-in name."""
    found: dict[str, str] = {}
    parameters: dict[str, str] = {}
    while True:
        answer = running.request(ADMINISTRATOR, "GET", _PEOPLE, params=parameters)
        if answer.status_code != 200:
            raise StackError("people cannot be listed: {answer}", answer=answer.text[:300])
        page = answer.json()
        found |= {person["sign_in_name"]: person["id"] for person in page["items"]}
        if page.get("next_cursor") is None:
            return found
        parameters = {"cursor": page["next_cursor"]}
