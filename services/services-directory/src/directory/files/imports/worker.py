"""Processes the imports that are too large for their request, one at a time."""

from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.db.ended_rights import RIGHTS_ENDED, refuse_ended
from common.db.session import Database
from common.errors import INTERNAL, Problem
from common.http import BackgroundTask, ServiceContext
from common.process.logs import get_logger
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.imports import queries
from directory.files.imports.errors import PACKAGE_SHRUNK
from directory.files.imports.formats import Format
from directory.files.imports.models import IMPORTS
from directory.files.imports.options import MOST_LINES, Options
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.report import Report
from directory.files.imports.publishers.space import Space
from directory.files.imports.publishers.vanished import Choice
from directory.files.imports.schemas import ImportState, Mode, Vanishing
from directory.files.imports.service import (
    Job,
    Write,
    as_file,
    each_batch,
    finish,
    settling,
    write_all,
    writing,
)
from directory.files.imports.source import Source
from directory.files.imports.writer import Writer
from directory.tables import ENDED_RIGHTS

IDLE_SECONDS = 1.0
_REFUSALS = frozenset({PACKAGE_SHRUNK, RIGHTS_ENDED})
_AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, OSError)
"""Errors of a lost database connection."""
_IN_THE_LOG = INTERNAL.because("im_team_finds_it_in_log")
_log = get_logger(__name__)


def import_tasks(context: ServiceContext) -> list[BackgroundTask]:
    """Return three tasks, so that an import never waits for a dry run, and a small dry run never waits for a large
    one."""
    lanes = (("imports", False, False), ("dry_runs", True, False), ("small_dry_runs", True, True))
    return [
        BackgroundTask.repeated(
            name, partial(work_one, context.database, dry=dry, small=small), IDLE_SECONDS
        )
        for name, dry, small in lanes
    ]


async def work_one(database: Database, *, dry: bool | None = None, small: bool = False) -> bool:
    """Process the next waiting import; return False if there is none. `dry` selects dry runs only (True) or other
    imports only (False). `small` selects small files only.

    A lock in a separate transaction keeps other workers away. If this process dies, another worker starts over, which
    is safe because external ids identify the rows. If the sender is suspended, the remaining rows are not written, and
    the report gives the reason.
    """
    async with database.transaction() as holding:
        waiting = await queries.next_waiting(holding, dry=dry, small=small)
        if waiting is None:
            return False
        await _Work(database, waiting).run()
    return True


class _Work:
    def __init__(self, database: Database, waiting: sa.Row[Any]) -> None:
        self._database = database
        self._content: bytes = waiting.content
        self._claims: dict[str, Any] = waiting.principal
        self._principal = Principal.from_claims(self._claims)
        self._started = clock.now()
        self._job = Job(
            waiting.id,
            Format(waiting.format),
            Mode(waiting.mode),
            waiting.dry_run,
            bytes(waiting.digest),
            Options(
                clock.day_of(self._started),
                waiting.options["visibility"],
                waiting.options["country"],
                waiting.options["source"],
                waiting.options.get("most_lines", MOST_LINES),
                waiting.options.get("named", False),
                waiting.options.get("places", {}),
            ),
            Choice(
                Vanishing(waiting.options.get("vanished", Vanishing.KEEP)),
                waiting.options.get("shrunk", False),
                waiting.options.get("shrunk_share", Choice().most),
            ),
        )

    async def run(self) -> None:
        with Report() as report:
            problem: Problem | None = None
            try:
                await self._still_may()
                async with as_file(self._content) as path:
                    state = await self._through(path, report)
            except Problem as broken_off:  # in mode `all`, the writes are already rolled back
                problem, state = broken_off, ImportState.FAILED
                if broken_off.kind in _REFUSALS:
                    state = ImportState.REFUSED
                report.undone = self._job.mode is Mode.ALL
            except _AWAY:
                raise  # another worker begins again
            except Exception as error:  # noqa: BLE001 - a file that we fail on must not hold up the queue
                _log.error("import_failed", import_id=str(self._job.import_id), exc_info=error)
                problem, state = _IN_THE_LOG, ImportState.FAILED
                report.undone = self._job.mode is Mode.ALL
            try:
                await self._finish(report, state, problem)
            except _AWAY:
                raise
            except Exception as error:  # noqa: BLE001 - as above: a report that cannot be kept
                _log.error(
                    "import_report_failed", import_id=str(self._job.import_id), exc_info=error
                )
                with Report() as empty:
                    state = ImportState.FAILED
                    await self._finish(empty, state, _IN_THE_LOG)
            _log.info("import_worked_through", state=state.value, rows=report.verdicts.total())

    async def _finish(self, report: Report, state: ImportState, problem: Problem | None) -> None:
        async with self._database.transaction(self._principal) as session:
            await finish(
                session,
                self._principal,
                self._job,
                report,
                state=state,
                started=self._started,
                problem=problem,
            )

    async def _still_may(self) -> None:
        """Raise `RIGHTS_ENDED` if the sender was suspended or got different rights in the meantime."""
        async with self._database.transaction(self._principal) as session:
            await refuse_ended(session, ENDED_RIGHTS, self._claims)

    async def _through(self, path: Path, report: Report) -> ImportState:
        if self._job.mode is Mode.SKIP_BAD and not self._job.dry_run:
            await each_batch(path, self._job, self._settled, report, self._write_and_commit)
            return ImportState.FINISHED
        async with self._database.transaction(self._principal) as session:
            write = self._with_progress(session)
            settled = settling(session, self._principal, self._job)
            state = await write_all(session, write, self._job, path, settled, report)
            await refuse_ended(session, ENDED_RIGHTS, self._claims)
            return state

    async def _settled(self, source: Source) -> None:
        async with self._database.transaction(self._principal) as session:
            await settling(session, self._principal, self._job)(source)

    async def _write_and_commit(self, rows: list[Mapped], report: Report, space: Space) -> None:
        async with self._database.transaction(self._principal) as session:
            await refuse_ended(session, ENDED_RIGHTS, self._claims)
            await Writer(session, self._principal, space).write(rows, report)
            await self._progress(session, report)

    def _with_progress(self, session: AsyncSession) -> Write:
        """Return a function that writes rows and stores the progress. Progress has its own transactions, because others
        cannot see uncommitted changes in the main one."""
        written = writing(session, self._principal, dry_run=self._job.dry_run)

        async def write(rows: list[Mapped], report: Report, space: Space) -> None:
            await written(rows, report, space)
            async with self._database.transaction(self._principal) as telling:
                await self._progress(telling, report)

        return write

    async def _progress(self, session: AsyncSession, report: Report) -> None:
        await session.execute(
            sa.update(IMPORTS)
            .where(IMPORTS.c.id == self._job.import_id)
            .values(state=ImportState.RUNNING.value, started_at=self._started, **report.counts())
        )
