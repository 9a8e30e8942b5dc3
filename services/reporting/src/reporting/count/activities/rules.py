"""Rules for one activity row: codes, places, dates, and consistent sums. Pure: it reads only the shipped code lists and
place tables. Every error message says how to correct the row, in each language."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from common.words.details import Detail
from common.words.places import Places

from reporting.count.activities import codes
from reporting.count.activities.indicators import GROUPS

MAX_COUNT = 10_000_000
EARLIEST = date(2015, 1, 1)
"""Older dates are typing errors: no response plan of this kind existed before."""
MAX_DAYS = 3 * 366


@dataclass(frozen=True, slots=True)
class Flaw:
    """An error in a row. ``field`` is a column key; ``said`` is the message for the person who filled in the row."""

    field: str
    code: str
    said: Detail

    @classmethod
    def of(cls, field: str, code: str, sentence: str, *params: object) -> Self:
        return cls(field, code, Detail.of(sentence, *params))


Row = Mapping[str, Any]
"""Values by column key: text, int, date or None."""


def flaws(row: Row, places: Places) -> tuple[Flaw, ...]:
    """Return all errors in a typed row; empty if it may be recorded."""
    checks: tuple[Callable[[Row], Iterator[Flaw]], ...] = (
        _unknown_codes,
        lambda row: _wrong_place(row, places),
        _wrong_dates,
        _wrong_counts,
    )
    return tuple(flaw for check in checks for flaw in check(row))


LISTS = {
    "type": "type",
    "status": "status",
    "org_leader_type": "organisation_type",
    "org_implementer_type": "organisation_type",
    "tlocation": "location_type",
}


def _unknown_codes(row: Row) -> Iterator[Flaw]:
    for field, name in LISTS.items():
        value = row.get(field)
        if value is not None and value not in codes.terms(name):
            allowed = ", ".join(codes.terms(name))
            yield Flaw.of(field, "unknown_code", "use_one_of", allowed)
    if row["activity_code"] not in codes.activity_codes():
        yield Flaw.of("activity_code", "unknown_code", "activity_code_is_not_in_list")
    elif row["type"] in codes.terms("type") and row["type"] not in codes.types_of(
        row["activity_code"]
    ):
        fitting = ", ".join(codes.types_of(row["activity_code"]))
        yield Flaw.of("type", "type_unlike_code", "type_does_not_fit_its_code", fitting)


def _wrong_place(row: Row, places: Places) -> Iterator[Flaw]:
    outer: str | None = None
    for field, level in (("adm1_pcode", 1), ("adm2_pcode", 2), ("adm3_pcode", 3)):
        pcode = row.get(field)
        if pcode is None:
            continue
        place = places.get(pcode)
        if place is None or place.level != level:
            yield Flaw.of(field, "unknown_place", "is_no_p_code_of_this_level")
            return
        if outer is not None and not places.within(pcode, outer):
            yield Flaw.of(field, "place_outside", "place_is_not_in", outer)
            return
        outer = pcode


def _wrong_dates(row: Row) -> Iterator[Flaw]:
    start, end = row["start"], row.get("end")
    if start < EARLIEST:
        yield Flaw.of("start", "date_too_old", "date_is_before_2015")
    if end is not None and end < start:
        yield Flaw.of("end", "ends_before_start", "end_is_before_start")
    if end is not None and (end - start).days > MAX_DAYS:
        yield Flaw.of("end", "too_long", "activity_lasts_three_years_at_most")


def _wrong_counts(row: Row) -> Iterator[Flaw]:
    for field in (*GROUPS, "reached", "quantity"):
        value = row.get(field)
        if value is not None and not 0 <= value <= MAX_COUNT:
            yield Flaw.of(field, "out_of_range", "write_number_to_ten_million")
    groups = [row[group] for group in GROUPS if row.get(group) is not None]
    reached = row.get("reached")
    if groups and reached is not None and sum(groups) != reached:
        yield Flaw.of("reached", "sum_differs", "total_is_not_sum_of_groups", sum(groups))
    if row["status"] == "Planned" and (reached or sum(groups)):
        yield Flaw.of("status", "planned_reached", "planned_activity_has_reached_nobody")


def completed(row: Row) -> dict[str, Any]:
    """Return the row with defaults: implementer = leader, the code's type, the groups' total, the start date's
    month."""
    full = dict(row)
    if full.get("org_implementer") is None:
        full["org_implementer"] = full["org_leader"]
        full["org_implementer_type"] = full.get("org_implementer_type") or full["org_leader_type"]
    if full.get("type") is None:
        code = codes.activity_codes().get(full["activity_code"])
        full["type"] = code.type if code else None
    groups = [full[group] for group in GROUPS if full.get(group) is not None]
    if full.get("reached") is None and groups:
        full["reached"] = sum(groups)
    if full.get("report_month") is None:
        full["report_month"] = full["start"].replace(day=1)
    return full
