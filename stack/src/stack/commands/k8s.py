"""`k8s check | secrets | certificates | images | pin | ship | restore | nats-config | sbom`: tasks for a cluster
deployment that need no cluster. `k8s run`: a service's command inside a cluster."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stack.commands.options import home
from stack.demo.clients import CLIENTS, prepare_clients
from stack.embedded import arrows
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.operate.cluster import broker, process_certificates
from stack.operate.cluster import check as cluster_check
from stack.operate.cluster import images as cluster_images
from stack.operate.cluster import restore as cluster_restore
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.check import Finding, check_all
from stack.operate.cluster.commands import ClusterCommands
from stack.operate.supply import shipment
from stack.operate.supply.materials import DISTRIBUTIONS, bill_of_materials
from stack.operate.supply.shipment import Shipment
from stack.texts import said

app = typer.Typer(name="k8s", help="Prepare and check a deployment on Kubernetes.")
_terminal = Console(highlight=False, soft_wrap=True)


@app.command()
def check() -> None:
    """Build every overlay and check its schemas, policies and security. Exit 1 if there are
    findings."""
    findings: list[Finding] = []
    for name, found, skipped in check_all():
        findings += found
        if skipped:
            state = said("skipped: {why}", why=skipped)
        elif found:
            state = said("{number} findings", number=len(found))
        else:
            state = said("clean")
        _terminal.print(f"{name:<34} {state}")
    for finding in findings:
        _terminal.print(f"  {finding}", markup=False)
    if findings:
        raise StackError("{number} findings", number=len(findings))


@app.command()
def secrets(
    overlay: Annotated[
        str, typer.Option(help=f"The overlay: {', '.join(cluster_check.OVERLAYS)}")
    ] = "small",
    database_host: Annotated[
        str | None, typer.Option(help="The host of PostgreSQL, if it is not the one of the overlay")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Namespace of Ruta")] = "ruta",
    demo_clients: Annotated[
        Path | None,
        typer.Option(
            help="For a trial: create the demo clients and keep their secrets in this folder"
        ),
    ] = None,
) -> None:
    """Print new Secrets as YAML. Pipe them into kubectl or your secret store, never into git."""
    clients = None
    if demo_clients is not None:
        layout = Layout(demo_clients.absolute())
        secret_of = prepare_clients(layout)
        clients = [client.record(secret_of[client.client_id]) for client in CLIENTS]
    if overlay not in cluster_check.OVERLAYS:
        raise StackError(
            "there is no overlay {overlay}; the overlays are: {known}",
            overlay=overlay,
            known=", ".join(cluster_check.OVERLAYS),
        )
    wanted = cluster_secrets.target(overlay)
    if database_host is not None:
        wanted = replace(
            wanted, database_host=database_host, key_store_host=database_host, pooler_host=None
        )
    made = cluster_secrets.documents(wanted, namespace, clients)
    # On a new cluster the namespace does not exist yet.
    sys.stdout.write(cluster_secrets.as_yaml([cluster_check.namespace_document(namespace), *made]))
    for name in cluster_secrets.to_fill_in(made):
        typer.echo(
            said("{name}: replace 'fill-in' with the keys of your bucket", name=name),
            err=True,
        )


@app.command()
def certificates(
    authority: Annotated[
        Path | None,
        typer.Argument(
            help="The Secret ruta-internal-ca as YAML or JSON; without it, a new authority is created"
        ),
    ] = None,
    namespace: Annotated[str, typer.Option(help="Namespace of Ruta")] = "ruta",
) -> None:
    """Print, as YAML, new certificates with which processes identify each other, valid for a year."""
    signing = process_certificates.read_authority(authority.read_text()) if authority else None
    made = list(cluster_secrets.certificates(signing))
    for document in made:
        document["metadata"]["namespace"] = namespace
    sys.stdout.write(cluster_secrets.as_yaml(made))


def _documents(overlay: str) -> list[dict[str, Any]]:
    try:
        return cluster_check.built(overlay)
    except (cluster_check.Skipped, cluster_check.BuildFailed) as error:
        raise StackError.passed_on(str(error)) from error


@app.command()
def images(
    overlay: Annotated[str, typer.Argument(help="A folder of deploy/k8s/overlays")] = "production",
    *,
    strictly: Annotated[
        bool, typer.Option("--strictly", help="Exit 1 if an image has only a tag and no digest")
    ] = False,
) -> None:
    """Print the images that an overlay uses, each once."""
    documents = _documents(overlay)
    for image in cluster_images.images(documents):
        typer.echo(image)
    loose = cluster_images.without_digest(documents, strictly=True)
    if strictly and loose:
        raise StackError(
            "{number} images have no digest; ./ruta k8s pin gets it from their registries",
            number=len(loose),
        )


@app.command()
def pin(
    overlay: Annotated[str, typer.Argument(help="A folder of deploy/k8s/overlays")] = "production",
    *,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="A registry in your own network without TLS")
    ] = False,
) -> None:
    """Print a kustomization over the overlay in which every image has its current digest from the
    registry.

    Save it, for example, as deploy/k8s/overlays/pinned/kustomization.yaml, and deploy that.
    """
    sys.stdout.write(cluster_images.pinned(overlay, _documents(overlay), insecure=plain_http))


@app.command()
def ship(
    registry: Annotated[
        str, typer.Argument(help="The registry with its folder, such as registry.example.org/ruta")
    ],
    *,
    key: Annotated[
        Path,
        typer.Option(help="The private key of cosign; its password is read from COSIGN_PASSWORD"),
    ],
    image: Annotated[
        list[str] | None,
        typer.Option(help="The SERVICE of the Dockerfile; without it, all images are built"),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="The base image, preferably with its digest")
    ] = None,
    builder: Annotated[str, typer.Option(help="podman or buildah")] = "podman",
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="A registry in your own network without TLS")
    ] = False,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            help="linux/amd64, linux/arm64: one list for all images; without it, the platform of this machine"
        ),
    ] = None,
) -> None:
    """Build our images from the commit, push and sign them, and attach to each its bill of
    materials (CycloneDX) and its provenance (SLSA). Print each image with its digest."""
    wanted = Shipment(registry, key, base, builder, plain_http, tuple(platform or ()))
    for distribution in image or DISTRIBUTIONS:
        typer.echo(shipment.ship(home(), distribution, wanted))


@app.command()
def restore(
    backup: Annotated[
        str, typer.Argument(help="The name of a backup on the claim `backups`, or `last`")
    ],
    overlay: Annotated[str, typer.Option(help="A folder of deploy/k8s/overlays")] = "small",
    namespace: Annotated[str, typer.Option(help="Namespace of Ruta")] = "ruta",
    without_lists: Annotated[
        str, typer.Option(help="Continue although the lists are missing, and give the reason")
    ] = "",
) -> None:
    """Print, as YAML, the Job that restores a backup while all pods are stopped."""
    reason = [f"--without-lists={without_lists}"] if without_lists else []
    made = cluster_restore.documents(_documents(overlay), namespace, [backup, *reason])
    sys.stdout.write(cluster_secrets.as_yaml(made))


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    service: Annotated[str, typer.Argument(help="directory, referrals, reporting or issuer")],
    verb: Annotated[
        list[str],
        typer.Argument(help="The command as for `python -m referrals …`, with its options"),
    ],
    *,
    namespace: Annotated[str, typer.Option("--namespace", "-n")] = "ruta",
    own_pod: Annotated[
        bool,
        typer.Option(
            "--own-pod",
            help="Use a separate pod, while no pod of the service runs. Not for commands that print keys, because the node keeps the log",
        ),
    ] = False,
) -> None:
    """Run a service's command in one of its pods, through kubectl: key-ring-add, retention-report, hash …"""
    raise typer.Exit(ClusterCommands(namespace).run(service, *verb, own_pod=own_pod))


@app.command(name="nats-config")
def nats_config(
    outside: Annotated[
        list[str] | None,
        typer.Option(
            help="The name of an external reader, for example health; repeat the option for each reader"
        ),
    ] = None,
) -> None:
    """Print nats.conf for the broker of a cluster, with the same permissions as the embedded one."""
    readers = outside or []
    sys.stdout.write(broker.configuration(readers))
    for reader in readers:
        user = arrows.outside(reader)
        typer.echo(
            said(
                "{user}: the password is {variable} in the Secret ruta-nats-outside",
                user=user,
                variable=broker.variable(user),
            ),
            err=True,
        )


@app.command()
def sbom(
    image: Annotated[
        str, typer.Argument(help=f"The SERVICE of the Dockerfile: {', '.join(DISTRIBUTIONS)}")
    ],
) -> None:
    """Print the Python packages of an image from the lock, as CycloneDX 1.5 JSON.

    The packages of the base image are not listed: ask its publisher, or scan it.
    """
    sys.stdout.write(bill_of_materials(home(), image))
