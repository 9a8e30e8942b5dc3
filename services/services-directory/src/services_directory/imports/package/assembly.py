"""Staged rows to full HSDS services: each row becomes an object and takes its children in."""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from common import codelists

from services_directory.crosswalks.terms import OWN_TAXONOMIES
from services_directory.hsds.base import without_empty
from services_directory.hsds.visibility import without_unstorable
from services_directory.imports.outcomes.fidelity import Fate, Outcome, RowFates, as_it_is
from services_directory.imports.outcomes.mapped import Mapped, guard_visibility
from services_directory.imports.outcomes.notes import Note, Verdict, note, verdict_of
from services_directory.imports.package.convert import value_of
from services_directory.imports.package.fields import NESTED, OWNERS, WITHOUT_ATTRIBUTES, tables
from services_directory.imports.package.older import READ
from services_directory.imports.package.said import ALWAYS_SAID, said_onto
from services_directory.imports.package.staging import ENTRIES, Staged, Staging
from services_directory.imports.publishers.space import Space

_FILLED_BY_NAME = frozenset({"organization", "program", "taxonomy", "taxonomy_term"})
_CONSTANTS = {
    ("location", "location_type"): "physical",
    ("address", "address_type"): "physical",
    ("service", "status"): "active",
    ("organization_identifier", "identifier_type"): "other",
    ("attribute", "link_entity"): "service",
}
_MOST_OPEN = codelists.visibility_levels().codes[0]
_ORGANISATIONS_KEPT = 500
_SHARED_KEPT = 2_000
_DEEPEST = 6


Document = dict[str, Any]


@dataclass(slots=True)
class _Shared:
    """An object that several services have, with all that was told while it was made."""

    document: Document = dataclasses.field(default_factory=dict)
    notes: list[Note] = dataclasses.field(default_factory=list)
    fates: list[RowFates] = dataclasses.field(default_factory=list)
    brings: list[tuple[str, UUID]] = dataclasses.field(default_factory=list)


def _written_alike(value: str, given: str) -> bool:
    """But for a guarding apostrophe, and for the seconds of a time."""
    return value in (given, given.removeprefix("'"), given.removesuffix(":00"))


class Assembly:
    """`space`: where the package's ids count; ids that are no UUIDs are derived within it.
    `said`: names of what the package says of services, if only that there is none."""

    def __init__(
        self, staging: Staging, space: Space, visibility: str, said: frozenset[str] = frozenset()
    ) -> None:
        self._staging = staging
        self._said = said
        self._fates: list[RowFates] = []
        self._space = space
        self._visibility = visibility
        self._organisations: OrderedDict[str, tuple[dict[str, Any], list[Note], list[RowFates]]] = (
            OrderedDict()
        )

        self._shared: OrderedDict[tuple[str, str, int], _Shared] = OrderedDict()
        self._brings: list[tuple[str, UUID]] = []

    def service(self, staged: Staged) -> Mapped:
        notes: list[Note] = []
        self._fates = []
        self._brings = []
        document = self._object(staged, notes, 0)
        self._organization(staged, document, notes)
        self._program(staged, document, notes)
        perhaps = self._categories(document, notes)
        abridged = document.pop("abridged", "") == "yes"
        given = staged.row["id"]
        if document.get("name") is None:
            notes.append(note("value_missing", self._place(staged, "name")))
        if document["id"] != given:
            notes.append(note("id_replaced", self._place(staged, "id"), given, document["id"]))
        if verdict_of(notes) is Verdict.REFUSED:
            return Mapped(staged.line, given, None, notes, fates=self._fates)
        if document.get("functional_status", {}).get("code", "unknown") != "unknown":
            document["status"] = "active"  # shown as the functional status says, whatever is kept
        document.setdefault("visibility", self._visibility)
        guard_visibility(document, notes, "visibility", perhaps)
        document, withheld = without_unstorable(without_empty(document))
        if withheld:
            notes.append(note("place_withheld"))

        def onto(record: dict[str, Any]) -> dict[str, Any]:
            merged = said_onto(record, document, self._said | ALWAYS_SAID)
            merged.setdefault("visibility", _MOST_OPEN)  # what none means
            guard_visibility(merged, notes, "visibility", perhaps)
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
            onto=onto if self._said else None,
        )

    def organization(self, staged: Staged, *, alone: bool) -> Mapped:
        """An organisation in its own right; one that is `alone`, without services here, is shown to
        those whom the file's services are shown to."""
        notes: list[Note] = []
        self._fates = []
        self._brings = []
        document = without_empty(self._object(staged, notes, 1))
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
        """The id as a UUID: itself, or one made from it that is always the same."""
        found = self._space.identifier(table, given)
        if table in ENTRIES and found not in self._space.ours.get(table, ()):
            self._brings.append((table, found))
        return str(found)

    @staticmethod
    def _place(staged: Staged, field: str) -> str:
        return f"{tables()[staged.table].file}:{staged.line} {field}"

    def _object(self, staged: Staged, notes: list[Note], depth: int) -> dict[str, Any]:
        found = self._fields(staged, notes)
        if depth < _DEEPEST:
            held = self._staging.tables
            for name, table in NESTED.get(staged.table, {}).items():
                if table in held:
                    found[name] = self._children(staged, table, notes, depth)
            if staged.table not in WITHOUT_ATTRIBUTES:
                if "attribute" in held:
                    found["attributes"] = self._attributes(staged, notes)
                if "metadata" in held:
                    found["metadata"] = self._children(staged, "metadata", notes, depth)
        return found

    def _fields(self, staged: Staged, notes: list[Note]) -> dict[str, Any]:
        table = tables()[staged.table]
        found: dict[str, Any] = {"id": self.identifier(staged.table, staged.row["id"])}
        reasons: dict[str, str] = {}
        for field in table.plain:
            raw = staged.row.get(field.name)
            if not raw:
                continue
            before = len(notes)
            value = value_of(field, raw, self._place(staged, field.name), notes)
            reasons[field.name] = notes[-1].code if len(notes) > before else ""
            if value is not None:
                found[field.name] = value
        if parent := staged.row.get("parent_organization_id"):
            found["parent_organization_id"] = self.identifier("organization", parent)
        if ("latitude" in found) != ("longitude" in found):  # half a point is none
            half = found.pop("latitude", None) or found.pop("longitude", None)
            for name in ("latitude", "longitude"):
                found.pop(name, None)
                reasons[name] = reasons.get(name) or "coordinates_invalid"
            notes.append(note("coordinates_invalid", self._place(staged, "latitude"), half))
        fates = [self._fate(staged, name, found, reasons.get(name, "")) for name in staged.cells]
        self._fates.append((staged.key, fates))
        self._fill(staged, found, notes)
        return found

    def _fate(self, staged: Staged, name: str, found: dict[str, Any], reason: str) -> Fate:
        """What became of one value of the row."""
        table = tables()[staged.table]
        field = table.field(name)
        given = staged.row[name]
        if field is None:
            return Fate(table.file, name, Outcome.LEFT_OUT, "field_unknown")
        fate = as_it_is(table.file, name)
        if name == "id":
            same = found["id"] == given.lower()
            return fate if same else Fate(table.file, name, Outcome.CHANGED, "ids_replaced")
        if field.type == "uuid":
            return self._link_fate(staged, fate, field.references)
        if name in staged.row.get(READ, ""):
            reason = reason or "value_mapped"
        if name not in found:
            return fate.left_out(reason or "value_unreadable")
        if not reason and isinstance(found[name], str) and not _written_alike(found[name], given):
            reason = "text_tidied"
        return Fate(table.file, name, Outcome.CHANGED, reason) if reason else fate

    def _link_fate(self, staged: Staged, fate: Fate, references: str) -> Fate:
        name = fate.field
        if name in OWNERS.get(staged.table, ()):
            if name == staged.link or (staged.table, name) == ("service_at_location", "service_id"):
                return fate
            if self._staging.dangles(staged.table, staged.line, name):
                return fate.left_out("link_dangling")
            return Fate(fate.file, name, Outcome.CHANGED, "link_beside")
        if references and not self._staging.holds(references, staged.row[name]):
            return fate.left_out("link_dangling")
        return fate

    def _fill(self, staged: Staged, found: dict[str, Any], notes: list[Note]) -> None:
        """What the standard requires and the package leaves out, where a value can be given."""
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
        self, staged: Staged, table: str, notes: list[Note], depth: int
    ) -> list[dict[str, Any]]:
        found = []
        for child in self._staging.children(table, staged.table, staged.row["id"]):
            mark = len(self._fates)
            if table == "location" and self._staging.is_a_site(child.row["id"]):
                continue  # it comes with the service that is given there
            made = self._object(child, notes, depth + 1)
            if table == "service_at_location":
                self._location(child, made, notes, depth)
            if table == "service_capacity":
                self._unit(child, made, notes)
            if lacking := self._lacking(table, made):
                place = self._place(child, "").strip()
                notes.append(note("part_dropped", place, before=", ".join(lacking)))
                self._fates[mark:] = [
                    (key, [each.left_out("part_dropped") for each in fates])
                    for key, fates in self._fates[mark:]
                ]
            else:
                found.append(made)
        return found

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
        """What many services have in common is made once, and told with each of them."""
        key = (staged.table, staged.row["id"], depth)
        kept = self._shared.get(key)
        if kept is None:
            around = self._fates, self._brings
            kept = _Shared()
            self._fates, self._brings = kept.fates, kept.brings
            kept.document = make(kept.notes)
            self._fates, self._brings = around
            self._shared[key] = kept
            if len(self._shared) > _SHARED_KEPT:
                self._shared.popitem(last=False)
        notes.extend(kept.notes)
        self._fates.extend(kept.fates)
        self._brings.extend(kept.brings)
        return kept.document

    def _unit(self, capacity: Staged, made: dict[str, Any], notes: list[Note]) -> None:
        unit = self._staging.find("unit", capacity.row.get("unit_id", ""))
        if unit is not None:
            made["unit"] = self._once(unit, notes, 0, lambda own: self._fields(unit, own))

    def _attributes(self, staged: Staged, notes: list[Note]) -> list[dict[str, Any]]:
        found = []
        for each in self._staging.children("attribute", staged.table, staged.row["id"]):
            given = each.row.get("taxonomy_term_id", "")
            term = self._staging.find("taxonomy_term", given) if given else None
            if term is None:
                notes.append(note("term_unknown", self._place(each, "taxonomy_term_id"), given))
                lost = Fate(tables()[each.table].file, "", Outcome.LEFT_OUT, "term_unknown")
                self._fates.append((each.key, [replace(lost, field=name) for name in each.cells]))
                continue
            made = self._fields(each, notes)
            made["taxonomy_term"] = self._once(term, notes, 0, partial(self._term, term))
            found.append(made)
        return found

    def _term(self, staged: Staged, notes: list[Note]) -> dict[str, Any]:
        term = self._fields(staged, notes)
        if parent := staged.row.get("parent_id"):
            term["parent_id"] = self.identifier("taxonomy_term", parent)
        taxonomy = self._staging.find("taxonomy", staged.row.get("taxonomy_id", ""))
        if taxonomy is not None:
            term["taxonomy_detail"] = self._fields(taxonomy, notes)
            term.setdefault("taxonomy", term["taxonomy_detail"].get("name"))
        return term

    def _organization(self, staged: Staged, document: dict[str, Any], notes: list[Note]) -> None:
        given = staged.row.get("organization_id") or self._through_location(staged)
        organisation = self._staging.find("organization", given) if given else None
        if organisation is None:
            place = self._place(staged, "organization_id")
            notes.append(note("organisation_dangling", place, given or "–"))
            return
        if given not in self._organisations:
            own: list[Note] = []
            mark = len(self._fates)
            made = self._object(organisation, own, 1)
            self._organisations[given] = (made, own, self._fates[mark:])
            if len(self._organisations) > _ORGANISATIONS_KEPT:
                self._organisations.popitem(last=False)
            notes.extend(own)  # told once, with the first service of the organisation
        document["organization"], _, fates = self._organisations[given]
        self._fates.extend(fates)
        self.identifier("organization", given)

    def _through_location(self, staged: Staged) -> str:
        """Ohana's services belong to a location, and that to an organisation."""
        for site in self._staging.children("service_at_location", "service", staged.row["id"]):
            location = self._staging.find("location", site.row.get("location_id", ""))
            if location and location.row.get("organization_id"):
                return location.row["organization_id"]
        return ""

    def _program(self, staged: Staged, document: dict[str, Any], notes: list[Note]) -> None:
        program = self._staging.find("program", staged.row.get("program_id", ""))
        if program is not None:
            document["program"] = self._fields(program, [])
        elif given := staged.row.get("program_id"):
            notes.append(note("link_dangling", self._place(staged, "program_id"), given))

    @staticmethod
    def _categories(document: dict[str, Any], notes: list[Note]) -> list[str]:
        """Our categories from their column or from terms of our own taxonomies, whose attributes are made
        anew by the directory. Gives codes of ours in other people's taxonomies: what they mean there
        somebody decides, but a place that may be a safe house is hidden at once."""
        known = codelists.categories()
        foreign = []
        perhaps: list[str] = []
        codes: list[str] = []
        for attribute in document.get("attributes", []):
            term = attribute["taxonomy_term"]
            if not str(term.get("taxonomy", "")).startswith(OWN_TAXONOMIES):
                foreign.append(attribute)
                perhaps += [term["code"]] if term.get("code") in known else []
            elif term.get("code") in known:
                codes.append(term["code"])
        document["attributes"] = foreign
        document.setdefault("categories", list(dict.fromkeys(codes)))
        if not document["categories"]:
            shown = ", ".join(str(each["taxonomy_term"].get("name")) for each in foreign)
            notes.append(note("category_none", before=shown or "–"))
        return perhaps
