"""What makes one activity row acceptable: codes, places, dates and sums that agree.

Pure: it reads only the shipped code lists and place tables. Every flaw says, in each language,
what to do about it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from common.words.places import Places

from reporting.count.activities import codes
from reporting.count.activities.indicators import GROUPS
from reporting.ground.language import Text, text

MAX_COUNT = 10_000_000
EARLIEST = date(2015, 1, 1)
"""Older dates are typing mistakes: response plans of this kind did not exist before."""
MAX_DAYS = 3 * 366


@dataclass(frozen=True, slots=True)
class Flaw:
    """``field`` is a column key; ``message`` is for the person who filled the row."""

    field: str
    code: str
    message: Text


Row = Mapping[str, Any]
"""Values by column key: text, int, date or None."""


def flaws(row: Row, places: Places) -> tuple[Flaw, ...]:
    """Everything that is wrong with a typed row; empty if it may be recorded."""
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
            yield Flaw(
                field,
                "unknown_code",
                text(f"Use uno de: {allowed}.", f"Use one of: {allowed}."),
            )
    if row["activity_code"] not in codes.activity_codes():
        yield Flaw(
            "activity_code",
            "unknown_code",
            text(
                "Este código no está en la lista de actividades (hoja Listas).",
                "This code is not in the list of activities (sheet Lists).",
            ),
        )


def _wrong_place(row: Row, places: Places) -> Iterator[Flaw]:
    outer: str | None = None
    for field, level in (("adm1_pcode", 1), ("adm2_pcode", 2), ("adm3_pcode", 3)):
        pcode = row.get(field)
        if pcode is None:
            continue
        place = places.get(pcode)
        if place is None or place.level != level:
            yield Flaw(
                field,
                "unknown_place",
                text(
                    "No es un código P conocido de este nivel.",
                    "This is no known P-code of this level.",
                ),
            )
            return
        if outer is not None and not places.within(pcode, outer):
            yield Flaw(
                field,
                "place_outside",
                text(f"Este lugar no está dentro de {outer}.", f"This place is not in {outer}."),
            )
            return
        outer = pcode


def _wrong_dates(row: Row) -> Iterator[Flaw]:
    start, end = row["start"], row.get("end")
    if start < EARLIEST:
        yield Flaw(
            "start",
            "date_too_old",
            text("La fecha es anterior a 2015: revísela.", "The date is before 2015: check it."),
        )
    if end is not None and end < start:
        yield Flaw(
            "end",
            "ends_before_start",
            text("El fin es anterior al inicio.", "The end is before the start."),
        )
    if end is not None and (end - start).days > MAX_DAYS:
        yield Flaw(
            "end",
            "too_long",
            text(
                "Una actividad dura como máximo tres años: use una fila por periodo.",
                "An activity lasts three years at most: use one row per period.",
            ),
        )


def _wrong_counts(row: Row) -> Iterator[Flaw]:
    for field in (*GROUPS, "reached", "quantity"):
        value = row.get(field)
        if value is not None and not 0 <= value <= MAX_COUNT:
            yield Flaw(
                field,
                "out_of_range",
                text(
                    "Escriba un número entero entre cero y diez millones.",
                    "Write a whole number between zero and ten million.",
                ),
            )
    groups = [row[group] for group in GROUPS if row.get(group) is not None]
    reached = row.get("reached")
    if groups and reached is not None and sum(groups) != reached:
        yield Flaw(
            "reached",
            "sum_differs",
            text(
                f"El total no es la suma de los grupos ({sum(groups)}): corrija o deje vacío.",
                f"The total is not the sum of the groups ({sum(groups)}): correct it or leave it empty.",
            ),
        )
    if row["status"] == "Planned" and (reached or sum(groups)):
        yield Flaw(
            "status",
            "planned_reached",
            text(
                "Una actividad planificada aún no alcanza a nadie: cambie el estado o los números.",
                "A planned activity has reached nobody yet: change the status or the numbers.",
            ),
        )


def completed(row: Row) -> dict[str, Any]:
    """The row with its defaults: implementer = leader, type of the code, total of the groups,
    month of the start date."""
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
