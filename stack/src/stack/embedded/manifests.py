"""Reads the documents of an overlay: arguments, environment, files and volumes of its pods. With these, a deployment's
processes and commands can run without a cluster."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError
from stack.private_files import write_private

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Beside:
    """An additional container in a pod. It has no port. Its liveness probe is a command."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    probe: tuple[str, ...]


@dataclass(frozen=True)
class Pod:
    """The first container of a Deployment or Job. `service` is its name in the policies."""

    name: str
    kind: str
    service: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    port: int | None
    beside: tuple[Beside, ...] = ()


def pods(
    documents: Iterable[Document],
    mounted: Path,
    volumes: Mapping[str, Path],
    kinds: tuple[str, ...] = ("Deployment", "Job"),
) -> Iterator[Pod]:
    """Yield the pods. Files from Secrets and ConfigMaps are written below `mounted`. A volume claim becomes its folder
    in `volumes`, or a folder below `mounted`. Paths in the environment are adapted."""
    known = list(documents)
    for document in known:
        if document["kind"] in kinds:
            yield _pod(document, known, mounted, volumes)


def _pod(
    document: Document, documents: list[Document], mounted: Path, volumes: Mapping[str, Path]
) -> Pod:
    template = document["spec"]["template"]
    first, *others = template["spec"]["containers"]
    name = document["metadata"]["name"]

    def placed(container: Document) -> dict[str, Path]:
        return {
            mount["mountPath"]: _place(volume, documents, mounted / name, volumes)
            / mount.get("subPath", "")
            for mount in container.get("volumeMounts", [])
            for volume in template["spec"]["volumes"]
            if volume["name"] == mount["name"]
        }

    return Pod(
        name=name,
        kind=document["kind"],
        service=template["metadata"]["labels"]["ruta.service"],
        arguments=tuple(first.get("args", [])),
        environment=_environment(first, documents, placed(first)),
        port=port_of(document) if first.get("ports") else None,
        beside=tuple(_beside(other, documents, placed(other)) for other in others),
    )


def _beside(container: Document, documents: list[Document], places: Mapping[str, Path]) -> Beside:
    probe = container.get("livenessProbe", {}).get("exec", {}).get("command", [])
    return Beside(
        name=container["name"],
        arguments=tuple(_moved(value, places) for value in container.get("args", [])),
        environment=_environment(container, documents, places),
        probe=tuple(_moved(value, places) for value in probe),
    )


def _environment(
    container: Document, documents: list[Document], places: Mapping[str, Path]
) -> dict[str, str]:
    environment = {
        key: str(value)
        for source in container.get("envFrom", [])
        for key, value in _source(source, documents).items()
    }
    environment |= {entry["name"]: _said(entry, documents) for entry in container.get("env", [])}
    return {key: _moved(value, places) for key, value in environment.items()}


def _said(entry: Mapping[str, Any], documents: list[Document]) -> str:
    if "valueFrom" not in entry:
        return str(entry["value"])
    source = entry["valueFrom"]["secretKeyRef"]
    return contents(documents, "Secret", source["name"])[source["key"]]


def port_of(deployment: Document) -> int:
    """Return the port of the first container. No other container of the pod has a port."""
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return int(container["ports"][0]["containerPort"])


def _place(
    volume: Mapping[str, Any], documents: list[Document], own: Path, volumes: Mapping[str, Path]
) -> Path:
    if "persistentVolumeClaim" in volume:
        claim = str(volume["persistentVolumeClaim"]["claimName"])
        return volumes.get(claim) or own.parent / claim
    folder = own / str(volume["name"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if "secret" in volume:
        content = contents(documents, "Secret", volume["secret"]["secretName"])
    elif "configMap" in volume:
        content = contents(documents, "ConfigMap", volume["configMap"]["name"])
    else:
        content = {}
    for file, text in content.items():
        write_private(folder / file, text)
    return folder


def _source(source: Mapping[str, Any], documents: list[Document]) -> Mapping[str, str]:
    kind = "Secret" if "secretRef" in source else "ConfigMap"
    reference = source.get("secretRef") or source["configMapRef"]
    return contents(documents, kind, reference["name"])


def contents(documents: Iterable[Document], kind: str, name: str) -> dict[str, str]:
    """Return the content of a Secret or ConfigMap. Raise StackError if it does not exist."""
    for document in documents:
        if document["kind"] == kind and document["metadata"]["name"] == name:
            held: dict[str, str] = document.get("stringData") or document.get("data") or {}
            return held
    raise StackError(
        "the deployment has no {kind} {name}: create it with ./ruta k8s secrets",
        kind=kind,
        name=name,
    )


def _moved(value: str, places: Mapping[str, Path]) -> str:
    for path, place in places.items():
        if value == path or value.startswith(f"{path}/"):
            return f"{place}{value.removeprefix(path)}"
    return value
