"""Maps Services Advisor features (UNHCR Jordan's GeoJSON) to HSDS documents. Pure: no I/O. Every changed or dropped
source word leaves a note."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from common.sight import PARTNERS
from common.words.languages import LANGUAGES
from common.words.places import folded

from directory.files.crosswalks.terms import word_attribute
from directory.files.imports.advisor.hours import schedules_of
from directory.files.imports.advisor.vocabulary import (
    Activity,
    Meaning,
    activities,
    indicator_categories,
    meanings,
)
from directory.files.imports.outcomes.mapped import Mapped, guard_visibility
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.values import cells
from directory.ground.hsds.base import without_empty
from directory.ground.hsds.visibility import level_of, without_unstorable

_NUMBERED = re.compile(r"^\s*\d+\s*\.\s*")
_ACTIVITIES = "Services Advisor activities"
_SINGLE = (
    "method",
    "next_step",
    "response_delay",
    "feedback_mechanism",
    "feedback_delay",
    "coverage",
    "frequency",
)
_READ = frozenset({
    "activity", "activityname", "activitycategory", "partnername", "locationname", "comments", "startdate", "enddate",
    "referral required",
})  # fmt: skip
# Services Advisor data is already on a public map.
DEFAULT_VISIBILITY = "public"


@dataclass(slots=True)
class _Reading:
    """The parts of a service, collected from a feature's properties."""

    notes: list[Note]
    headings: Mapping[str, str]
    """The sender's property names, by plain name."""
    codes: dict[str, list[str]] = field(default_factory=dict)
    open_to_all: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)


def is_feature(feature: object) -> bool:
    """Return whether a feature has the Services Advisor's properties."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return isinstance(properties, dict) and {"activityName", "partnerName"} <= set(properties)


def map_feature(
    feature: Mapping[str, Any],
    number: int,
    *,
    today: date,
    repeated: bool = False,
    visibility: str = DEFAULT_VISIBILITY,
) -> Mapped:
    """Map one feature. `repeated`: the file has already used the feature's id. One partner at one place uses a single
    id for all its activities, so the identity is the id plus the activity."""
    notes: list[Note] = []
    given = feature["properties"]
    headings = {_plain(name): _NUMBERED.sub("", name).strip() for name in given}
    properties = {_plain(name): value for name, value in given.items()}
    external_id = f"{feature.get('id')}/{properties.get('activity')}"
    if repeated:
        notes.append(note("id_repeated", "id", feature.get("id"), external_id))
    activity = _activity(properties, notes)
    reading = _read(properties, headings, notes)
    document = _document(feature, properties, activity, reading, today)
    document["visibility"] = visibility
    guard_visibility(document, notes, "indicators")
    if level_of(document) > PARTNERS or not activity.categories:
        # The source's name may reveal the place. Drop it if not everybody may know the place, or while the activity
        # is undecided and its level therefore unknown.
        document["name"] = activity.name_en
        document["translations"] = {code: {"name": name} for code, name in activity.names.items()}
    document, withheld = without_unstorable(without_empty(document))
    if withheld:
        notes.append(note("place_withheld"))
    beside = [
        value
        for name, value in properties.items()
        if isinstance(value, str) and name not in _READ and name not in meanings()
    ]
    return Mapped(number, external_id, document, notes, beside=beside)


def _document(
    feature: Mapping[str, Any],
    properties: Mapping[str, Any],
    activity: Activity,
    reading: _Reading,
    today: date,
) -> dict[str, Any]:
    notes = reading.notes
    partner = _tidy(properties.get("partnername"), "partnerName", notes)
    place = _tidy(properties.get("locationname"), "locationName", notes)
    offered = _offered(properties)
    categories = _categories(activity, offered, properties, notes)
    starts, ends = _period(properties, notes)
    ended = ends is not None and ends < today
    if ended:
        notes.append(note("ended", "endDate", ends))
    return {
        "name": f"{activity.name_en} – {place}",
        "description": _description(properties, offered, notes),
        "status": "inactive" if ended else "active",
        "categories": categories,
        "attributes": []
        if activity.categories
        else [word_attribute(_ACTIVITIES, activity.name_en)],
        "functional_status": {"code": "unknown", "reason": _end_reason(ends) if ended else ""},
        "organization": {"name": partner, "description": f"{partner}, listed in Services Advisor"},
        "service_areas": [{"name": place}],
        "service_at_locations": [{"location": _location(feature, place, notes)}],
        "schedules": schedules_of(properties, starts, ends, notes),
        "required_documents": [{"document": each} for each in reading.documents],
        "eligibility_description": "; ".join(reading.words),
        "eligibility": {
            "populations": reading.codes.get("populations", []),
            "nationalities": reading.codes.get("nationalities", []),
            "documents": reading.documents,
        },
        "referral": _referral(reading, properties),
        "translations": {
            code: {"name": f"{name} – {place}"} for code, name in activity.names.items()
        },
    }


def _end_reason(ends: date | None) -> str:
    return f"end date in the source: {ends}"


def _plain(name: str) -> str:
    """Return the plain name: `11. Immediate Next step response` → `immediate next step response`."""
    return folded(_NUMBERED.sub("", name))


def _tidy(value: object, column: str, notes: list[Note]) -> str:
    tidied = cells.text(value, column, notes)
    if tidied != value:
        notes.append(note("text_tidied", column, value))
    if not tidied:
        notes.append(note("value_missing", column))
    return tidied


def _activity(properties: Mapping[str, Any], notes: list[Note]) -> Activity:
    given = str(properties.get("activityname", ""))
    known = activities().get(folded(given))
    if known is None:
        notes.append(note("category_none", "activityName", given))
        name = _tidy(given, "activityName", notes)
        return Activity(dict.fromkeys(LANGUAGES, name), ())
    if folded(known.name_en).replace(" and ", " ") != folded(given).replace(" and ", " "):
        notes.append(note("text_completed", "activityName", given, known.name_en))
    return known


def _offered(properties: Mapping[str, Any]) -> list[str]:
    """Return the indicators with a value; 0 means that the partner does not offer the indicator here."""
    indicators = properties.get("indicators")
    if not isinstance(indicators, dict):
        return []
    return [str(name) for name, value in indicators.items() if value]


def _categories(
    activity: Activity,
    offered: list[str],
    properties: Mapping[str, Any],
    notes: list[Note],
) -> list[str]:
    known = indicator_categories()
    found = [known[folded(each)] for each in offered if folded(each) in known]
    if properties.get("indicators") and not offered:
        names = ", ".join(properties["indicators"])
        notes.append(note("value_unmapped", "indicators", f"0: {names}"))
    return list(dict.fromkeys([*activity.categories, *found]))


def _description(properties: Mapping[str, Any], offered: list[str], notes: list[Note]) -> str:
    comments = cells.text(properties.get("comments"), "comments", notes)
    if not comments:
        notes.append(note("description_made", "comments"))
    listed = ("Offers: " + "; ".join(" ".join(each.split()) for each in offered)) if offered else ""
    return "\n\n".join(filter(None, [comments, listed]))


def _read(
    properties: Mapping[str, Any], headings: Mapping[str, str], notes: list[Note]
) -> _Reading:
    reading = _Reading(notes, headings)
    for name, vocabulary in meanings().items():
        values = properties.get(name)
        if isinstance(values, dict) and name != "availability day":
            for value, chosen in values.items():
                if chosen:
                    _take(reading, name, str(value), vocabulary.get(folded(str(value))))
    for target in reading.open_to_all & reading.codes.keys():
        codes = ", ".join(reading.codes[target])
        notes.append(note("values_conflict", target, "open to all", codes))
    return reading


def _take(reading: _Reading, name: str, value: str, meaning: Meaning | None) -> None:
    codes = ", ".join(meaning.codes) if meaning else ""
    heading = reading.headings.get(name, name)
    if meaning is None or meaning.exactness == "text":
        reading.words.append(value)
        reading.notes.append(note("value_unmapped", heading, value))
    elif meaning.exactness == "document":
        reading.documents.append(value)
    elif meaning.codes == ("*",):
        reading.open_to_all.add(meaning.target)
    else:
        if meaning.exactness == "nearest":
            reading.notes.append(note("value_mapped", heading, value, codes))
        elif meaning.exactness == "several":
            reading.notes.append(note("value_expanded", heading, value, codes))
        kept = reading.codes.setdefault(meaning.target, [])
        kept.extend(code for code in meaning.codes if code not in kept)


def _referral(reading: _Reading, properties: Mapping[str, Any]) -> dict[str, Any]:
    referral: dict[str, Any] = {"intake_modes": reading.codes.get("intake_modes", [])}
    more: list[str] = []
    for target in _SINGLE:
        codes = reading.codes.get(target, [])
        if codes:
            referral[target] = codes[0]
        if len(codes) > 1:
            more.append(f"{target}: {', '.join(codes[1:])}")
            reading.notes.append(note("values_several", target, ", ".join(codes), codes[0]))
    if more:
        referral["notes"] = "; ".join(more)
    required = folded(str(properties.get("referral required", ""))) == "yes"
    if required and referral.get("method") in ("not_accepted", "not_required"):
        reading.notes.append(note("referral_contradiction", "Referral Method", referral["method"]))
    return referral


def _period(properties: Mapping[str, Any], notes: list[Note]) -> tuple[date | None, date | None]:
    starts = cells.day(properties.get("startdate"), "startDate", notes)
    ends = cells.day(properties.get("enddate"), "endDate", notes)
    if starts and ends and ends < starts:
        notes.append(note("dates_reversed", "endDate", f"{starts} – {ends}"))
        return None, None
    return starts, ends


def _location(feature: Mapping[str, Any], place: str, notes: list[Note]) -> dict[str, Any]:
    notes.append(note("place_unresolved", "locationName", place))
    location: dict[str, Any] = {"name": place, "location_type": "physical"}
    geometry = feature.get("geometry")
    pair = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if isinstance(pair, list) and len(pair) >= 2:
        longitude = cells.number(pair[0], "geometry", notes)
        latitude = cells.number(pair[1], "geometry", notes)
        point = cells.coordinates(latitude, longitude, "geometry", notes)
        if point is not None:
            location["latitude"], location["longitude"] = point
    return location
