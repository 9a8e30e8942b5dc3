"""`k8s check`, `k8s secrets`, `k8s nats-config`: the cluster deployment without a cluster."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from stack import cluster_broker, cluster_secrets
from stack.cluster_check import Finding, check_all
from stack.errors import StackError

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
    database_host: Annotated[str, typer.Option(help="Host of PostgreSQL")] = "postgres",
    namespace: Annotated[str, typer.Option(help="Namespace of Ruta")] = "ruta",
) -> None:
    """Print new Secrets as YAML: pipe into kubectl or your secret store, never into git."""
    made = cluster_secrets.documents(database_host, namespace)
    sys.stdout.write(cluster_secrets.as_yaml(made))


@app.command(name="nats-config")
def nats_config() -> None:
    """Print nats.conf of a cluster's broker, made from the same arrows as the embedded one."""
    sys.stdout.write(cluster_broker.configuration())
