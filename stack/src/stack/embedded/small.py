"""The `small` overlay, run by deploy/run-small on one machine, as seen from its data directory. deploy/run-small mounts
its volumes where an embedded stack stores the same files. Therefore, backup, restore and doctor use the same
commands."""

import os
from collections.abc import Mapping

import yaml

from stack.embedded.arrows import OPERATOR, USERS
from stack.embedded.layout import Layout, StackState
from stack.embedded.manifests import Pod, contents, pods, port_of
from stack.embedded.ports import LOOPBACK, answers
from stack.embedded.postgres import SUPERUSER
from stack.errors import StackError
from stack.private_files import write_private_map
from stack.texts import LANGUAGE_VARIABLE

_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_MESSAGES", LANGUAGE_VARIABLE),
    *("TZ", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE"),
)


class SmallDeployment:
    """A deployment that run-small runs. Its pods share the machine's loopback interface, so commands reach the same
    servers."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._documents = [
            document
            for file in (layout.overlay_file, layout.overlay_secrets_file)
            if file.exists()
            for document in yaml.load_all(file.read_text(), yaml.CSafeLoader)
            if document
        ]

    @classmethod
    def of(cls, layout: Layout) -> "SmallDeployment | None":
        """Return the deployment, or None if the data directory belongs to an embedded stack."""
        return cls(layout) if layout.overlay_file.exists() else None

    def pods(self, kind: str = "Deployment") -> Mapping[str, Pod]:
        layout = self.layout
        volumes = {
            "postgres-data": layout.postgres,
            "nats-data": layout.nats,
            "referrals-evidence": layout.anchors,
            "issuer-signing-keys": layout.keys,
        }
        mounted = layout.root / "mounted"
        return {pod.name: pod for pod in pods(self._documents, mounted, volumes, (kind,))}

    def ports(self) -> dict[str, int]:
        return {
            document["metadata"]["name"]: port_of(document)
            for document in self._documents
            if document["kind"] == "Deployment"
        }

    def state(self) -> StackState | None:
        """Return the state of the deployment, or None if its PostgreSQL does not respond."""
        ports = self.ports()
        if not answers(ports["postgres"]):
            return None
        front = ports["gateway"]
        return StackState(
            pid=0,
            started=0.0,
            url=f"http://{LOOPBACK}:{front}",
            port=front,
            ready=True,
            processes={},
            ports=ports,
        )

    def environment(
        self, name: str, *, owner: bool = False, operator: bool = False
    ) -> dict[str, str]:
        """Return the environment for a service's command, as the Planner does."""
        settings = dict(self.pods()[name].environment)
        if owner:
            settings |= self._secret(f"ruta-{name}-owner")
        if operator:
            settings |= {
                "RUTA_NATS_USER": OPERATOR,
                "RUTA_NATS_PASSWORD": self.broker_credentials()[OPERATOR],
            }
        return {key: os.environ[key] for key in _PASSED_ON if key in os.environ} | settings

    def broker_credentials(self) -> dict[str, str]:
        held = self._secret("ruta-nats")
        return {user: held[f"NATS_{user.upper()}_PASSWORD"] for user in (*USERS, OPERATOR)}

    def hand_passwords_over(self) -> None:
        """Copy the Secret's passwords to the file where PostgreSQL expects them when a restore starts it."""
        held = self._secret("ruta-postgres")
        passwords = {role: password for role, password in held.items() if role != "superuser"}
        write_private_map(
            self.layout.postgres / "passwords.json", passwords | {SUPERUSER: held["superuser"]}
        )

    def _secret(self, name: str) -> dict[str, str]:
        return contents(self._documents, "Secret", name)


def refuse_small(layout: Layout, what: str) -> None:
    """Refuse a command that needs the key files of an embedded stack."""
    if layout.overlay_file.exists():
        raise StackError("deploy/run-small runs {root}: {what}", root=layout.root, what=what)
