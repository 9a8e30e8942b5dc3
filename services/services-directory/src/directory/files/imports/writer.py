"""Writes mapped rows through the directory's own write path, many in one savepoint."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import Problem
from common.sight import NAMES, PATHWAY, PUBLIC
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.crosswalks.queries import additions_of, decided_in
from directory.files.crosswalks.service import Carried, keep
from directory.files.crosswalks.terms import WORDS, Decided, crosswalked, terms_in, without
from directory.files.imports.outcomes.mapped import (
    Mapped,
    organization_of,
    validated,
)
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.outcomes.report import Report, Written
from directory.files.imports.outcomes.stored import as_stored
from directory.files.imports.publishers.claims import recognise
from directory.files.imports.publishers.space import Space
from directory.files.imports.publishers.vanished import end_vanished
from directory.files.imports.workbook.flat import cells_of
from directory.ground.entries.ids import own_id
from directory.ground.entries.queries import (
    STATUS,
    changed_by_hand,
    levels_set_by_hand,
    said_by_hand,
)
from directory.ground.entries.schemas import Upserted
from directory.ground.hsds.columns import areas_of
from directory.ground.hsds.given import Given
from directory.ground.hsds.hidden_parts import keeping_hidden
from directory.ground.hsds.safe_houses import house_words
from directory.ground.hsds.status import is_closed, timely
from directory.ground.hsds.visibility import level_of, without_unstorable
from directory.ground.identities.queries import by_external_ids
from directory.ground.identities.service import ExternalId, remember
from directory.record.documents.queries import shown
from directory.record.houses.models import SERVICE
from directory.record.houses.queries import looks_at
from directory.record.houses.schemas import NOBODY
from directory.record.houses.service import hear
from directory.record.organizations import service as organizations
from directory.record.records.queries import Lookalike, duplicates_of
from directory.record.records.service import KIND
from directory.record.services.drafts import phones_in, states_in
from directory.record.services.dry_run import Judged, judge
from directory.record.services.upsert import Finish, upsert_service, withdrawn_by_hand

_DAYS = ("verified_at", "valid_until")
_COMPARED = 1000
"""Different services of a file that are compared with the directory."""


@dataclass(slots=True)
class Standing:
    """A row with its entity, its record and its document in the directory's form."""

    mapped: Mapped
    entity: UUID | None
    record: Any
    given: Given | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the rows of one import. `space` is the id space of the rows."""

    session: AsyncSession
    caller: Principal
    space: Space

    async def write(self, rows: Sequence[Mapped], report: Report) -> None:
        """Write the rows. A row that the directory rejects is refused with the reason. Try all rows in one savepoint
        first, because most batches have no errors. Write them one by one only if a row fails: each savepoint costs
        PostgreSQL a subtransaction."""
        await bring_organizations(self, [each for each in rows if each.organization], report)
        await end_vanished(self.session, self.caller, rows, report)
        rows = _services(rows)
        standing = await self.prepared(rows)
        try:
            written = await self._together(standing)
        except Problem:
            written = [await self._alone(each) for each in standing]
        for mapped, result in zip(rows, written, strict=True):
            self.account(mapped, result)
            report.add(mapped, result)
        await self.claim(
            [mapped for mapped, result in zip(rows, written, strict=True) if result is not None]
        )
        if not self.space.own:
            await keep(
                self.session,
                self.caller,
                self.space.source,
                [
                    Carried(result.service_id, mapped.terms, mapped.added)
                    for mapped, result in zip(rows, written, strict=True)
                    if result is not None
                ],
            )
        self.session.expunge_all()

    def account(self, mapped: Mapped, written: Written | None) -> None:
        """Count only stored values as imported."""
        if written is None or not mapped.fates:
            return
        withheld = any(each.code == "place_withheld" for each in mapped.notes)
        cells = cells_of(written.stored) if mapped.fates[0].sheet else {}
        mapped.fates = as_stored(
            mapped.fates,
            written.stored,
            cells,
            "place_withheld" if withheld else "not_stored",
            partial(own_id, self.caller),
        )

    async def prepared(self, rows: Sequence[Mapped]) -> list[Standing]:
        await self._keep_full_records(rows)
        entities, records = await self._recognised(rows)
        stand_for = [entities.get(each.external_id or "") for each in rows]
        standing = [
            Standing(mapped, entity, records.get(entity) if entity else None)
            for mapped, entity in zip(rows, stand_for, strict=True)
        ]
        said = [list((each.document or {}).get("categories", ())) for each in rows]
        _uncategorised(standing)
        _keep_what_is_not_said(standing)
        _verified_in_time(standing)
        await self._crosswalk(standing, said)
        await self._keep_closed(standing)
        await self._tell_houses(standing)
        for each in standing:
            each.given = validated(each.mapped)
        return standing

    async def _tell_houses(self, standing: Sequence[Standing]) -> None:
        """Add a note to each possible safe house. The write path applies the same rule."""
        known = [each.entity for each in standing if each.entity is not None]
        looks = await looks_at(self.session, SERVICE, known)
        for each in standing:
            mapped, document = each.mapped, each.mapped.document
            if document is None or level_of(document) >= PATHWAY:
                continue
            recorded = each.record.organization if each.record is not None else None
            organization = document.get("organization") or recorded
            plain = house_words(document, organization)
            beside = mapped.beside
            words = house_words(document, organization, beside) if beside else plain
            mapped.heard = words - plain
            if looks.get(each.entity or UUID(int=0), NOBODY).waiting(words):
                mapped.placeless = True
                mapped.notes.append(note("may_be_house", before=", ".join(sorted(words))))

    async def _keep_closed(self, standing: Sequence[Standing]) -> None:
        """Keep every restriction that a person set here since the last file, and add notes. This covers hidden parts,
        status, withdrawal and level."""
        kept = [each for each in standing if each.record is not None and each.mapped.document]
        ended = await withdrawn_by_hand(self.session, [each.record for each in kept])
        for each in kept:
            if each.entity in ended:
                each.mapped.notes.append(note("end_kept"))
        await self._keep_hidden(kept)
        await self._keep_shut(kept)
        await self._keep_levels(kept)

    async def _keep_hidden(self, standing: Sequence[Standing]) -> None:
        hidden = [
            (each, kept)
            for each in standing
            for document in [each.mapped.document or {}]
            if (kept := keeping_hidden(each.record.document, document)) != document
        ]
        ids = [each.record.id for each, _ in hidden]
        by_hand = await changed_by_hand(self.session, KIND, ids, or_entered=True) if ids else ()
        for each, kept in hidden:
            if each.record.id in by_hand:
                each.mapped.document = kept
                each.mapped.notes.append(note("hidden_kept"))

    async def _keep_shut(self, standing: Sequence[Standing]) -> None:
        shut = [
            each
            for each in standing
            if is_closed(each.record.document) and not is_closed(each.mapped.document or {})
        ]
        ids = [each.record.id for each in shut]
        by_hand = await said_by_hand(self.session, KIND, ids, STATUS) if ids else ()
        for each in shut:
            if each.record.id not in by_hand:
                continue
            mapped, stands = each.mapped, each.record.document["functional_status"]
            document = mapped.document or {}
            said = (document.get("functional_status") or {}).get("code", "unknown")
            mapped.notes.append(note("closing_kept", "functional_status", said, stands["code"]))
            mapped.document = {**document, "functional_status": stands}

    async def _keep_levels(self, standing: Sequence[Standing]) -> None:
        opened = [
            each
            for each in standing
            if level_of(each.mapped.document or {}) < level_of(each.record.document)
        ]
        ids = [each.record.id for each in opened]
        levels = await levels_set_by_hand(self.session, KIND, ids) if ids else {}
        for each in opened:
            mapped, document = each.mapped, each.mapped.document or {}
            level = levels.get(each.record.id, PUBLIC)
            if level_of(document) < level:
                said, floor = NAMES[level_of(document)], NAMES[level]
                mapped.notes.append(note("visibility_kept", "visibility", said, floor))
                mapped.document = without_unstorable({**document, "visibility": floor})[0]

    async def _keep_full_records(self, rows: Sequence[Mapped]) -> None:
        """Refuse partial copies of services that the caller can see here: they would erase the parts that the exporter
        could not see. In another directory, such a copy is an ordinary service."""
        partial = {
            UUID(mapped.document["id"]): mapped
            for mapped in rows
            if mapped.abridged and mapped.document and "id" in mapped.document
        }
        if not partial:
            return
        for known in await shown(self.session, self.caller, partial):
            partial[known].notes.append(note("abridged_copy"))

    async def _crosswalk(self, standing: Sequence[Standing], said: Sequence[Sequence[str]]) -> None:
        """Apply the decisions about the rows' terms. The file's own categories remain. Categories that a decision added
        to a record do not count as the record's own."""
        if self.space.own:
            return
        decided = await decided_in(self.session, self.space.source)
        known = [each.entity for each in standing if each.entity is not None]
        before = await additions_of(self.session, known)
        for each, own in zip(standing, said, strict=True):
            mapped, entity = each.mapped, each.entity
            if mapped.document is None:
                continue
            mapped.terms = tuple(terms_in(mapped.document))
            kept = own or mapped.document.get("categories", [])
            if not own and entity is not None:
                kept = without(kept, before.get(entity, []))
            mapped.undecided = [term for term in mapped.terms if term.key not in decided]
            if not mapped.terms and not before.get(entity or UUID(int=0)):
                continue
            level = mapped.document.get("visibility")
            mapped.document, mapped.added = crosswalked(mapped.document, kept, decided)
            if mapped.added:
                mapped.notes[:] = [n for n in mapped.notes if n.code != "category_none"]
                mapped.notes.append(note("category_decided", after=", ".join(mapped.added)))
            _decided_words(mapped, decided)
            if (raised := mapped.document.get("visibility")) != level:
                mapped.notes.append(note("visibility_raised", "visibility", level, raised))

    async def _together(self, standing: Sequence[Standing]) -> list[Written | None]:
        """Write all rows in one savepoint; store their documents once."""
        written: list[Written | None] = []
        heard: dict[UUID, frozenset[str]] = {}
        async with self.session.begin_nested():
            finish = Finish()
            for each in standing:
                if each.given is None:
                    written.append(None)
                    continue
                upserted = await upsert_service(
                    self.session,
                    self.caller,
                    each.given,
                    source=self.space.source,
                    external_id=each.mapped.external_id,
                    service_id=each.entity,
                    finish=finish,
                )
                heard[upserted.id] = each.mapped.heard
                written.append(Written(upserted.id, upserted.outcome, upserted.stored))
            if heard:
                finish.published |= await hear(self.session, heard)
            await finish.write(self.session)
        return written

    async def _recognised(
        self, rows: Sequence[Mapped]
    ) -> tuple[dict[str, UUID | None], dict[UUID, Any]]:
        ids = [mapped.external_id for mapped in rows if mapped.external_id]
        known = await by_external_ids(self.session, KIND, self.space.source, ids)
        return await recognise(self.session, self.caller, self.space, rows, known)

    async def claim(self, rows: Sequence[Mapped]) -> None:
        """Record that the other entries in the rows belong to the file's publisher."""
        source = self.space.source
        brought = [
            ExternalId(kind, source, str(own), own) for each in rows for kind, own in each.brings
        ]
        await remember(self.session, brought)

    async def _alone(self, standing: Standing) -> Written | None:
        try:
            return (await self._together([standing]))[0]
        except Problem as problem:
            standing.mapped.notes.extend(_reasons(problem))
            return None


def _uncategorised(standing: Sequence[Standing]) -> None:
    """Refuse a row without a category, because categories limit the visibility. Accept the row of a record that has none,
    as a package may contain."""
    for each in standing:
        if header := each.mapped.uncategorised:
            none_here = each.record is not None and not each.record.document.get("categories")
            each.mapped.notes.append(
                note("uncategorised" if none_here else "value_missing", header)
            )


def _keep_what_is_not_said(standing: Sequence[Standing]) -> None:
    for each in standing:
        record, onto = each.record, each.mapped.onto
        if record is not None and onto is not None and each.mapped.document:
            each.mapped.document = onto({**record.document, "organization": record.organization})


def _verified_in_time(standing: Sequence[Standing]) -> None:
    """Limit the verification periods in a file, so that no period suppresses later checks."""
    today = clock.today()
    for each in standing:
        mapped, record = each.mapped, each.record
        said = (mapped.document or {}).get("verification")
        if mapped.document is None or not isinstance(said, dict):
            continue
        before = (record.document.get("verification") or {}) if record is not None else {}
        if said != before and (kept := timely(said, before, today)) != said:
            shown = (" – ".join(str(one.get(name, "")) for name in _DAYS) for one in (said, kept))
            mapped.notes.append(note("verification_in_time", "verification", *shown))
            mapped.document = {**mapped.document, "verification": kept}


def _decided_words(mapped: Mapped, decided: Decided) -> None:
    """Remove the notes about publisher terms that are already decided."""
    words = {term.name for term in mapped.terms if term.taxonomy == WORDS and term.key in decided}
    mapped.notes[:] = [
        each for each in mapped.notes if each.code != "category_foreign" or each.before not in words
    ]


def _services(rows: Sequence[Mapped]) -> list[Mapped]:
    return [each for each in rows if not each.organization and each.vanished is None]


async def bring_organizations(
    writer: Writer, rows: Sequence[Mapped], report: Report, *, dry: bool = False
) -> None:
    known = writer.space.ours.get(organizations.KIND, set())
    documents = [organization_of(mapped) for mapped in rows]
    written = []
    for mapped, document in zip(rows, documents, strict=True):
        brought = None
        if document is not None:
            # An export of this directory may show less of an organisation than its record contains. Importing it
            # therefore changes no organisation.
            brought = await organizations.bring_in(
                writer.session,
                writer.caller,
                document,
                ours=document.id in known,
                dry=dry,
            )
        if brought is not None and document is not None:
            own = partial(own_id, writer.caller)
            stored = {**brought[1], "id": str(document.id)}
            mapped.fates = as_stored(mapped.fates, stored, {}, "not_stored", own)
            if not dry:
                written.append(mapped)
        report.bring(mapped, brought and brought[0])
    await writer.claim(written)


def _reasons(problem: Problem) -> list[Note]:
    if not problem.errors:
        return [note("not_allowed", before=problem.detail)]
    return [note("row_invalid", each.pointer.lstrip("/"), each.detail) for each in problem.errors]


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges rows for a dry run. It only reads, because writing and rolling back would make others wait."""

    session: AsyncSession
    caller: Principal
    before: Judged = field(default_factory=Judged)
    seen: dict[Any, int] = field(default_factory=dict)
    """The first row of each name, organisation and place."""

    async def write(self, rows: Sequence[Mapped], report: Report, space: Space) -> None:
        writer = Writer(self.session, self.caller, space)
        await bring_organizations(
            writer, [each for each in rows if each.organization], report, dry=True
        )
        await end_vanished(self.session, self.caller, rows, report, dry=True)
        rows = _services(rows)
        for each in await writer.prepared(rows):
            judged = await self._judged(each, space.source)
            writer.account(each.mapped, judged)
            report.add(each.mapped, judged)
        self.session.expunge_all()

    async def _judged(self, each: Standing, source: str) -> Written | None:
        if each.given is None:
            return None
        try:
            found = await judge(
                self.session, self.caller, each.given, each.entity, source, self.before
            )
        except Problem as problem:
            each.mapped.notes.extend(_reasons(problem))
            return None
        await self._compare(each.mapped, found)
        return Written(found.id, found.outcome, found.stored)

    async def _compare(self, mapped: Mapped, found: Upserted) -> None:
        """Add a note about an earlier row with the same service. If the service is new, add a note about an entry that
        looks like it."""
        document, number = dict(found.stored), mapped.number
        of, name = document.get("organization_id"), folded(document["name"])
        first = self.seen.setdefault((name, str(of), *areas_of(document)), number)
        if first != number:
            mapped.notes.append(note("row_doubled", before=first))
        elif found.outcome == "created" and len(self.seen) <= _COMPARED:
            row = Lookalike(found.id, name, phones_in(document), states_in(document), of)
            for alike in (await duplicates_of(self.session, self.caller, row))[:1]:
                mapped.notes.append(note("row_alike", before=alike.name))
