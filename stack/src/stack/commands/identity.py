"""`client`, `organisation`, `person`: manage identities at Ruta's own issuer, through the gateway."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from stack.commands.desk import Desk, as_client
from stack.commands.options import AsJson, Data, write_json
from stack.demo.people import sign_in_of
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.texts import said

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

# Never wrap lines in a pipe, because scripts parse ids from them.
_WIDTH = None if sys.stdout.isatty() else 1000
_terminal = Console(highlight=False, soft_wrap=True, width=_WIDTH)
_BASE = "/identity/v1"

_as_admin = as_client(who="The demo client with the role admin that runs this command")
Texts = Annotated[list[str] | None, typer.Option(help="You may repeat this option")]
_KEYS_HELP = "A file with the client's public keys (JWKS), by which it signs in place of a secret"
Keys = Annotated[Path | None, typer.Option(help=_KEYS_HELP)]
Organisation = Annotated[
    str,
    typer.Option(
        "--organisation", help="The id of the organisation, as in ./ruta organisation list"
    ),
]


def _change(desk: Desk, path: str, wanted: dict[str, Any]) -> None:
    """Change the current version of a record."""
    read = desk.ask("GET", f"{_BASE}{path}", refused=True)
    if read.status_code == 404:
        raise StackError("there is nothing at {path}", path=path)
    desk.send("PATCH", f"{_BASE}{path}", wanted, headers={"If-Match": read.headers["ETag"]})


def _print_table(items: Iterable[dict[str, Any]], columns: list[str], *, as_json: bool) -> None:
    if as_json:
        write_json([{column: item[column] for column in columns} for item in items])
        return
    # Wrap text but never truncate it, because the next command needs complete ids and names.
    whole = (Column(column, overflow="fold") for column in columns)
    table = Table(*whole, box=None, pad_edge=False)
    for item in items:
        values = [item[column] for column in columns]
        table.add_row(*(" ".join(v) if isinstance(v, list) else str(v) for v in values))
    _terminal.print(table)


@_clients.command("add")
@_as_admin
def add_client(
    desk: Desk,
    client_id: str,
    *,
    organisation: Organisation,
    name: Annotated[str, typer.Option(help="The kind of client")] = "",
    role: Texts = None,
    scope: Texts = None,
    aor: Texts = None,
    area: Texts = None,
    ends: Annotated[
        str | None, typer.Option(help="The last day of access, such as 2027-06-30")
    ] = None,
    keys: Keys = None,
) -> None:
    """Add a client and print its secret once; with --keys it has none. Without --role and --scope it gets the usual
    permissions of a partner."""
    made = desk.send(
        "POST",
        f"{_BASE}/clients",
        {
            "id": client_id,
            "organisation_id": organisation,
            "name": name or client_id,
            "roles": role or ["partner"],
            "scopes": scope
            or ["directory:read", "directory:write", "referrals:read", "referrals:write"],
            "aors": aor or [],
            "areas": area or [],
            "ends_on": ends,
            "jwks": _jwks(keys),
        },
    )
    _show_secret(made)


@_clients.command("set-keys")
@_as_admin
def set_keys(
    desk: Desk, client_id: str, keys: Annotated[Path, typer.Argument(help=_KEYS_HELP)]
) -> None:
    """Replace the public keys of a client; its secret then opens nothing. renew-secret goes back."""
    _change(desk, f"/clients/{client_id}", {"jwks": _jwks(keys)})
    _terminal.print(said("{client_id}: signs with its own keys", client_id=client_id))


def _jwks(keys: Path | None) -> Any:
    """Return the JWKS in the file, or None without a file."""
    if keys is None:
        return None
    try:
        return json.loads(keys.read_bytes())
    except (OSError, ValueError) as error:
        raise StackError("{file} cannot be read as JSON", file=keys) from error


@_clients.command("list")
@_as_admin
def list_clients(desk: Desk, as_json: AsJson = False) -> None:
    """List all clients and their permissions."""
    items = desk.pages(f"{_BASE}/clients")
    _print_table(
        items,
        ["id", "organisation_id", "roles", "scopes", "ends_on", "last_used_on", "active"],
        as_json=as_json,
    )


@_clients.command("renew-secret")
@_as_admin
def renew_secret(desk: Desk, client_id: str) -> None:
    """Print a new secret once; the old secret and its tokens become void."""
    _show_secret(desk.send("POST", f"{_BASE}/clients/{client_id}/secret"))


@_clients.command("revoke")
@_as_admin
def revoke(desk: Desk, client_id: str) -> None:
    """Void all tokens of a client within a minute; the client can get new ones."""
    desk.send("POST", f"{_BASE}/clients/{client_id}/revocation")
    _terminal.print(
        said("{client_id}: its tokens become void within a minute", client_id=client_id)
    )


@_clients.command("switch-off")
@_as_admin
def switch_off(desk: Desk, client_id: str) -> None:
    """Disable a client; its tokens become void within a minute."""
    _change(desk, f"/clients/{client_id}", {"active": False})
    _terminal.print(said("{client_id}: disabled", client_id=client_id))


@_clients.command("switch-on")
@_as_admin
def switch_on(desk: Desk, client_id: str) -> None:
    """Enable a client again."""
    _change(desk, f"/clients/{client_id}", {"active": True})
    _terminal.print(said("{client_id}: enabled", client_id=client_id))


@_organisations.command("add")
@_as_admin
def add_organisation(desk: Desk, name: str, *, aor: Texts = None) -> None:
    """Add an organisation and print its id."""
    made = desk.send("POST", f"{_BASE}/organisations", {"name": name, "aors": aor or []})
    _terminal.print(made["id"])


@_organisations.command("list")
@_as_admin
def list_organisations(desk: Desk, as_json: AsJson = False) -> None:
    """List all organisations and the AoRs of which they are members."""
    items = desk.pages(f"{_BASE}/organisations")
    _print_table(items, ["id", "name", "aors", "active"], as_json=as_json)


@_organisations.command("aors")
@_as_admin
def set_aors(
    desk: Desk, organisation_id: str, aor: Annotated[list[str] | None, typer.Argument()] = None
) -> None:
    """Replace the AoRs of which an organisation is a member."""
    _change(desk, f"/organisations/{organisation_id}", {"aors": aor or []})
    _terminal.print(f"{organisation_id}: {' '.join(aor or []) or said('none')}")


@_people.command("add")
@_as_admin
def add_person(
    desk: Desk,
    sign_in_name: str,
    *,
    organisation: Organisation,
    role: Texts = None,
    scope: Texts = None,
    aor: Texts = None,
    area: Texts = None,
) -> None:
    """Add a person and print the password and second factor once."""
    made = desk.send(
        "POST",
        f"{_BASE}/people",
        {
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
@_as_admin
def list_people(desk: Desk, as_json: AsJson = False) -> None:
    """List all people and their permissions."""
    items = desk.pages(f"{_BASE}/people")
    _print_table(
        items,
        ["id", "sign_in_name", "organisation_id", "roles", "scopes", "active"],
        as_json=as_json,
    )


@_people.command("renew-credentials")
@_as_admin
def renew_credentials(desk: Desk, person_id: str) -> None:
    """Print a new password and second factor once; the person is signed out everywhere."""
    _show_credentials(desk.send("POST", f"{_BASE}/people/{person_id}/credentials"))


@_people.command("code")
def demo_code(sign_in_name: str, data: Data = None) -> None:
    """Print the sign-in data of a demo person (`up --demo`): the password and the current code."""
    password, code = sign_in_of(Layout.of(data), sign_in_name)
    _terminal.print(said("sign-in name    {sign_in_name}", sign_in_name=sign_in_name))
    _terminal.print(said("password        {password}", password=password))
    _terminal.print(
        said("code            {code}   (works once; a new one comes every 30 s)", code=code)
    )


def _show_secret(made: dict[str, Any]) -> None:
    _terminal.print(said("client   {id}", id=made["id"]))
    if made["secret"] is not None:
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
