"""A kubectl for the namespace whose overlay and Secrets are in KUBECTL_WORLD, modelled on kubectl's help.

It supports only the options that Ruta uses and records each call (`calls`). It runs a pod's command as a process with
the pod's environment. `said.json` can replace the response to a command, named by its last word (`POD WORD` applies
only in that pod).
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stack.embedded.layout import Layout
from stack.embedded.manifests import Pod, contents, pods
from stack.embedded.small import SmallDeployment
from stack.operate.cluster.troubles import KINDS

from tests.support.reference import ROOT

WORLD = "KUBECTL_WORLD"
_KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH")


def install(folder: Path, world: Path) -> dict[str, str]:
    """Return an environment in which `kubectl` is this program."""
    folder.mkdir(exist_ok=True)
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.support.kubectl "$@"\n')
    program.chmod(0o755)
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT)))),
        WORLD: str(world),
    }


def calls(world: Path) -> list[list[str]]:
    file = world / "kubectl.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


class _World:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._small = SmallDeployment(Layout(folder))
        self.documents: list[dict[str, Any]] = self._small._documents

    def chosen(self, selector: str) -> list[dict[str, Any]]:
        """Return the Deployments that match `key=value` or `key in (a,b)`."""
        key, _, listed = selector.replace("=", " in ", 1).partition(" in ")
        wanted = set(listed.strip("()").split(","))
        return [
            document
            for document in self.documents
            if document["kind"] == "Deployment"
            and document["metadata"].get("labels", {}).get(key) in wanted
        ]

    def run(self, pod: Pod, command: list[str]) -> int:
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        told = {}
        if command[0] == "env":
            _, pair, *command = command
            told = dict([pair.split("=", 1)])
        assert command[0] == "python", command
        return subprocess.run(
            [sys.executable, *command[1:]], env={**kept, **pod.environment, **told}, check=False
        ).returncode

    def deployed(self, name: str) -> Pod:
        return self._small.pods("Deployment")[name]

    def made(self, pod: Mapping[str, Any]) -> Pod:
        """Return the Pod as a kubelet would start it, with referenced values filled in."""
        (container,) = pod["spec"]["containers"]
        for entry in container.get("env", []):
            if (reference := entry.pop("valueFrom", None)) is not None:
                secret = reference["secretKeyRef"]
                entry["value"] = contents(self.documents, "Secret", secret["name"])[secret["key"]]
        document = {
            "kind": "Made",
            "metadata": {"name": "made"},
            "spec": {"template": {"metadata": pod["metadata"], "spec": pod["spec"]}},
        }
        layout = Layout(self._folder)
        volumes = {"referrals-evidence": layout.anchors, "issuer-signing-keys": layout.keys}
        mounted = layout.root / "mounted"
        return next(pods([*self.documents, document], mounted, volumes, ("Made",)))


def _listed(world: _World, kinds: str, selector: str | None) -> list[dict[str, Any]]:
    if selector is not None:
        return world.chosen(selector)
    names = {"NetworkPolicy": "networkpolicies"}
    found = [
        document
        for document in world.documents
        if names.get(kind := document["kind"], f"{kind.lower()}s") in kinds.split(",")
        and kind != "Job"  # jobs have already ended and been removed
    ]
    for document in [d for d in found if d["kind"] in {"Deployment", "StatefulSet"}]:
        name, template = document["metadata"]["name"], document["spec"]["template"]
        document["status"] = {"availableReplicas": document["spec"].get("replicas", 1)}
        statuses = [
            {"name": each["name"], "ready": True, "restartCount": 0, "state": {"running": {}}}
            for each in template["spec"]["containers"]
        ]
        found.append(
            {
                "kind": "Pod",
                "metadata": {**template["metadata"], "name": f"{name}-0"},
                "spec": template["spec"],
                "status": {"phase": "Running", "containerStatuses": statuses},
            }
        )
    return [d | {"status": {"phase": "Bound"}} if "Claim" in d["kind"] else d for d in found]


def _says(world: Path, pod: str, command: list[str]) -> bool:
    file = world / "said.json"
    said = json.loads(file.read_text()) if file.exists() else {}
    for known in (f"{pod} {command[-1]}", command[-1]):
        if known in said:
            sys.stdout.write(said[known])
            return True
    return False


def main() -> int:
    arguments, _, command = _split(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="kubectl", allow_abbrev=False)
    parser.add_argument("--namespace", required=True)
    verbs = parser.add_subparsers(dest="verb", required=True)
    get = verbs.add_parser("get", allow_abbrev=False)
    get.add_argument("kinds", choices=("deployments", ",".join(KINDS)))
    get.add_argument("-l")
    get.add_argument("-o", required=True, choices=("json",))
    execute = verbs.add_parser("exec", allow_abbrev=False)
    execute.add_argument("target")
    execute.add_argument("-c", required=True, choices=("app",))
    run = verbs.add_parser("run", allow_abbrev=False)
    run.add_argument("name")
    for required in ("--image", "--overrides"):
        run.add_argument(required, required=True)
    run.add_argument("--restart", choices=("Always", "OnFailure", "Never"), default="Always")
    run.add_argument("--pod-running-timeout")
    for flag in ("--attach", "--rm", "--quiet"):
        run.add_argument(flag, action="store_true")
    logs = verbs.add_parser("logs", allow_abbrev=False)
    logs.add_argument("-l", required=True)
    logs.add_argument("-c", required=True, choices=("app",))
    for option in ("--tail", "--max-log-requests"):
        logs.add_argument(option, type=int)
    for flag in ("--prefix", "--follow"):
        logs.add_argument(flag, action="store_true")
    asked = parser.parse_args(arguments)
    folder = Path(os.environ[WORLD])
    with (folder / "kubectl.jsonl").open("a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    if asked.verb == "exec" and _says(folder, asked.target, command):
        return 0
    world = _World(folder)
    if asked.verb == "get":
        sys.stdout.write(json.dumps({"items": _listed(world, asked.kinds, asked.l)}))
        return 0
    if asked.verb == "exec":
        name = asked.target.removeprefix("deployment/").removesuffix("-0")
        return world.run(world.deployed(name), command)
    if asked.verb == "run":
        # Replace this process, so that kubectl exits with the container's exit code and leaves no process behind.
        assert (asked.attach, asked.rm, asked.restart) == (True, True, "Never")
        pod = world.made(json.loads(asked.overrides))
        command = ["python", "-m", *pod.arguments]
        return 0 if _says(folder, asked.name, command) else world.run(pod, command)
    for document in world.chosen(asked.l):
        sys.stdout.write(f"[pod/{document['metadata']['name']}-0/app] a line\n")
    return 0


def _split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], "--", arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
