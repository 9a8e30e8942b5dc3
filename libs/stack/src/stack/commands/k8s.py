"""`k8s check | secrets | nats-config | sbom`: the cluster deployment without a cluster."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stack import cluster_broker, cluster_check, cluster_secrets
from stack.cluster_check import Finding, check_all
from stack.commands.options import home
from stack.demo_clients import CLIENTS, prepare_clients
from stack.errors import StackError
from stack.layout import Layout
from stack.materials import DISTRIBUTIONS, bill_of_materials

app = typer.Typer(name="k8s", help="The Kubernetes deployment: checks and secrets.")
_terminal = Console(highlight=False, soft_wrap=True)


@app.command()
def check() -> None:
    """Build every overlay and check it: schemas, policies, security. Exit 1 on any finding."""
    findings: list[Finding] = []
    for name, found, skipped in check_all():
        findings += found
        state = f"skipped: {skipped}" if skipped else f"{len(found)} findings" if found else "clean"
        _terminal.print(f"{name:<34} {state}")
    for finding in findings:
        _terminal.print(f"  {finding}", markup=False)
    if findings:
        raise StackError(f"{len(findings)} findings")


@app.command()
def secrets(
    overlay: Annotated[
        str, typer.Option(help=f"For which overlay: {', '.join(cluster_check.OVERLAYS)}")
    ] = "small",
    database_host: Annotated[
        str | None, typer.Option(help="Host of PostgreSQL, if it is not the overlay's")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Namespace of Ruta")] = "ruta",
    demo_clients: Annotated[
        Path | None,
        typer.Option(
            help="For a trial: make the demo clients, and keep their secrets in this folder"
        ),
    ] = None,
) -> None:
    """Print new Secrets as YAML: pipe into kubectl or your secret store, never into git."""
    clients = None
    if demo_clients is not None:
        layout = Layout(demo_clients.absolute())
        secret_of = prepare_clients(layout)
        clients = [client.record(secret_of[client.client_id]) for client in CLIENTS]
    if overlay not in cluster_check.OVERLAYS:
        raise StackError(f"no overlay {overlay}: {', '.join(cluster_check.OVERLAYS)}")
    wanted = cluster_secrets.target(overlay)
    if database_host is not None:
        wanted = replace(
            wanted, database_host=database_host, key_store_host=database_host, pooler_host=None
        )
    made = cluster_secrets.documents(wanted, namespace, clients)
    sys.stdout.write(cluster_secrets.as_yaml(made))
    for name in cluster_secrets.to_fill_in(made):
        typer.echo(f"{name}: put the keys of your bucket in the place of 'fill-in'", err=True)


@app.command(name="nats-config")
def nats_config() -> None:
    """Print nats.conf of a cluster's broker, made from the same arrows as the embedded one."""
    sys.stdout.write(cluster_broker.configuration())


@app.command()
def sbom(
    image: Annotated[
        str, typer.Argument(help=f"The SERVICE of the Dockerfile: {', '.join(DISTRIBUTIONS)}")
    ],
) -> None:
    """Print what an image holds of Python packages, as CycloneDX 1.5 JSON, from the lock.

    The packages of its base image are the base image's: ask its publisher, or scan it.
    """
    sys.stdout.write(bill_of_materials(home(), image))
