"""Updates the stored documents of services to match their records. It runs in the writer's transaction. A level whose
content did not change keeps its row, its ETag and its date."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.happenings import tell
from common.sight import PATHWAY, RESTRICTED
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.offered import is_offered
from directory.ground.happenings import DocumentsStored, OrganizationChanged
from directory.ground.hsds.columns import sites
from directory.ground.hsds.masking import placeless
from directory.ground.hsds.opening_hours import Opening
from directory.ground.hsds.referability import is_referable
from directory.ground.hsds.status import valid_until
from directory.ground.hsds.views import Facts, Record
from directory.ground.hsds.visibility import level_of
from directory.record.documents.change_events import Announcements
from directory.record.documents.models import (
    service_changes,
    service_documents,
    service_translations,
    site_documents,
)
from directory.record.documents.prepared import (
    Prepared,
    bodies,
    prepare,
    quality,
    site_rows,
    translated,
    within,
    words,
)
from directory.record.endorsements.queries import endorsed_aors
from directory.record.houses.models import SERVICE
from directory.record.houses.queries import held_organizations, looks_at
from directory.record.houses.schemas import NOBODY, as_held
from directory.record.houses.service import Asked, keep
from directory.record.organizations.queries import with_organization
from directory.record.organizations.refresh import store_organization
from directory.record.records.queries import OFFERED_BY, locked_published

CHUNK = 500
_UUIDS = sa.ARRAY(sa.Uuid)


@dataclass(frozen=True)
class Readership:
    """The audience of each level of one service."""

    organization_id: UUID
    managed_by: UUID
    aors: tuple[str, ...]
    states: tuple[str, ...]

    @property
    def key(self) -> str:
        text = f"{self.organization_id} {self.managed_by} {self.aors} {self.states}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def values(self) -> dict[str, Any]:
        return {
            "organization_id": self.organization_id,
            "managed_by": self.managed_by,
            "aors": list(self.aors),
            "states": list(self.states),
        }


@dataclass(frozen=True)
class Stored:
    """The stored row for one level of one service."""

    etag: str
    modified_at: datetime
    audience: Readership


async def store(session: AsyncSession, service_ids: Iterable[UUID]) -> None:
    """Render these services again. Write the levels that differ, the change log and the events."""
    ids = list(dict.fromkeys(service_ids))
    for start in range(0, len(ids), CHUNK):
        await _store(session, ids[start : start + CHUNK])


async def _store(session: AsyncSession, ids: list[UUID]) -> None:
    now = clock.now()
    records, news = await _held(session, await _records(session, ids))
    endorsed = await endorsed_aors(session, ids)
    stored = await _stored(session, ids)
    batch = _Batch(now)
    announcements = Announcements()
    for row in records:
        prepared, facts = _prepared(row, endorsed.get(row.id, []))
        changed = batch.service(row, prepared, stored.get(row.id, {}))
        announcements.service(row, prepared, facts, changed=changed)
    await batch.write(session)
    await announcements.write(session)
    for organization_id in news:
        await store_organization(session, organization_id)
    placed = {row.organization_id for row in records if row.organization.get("locations")}
    for organization_id in news & placed:
        await tell(session, OrganizationChanged(organization_id))
    await tell(session, DocumentsStored(ids))


def _any(column: Any, ids: Sequence[UUID]) -> Any:
    return column == sa.any_(sa.literal(list(ids), _UUIDS))


async def _records(session: AsyncSession, ids: list[UUID]) -> list[Any]:
    """Return service rows with their `organization` document, locked against other writers."""
    joined = with_organization(locked_published(ids), OFFERED_BY)
    return list((await session.execute(joined)).all())


async def _held(session: AsyncSession, rows: list[Any]) -> tuple[list[Any], set[UUID]]:
    """Return the rows as readers see them, with the published form of the record as `own`. Also return the
    organisations whose safe-house state changed. A possible safe house has no place until somebody reviews it."""
    looks = await looks_at(session, SERVICE, [row.id for row in rows])
    held = {
        row.id: as_held(Record(row.approved, row.organization), looks.get(row.id, NOBODY))
        for row in rows
        if row.approved is not None
    }
    news = await keep(
        session,
        SERVICE,
        [
            Asked(row.id, row.organization_id, held[row.id][1], level_of(row.approved) >= PATHWAY)
            for row in rows
            if row.id in held
        ],
        looks,
    )
    placed = {row.organization_id for row in rows if row.organization.get("locations")}
    hidden = await held_organizations(session, placed) if placed else frozenset()
    shown = []
    for row in rows:
        values = {**row._asdict(), "own": row.approved}
        if row.id in held:
            record, _ = held[row.id]
            values |= {"approved": record.service, "organization": record.organization}
        if row.organization_id in hidden:
            values["organization"] = placeless(values["organization"])
        shown.append(SimpleNamespace(**values))
    return shown, news


async def _stored(session: AsyncSession, ids: list[UUID]) -> dict[UUID, dict[int, Stored]]:
    d = service_documents.c
    rows = await session.execute(
        sa.select(
            d.service_id, d.level, d.etag, d.modified_at, d.organization_id, d.managed_by,
            d.aors, d.states,
        ).where(_any(d.service_id, ids))
    )  # fmt: skip
    found: dict[UUID, dict[int, Stored]] = {}
    for row in rows:
        audience = Readership(
            row.organization_id, row.managed_by, tuple(row.aors), tuple(row.states)
        )
        found.setdefault(row.service_id, {})[row.level] = Stored(
            row.etag, row.modified_at, audience
        )
    return found


def _prepared(row: Any, endorsed_by: list[str]) -> tuple[dict[int, Prepared], Facts]:
    """Return the documents by level, and the facts. The record's `stale` decides, not the clock. If the sweep distrusts
    the clock, readers must not rely on the clock either."""
    service = row.approved
    suspended = row.organisation_suspended
    if not is_offered(service, row.state, row.restricted, organisation_suspended=suspended):
        return {}, Facts()
    status = service.get("functional_status", {}).get("code", "unknown")
    fresh = valid_until(service) is not None and not row.stale
    referable = is_referable(status, endorsed_by, fresh=fresh)
    facts = Facts(tuple(endorsed_by), row.stale, referable)
    return prepare(Record(service, row.organization), facts), facts


class _Batch:
    """Collects the rows of a chunk of services and writes them in a few statements at the end."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.gone: list[tuple[int, UUID]] = []
        self.documents: list[dict[str, Any]] = []
        self.sites: list[dict[str, Any]] = []
        self.translations: list[dict[str, Any]] = []
        self.copies: list[tuple[UUID, int, int, bool]] = []
        """The service, the written level, another level with the same content, and whether its reads are logged."""
        self.changes: dict[tuple[int, UUID, str], dict[str, Any]] = {}
        self.words: set[tuple[int, str]] = set()

    def service(self, row: Any, prepared: dict[int, Prepared], stored: dict[int, Stored]) -> bool:
        """Add one service. Return whether anything differs from the stored rows."""
        audience = Readership(
            row.organization_id, row.managed_by, tuple(row.aors), tuple(row.states)
        )
        changed = False
        ready: dict[tuple[int, datetime], tuple[Prepared, dict[int, bool]]] = {}
        for level in range(4):
            new, old = prepared.get(level), stored.get(level)
            if new is None and old is None:
                continue
            same_content = new is not None and old is not None and new.etag == old.etag
            same_audience = old is None or old.audience == audience
            if same_content and same_audience:
                continue
            changed = True
            self.gone.append((level, row.id))
            modified_at = old.modified_at if same_content and old else self.now
            if new is not None:
                same = (
                    id(new.full),
                    modified_at,
                )  # levels that see the same content share one object
                _, levels = ready.setdefault(same, (new, {}))
                levels[level] = _sensitive(prepared, level)
            if not same_content or level >= PATHWAY:
                self._log(row.id, level, audience)
                if old is not None and not same_audience:
                    self._log(row.id, level, old.audience)
        begins = _begins(prepared) if ready else {}
        for (_, modified_at), (new, levels) in ready.items():
            self._add(row, new, _ready(new, modified_at), audience, begins, levels)
        return changed

    def _log(self, service_id: UUID, level: int, audience: Readership) -> None:
        self.changes[level, service_id, audience.key] = {
            "level": level,
            "service_id": service_id,
            "audience": audience.key,
            "changed_at": self.now,
            **audience.values(),
        }

    def _add(
        self,
        row: Any,
        prepared: Prepared,
        ready: "_Ready",
        audience: Readership,
        begins: Mapping[str, int],
        levels: Mapping[int, bool],
    ) -> None:
        """Add the rows for one content. `levels` maps each level that sees this content to whether its reads are
        logged."""
        (level, sensitive), *others = levels.items()
        self.copies += [(row.id, level, *other) for other in others]
        common = {
            "level": level,
            "sensitive": sensitive,
            "service_id": row.id,
            "visibility": level_of(row.approved),
            "etag": prepared.etag,
            "modified_at": ready.modified_at,
            **audience.values(),
        }
        self.documents.append({**common, **ready.document})
        self.sites += [
            {**common, **site, "visibility": begins[site["site_id"]]} for site in ready.sites
        ]
        own = {"level": level, "service_id": row.id}
        self.translations += [{**own, **each} for each in ready.translations]
        self.words |= {(level, word) for level in levels for word in ready.words}

    async def write(self, session: AsyncSession) -> None:
        if self.gone:
            levels = [level for level, _ in self.gone]
            ids = [service_id for _, service_id in self.gone]
            for table in _BY_LEVEL:
                await session.execute(_DELETE[table], {"levels": levels, "ids": ids})
        self._by_place()
        copies = {name: [each[at] for each in self.copies] for at, name in enumerate(_COPIED)}
        for table, rows in (
            (service_documents, self.documents),
            (site_documents, self.sites),
            (service_translations, self.translations),
        ):
            if rows:
                await session.execute(_INSERT[table], rows)
            if rows and self.copies:
                await session.execute(_COPY[table], copies)
        if self.changes:
            await session.execute(_LOG, list(self.changes.values()))
        if self.words:
            known = sorted(self.words)
            await session.execute(
                _WORDS, {"levels": [w[0] for w in known], "words": [w[1] for w in known]}
            )

    def _by_place(self) -> None:
        """Sort rows by place, so that PostgreSQL stores the services of a town next to each other. A search reads all
        services of a town."""
        self.documents.sort(key=lambda row: row["within_areas"])
        self.sites.sort(key=lambda row: row["pcode"] or "")
        places = {row["service_id"]: at for at, row in enumerate(self.documents)}
        self.copies.sort(key=lambda copy: places[copy[0]])


@dataclass(frozen=True, slots=True)
class _Ready:
    """Values shared by the rows of all levels with the same content."""

    modified_at: datetime
    document: dict[str, Any]
    sites: list[dict[str, Any]]
    translations: list[dict[str, Any]]
    words: frozenset[str]


def _ready(prepared: Prepared, modified_at: datetime) -> _Ready:
    dated = prepared.dated(modified_at)
    sent = bodies(dated)
    others = {
        language: bodies(translated(dated, language)) for language in dated.get("translations", {})
    }
    return _Ready(
        modified_at,
        {
            **_columns(prepared),
            "document": dated,
            "full_body": sent.full,
            "core_length": sent.core_length,
            "list_body": sent.listed,
        },
        list(site_rows(prepared)),
        [
            {"language": language, "full_body": other.full, "list_body": other.listed}
            for language, other in others.items()
        ],
        frozenset(words(prepared.columns)),
    )


def _begins(prepared: Mapping[int, Prepared]) -> dict[str, int]:
    """Return the lowest level that shows each site."""
    return {
        site["id"]: level
        for level in sorted(prepared, reverse=True)
        for site in sites(prepared[level].full)
    }


def _sensitive(prepared: dict[int, Prepared], level: int) -> bool:
    """Return whether this level shows more than the levels below it. Such reads are logged."""
    if level != RESTRICTED:
        return False
    below = prepared.get(PATHWAY)
    return below is None or below.etag != prepared[RESTRICTED].etag


_SAME = (
    "categories", "areas", "terms", "taxonomies", "languages", "sexes", "populations", "nationalities", "documents",
    "minimum_age", "maximum_age", "capacity_state", "functional_status", "provider_level", "pre_crisis", "valid_until",
    "verified_on", "referable", "endorsed_by",
)  # fmt: skip
"""Columns with the same name in `hsds.columns`."""


def _columns(prepared: Prepared) -> dict[str, Any]:
    found = prepared.columns
    return {
        "name": prepared.full["name"],
        "text_a": found.text.name,
        "text_b": found.text.kind,
        "text_c": found.text.prose,
        "text_d": found.text.place,
        "within_areas": within(found.areas),
        **{name: getattr(found, name) for name in _SAME},
        **_opening(found.opening),
        "quality": quality(found),
    }


def _opening(found: Opening) -> dict[str, Any]:
    seasons = found.seasons
    return {
        "open_minutes": [Range(start, end) for start, end in found.usual],
        "season_days": [Range(s.first, s.last, bounds="[]") for s in seasons] or None,
        "season_minutes": [Range(*s.span) if s.span else _NO_MINUTES for s in seasons] or None,
        "hours_unread": found.unread,
    }


_NO_MINUTES: Range[int] = Range(empty=True)


def _delete(table: str) -> sa.TextClause:
    return sa.text(
        f"DELETE FROM {table} d USING unnest(CAST(:levels AS smallint[]), CAST(:ids AS uuid[]))"  # noqa: S608 - the names of our own tables
        " AS gone(level, id) WHERE d.level = gone.level AND d.service_id = gone.id"
    ).bindparams(
        sa.bindparam("levels", type_=sa.ARRAY(sa.SmallInteger)), sa.bindparam("ids", type_=_UUIDS)
    )


_BY_LEVEL = (service_documents, site_documents, service_translations)
_DELETE = {table: _delete(table.name) for table in _BY_LEVEL}
# Index the stems of both languages at the same weight, so that a word is found in the language of the query.
_VECTOR = " || ".join(
    f"setweight(to_tsvector('{language}', CAST(:text_{weight} AS text)), '{weight.upper()}')"
    for weight in "abcd"
    for language in ("ruta_es", "ruta_en")
)
_MADE = {"vector": _VECTOR, "point": "CAST(CAST(:point AS text) AS point)"}


def _inserted(table: sa.Table) -> sa.TextClause:
    names = [column.name for column in table.c]
    values = [_MADE.get(name, f":{name}") for name in names]
    return sa.text(
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608 - our own names
    ).bindparams(
        *(
            sa.bindparam(column.name, type_=column.type)
            for column in table.c
            if column.name not in _MADE
        )
    )


_COPIED = {
    "ids": sa.Uuid,
    "sources": sa.SmallInteger,
    "levels": sa.SmallInteger,
    "sensitives": sa.Boolean,
}


def _copied(table: sa.Table) -> sa.TextClause:
    """Return the statement that copies a written row to another level with the same content. The content is sent,
    parsed and compressed only once, which saves a third of the time."""
    names = [column.name for column in table.c]
    values = [f"one.{name}" if name in ("level", "sensitive") else f"seen.{name}" for name in names]
    # OFFSET 0 forces one key lookup per row, because statistics are misleading while a table is being filled.
    seen = f"SELECT * FROM {table.name} WHERE level = one.source AND service_id = one.id OFFSET 0"  # noqa: S608 - our own names
    return sa.text(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)}"  # noqa: S608 - our own names
        f" FROM unnest({', '.join(f':{name}' for name in _COPIED)}) AS one(id, source, level, sensitive)"
        f" CROSS JOIN LATERAL ({seen}) seen"
    ).bindparams(*(sa.bindparam(name, type_=sa.ARRAY(kind)) for name, kind in _COPIED.items()))


_INSERT = {table: _inserted(table) for table in _BY_LEVEL}
_COPY = {table: _copied(table) for table in _BY_LEVEL}
_change = insert(service_changes)
_LOG = _change.values(xid=sa.func.pg_current_xact_id()).on_conflict_do_update(
    index_elements=["level", "service_id", "audience"],
    set_={"xid": sa.func.pg_current_xact_id(), "changed_at": _change.excluded.changed_at},
)
_WORDS = sa.text(
    "INSERT INTO search_words (level, word)"
    " SELECT * FROM unnest(CAST(:levels AS smallint[]), CAST(:words AS text[]))"
    " ON CONFLICT DO NOTHING"
).bindparams(
    sa.bindparam("levels", type_=sa.ARRAY(sa.SmallInteger)),
    sa.bindparam("words", type_=sa.ARRAY(sa.Text)),
)
