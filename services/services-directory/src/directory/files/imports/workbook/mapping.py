"""Maps one row of the service-mapping workbook to an HSDS document. Pure: no I/O."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from common.words import codelists
from common.words.places import Place, Places, Point, folded

from directory.files.crosswalks.terms import WORDS, own_words, word_attribute
from directory.files.imports.outcomes.mapped import Mapped, guard_visibility, is_placeless
from directory.files.imports.outcomes.notes import Verdict, note, verdict_of
from directory.files.imports.values import cells, opening_hours
from directory.files.imports.values.place_cells import PlaceCells, far_from, place_of
from directory.files.imports.workbook.flat import cells_of
from directory.files.imports.workbook.merge import changed_onto
from directory.files.imports.workbook.row import Row
from directory.ground.hsds.base import without_empty
from directory.ground.hsds.visibility import without_unstorable

DEFAULT_VISIBILITY = "partners"
_NONE = "n/a"  # HSDS requires these parts of an address, but many places have no postal code.
_NO_PLACES: Mapping[str, str] = {}
_URGENCIES = ("emergency", "routine")


def map_row(
    raw: Mapping[str, object],
    number: int,
    *,
    headers: Mapping[str, str] | None = None,
    visibility: str | None = None,
    country: str = "",
    named: bool = False,
    places: Mapping[str, str] = _NO_PLACES,
) -> Mapped:
    """Map one row. `raw` contains the cell values by column key. `visibility` and `country` fill empty cells. With
    `named`, an unknown word in `categories` is a category of the publisher; otherwise it is an error. `places` contains
    the sender's P-codes by name. A refused row has no document."""
    row = Row(number, raw, headers or {}, [])
    place = _place(row, country, places)
    document = _document(row, place, visibility, country, named=named)
    external_id = row.text("external_id") or _made_id(row, document, place)
    if verdict_of(row.notes) is Verdict.REFUSED:
        placeless = is_placeless(document)
        return Mapped(number, external_id, None, row.notes, placeless=placeless)
    guard_visibility(document, row.notes, row.header("visibility"))
    document, withheld = without_unstorable(without_empty(document))
    if withheld:
        row.notes.append(note("place_withheld"))
    _name_sites(document)
    if (own := _as_uuid(external_id)) is not None:
        document["id"] = own  # one of our ids, as in our exports, identifies the same service
    abridged = row.yes_no("abridged") is True

    def onto(record: dict[str, Any]) -> dict[str, Any]:
        cells = {key: value for key, value in cells_of(record).items() if key in raw}
        base = _as_shown({**cells, "external_id": external_id}, visibility, country)
        given = {key: value for key, value in document.items() if key != "id"}
        if "id" not in document and (words := own_words(record)):
            base["attributes"] = words
        if "attributes" in given and "categories" not in given:
            base = _without_ours(
                base
            )  # the file uses the publisher's own words, so our categories stay
        own = {key: value for key, value in record.items() if key != "organization"}
        return changed_onto(own, base, given)

    uncategorised = "" if row.text("categories") else row.header("categories")
    return Mapped(
        number, external_id, document, row.notes, abridged=abridged, onto=onto, uncategorised=uncategorised
    )  # fmt: skip


def _without_ours(base: dict[str, Any]) -> dict[str, Any]:
    """Return the document without its categories and the areas derived from them."""
    steps = [each for each in base.get("pathway", []) if each.keys() - {"aor"}]
    return without_empty({**base, "categories": [], "pathway": steps})


def _as_shown(raw: Mapping[str, object], visibility: str | None, country: str) -> dict[str, Any]:
    """Return the document for these cells, valid or not."""
    row = Row(0, raw, {}, [])
    document = _document(row, _place(row, country), visibility, country)
    guard_visibility(document, [], "")
    document, _ = without_unstorable(without_empty(document))
    _name_sites(document)
    return document


def _name_sites(document: dict[str, Any]) -> None:
    """Name an unnamed site after its area. For a restricted site, use the area that readers see."""
    for site in document.get("service_at_locations", []):
        place = Places.load().get(site["location"].get("pcode", ""))
        if place is not None:
            site["location"].setdefault("name", place.name)


def _as_uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _document(
    row: Row, place: Place | None, visibility: str | None, country: str, *, named: bool = False
) -> dict[str, Any]:
    level = _visibility(row, visibility)
    minimum, maximum = _ages(row)
    categories, own_terms = _categories(row, named=named)
    documents = row.texts("documents")
    return {
        "name": row.required("name"),
        "description": row.text("description"),
        "email": row.email("email"),
        "url": row.url("website"),
        "status": "active",
        "application_process": row.text("application_process"),
        "fees_description": row.text("fees"),
        "minimum_age": minimum,
        "maximum_age": maximum,
        "alert": row.text("alert"),
        "organization": _organization(row),
        "categories": categories,
        "attributes": own_terms,
        "pathway": _pathway(row, categories),
        "phones": _phones(row),
        "contacts": _contacts(row, level),
        "languages": _languages(row),
        "schedules": _schedules(row),
        "service_areas": [
            {"name": area.name, "extent": area.pcode, "extent_type": "pcode"}
            for area in row.places("areas_served", row.text("country") or country)
        ],
        "service_at_locations": [{"location": _location(row, place)}],
        "required_documents": [{"document": each} for each in documents],
        "visibility": level,
        "functional_status": _functional_status(row),
        "capacity_state": row.code("capacity_state"),
        "provider_level": row.code("provider_level"),
        "pre_crisis": _pre_crisis(row),
        "eligibility": {
            "sex": row.codes("sex"),
            "populations": row.codes("populations"),
            "nationalities": row.countries("nationalities"),
            "documents": documents,
            "exclusions": row.text("exclusions"),
        },
        "referral": _referral(row),
        "verification": _verification(row),
        "translations": {
            "en": {"name": row.text("name_en"), "description": row.text("description_en")}
        },
    }


def _place(row: Row, country: str, places: Mapping[str, str] = _NO_PLACES) -> Place | None:
    def named(key: str) -> str:
        said = row.text(key)
        accepted = places.get(folded(said), "")
        if accepted:
            row.notes.append(note("place_accepted", row.header(key), said, accepted))
        return accepted or said

    return place_of(
        PlaceCells(
            pcode=row.text("pcode"),
            admin1=named("admin1"),
            admin2=named("admin2"),
            admin3=named("admin3"),
            country=row.text("country") or country,
            point=_point(row),
        ),
        row.notes,
    )


def _point(row: Row) -> Point | None:
    """Return the row's point without adding notes, because `_location` adds them."""
    quiet = Row(row.number, row.raw, row.headers, [])
    pair = quiet.number_of("latitude"), quiet.number_of("longitude")
    found = cells.coordinates(*pair, "", [])
    return Point(*found) if found else None


def _made_id(row: Row, document: Mapping[str, Any], place: Place | None) -> str:
    """Return an id derived from name, organisation and place, so that the same row always means the same service."""
    parts = (document["organization"]["name"], document["name"], place.pcode if place else "")
    digest = hashlib.sha256("\n".join(folded(part) for part in parts).encode()).hexdigest()[:20]
    made = f"row:{digest}"
    row.notes.append(note("id_missing", row.header("external_id"), after=made))
    return made


def _organization(row: Row) -> dict[str, Any]:
    name = row.required("organisation")
    return {
        "id": row.identifier("organisation_id"),
        "name": name,
        "description": name,
        "organization_type": row.code("organisation_type"),
    }


def _visibility(row: Row, default: str | None) -> str:
    given = row.code("visibility")
    if given is None:
        given = default or DEFAULT_VISIBILITY
        if not row.text("visibility"):
            row.notes.append(note("visibility_assumed", row.header("visibility"), after=given))
    return given


def _more_closed(one: str, other: str) -> str:
    levels = codelists.visibility_levels().codes
    return max(one, other, key=levels.index)


def _categories(row: Row, *, named: bool) -> tuple[list[str], list[dict[str, Any]]]:
    """Return our categories, and the publisher's own words as terms that a person must map."""
    if not named:
        return row.codes("categories"), []
    codes, words = row.codes_and_others("categories")
    header = row.header("categories")
    row.notes.extend(note("category_foreign", header, word) for word in words)
    return codes, [word_attribute(WORDS, word) for word in words]


def _pathway(row: Row, categories: list[str]) -> list[dict[str, Any]]:
    """Return the given steps, plus one step for each other AoR to which the categories belong."""
    steps = [step for text in row.texts("pathway_steps") if (step := _step(row, text))]
    named = {step["aor"] for step in steps}
    aors = dict.fromkeys(codelists.categories()[code].pathway for code in categories)
    return steps + [{"aor": aor} for aor in aors if aor not in named and aor != "MULTI"]


def _step(row: Row, text: str) -> dict[str, Any] | None:
    aor, step, urgency = ([part.strip() for part in text.split(":", 2)] + ["", ""])[:3]
    known = codelists.pathways()
    if aor.upper() not in known or (urgency and urgency.lower() not in _URGENCIES):
        allowed = f"{'|'.join(known)}:…:{'|'.join(_URGENCIES)}"
        row.notes.append(note("value_unknown", row.header("pathway_steps"), text, allowed))
        return None
    return {"aor": aor.upper(), "step": step, "urgency": urgency.lower() or None}


def _ages(row: Row) -> tuple[int | None, int | None]:
    minimum, maximum = row.age("minimum_age"), row.age("maximum_age")
    if minimum is not None and maximum is not None and minimum > maximum:
        row.notes.append(note("ages_reversed", row.header("minimum_age"), f"{minimum} > {maximum}"))
    return minimum, maximum


def _phones(row: Row) -> list[dict[str, Any]]:
    level = row.code("phone_visibility")
    return [{"number": number, "visibility": level} for number in row.texts("phone")]


def _contacts(row: Row, service_level: str) -> list[dict[str, Any]]:
    name, title = row.text("contact_name"), row.text("contact_role")
    level = row.code("contact_visibility") or _more_closed(DEFAULT_VISIBILITY, service_level)
    return [{"name": name, "title": title, "visibility": level}] if name or title else []


def _languages(row: Row) -> list[dict[str, Any]]:
    names = codelists.languages()
    return [{"code": code, "name": names[code].label_en} for code in row.codes("languages")]


def _schedules(row: Row) -> list[dict[str, Any]]:
    text = row.text("hours")
    if not text:
        return []
    try:
        return opening_hours.parse(text)
    except opening_hours.UnreadableHoursError:
        row.notes.append(note("hours_unreadable", row.header("hours"), text))
        return [{"description": text}]


def _location(row: Row, place: Place | None) -> dict[str, Any]:
    point = cells.coordinates(
        row.number_of("latitude"),
        row.number_of("longitude"),
        row.header("latitude"),
        row.notes,
        Places.load().point(place.pcode) if place else None,
    )
    address = row.text("address")
    kind = row.code("location_type") or "physical"
    location: dict[str, Any] = {
        "name": row.text("location_name"),
        "location_type": kind,
        "visibility": row.code("location_visibility"),
        "pcode": place.pcode if place else None,
    }
    if point is not None:
        location["latitude"], location["longitude"] = point
        if place is not None and (far := far_from(place, Point(*point))) is not None:
            away, nearer = far
            shown = f"{away} km, {nearer.name} ({nearer.pcode})"
            row.notes.append(note("point_far", row.header("latitude"), place.name, shown))
    if address:
        location["addresses"] = [_address(address, kind, place)]
    return location


def _address(text: str, kind: str, place: Place | None) -> dict[str, Any]:
    lineage = [place.pcode, *Places.load().ancestors(place.pcode)] if place else []
    by_level = {found.level: found for code in lineage if (found := Places.load().get(code))}
    city = by_level.get(2) or by_level.get(1)
    return {
        "address_1": text,
        "city": city.name if city else _NONE,
        "state_province": by_level[1].name if 1 in by_level else _NONE,
        "postal_code": _NONE,
        "country": by_level[0].pcode if 0 in by_level else _NONE,
        "address_type": kind,
    }


def _functional_status(row: Row) -> dict[str, Any]:
    code = row.code("functional_status")
    since = row.day("functional_since")
    return {"code": code, "since": since.isoformat() if since else None} if code else {}


def _pre_crisis(row: Row) -> dict[str, Any]:
    existed = row.yes_no("pre_crisis")
    return {} if existed is None else {"existed": existed}


def _referral(row: Row) -> dict[str, Any]:
    return {
        "intake_modes": row.codes("intake_modes"),
        "method": row.code("referral_method"),
        "response_delay": row.code("response_delay"),
        "next_step": row.code("next_step"),
        "feedback_mechanism": row.code("feedback_mechanism"),
        "feedback_delay": row.code("feedback_delay"),
        "coverage": row.code("coverage"),
        "frequency": row.code("frequency"),
        "focal_role": row.text("focal_role"),
        "hours": row.text("referral_hours"),
        "intermediary": row.text("intermediary"),
        "notes": row.text("referral_notes"),
    }


def _verification(row: Row) -> dict[str, Any]:
    verified, until = row.day("verified_at"), row.day("valid_until")
    return {
        "verified_at": verified.isoformat() if verified else None,
        "valid_until": until.isoformat() if until else None,
    }
