"""`audit` and `keys`: verify the audit record, and change the keys that protect it."""

from typing import Annotated

import typer
from gateway.keys import rotate_internal_keys
from rich.console import Console

from stack.commands.options import Data, Kube
from stack.embedded.layout import Layout
from stack.embedded.lock import exclusive
from stack.embedded.secrets import internal_key
from stack.embedded.small import refuse_small
from stack.operate.lost_keys import accept_another_key
from stack.operate.service_commands import ServiceCommands, commands_of
from stack.texts import said

_terminal = Console(highlight=False, soft_wrap=True)
app = typer.Typer()
_audit = typer.Typer(help="Verify that the audit record is complete.", no_args_is_help=True)
_keys = typer.Typer(help="Rotate keys, or replace a lost one.", no_args_is_help=True)
app.add_typer(_audit, name="audit")
app.add_typer(_keys, name="keys")


@_audit.callback()
def _audit_group() -> None:
    """Verify that the audit record is complete."""


@_audit.command()
def verify(data: Data = None, kube: Kube = None) -> None:
    """Check the chain of audit entries for edits, deletions and truncation. Exit 0 if it is
    complete."""
    raise typer.Exit(commands_of(data, kube).run("referrals", "audit-verify"))


@_keys.command()
def accept(
    key: Annotated[
        str,
        typer.Argument(
            help="The name of the key as the message gives it, e.g. RUTA_BLIND_INDEX_KEY"
        ),
    ],
    data: Data = None,
    *,
    give_up_cases: Annotated[
        bool,
        typer.Option(
            "--give-up-cases",
            help="With key-encryption-keys: permanently erase the cases that nobody can open any more",
        ),
    ] = False,
) -> None:
    """Let a stopped stack start with a new key because the old one is lost.

    Data sealed with the lost key stays unreadable.
    """
    layout = Layout.of(data)
    with exclusive(layout):
        _terminal.print(accept_another_key(layout, key, give_up_cases=give_up_cases))


@_keys.callback()
def _keys_group() -> None:
    """Rotate keys, or replace a lost one."""


@_keys.command()
def rotate(data: Data = None) -> None:
    """Rotate keys while everything runs: the keys that wrap case keys, and the signing keys of the
    issuer and the gateway."""
    layout = Layout.of(data)
    # The small deployment's key files are mounted read-only, and the services would not get a key created here.
    refuse_small(layout, said("rotate the keys as on a cluster, in two phases (docs/operate.md)"))
    commands = ServiceCommands(layout)
    codes = [commands.run("referrals", "rotate-keys"), commands.run("issuer", "issuer-rotate-keys")]
    signs = rotate_internal_keys(*internal_key(layout))
    _terminal.print(said("the gateway signs with {signs}", signs=signs))
    raise typer.Exit(max(codes))
