"""An API server that responds to real kubectl: discovery, lists in a namespace, and `exec` by WebSocket.

It serves the documents from a test in the formats of Kubernetes' API. It responds to a command in a pod by the
command's last word (`answers`).
"""

import base64
import hashlib
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Document = dict[str, Any]
_CORE = {
    "pods": "Pod",
    "services": "Service",
    "events": "Event",
    "persistentvolumeclaims": "PersistentVolumeClaim",
}
_GROUPS = {
    "": ("v1", _CORE),
    "apps": ("v1", {"deployments": "Deployment", "statefulsets": "StatefulSet"}),
    "batch": ("v1", {"jobs": "Job", "cronjobs": "CronJob"}),
    "networking.k8s.io": ("v1", {"networkpolicies": "NetworkPolicy"}),
}
_PROTOCOL = "v5.channel.k8s.io"
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OUTPUT, _STATUS = 1, 3
_BINARY, _CLOSE = 2, 8


class KubeApi:
    def __init__(self, folder: Path) -> None:
        self.documents: list[Document] = []
        self.answers: dict[tuple[str, str], str] = {}
        """(pod, last word of the command): what the command prints; others fail."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.api = self  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        port = self._server.server_address[1]
        self._config = folder / "kubeconfig"
        self._config.write_text(_config(f"http://127.0.0.1:{port}"))
        self._cache = folder / "cache"

    @property
    def environment(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self._config), "KUBECACHEDIR": str(self._cache)}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def listed(self, group: str, kind: str) -> Document:
        version = f"{group}/v1" if group else "v1"
        items = [d for d in self.documents if d["kind"] == kind]
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        parts = asked.path.strip("/").split("/")
        api: KubeApi = self.server.api  # type: ignore[attr-defined]
        group = "" if parts[0] == "api" else parts[1] if len(parts) > 1 else ""
        within = parts[2:] if parts[0] == "api" else parts[3:]
        if parts == ["api"]:
            self._say({"kind": "APIVersions", "versions": ["v1"]})
        elif parts == ["apis"]:
            self._say({"kind": "APIGroupList", "apiVersion": "v1", "groups": [*_offered()]})
        elif group in _GROUPS and not within:
            self._say(_resources(group))
        elif within[-1] == "exec":
            self._run(api, within[3], parse_qs(asked.query)["command"])
        elif group in _GROUPS and len(within) == 3 and within[2] in _GROUPS[group][1]:
            self._say(api.listed(group, _GROUPS[group][1][within[2]]))
        elif group == "" and within[2:3] == ["pods"]:
            self._say(next(d for d in api.documents if d["metadata"]["name"] == within[3]))
        else:
            self._say({"kind": "Status", "status": "Failure", "code": 404}, 404)

    def do_POST(self) -> None:
        self._say({"kind": "Status", "status": "Failure", "code": 400}, 400)

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _say(self, body: Document, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _run(self, api: KubeApi, pod: str, command: list[str]) -> None:
        """Respond to a command by WebSocket (RFC 6455) with its output, then its status as JSON."""
        key = self.headers["Sec-WebSocket-Key"] + _MAGIC
        accepted = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324 - as the RFC says
        self.send_response(101)
        for name, value in (
            *(("Upgrade", "websocket"), ("Connection", "Upgrade")),
            *(("Sec-WebSocket-Accept", accepted), ("Sec-WebSocket-Protocol", _PROTOCOL)),
        ):
            self.send_header(name, value)
        self.end_headers()
        printed = api.answers.get((pod, command[-1]))
        if printed is not None:
            self._frame(_BINARY, bytes([_OUTPUT]) + printed.encode())
        status: Mapping[str, str] = (
            {"status": "Failure", "message": "it ended with 1"}
            if printed is None
            else {"status": "Success"}
        )
        self._frame(_BINARY, bytes([_STATUS]) + json.dumps(status).encode())
        self._frame(_CLOSE, (1000).to_bytes(2, "big"))
        # Closing the connection before the client has read everything would reset it.
        while self.rfile.read1():
            pass
        self.close_connection = True

    def _frame(self, kind: int, content: bytes) -> None:
        size = len(content)
        long = bytes([126]) + size.to_bytes(2, "big") if size > 125 else bytes([size])
        self.wfile.write(bytes([0x80 | kind]) + long + content)


def _offered() -> list[Document]:
    versions = [
        (name, f"{name}/{version}", version) for name, (version, _) in _GROUPS.items() if name
    ]
    return [
        {
            "name": name,
            "versions": [{"groupVersion": whole, "version": version}],
            "preferredVersion": {"groupVersion": whole, "version": version},
        }
        for name, whole, version in versions
    ]


def _resources(group: str) -> Document:
    version, kinds = _GROUPS[group]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": [
            {
                "name": name,
                "singularName": kind.lower(),
                "namespaced": True,
                "kind": kind,
                "verbs": ["get", "list"],
            }
            for name, kind in kinds.items()
        ],
    }


def _config(server: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": {"server": server}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "officer"}}],
            "users": [{"name": "officer", "user": {}}],
            "current-context": "here",
        }
    )
