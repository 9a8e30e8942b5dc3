"""A small real service that uses only `common`, for the tests of `common`."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from common import messaging
from common.auth import Principal, Role
from common.db.session import Database
from common.db.tables import common_tables
from common.events.directory import CapacityChanged
from common.http import (
    IdempotencyRequired,
    Reading,
    Session,
    Strict,
    open_to_all,
    requires,
    router,
    service_app,
)
from common.ids import new_id
from common.settings import ServiceSettings
from fastapi import FastAPI
from pydantic import Field

metadata = sa.MetaData()
TABLES = common_tables(metadata)
NOTES = sa.Table(
    "notes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.UniqueConstraint("text", deferrable=True, initially="DEFERRED"),
)

Writer = Annotated[Principal, requires("directory:write", {Role.PARTNER})]
Reader = Annotated[Principal, open_to_all()]
notes = router("/sample/v1/notes", ["notes"])


class Settings(ServiceSettings):
    service = "directory"


class NoteIn(Strict):
    text: str = Field(max_length=100)
    size: int = 1


@notes.post("", status_code=201, dependencies=[IdempotencyRequired])
async def write(body: NoteIn, session: Session, caller: Writer) -> dict[str, str]:
    note = new_id()
    await session.execute(
        NOTES.insert().values(
            id=note, organisation_id=caller.organisation, text=body.text, size=body.size
        )
    )
    event = CapacityChanged(
        version=1, service_id=note, organisation_id=caller.organisation, referable=True
    )
    await messaging.append(session, TABLES, event)
    return {"id": str(note)}


class Growing(Strict):
    notes: list[UUID]


@notes.post("/grow")
async def grow(body: Growing, session: Session, caller: Writer) -> dict[str, list[int]]:
    """Lock the notes in the given order, one by one, as no service should."""
    sizes = []
    for note in body.notes:
        change = NOTES.update().where(NOTES.c.id == note).values(size=NOTES.c.size + 1)
        sizes.append((await session.execute(change.returning(NOTES.c.size))).scalar_one())
        await session.execute(sa.text("SELECT pg_sleep(0.3)"))
    return {"sizes": sizes}


@notes.post("/search", dependencies=[Reading])
async def search(session: Session, caller: Writer) -> dict[str, int]:
    return await count(session, caller)


@notes.get("/count")
async def count(session: Session, caller: Reader) -> dict[str, int]:
    return {"count": await session.scalar(sa.select(sa.func.count()).select_from(NOTES)) or 0}


@notes.get("/caller")
async def caller_setting(session: Session, caller: Reader) -> dict[str, str]:
    value = await session.scalar(sa.text("SELECT current_setting('ruta.organisation', true)"))
    return {"organisation": str(value)}


@notes.get("/{note}")
async def read(note: UUID, session: Session, caller: Reader) -> dict[str, str]:
    text = await session.scalar(sa.select(NOTES.c.text).where(NOTES.c.id == note))
    return {"text": str(text)}


@notes.get("/broken/answer")
async def broken(caller: Reader) -> dict[str, str]:
    raise RuntimeError("María Canario")


def create_app(settings: Settings, database: Database | None = None) -> FastAPI:
    return service_app(
        settings,
        title="Sample",
        description="",
        tables=TABLES,
        routers=[notes],
        database=database,
    )
