"""Paths inside the one data directory of the embedded stack."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from common.db.must_not_return import LISTS

from stack.private_files import write_private

DEFAULT_DATA = Path(".ruta")
DEFAULT_PORT = 8080
PORT_VARIABLE = "RUTA_PORT"
DATA_VARIABLE = "RUTA_DATA"
HOME_VARIABLE = "RUTA_HOME"


@dataclass(frozen=True)
class Layout:
    """Paths below `root`; everything that restores the stack is here and nowhere else."""

    root: Path

    @classmethod
    def of(cls, data: Path | None) -> "Layout":
        """`data`, else RUTA_DATA, else `.ruta` beside the script that was called."""
        home = Path(os.environ.get(HOME_VARIABLE, "."))
        return cls((data or Path(os.environ.get(DATA_VARIABLE) or home / DEFAULT_DATA)).absolute())

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def anchors(self) -> Path:
        return self.root / "anchors"

    @property
    def tombstones_file(self) -> Path:
        return self.anchors / "tombstones.jsonl"

    @property
    def restrictions_file(self) -> Path:
        """The list of restrictions, beside the list of the erased."""
        return self.anchors / "restrictions.jsonl"

    @property
    def rights_file(self) -> Path:
        """The list of rights, from the issuer."""
        return self.anchors / "rights.jsonl"

    @property
    def lists(self) -> tuple[Path, ...]:
        """The lists that leave the machine, for data that must not come back."""
        return tuple(self.anchors / f"{name}.jsonl" for name in LISTS)

    @property
    def rights_files(self) -> tuple[Path, Path]:
        """In containers it lies on the issuer's own volume, beside its keys."""
        return self.rights_file, self.keys / self.rights_file.name

    @property
    def anchor_file(self) -> Path:
        return self.anchors / "referrals.jsonl"

    @property
    def restore_mark(self) -> Path:
        """There from the first change of a restore until all of it was applied."""
        return self.root / "restore-incomplete"

    @property
    def second_places_file(self) -> Path:
        """The last second places of the lists."""
        return self.root / "second-places.json"

    @property
    def missing_lists_file(self) -> Path:
        """There from a restore that went on without its lists until somebody settles it."""
        return self.root / "missing-lists.json"

    @property
    def last_backup_file(self) -> Path:
        """When the last backup was whole, where it lies, and the check value of what sealed it."""
        return self.root / "last-backup.json"

    @property
    def archive_file(self) -> Path:
        """Which archive the stack was last started with."""
        return self.root / "archive.json"

    @property
    def archive_spool(self) -> Path | None:
        """The folder into which the server puts its log; None if no archive takes it from there."""
        return self.spool if self.archive_file.exists() else None

    @property
    def spool(self) -> Path:
        """Finished segments of the write-ahead log that have not left for the archive yet."""
        return self.postgres / "spool"

    @property
    def backup_copy(self) -> Path:
        """All databases at the moment of a backup; there only while one is taken."""
        return self.root / "backup-copy"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def state_file(self) -> Path:
        return self.root / "running.json"

    @property
    def lost_record_file(self) -> Path:
        """The day on which the record began here from a backup; not there where it began from nothing."""
        return self.root / "record-lost-until"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def overlay_file(self) -> Path:
        """The overlay that deploy/run-small plays; exists only if containers run instead of our own processes."""
        return self.root / "overlay.yaml"

    @property
    def overlay_secrets_file(self) -> Path:
        return self.root / "secrets.yaml"

    @property
    def broker_credentials_file(self) -> Path:
        return self.root / "broker.json"

    @property
    def clients_file(self) -> Path:
        return self.root / "clients.json"

    @property
    def people_file(self) -> Path:
        """The sign-ins of the demo people; exists only after `--demo`."""
        return self.root / "people.json"

    @property
    def bootstrap_clients_file(self) -> Path:
        return self.root / "bootstrap-clients.json"

    @property
    def clock_file(self) -> Path:
        return self.root / "clock"

    def hold_file(self, name: str) -> Path:
        """While this file exists, a process of that name that ended is not started again."""
        return self.root / f"hold-{name}"

    def holds(self) -> list[str]:
        """Names of the processes that are kept down on purpose."""
        return sorted(p.name.removeprefix("hold-") for p in self.root.glob("hold-*"))

    @property
    def log_file(self) -> Path:
        return self.logs / "stack.log"


@dataclass
class StackState:
    """The facts of a running stack for other commands; the file is gone when it is down."""

    pid: int
    started: float
    url: str
    port: int
    ready: bool
    processes: dict[str, int]
    ports: dict[str, int]

    def write(self, layout: Layout) -> None:
        write_private(layout.state_file, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, layout: Layout) -> "StackState | None":
        try:
            return cls(**json.loads(layout.state_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None
