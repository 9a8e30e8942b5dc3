"""What callers send and get around imports."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services_directory.imports.notes import Verdict


class Mode(StrEnum):
    """`all`: one refused row and nothing is written. `skip-bad`: the other rows are written."""

    ALL = "all"
    SKIP_BAD = "skip-bad"


class ImportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    REFUSED = "refused"
    """Read to the end and not written: a row was refused in mode `all`."""
    FAILED = "failed"
    """The file broke off while it was read; nothing of mode `all` was written."""


FormatName = Literal["workbook", "xlsx", "csv", "hxl", "geojson", "services-advisor", "hsds"]
Level = Literal["public", "partners", "pathway", "restricted"]


class NoteOut(BaseModel):
    """One remark of the report, in both languages. `weight` refused keeps the row out."""

    model_config = ConfigDict(extra="allow")

    code: str
    weight: Literal["told", "changed", "refused"]
    field: str | None = Field(None, description="Column or path, in the sender's own words.")
    before: str | None = None
    after: str | None = None
    es: str
    en: str


class RowCounts(BaseModel):
    read: int
    accepted: int
    changed: int
    refused: int


class ServiceCounts(BaseModel):
    created: int
    updated: int
    unchanged: int


class ImportOut(BaseModel):
    """One import. While it runs, the counts are its progress."""

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
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    rows_url: str


class ImportRowOut(BaseModel):
    """What became of one row. `number` counts as the sender's program does."""

    number: int
    verdict: Verdict
    external_id: str | None = None
    name: str | None = None
    service_id: UUID | None = None
    outcome: Literal["created", "changed", "unchanged"] | None = None
    notes: list[NoteOut]


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
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        rows_url=f"/directory/v1/imports/{row.id}/rows",
    )
