"""Plays mutations: a copy of the source of one package, broken, in front of the real one."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from common.migrations.runner import migrate_now
from stack.postgres import PostgresServer

from tests.mutations.prepared import LIBRARIES, ROOT, WHOLE, Order
from tests.mutations.table import Mutation
from tests.mutations.together import Row, failed_by_itself
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
    """Plays rows in copies of a prepared process, which ends with the block.

    Those of `rows` whose tests stand in one file share a copy (`together`). One that does not show there that it is
    noticed has a copy of its own: of the process that has everything, and if nobody noticed, of the one that has nothing
    of ours.

    What a row cannot break is begun for it: the server of its tests runs on a copy of a cluster in which the
    database of its package is migrated. Revisions import nothing of a service.
    """

    def __init__(self, rows: Iterable[Mutation] = ()) -> None:
        self._rows = tuple(rows)
        self._noticed: dict[tuple[str, str], dict[str, str]] = {}

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
        source, package = ROOT / mutation.file, _package(mutation)
        if mutation in self._rows and (told := self._together(mutation).get(mutation.name)):
            return Played(mutation, noticed=True, told=told)
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
                "together": None,
            }
            played = self._played(mutation, WHOLE, order)
            # What a module makes of it when it is imported: a constant, a decorator's argument.
            return (
                played
                if played.noticed
                else self._played(mutation, LIBRARIES, {**order, "breaks": None})
            )

    def _together(self, of: Mutation) -> dict[str, str]:
        """What was noticed of the rows whose tests stand in the same file, by name."""
        file = _test_file(of)
        # Together with those that begin with the same database.
        key = (file, _package(of).name)
        if key not in self._noticed:
            rows = [
                each
                for each in self._rows
                if (_test_file(each), _package(each).name) == key and _may_share(each)
            ]
            self._noticed[key] = self._noticed_of(rows) if len(rows) > 1 else {}
        return self._noticed[key]

    def _noticed_of(self, mutations: list[Mutation]) -> dict[str, str]:
        with tempfile.TemporaryDirectory(prefix="ruta-mutations-") as folder:
            noticed = Path(folder) / "noticed.json"
            rows = [
                Row(
                    name=each.name,
                    file=str(ROOT / each.file),
                    broken=broken_source(each),
                    noticed_by=each.noticed_by,
                )
                for each in mutations
            ]
            first = mutations[0]
            self._ran(
                WHOLE,
                {
                    "arguments": [
                        *("-q", "-p", "no:cacheprovider", f"--basetemp={folder}/tests"),
                        *dict.fromkeys(each.noticed_by for each in mutations),
                    ],
                    "path": [str(ROOT)],
                    "output": f"{folder}/output",
                    "environment": self._begins_with(ROOT / first.file, _package(first)),
                    "breaks": None,
                    "together": (rows, str(noticed)),
                },
            )
            found: dict[str, str] = json.loads(noticed.read_text()) if noticed.exists() else {}
            return found

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


def _package(mutation: Mutation) -> Path:
    """The folder of the source that it breaks."""
    source = ROOT / mutation.file
    return next(folder for folder in source.parents if folder.parent.name == "src")


def _test_file(mutation: Mutation) -> str:
    return mutation.noticed_by.partition("::")[0]


def _may_share(mutation: Mutation) -> bool:
    """Python that no database is made by, and a test of a service's own app: its fixtures begin no process that would
    have to be of what is broken, nor a broker, which a second run would find as the first left it."""
    of_a_service = mutation.file.endswith(".py") and "migrations" not in Path(mutation.file).parts
    tests = (ROOT / _test_file(mutation)).read_text(encoding="utf-8")
    own_app = mutation.noticed_by.startswith("tests/services/") and "nats_server" not in tests
    return of_a_service and own_app


def _judged(mutation: Mutation, code: int, told: str) -> Played:
    failed = re.search(rf"^FAILED {re.escape(mutation.noticed_by)}.*", told, re.MULTILINE)
    if code == 1 and failed and failed_by_itself(told):
        return Played(mutation, noticed=True, told=failed[0])
    return Played(mutation, noticed=False, told="\n".join(told.splitlines()[-12:]))


def _without_pytests() -> dict[str, str]:
    """Ours, but for what a run of the tests tells its own workers."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
