"""Request and response bodies for imports."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from common import clock
from common.words.each import Each
from pydantic import BaseModel, ConfigDict, Field

from directory.files.imports.outcomes.notes import Verdict


class Mode(StrEnum):
    """The import mode. `all`: if one row is refused, nothing is written. `skip-bad`: the other rows are written."""

    ALL = "all"
    SKIP_BAD = "skip-bad"


class Vanishing(StrEnum):
    """What happens to entries from the same publisher's earlier package that this package lacks. `keep`: they stay.
    `end`: entries without manual changes end. `end-edited`: all of them end. Ended entries are withdrawn, not deleted,
    and can be reopened."""

    KEEP = "keep"
    END = "end"
    END_EDITED = "end-edited"


class ImportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    REFUSED = "refused"
    """Not written: a row was refused in mode `all`, a smaller package was not confirmed, or the sender lost the rights
    (in mode `skip-bad`, rows written before stay)."""
    FAILED = "failed"
    """The file became unreadable midway; mode `all` wrote nothing."""


FormatName = Literal["workbook", "xlsx", "csv", "hxl", "geojson", "services-advisor", "hsds"]


class NotePlace(BaseModel):
    """A place that a person may choose."""

    pcode: str = Field(description="Send `place=<before>=<pcode>` to accept this place.")
    name: str
    within: str | None = Field(None, description="Name of the place that contains it.")


class NoteOut(Each[str]):
    """One note in the report, in both languages. A note with the `weight` refused excludes the row."""

    model_config = ConfigDict(extra="allow")

    code: str
    weight: Literal["told", "changed", "refused"]
    field: str | None = Field(None, description="Column or path, in the sender's own words.")
    before: str | None = None
    after: str | None = None
    places: list[NotePlace] | None = Field(
        None, description="Places that the value may mean, the likeliest first."
    )


class RowCounts(BaseModel):
    read: int
    accepted: int
    changed: int
    refused: int


class ServiceCounts(BaseModel):
    created: int
    updated: int
    unchanged: int


class CountedReasonOut(Each[str]):
    """The number of values in a field that were changed or left out for one reason."""

    code: str
    outcome: Literal["changed", "left_out"]
    count: int


class ValueCounts(BaseModel):
    """Counts of the values in the file."""

    read: int
    as_is: int
    changed: int
    left_out: int


class FieldOut(ValueCounts):
    """The outcome of the values in one field (of one table, if the file has several)."""

    file: str
    field: str
    reasons: list[CountedReasonOut]


class FidelityOut(BaseModel):
    """The outcome of all values. `read` is the sum of the other counts. For dry runs and refused imports, it shows what
    an import would have stored."""

    values: ValueCounts
    fields: list[FieldOut] | None = Field(None, description="Not in lists of imports.")


class ImportOut(BaseModel):
    """One import. While it is running, the counts show its progress."""

    id: UUID
    state: ImportState
    file_name: str
    file_size: int
    format: str
    mode: Mode
    dry_run: bool
    rows: RowCounts
    services: ServiceCounts
    notes: list[NoteOut]
    fidelity: FidelityOut | None = Field(
        None, description="Of tables, sheets and our own GeoJSON; absent while it runs."
    )
    ahead: int | None = Field(
        None, description="While it waits: how many others are worked through before it."
    )
    expected: int | None = Field(
        None, description="While it runs: about how many rows the file has."
    )
    seconds_left: int | None = Field(
        None, description="While it runs: about how long it still takes, at the speed so far."
    )
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    rows_url: str


class ImportRowOut(BaseModel):
    """The outcome of one row. `number` is the row number in the sender's program. Entries that have `vanished` from the
    file come after its last row."""

    number: int
    verdict: Verdict
    external_id: str | None = None
    name: str | None = None
    service_id: UUID | None = None
    outcome: Literal["created", "changed", "unchanged", "kept", "ended"] | None = None
    notes: list[NoteOut]


def _seconds_left(row: Any) -> int | None:
    running = row.state == ImportState.RUNNING.value and row.started_at is not None
    if not running or not row.rows_read or row.rows_expected is None:
        return None
    so_far: float = (clock.now() - row.started_at).total_seconds()
    share: float = row.rows_expected / row.rows_read - 1
    return max(0, round(so_far * share))


def import_out(row: Any) -> ImportOut:
    return ImportOut(
        id=row.id,
        state=ImportState(row.state),
        file_name=row.file_name,
        file_size=row.file_size,
        format=row.format,
        mode=Mode(row.mode),
        dry_run=row.dry_run,
        rows=RowCounts(
            read=row.rows_read,
            accepted=row.rows_accepted,
            changed=row.rows_changed,
            refused=row.rows_refused,
        ),
        services=ServiceCounts(
            created=row.services_created,
            updated=row.services_updated,
            unchanged=row.services_unchanged,
        ),
        notes=[NoteOut.model_validate(each) for each in row.notes],
        fidelity=FidelityOut.model_validate(row.fidelity) if row.fidelity else None,
        ahead=row.ahead if row.state == ImportState.QUEUED.value else None,
        expected=row.rows_expected if row.state == ImportState.RUNNING.value else None,
        seconds_left=_seconds_left(row),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        rows_url=f"/directory/v1/imports/{row.id}/rows",
    )
