"""Prepares the rows of one service: for each level, the bytes to send and the columns to search. Both come only from
the redacted document."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from common.words.places import Places, folded

from directory.ground.hsds.columns import Columns, columns_of, point_of, sites
from directory.ground.hsds.preference import CAPACITY, NOTHING, REFERABLE, STATUS, VERIFIED
from directory.ground.hsds.views import (
    Document,
    Facts,
    Record,
    digest,
    instant,
    listed_service,
    render_service,
)
from directory.ground.hsds.visibility import levels_in

_SITES = "service_at_locations"
_LONGEST_WORD = 40


@dataclass(frozen=True)
class Prepared:
    """The document of one level. `etag` is a digest of the content without `last_modified`."""

    level: int
    full: Document
    etag: str
    columns: Columns

    def dated(self, modified_at: datetime) -> Document:
        """Return the document with `last_modified` and with its sites last."""
        core = {key: value for key, value in self.full.items() if key != _SITES}
        core["last_modified"] = instant(modified_at)
        if found := self.full.get(_SITES):
            core[_SITES] = found
        return core


@dataclass(frozen=True)
class Bodies:
    full: bytes
    core_length: int
    listed: bytes


def prepare(record: Record, facts: Facts) -> dict[int, Prepared]:
    """Return the documents by level. A level that may not know about the service has no document."""
    found: dict[int, Prepared] = {}
    begins = levels_in(record.service, record.organization)
    for level in range(4):
        below = found.get(level - 1)
        if below is not None and level not in begins:
            found[level] = replace(below, level=level)
            continue
        full = render_service(record, level, facts)
        if full is not None:
            found[level] = Prepared(level, full, digest(full), columns_of(full))
    return found


def bodies(dated: Document) -> Bodies:
    """Return the bytes of the full form and of the list form. Sites come last in the full form."""
    core = {key: value for key, value in dated.items() if key != _SITES}
    core_bytes = orjson.dumps(core)
    full = core_bytes
    if found := dated.get(_SITES):
        full = core_bytes[:-1] + b',"service_at_locations":' + orjson.dumps(found) + b"}"
    return Bodies(full, len(core_bytes) - 1, orjson.dumps(listed_service(dated)))


_TEXTS = frozenset({
    "name", "alternate_name", "description", "interpretation_services", "application_process",
    "fees_description", "wait_time", "fees", "accreditations", "eligibility_description", "licenses",
    "alert",
})  # fmt: skip


def translated(dated: Document, language: str) -> Document:
    """Return the document with its texts in `language` where a translation exists. Other fields, such as the id, are
    the same in every language."""
    texts = dated.get("translations", {}).get(language, {})
    return {**dated, **{key: text for key, text in texts.items() if key in _TEXTS}}


def within(areas: list[str]) -> list[str]:
    """Return the areas and all areas that contain them, so that a search for the state finds its municipalities."""
    places = Places.load()
    return sorted({each for area in areas for each in (area, *places.ancestors(area))})


def words(columns: Columns) -> Iterator[str]:
    """Yield plain words of a document that a mistyped query may have meant."""
    text = columns.text
    for word in folded(f"{text.name} {text.kind} {text.place} {text.prose}").split():
        if 4 <= len(word) <= _LONGEST_WORD and not word.isdigit():
            yield word


def quality(columns: Columns) -> float:
    """Return the points that rank a service if there is no other criterion: referable, functioning, with capacity,
    verified."""
    worths = (
        REFERABLE if columns.referable else NOTHING,
        STATUS.get(columns.functional_status, NOTHING),
        CAPACITY.get(columns.capacity_state or "", NOTHING),
        VERIFIED if columns.valid_until else NOTHING,
    )
    return sum(worth.search for worth in worths)


def site_rows(prepared: Prepared) -> Iterator[dict[str, Any]]:
    for site in sites(prepared.full):
        location = site.get("location", {})
        point = point_of(location)
        addresses = location.get("addresses", [])
        yield {
            "site_id": site["id"],
            "location_id": location.get("id"),
            "full_body": orjson.dumps(site),
            "list_body": orjson.dumps(listed_site_part(site)),
            "pcode": location.get("pcode"),
            "postcodes": sorted({folded(a["postal_code"]) for a in addresses if a.get("postal_code")}),
            "point": None if point is None else f"({point[1]},{point[0]})",
        }  # fmt: skip


def listed_site_part(site: Document) -> Document:
    """Return the site's own fields and those of its location. A read joins the service."""
    own = {k: v for k, v in site.items() if not isinstance(v, dict | list)}
    if location := site.get("location"):
        own["location"] = {k: v for k, v in location.items() if not isinstance(v, dict | list)}
    return own
