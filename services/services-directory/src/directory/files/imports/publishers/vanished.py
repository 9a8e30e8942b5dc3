"""Finds entries that the same publisher's earlier file contained and this file lacks. A file may be partial or damaged,
so these entries remain unless the sender chooses otherwise."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.auth import Principal
from common.errors import Problem
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.imports.errors import PACKAGE_SHRUNK
from directory.files.imports.outcomes.mapped import Mapped, Vanished
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.outcomes.report import Report
from directory.files.imports.schemas import Vanishing
from directory.ground.entries.queries import changed_by_hand
from directory.ground.identities.queries import all_of
from directory.record.records.queries import standing_names
from directory.record.records.service import KIND
from directory.record.services.service import take_step

_AT_ONCE = 5_000
_REASON = "An edition of its publisher's file no longer holds it."


@dataclass(frozen=True, slots=True)
class Choice:
    """The sender's choice of what happens to missing entries. `most` is the share of known entries that may be missing
    before a person must confirm."""

    vanishing: Vanishing = Vanishing.KEEP
    confirmed: bool = False
    most: float = 0.5

    def ends(self, *, edited: bool) -> bool:
        if edited:
            return self.vanishing is Vanishing.END_EDITED
        return self.vanishing is not Vanishing.KEEP


async def missing_in(
    session: AsyncSession,
    caller: Principal,
    source: str,
    holds: Callable[[str], bool],
    choice: Choice,
    *,
    dry_run: bool,
) -> tuple[list[Mapped], list[Note]]:
    """Return report rows and notes for missing entries. `holds` tells whether the file contains an id. Raise 422 if too
    many entries are missing and nobody confirmed it. A dry run only adds a note."""
    known = await all_of(session, KIND, source)
    gone = await asyncio.to_thread(_without, known, holds)
    names = await _standing(session, caller, list(known))
    missing = sorted(names.keys() & gone.keys())
    if not missing:
        return [], []
    told = [note("vanished_some", before=len(missing), after=len(names))]
    if len(missing) >= choice.most * len(names) and not choice.confirmed:
        if not dry_run:
            raise _shrunk(len(missing), len(names))
        told.append(note("package_shrunk", before=len(missing), after=len(names)))
    edited = await changed_by_hand(session, KIND, missing)
    rows = [_row(key, gone[key], names[key], choice, edited=key in edited) for key in missing]
    return rows, told


def _without(known: Mapping[UUID, Sequence[str]], holds: Callable[[str], bool]) -> dict[UUID, str]:
    return {key: ids[0] for key, ids in known.items() if not any(holds(each) for each in ids)}


async def _standing(
    session: AsyncSession, caller: Principal, ids: Sequence[UUID]
) -> dict[UUID, str]:
    names: dict[UUID, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        names |= await standing_names(session, caller, ids[start : start + _AT_ONCE])
    return names


def _shrunk(missing: int, known: int) -> Problem:
    return PACKAGE_SHRUNK.because(
        "of_entries_that_this_publishers_files_brought",
        f"{missing:,}",
        f"{known:,}",
        f"{missing / known:.0%}",
        pointer="/shrunk",
        missing=missing,
        known=known,
    )


def _row(service_id: UUID, external_id: str, name: str, choice: Choice, *, edited: bool) -> Mapped:
    ends = choice.ends(edited=edited)
    notes = [note("vanished_ends" if ends else "vanished_stays")]
    if edited:
        notes.append(note("vanished_edited"))
    return Mapped(0, external_id, None, notes, vanished=Vanished(service_id, name, ends))


async def end_vanished(
    session: AsyncSession,
    caller: Principal,
    rows: Sequence[Mapped],
    report: Report,
    *,
    dry: bool = False,
) -> None:
    """End the chosen entries: they are withdrawn, not deleted, and can be reopened."""
    for mapped in rows:
        gone = mapped.vanished
        if gone is None or gone.service_id not in report.missing:
            continue  # the file contains it under another id
        ended = gone.ends
        if ended and not dry:
            try:
                async with session.begin_nested():
                    await take_step(
                        session, caller, gone.service_id, "withdraw",
                        reason=_REASON, source=report.source,
                    )  # fmt: skip
            except Problem as problem:
                ended = False
                mapped.notes = [
                    note("vanished_stays"),
                    note("vanished_refused", before=problem.detail),
                ]
        report.miss(mapped, ended=ended)
