"""Import use cases: accept a file, and process it now or leave it to the worker."""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.auth.ended import claims_to_act
from common.errors import INVALID, Problem
from common.ids import new_id
from common.words.tables import completed
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.crosswalks.queries import versions_of
from directory.files.crosswalks.service import follow_up
from directory.files.imports.formats import Format, format_of
from directory.files.imports.models import IMPORT_ROWS, IMPORTS
from directory.files.imports.options import MOST_LINES, Options
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.report import Report
from directory.files.imports.package.reader import check_package, rows_in
from directory.files.imports.publishers.claims import settle
from directory.files.imports.publishers.space import Space
from directory.files.imports.publishers.vanished import Choice, missing_in
from directory.files.imports.schemas import ImportState, Mode
from directory.files.imports.source import Source
from directory.files.imports.sources import open_source
from directory.files.imports.writer import Judge, Writer

AT_ONCE_ROWS = 100
AT_ONCE_BYTES = 1024 * 1024
"""A file within both limits is processed in the request, a larger one by the worker, because requests time out after a
minute."""
BATCH = 100
JUDGED = 100
"""Rows of a dry run in one batch. It writes nothing, so rows need no separate savepoints."""
_REPORT_BATCH = 1_000


Write = Callable[[list[Mapped], Report, Space], Awaitable[None]]
Settle = Callable[[Source], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Order:
    """The caller's request. `source` names the namespace of the external ids within the caller's organisation; by
    default, the format names it."""

    file_name: str
    content: bytes
    named_format: str | None
    mode: Mode
    dry_run: bool
    visibility: str | None
    country: str
    source: str | None
    choice: Choice = field(default_factory=Choice)
    most_lines: int = MOST_LINES
    places: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def as_file(content: bytes) -> AsyncIterator[Path]:
    """Write the content to a temporary file, because archives are read from the end."""
    with tempfile.TemporaryDirectory(prefix="ruta-import-") as folder:
        path = Path(folder) / "upload"
        await asyncio.to_thread(path.write_bytes, content)
        yield path


async def take_in(session: AsyncSession, caller: Principal, order: Order) -> UUID:
    """Record the import and, if it is short, process it in this transaction. For an unreadable file, raise a 4xx error
    and record nothing."""
    async with as_file(order.content) as path:
        kind = await asyncio.to_thread(format_of, path, order.named_format)
        if kind is not Format.PACKAGE and order.choice.ends(edited=False):
            raise INVALID.because(
                "only_package_says_that_it_is_whole",
                pointer="/vanished",
            )
        # The namespace is specific to the organisation, so nobody learns or changes the meaning of another
        # organisation's ids.
        source = f"{caller.organisation}:{order.source or kind.value}"
        options = Options(
            clock.today(), order.visibility, order.country, source, order.most_lines,
            order.source is not None, order.places,
        )  # fmt: skip
        digest = hashlib.sha256(order.content).digest()
        large = len(order.content) > AT_ONCE_BYTES
        later = await asyncio.to_thread(_is_long, path, kind, options, large=large)
        # Even a short file may end many entries that are missing from it, so the worker processes it.
        later = later or (order.choice.confirmed and order.choice.ends(edited=False))
        job = Job(new_id(), kind, order.mode, order.dry_run, digest, options, order.choice)
        await _record(session, caller, order, job, later=later)
        if not later:
            await _at_once(session, caller, job, path)
    return job.import_id


def _is_long(path: Path, kind: Format, options: Options, *, large: bool) -> bool:
    """Return whether the file is too long to process within the request. Read its beginning, so that an unreadable file
    fails at once."""
    if kind is Format.PACKAGE:  # staging it would take as long as the import
        if large:
            check_package(path, options.most_lines)
        return large or rows_in(path, options.most_lines) > AT_ONCE_ROWS
    with open_source(path, kind, options) as source:
        read = sum(1 for _ in islice(source.rows, 1 if large else AT_ONCE_ROWS + 1))
    return large or read > AT_ONCE_ROWS


@dataclass(frozen=True, slots=True)
class Job:
    import_id: UUID
    kind: Format
    mode: Mode
    dry_run: bool
    digest: bytes
    options: Options
    choice: Choice


async def _record(
    session: AsyncSession, caller: Principal, order: Order, job: Job, *, later: bool
) -> None:
    await session.execute(
        sa.insert(IMPORTS).values(
            id=job.import_id,
            organisation_id=caller.organisation,
            client_id=caller.subject,
            principal=claims_to_act(caller, time.time()) if later else {},
            file_name=order.file_name,
            file_size=len(order.content),
            digest=job.digest,
            format=job.kind.value,
            mode=order.mode.value,
            dry_run=order.dry_run,
            options={
                "visibility": order.visibility,
                "country": order.country,
                "source": job.options.source,
                "named": job.options.named,
                "most_lines": order.most_lines,
                "places": dict(order.places),
                "vanished": job.choice.vanishing.value,
                "shrunk": job.choice.confirmed,
                "shrunk_share": job.choice.most,
            },
            state=ImportState.QUEUED.value if later else ImportState.RUNNING.value,
            content=order.content if later else None,
            notes=[],
            created_at=clock.now(),
        )
    )


class _UndoError(Exception):
    """Raised to leave a savepoint and undo its writes."""


async def _at_once(session: AsyncSession, caller: Principal, job: Job, path: Path) -> None:
    started = clock.now()

    with Report() as report:
        settled = settling(session, caller, job)
        write = writing(session, caller, dry_run=job.dry_run)
        state = await write_all(session, write, job, path, settled, report)
        await finish(session, caller, job, report, state=state, started=started)


def writing(session: AsyncSession, caller: Principal, *, dry_run: bool) -> Write:
    """Return the function that processes a batch; a dry run only reads."""
    if dry_run:
        return Judge(session, caller).write

    async def write(rows: list[Mapped], report: Report, space: Space) -> None:
        await Writer(session, caller, space).write(rows, report)

    return write


async def write_all(
    session: AsyncSession,
    write: Write,
    job: Job,
    path: Path,
    settled: Settle,
    report: Report,
) -> ImportState:
    """Write all rows inside one savepoint of `session`. A refused row undoes the savepoint; a dry run writes
    nothing."""
    state = ImportState.FINISHED
    try:
        async with session.begin_nested():
            if job.dry_run:  # PostgreSQL then rejects any lock or write
                await session.execute(sa.text("SET LOCAL transaction_read_only = on"))
            most = JUDGED if job.dry_run else BATCH
            await each_batch(path, job, settled, report, write, most)
            if job.mode is Mode.ALL and report.refused:
                state = ImportState.REFUSED
            if job.dry_run or state is ImportState.REFUSED:
                raise _UndoError
    except _UndoError:
        report.undone = True
    return state


def settling(session: AsyncSession, caller: Principal, job: Job) -> Settle:
    """Return a function that finds the publisher of a file's ids in this session."""

    async def settled(source: Source) -> None:
        sample = await asyncio.to_thread(source.sample)
        ids = await asyncio.to_thread(source.ids)
        source.space, told = await settle(session, caller, job.options, job.digest, sample, ids)
        source.notes.extend(told)
        source.terms = await versions_of(session, source.space.source)
        whole = source.whole or job.choice.ends(edited=False)
        if source.holds is not None and whole and not source.space.own:
            source.vanished, told = await missing_in(
                session, caller, source.space.source, source.holds, job.choice,
                dry_run=job.dry_run,
            )  # fmt: skip
            source.notes.extend(told)

    return settled


async def each_batch(
    path: Path,
    job: Job,
    settled: Settle,
    report: Report,
    write: Write,
    most: int = BATCH,
) -> None:
    """Read the file in a thread, and pass on `most` rows at a time. Raise errors in the file itself."""
    with open_source(path, job.kind, job.options) as source:
        report.fidelity = source.fidelity
        try:
            await settled(source)
            report.expected = await asyncio.to_thread(source.expected)
            report.source = None if source.space.own else source.space.source
            report.terms = source.terms
            report.missing = {each.vanished.service_id for each in source.vanished if each.vanished}
            while batch := await asyncio.to_thread(_next_batch, source, most):
                await write(batch, report, source.space)
            await asyncio.to_thread(source.left_behind)
            for start in range(0, len(source.vanished), most):
                await write(source.vanished[start : start + most], report, source.space)
        finally:
            report.notes = [
                *source.notes,
                *report.organization_notes(),
                *report.term_notes(),
                *report.alike_notes(),
            ]


def _next_batch(source: Source, most: int) -> list[Mapped]:
    rows: Iterator[Mapped] = source.rows
    return list(islice(rows, most))


_BROKEN_OFF = completed(
    "directory",
    {
        ImportState.FAILED: {
            "es": "El archivo no se pudo leer hasta el final",
            "en": "The file could not be read to its end",
        },
        ImportState.REFUSED: {"es": "No se importó nada", "en": "Nothing was imported"},
    },
)


async def finish(
    session: AsyncSession,
    caller: Principal,
    job: Job,
    report: Report,
    *,
    state: ImportState,
    started: datetime,
    problem: Problem | None = None,
) -> None:
    """Store the report and delete the file."""
    import_id = job.import_id
    if report.source is not None and not job.dry_run and not report.undone:
        await follow_up(session, caller, report.source, report.terms)
    rows = report.rows()
    while batch := [{"import_id": import_id, **row} for row in islice(rows, _REPORT_BATCH)]:
        await session.execute(sa.insert(IMPORT_ROWS), batch)
    notes = [each.plain() for each in report.notes]
    if problem is not None:
        notes.append(
            {
                "code": problem.kind.code,
                "weight": "refused",
                **{
                    code: f"{said}: {problem.in_(code)}"
                    for code, said in _BROKEN_OFF[state].items()
                },
            }
        )
    await session.execute(
        sa.update(IMPORTS)
        .where(IMPORTS.c.id == import_id)
        .values(
            state=state.value,
            content=None,
            principal={},
            notes=notes,
            fidelity=report.fidelity.plain() if report.fidelity.values["read"] else None,
            started_at=started,
            finished_at=clock.now(),
            **report.counts(),
        )
    )
