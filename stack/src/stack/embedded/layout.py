"""Paths in the data directory of the embedded stack."""

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


class _Below:
    """A path below the root of a layout."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __get__(self, layout: "Layout", owner: type["Layout"]) -> Path:
        return layout.root / self._path


@dataclass(frozen=True)
class Layout:
    """Paths below `root`, which contains everything that a restore of the stack needs."""

    root: Path

    @classmethod
    def of(cls, data: Path | None) -> "Layout":
        """Return the layout of `data`, or else of RUTA_DATA, or else of `.ruta` next to the calling script."""
        home = Path(os.environ.get(HOME_VARIABLE, "."))
        return cls((data or Path(os.environ.get(DATA_VARIABLE) or home / DEFAULT_DATA)).absolute())

    postgres = _Below("postgres")
    nats = _Below("nats")
    keys = _Below("keys")
    anchors = _Below("anchors")
    tombstones_file = _Below("anchors/tombstones.jsonl")
    restrictions_file = _Below("anchors/restrictions.jsonl")
    """The list of restrictions, beside the list of erased people."""
    rights_file = _Below("anchors/rights.jsonl")
    """The issuer's list of rights."""

    @property
    def lists(self) -> tuple[Path, ...]:
        """Return the lists that are copied off the machine, for data that must not come back."""
        return tuple(self.anchors / f"{name}.jsonl" for name in LISTS)

    @property
    def rights_files(self) -> tuple[Path, Path]:
        """Return both locations of the list of rights. In containers, it is on the issuer's own volume, next to its
        keys."""
        return self.rights_file, self.keys / self.rights_file.name

    anchor_file = _Below("anchors/referrals.jsonl")
    restore_mark = _Below("restore-incomplete")
    """Exists from the first change of a restore until everything is applied."""
    second_places_file = _Below("second-places.json")
    """The second places of the lists, as last configured."""
    missing_lists_file = _Below("anchors/restored/missing-lists.json")
    """Exists after a restore without its lists, until somebody settles it."""
    last_backup_file = _Below("last-backup.json")
    """Time and folder of the last complete backup, and the check value of its key."""
    archive_file = _Below("archive.json")
    """The archive with which the stack was last started."""

    @property
    def archive_spool(self) -> Path | None:
        """Return the folder for finished log segments, or None if no archive uses it."""
        return self.spool if self.archive_file.exists() else None

    spool = _Below("postgres/spool")
    """Finished segments of the write-ahead log that wait for the archive."""
    backup_copy = _Below("backup-copy")
    """A copy of all databases during a backup; removed afterwards."""
    logs = _Below("logs")
    lock_file = _Below("lock")
    state_file = _Below("running.json")
    lost_record_file = _Below("anchors/restored/record-lost-until")
    """The day of the backup from which this record began; missing if it began empty."""
    secrets_file = _Below("secrets.json")
    overlay_file = _Below("overlay.yaml")
    """The overlay that deploy/run-small runs; exists only if containers run instead of our own processes."""
    overlay_secrets_file = _Below("secrets.yaml")
    broker_credentials_file = _Below("broker.json")
    clients_file = _Below("clients.json")
    people_file = _Below("people.json")
    """The sign-ins of the demo people; exists only after `--demo`."""
    bootstrap_clients_file = _Below("bootstrap-clients.json")
    clock_file = _Below("clock")

    def hold_file(self, name: str) -> Path:
        """Return the file that prevents a process of that name from restarting while the file exists."""
        return self.root / f"hold-{name}"

    def holds(self) -> list[str]:
        """Return the names of processes that are prevented from starting on purpose."""
        return sorted(p.name.removeprefix("hold-") for p in self.root.glob("hold-*"))

    log_file = _Below("logs/stack.log")


@dataclass
class StackState:
    """The facts about a running stack that other commands need. The file exists only while it runs."""

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
