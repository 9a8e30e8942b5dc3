"""Builds our images from the commit and pushes them, signed. The bill of materials (CycloneDX) and the provenance (SLSA
v1) are attached to each digest."""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stack.operate.supply.bundle import commit, run, source
from stack.operate.supply.materials import bill_of_materials

RECIPE, LOCK = "deploy/Dockerfile", "uv.lock"
_BUILD_TYPE = "urn:ruta:dockerfile:1"
"""Defines the meaning of `externalParameters`: the arguments of deploy/Dockerfile."""


@dataclass(frozen=True)
class Shipment:
    registry: str
    """Including the folder: registry.example.org/ruta."""
    key: Path
    """cosign's key; COSIGN_PASSWORD contains its password."""
    base: str | None = None
    builder: str = "podman"
    plain_http: bool = False
    platforms: tuple[str, ...] = ()
    """Platforms of one manifest list (`linux/amd64`, `linux/arm64`); empty means an image for this machine only."""


def ship(root: Path, distribution: str, shipment: Shipment) -> str:
    """Push the image and return it by its digest in the registry. If this fails, raise StackError with the reason."""
    for program in (shipment.builder, "cosign"):  # fail before a build starts, which takes minutes
        run(program, "version")
    bill = bill_of_materials(root, distribution)
    revision, release = commit(root), version("ruta-stack")
    arguments = {"SERVICE": distribution, "VERSION": release}
    if shipment.base:
        arguments["BASE"] = shipment.base
    name = f"{shipment.registry}/{distribution.removeprefix('ruta-')}"
    with tempfile.TemporaryDirectory() as folder:
        place, tree = Path(folder), Path(folder) / "source"
        tree.mkdir()
        source(root, tree)
        began = datetime.now(UTC)
        # A builder extends an existing manifest list, so each build uses a new name.
        listed = f"{name}:{release}.{int(began.timestamp())}"
        built = arguments | {"REVISION": revision, "CREATED": _at(began)}
        run(
            *(shipment.builder, "build", "--file", RECIPE),
            *(
                ("--platform", ",".join(shipment.platforms), "--manifest", listed)
                if shipment.platforms
                else ("--tag", f"{name}:{release}")
            ),
            *(part for each in built.items() for part in ("--build-arg", "=".join(each))),
            ".",
            cwd=tree,
        )
        provenance = predicate(tree, arguments, revision, began, datetime.now(UTC))
        digest = place / "digest"
        run(
            shipment.builder,
            *(("manifest", "push", "--all") if shipment.platforms else ("push",)),
            *("--digestfile", str(digest)),
            *(["--tls-verify=false"] if shipment.plain_http else []),
            *(
                [listed, f"docker://{name}:{release}"]
                if shipment.platforms
                else [f"{name}:{release}"]
            ),
        )
        image = f"{name}@{digest.read_text().strip()}"
        # Also sign each image of a list, because a node pulls only its own.
        _cosign(shipment, image, "sign", *(["--recursive"] if shipment.platforms else []))
        for kind, content in (("cyclonedx", bill), ("slsaprovenance1", json.dumps(provenance))):
            (place / kind).write_text(content, encoding="utf-8")
            what = ("--type", kind, "--predicate", str(place / kind))
            _cosign(shipment, image, "attest", *what)
    return image


def predicate(
    tree: Path, arguments: dict[str, str], revision: str, began: datetime, ended: datetime
) -> dict[str, Any]:
    """Return SLSA provenance v1 (slsa.dev/spec/v1.0/provenance) for an image built from the commit in `tree`."""
    return {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": arguments,
            "resolvedDependencies": [
                {"name": "source", "digest": {"gitCommit": revision}},
                *(
                    {"name": file, "digest": {"sha256": _sha256(tree / file)}}
                    for file in (RECIPE, LOCK)
                ),
            ],
        },
        "runDetails": {
            "builder": {"id": "urn:ruta:k8s-ship"},
            "metadata": {"startedOn": _at(began), "finishedOn": _at(ended)},
        },
    }


def _cosign(shipment: Shipment, image: str, *command: str) -> None:
    run(
        *("cosign", *command, "--yes", "--key", str(shipment.key.absolute())),
        # An organisation's images are private, so they must not appear in a public log.
        "--tlog-upload=false",
        *(["--allow-http-registry", "--allow-insecure-registry"] if shipment.plain_http else []),
        image,
    )


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
