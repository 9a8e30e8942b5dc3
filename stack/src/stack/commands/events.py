"""`events`: replays events, republishes lost events, and replays dead letters."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from stack.commands.options import Data, Kube
from stack.embedded.plan import SERVICES
from stack.errors import StackError
from stack.operate.service_commands import commands_of
from stack.texts import said

app = typer.Typer(name="events", help="Publish, replay and repair events.", no_args_is_help=True)
Service = Annotated[str, typer.Argument(help="directory, referrals or reporting")]


@app.command()
def replay(
    source: Annotated[
        Literal["stream", "outbox"],
        typer.Option(
            "--from",
            help="outbox: use this if the stream was lost; events are first published from the databases",
        ),
    ] = "stream",
    data: Data = None,
    kube: Kube = None,
) -> None:
    """Rebuild reporting's projection from all events and compare it with the current one."""
    commands = commands_of(data, kube)
    if source == "outbox":
        for producer in ("directory", "referrals"):
            if commands.run(producer, "republish") != 0:
                raise StackError("{service} could not publish its events again", service=producer)
    raise typer.Exit(commands.run("reporting", "replay", owner=True, operator=True))


@app.command()
def republish(service: Service, data: Data = None, kube: Kube = None) -> None:
    """Publish again all events of a service that are still in its outbox."""
    raise typer.Exit(commands_of(data, kube).run(_known(service), "republish"))


@app.command(name="dead-letters")
def dead_letters(
    service: Service,
    data: Data = None,
    kube: Kube = None,
    failures: Annotated[
        Path | None,
        typer.Option(
            help="The file that lists events that still fail [dead-letters-SERVICE.jsonl]"
        ),
    ] = None,
) -> None:
    """Process the dead letters of a service again. Exit 1 if any of them still fails."""
    target = failures or Path(f"dead-letters-{_known(service)}.jsonl")
    with target.open("wb") as out:
        code = commands_of(data, kube).run(service, "replay-dead-letters", output=out)
    if target.stat().st_size:
        sys.stderr.write(said("some events still fail: see {file}", file=target) + "\n")
    else:
        target.unlink()
    raise typer.Exit(code)


def _known(service: str) -> str:
    if service not in SERVICES:
        raise StackError(
            "there is no service {service!r}; the services are: {known}",
            service=service,
            known=", ".join(SERVICES),
        )
    return service
