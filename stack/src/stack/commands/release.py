"""`upgrade`: moves to the next release, after a backup. `downgrade`: returns to that backup."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from common import clock
from rich.console import Console

from stack.commands.backup import backup, restore
from stack.commands.lifecycle import down, up
from stack.commands.options import Data
from stack.embedded.connection import running_state
from stack.embedded.layout import Layout
from stack.embedded.lock import exclusive
from stack.embedded.postgres import PostgresServer
from stack.embedded.small import refuse_small
from stack.errors import StackError
from stack.operate import releases
from stack.texts import said

app = typer.Typer()
_terminal = Console(highlight=False, soft_wrap=True)
_SINCE = {"cases": "created_at", "referrals": "created_at", "audit_entries": "at"}


@app.command()
def upgrade(
    folder: Annotated[
        Path, typer.Argument(help="The folder for the backup with which you can go back")
    ],
    key_file: Annotated[Path, typer.Option("--key-file", help="The key file of the backups")],
    data: Data = None,
) -> None:
    """Make a backup, stop Ruta and start this release on the same data."""
    layout = Layout.of(data)
    refuse_small(layout, said("use deploy/run-small upgrade"))
    state = running_state(layout)
    if state is None:
        raise StackError(
            "no stack is running on {root}; start one with ./ruta up", root=layout.root
        )
    backup(folder, key_file, data)
    down(data)
    try:
        up(data=data, port=state.port, detach=True)
    except StackError as error:
        raise StackError(
            "this release does not start ({error}). To go back, run ./ruta downgrade {folder} --key-file … with the previous release",
            error=error,
            folder=folder,
        ) from error


@app.command()
def downgrade(
    folder: Annotated[Path, typer.Argument(help="The backup that `upgrade` made")],
    key_file: Annotated[Path, typer.Option("--key-file", help="The key file of the backups")],
    data: Data = None,
) -> None:
    """Return to the release before an upgrade.

    Run this command with the earlier release, after `down`. The data directory of the newer
    release is kept under a dated name. Data erased, withdrawn or hidden since the upgrade
    stays that way.
    """
    layout = Layout.of(data)
    refuse_small(layout, said("on a server with containers, use deploy/run-small of that release"))
    releases.refuse_newer_backup(folder)
    with exclusive(layout):
        since = _written_since(layout, releases.moment_of(folder))
    aside = layout.root.with_name(f"{layout.root.name}-until-{clock.now():%Y-%m-%dT%H%M%S}")
    try:
        layout.root.rename(aside)
    except OSError as error:
        raise StackError(
            "{root} cannot be moved aside ({error}). Restore the backup into a new directory: ./ruta restore",
            root=layout.root,
            error=error,
        ) from error
    try:
        restore(folder, key_file, data=data, tombstones=[Layout(aside).anchors])
    except BaseException:
        shutil.rmtree(layout.root, ignore_errors=True)
        aside.rename(layout.root)
        raise
    _terminal.print(
        said(
            "written after the backup and not contained in it: {cases} cases, {referrals} referrals, {events} audit entries. They are in {aside}: enter them again, or keep them for a release that can read them",
            cases=since["cases"],
            referrals=since["referrals"],
            events=since["audit_entries"],
            aside=aside,
        )
    )


def _written_since(layout: Layout, moment: str) -> dict[str, str]:
    """Return the number of rows in each table that were created after the backup."""
    server = PostgresServer(layout.postgres)
    server.start()
    try:
        return {
            table: server.psql(
                f"SELECT count(*) FROM {table} WHERE {column} >= '{moment}'",  # noqa: S608 -- names and a moment of our own
                database="referrals",
            ).strip()
            for table, column in _SINCE.items()
        }
    finally:
        server.stop()
