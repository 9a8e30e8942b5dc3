"""The Job that restores a backup of the `small` overlay, derived from the CronJob that wrote the backup."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import yaml

from stack.errors import StackError
from stack.operate.cluster.documents import config_map

Document = Mapping[str, Any]
_NAME = "restore"
_OVERLAY = "ruta-restore"
_CLAIMS = {"postgres-data": "/ruta/postgres", "nats-data": "/ruta/nats"}
"""The servers' volumes, which a backup does not need."""
_READ = ("ConfigMap", "Deployment")


def documents(
    overlay: Sequence[Document], namespace: str, arguments: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the Job and the documents of the overlay that it reads. These documents contain the addresses and settings
    of the services whose commands it runs."""
    crons = [d for d in overlay if d["kind"] == "CronJob" and d["metadata"]["name"] == "backup"]
    if not crons:
        raise StackError("this overlay has no backup of its own: its operator restores it")
    pod = deepcopy(crons[0]["spec"]["jobTemplate"]["spec"]["template"])
    pod["metadata"]["labels"] |= {"app.kubernetes.io/name": _NAME, "ruta.service": _NAME}
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    spec["restartPolicy"] = "Never"
    # The services' commands connect to the database that the restore itself runs.
    spec["hostAliases"] = [{"ip": "127.0.0.1", "hostnames": ["postgres"]}]
    container["args"] = ["stack", "serve", "restore", *arguments]
    container["resources"]["limits"]["memory"] = "1Gi"
    for mount in container["volumeMounts"]:
        if mount["name"] in {"evidence", "signing-keys"}:
            mount["readOnly"] = False
    for claim, path in _CLAIMS.items():
        container["volumeMounts"].append({"name": claim, "mountPath": path})
        spec["volumes"].append({"name": claim, "persistentVolumeClaim": {"claimName": claim}})
    container["volumeMounts"].append(
        {"name": _OVERLAY, "mountPath": "/ruta/overlay.yaml", "subPath": "overlay.yaml"}
    )
    spec["volumes"].append({"name": _OVERLAY, "configMap": {"name": _OVERLAY}})
    read = yaml.safe_dump_all([d for d in overlay if d["kind"] in _READ], sort_keys=False)
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _NAME, "labels": {"app.kubernetes.io/name": _NAME}},
        "spec": {"backoffLimit": 0, "template": pod},
    }
    made = [config_map(_OVERLAY, {"overlay.yaml": read}), job]
    for document in made:
        document["metadata"]["namespace"] = namespace
    return made
