"""The running report for one import. Counts are in memory and rows in a temporary file, so that memory does not grow
with the number of rows."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Self
from uuid import UUID

import orjson

from directory.files.imports.outcomes.fidelity import Fidelity
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Note, Verdict, note

_ALIKE = {"row_doubled", "row_alike"}


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing a row's service."""

    service_id: UUID
    outcome: str
    stored: Mapping[str, Any] = field(default_factory=dict)
    """The record with its organisation."""


class Report:
    """Accepts rows and returns them in the same order. A context manager: closing it deletes the file."""

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.alike: Counter[str] = Counter()
        """Rows that a dry run found twice, or like an entry of the directory."""
        self.notes: list[Note] = []
        self.fidelity = Fidelity()
        self.organizations: Counter[str] = Counter()
        self.expected: int | None = None
        """About how many rows the file has."""
        self.missing: set[UUID] = set()
        """Vanished entries that no row matched yet."""
        self.source: str | None = None
        """The space of the ids; None for an export of this directory."""
        self.terms: Mapping[UUID, int] = {}
        """The versions of the publisher's terms before reading."""
        self._undecided: set[tuple[str, str]] = set()
        self._with_undecided = 0
        self._last = 0
        self.undone = False
        """The writes were undone, so the ids of created services mean nothing."""
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def refused(self) -> int:
        return self.verdicts[Verdict.REFUSED]

    def add(self, mapped: Mapped, written: Written | None) -> None:
        verdict = mapped.verdict
        self._account(mapped, verdict)
        self.verdicts[verdict] += 1
        self.alike.update({each.code for each in mapped.notes} & _ALIKE)
        if mapped.undecided:
            self._with_undecided += 1
            self._undecided.update(term.key for term in mapped.undecided)
        if written is not None:
            self.outcomes[written.outcome] += 1
            self.missing.discard(written.service_id)
        self._put(mapped, mapped.number, verdict, written)

    def miss(self, mapped: Mapped, *, ended: bool) -> None:
        """Add an entry that the file lacks, after the last row."""
        if mapped.vanished is not None:
            written = Written(mapped.vanished.service_id, "ended" if ended else "kept")
            self._put(mapped, self._last + 1, Verdict.VANISHED, written)

    def _put(self, mapped: Mapped, number: int, verdict: Verdict, written: Written | None) -> None:
        self._last = max(self._last, number)
        line = {
            "number": number,
            "verdict": verdict.value,
            "external_id": mapped.external_id,
            "name": mapped.name,
            "service_id": str(written.service_id) if written else None,
            "outcome": written.outcome if written else None,
            "notes": [each.plain() for each in mapped.told],
        }
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def bring(self, mapped: Mapped, outcome: str | None) -> None:
        """Add an organisation that has its own row."""
        self.organizations[outcome or "left"] += 1
        fates = mapped.fates
        if outcome is None:
            fates = [each.left_out("organisations_left") for each in fates]
        self.fidelity.take(fates)

    def organization_notes(self) -> list[Note]:
        found = self.organizations
        notes = []
        if found["created"] or found["changed"]:
            notes.append(
                note("organisations_read", before=found["created"], after=found["changed"])
            )
        if found["left"]:
            notes.append(note("organisations_left", before=found["left"]))
        return notes

    def alike_notes(self) -> list[Note]:
        return [note(f"{code}_some", before=count) for code, count in sorted(self.alike.items())]

    def term_notes(self) -> list[Note]:
        """Return a note with the number of undecided terms, and of rows that contain one."""
        if not self._undecided:
            return []
        return [note("terms_undecided", before=len(self._undecided), after=self._with_undecided)]

    def _account(self, mapped: Mapped, verdict: Verdict) -> None:
        """Count a row's values. If the row is refused, count only the row itself, because its children may arrive with
        another row."""
        fates = mapped.fates
        if verdict is Verdict.REFUSED:
            fates = [each.left_out("row_refused") for each in fates[:1]]
        self.fidelity.take(fates)

    def counts(self) -> dict[str, int | None]:
        """Return the values for the counting columns of `imports`."""
        return {
            "rows_expected": self.expected,
            "rows_read": self.verdicts.total(),
            "rows_accepted": self.verdicts[Verdict.ACCEPTED],
            "rows_changed": self.verdicts[Verdict.CHANGED],
            "rows_refused": self.refused,
            "services_created": self.outcomes["created"],
            "services_updated": self.outcomes["changed"],
            "services_unchanged": self.outcomes["unchanged"],
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        self._file.flush()
        self._file.seek(0)
        for line in self._file:
            row: dict[str, Any] = orjson.loads(line)
            if self.undone and row["outcome"] == "created":
                row["service_id"] = None
            yield row
