"""Writes mapped rows through the directory's own write path, many in one savepoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.auth import Principal
from common.errors import Problem
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.hsds.schemas import ServiceDocument
from services_directory.imports.mapped import Mapped, validated
from services_directory.imports.notes import Note, note
from services_directory.imports.report import Report, Written
from services_directory.organizations.service import by_external_ids
from services_directory.services.record_queries import shown
from services_directory.services.service import KIND, Together, finish_together, upsert_service


@dataclass(frozen=True, slots=True)
class Writer:
    """`source` names the space in which external ids are unique."""

    session: AsyncSession
    principal: Principal
    source: str

    async def write(self, rows: Sequence[Mapped], report: Report) -> None:
        """Write what is not refused; a row that the directory turns away is refused with why.

        First all in one savepoint, as most batches have nothing wrong. Only if one row fails are
        they written singly: a savepoint per row costs PostgreSQL a subtransaction each.
        """
        await self._keep_full_records(rows)
        documents = [validated(mapped) for mapped in rows]
        try:
            async with self.session.begin_nested():
                ids = [mapped.external_id for mapped in rows if mapped.external_id]
                together = Together(
                    external_ids=await by_external_ids(self.session, KIND, self.source, ids)
                )
                written = [
                    await self._one(mapped, document, together)
                    for mapped, document in zip(rows, documents, strict=True)
                ]
                await finish_together(self.session, together)
        except Problem:
            written = [
                await self._alone(mapped, document)
                for mapped, document in zip(rows, documents, strict=True)
            ]
        for mapped, result in zip(rows, written, strict=True):
            report.add(mapped, result)
        self.session.expunge_all()

    async def _keep_full_records(self, rows: Sequence[Mapped]) -> None:
        """Refuse partial copies of services that the caller sees here: they would lose what was not
        shown to whoever exported them. Elsewhere such a copy is a service like any other."""
        partial = {
            UUID(mapped.document["id"]): mapped
            for mapped in rows
            if mapped.abridged and mapped.document and "id" in mapped.document
        }
        if not partial:
            return
        for known in await shown(self.session, self.principal, partial):
            partial[known].notes.append(note("abridged_copy"))

    async def _one(
        self,
        mapped: Mapped,
        document: ServiceDocument | None,
        together: Together | None = None,
    ) -> Written | None:
        if document is None:
            return None
        upserted = await upsert_service(
            self.session,
            self.principal,
            document,
            source=self.source,
            external_id=mapped.external_id,
            together=together,
        )
        return Written(upserted.id, upserted.outcome)

    async def _alone(self, mapped: Mapped, document: ServiceDocument | None) -> Written | None:
        try:
            async with self.session.begin_nested():
                return await self._one(mapped, document)
        except Problem as problem:
            mapped.notes.extend(_reasons(problem))
            return None


def _reasons(problem: Problem) -> list[Note]:
    if not problem.errors:
        return [note("not_allowed", before=problem.detail)]
    return [note("row_invalid", each.pointer.lstrip("/"), each.detail) for each in problem.errors]
