"""Plays mutations: a copy of the source of one package, broken, in front of the real one."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from common.migrations.runner import migrate_now
from stack.postgres import PostgresServer

from tests.mutations.prepared import LIBRARIES, ROOT, WHOLE, Order
from tests.mutations.table import Mutation
from tests.support.databases import BEGUN

DATABASES: dict[str, tuple[str, str] | None] = {
    "common": None,
    "console": None,
    "drawing": None,
    "gateway": ("gateway.issuer", "issuer"),
    "services_directory": ("services_directory", "directory"),
    "referrals": ("referrals", "referrals"),
    "reporting": ("reporting", "reporting"),
}
"""By package: whose revisions, and the name of the database in its tests. None: revisions import of the package,
or it has none. `stack` makes servers."""


class Unplayable(Exception):
    """The row does not fit the tree any more; the message says why."""


@dataclass(frozen=True)
class Played:
    mutation: Mutation
    noticed: bool
    told: str
    """What the test said, or the end of its output if it did not notice."""


def broken_source(mutation: Mutation) -> str:
    """The file with what is broken in it; Unplayable if the text is not there exactly once."""
    source = (ROOT / mutation.file).read_text(encoding="utf-8")
    found = source.count(mutation.text)
    if found != 1:
        raise Unplayable(
            f"{mutation.name}: its text stands {found} times in {mutation.file}: mend the table"
        )
    return source.replace(mutation.text, mutation.broken)


class Player:
    """Plays one after the other, each in a copy of a prepared process, which ends with the block: of the one that has
    everything, and if nobody noticed, of the one that has nothing of ours.

    What a row cannot break is begun for it: the server of its tests runs on a copy of a cluster in which the
    database of its package is migrated. Revisions import nothing of a service.
    """

    def __enter__(self) -> Self:
        self._begun: dict[str, Path] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="ruta-mutations-")
        self._prepared: dict[str, subprocess.Popen[str]] = {}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for prepared in self._prepared.values():
            for end in (self._pipe(prepared.stdin), self._pipe(prepared.stdout)):
                end.close()
            prepared.wait()
        self._folder.cleanup()

    def play(self, mutation: Mutation) -> Played:
        """The named test must fail by an assertion of its own, not break down."""
        content = broken_source(mutation)
        source = ROOT / mutation.file
        package = next(folder for folder in source.parents if folder.parent.name == "src")
        with tempfile.TemporaryDirectory(prefix="ruta-mutation-") as folder:
            copy = Path(folder) / package.name
            # With what Python compiled, which counts as long as its source is of the same time and size:
            # of the broken file there is none, so that no coincidence passes the real one off.
            shutil.copytree(package, copy, ignore=shutil.ignore_patterns(f"{source.stem}.*.pyc"))
            (copy / source.relative_to(package)).write_text(content, encoding="utf-8")
            output = Path(folder) / "output"
            order: Order = {
                "arguments": [
                    *("-q", "-p", "no:cacheprovider", f"--basetemp={folder}/tests"),
                    mutation.noticed_by,
                ],
                "path": [folder, str(ROOT)],
                "output": str(output),
                "environment": self._begins_with(source, package),
                "breaks": (str(source), content),
            }
            played = self._played(mutation, WHOLE, order)
            # What a module makes of it when it is imported: a constant, a decorator's argument.
            return (
                played
                if played.noticed
                else self._played(mutation, LIBRARIES, {**order, "breaks": None})
            )

    def _played(self, mutation: Mutation, kind: str, order: Order) -> Played:
        code = self._ran(kind, order)
        told = Path(order["output"]).read_text(encoding="utf-8", errors="replace")
        return _judged(mutation, code, told)

    def _begins_with(self, broken: Path, package: Path) -> dict[str, str]:
        name = package.name
        if name not in DATABASES or "migrations" in broken.parts:
            return {}
        if name not in self._begun:
            self._begun[name] = _stopped(Path(self._folder.name) / name, DATABASES[name])
        return {BEGUN: str(self._begun[name])}

    def _ran(self, kind: str, order: Order) -> int:
        if kind not in self._prepared:
            self._prepared[kind] = _program(kind)
        prepared = self._prepared[kind]
        orders, codes = self._pipe(prepared.stdin), self._pipe(prepared.stdout)
        orders.write(f"{json.dumps(order)}\n")
        orders.flush()
        if not (answer := codes.readline()):
            raise RuntimeError(f"the prepared process ended by {prepared.wait()}: see above")
        return int(answer)

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def _program(kind: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/mutations/prepared.py"), kind],
        cwd=ROOT,
        env=_without_pytests(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _stopped(folder: Path, database: tuple[str, str] | None) -> Path:
    """The folder of a server that has stopped, with the database in it."""
    server = PostgresServer(folder, durable=False)
    server.start()
    if database is not None:
        package, name = database
        made = server.create_service_database(name)
        migrate_now(package, made.owner_url, made.app_role)
    server.stop()
    return folder


def _judged(mutation: Mutation, code: int, told: str) -> Played:
    failed = re.search(rf"^FAILED {re.escape(mutation.noticed_by)}.*", told, re.MULTILINE)
    # Hypothesis shows several failing examples as a group, whose lines begin with a bar.
    by_itself = re.search(r"^(E|    \|) +(AssertionError|assert |Failed: )", told, re.MULTILINE)
    if code == 1 and failed and by_itself:
        return Played(mutation, noticed=True, told=failed[0])
    return Played(mutation, noticed=False, told="\n".join(told.splitlines()[-12:]))


def _without_pytests() -> dict[str, str]:
    """Ours, but for what a run of the tests tells its own workers."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
