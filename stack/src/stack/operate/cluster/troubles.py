"""Finds the causes that prevent Ruta from running, from the objects in a namespace as the API server lists them.

Pure: `troubles` gets the documents of `kubectl get … -o json`, and returns each object with its problem and the remedy.
Running processes are queried for more details (`stack/commands/doctor.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stack.texts import said

Document = Mapping[str, Any]
KINDS = (
    *("deployments", "statefulsets", "jobs", "cronjobs", "pods", "services"),
    *("networkpolicies", "persistentvolumeclaims", "events"),
)
_WORKLOADS = ("Deployment", "StatefulSet")
_PARTS = ("gateway", "directory", "referrals", "reporting", "console")
"""Each overlay has these, as a Deployment and a Service."""
_WITHOUT_IMAGE = {
    *("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"),
    *("ImageInspectError", "RegistryUnavailable"),
}
_WRONG_SETTING = "78"
_FULL = ("No space left on device", "disk-pressure", "ephemeral-storage", "exceeds the limit")
_LONGEST = 300
_LATE = timedelta(hours=36)


@dataclass(frozen=True)
class Trouble:
    what: str
    found: str
    advice: str


def troubles(documents: Sequence[Document], namespace: str, now: datetime) -> Iterator[Trouble]:
    flag = f"-n {namespace}"
    warnings = _last_warnings(documents)
    yield from _left_out(documents)
    for document in documents:
        kind, name = document["kind"], document["metadata"]["name"]
        if kind in _WORKLOADS:
            yield from _too_few(document, flag)
        elif kind == "Job":
            yield from _failed_job(document, flag)
        elif kind == "CronJob":
            yield from _late(document, flag, now)
        elif kind == "Pod" and (seen := _of_pod(document, warnings, flag)) is not None:
            yield seen
        elif kind == "PersistentVolumeClaim" and document["status"]["phase"] == "Pending":
            yield from _unbound(name, warnings.get((kind, name)))


def _unbound(name: str, warned: str | None) -> Iterator[Trouble]:
    if warned is not None:  # without a warning, the volume is still waiting for its first pod
        advice = said("name a StorageClass that the cluster has (kubectl get storageclass)")
        yield Trouble(said("volume {name}", name=name), warned, advice)


def _last_warnings(documents: Sequence[Document]) -> dict[tuple[str, str], str]:
    """Return the last warning about each object. An event names the object that it concerns."""
    events = [d for d in documents if d["kind"] == "Event" and d.get("type") == "Warning"]
    events.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return {
        (event["involvedObject"]["kind"], event["involvedObject"]["name"]): _short(
            f"{event['reason']}: {event['message']}"
        )
        for event in events
    }


def _left_out(documents: Sequence[Document]) -> Iterator[Trouble]:
    """Yield the missing parts of an incompletely applied overlay: a process, its address, the policies, the same
    release for all."""
    there = {(document["kind"], document["metadata"]["name"]) for document in documents}
    wanted = [(kind, name) for name in _PARTS for kind in ("Deployment", "Service")]
    again = said("apply the whole overlay again: kubectl apply -k")
    for kind, name in (*wanted, ("NetworkPolicy", "deny-all")):
        if (kind, name) not in there:
            yield Trouble(f"{kind} {name}", said("it is missing"), again)
    tags: dict[str, list[str]] = {}
    for document in documents:
        if document["kind"] == "Deployment" and document["metadata"]["name"] in _PARTS:
            image = document["spec"]["template"]["spec"]["containers"][0]["image"]
            if "@" not in image:
                tags.setdefault(image.rpartition(":")[2], []).append(document["metadata"]["name"])
    if len(tags) > 1:
        found = "; ".join(f"{tag}: {', '.join(names)}" for tag, names in sorted(tags.items()))
        yield Trouble(said("releases"), found, again)


def _too_few(document: Document, flag: str) -> Iterator[Trouble]:
    wanted = document["spec"].get("replicas", 1)
    status = document.get("status", {})
    there = status.get("availableReplicas", 0)
    if there >= wanted > 0:
        return
    kind, name = document["kind"].lower(), document["metadata"]["name"]
    # Only here can pods that were never created report the reason, for example a quota or a policy.
    refused = [c["message"] for c in status.get("conditions", []) if c["type"] == "ReplicaFailure"]
    found = said("{there} of {wanted}", there=there, wanted=wanted)
    advice = f"kubectl describe {kind} {name} {flag}"
    if wanted == 0:
        advice = f"kubectl scale {kind} {name} --replicas=1 {flag}"
    yield Trouble(
        said("pods of {name}", name=name), " ".join([found, *map(_short, refused)]), advice
    )


def _failed_job(document: Document, flag: str) -> Iterator[Trouble]:
    name = document["metadata"]["name"]
    for condition in document.get("status", {}).get("conditions", []):
        if condition["type"] == "Failed" and condition["status"] == "True":
            yield Trouble(
                said("job {name}", name=name),
                _short(f"{condition['reason']}: {condition['message']}"),
                said(
                    "correct what it needs (its database, its Secrets), then kubectl delete job {name} {namespace} and apply the overlay again",
                    name=name,
                    namespace=flag,
                ),
            )


def _late(document: Document, flag: str, now: datetime) -> Iterator[Trouble]:
    """Yield a CronJob that is suspended, or that has not succeeded for a day and a half."""
    name, status = document["metadata"]["name"], document.get("status", {})
    what = said("scheduled job {name}", name=name)
    if document["spec"].get("suspend"):
        resume = f"""kubectl patch cronjob {name} {flag} -p '{{"spec":{{"suspend":false}}}}'"""
        yield Trouble(what, said("it is suspended"), resume)
        return
    last = status.get("lastSuccessfulTime")
    since = datetime.fromisoformat(last or document["metadata"]["creationTimestamp"])
    if now - since > _LATE:
        hours = int((now - since) / timedelta(hours=1))
        found = (
            said("the last success was {hours} hours ago", hours=hours)
            if last
            else said("no success in {hours} hours", hours=hours)
        )
        run = f"kubectl create job --from=cronjob/{name} {name}-now {flag}"
        log = f"kubectl logs job/{name}-now {flag}"
        advice = said("run it with {run}; {log} shows why it fails", run=run, log=log)
        yield Trouble(what, found, advice)


def _of_pod(
    document: Document, warnings: Mapping[tuple[str, str], str], flag: str
) -> Trouble | None:
    name, status = document["metadata"]["name"], document.get("status", {})
    what, describe = said("pod {name}", name=name), f"kubectl describe pod {name} {flag}"
    warned = warnings.get(("Pod", name), "")
    if status.get("phase") == "Succeeded" or "deletionTimestamp" in document["metadata"]:
        return None
    if reason := status.get("reason"):  # Evicted, NodeLost
        return Trouble(what, _short(f"{reason}: {status.get('message', '')}"), _room(document))
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    if not containers:
        full = any(words in warned for words in _FULL)
        return Trouble(
            what, warned or said("not started yet"), _room(document) if full else describe
        )
    for container in containers:
        state = container.get("state", {})
        if "running" in state or container.get("ready"):
            continue
        waits = state.get("waiting", {})
        reason, message = waits.get("reason", ""), waits.get("message", "")
        if reason in _WITHOUT_IMAGE:
            return Trouble(
                what,
                said(
                    "the image {image} is not there ({reason})",
                    image=container["image"],
                    reason=reason,
                ),
                said(
                    "bring it to node {node} or correct its name (deploy/README.md, How images reach a cluster)",
                    node=document["spec"].get("nodeName", "?"),
                ),
            )
        if reason == "CreateContainerConfigError" or _lacks_file(warned):
            return Trouble(what, _short(message or warned), _add_it(document, container))
        ended = state.get("terminated") or container.get("lastState", {}).get("terminated")
        if ended:
            return _crashed(document, container, ended, flag)
        return Trouble(what, warned or reason or said("not ready"), describe)
    return None


def _lacks_file(warned: str) -> bool:
    """Return whether a volume lacks its Secret or ConfigMap, or a key of it."""
    lacks = "references non-existent" in warned or " not found" in warned
    return warned.startswith("FailedMount") and lacks


def _crashed(document: Document, container: Document, ended: Document, flag: str) -> Trouble:
    name, spoken = document["metadata"]["name"], _last_line(ended.get("message", ""))
    code = str(ended["exitCode"])
    log = f"kubectl logs {name} -c {container['name']} --previous {flag}"
    if ended.get("reason") == "OOMKilled":
        advice = said("raise the memory limit of {name}", name=_owner(document))
    elif any(words in ended.get("message", "") for words in _FULL):
        advice = _room(document)
    elif code == _WRONG_SETTING:
        advice = _add_it(document, container)
    else:
        advice = said("see {log}", log=log)
    found = said(
        "ended {times} times, the last time with {how}: {words}",
        times=container.get("restartCount", 0),
        how="OOMKilled" if ended.get("reason") == "OOMKilled" else said("exit {code}", code=code),
        words=spoken or log,
    )
    return Trouble(said("pod {name}", name=name), found, advice)


def _add_it(document: Document, container: Document) -> str:
    """Return the place where the container's settings come from. Only the cluster reads Secrets."""
    spec = document["spec"]
    (own,) = [
        each
        for each in (*spec.get("initContainers", []), *spec["containers"])
        if each["name"] == container["name"]
    ]
    sources = [
        source.get("secretRef") or source["configMapRef"] for source in own.get("envFrom", [])
    ]
    names = [source["name"] for source in sources]
    names += [
        entry["valueFrom"]["secretKeyRef"]["name"]
        for entry in own.get("env", [])
        if "secretKeyRef" in entry.get("valueFrom", {})
    ]
    names += [v["secret"]["secretName"] for v in spec.get("volumes", []) if "secret" in v]
    return said(
        "correct it where its settings are ({names}) with the values that you saved, then kubectl delete pod {pod}. Never apply a new set: it would replace the keys, and nobody could open a case",
        names=", ".join(dict.fromkeys(names)),
        pod=document["metadata"]["name"],
    )


def _room(document: Document) -> str:
    return said(
        "free space: on node {node}, or enlarge the claims of {name} (kubectl edit pvc)",
        node=document["spec"].get("nodeName", "?"),
        name=_owner(document),
    )


def _owner(document: Document) -> str:
    labels = document["metadata"].get("labels", {})
    return str(labels.get("app.kubernetes.io/name") or document["metadata"]["name"])


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return _short(lines[-1]) if lines else ""


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
