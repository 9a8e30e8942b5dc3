"""Decides which publisher a file's ids belong to.

An id of another publisher's entry never leads to that entry, and an earlier file is recognised under any name. Each
publisher of an organisation has a namespace, `<organisation>:<name>`. The caller may name one; a file that does not
match the entries under that name gets its own namespace.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from common.auth import Principal
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.imports.options import Options
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.publishers.likeness import Likeness, Signs, likeness, signs_of
from directory.files.imports.publishers.space import Space, as_uuid
from directory.ground.entries.ids import own_id
from directory.ground.identities.queries import in_any_space, is_used, registered
from directory.record.locations import service as places
from directory.record.organizations import service as organizations
from directory.record.services.queries import compared
from directory.record.taxonomies.service import taxonomy_names, term_names

SERVICE = "service"
_AT_ONCE = 5_000


@dataclass(slots=True)
class _Score:
    """The number of sampled rows that match the stored entries with their ids."""

    alike: int = 0
    perhaps: int = 0
    unlike: int = 0

    def add(self, found: Likeness) -> None:
        if found is Likeness.ALIKE:
            self.alike += 1
        elif found is Likeness.PERHAPS:
            self.perhaps += 1
        else:
            self.unlike += 1

    def is_the_same(self, *, trusted: bool) -> bool:
        for_it = self.alike + (self.perhaps if trusted else 0)
        return for_it > 0 and for_it >= self.unlike


async def settle(
    session: AsyncSession,
    caller: Principal,
    options: Options,
    digest: bytes,
    sample: Sequence[Mapped],
    ids: Mapping[str, Mapping[UUID, str]],
) -> tuple[Space, list[Note]]:
    """Return the file's namespace and notes about it. `digest` is the file's digest, which names a new namespace. `ids`
    contains the UUIDs in a package with their names, by kind of entry."""
    fresh = f"{options.source}~{digest.hex()[:8]}"
    source, own = await _space_of(session, caller, options, fresh, sample)
    space = Space(source, own=own)
    if not own:
        for kind, given in ids.items():
            space.ours[kind], space.taken[kind] = await _whose(session, caller, kind, source, given)
    told: list[Note] = []
    if source == fresh:
        told.append(note("publisher_apart", before=label(options.source), after=label(source)))
    elif source != options.source:
        told.append(note("publisher_recognised", before=label(options.source), after=label(source)))
    if taken := sum(map(len, space.taken.values())):
        told.append(note("ids_taken", before=taken))
    return space, told


def label(source: str) -> str:
    """Return a namespace's name without its organisation."""
    return source.partition(":")[2]


async def _space_of(
    session: AsyncSession,
    caller: Principal,
    options: Options,
    fresh: str,
    sample: Sequence[Mapped],
) -> tuple[str, bool]:
    signs = _signs(sample)
    scores, own = await _scores(session, caller, signs)
    if own * 2 >= len(signs) > 0:
        return options.source, True  # the file is an export from this directory
    at_base = scores.get(options.source)
    if at_base is not None and at_base.is_the_same(trusted=True):
        return options.source, False
    known = [
        (score.alike, source)
        for source, score in scores.items()
        if source != options.source and score.is_the_same(trusted=False)
    ]
    # Switch away from a namespace that the caller named only if at least half of the rows match another one.
    enough = len(signs) / 2 if options.named else 1
    best = max(known, default=(0, ""))
    if best[0] >= max(enough, 1):
        return best[1], False
    if at_base is not None:
        return fresh, False
    if options.named or not await is_used(session, options.source):
        return options.source, False
    return fresh, False


def _signs(sample: Iterable[Mapped]) -> dict[str, Signs]:
    return {
        mapped.external_id: signs_of(mapped.document)
        for mapped in sample
        if mapped.external_id and mapped.document
    }


async def _scores(
    session: AsyncSession, caller: Principal, signs: Mapping[str, Signs]
) -> tuple[dict[str, _Score], int]:
    """Return the scores by namespace, and the number of rows that are directory entries under their own ids."""
    known = await in_any_space(session, SERVICE, caller.organisation, signs)
    forms = _forms(caller, signs)
    entities = {each.entity_id for each in known} | {each for two in forms.values() for each in two}
    stored = await _stored(session, caller, entities)
    scores: dict[str, _Score] = {}
    for each in known:
        if each.entity_id in stored:
            found = likeness(signs[each.external_id], stored[each.entity_id])
            scores.setdefault(each.source, _Score()).add(found)
    named = {each.external_id for each in known}
    own = sum(
        1
        for key, entities_of in forms.items()
        if key not in named
        and any(each in stored and likeness(signs[key], stored[each]) for each in entities_of)
    )
    return scores, own


async def _stored(
    session: AsyncSession, caller: Principal, entities: Collection[UUID]
) -> dict[UUID, Signs]:
    rows = await compared(session, caller, entities)
    return {row.id: signs_of(row.document, row.organization) for row in rows}


def _forms(caller: Principal, ids: Iterable[str]) -> dict[str, tuple[UUID, ...]]:
    """Return the ids under which an entry may be stored. For a UUID, these are the UUID itself and the id that the
    directory derives for this organisation (`own_ids`)."""
    return {
        key: tuple(dict.fromkeys((found, own_id(caller, found))))
        for key in ids
        if (found := as_uuid(key)) is not None
    }


async def _whose(
    session: AsyncSession, caller: Principal, kind: str, source: str, given: Mapping[UUID, str]
) -> tuple[set[UUID], set[UUID]]:
    """Return the ids that came from this namespace, and the ids of other publishers' entries."""
    ours: set[UUID] = set()
    taken: set[UUID] = set()
    ids = list(given)
    for start in range(0, len(ids), _AT_ONCE):
        chunk = ids[start : start + _AT_ONCE]
        here = await registered(session, kind, source, chunk)
        names = await _NAMES[kind](session, caller, [each for each in chunk if each not in here])
        ours |= here
        taken |= {key for key, name in names.items() if folded(name) != folded(given[key])}
    return ours, taken


async def _place_names(
    session: AsyncSession, caller: Principal, ids: Collection[UUID]
) -> dict[UUID, str]:
    """For each id, return a name that matches nothing, so that a file never overwrites places that others entered. If
    the caller may not read a place, the directory assigns a new id (`own_ids`)."""
    given = {form: each for each in ids for form in (each, own_id(caller, each))}
    return {given[form]: "\0" for form in await places.editable(session, caller, given)}


_NAMES: Mapping[str, Any] = {
    "organization": organizations.names,
    "location": _place_names,
    "taxonomy": taxonomy_names,
    "taxonomy_term": term_names,
}


async def recognise(
    session: AsyncSession,
    caller: Principal,
    space: Space,
    rows: Sequence[Mapped],
    known: Mapping[str, UUID | None],
) -> tuple[dict[str, UUID | None], dict[UUID, Any]]:
    """Find the entry for each external id. Return the entries, and the records that were compared.

    `known` contains the ids in this namespace. An id from another namespace or from the directory counts only if the
    entry matches the service. If another entry already has a document's id, the document gets a new one. A row whose
    own id belongs to another organisation's service is refused.
    """
    signs = _signs(rows)
    missing = [key for key in signs if known.get(key) is None]
    elsewhere = await in_any_space(session, SERVICE, caller.organisation, missing)
    forms = _forms(caller, missing)
    wanted = {entity for key in signs if (entity := known.get(key)) is not None}
    wanted |= {each.entity_id for each in elsewhere} | {
        each for two in forms.values() for each in two
    }
    records = {row.id: row for row in await compared(session, caller, wanted)}
    stored = {key: signs_of(row.document, row.organization) for key, row in records.items()}
    found = dict(known)
    for each in elsewhere:
        signed = stored.get(each.entity_id)
        if signed and likeness(signs[each.external_id], signed) is Likeness.ALIKE:
            found[each.external_id] = each.entity_id
    enough = Likeness.PERHAPS if space.own else Likeness.ALIKE
    for key, entities in forms.items():
        known_as = [each for each in entities if each in stored]
        like = [each for each in known_as if likeness(signs[key], stored[each]) >= enough]
        if like and found.get(key) is None:
            found[key] = like[0]
    for mapped in rows:
        _apply(caller, mapped, space, signs, known, found, stored)
    return found, records


def _apply(
    caller: Principal,
    mapped: Mapped,
    space: Space,
    signs: Mapping[str, Signs],
    known: Mapping[str, UUID | None],
    found: Mapping[str, UUID | None],
    stored: Mapping[UUID, Signs],
) -> None:
    key = mapped.external_id
    if key is None or key not in signs or mapped.document is None:
        return
    entity = known.get(key)
    if entity is not None:
        signed = stored.get(entity)
        if signed and likeness(signs[key], signed) is Likeness.UNLIKE:
            mapped.notes.append(
                note("id_of_another", "id", key, f"{signed.name} ({signed.organisation})")
            )
        return
    given = as_uuid(str(mapped.document.get("id", "")))
    if given is None or found.get(key) is not None:
        return
    if given in stored or own_id(caller, given) in stored:
        mapped.document["id"] = str(own := uuid5(space.namespace, f"service:{given}"))
        mapped.notes.append(note("id_replaced", "id", given, own))
