"""`client`, `organisation`, `person`: identities at Ruta's own issuer, through the gateway's REST."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from stack.commands.options import AsJson, Data, Url, write_json
from stack.demo.people import sign_in_of
from stack.embedded.connection import RunningStack, connect
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.wording import said

app = typer.Typer()
_clients = typer.Typer(
    help="Manage the systems of partners that call the API.", no_args_is_help=True
)
_organisations = typer.Typer(
    help="Manage organisations and their areas of responsibility.", no_args_is_help=True
)
_people = typer.Typer(help="Manage people who sign in with a browser.", no_args_is_help=True)
app.add_typer(_clients, name="client")
app.add_typer(_organisations, name="organisation")
app.add_typer(_people, name="person")

# Into a pipe each line is as wide as it is: scripts read ids out of it.
_WIDTH = None if sys.stdout.isatty() else 1000
_terminal = Console(highlight=False, soft_wrap=True, width=_WIDTH)
_BASE = "/identity/v1"

As = Annotated[str, typer.Option("--as", help="Demo client with the role admin that does this")]
Texts = Annotated[list[str] | None, typer.Option(help="May be given several times")]
Organisation = Annotated[
    str, typer.Option("--organisation", help="Its id: ./ruta organisation list")
]


class _Desk:
    """Calls the identity API as an administrator; StackError with the problem's detail."""

    def __init__(self, data: Path | None, url: str | None, admin: str) -> None:
        self._stack: RunningStack = connect(data, url)
        self._admin = admin

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = self._stack.request(self._admin, method, f"{_BASE}{path}", **options)
        if answer.status_code >= 400:
            problem = answer.json()
            pointer = f" ({problem['pointer']})" if problem.get("pointer") else ""
            raise StackError.passed_on(
                f"HTTP {answer.status_code}: {problem.get('detail')}{pointer}"
            )
        return answer.json() if answer.content else None

    def change(self, path: str, wanted: dict[str, Any]) -> Any:
        """A PATCH of the version that is there now."""
        read = self._stack.request(self._admin, "GET", f"{_BASE}{path}")
        if read.status_code == 404:
            raise StackError("nothing at {path}", path=path)
        return self.call("PATCH", path, json=wanted, headers={"If-Match": read.headers["ETag"]})

    def all(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.call("GET", path, params={"cursor": cursor} if cursor else {})
            items += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return items


def _print_table(items: list[dict[str, Any]], columns: list[str], *, as_json: bool) -> None:
    if as_json:
        write_json([{column: item[column] for column in columns} for item in items])
        return
    # Folded, never cut: the next command needs ids and names whole.
    whole = (Column(column, overflow="fold") for column in columns)
    table = Table(*whole, box=None, pad_edge=False)
    for item in items:
        values = [item[column] for column in columns]
        table.add_row(*(" ".join(v) if isinstance(v, list) else str(v) for v in values))
    _terminal.print(table)


@_clients.command("add")
def add_client(
    client_id: str,
    *,
    organisation: Organisation,
    name: Annotated[str, typer.Option(help="What the client is")] = "",
    role: Texts = None,
    scope: Texts = None,
    aor: Texts = None,
    area: Texts = None,
    data: Data = None,
    url: Url = None,
    admin: As = "im-officer",
) -> None:
    """Add a client and print its secret, once. Without --role and --scope: a partner's usual ones."""
    made = _Desk(data, url, admin).call(
        "POST",
        "/clients",
        json={
            "id": client_id,
            "organisation_id": organisation,
            "name": name or client_id,
            "roles": role or ["partner"],
            "scopes": scope
            or ["directory:read", "directory:write", "referrals:read", "referrals:write"],
            "aors": aor or [],
            "areas": area or [],
        },
    )
    _show_secret(made)


@_clients.command("list")
def list_clients(
    data: Data = None, url: Url = None, admin: As = "im-officer", as_json: AsJson = False
) -> None:
    """All clients and what they may do."""
    items = _Desk(data, url, admin).all("/clients")
    _print_table(
        items, ["id", "organisation_id", "roles", "scopes", "aors", "active"], as_json=as_json
    )


@_clients.command("renew-secret")
def renew_secret(
    client_id: str, data: Data = None, url: Url = None, admin: As = "im-officer"
) -> None:
    """Print a new secret, once; the old one and its tokens are void."""
    _show_secret(_Desk(data, url, admin).call("POST", f"/clients/{client_id}/secret"))


@_clients.command("revoke")
def revoke(client_id: str, data: Data = None, url: Url = None, admin: As = "im-officer") -> None:
    """Void all tokens of a client within a minute; it may get new ones."""
    _Desk(data, url, admin).call("POST", f"/clients/{client_id}/revocation")
    _terminal.print(said("{client_id}: tokens are void within a minute", client_id=client_id))


@_clients.command("switch-off")
def switch_off(
    client_id: str, data: Data = None, url: Url = None, admin: As = "im-officer"
) -> None:
    """Let a client in no more; its tokens are void within a minute."""
    _Desk(data, url, admin).change(f"/clients/{client_id}", {"active": False})
    _terminal.print(said("{client_id}: off", client_id=client_id))


@_clients.command("switch-on")
def switch_on(client_id: str, data: Data = None, url: Url = None, admin: As = "im-officer") -> None:
    """Let a client in again."""
    _Desk(data, url, admin).change(f"/clients/{client_id}", {"active": True})
    _terminal.print(said("{client_id}: on", client_id=client_id))


@_organisations.command("add")
def add_organisation(
    name: str, *, aor: Texts = None, data: Data = None, url: Url = None, admin: As = "im-officer"
) -> None:
    """Add an organisation and print its id."""
    desk = _Desk(data, url, admin)
    made = desk.call("POST", "/organisations", json={"name": name, "aors": aor or []})
    _terminal.print(made["id"])


@_organisations.command("list")
def list_organisations(
    data: Data = None, url: Url = None, admin: As = "im-officer", as_json: AsJson = False
) -> None:
    """All organisations and the AoRs that they are members of."""
    items = _Desk(data, url, admin).all("/organisations")
    _print_table(items, ["id", "name", "aors", "active"], as_json=as_json)


@_organisations.command("aors")
def set_aors(
    organisation_id: str,
    aor: Annotated[list[str] | None, typer.Argument()] = None,
    data: Data = None,
    url: Url = None,
    admin: As = "im-officer",
) -> None:
    """Replace the AoRs that an organisation is a member of."""
    _Desk(data, url, admin).change(f"/organisations/{organisation_id}", {"aors": aor or []})
    _terminal.print(f"{organisation_id}: {' '.join(aor or []) or said('none')}")


@_people.command("add")
def add_person(
    sign_in_name: str,
    *,
    organisation: Organisation,
    role: Texts = None,
    scope: Texts = None,
    aor: Texts = None,
    area: Texts = None,
    data: Data = None,
    url: Url = None,
    admin: As = "im-officer",
) -> None:
    """Add a person and print password and second factor, once."""
    made = _Desk(data, url, admin).call(
        "POST",
        "/people",
        json={
            "sign_in_name": sign_in_name,
            "organisation_id": organisation,
            "roles": role or ["caseworker"],
            "scopes": scope or ["directory:read", "referrals:read", "referrals:write"],
            "aors": aor or [],
            "areas": area or [],
        },
    )
    _show_credentials(made)


@_people.command("list")
def list_people(
    data: Data = None, url: Url = None, admin: As = "im-officer", as_json: AsJson = False
) -> None:
    """All people and what they may do."""
    items = _Desk(data, url, admin).all("/people")
    _print_table(
        items,
        ["id", "sign_in_name", "organisation_id", "roles", "scopes", "active"],
        as_json=as_json,
    )


@_people.command("renew-credentials")
def renew_credentials(
    person_id: str, data: Data = None, url: Url = None, admin: As = "im-officer"
) -> None:
    """Print a new password and second factor, once; the person is signed out everywhere."""
    _show_credentials(_Desk(data, url, admin).call("POST", f"/people/{person_id}/credentials"))


@_people.command("code")
def demo_code(sign_in_name: str, data: Data = None) -> None:
    """Print what a person of `up --demo` signs in with: the password, and the code of this moment."""
    password, code = sign_in_of(Layout.of(data), sign_in_name)
    _terminal.print(said("sign-in name    {sign_in_name}", sign_in_name=sign_in_name))
    _terminal.print(said("password        {password}", password=password))
    _terminal.print(
        said("code            {code}   (works once; a new one comes every 30 s)", code=code)
    )


def _show_secret(made: dict[str, Any]) -> None:
    _terminal.print(said("client   {id}", id=made["id"]))
    _terminal.print(said("secret   {secret}   (shown this once)", secret=made["secret"]))


def _show_credentials(made: dict[str, Any]) -> None:
    _terminal.print(
        said(
            "person          {id}  {sign_in_name}", id=made["id"], sign_in_name=made["sign_in_name"]
        )
    )
    _terminal.print(
        said("password        {password}   (shown this once)", password=made["password"])
    )
    _terminal.print(
        said("second factor   {uri}   (shown this once)", uri=made["second_factor_uri"])
    )
