"""`events`: read events again, publish lost ones again, replay dead letters."""

from typing import Annotated, Literal

import typer

from stack.commands.options import Data, Kube
from stack.errors import StackError
from stack.plan import SERVICES
from stack.service_commands import commands_of

app = typer.Typer(name="events", help="Read, publish and replay events.", no_args_is_help=True)
Service = Annotated[str, typer.Argument(help="directory, referrals or reporting")]


@app.command()
def replay(
    source: Annotated[
        Literal["stream", "outbox"],
        typer.Option(
            "--from", help="outbox: the stream was lost; publish from the databases first"
        ),
    ] = "stream",
    data: Data = None,
    kube: Kube = None,
) -> None:
    """Rebuild reporting's projection from all events; tells whether it equals the present one."""
    commands = commands_of(data, kube)
    if source == "outbox":
        for producer in ("directory", "referrals"):
            if commands.run(producer, "republish") != 0:
                raise StackError("{service} could not publish again", service=producer)
    raise typer.Exit(commands.run("reporting", "replay", owner=True, operator=True))


@app.command()
def republish(service: Service, data: Data = None, kube: Kube = None) -> None:
    """Publish all events of a service again that its outbox still holds."""
    raise typer.Exit(commands_of(data, kube).run(_known(service), "republish"))


@app.command(name="dead-letters")
def dead_letters(service: Service, data: Data = None, kube: Kube = None) -> None:
    """Hand the events that a service could not take to it once more."""
    raise typer.Exit(commands_of(data, kube).run(_known(service), "replay-dead-letters"))


def _known(service: str) -> str:
    if service not in SERVICES:
        raise StackError(
            "no service {service!r}: {known}", service=service, known=", ".join(SERVICES)
        )
    return service
