"""Assembles staged rows into full HSDS services: each row becomes an object that contains its children."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from common.words import codelists

from directory.files.crosswalks.terms import OWN_TAXONOMIES
from directory.files.imports.outcomes.fidelity import Fate, Outcome, RowFates, as_it_is
from directory.files.imports.outcomes.mapped import Mapped, guard_visibility, is_placeless
from directory.files.imports.outcomes.notes import Note, Verdict, note, verdict_of
from directory.files.imports.package.convert import value_of
from directory.files.imports.package.fields import (
    NESTED,
    OWNERS,
    WITHOUT_ATTRIBUTES,
    Field,
    TableFields,
    tables,
)
from directory.files.imports.package.older import MERGED, READ
from directory.files.imports.package.said import ALWAYS_SAID, said_onto
from directory.files.imports.package.staging import ENTRIES, Staged, Staging
from directory.files.imports.publishers.space import Space, as_uuid
from directory.ground.hsds.base import without_empty
from directory.ground.hsds.visibility import without_unstorable

_FILLED_BY_NAME = frozenset({"organization", "program", "taxonomy", "taxonomy_term"})
_CONSTANTS = {
    ("location", "location_type"): "physical",
    ("address", "address_type"): "physical",
    ("service", "status"): "active",
    ("organization_identifier", "identifier_type"): "other",
    ("attribute", "link_entity"): "service",
}
APART = "~apart"
"""The link of a row that stands for one of several ids."""
_MOST_OPEN = codelists.visibility_levels().codes[0]
_ORGANISATIONS_KEPT = 500
_SHARED_KEPT = 2_000
_DEEPEST = 6


Document = dict[str, Any]
_Brings = list[tuple[str, UUID]]
_Shared = tuple[Document, list[Note], list[RowFates], _Brings]
"""An object that several services share, with the notes, outcomes and entries from building it."""


def _pruned(document: Document, table: TableFields) -> Document:
    """Drop empty parts of JSON values; other values are never empty."""
    for name in table.structures:
        if name in document:
            document |= without_empty({name: document.pop(name)})
    return document


class Assembly:
    """Assembles services. `space`: the namespace of the package's ids, within which ids that are not UUIDs are derived.
    `said`: the service fields for which the package has a column or table, even an empty one."""

    def __init__(
        self, staging: Staging, space: Space, visibility: str, said: frozenset[str] = frozenset()
    ) -> None:
        self._staging = staging
        self._said = said
        self._fates: list[RowFates] = []
        self._space = space
        self._visibility = visibility
        self._organisations: dict[str, tuple[Document, list[RowFates]]] = {}
        self._shared: dict[tuple[str, str, int], _Shared] = {}
        self._brings: _Brings = []

    def service(self, staged: Staged) -> Mapped:
        notes: list[Note] = []
        self._fates = []
        self._brings = []
        document = self._object(staged, notes, 0)
        self._organization(staged, document, notes)
        self._program(staged, document, notes)
        self._categories(document, notes)
        abridged = document.pop("abridged", "") == "yes"
        given = staged.row["id"]
        if document.get("name") is None:
            notes.append(note("value_missing", self._place(staged, "name")))
        if document["id"] != given:
            notes.append(note("id_replaced", self._place(staged, "id"), given, document["id"]))
        if verdict_of(notes) is Verdict.REFUSED:
            placeless = is_placeless({"visibility": self._visibility, **document})
            return Mapped(staged.line, given, None, notes, fates=self._fates, placeless=placeless)
        if document.get("functional_status", {}).get("code", "unknown") != "unknown":
            document["status"] = (
                "active"  # readers see the functional status, whatever this field contains
            )
        document.setdefault("visibility", self._visibility)
        guard_visibility(document, notes, "visibility")
        document, withheld = without_unstorable(_pruned(document, tables()["service"]))
        if withheld:
            notes.append(note("place_withheld"))

        def onto(record: dict[str, Any]) -> dict[str, Any]:
            merged = said_onto(record, document, self._said | ALWAYS_SAID)
            merged.setdefault("visibility", _MOST_OPEN)  # a missing level means the most open one
            guard_visibility(merged, notes, "visibility")
            if merged["visibility"] == _MOST_OPEN and "visibility" not in record:
                del merged["visibility"]
            return without_empty(without_unstorable(merged)[0])

        return Mapped(
            staged.line,
            given,
            document,
            notes,
            abridged=abridged,
            brings=self._brings,
            fates=self._fates,
            beside=[
                value
                for name, value in staged.row.items()
                if name not in tables()["service"].by_name and not name.startswith("~")
            ],
            onto=onto if self._said else None,
        )

    def organization(self, staged: Staged, *, alone: bool) -> Mapped:
        """Return an organisation from the package. An organisation that is `alone`, without services here, gets the
        level of the file's services."""
        notes: list[Note] = []
        self._fates = []
        self._brings = []
        document = self._object(staged, notes, 1)
        if alone:
            document.setdefault("visibility", self._visibility)
        return Mapped(
            staged.line,
            staged.row["id"],
            document,
            notes,
            brings=[each for each in self._brings if each[0] == staged.table],
            organization=True,
            fates=self._fates,
        )

    def identifier(self, table: str, given: str) -> str:
        """Return the id as a UUID: the id itself, or a UUID always derived in the same way."""
        found = self._space.identifier(table, given)
        if table in ENTRIES and found not in self._space.ours.get(table, ()):
            self._brings.append((table, found))
        return str(found)

    @staticmethod
    def _place(staged: Staged, field: str) -> str:
        return f"{staged.file}:{staged.line} {field}"

    def _object(self, staged: Staged, notes: list[Note], depth: int) -> dict[str, Any]:
        found = self._fields(staged, notes)
        children = self._staging.children_of(staged.table, staged.row["id"])
        if not children or depth >= _DEEPEST:
            return found
        for name, table in NESTED.get(staged.table, {}).items():
            rows = children.get(table)
            if rows and (made := self._children(rows, table, notes, depth)):
                found[name] = made
        if staged.table not in WITHOUT_ATTRIBUTES:
            rows = children.get("attribute")
            if rows and (made := self._attributes(rows, notes)):
                found["attributes"] = made
            rows = children.get("metadata")
            if rows and (made := self._children(rows, "metadata", notes, depth)):
                found["metadata"] = made
        return found

    def _fields(self, staged: Staged, notes: list[Note]) -> dict[str, Any]:
        table, row = tables()[staged.table], staged.row
        found: dict[str, Any] = {"id": self.identifier(staged.table, row["id"])}
        fates = {name: self._fate(staged, table.field(name), name) for name in staged.cells}
        changed: dict[str, Fate] = {}
        for field in table.plain:
            if row.get(field.name) and (fate := self._value(staged, field, found, notes)):
                changed[field.name] = fate
        if parent := row.get("parent_organization_id"):
            found["parent_organization_id"] = self.identifier("organization", parent)
        if ("latitude" in found) != ("longitude" in found):
            half = found.pop("latitude", None) or found.pop(
                "longitude", None
            )  # one coordinate alone is useless
            for name in ("latitude", "longitude"):
                found.pop(name, None)
                reason = changed[name].reason if name in changed else "coordinates_invalid"
                changed[name] = Fate(table.file, name, Outcome.LEFT_OUT, reason)
            notes.append(note("coordinates_invalid", self._place(staged, "latitude"), half))
        if found["id"] != row["id"].lower():
            changed["id"] = Fate(table.file, "id", Outcome.CHANGED, "ids_replaced")
        fates |= {name: fate for name, fate in changed.items() if name in fates}
        links = {name: staged.row[name] for name in fates if self._is_link(staged, name)}
        told = {**staged.named(fates), **_merged(staged, changed)}
        self._fates.append(RowFates(staged.key, told, found, links))
        self._fill(staged, found, notes)
        return found if staged.table == "service" else _pruned(found, table)

    @staticmethod
    def _is_link(staged: Staged, name: str) -> bool:
        field = tables()[staged.table].field(name)
        return name in OWNERS.get(staged.table, ()) or bool(field and field.references)

    def _value(
        self, staged: Staged, field: Field, found: Document, notes: list[Note]
    ) -> Fate | None:
        """Put the converted value into `found`. Return its outcome, or None if it is unchanged."""
        file, name, raw = tables()[staged.table].file, field.name, staged.row[field.name]
        before = len(notes)
        value = value_of(field, raw, self._place(staged, name), notes)
        reason = notes[-1].code if len(notes) > before else ""
        if name == staged.row.get(READ):
            reason = reason or "value_mapped"
        if value is None:
            return Fate(file, name, Outcome.LEFT_OUT, reason or "value_unreadable")
        found[name] = value
        if not reason and isinstance(value, str) and not _written_alike(value, raw):
            reason = "text_tidied"
        if not reason and isinstance(value, int | float) and not _is_number(value, raw):
            reason = "number_read"
        return Fate(file, name, Outcome.CHANGED, reason) if reason else None

    def _fate(self, staged: Staged, field: Field | None, name: str) -> Fate:
        """Return the outcome of a value that needs no conversion, or of a link by its target."""
        file = tables()[staged.table].file
        if field is None:
            listed = self._staging.lists(staged.key, name)
            outcome = Outcome.CHANGED if listed else Outcome.LEFT_OUT
            return Fate(file, name, outcome, "links_listed" if listed else "field_unknown")
        if name in OWNERS.get(staged.table, ()):
            if name == staged.link and self._staging.is_split(staged, name):
                return Fate(file, name, Outcome.CHANGED, "links_listed")
            if name == staged.link or (staged.table, name) == ("service_at_location", "service_id"):
                return as_it_is(file, name)
            if self._staging.dangles(staged.table, staged.line, name):
                return Fate(file, name, Outcome.LEFT_OUT, "link_dangling")
            return Fate(file, name, Outcome.CHANGED, "link_beside")
        if field.type == "uuid" and not field.references and name != "id":
            kept = as_uuid(staged.row[name])
            return (
                as_it_is(file, name) if kept else Fate(file, name, Outcome.CHANGED, "ids_replaced")
            )
        if name in staged.row.get(APART, "").split(","):
            return Fate(file, name, Outcome.CHANGED, "links_listed")
        if field.references and not self._staging.holds(field.references, staged.row[name]):
            several = self._staging.linked(field.references, staged.row[name])
            outcome = Outcome.CHANGED if several else Outcome.LEFT_OUT
            return Fate(file, name, outcome, "links_several" if several else "link_dangling")
        return as_it_is(file, name)

    def _fill(self, staged: Staged, found: dict[str, Any], notes: list[Note]) -> None:
        """Fill in required values that the package lacks, if they can be derived."""
        for field in tables()[staged.table].required:
            if field.name in found:
                continue
            filling = _CONSTANTS.get((staged.table, field.name))
            if field.name == "description" and staged.table in _FILLED_BY_NAME:
                filling = found.get("name")
            elif staged.table == "address" and filling is None:
                filling = "n/a"
            if filling:
                found[field.name] = filling
                place = self._place(staged, field.name)
                notes.append(note("required_filled", place, after=filling))

    def _children(
        self, rows: Iterable[Staged], table: str, notes: list[Note], depth: int
    ) -> list[dict[str, Any]]:
        found = []
        for child in self._apart(rows, "location") if table == "service_at_location" else rows:
            mark = len(self._fates)
            if table == "location" and self._staging.is_a_site(child.row["id"]):
                continue  # it comes with the service at that location
            made = self._object(child, notes, depth + 1)
            if table == "service_at_location":
                self._location(child, made, notes, depth)
            elif table == "service_capacity":
                self._unit(child, made, notes)
            if lacking := self._lacking(table, made):
                place = self._place(child, "").strip()
                notes.append(note("part_dropped", place, before=", ".join(lacking)))
                self._fates[mark:] = [each.left_out("part_dropped") for each in self._fates[mark:]]
            else:
                found.append(made)
        return found

    def _apart(self, rows: Iterable[Staged], table: str) -> Iterator[Staged]:
        """Yield a row that links to several rows of a table, once for each of them."""
        link = f"{table}_id"
        for row in rows:
            given = row.row.get(link, "")
            if not given or self._staging.holds(table, given):
                yield row
                continue
            linked = self._staging.linked(table, given)
            if not linked:
                yield row
            for at, each in enumerate(linked):
                own = f"{row.row['id']}@{each.row['id']}" if at else row.row["id"]
                yield replace(row, row={**row.row, "id": own, link: each.row["id"], APART: link})

    @staticmethod
    def _lacking(table: str, made: dict[str, Any]) -> list[str]:
        required = tables()[table].required
        lacking = [field.name for field in required if made.get(field.name) is None]
        if table == "service_capacity" and "unit" not in made:
            lacking.append("unit")
        if table == "service_at_location" and "location" not in made:
            lacking.append("location")
        return lacking

    def _location(self, site: Staged, made: dict[str, Any], notes: list[Note], depth: int) -> None:
        given = site.row.get("location_id", "")
        location = self._staging.find("location", given) if given else None
        if location is None:
            notes.append(note("link_dangling", self._place(site, "location_id"), given))
            return
        made["location"] = self._once(
            location, notes, depth, lambda own: self._object(location, own, depth + 1)
        )

    def _once(
        self, staged: Staged, notes: list[Note], depth: int, make: Callable[[list[Note]], Document]
    ) -> Document:
        """Build a part shared by several services once, and report it with each of them."""
        key = (staged.table, staged.row["id"], depth)
        if key not in self._shared:
            around = self._fates, self._brings
            told: list[Note] = []
            self._fates, self._brings = [], []
            self._shared[key] = (make(told), told, self._fates, self._brings)
            self._fates, self._brings = around
            if len(self._shared) > _SHARED_KEPT:
                del self._shared[next(iter(self._shared))]
        document, told, fates, brings = self._shared[key]
        notes.extend(told)
        self._fates.extend(fates)
        self._brings.extend(brings)
        return document

    def _unit(self, capacity: Staged, made: dict[str, Any], notes: list[Note]) -> None:
        units = self._staging.linked("unit", capacity.row.get("unit_id", ""))
        if units:
            made["unit"] = self._once(units[0], notes, 0, partial(self._fields, units[0]))

    def _attributes(self, rows: Iterable[Staged], notes: list[Note]) -> list[dict[str, Any]]:
        found = []
        for each in self._apart(rows, "taxonomy_term"):
            given = each.row.get("taxonomy_term_id", "")
            term = self._staging.find("taxonomy_term", given) if given else None
            if term is None:
                notes.append(note("term_unknown", self._place(each, "taxonomy_term_id"), given))
                file = tables()[each.table].file
                lost = {
                    name: Fate(file, name, Outcome.LEFT_OUT, "term_unknown") for name in each.cells
                }
                self._fates.append(RowFates(each.key, each.named(lost)))
                continue
            made = self._fields(each, notes)
            made["taxonomy_term"] = self._once(term, notes, 0, partial(self._term, term))
            found.append(made)
        return found

    def _term(self, staged: Staged, notes: list[Note]) -> dict[str, Any]:
        term = self._fields(staged, notes)
        if parent := staged.row.get("parent_id"):
            term["parent_id"] = self.identifier("taxonomy_term", parent)
        for taxonomy in self._staging.linked("taxonomy", staged.row.get("taxonomy_id", ""))[:1]:
            term["taxonomy_detail"] = self._fields(taxonomy, notes)
            term.setdefault("taxonomy", term["taxonomy_detail"].get("name"))
        return term

    def _organization(self, staged: Staged, document: dict[str, Any], notes: list[Note]) -> None:
        given = staged.row.get("organization_id") or self._through_location(staged)
        several = self._staging.linked("organization", given)
        place = self._place(staged, "organization_id")
        if not several:
            code = "organisation_dangling" if given else "organisation_missing"
            notes.append(note(code, place, given))
            return
        organisation, listed = several[0], given
        given = organisation.row["id"]
        if len(several) > 1:
            notes.append(note("links_several", place, listed, given))
        if given not in self._organisations:
            # The organisation's notes appear only once, with its first service.
            mark = len(self._fates)
            made = self._object(organisation, notes, 1)
            self._organisations[given] = (made, self._fates[mark:])
            if len(self._organisations) > _ORGANISATIONS_KEPT:
                del self._organisations[next(iter(self._organisations))]
        document["organization"], fates = self._organisations[given]
        self._fates.extend(fates)
        self.identifier("organization", given)

    def _through_location(self, staged: Staged) -> str:
        """Return the organisation's id by way of the location, because in Ohana, services belong to locations."""
        children = self._staging.children_of("service", staged.row["id"])
        for site in children.get("service_at_location", ()):
            for location in self._staging.linked("location", site.row.get("location_id", "")):
                if given := location.row.get("organization_id"):
                    return given
        return ""

    def _program(self, staged: Staged, document: dict[str, Any], notes: list[Note]) -> None:
        programs = self._staging.linked("program", staged.row.get("program_id", ""))
        if programs:
            document["program"] = self._fields(programs[0], [])
        elif given := staged.row.get("program_id"):
            notes.append(note("link_dangling", self._place(staged, "program_id"), given))

    @staticmethod
    def _categories(document: dict[str, Any], notes: list[Note]) -> None:
        """Read our categories from their column or from terms in our own taxonomies. The directory recreates these
        terms' attributes. A person decides the meaning of other terms."""
        known = codelists.categories()
        foreign = []
        codes: list[str] = []
        for attribute in document.get("attributes", []):
            term = attribute["taxonomy_term"]
            if not str(term.get("taxonomy", "")).startswith(OWN_TAXONOMIES):
                foreign.append(attribute)
            elif term.get("code") in known:
                codes.append(term["code"])
        document.pop("attributes", None)
        if foreign:
            document["attributes"] = foreign
        document.setdefault("categories", list(dict.fromkeys(codes)))
        if not document["categories"]:
            shown = ", ".join(str(each["taxonomy_term"].get("name")) for each in foreign)
            notes.append(note("category_none", before=shown or "–"))


def _merged(staged: Staged, changed: Mapping[str, Fate]) -> dict[str, Fate]:
    """Return the outcomes of cells that were merged into the row's words. Each gets a numbered field with the words'
    outcome."""
    words = changed.get("eligibility_description")
    found = {}
    for at, cell in enumerate(filter(None, staged.row.get(MERGED, "").split("\n"))):
        file, _, name = cell.rpartition("|")
        if name != "eligibility":
            fate = Fate(file, name, Outcome.CHANGED, "row_merged")
        else:
            fate = Fate(file, name, words.outcome, words.reason) if words else Fate(file, name)
        found[f"eligibility_description/{at}"] = fate
    return found


def _is_number(value: float, given: str) -> bool:
    try:
        return float(given) == value
    except ValueError:
        return False


def _written_alike(value: str, given: str) -> bool:
    """Return whether both texts are the same, apart from an escaping apostrophe and the seconds of a time."""
    return value in (given, given.removeprefix("'"), given.removesuffix(":00"))
